/* Owns the table. */
#include "metrics_table.h"

#include <stddef.h>
#include <string.h>

#include "metrics_series.h"

#define COUNTER "counter"
#define GAUGE "gauge"
/* Where the number is, and its unit; the meaning follows. */
#define AT(unit_of_it, field) .unit = (unit_of_it), .offset = offsetof(struct metrics_figures, field)
#define COUNT(field) AT(METRIC_COUNT, field)
#define UNSIGNED(field) AT(METRIC_UNSIGNED, field)
#define SECONDS(field) AT(METRIC_SECONDS, field)
#define SWITCH(field) AT(METRIC_SWITCH, field)
#define RATIO(field) AT(METRIC_RATIO, field)
#define WRITTEN(function) .write = (function), .offset = 0

static const char *const rejections[] = {"address", "calling_title", "called_title", "limit", NULL};
static const char *const lost_connections[] = {"turned_away", "no_association", NULL};
static const char *const receptions[] = {"stored", "duplicate", "new_version", "refused", "failed", NULL};
static const char *const sendings[] = {"completed", "warning", "failed", NULL};
static const char *const origins[] = {"import", "received", "corrected", NULL};
static const char *const cycles[] = {"current", "last", NULL};

#define EACH(name, of) name, of, sizeof(uint64_t)
#define EACH_CYCLE "cycle", cycles, sizeof(struct cas_scrub_counts)
_Static_assert(offsetof(struct cas_scrub_status, whole) - offsetof(struct cas_scrub_status, now) ==
                   sizeof(struct cas_scrub_counts),
               "the last cycle stands behind the current one");

static const struct metric of_process[] = {
    {"process_cpu_seconds_total", COUNTER, SECONDS(process.cpu_ns), "User and system processor time"},
    {"process_start_time_seconds", GAUGE, SECONDS(process.started_ns), "When the process was started, since 1970"},
    {"process_resident_memory_bytes", GAUGE, COUNT(process.resident_bytes), "Memory that is in use"},
    {"process_virtual_memory_bytes", GAUGE, COUNT(process.virtual_bytes), "Address space that is in use"},
    {"process_open_fds", GAUGE, COUNT(process.open_files), "Open file descriptors"},
    {"process_max_fds", GAUGE, COUNT(process.open_files_max), "Limit of open file descriptors"},
    {"cassette_threads", GAUGE, COUNT(process.threads), "Threads of the process"},
    {"cassette_build_info", GAUGE, WRITTEN(metrics_write_build), "1, with the version of the program"},
    {"cassette_state", GAUGE, WRITTEN(metrics_write_state), "1 for the state that the archive is in, 0 for the others"},
    {"cassette_scrapes_total", COUNTER, COUNT(scrapes), "Requests for this page"},
};

static const struct metric of_node[] = {
    {"cassette_associations_open", GAUGE, UNSIGNED(dicom.associations_open), "Associations that are open"},
    {"cassette_associations_accepted_total", COUNTER, COUNT(dicom.counts[NODE_ASSOCIATIONS_ACCEPTED]),
     "Associations that were let in"},
    {"cassette_associations_rejected_total", COUNTER, COUNT(dicom.counts[NODE_REJECTED_ADDRESS]),
     "Associations that were rejected, by what did not fit", EACH("reason", rejections)},
    {"cassette_connections_lost_total", COUNTER, COUNT(dicom.counts[NODE_CONNECTIONS_TURNED_AWAY]),
     "Connections that never became an association: turned away since too many were open, or without a proper request",
     EACH("reason", lost_connections)},
    {"cassette_dimse_requests_total", COUNTER, COUNT(dicom.requests), "Requests of peers that were served, well or not",
     EACH("operation", metrics_operations)},
    {"cassette_dimse_seconds_total", COUNTER, SECONDS(dicom.request_ns),
     "Time from requests to the ends of their last responses", EACH("operation", metrics_operations)},
    {"cassette_dimse_responses_total", COUNTER, WRITTEN(metrics_write_responses),
     "Final responses to requests, by kinds of status"},
    {"cassette_dicom_objects_total", COUNTER, COUNT(dicom.counts[NODE_OBJECTS_STORED]),
     "Objects that peers sent, by what became of them", EACH("outcome", receptions)},
    {"cassette_dicom_received_bytes_total", COUNTER, COUNT(dicom.counts[NODE_RECEIVED_BYTES]),
     "Bytes of data sets that peers sent"},
    {"cassette_dicom_sent_objects_total", COUNTER, COUNT(dicom.counts[NODE_SENT_COMPLETED]),
     "Objects of C-GET and C-MOVE, by what became of them", EACH("outcome", sendings)},
    {"cassette_dicom_sent_bytes_total", COUNTER, COUNT(dicom.counts[NODE_SENT_BYTES]),
     "Bytes of data sets that peers got"},
    {"cassette_queries_open", GAUGE, UNSIGNED(dicom.queries_open), "C-FIND under way"},
    {"cassette_find_matches_total", COUNTER, COUNT(dicom.counts[NODE_FIND_MATCHES]), "Matches that C-FIND gave"},
    {"cassette_commitments_waiting", GAUGE, UNSIGNED(dicom.commitments_waiting),
     "Requests for storage commitment whose answer nobody has taken yet"},
};

