/*
 * P1 at the level of the log: a group whose commit was reported survives a power cut at any instant, whole; a group
 * that was not is never reported in part without saying so; and writing goes on behind it.
 *
 * One round is several lives of a log on a disk that loses, tears and reorders what was not synced. CASSETTE_SEED and
 * CASSETTE_ROUNDS choose.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include "segment/segment.h"
#include "support/faulty_disk.h"
#include "support/test_random.h"

enum { groups_max = 400, lives = 6, payload_bytes_max = 60000 };

static const struct segment_store_key key = {{0xCA, 0x55, 1, 2, 3}};

enum group_state {
  GROUP_FAILED,   /* append or commit failed, or the power went */
  GROUP_DURABLE,  /* commit succeeded, or a recovery said so */
  GROUP_DOUBTFUL, /* a recovery found some of it */
};

struct model_group {
  enum group_state state;
  bool committing; /* commit was tried */
  unsigned life;
  uint64_t first_serial, count;
  struct segment_mark mark; /* its end, DURABLE */
  uint64_t seen;            /* records in the current recovery */
};

struct model {
  struct io_disk *disk;
  struct volume *volume;
  struct test_random random;
  uint64_t seed;
  struct model_group groups[groups_max];
  size_t group_count;
  uint64_t next_serial;
  struct record_cookie cookies[groups_max * 16];
  unsigned life;
  /* Of the current recovery. */
  struct segment_mark from;
  size_t current;                                     /* group whose records come; SIZE_MAX: none */
  size_t last_seen;                                   /* group that was committed last; SIZE_MAX: none */
  uint64_t last_number;                               /* its number, also of one whose records are all damaged */
  uint64_t damage_segment, damage_from, damage_count; /* first damage; it must be of the last group */
  unsigned flags;
  bool torn;
  const char *problem;
};

/* --- records whose content follows from their number --- */

static uint64_t payload_size(const struct model *model, uint64_t serial) {
  struct test_random random = {model->seed ^ serial * 77};
  switch (test_random_below(&random, 8)) {
  case 0: return test_random_below(&random, 3);
  case 1: return test_random_below(&random, payload_bytes_max);
  default: return test_random_below(&random, 3000);
  }
}

static struct record make_record(const struct model *model, uint64_t serial, uint8_t *payload) {
  struct test_random random = {model->seed ^ serial * 99};
  struct record record = {.kind = (enum record_kind)(RECORD_BLOB + test_random_below(&random, 3)),
                          .codec = (uint8_t)test_random_next(&random),
                          .raw_size = test_random_below(&random, 100000),
                          .stored_size = payload_size(model, serial)};
  record.id.ordinal = (uint16_t)test_random_next(&random);
  store_u64(record.id.hash.bytes, serial);
  store_u64(record.id.hash.bytes + 8, test_random_next(&random));
  for (uint64_t i = 0; i < record.stored_size; i++) payload[i] = (uint8_t)test_random_next(&random);
  return record;
}

static bool is_record(const struct model *model, const struct record *record, struct cas_slice payload) {
  uint8_t expected_payload[payload_bytes_max];
  struct record expected = make_record(model, load_u64(record->id.hash.bytes), expected_payload);
  return record->kind == expected.kind && record->codec == expected.codec && blob_id_equal(&record->id, &expected.id) &&
         record->raw_size == expected.raw_size && record->stored_size == expected.stored_size &&
         slice_equal(payload, slice_of(expected_payload, expected.stored_size));
}

static size_t group_of(const struct model *model, uint64_t serial) {
  for (size_t i = 0; i < model->group_count; i++)
    if (serial >= model->groups[i].first_serial && serial < model->groups[i].first_serial + model->groups[i].count)
      return i;
  return SIZE_MAX;
}

/* --- what recovery says, against the model --- */

static cas_status wrong(struct model *model, const char *problem) {
  model->problem = problem;
  return CAS_INVALID;
}

static cas_status take_record(struct model *model, const struct segment_event *event) {
  uint64_t serial = load_u64(event->record.id.hash.bytes);
  size_t group = group_of(model, serial);
  if (group == SIZE_MAX) return wrong(model, "a record that was never written");
  if (model->current == SIZE_MAX)
    model->current = group;
  else if (model->current != group)
    return wrong(model, "records of two groups in one");
  if (!event->payload_good) {
    if (model->damage_count++ == 0) {
      model->damage_segment = event->segment;
      model->damage_from = event->offset;
    }
    return CAS_OK;
  }
  bool was_read = event->payload.size > 0 || event->record.stored_size == 0;
  if (!was_read && (model->flags & SEGMENT_SCAN_PAYLOADS) != 0) return wrong(model, "a payload was not read");
  if (was_read && !is_record(model, &event->record, event->payload))
    return wrong(model, "other bytes than were written");
  if (memcmp(&event->cookie, &model->cookies[serial], sizeof event->cookie) != 0)
    return wrong(model, "another cookie than at writing");
  model->groups[group].seen++;
  return CAS_OK;
}

