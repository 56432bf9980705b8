/*
 * What is in a store and what it takes on disk, from the totals that the index keeps and the lengths of the segments.
 */
#include "store/discard.h"
#include "store/ledger.h"
#include "store/paths.h"
#include "store/store.h"

/* It may have been written anew since the listing. */
static cas_status measure_segment(struct cas_store *store, uint64_t segment, struct cas_stats *stats,
                                  struct cas_error *error) {
  enum volume_tier tier;
  uint64_t size;
  cas_status status = volume_size(store->volume, segment, &size, error);
  if (status == CAS_NOT_FOUND) status = volume_find(store->volume, segment_file_number(segment), &segment, error);
  if (status == CAS_OK) status = volume_size(store->volume, segment, &size, error);
  if (status == CAS_OK) status = volume_tier_of(store->volume, segment, &tier, error);
  stats->away_segments += status == CAS_AWAY;
  if (status == CAS_AWAY) return CAS_OK;
  STATUS_TRY(status);
  stats->segments++;
  stats->segment_bytes += size;
  stats->cold_segments += tier == VOLUME_COLD;
  stats->cold_bytes += tier == VOLUME_COLD ? size : 0;
  return CAS_OK;
}

/* Where the list is not whole, the numbers that are missing in it are away. */
static cas_status measure_segments(struct cas_store *store, struct cas_stats *stats, struct cas_error *error) {
  CLEANUP_FREE uint64_t *segments = NULL;
  size_t count;
  bool whole;
  STATUS_TRY(volume_list(store->volume, &segments, &count, &whole, error));
  for (size_t i = 0; i < count; i++) STATUS_TRY(measure_segment(store, segments[i], stats, error));
  if (!whole && count > 0) stats->away_segments += segment_file_number(segments[count - 1]) - count;
  return CAS_OK;
}

static cas_status add_segment(void *arg, uint32_t number, const struct ledger_segment *segment) {
  struct cas_stats *stats = arg;
  (void)number;
  stats->reclaimable_bytes += segment->dead_bytes;
  stats->deferred_bytes += segment->deferred_bytes;
  return CAS_OK;
}

static void sum_codecs(const struct index_totals *totals, struct cas_stats *stats) {
  size_t used = 0;
  for (uint8_t codec = 0; codec < INDEX_CODECS_MAX; codec++) {
    stats->blob_bytes += totals->raw_bytes[codec];
    stats->blob_stored_bytes += totals->stored_bytes[codec];
    if (totals->raw_bytes[codec] == 0) continue;
    stats->codecs[used++] = (struct cas_codec_stats){
        .name = codec_name(codec), .raw_bytes = totals->raw_bytes[codec], .stored_bytes = totals->stored_bytes[codec]};
  }
}

cas_status cas_store_stats(struct cas_store *store, struct cas_stats *stats, struct cas_error *error) {
  struct index_totals totals;
  struct cas_space space;
  CLEANUP_FREE char *index_folder = path_join(store->path, "index");
  if (index_folder == NULL) return CAS_NO_MEMORY;
  STATUS_TRY(index_get_totals(store->index, &totals, error));
  *stats = (struct cas_stats){.patients = totals.patients,
                              .studies = totals.studies,
                              .series = totals.series,
                              .instances = totals.instances,
                              .instance_bytes = totals.instance_bytes,
                              .gone_instances = totals.gone_instances,
                              .blobs = totals.blobs,
                              .manifest_bytes = totals.manifest_bytes,
                              .index_bytes = path_folder_bytes(index_folder)};
  sum_codecs(&totals, stats);
  STATUS_TRY(ledger_list(store->index, add_segment, stats, error));
  STATUS_TRY(ledger_get_reclaimed(store->index, NULL, &stats->reclaimed_bytes, error));
  STATUS_TRY(discard_waiting(store->index, &stats->deleted_versions, &stats->deleted_bytes, error));
  STATUS_TRY(measure_segments(store, stats, error));
  STATUS_TRY(cas_store_space(store, &space, error));
  stats->free_bytes = space.free_bytes;
  return CAS_OK;
}

cas_status cas_store_space(const struct cas_store *store, struct cas_space *space, struct cas_error *error) {
  return store->disk->ops->space(store->disk, &space->free_bytes, &space->total_bytes, error);
}

void cas_store_info(const struct cas_store *store, struct cas_store_info *info) {
  *info = (struct cas_store_info){.path = store->path,
                                  .format_version = store->superblock.format_version,
                                  .created_ns = store->superblock.created_ns,
                                  .disk = store->disk->ops->describe(store->disk)};
  superblock_uuid_text(store->superblock.key.uuid, info->uuid);
}

const char *cas_version(void) { return CASSETTE_VERSION; }
