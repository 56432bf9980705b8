/*
 * Owns what the headers say. Elements are written in ascending order of tags into one buffer, the frames behind it one
 * after another.
 */
#include "synthetic_object.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "identifier.h"
#include "random_numbers.h"

#define EXPLICIT_LITTLE "1.2.840.10008.1.2.1"
#define IMPLEMENTATION_CLASS                                                                                           \
  "2.25.275522197922656192311366975484983416817" /* as in the meta headers of what is received */

struct header {
  struct cas_buffer bytes;
  cas_status status; /* of the first failure */
};

static void put(struct header *header, uint32_t tag, const char *vr, struct cas_slice value) {
  if (header->status == CAS_OK) header->status = identifier_put(&header->bytes, true, tag, vr, value);
}

__attribute__((format(printf, 4, 5))) static void put_text(struct header *header, uint32_t tag, const char *vr,
                                                           const char *format, ...) {
  char text[256];
  va_list values;
  va_start(values, format);
  const int size = vsnprintf(text, sizeof text, format, values);
  va_end(values);
  put(header, tag, vr, (struct cas_slice){.data = (const uint8_t *)text, .size = (size_t)size});
}

static void put_number(struct header *header, uint32_t tag, uint32_t value) {
  const uint8_t bytes[] = {(uint8_t)value, (uint8_t)(value >> 8)};
  put(header, tag, "US", (struct cas_slice){.data = bytes, .size = sizeof bytes});
}

/* An element whose length has 32 bits: its head alone. */
static void put_long_head(struct header *header, uint32_t tag, const char *vr, uint64_t size) {
  const uint8_t head[12] = {(uint8_t)(tag >> 16),  (uint8_t)(tag >> 24), (uint8_t)tag,        (uint8_t)(tag >> 8),
                            (uint8_t)vr[0],        (uint8_t)vr[1],       [8] = (uint8_t)size, (uint8_t)(size >> 8),
                            (uint8_t)(size >> 16), (uint8_t)(size >> 24)};
  if (header->status == CAS_OK)
    header->status = cas_buffer_append(&header->bytes, (struct cas_slice){.data = head, .size = sizeof head});
}

/* What makes a series other than another one. */
static uint64_t series_seed(const struct synthetic_series *series) {
  const uint32_t numbers[] = {(uint32_t)series->kind, series->images,  series->frames,
                              series->rows,           series->columns, series->bits};
  uint64_t seed = random_part(series->seed, series->number);
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) seed = random_part(seed, numbers[i]);
  return seed;
}

/* What a UID names: one of a series, or the object with its index. */
enum named { NAMED_STUDY, NAMED_SERIES, NAMED_FRAME_OF_REFERENCE, NAMED_OBJECT };

struct uid_text {
  char text[CAS_UID_TEXT_MAX];
};

/* 2.25 and 38 digits: a number below 2^128, as PS3.5 B.2 asks. */
static struct uid_text uid_of(const struct synthetic_series *series, enum named named, uint32_t index) {
  struct uid_text uid;
  uint64_t random = random_part(series_seed(series), (uint64_t)named << 32 | index);
  size_t size = (size_t)snprintf(uid.text, sizeof uid.text, "2.25.%u", 1 + random_below(&random, 2));
  for (int i = 0; i < 37; i++) uid.text[size++] = (char)('0' + random_below(&random, 10));
  uid.text[size] = '\0';
  return uid;
}

static bool is_ct(const struct synthetic_series *series) { return series->kind == PHANTOM_CT; }

static const char *sop_class_of(const struct synthetic_series *series) {
  if (series->frames > 1) return series->bits > 8 ? "1.2.840.10008.5.1.4.1.1.7.3" : "1.2.840.10008.5.1.4.1.1.7.2";
  return is_ct(series) ? "1.2.840.10008.5.1.4.1.1.2" : "1.2.840.10008.5.1.4.1.1.4";
}

