/*
 * Owns the settings of RocksDB.
 *
 *  1. Memory has a bound that does not grow with the archive: filters and block indexes live in the block cache, cut in
 *     pieces so that a large filter does not push everything else out.
 *  2. The log of writes is written, not synced, with each batch: a killed process loses nothing, and a follower sees it
 *     at once. After power loss the segments know more, and the store replays them past the mark.
 *  3. Once it is open RocksDB writes nothing into the log of its own doings (index_log.h).
 */
#include "index/index_options.h"

static const size_t block_cache_bytes = 32u << 20;
static const size_t write_buffer_bytes = 16u << 20;
static const int write_buffers = 2;

/* Tables are 64 MiB, so this is 16 GiB of index without reopening files; a server's other descriptors stay free. */
static const int writer_open_files_max = 256;

/* A follower must hold every table open, so that it can read those which the writer has deleted since. */
static const int follower_open_files_max = -1;

/* One in a hundred lookups of an unknown blob reads a block: nearly every lookup of an ingest is of an unknown blob. */
static const double filter_bits_per_key = 10;

/* The same for the young writes in memory: about 18 bits for each of some 150,000 entries in a buffer. */
static const double buffer_filter_share = 0.02;

static const int filler_young_tables = 12;

/* Of RocksDB's levels, Env::InfoLogLevel and WALRecoveryMode, which its C header does not name. */
enum { LOG_HEADERS = 5, RECOVER_POINT_IN_TIME = 2, CHECKSUM_XXH3 = 4, LEVELS = 7 };

static void set_tables(rocksdb_options_t *options) {
  rocksdb_block_based_table_options_t *tables = rocksdb_block_based_options_create();
  rocksdb_cache_t *cache = rocksdb_cache_create_lru(block_cache_bytes);
  rocksdb_block_based_options_set_block_cache(tables, cache);
  rocksdb_cache_destroy(cache);
  rocksdb_block_based_options_set_filter_policy(tables, rocksdb_filterpolicy_create_bloom_full(filter_bits_per_key));
  rocksdb_block_based_options_set_index_type(tables, rocksdb_block_based_table_index_type_two_level_index_search);
  rocksdb_block_based_options_set_partition_filters(tables, 1);
  rocksdb_block_based_options_set_cache_index_and_filter_blocks(tables, 1);
  rocksdb_block_based_options_set_cache_index_and_filter_blocks_with_high_priority(tables, 1);
  rocksdb_block_based_options_set_pin_l0_filter_and_index_blocks_in_cache(tables, 1);
  rocksdb_block_based_options_set_format_version(tables, 5);
  rocksdb_block_based_options_set_checksum(tables, CHECKSUM_XXH3);
  rocksdb_options_set_block_based_table_factory(options, tables);
  rocksdb_block_based_options_destroy(tables);
}

/* Young tables are written often and soon gone; nine tenths of the index is in the last level, read more than written.
 */
static void set_compression(rocksdb_options_t *options) {
  int levels[LEVELS] = {rocksdb_no_compression,  rocksdb_lz4_compression, rocksdb_lz4_compression,
                        rocksdb_lz4_compression, rocksdb_lz4_compression, rocksdb_lz4_compression,
                        rocksdb_lz4_compression};
  rocksdb_options_set_num_levels(options, LEVELS);
  rocksdb_options_set_compression_per_level(options, levels, LEVELS);
  rocksdb_options_set_bottommost_compression(options, rocksdb_zstd_compression);
}

/* Nobody reads meanwhile, and what is not there is known without RocksDB (index_written.h): young tables may be many,
 * and are merged into the old ones seldom, a few at a time being most of what a large index costs. */
static void set_for_filling(rocksdb_options_t *options) {
  rocksdb_options_set_memtable_prefix_bloom_size_ratio(options, 0);
  rocksdb_options_set_memtable_whole_key_filtering(options, 0);
  rocksdb_options_set_level0_file_num_compaction_trigger(options, filler_young_tables);
  rocksdb_options_set_level0_slowdown_writes_trigger(options, 3 * filler_young_tables);
  rocksdb_options_set_level0_stop_writes_trigger(options, 4 * filler_young_tables);
}

rocksdb_options_t *index_options_create(enum index_use use) {
  rocksdb_options_t *options = rocksdb_options_create();
  rocksdb_options_set_create_if_missing(options, use != INDEX_FOLLOWER);
  rocksdb_options_set_paranoid_checks(options, 1);
  rocksdb_options_set_wal_recovery_mode(options, RECOVER_POINT_IN_TIME);
  rocksdb_options_set_manual_wal_flush(options, 0);
  rocksdb_options_set_write_buffer_size(options, write_buffer_bytes);
  rocksdb_options_set_max_write_buffer_number(options, write_buffers);
  rocksdb_options_set_memtable_prefix_bloom_size_ratio(options, buffer_filter_share);
  rocksdb_options_set_memtable_whole_key_filtering(options, 1);
  rocksdb_options_set_level_compaction_dynamic_level_bytes(options, 1);
  rocksdb_options_set_max_background_jobs(options, 2);
  rocksdb_options_set_max_open_files(options, use == INDEX_FOLLOWER ? follower_open_files_max : writer_open_files_max);
  rocksdb_options_set_bytes_per_sync(options, 1u << 20);
  rocksdb_options_set_max_manifest_file_size(options, 16u << 20);
  rocksdb_options_set_info_log_level(options, LOG_HEADERS);
  rocksdb_options_set_max_log_file_size(options, 1u << 20);
  rocksdb_options_set_keep_log_file_num(options, 2);
  rocksdb_options_set_stats_dump_period_sec(options, 0);
  rocksdb_options_set_stats_persist_period_sec(options, 0);
  set_tables(options);
  set_compression(options);
  if (use == INDEX_FILLER) set_for_filling(options);
  return options;
}
