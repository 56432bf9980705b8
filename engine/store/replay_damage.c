#include "store/replay_damage.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/limits.h"
#include "store/superseded.h"

struct replay_damage_line {
  char *text;                     /* owned */
  uint64_t segment, offset, size; /* size 0: no place */
};

static void forget(struct replay_damage *damage) {
  for (size_t i = 0; i < damage->count; i++) free(damage->lines[i].text);
  damage->count = 0;
}

void replay_damage_fini(struct replay_damage *damage) {
  forget(damage);
  free(damage->lines);
  *damage = (struct replay_damage){0};
}

static bool has_room(struct replay_damage *damage) {
  if (damage->count == REPLAY_DAMAGES_MAX) return false;
  if (damage->count < damage->capacity) return true;
  const size_t capacity = damage->capacity == 0 ? 16 : damage->capacity * 2;
  struct replay_damage_line *grown = realloc(damage->lines, capacity * sizeof *grown);
  if (grown == NULL) return false;
  damage->lines = grown;
  damage->capacity = capacity;
  return true;
}

void replay_damage_note(struct replay_damage *damage, const struct cas_store *store, const struct segment_event *event,
                        const char *format, ...) {
  char text[512];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  struct replay_damage_line line = {.text = has_room(damage) ? strdup(text) : NULL};
  if (line.text == NULL) {
    store_log(store, CAS_LOG_ERROR, "%s", text);
    return;
  }
  if (event != NULL) {
    line.segment = segment_file(event->segment, event->generation);
    line.offset = event->offset;
    line.size = event->size;
  }
  damage->lines[damage->count++] = line;
}

static bool was_healed(const struct replay_damage_line *line, const struct cas_store *store) {
  bool covers = false;
  return line->size > 0 &&
         superseded_covers(store->index, line->segment, line->offset, line->size, &covers, NULL) == CAS_OK && covers;
}

void replay_damage_tell(struct replay_damage *damage, const struct cas_store *store) {
  if (damage->count > 0) (void)!index_flush(store->index, NULL); /* which finds what was applied last */
  for (size_t i = 0; i < damage->count; i++)
    if (!was_healed(&damage->lines[i], store)) store_log(store, CAS_LOG_ERROR, "%s", damage->lines[i].text);
  forget(damage);
}