cas_status synthetic_series_complete(struct synthetic_series *series, struct cas_error *error) {
  if (series->images == 0) series->images = 1;
  if (series->frames == 0) series->frames = 1;
  if (series->rows == 0) series->rows = is_ct(series) ? 512 : 384;
  if (series->columns == 0) series->columns = is_ct(series) ? 512 : 274;
  if (series->bits == 0) series->bits = 12;
  if (synthetic_pixel_bytes(series) <= UINT32_MAX - 1) return CAS_OK;
  *error = (struct cas_error){.status = CAS_INVALID};
  snprintf(error->message, sizeof error->message, "an image of %llu bytes is longer than DICOM can state",
           (unsigned long long)synthetic_pixel_bytes(series));
  return CAS_INVALID;
}

static unsigned sample_bytes(const struct synthetic_series *series) { return series->bits > 8 ? 2 : 1; }

static uint64_t frame_bytes(const struct synthetic_series *series) {
  return (uint64_t)series->rows * series->columns * sample_bytes(series);
}

uint64_t synthetic_pixel_bytes(const struct synthetic_series *series) { return frame_bytes(series) * series->frames; }

static void put_meta(struct header *header, const struct synthetic_series *series, const char *sop_instance_uid) {
  static const uint8_t start[132] = {[128] = 'D', 'I', 'C', 'M'};
  struct header meta = {0};
  put_long_head(&meta, 0x00020001, "OB", 2);
  if (meta.status == CAS_OK)
    meta.status = cas_buffer_append(&meta.bytes, (struct cas_slice){(const uint8_t *)"\0\1", 2});
  put_text(&meta, 0x00020002, "UI", "%s", sop_class_of(series));
  put_text(&meta, 0x00020003, "UI", "%s", sop_instance_uid);
  put_text(&meta, 0x00020010, "UI", EXPLICIT_LITTLE);
  put_text(&meta, 0x00020012, "UI", IMPLEMENTATION_CLASS);
  put_text(&meta, 0x00020013, "SH", "CASSETTE_BENCH");
  const uint8_t size[] = {(uint8_t)meta.bytes.size, (uint8_t)(meta.bytes.size >> 8), 0, 0};
  header->status = meta.status;
  if (header->status == CAS_OK) header->status = cas_buffer_append(&header->bytes, (struct cas_slice){start, 132});
  put(header, 0x00020000, "UL", (struct cas_slice){.data = size, .size = sizeof size});
  const struct cas_slice whole = {.data = meta.bytes.data, .size = meta.bytes.size};
  if (header->status == CAS_OK) header->status = cas_buffer_append(&header->bytes, whole);
  cas_buffer_fini(&meta.bytes);
}

static void put_study(struct header *header, const struct synthetic_series *series, const char *sop_instance_uid) {
  const uint64_t patient = series_seed(series);
  const unsigned day = 1 + (unsigned)(patient % 28);
  put_text(header, CAS_TAG_SPECIFIC_CHARACTER_SET, "CS", "ISO_IR 100");
  put_text(header, 0x00080008, "CS", series->frames > 1 ? "DERIVED\\SECONDARY" : "ORIGINAL\\PRIMARY\\AXIAL");
  put_text(header, CAS_TAG_SOP_CLASS_UID, "UI", "%s", sop_class_of(series));
  put_text(header, CAS_TAG_SOP_INSTANCE_UID, "UI", "%s", sop_instance_uid);
  put_text(header, CAS_TAG_STUDY_DATE, "DA", "202401%02u", day);
  put_text(header, CAS_TAG_SERIES_DATE, "DA", "202401%02u", day);
  put_text(header, 0x00080023, "DA", "202401%02u", day);
  put_text(header, CAS_TAG_STUDY_TIME, "TM", "0815%02u", (unsigned)(patient >> 8) % 60);
  put_text(header, 0x00080033, "TM", "0820%02u", (unsigned)(patient >> 8) % 60);
  put_text(header, CAS_TAG_ACCESSION_NUMBER, "SH", "A%09u", (unsigned)(patient >> 16) % 1000000000);
  put_text(header, CAS_TAG_MODALITY, "CS", is_ct(series) ? "CT" : "MR");
  if (series->frames > 1) put_text(header, 0x00080064, "CS", "WSD");
  put_text(header, 0x00080070, "LO", "Cassette");
  put_text(header, 0x00080080, "LO", "Phantom Hospital");
  put_text(header, 0x00080090, "PN", "REFERRING^PHYSICIAN");
  put_text(header, CAS_TAG_STUDY_DESCRIPTION, "LO", is_ct(series) ? "CHEST PHANTOM" : "HEAD PHANTOM");
  put_text(header, CAS_TAG_SERIES_DESCRIPTION, "LO", is_ct(series) ? "CHEST 1.0 B50" : "T1 SAG ISO");
  put_text(header, 0x00081090, "LO", "Phantom 1");
  put_text(header, CAS_TAG_PATIENT_NAME, "PN", "PHANTOM^%05u", (unsigned)(patient >> 24) % 100000);
  put_text(header, CAS_TAG_PATIENT_ID, "LO", "PHANTOM-%016llx", (unsigned long long)patient);
  put_text(header, CAS_TAG_PATIENT_BIRTH_DATE, "DA", "19%02u0101", 30 + (unsigned)(patient >> 40) % 60);
  put_text(header, CAS_TAG_PATIENT_SEX, "CS", patient >> 63 ? "F" : "M");
}

