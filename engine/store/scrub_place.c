#include "store/scrub_place.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#define PLACE_NAME "scrub"
#define PLACE_VERSION 1u
/* More than the longest place: some 20 lines, and SCRUB_DAMAGES_MAX of 60 bytes. */
#define PLACE_BYTES_MAX (64u << 10)

struct field {
  const char *name;
  uint64_t *number;
};

/* Every number of a place under its name; flags and the segment have numbers beside. */
struct fields {
  uint64_t version, reading, hurried, paused, segment;
  uint64_t times[4];
  struct field all[32];
  size_t count;
};

static void add_field(struct fields *fields, const char *name, uint64_t *number) {
  fields->all[fields->count++] = (struct field){name, number};
}

static void name_fields(struct fields *fields, struct scrub_place *place) {
  *fields = (struct fields){.version = PLACE_VERSION,
                            .reading = place->reading,
                            .hurried = place->hurried,
                            .paused = place->paused,
                            .segment = place->segment,
                            .times = {(uint64_t)place->now.started_ns, (uint64_t)place->now.ended_ns,
                                      (uint64_t)place->whole.started_ns, (uint64_t)place->whole.ended_ns}};
  add_field(fields, "version", &fields->version);
  add_field(fields, "reading", &fields->reading);
  add_field(fields, "hurried", &fields->hurried);
  add_field(fields, "paused", &fields->paused);
  add_field(fields, "cycles", &place->cycles);
  add_field(fields, "segment", &fields->segment);
  add_field(fields, "started_ns", &fields->times[0]);
  add_field(fields, "ended_ns", &fields->times[1]);
  add_field(fields, "segments", &place->now.segments);
  add_field(fields, "records", &place->now.records);
  add_field(fields, "bytes", &place->now.bytes);
  add_field(fields, "damaged_records", &place->now.damaged_records);
  add_field(fields, "index_findings", &place->now.index_findings);
  add_field(fields, "damaged_instances", &place->now.damaged_instances);
  add_field(fields, "away_segments", &place->now.away_segments);
  add_field(fields, "whole_started_ns", &fields->times[2]);
  add_field(fields, "whole_ended_ns", &fields->times[3]);
  add_field(fields, "whole_segments", &place->whole.segments);
  add_field(fields, "whole_records", &place->whole.records);
  add_field(fields, "whole_bytes", &place->whole.bytes);
  add_field(fields, "whole_damaged_records", &place->whole.damaged_records);
  add_field(fields, "whole_index_findings", &place->whole.index_findings);
  add_field(fields, "whole_damaged_instances", &place->whole.damaged_instances);
  add_field(fields, "whole_away_segments", &place->whole.away_segments);
}

static bool take_line(struct fields *fields, struct scrub_place *place, const char *line) {
  char name[32];
  uint64_t first, offset, bytes;
  int count = sscanf(line, "%31s %" SCNu64 " %" SCNu64 " %" SCNu64, name, &first, &offset, &bytes);
  if (count == 4 && strcmp(name, "damage") == 0) {
    if (place->damage_count == SCRUB_DAMAGES_MAX || first > UINT32_MAX) return false;
    place->damages[place->damage_count++] = (struct scrub_damage){(uint32_t)first, offset, bytes};
    return true;
  }
  for (size_t i = 0; i < fields->count && count == 2; i++) {
    if (strcmp(fields->all[i].name, name) != 0) continue;
    *fields->all[i].number = first;
    return true;
  }
  return false;
}

/* False: it is no place. `text` is changed. */
static bool parse(char *text, struct scrub_place *place) {
  struct fields fields;
  char *rest = text, *line;
  name_fields(&fields, place);
  fields.version = 0;
  while ((line = strsep(&rest, "\n")) != NULL)
    if (line[0] != '\0' && !take_line(&fields, place, line)) return false;
  place->reading = fields.reading != 0;
  place->hurried = fields.hurried != 0;
  place->paused = fields.paused != 0;
  place->segment = (uint32_t)fields.segment;
  place->now.started_ns = (int64_t)fields.times[0];
  place->now.ended_ns = (int64_t)fields.times[1];
  place->whole.started_ns = (int64_t)fields.times[2];
  place->whole.ended_ns = (int64_t)fields.times[3];
  return fields.version == PLACE_VERSION && fields.segment <= UINT32_MAX;
}

void scrub_place_begin(struct scrub_place *place) {
  place->reading = true;
  place->cycles++;
  place->segment = 0;
  place->damage_count = 0;
  place->now = (struct cas_scrub_counts){.started_ns = clock_now_ns()};
}

static cas_status read_text(struct cas_store *store, char *text, struct cas_error *error) {
  struct io_file *file;
  uint64_t size;
  size_t got = 0;
  STATUS_TRY(store->disk->ops->open(store->disk, PLACE_NAME, IO_READ, &file, error));
  cas_status status = file->ops->size(file, &size, error);
  if (status == CAS_OK && size > PLACE_BYTES_MAX) status = CAS_CORRUPT;
  if (status == CAS_OK) status = file->ops->read(file, 0, (uint8_t *)text, size, &got, error);
  file->ops->close(file);
  text[got] = '\0';
  return status;
}

void scrub_place_load(struct cas_store *store, struct scrub_place *place) {
  CLEANUP_FREE char *text = malloc(PLACE_BYTES_MAX + 1);
  struct cas_error detail = {0};
  *place = (struct scrub_place){0};
  if (text == NULL) return;
  cas_status status = read_text(store, text, &detail);
  if (status == CAS_NOT_FOUND) return;
  if (status == CAS_OK && parse(text, place)) return;
  *place = (struct scrub_place){0};
  store_log(store, CAS_LOG_WARNING, "the scrubber's place cannot be read, it begins anew: %s",
            status == CAS_OK ? "the file is damaged" : detail.message);
}

cas_status scrub_place_save(struct cas_store *store, const struct scrub_place *place, struct cas_error *error) {
  struct scrub_place copy = *place;
  struct fields fields;
  CLEANUP_FREE char *text = malloc(PLACE_BYTES_MAX);
  size_t size = 0;
  if (text == NULL) return CAS_NO_MEMORY;
  name_fields(&fields, &copy);
  for (size_t i = 0; i < fields.count; i++)
    size += (size_t)snprintf(text + size, PLACE_BYTES_MAX - size, "%s %" PRIu64 "\n", fields.all[i].name,
                             *fields.all[i].number);
  for (size_t i = 0; i < copy.damage_count; i++)
    size += (size_t)snprintf(text + size, PLACE_BYTES_MAX - size, "damage %" PRIu32 " %" PRIu64 " %" PRIu64 "\n",
                             copy.damages[i].segment, copy.damages[i].offset, copy.damages[i].bytes);
  assert(size < PLACE_BYTES_MAX);
  return store->disk->ops->replace(store->disk, PLACE_NAME, slice_of(text, size), error);
}
