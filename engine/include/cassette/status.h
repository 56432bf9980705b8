/*
 * The one status type, and the detail that travels with an operation.
 *
 * Expected outcomes are handled by the caller; faults are passed up unchanged. CAS_CORRUPT is never folded into
 * CAS_IO: a disk that cannot be read may be read tomorrow, wrong bytes stay wrong.
 *
 * Threads: every function here may be called from any thread; a struct cas_error belongs to one operation.
 */
#ifndef CASSETTE_STATUS_H
#define CASSETTE_STATUS_H

#ifdef __cplusplus
extern "C" {
#endif

#define CAS_API __attribute__((visibility("default")))
#define CAS_MUST_USE __attribute__((warn_unused_result))

typedef enum cas_status {
  CAS_OK = 0,

  /* Expected outcomes. */
  CAS_NOT_FOUND,   /* what was asked for does not exist */
  CAS_EXISTS,      /* what was to be created is there already */
  CAS_BUSY,        /* another process holds the store, or a limit is reached for the moment */
  CAS_END,         /* an iteration has no more elements, or was stopped by its callback */
  CAS_REFUSED,     /* the input cannot be taken: not DICOM, no identity, malformed; the detail says why */
  CAS_INVALID,     /* the caller's argument is wrong: a name, a query, a configuration */
  CAS_UNSUPPORTED, /* a format version, a platform feature */

  /* Faults. */
  CAS_IO,       /* the operating system reported an error on a file or device */
  CAS_CORRUPT,  /* stored bytes do not match their checksum or hash, or break the format */
  CAS_NO_SPACE, /* the device is full, or a quota is reached */
  CAS_NO_MEMORY,
  CAS_AWAY, /* it lies in the cold place (tier.h), which is not there at the moment: neither lost nor damaged */
  CAS_NO_DESCRIPTORS, /* the process, or the system, has as many files open as it may; nothing is said of the file */
} cas_status;

/* Detail of one failed operation, for people. Zero-initialise; owned by the caller. */
struct cas_error {
  cas_status status;
  int system_errno;  /* 0 where no system call failed */
  char message[512]; /* one UTF-8 line without a final newline: what failed, on what, and why */
};

/* A short fixed English phrase for a status, never NULL. */
CAS_API const char *cas_status_text(cas_status status);

#ifdef __cplusplus
}
#endif
#endif
