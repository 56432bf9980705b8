/*
 * Compacting: superseded and unused records go, what was stored raw is encoded, and everything else stays: bytes,
 * names, versions, snapshots, for who reads meanwhile, and for a rebuild from the segments that are left.
 */
#include "cassette/snapshot.h"
#include "cassette/state.h"
#include "compacting.h"

/* --- what was put off --- */

static void what_was_stored_raw_is_encoded_and_comes_back(void **state) {
  (void)state;
  struct temporary_store t = {.options = {.encode = CAS_ENCODE_LATER}};
  CLEANUP_BUFFER struct cas_buffer file = {0};
  struct synthetic what = {.rows = 256, .columns = 256, .frames = 8};
  struct synthetic_read follower = {.version = 1};
  synthetic_file(&what, "A", &file);
  temporary_create(&t);
  synthetic_import(t.store, &file);
  struct cas_store_options following = {.mode = CAS_OPEN_FOLLOW};
  assert_int_equal(cas_store_open(t.path, &following, &follower.store, NULL), CAS_OK);
  uint64_t before = segment_bytes(t.store);
  struct cas_compact_result result = compact(t.store);
  assert_int_equal(result.segments, 1);
  assert_int_equal(result.packed_blobs, 8);
  assert_true(segment_bytes(t.store) < before * 2 / 3);
  assert_int_equal(compact(t.store).segments, 0);
  assert_int_equal(synthetic_read_back(t.store, "1.2.3.4", 1, &file), CAS_OK);
  /* The follower's index is that of before, and the file that it names is gone. */
  assert_int_equal(synthetic_read_back(follower.store, "1.2.3.4", 1, &file), CAS_OK);
  cas_store_close(follower.store);
  check_clean(t.store);
  check_rebuild(&t);
  assert_int_equal(synthetic_read_back(t.store, "1.2.3.4", 1, &file), CAS_OK);
  temporary_destroy(&t);
}

/* A mark of before lies in a segment that is not what it was: what follows counts by its groups, not by its place. */
static void an_index_of_before_is_not_followed(void **state) {
  (void)state;
  struct temporary_store t = {.options = {.encode = CAS_ENCODE_LATER}};
  struct cas_store_options following = {.mode = CAS_OPEN_FOLLOW};
  struct cas_store *follower;
  char command[512];
  temporary_create(&t);
  for (unsigned i = 0; i < 3; i++) {
    CLEANUP_BUFFER struct cas_buffer file = {0};
    struct synthetic what = {.pixel_seed = i, .rows = 256, .columns = 256};
    synthetic_file(&what, "A", &file);
    synthetic_import(t.store, &file);
    if (i > 0) continue;
    cas_store_close(t.store);
    snprintf(command, sizeof command, "cp -a '%s/index' '%s/kept'", t.path, t.folder);
    assert_int_equal(system(command), 0);
    temporary_open(&t);
  }
  assert_int_equal(compact(t.store).segments, 1);
  assert_int_equal(cas_store_open(t.path, &following, &follower, NULL), CAS_OK);
  cas_store_close(follower);
  cas_store_close(t.store);
  snprintf(command, sizeof command, "rm -r '%s/index' && mv '%s/kept' '%s/index'", t.path, t.folder, t.path);
  assert_int_equal(system(command), 0);
  assert_int_equal(cas_store_open(t.path, &following, &follower, NULL), CAS_CORRUPT);
  assert_int_equal(cas_store_rebuild(t.path, NULL, NULL, NULL, NULL), CAS_OK);
  assert_int_equal(cas_store_open(t.path, &following, &follower, NULL), CAS_OK);
  cas_store_close(follower);
  temporary_open(&t);
  temporary_destroy(&t);
}

/* --- what nobody uses, and then somebody does --- */

struct awakening {
  struct cas_store *store;
  uint32_t from, to; /* numbers of users */
  unsigned changed;
};

static cas_status change_users(void *arg, const struct blob_id *id, const struct index_blob *blob) {
  struct awakening *awakening = arg;
  struct index_blob changed = *blob;
  struct index_batch *batch;
  if (blob->users != awakening->from || awakening->changed > 0) return CAS_OK;
  changed.users = awakening->to;
  assert_int_equal(index_batch_begin(awakening->store->index, &batch, NULL), CAS_OK);
  assert_int_equal(index_batch_put_blob(batch, id, &changed, NULL), CAS_OK);
  assert_int_equal(index_batch_apply(batch, NULL), CAS_OK);
  awakening->changed++;
  return CAS_OK;
}