static void put_acquisition(struct header *header, const struct synthetic_series *series, uint32_t index) {
  put_text(header, 0x00180015, "CS", is_ct(series) ? "CHEST" : "HEAD");
  if (!is_ct(series)) {
    put_text(header, 0x00180020, "CS", "GR");
    put_text(header, 0x00180021, "CS", "SP");
    put_text(header, 0x00180022, "CS", "PFP");
    put_text(header, 0x00180023, "CS", "3D");
  }
  put_text(header, 0x00180050, "DS", "1.0");
  if (is_ct(series)) {
    put_text(header, 0x00180060, "DS", "120");
  } else {
    put_text(header, 0x00180080, "DS", "2300");
    put_text(header, 0x00180081, "DS", "2.98");
    put_text(header, 0x00180083, "DS", "1");
    put_text(header, 0x00180087, "DS", "3");
  }
  put_text(header, 0x00181020, "LO", "1.0");
  if (series->frames > 1) put_text(header, 0x00181063, "DS", "40"); /* what the frames' pointer points at */
  if (is_ct(series)) {
    put_text(header, 0x00181100, "DS", "400");
    put_text(header, 0x00181151, "IS", "%u", 300 + index % 7);
    put_text(header, 0x00181210, "SH", "B50");
  }
  put_text(header, 0x00185100, "CS", "HFS");
}

static void put_place(struct header *header, const struct synthetic_series *series, uint32_t index) {
  put_text(header, CAS_TAG_STUDY_INSTANCE_UID, "UI", "%s", uid_of(series, NAMED_STUDY, 0).text);
  put_text(header, CAS_TAG_SERIES_INSTANCE_UID, "UI", "%s", uid_of(series, NAMED_SERIES, 0).text);
  put_text(header, CAS_TAG_STUDY_ID, "SH", "1");
  put_text(header, CAS_TAG_SERIES_NUMBER, "IS", "2");
  put_text(header, 0x00200012, "IS", "1");
  put_text(header, CAS_TAG_INSTANCE_NUMBER, "IS", "%u", index + 1);
  put_text(header, 0x00200032, "DS", "-200\\-200\\-%u.5", index);
  put_text(header, 0x00200037, "DS", "1\\0\\0\\0\\1\\0");
  put_text(header, 0x00200052, "UI", "%s", uid_of(series, NAMED_FRAME_OF_REFERENCE, 0).text);
  put_text(header, 0x00201040, "LO", "%s", "");
  put_text(header, 0x00201041, "DS", "-%u.5", index);
}

