/* Compacting and what must hold after it. */
#ifndef TESTS_STORE_COMPACTING_H
#define TESTS_STORE_COMPACTING_H

#include "cassette/compact.h"
#include "synthetic.h"
#include "unit/index/index_dump.h"

static inline bool begins(const char *key, size_t size, const char *prefix) {
  return size >= strlen(prefix) && memcmp(key, prefix, strlen(prefix)) == 0;
}

/* Blobs with their places and users, the tree, names, UIDs, dates, snapshots, and what is deleted: all that a rebuild
 * must give again. */
static inline bool is_rebuilt(const char *key, size_t size) {
  return strchr("bdinu", key[0]) != NULL || begins(key, size, "fsnapshot/") || begins(key, size, "fdeleted") ||
         begins(key, size, "fstate/");
}

/* The index as it is, and as the segments alone give it. */
static inline void check_rebuild(struct temporary_store *t) {
  cas_store_close(t->store);
  CLEANUP_BUFFER struct cas_buffer before = dump_index(t->path, "index", is_rebuilt);
  struct cas_error error = {0};
  if (cas_store_rebuild(t->path, NULL, NULL, NULL, &error) != CAS_OK) fail_msg("%s", error.message);
  CLEANUP_BUFFER struct cas_buffer after = dump_index(t->path, "index", is_rebuilt);
  assert_int_equal(after.size, before.size);
  assert_memory_equal(after.data, before.data, before.size);
  temporary_open(t);
}

static inline void print_finding(void *arg, const struct cas_finding *finding) {
  (void)arg;
  fprintf(stderr, "%s at %llu: %s\n", finding->path, (unsigned long long)finding->offset, finding->message);
}

static inline void check_clean(struct cas_store *store) {
  struct cas_verify_options options = {.finding = print_finding};
  struct cas_verify_result result;
  struct cas_error error = {0};
  if (cas_store_verify(store, &options, &result, &error) != CAS_OK) fail_msg("%s", error.message);
  assert_int_equal(result.damaged_records + result.damaged_instances + result.index_findings, 0);
}

static inline struct cas_compact_result compact(struct cas_store *store) {
  struct cas_compact_options options = {.seal_bytes = 1, .min_percent = 1, .deleted_before_ns = INT64_MAX};
  struct cas_compact_result result;
  struct cas_error error = {0};
  if (cas_store_compact(store, &options, &result, &error) != CAS_OK) fail_msg("%s", error.message);
  return result;
}

static inline uint64_t segment_bytes(struct cas_store *store) {
  struct cas_stats stats;
  assert_int_equal(cas_store_stats(store, &stats, NULL), CAS_OK);
  return stats.segment_bytes;
}

#endif