static cas_status take_commit(struct model *model, const struct segment_event *event) {
  if (model->current == SIZE_MAX)
    return model->damage_count > 0 || model->torn ? CAS_OK : wrong(model, "a group without records");
  struct model_group *group = &model->groups[model->current];
  if (model->last_seen != SIZE_MAX && model->current <= model->last_seen) return wrong(model, "groups out of order");
  if (group->state == GROUP_DURABLE && group->mark.group != event->group)
    return wrong(model, "another group number than at commit");
  if (group->state == GROUP_DURABLE && group->seen != group->count) return wrong(model, "a durable group is not whole");
  if (group->state == GROUP_FAILED && !group->committing) return wrong(model, "a group that was never committed");
  group->mark = (struct segment_mark){event->group, event->segment, event->offset + event->size, 0};
  model->last_seen = model->current;
  model->current = SIZE_MAX;
  return CAS_OK;
}

static cas_status take_event(void *arg, const struct segment_event *event) {
  struct model *model = arg;
  switch (event->kind) {
  case SEGMENT_EVENT_RECORD: return take_record(model, event);
  case SEGMENT_EVENT_COMMIT: return take_commit(model, event);
  case SEGMENT_EVENT_DAMAGE:
    if (model->damage_count++ == 0) {
      model->damage_segment = event->segment;
      model->damage_from = event->offset;
    }
    return CAS_OK;
  case SEGMENT_EVENT_TORN: model->torn = true; return CAS_OK;
  }
  return wrong(model, "an unknown event");
}

static void check_groups(struct model *model, const struct segment_mark *end) {
  for (size_t i = 0; i < model->group_count; i++) {
    struct model_group *group = &model->groups[i];
    bool is_last = i == model->last_seen;
    if (group->state == GROUP_DURABLE && group->mark.group > model->from.group && group->seen != group->count)
      wrong(model, "a durable group is missing");
    if (group->state != GROUP_FAILED || group->seen == 0) continue;
    if (!is_last) wrong(model, "a group that failed is there, though another followed it");
    group->state = group->seen == group->count ? GROUP_DURABLE : GROUP_DOUBTFUL;
  }
  if (model->damage_count > 0 && end->doubtful_from == 0) wrong(model, "damage, and the end is not doubtful");
  if (model->damage_count > 0 && (model->damage_segment != end->segment || model->damage_from < end->doubtful_from))
    wrong(model, "damage before the last group");
  if (model->last_number != 0 && end->group != model->last_number) wrong(model, "the end is not behind the last group");
}

/* Recovers from `from`; false with model->problem if the log is not what it should be. */
static bool recover(struct model *model, struct segment_mark from, struct segment_mark *end) {
  struct cas_error error = {0};
  model->from = from;
  model->current = model->last_seen = SIZE_MAX;
  model->damage_count = 0;
  model->last_number = 0;
  model->torn = false;
  model->flags = test_random_below(&model->random, 2) == 0 ? SEGMENT_SCAN_PAYLOADS : 0;
  model->problem = NULL;
  for (size_t i = 0; i < model->group_count; i++) model->groups[i].seen = 0;
  cas_status status = segment_recover(model->volume, &key, from, model->flags, take_event, model, end, &error);
  if (status != CAS_OK && model->problem == NULL) {
    print_error("recovery: %s: %s\n", cas_status_text(status), error.message);
    model->problem = "recovery failed";
  }
  if (model->problem == NULL) check_groups(model, end);
  return model->problem == NULL;
}

/* All records of durable groups can be read by their cookies. */
static bool check_reads(struct model *model) {
  struct cas_buffer payload = {0};
  for (size_t i = 0; i < model->group_count && model->problem == NULL; i++) {
    const struct model_group *group = &model->groups[i];
    for (uint64_t serial = group->first_serial;
         group->state == GROUP_DURABLE && serial < group->first_serial + group->count; serial++) {
      struct record record;
      if (segment_read(model->volume, &key, model->cookies[serial], &record, &payload, NULL) != CAS_OK ||
          load_u64(record.id.hash.bytes) != serial || !is_record(model, &record, slice_of_buffer(&payload)))
        wrong(model, "a durable record cannot be read");
    }
  }
  cas_buffer_fini(&payload);
  return model->problem == NULL;
}

/* --- one life --- */

