/*
 * The daemon's configuration: a file of sections and keys, and the command line's flags, which win over it.
 *
 * cassetted.conf.5 documents every key. An unknown key, a key given twice, or a value that does not fit is an error
 * that names the line.
 *
 * Threads: none of this is safe for several threads.
 */
#ifndef CONFIG_H
#define CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "cassette/store.h"
#include "peer_list.h"
#include "view_list.h"

/* Longest line of a configuration file: a path of the longest kind and its key. */
#define CONFIG_LINE_BYTES_MAX 4608u

/* What an entry that may have several keys has besides their values. */
struct config_mark {
  unsigned line; /* where the configuration file names it; 0: nowhere */
  unsigned seen; /* which of its keys the file has given so far */
};

/* Numbers are 0 and strings NULL where nothing was given: whoever uses them has the default. */
struct config {
  char *store;           /* [archive] store */
  char *log_file;        /* [archive] log_file */
  unsigned log_level;    /* [archive] log_level, enum cas_log_level; default CAS_LOG_NOTICE */
  unsigned stop_seconds; /* [archive] stop_seconds */

  char *aet;  /* [dicom] aet */
  char *bind; /* [dicom] bind */
  unsigned port;
  bool port_given;
  bool commit_by_index; /* [dicom] commit_by_reading = no */
  bool open;            /* [dicom] open: unknown callers may do everything */
  bool accept_any_called_aet;
  unsigned associations_max, pdu_bytes_max, negotiation_seconds, message_seconds, idle_seconds, move_associations,
      transcode_mib;

  struct dicom_peer *peers;       /* [peers]: keys are AE titles, values HOST:PORT; and the sections [peer TITLE] */
  struct config_mark *peer_marks; /* of each peer */
  size_t peer_count;

  struct dicom_view *views;       /* the sections [view TITLE]; their filters are owned */
  struct config_mark *view_marks; /* of each view */
  size_t view_count;

  char *tls_certificate, *tls_key, *tls_ca;    /* [tls] */
  unsigned tls_port, tls_clients, tls_profile; /* enum tls_clients, enum tls_profile */
  bool no_plain;                               /* [dicom] plain = no */

  char *audit_file, *audit_collector, *audit_spool; /* [audit]; the collector as udp:HOST:PORT, tcp: or tls: */
  unsigned audit_spool_mib;
  char *metrics_bind;                                            /* [metrics] */
  unsigned metrics_port;                                         /* 0: none */
  char *find_attributes;                                         /* [find] attributes */
  unsigned find_matches_max, find_seconds_max, find_queries_max; /* [find] */

  /* [iocm]: bits 1 << enum cas_reason, and 1 where the key was given. */
  unsigned reasons_applied, reasons_shown;

  struct config_mount *mounts; /* [mount] and the sections [mount NAME], see config_mounts.h */
  size_t mount_count;

  unsigned control_mode; /* [control] mode */

  unsigned workers, in_flight_mib, read_cache_mib, segment_mib; /* [engine] */
  bool no_io_uring;                                             /* [engine] io_uring = no */
  unsigned encode;                                              /* [engine] encode, 1 + enum cas_encode */

  /* Of config_load(): */
  unsigned scrub_days;                           /* [scrub] days */
  bool no_scrub;                                 /* [scrub] enabled = no */
  unsigned scrub_mib;                            /* [scrub] mib_per_second */
  bool no_background;                            /* [compact] background = no */
  unsigned quiet_seconds, busy_mib, min_percent; /* [compact] */
  unsigned deleted_days;                         /* [compact] deleted_days, as deleted_days.h */

  uint64_t seen; /* which keys the file has given so far */
  char *path;    /* the file */
  unsigned line; /* that is read; 0 while none is */
};

void config_fini(struct config *config);

/* Reads the file into `config`, over what is there. CAS_NOT_FOUND, CAS_IO: it cannot be read; CAS_INVALID: the detail
 * has the line. */
CAS_MUST_USE cas_status config_load(struct config *config, const char *path, struct cas_error *error);

/* Sets one key, as the flags do; a peer that is there already gets the new address. CAS_INVALID: no such key, or the
 * value does not fit. */
CAS_MUST_USE cas_status config_set(struct config *config, const char *section, const char *key, const char *value,
                                   struct cas_error *error);

/* Fills the defaults in that the daemon itself uses (log_level, stop_seconds, aet, bind, port), and checks what only
 * the whole can tell. CAS_INVALID: no store is named; CAS_NO_MEMORY. */
CAS_MUST_USE cas_status config_complete(struct config *config, struct cas_error *error);

/* "FILE:LINE: " for what the file names in that line, nothing for line 0. */
#define CONFIG_PLACE_BYTES 300
void config_place(const struct config *config, unsigned line, char place[CONFIG_PLACE_BYTES]);

/* Puts an entry that is all zero but for its title, with which entries begin, behind the *count of `bytes` each in
 * *list, and its mark. False: no memory; both lists stay what they were, but may have moved. */
bool config_add_title(const struct config *config, void **list, size_t bytes, struct config_mark **marks, size_t *count,
                      const char *aet);

#endif
