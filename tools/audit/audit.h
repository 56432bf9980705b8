/*
 * The audit trail: who did what with whose data, as messages of PS3.15 A.5 to a syslog collector, a file, or both.
 *
 * Caveats
 *  - audit_post() never waits for a collector or a disk: a message is queued in memory, and where the queue is full it
 *    is dropped and counted. What the collector does not take is kept in a spool of bounded size, oldest first.
 *  - Messages have names and IDs of patients. They go nowhere else: not to the log.
 *  - A message is sent at least once; after a crash those of the spool may come again, and those of the last instant be
 *    lost.
 *
 * Threads: open and close belong to one thread; audit_post() may be called from any thread in between.
 * Source: PS3.15 A.5 and A.6, RFC 5424 (syslog), RFC 5426 (UDP), RFC 6587 3.4.1 (TCP, octet counting), RFC 5425 (TLS).
 */
#ifndef AUDIT_H
#define AUDIT_H

#include <stdbool.h>

#include "cassette/attributes.h"
#include "cassette/store.h"
#include "tls.h"

/* NULL is an audit that is off, for all functions. */
struct audit;

enum audit_transport { AUDIT_NO_COLLECTOR, AUDIT_UDP, AUDIT_TCP, AUDIT_TLS };

/* Strings are copied. */
struct audit_options {
  const char *source;             /* who reports: Audit Source ID; an AE title */
  const char *file;               /* appended to, a message a line; NULL: none */
  enum audit_transport transport; /* of the collector */
  const char *host;
  uint16_t port;
  struct tls_context *tls; /* for AUDIT_TLS; borrowed until close */
  const char *spool;       /* a file for what the collector does not take */
  uint64_t spool_bytes_max;
  cas_log_fn log;
  void *log_arg;
};

/* Opens the file and the spool; the collector is connected to later. CAS_IO: one of both cannot be opened. */
CAS_MUST_USE cas_status audit_open(const struct audit_options *options, struct audit **audit, struct cas_error *error);

/* Hands over what is queued, to the collector or the spool, and frees. */
void audit_close(struct audit *audit);

/* What became of the messages since the opening; all zero for NULL. */
struct audit_counts {
  uint64_t posted;    /* that were taken */
  uint64_t dropped;   /* for want of room, in memory or in the spool, or of memory */
  uint64_t delivered; /* that the collector took, or that went out by UDP */
  uint64_t file_failures;
  uint64_t spool_messages, spool_bytes; /* that wait for the collector, at this moment */
  bool collector_away;
};

/* Waits for nobody. */
void audit_counts_read(const struct audit *audit, struct audit_counts *counts);

/* What happened. PS3.15 A.5.3. */
enum audit_kind {
  AUDIT_START,          /* Application Activity */
  AUDIT_STOP,           /* likewise */
  AUDIT_LOGIN,          /* User Authentication: an association was let in */
  AUDIT_SECURITY_ALERT, /* Security Alert, Node Authentication: it was not, or may not do what it asked for */
  AUDIT_LOST,           /* Security Alert, Audit Recording Stopped: messages were dropped */
  AUDIT_BEGIN_TRANSFER, /* Begin Transferring DICOM Instances: the peer will get them */
  AUDIT_SENT,           /* DICOM Instances Transferred, read: the peer got them */
  AUDIT_RECEIVED,       /* DICOM Instances Transferred, created: they came from the peer */
  AUDIT_QUERY,          /* Query */
  AUDIT_UPDATED,        /* DICOM Instances Accessed, updated: hidden, corrected, shown again */
  AUDIT_REMOVED,        /* DICOM Instances Accessed, deleted: a part of a study was deleted */
  AUDIT_STUDY_DELETED,  /* DICOM Study Deleted */
  AUDIT_IMPORTED,       /* Data Import */
  AUDIT_EXPORTED,       /* Data Export */
  AUDIT_MOUNTED,        /* Security Alert, Local Service Operation Started: all can be read as files from here on */
  AUDIT_UNMOUNTED,      /* Security Alert, Local Service Operation Stopped */
};

/* Event Outcome Indicator. */
enum audit_outcome { AUDIT_SUCCESS = 0, AUDIT_MINOR_FAILURE = 4, AUDIT_SERIOUS_FAILURE = 8, AUDIT_MAJOR_FAILURE = 12 };

/* An AE title with its address, or a user of this machine. NULL or "": unknown. */
struct audit_party {
  const char *aet, *address;
  const char *user; /* as "root (uid 0)" */
};

#define AUDIT_CLASSES_MAX 16u

struct audit_class {
  char uid[CAS_UID_TEXT_MAX];
  uint64_t instances;
};

/* What it happened to; NULL or "" where unknown. */
struct audit_object {
  const char *study_uid, *accession_number, *patient_id, *patient_name;
  const struct audit_class *classes; /* up to AUDIT_CLASSES_MAX */
  size_t class_count;
};

/* The zero value of a field is "does not apply". All is borrowed. */
struct audit_event {
  enum audit_kind kind;
  enum audit_outcome outcome;
  int64_t time_ns;              /* UTC, since 1970; 0: it happens now */
  const char *description;      /* Event Outcome Description; of an alert, what is alarming. No patient data */
  const char *called;           /* our title that the peer called, where it is not the source's */
  struct audit_party peer;      /* the other side, or the user who asked for it */
  struct audit_party requestor; /* where the other side is not the one who asked: of C-MOVE */
  struct audit_object object;
  const char *query_class; /* of AUDIT_QUERY: SOP class, identifier, and its transfer syntax */
  struct cas_slice query;
  const char *query_syntax;
};

void audit_post(struct audit *audit, const struct audit_event *event);

#endif