static const struct metric of_store[] = {
    {"cassette_store_info", GAUGE, WRITTEN(metrics_write_store),
     "1, with the UUID and the format version of the store, and how its disk is written"},
    {"cassette_read_only", GAUGE, SWITCH(condition.read_only), "Whether the archive refuses objects"},
    {"cassette_read_only_tries", GAUGE, COUNT(condition.tries), "Tries to write again since the archive is read-only"},
    {"cassette_objects_total", COUNTER, WRITTEN(metrics_write_objects),
     "Objects that became durable, from wherever they came"},
    {"cassette_object_bytes_total", COUNTER, COUNT(activity.object_bytes[CAS_ORIGIN_IMPORT]),
     "Sizes of the files of objects that became durable", EACH("origin", origins)},
    {"cassette_healed_blobs_total", COUNTER, COUNT(activity.healed_blobs),
     "Damaged blobs that were replaced because their bytes came again"},
    {"cassette_arrived_bytes_total", COUNTER, COUNT(activity.arrived_bytes), "Bytes of blobs that came, known or not"},
    {"cassette_written_blobs_total", COUNTER, COUNT(activity.blobs), "Blobs that were written"},
    {"cassette_written_bytes_total", COUNTER, COUNT(activity.blob_stored_bytes),
     "Bytes of blobs that were written, as stored"},
    {"cassette_commit_seconds", "histogram", WRITTEN(metrics_write_commits), "Time to write and sync a group"},
    {"cassette_groups_failed_total", COUNTER, COUNT(activity.groups_failed),
     "Groups that could not be stored, for want of space or by a failing disk"},
    {"cassette_in_flight_bytes", GAUGE, COUNT(activity.in_flight_bytes), "Bytes between arrival and commit"},
    {"cassette_in_flight_limit_bytes", GAUGE, COUNT(activity.in_flight_bytes_max),
     "Bytes in flight above which who brings more waits"},
    {"cassette_in_flight_waits_total", COUNTER, COUNT(activity.in_flight_waits),
     "How often somebody had to wait for room in flight"},
    {"cassette_compacted_segments_total", COUNTER, COUNT(activity.compacted_segments),
     "Segments that were written anew"},
    {"cassette_compaction_read_bytes_total", COUNTER, COUNT(activity.compacted_bytes_before),
     "Lengths of segments before they were written anew"},
    {"cassette_compaction_written_bytes_total", COUNTER, COUNT(activity.compacted_bytes_after),
     "Lengths of segments after they were written anew"},
    {"cassette_packed_blobs_total", COUNTER, COUNT(activity.packed_blobs),
     "Blobs whose encoding was put off and made up for"},
    {"cassette_discarded_versions_total", COUNTER, COUNT(activity.discarded_versions),
     "Deleted versions whose bytes were let go"},
};