/* When all but the segment's header was read, and what is dead was left out. */
static cas_status wake_at_the_end(void *arg, const struct cas_compact_progress *progress) {
  struct awakening *awakening = arg;
  if (progress->bytes_done + 4096 < progress->bytes) return CAS_OK;
  return index_list_blobs(awakening->store->index, change_users, awakening, NULL);
}

static bool is_there(const struct temporary_store *t, const char *segment) {
  char path[160];
  snprintf(path, sizeof path, "%s/segments/00/%s.seg", t->path, segment);
  return access(path, F_OK) == 0;
}

/* Nothing lets that happen; if it does, the segment stays. */
static void a_segment_whose_dead_blob_comes_into_use_stays(void **state) {
  (void)state;
  struct temporary_store t = {.options = {.workers = 1}}; /* so blobs are durable in the order of their arrival */
  CLEANUP_BUFFER struct cas_buffer file = {0}, dead = {0};
  struct cas_ingest_source source = {.origin = CAS_ORIGIN_IMPORT};
  struct cas_ingest *ingest;
  struct synthetic what = {.rows = 256, .columns = 256}, left = {.sop_uid = "1.2.3.5", .pixel_seed = 7, .frames = 8};
  synthetic_file(&what, "A", &file);
  synthetic_file(&left, "A", &dead);
  temporary_create(&t);
  assert_int_equal(cas_ingest_begin(t.store, &source, &ingest, NULL), CAS_OK);
  assert_int_equal(cas_ingest_write(ingest, slice_of_buffer(&dead), NULL), CAS_OK);
  synthetic_import(t.store, &file);
  cas_ingest_abort(ingest);
  temporary_reopen(&t); /* nothing is pinned any more */
  struct awakening awakening = {.store = t.store, .to = 77};
  struct cas_compact_options options = {
      .seal_bytes = 1, .min_percent = 1, .progress = wake_at_the_end, .arg = &awakening};
  struct cas_compact_result result;
  assert_int_equal(cas_store_compact(t.store, &options, &result, NULL), CAS_BUSY);
  assert_int_equal(awakening.changed, 1);
  assert_int_equal(result.segments, 0);
  assert_true(is_there(&t, "00000001") && !is_there(&t, "00000001-1"));
  awakening = (struct awakening){.store = t.store, .from = 77};
  assert_int_equal(index_list_blobs(t.store->index, change_users, &awakening, NULL), CAS_OK);
  assert_int_equal(awakening.changed, 1);
  assert_int_equal(compact(t.store).segments, 1);
  assert_true(!is_there(&t, "00000001") && is_there(&t, "00000001-1"));
  check_clean(t.store);
  check_rebuild(&t);
  assert_int_equal(synthetic_read_back(t.store, "1.2.3.4", 1, &file), CAS_OK);
  temporary_destroy(&t);
}

/* Its blobs are there already, without users: they were left by an object that broke off. */
static void what_an_object_on_its_way_counts_on_stays(void **state) {
  (void)state;
  struct temporary_store t = {.options = {.workers = 1}}; /* so blobs are looked at in the order of their arrival */
  CLEANUP_BUFFER struct cas_buffer file = {0}, other = {0}, shared = {0};
  struct cas_ingest_source source = {.origin = CAS_ORIGIN_IMPORT};
  struct cas_ingest_result result;
  struct cas_ingest *ingest;
  struct synthetic what = {.pixel_seed = 1}, later = {.sop_uid = "1.2.3.6", .pixel_seed = 2},
                   counting = {.sop_uid = "1.2.3.5", .pixel_seed = 7, .rows = 256, .columns = 256, .frames = 8};
  synthetic_file(&what, "A", &file);
  synthetic_file(&later, "A", &other);
  synthetic_file(&counting, "A", &shared);
  temporary_create(&t);
  assert_int_equal(cas_ingest_begin(t.store, &source, &ingest, NULL), CAS_OK);
  assert_int_equal(cas_ingest_write(ingest, slice_of_buffer(&shared), NULL), CAS_OK);
  synthetic_import(t.store, &file);
  cas_ingest_abort(ingest);
  temporary_reopen(&t);
  assert_int_equal(cas_ingest_begin(t.store, &source, &ingest, NULL), CAS_OK);
  assert_int_equal(cas_ingest_write(ingest, slice_of_buffer(&shared), NULL), CAS_OK);
  synthetic_import(t.store, &other); /* what came before was looked at */
  compact(t.store);
  assert_int_equal(cas_ingest_commit(ingest, &result, NULL), CAS_OK);
  assert_int_equal(synthetic_read_back(t.store, "1.2.3.5", 1, &shared), CAS_OK);
  check_clean(t.store);
  check_rebuild(&t);
  temporary_destroy(&t);
}