static void put_image(struct header *header, const struct synthetic_series *series) {
  put_number(header, 0x00280002, 1);
  put_text(header, 0x00280004, "CS", "MONOCHROME2");
  if (series->frames > 1) {
    static const uint8_t pointer[] = {0x18, 0, 0x63, 0x10};
    put_text(header, CAS_TAG_NUMBER_OF_FRAMES, "IS", "%u", series->frames);
    put(header, 0x00280009, "AT", (struct cas_slice){.data = pointer, .size = sizeof pointer});
  }
  put_number(header, CAS_TAG_ROWS, series->rows);
  put_number(header, CAS_TAG_COLUMNS, series->columns);
  put_text(header, 0x00280030, "DS", is_ct(series) ? "0.78125\\0.78125" : "0.67\\0.70");
  put_number(header, CAS_TAG_BITS_ALLOCATED, 8 * sample_bytes(series));
  put_number(header, 0x00280101, series->bits);
  put_number(header, 0x00280102, series->bits - 1);
  put_number(header, 0x00280103, 0);
  put_text(header, 0x00281050, "DS", is_ct(series) ? "40" : "500");
  put_text(header, 0x00281051, "DS", is_ct(series) ? "400" : "1000");
  put_text(header, 0x00281052, "DS", is_ct(series) ? "-1024" : "0");
  put_text(header, 0x00281053, "DS", "1");
  const uint64_t pixel_bytes = synthetic_pixel_bytes(series);
  put_long_head(header, 0x7FE00010, series->bits > 8 ? "OW" : "OB", pixel_bytes + (pixel_bytes & 1));
}

/* Samples to bytes, in place: each takes no more room than it had. */
static struct cas_slice frame_of(const struct synthetic_series *series, const uint16_t *samples, uint8_t *bytes) {
  const size_t count = (size_t)series->rows * series->columns;
  for (size_t i = 0; i < count; i++) {
    if (series->bits > 8) {
      bytes[2 * i] = (uint8_t)samples[i];
      bytes[2 * i + 1] = (uint8_t)(samples[i] >> 8);
    } else {
      bytes[i] = (uint8_t)samples[i];
    }
  }
  return (struct cas_slice){.data = bytes, .size = (size_t)frame_bytes(series)};
}

static cas_status write_frames(const struct synthetic_series *series, uint32_t index, synthetic_sink_fn sink, void *arg,
                               struct cas_error *error) {
  const size_t count = (size_t)series->rows * series->columns;
  uint16_t *samples = calloc(count, sizeof *samples);
  uint8_t *bytes = malloc((size_t)frame_bytes(series));
  struct phantom *phantom = NULL;
  cas_status status = samples != NULL && bytes != NULL ? CAS_OK : CAS_NO_MEMORY;
  const uint64_t seed = series_seed(series);
  if (status == CAS_OK)
    status = phantom_create(series->kind, series->rows, series->columns, series->bits, seed, &phantom);
  const uint64_t first = (uint64_t)index * series->frames, slices = (uint64_t)series->images * series->frames;
  for (uint32_t frame = 0; status == CAS_OK && frame < series->frames; frame++) {
    phantom_draw(phantom, first + frame, slices, samples);
    status = sink(arg, frame_of(series, samples, bytes), error);
  }
  phantom_destroy(phantom);
  free(bytes);
  free(samples);
  if (status == CAS_OK && (synthetic_pixel_bytes(series) & 1) != 0)
    status = sink(arg, (struct cas_slice){.data = (const uint8_t *)"", .size = 1}, error);
  return status;
}

cas_status synthetic_object_write(const struct synthetic_series *series, uint32_t index, synthetic_sink_fn sink,
                                  void *arg, struct cas_error *error) {
  struct header header = {0};
  const struct uid_text sop_instance_uid = uid_of(series, NAMED_OBJECT, index);
  put_meta(&header, series, sop_instance_uid.text);
  put_study(&header, series, sop_instance_uid.text);
  put_acquisition(&header, series, index);
  put_place(&header, series, index);
  put_image(&header, series);
  const struct cas_slice bytes = {.data = header.bytes.data, .size = header.bytes.size};
  cas_status status = header.status == CAS_OK ? sink(arg, bytes, error) : header.status;
  cas_buffer_fini(&header.bytes);
  return status == CAS_OK ? write_frames(series, index, sink, arg, error) : status;
}