static const struct metric of_survey[] = {
    {"cassette_survey_timestamp_seconds", GAUGE, SECONDS(survey.ended_ns),
     "When the figures from here to cassette_deleted_bytes were taken, since 1970"},
    {"cassette_survey_seconds", GAUGE, SECONDS(survey.took_ns), "How long the survey took"},
    {"cassette_survey_failures_total", COUNTER, COUNT(survey.failures), "Surveys that failed"},
    {"cassette_disk_free_bytes", GAUGE, COUNT(survey.space.free_bytes), "Free on the file system of the store"},
    {"cassette_disk_bytes", GAUGE, COUNT(survey.space.total_bytes), "Size of the file system of the store"},
    {"cassette_patients", GAUGE, COUNT(survey.stats.patients), "Patients"},
    {"cassette_studies", GAUGE, COUNT(survey.stats.studies), "Studies"},
    {"cassette_series", GAUGE, COUNT(survey.stats.series), "Series"},
    {"cassette_instances", GAUGE, COUNT(survey.stats.instances), "Instances, each version for itself"},
    {"cassette_instance_bytes", GAUGE, COUNT(survey.stats.instance_bytes),
     "Sizes of the files of instances, as they came"},
    {"cassette_gone_instances", GAUGE, COUNT(survey.stats.gone_instances),
     "Versions that are deleted, hidden or replaced"},
    {"cassette_blobs", GAUGE, COUNT(survey.stats.blobs), "Distinct blobs"},
    {"cassette_blob_bytes", GAUGE, WRITTEN(metrics_write_codec_raw),
     "Bytes of distinct blobs before encoding, by codec"},
    {"cassette_blob_stored_bytes", GAUGE, WRITTEN(metrics_write_codec_stored),
     "Bytes of distinct blobs as stored, by codec"},
    {"cassette_manifest_bytes", GAUGE, COUNT(survey.stats.manifest_bytes), "Manifests on disk"},
    {"cassette_segments", GAUGE, COUNT(survey.stats.segments), "Segments"},
    {"cassette_segment_bytes", GAUGE, COUNT(survey.stats.segment_bytes),
     "Lengths of segments: what the archive takes without the index"},
    {"cassette_index_bytes", GAUGE, COUNT(survey.stats.index_bytes), "The index on disk"},
    {"cassette_reclaimable_bytes", GAUGE, COUNT(survey.stats.reclaimable_bytes),
     "In segments, of what nobody needs any more"},
    {"cassette_reclaimed_bytes_total", COUNTER, COUNT(survey.stats.reclaimed_bytes),
     "That compacting has given back since the index was made"},
    {"cassette_deferred_bytes", GAUGE, COUNT(survey.stats.deferred_bytes),
     "In segments, of what waits to be encoded: the backlog of the packer"},
    {"cassette_deleted_instances", GAUGE, COUNT(survey.stats.deleted_versions),
     "Deleted versions that keep their bytes for a time"},
    {"cassette_deleted_bytes", GAUGE, COUNT(survey.stats.deleted_bytes),
     "Sizes of the files of deleted versions that keep their bytes"},
};

static const struct metric of_scrub[] = {
    {"cassette_scrub_state", GAUGE, WRITTEN(metrics_write_scrub_state),
     "1 for what the scrubber does, 0 for the others"},
    {"cassette_scrub_in_trouble", GAUGE, SWITCH(scrub_in_trouble),
     "Whether the scrubber could not go on the last time"},
    {"cassette_scrub_cycles_total", COUNTER, COUNT(scrub.cycles),
     "Cycles of the scrubber begun in the life of the store"},
    {"cassette_scrub_progress_ratio", GAUGE, RATIO(scrub_progress),
     "How much of the current cycle of the scrubber is done"},
    {"cassette_scrub_total_bytes", GAUGE, COUNT(scrub.total_bytes),
     "Bytes of segments to be read in the current cycle of the scrubber"},
    {"cassette_scrub_bytes_per_second", GAUGE, COUNT(scrub.bytes_per_second),
     "The pace of the current cycle of the scrubber"},
    {"cassette_scrub_due_timestamp_seconds", GAUGE, SECONDS(scrub.due_ns),
     "When the next cycle of the scrubber begins, since 1970"},
    {"cassette_scrub_start_timestamp_seconds", GAUGE, SECONDS(scrub.now.started_ns),
     "When a cycle of the scrubber began, since 1970; 0: there was none", EACH_CYCLE},
    {"cassette_scrub_end_timestamp_seconds", GAUGE, SECONDS(scrub.now.ended_ns),
     "When a cycle of the scrubber ended, since 1970; 0: it has not, or there was none", EACH_CYCLE},
    {"cassette_scrub_segments", GAUGE, COUNT(scrub.now.segments), "Segments that the scrubber read", EACH_CYCLE},
    {"cassette_scrub_bytes", GAUGE, COUNT(scrub.now.bytes), "Bytes that the scrubber read", EACH_CYCLE},
    {"cassette_scrub_damaged_records", GAUGE, COUNT(scrub.now.damaged_records),
     "Damaged records that the scrubber found", EACH_CYCLE},
    {"cassette_scrub_damaged_instances", GAUGE, COUNT(scrub.now.damaged_instances),
     "Instances that damage hits, of what the scrubber found", EACH_CYCLE},
    {"cassette_scrub_index_findings", GAUGE, COUNT(scrub.now.index_findings),
     "Where the scrubber found that the index does not agree with the segments", EACH_CYCLE},
};

