/*
 * Who may do what: the peers of the configuration, whether others are let in, and the limits of each.
 *
 * A caller is judged by its calling AE title and its address. The peer of that title decides, or else the one of the
 * title "*"; where neither is there, the caller is unknown, and refused unless the node is open.
 *
 * Threads: all functions but init and fini may be called from any thread.
 */
#ifndef ACCESS_H
#define ACCESS_H

#include <pthread.h>
#include <stdatomic.h>

#include "peer_list.h"

/* What a peer that has limits uses now. */
struct access_use {
  atomic_uint associations;
  pthread_mutex_t lock; /* guards the moments at which its next object and its next byte are due */
  int64_t object_due_ns, byte_due_ns;
};

struct access {
  bool open;
  const struct dicom_peer *peers; /* borrowed */
  size_t peer_count;
  struct access_use *uses; /* one for each peer */
};

/* What one caller may do. Zero: nothing but C-ECHO. */
struct access_grant {
  unsigned rights;               /* enum peer_right */
  const struct dicom_peer *peer; /* NULL in an open node that does not know the caller */
  struct access_use *use;        /* likewise */
};

/* CAS_NO_MEMORY. */
CAS_MUST_USE cas_status access_init(struct access *access, const struct dicom_peer *peers, size_t peer_count,
                                    bool open);
void access_fini(struct access *access);

/* Whether anybody at the numeric address can be a known caller, so that it is worth listening to it. True where only a
 * look-up of names could tell. */
bool access_admits_address(const struct access *access, const char *address);

/* Judges a caller. NULL: it is let in, with `grant`; else why not. */
const char *access_judge(const struct access *access, const char *calling, const char *address,
                         struct access_grant *grant);

/* Takes one of the associations that the peer may have at once; false: it has them all. */
bool access_enter(const struct access_grant *grant);
void access_leave(const struct access_grant *grant);

/* Accounts for what the peer has sent, and returns for how many nanoseconds it must be kept waiting to stay within its
 * rate. It may be ahead by a second's worth. */
int64_t access_delay_ns(const struct access_grant *grant, uint64_t objects, uint64_t bytes);

#endif