/* --- what is deleted --- */

static void delete_instance(struct cas_store *store, const char *uid) {
  struct cas_target target = {.uid = uid};
  struct cas_change change = {.action = CAS_ACTION_DELETE, .targets = &target, .target_count = 1};
  uint64_t changed;
  assert_int_equal(cas_store_change(store, &change, &changed, NULL), CAS_OK);
}

static uint64_t deleted_bytes(struct cas_store *store) {
  struct cas_stats stats;
  assert_int_equal(cas_store_stats(store, &stats, NULL), CAS_OK);
  assert_true((stats.deleted_versions == 0) == (stats.deleted_bytes == 0));
  return stats.deleted_bytes;
}

/* A document has one value that is long, behind which there is more; it shares its pixels with nobody. */
static void make_document(struct cas_buffer *file, size_t *size) {
  struct synthetic what = {.sop_uid = "1.2.3.6", .private_bytes = 200000};
  synthetic_file(&what, "A", file);
  *size = 200000;
}

static void what_is_deleted_goes_when_no_snapshot_shows_it(void **state) {
  (void)state;
  struct temporary_store t = {0};
  CLEANUP_BUFFER struct cas_buffer file = {0}, shares = {0}, document = {0}, none = {0};
  struct synthetic what = {.rows = 256, .columns = 256, .frames = 8},
                   same = {.sop_uid = "1.2.3.5", .rows = 256, .columns = 256};
  size_t document_bytes;
  synthetic_file(&what, "A", &file);
  synthetic_file(&same, "A", &shares);
  make_document(&document, &document_bytes);
  temporary_create(&t);
  synthetic_import(t.store, &file);
  synthetic_import(t.store, &shares);
  synthetic_import(t.store, &document);
  assert_int_equal(cas_snapshot_create(t.store, "before", NULL), CAS_OK);
  delete_instance(t.store, "1.2.3.4");
  delete_instance(t.store, "1.2.3.6");
  assert_int_equal(deleted_bytes(t.store), file.size + document.size);
  uint64_t before = segment_bytes(t.store);
  assert_int_equal(compact(t.store).segments, 0);
  assert_int_equal(cas_snapshot_remove(t.store, "before", NULL), CAS_OK);
  struct cas_compact_options patient = {.seal_bytes = 1, .min_percent = 1, .deleted_before_ns = 1};
  struct cas_compact_result result;
  assert_int_equal(cas_store_compact(t.store, &patient, &result, NULL), CAS_OK);
  assert_int_equal(result.discarded_versions + result.segments, 0);
  result = compact(t.store);
  assert_int_equal(result.segments, 1);
  assert_int_equal(result.discarded_versions, 2);
  assert_int_equal(deleted_bytes(t.store), 0);
  assert_true(segment_bytes(t.store) + document_bytes < before);
  assert_true(segment_bytes(t.store) < before / 4);
  result = compact(t.store);
  assert_int_equal(result.segments + result.discarded_versions, 0);
  for (unsigned i = 0; i < 2; i++) {
    assert_int_equal(synthetic_read_back(t.store, "1.2.3.4", 1, &none), CAS_NOT_FOUND);
    assert_int_equal(synthetic_read_back(t.store, "1.2.3.6", 1, &none), CAS_NOT_FOUND);
    assert_int_equal(synthetic_read_back(t.store, "1.2.3.5", 1, &shares), CAS_OK);
    check_clean(t.store);
    check_rebuild(&t);
  }
  assert_int_equal(synthetic_import(t.store, &document).version, 2);
  assert_int_equal(synthetic_import(t.store, &file).version, 2);
  assert_int_equal(synthetic_read_back(t.store, "1.2.3.4", 2, &file), CAS_OK);
  assert_int_equal(synthetic_read_back(t.store, "1.2.3.6", 2, &document), CAS_OK);
  check_rebuild(&t);
  check_clean(t.store);
  temporary_destroy(&t);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_was_stored_raw_is_encoded_and_comes_back),
      cmocka_unit_test(an_index_of_before_is_not_followed),
      cmocka_unit_test(a_segment_whose_dead_blob_comes_into_use_stays),
      cmocka_unit_test(what_an_object_on_its_way_counts_on_stays),
      cmocka_unit_test(what_is_deleted_goes_when_no_snapshot_shows_it),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