static const struct metric of_audit[] = {
    {"cassette_audit_posted_total", COUNTER, COUNT(audit.posted), "Audit messages that were taken"},
    {"cassette_audit_dropped_total", COUNTER, COUNT(audit.dropped), "Audit messages that were lost for want of room"},
    {"cassette_audit_delivered_total", COUNTER, COUNT(audit.delivered), "Audit messages that the collector took"},
    {"cassette_audit_file_failures_total", COUNTER, COUNT(audit.file_failures),
     "Audit messages that could not be written to the file"},
    {"cassette_audit_spool_messages", GAUGE, COUNT(audit.spool_messages), "Audit messages that wait for the collector"},
    {"cassette_audit_spool_bytes", GAUGE, COUNT(audit.spool_bytes), "Length of the spool"},
    {"cassette_audit_collector_away", GAUGE, SWITCH(audit.collector_away), "Whether the collector takes no messages"},
};

static const struct metric of_mounts[] = {
    {"cassette_mount_requests_total", COUNTER, WRITTEN(metrics_write_mount_requests),
     "Requests of the kernel to a mount, by kind"},
};

#define TABLE(needs, metrics)                                                                                          \
  { needs, metrics, sizeof(metrics) / sizeof(metrics)[0] }
static const struct {
  enum metrics_source needs; /* without which it is left out */
  const struct metric *metrics;
  size_t count;
} tables[] = {
    TABLE(METRICS_OF_PROCESS, of_process), TABLE(METRICS_OF_STORE, of_node),  TABLE(METRICS_OF_STORE, of_store),
    TABLE(METRICS_OF_SURVEY, of_survey),   TABLE(METRICS_OF_SCRUB, of_scrub), TABLE(METRICS_OF_AUDIT, of_audit),
    TABLE(METRICS_OF_MOUNTS, of_mounts),
};

static void write_sample(struct metrics_text *text, const struct metric *metric, const char *labels, const void *from) {
  union {
    uint64_t count;
    unsigned number;
    int64_t ns;
    bool on;
    double ratio;
  } value = {0};
  switch (metric->unit) {
  case METRIC_COUNT:
    memcpy(&value.count, from, sizeof value.count);
    metrics_count(text, metric->name, labels, value.count);
    break;
  case METRIC_UNSIGNED:
    memcpy(&value.number, from, sizeof value.number);
    metrics_count(text, metric->name, labels, value.number);
    break;
  case METRIC_SECONDS:
    memcpy(&value.ns, from, sizeof value.ns);
    metrics_seconds(text, metric->name, labels, value.ns);
    break;
  case METRIC_SWITCH:
    memcpy(&value.on, from, sizeof value.on);
    metrics_count(text, metric->name, labels, value.on);
    break;
  case METRIC_RATIO:
    memcpy(&value.ratio, from, sizeof value.ratio);
    metrics_number(text, metric->name, labels, value.ratio);
    break;
  }
}

static void write_metric(struct metrics_text *text, const struct metric *metric,
                         const struct metrics_figures *figures) {
  const char *from = (const char *)figures + metric->offset;
  metrics_family(text, metric->name, metric->type, metric->help);
  if (metric->write != NULL) {
    metric->write(text, metric, figures);
    return;
  }
  if (metric->values == NULL) write_sample(text, metric, NULL, from);
  for (size_t i = 0; metric->values != NULL && metric->values[i] != NULL; i++) {
    struct metrics_labels labels = {0};
    metrics_label(&labels, metric->label, metric->values[i]);
    write_sample(text, metric, labels.text, from + i * metric->stride);
  }
}

void metrics_table_write(const struct metrics_figures *figures, struct metrics_text *text) {
  for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++)
    for (size_t j = 0; (figures->sources & tables[i].needs) != 0 && j < tables[i].count; j++)
      write_metric(text, &tables[i].metrics[j], figures);
}