/* Writes one group of a random number of records. */
static cas_status write_group(struct model *model, struct segment_writer *writer) {
  static uint8_t payload[payload_bytes_max];
  struct model_group *group = &model->groups[model->group_count++];
  *group = (struct model_group){
      .life = model->life, .first_serial = model->next_serial, .count = 1 + test_random_below(&model->random, 8)};
  model->next_serial += group->count;
  for (uint64_t i = 0; i < group->count; i++) {
    uint64_t serial = group->first_serial + i;
    struct record record = make_record(model, serial, payload);
    cas_status status =
        segment_writer_append(writer, &record, slice_of(payload, record.stored_size), &model->cookies[serial], NULL);
    if (status != CAS_OK) return status;
  }
  if (test_random_below(&model->random, 12) == 0) {
    segment_writer_abort(writer);
    return CAS_OK;
  }
  group->committing = true;
  struct segment_mark mark;
  cas_status status = segment_writer_commit(writer, &mark, NULL);
  if (status == CAS_OK) {
    group->state = GROUP_DURABLE;
    group->mark = mark;
  }
  return status;
}

/* A mark that the index could have: of any durable group but those before a doubtful one that it has not seen. */
static struct segment_mark random_mark(struct model *model) {
  struct segment_mark mark = {0};
  size_t limit = test_random_below(&model->random, model->group_count + 1);
  for (size_t i = 0; i < limit; i++)
    if (model->groups[i].state == GROUP_DURABLE) mark = model->groups[i].mark;
  return mark;
}

static void plan_trouble(struct model *model) {
  uint64_t nth = 1 + test_random_below(&model->random, 60);
  static const unsigned kinds[] = {FAULTY_WRITE, FAULTY_SYNC, FAULTY_TRUNCATE | FAULTY_SYNC, FAULTY_NAME,
                                   FAULTY_CHANGE};
  if (test_random_below(&model->random, 3) == 0)
    faulty_disk_fail(model->disk, kinds[test_random_below(&model->random, 5)], nth,
                     1 + test_random_below(&model->random, 4), test_random_below(&model->random, 2) ? ENOSPC : EIO);
  faulty_disk_power_off_at(model->disk, 1 + test_random_below(&model->random, 150));
}

/* Opens, writes until the power goes or for a while, and ends. False: something is wrong. */
static bool live(struct model *model) {
  struct segment_writer *writer = NULL;
  struct segment_writer_options options = {.segment_bytes_target = 20000 + test_random_below(&model->random, 200000)};
  struct segment_mark end;
  assert_int_equal(volume_open(model->disk, 3, &model->volume, NULL), CAS_OK);
  bool good = recover(model, (struct segment_mark){0}, &end) && check_reads(model);
  if (good && end.doubtful_from == 0 && test_random_below(&model->random, 2) == 0)
    good = recover(model, random_mark(model), &end);
  if (good) {
    struct cas_error error = {0};
    plan_trouble(model);
    cas_status status = segment_writer_open(model->volume, &key, &options, end, &writer, &error);
    for (int i = 0; status == CAS_OK && i < 20 && model->group_count < groups_max; i++)
      (void)!write_group(model, writer);
    if (status == CAS_CORRUPT) {
      print_error("open: %s\n", error.message);
      good = wrong(model, "the writer refuses what recovery gave") == CAS_OK;
    }
  }
  segment_writer_close(writer);
  if (faulty_disk_blocks_lent(model->disk) != 0) good = wrong(model, "a block was not given back") == CAS_OK;
  volume_close(model->volume);
  return good;
}

/* Returns what was wrong, or NULL. */
static const char *run_round(uint64_t seed, bool lying_disk) {
  struct model *model = calloc(1, sizeof *model);
  assert_non_null(model);
  model->seed = model->random.state = seed;
  struct faulty_disk_options options = {.seed = seed,
                                        .block_bytes = SEGMENT_BLOCK_BYTES << test_random_below(&model->random, 5),
                                        .late_errors = test_random_below(&model->random, 2) == 0};
  model->disk = faulty_disk_create(&options);
  faulty_disk_lie(model->disk, lying_disk);
  bool good = true;
  for (model->life = 0; good && model->life < lives; model->life++) {
    good = live(model);
    faulty_disk_restart(model->disk);
  }
  const char *problem = good ? NULL : model->problem;
  faulty_disk_destroy(model->disk);
  free(model);
  return problem;
}

static void test_committed_groups_survive(void **state) {
  (void)state;
  uint64_t seed = test_random_seed("segment_crash"), rounds = test_random_rounds(150);
  for (uint64_t i = 0; i < rounds; i++) {
    const char *problem = run_round(seed + i, false);
    if (problem != NULL)
      fail_msg("%s: repeat with CASSETTE_SEED=%llu CASSETTE_ROUNDS=1", problem, (unsigned long long)(seed + i));
  }
}

/* The test itself: a disk that loses synced bytes must be noticed. */
static void test_lost_groups_are_noticed(void **state) {
  (void)state;
  uint64_t noticed = 0;
  for (uint64_t i = 0; i < 20; i++) noticed += run_round(1000 + i, true) != NULL;
  assert_true(noticed >= 15);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_committed_groups_survive),
      cmocka_unit_test(test_lost_groups_are_noticed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
