/* Any bytes as the small files of a store that are text: the first says which, CASSETTE or the scrubber's place. What
 * is read is written as the same. */
#include <stdlib.h>
#include <string.h>

#include "store/scrub_place.h"
#include "store/superblock.h"
#include "support/faulty_disk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds) {
  if (!holds) abort();
}

static void try_superblock(struct cas_slice text) {
  CLEANUP_BUFFER struct cas_buffer again = {0};
  struct superblock superblock;
  struct cas_error error = {0};
  cas_status status = superblock_parse(text, &superblock, &error);
  must(status == CAS_OK || ((status == CAS_CORRUPT || status == CAS_UNSUPPORTED) && error.message[0] != '\0'));
  if (status != CAS_OK) return;
  must(superblock_format(&superblock, &again) == CAS_OK);
  must(slice_equal(slice_of_buffer(&again), text));
}

/* Loads the place, saves it, and appends what was saved to `text`. */
static void load_and_save(struct cas_store *store, struct cas_buffer *text) {
  struct scrub_place *place = malloc(sizeof *place);
  uint64_t size;
  must(place != NULL);
  scrub_place_load(store, place);
  must(place->damage_count <= SCRUB_DAMAGES_MAX);
  must(scrub_place_save(store, place, NULL) == CAS_OK);
  const uint8_t *bytes = faulty_disk_bytes(store->disk, "scrub", &size);
  must(bytes != NULL && cas_buffer_append(text, slice_of(bytes, size)) == CAS_OK);
  free(place);
}

static void try_scrub_place(struct cas_slice text) {
  const struct faulty_disk_options options = {.seed = 1, .block_bytes = 4096};
  struct cas_store store = {.disk = faulty_disk_create(&options)};
  CLEANUP_BUFFER struct cas_buffer once = {0}, twice = {0};
  must(store.disk != NULL && store.disk->ops->replace(store.disk, "scrub", text, NULL) == CAS_OK);
  load_and_save(&store, &once);
  load_and_save(&store, &twice);
  must(slice_equal(slice_of_buffer(&once), slice_of_buffer(&twice)));
  faulty_disk_destroy(store.disk);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0) return 0;
  struct cas_slice text = slice_of(data + 1, size - 1);
  if (data[0] % 2 == 0)
    try_superblock(text);
  else
    try_scrub_place(text);
  return 0;
}
