/*
 * The DICOM node: Verification, Storage, Query and Retrieve SCP over an open store.
 *
 * Caveats
 *  - A C-STORE success is sent only after cas_ingest_commit() returned CAS_OK (P1).
 *  - One server at a time in a process (dicom_shim.h).
 *  - Bounded (P6): an association costs one thread and at most about 0.5 MiB here besides what an ingest takes, and a
 * retrieve up to 2 MiB and the list of what it sends (retrieve_selection.h); all objects that are transcoded share
 * transcode_mib; there are at most associations_max of them, and DICOM_PENDING_MAX connections that have not yet become
 * one.
 *
 * Threads: start and stop belong to one thread; the others may be called from any thread in between.
 * Source: PS3.4 A and B, PS3.7, PS3.8.
 */
#ifndef DICOM_SERVER_H
#define DICOM_SERVER_H

#include <stdbool.h>

#include "audit.h"
#include "cassette/store.h"
#include "node_counters.h"
#include "peer_list.h"
#include "view_list.h"

/* Connections beyond the accepted associations that may be negotiating, or be told of a rejection; more are closed. So
 * silent connections use up these, and not the associations. */
#define DICOM_PENDING_MAX 64u

struct dicom_server;

/* Zero means the default, but for `port`, where it means any free one. Strings are copied, peers not. */
struct dicom_server_options {
  const char *aet;  /* our AE title, default CASSETTE */
  const char *bind; /* numeric address, default 127.0.0.1; "::" or "0.0.0.0" for all */
  uint16_t port;
  bool accept_any_called_aet;     /* else an association that calls another title is rejected */
  unsigned associations_max;      /* default 64 */
  uint32_t pdu_bytes_max;         /* default and largest 131072, at least 4096 */
  unsigned negotiation_seconds;   /* default 30 */
  unsigned message_seconds;       /* default 60 */
  unsigned idle_seconds;          /* between messages, default 600 */
  unsigned move_associations;     /* as of a peer, where that has none; default 1 */
  unsigned transcode_mib;         /* memory for objects that are transcoded, default 512 */
  const struct dicom_peer *peers; /* who may call, and destinations of C-MOVE; borrowed until stop */
  size_t peer_count;
  const struct dicom_view *views; /* titles besides `aet`; borrowed until stop, with their filters */
  size_t view_count;
  bool open;                   /* others than the peers may call, too, and do everything */
  const char *find_attributes; /* what C-FIND may ask for besides the index, as find_attributes_parse() reads it */
  unsigned find_matches_max;   /* responses to one C-FIND, default 10000 */
  unsigned find_seconds_max;   /* that it may take, default 60 */
  unsigned find_queries_max;   /* at once, default 16 */
  struct audit *audit;         /* NULL: none; borrowed until stop */
  const char *commitments;     /* folder for requests for storage commitment, NULL: that service is not offered */
  bool commit_by_index;        /* commit to what the index has, without reading it */
  struct tls_context *tls;     /* for tls_port, and destinations that want it; NULL: none; borrowed until stop */
  uint16_t tls_port;           /* 0: none */
  bool no_plain;               /* listens on tls_port alone */
  cas_log_fn log;
  void *log_arg;
};

/* Listens and serves. CAS_INVALID: an option; CAS_BUSY: the port is taken; CAS_IO. `store` is borrowed until stop. */
CAS_MUST_USE cas_status dicom_server_start(struct cas_store *store, const struct dicom_server_options *options,
                                           struct dicom_server **server, struct cas_error *error);

/* The port that it listens on without TLS; 0: none. */
uint16_t dicom_server_port(const struct dicom_server *server);

/* What it has counted since the start; waits for nobody. */
void dicom_server_counters(struct dicom_server *server, struct dicom_counters *counters);

/* Stops accepting, aborts idle associations, lets objects under way finish for up to `grace_seconds`, cuts off the
 * rest, and frees. NULL is allowed. */
void dicom_server_stop(struct dicom_server *server, unsigned grace_seconds);

#endif
