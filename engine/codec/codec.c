/*
 * Owns a stack of zstd contexts. Invariants:
 *  1. A context is in the stack or lent to exactly one call.
 *  2. A lent context carries no parameters, dictionary or prefix over to the next call.
 */
#include "codec/codec.h"

#include <pthread.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "base/status.h"
#include "codec/quick.h"

#define CONTEXTS_KEPT_MAX 16

struct context {
  ZSTD_CCtx *compress;
  ZSTD_DCtx *decompress;
  struct context *next;
};

struct codec {
  pthread_mutex_t lock;
  struct context *idle; /* lock */
  size_t idle_count;    /* lock */
};

static void context_destroy(struct context *context) {
  ZSTD_freeCCtx(context->compress);
  ZSTD_freeDCtx(context->decompress);
  free(context);
}

static struct context *context_create(void) {
  struct context *context = calloc(1, sizeof *context);
  if (context == NULL) return NULL;
  context->compress = ZSTD_createCCtx();
  context->decompress = ZSTD_createDCtx();
  if (context->compress == NULL || context->decompress == NULL) {
    context_destroy(context);
    return NULL;
  }
  return context;
}

cas_status codec_create(struct codec **codec) {
  struct codec *created = calloc(1, sizeof *created);
  if (created == NULL) return CAS_NO_MEMORY;
  pthread_mutex_init(&created->lock, NULL);
  *codec = created;
  return CAS_OK;
}

void codec_destroy(struct codec *codec) {
  if (codec == NULL) return;
  while (codec->idle != NULL) {
    struct context *next = codec->idle->next;
    context_destroy(codec->idle);
    codec->idle = next;
  }
  pthread_mutex_destroy(&codec->lock);
  free(codec);
}

static struct context *borrow(struct codec *codec) {
  pthread_mutex_lock(&codec->lock);
  struct context *context = codec->idle;
  if (context != NULL) {
    codec->idle = context->next;
    codec->idle_count--;
  }
  pthread_mutex_unlock(&codec->lock);
  return context != NULL ? context : context_create();
}

static void give_back(struct codec *codec, struct context *context) {
  ZSTD_CCtx_reset(context->compress, ZSTD_reset_session_and_parameters);
  ZSTD_DCtx_reset(context->decompress, ZSTD_reset_session_and_parameters);
  pthread_mutex_lock(&codec->lock);
  bool kept = codec->idle_count < CONTEXTS_KEPT_MAX;
  if (kept) {
    context->next = codec->idle;
    codec->idle = context;
    codec->idle_count++;
  }
  pthread_mutex_unlock(&codec->lock);
  if (!kept) context_destroy(context);
}

/* Appends a zstd frame if that, with `overhead` bytes before it, is smaller than the raw bytes. */
static cas_status compress(struct codec *codec, struct cas_slice raw, struct cas_slice prefix, size_t overhead,
                           int effort, struct cas_buffer *payload, bool *smaller) {
  *smaller = false;
  if (raw.size <= overhead + 1) return CAS_OK;
  size_t capacity = raw.size - overhead - 1;
  STATUS_TRY(cas_buffer_reserve(payload, payload->size + capacity));
  struct context *context = borrow(codec);
  if (context == NULL) return CAS_NO_MEMORY;
  ZSTD_CCtx_setParameter(context->compress, ZSTD_c_compressionLevel, effort);
  ZSTD_CCtx_setParameter(context->compress, ZSTD_c_contentSizeFlag, 0);
  if (prefix.size > 0) ZSTD_CCtx_refPrefix(context->compress, prefix.data, prefix.size);
  size_t size = ZSTD_compress2(context->compress, payload->data + payload->size, capacity, raw.data, raw.size);
  give_back(codec, context);
  if (ZSTD_isError(size)) return ZSTD_getErrorCode(size) == ZSTD_error_memory_allocation ? CAS_NO_MEMORY : CAS_OK;
  payload->size += size;
  *smaller = true;
  return CAS_OK;
}

cas_status codec_encode_bytes(struct codec *codec, struct cas_slice raw, int effort, struct cas_buffer *payload,
                              enum codec_id *id) {
  bool smaller;
  STATUS_TRY(compress(codec, raw, slice_of(NULL, 0), 0, effort, payload, &smaller));
  *id = smaller ? CODEC_ZSTD : CODEC_RAW;
  return CAS_OK;
}

cas_status codec_encode_like(struct codec *codec, struct cas_slice raw, const struct blob_id *dictionary_id,
                             struct cas_slice dictionary, int effort, struct cas_buffer *payload, enum codec_id *id) {
  size_t begin = payload->size;
  uint8_t name[CODEC_DICTIONARY_NAME_BYTES];
  memcpy(name, dictionary_id->hash.bytes, sizeof dictionary_id->hash.bytes);
  store_u16(name + sizeof dictionary_id->hash.bytes, dictionary_id->ordinal);
  STATUS_TRY(cas_buffer_append(payload, slice_of(name, sizeof name)));
  bool smaller;
  cas_status status = compress(codec, raw, dictionary, sizeof name, effort, payload, &smaller);
  if (status != CAS_OK || !smaller) payload->size = begin;
  if (status == CAS_OK) *id = smaller ? CODEC_ZSTD_DICTIONARY : CODEC_RAW;
  return status;
}

cas_status codec_encode_pixels(const struct cas_pixel_format *format, struct cas_slice raw, struct cas_buffer *payload,
                               enum codec_id *id) {
  size_t begin = payload->size;
  STATUS_TRY(cas_pixel_encode(format, raw, payload));
  *id = CODEC_PIXEL;
  if (payload->size - begin >= raw.size) {
    payload->size = begin;
    *id = CODEC_RAW;
  }
  return CAS_OK;
}

/* The trailer: what u8 (1 bytes, 2 a frame), pixel_representation u8, planar_configuration u8, big_endian u8, rows u32,
 * columns u32, samples_per_pixel u16, bits_allocated u16, bits_stored u16, high_bit u16, zeros u32. */
enum { DEFERRED_BYTES = 1, DEFERRED_FRAME = 2 };

void codec_make_trailer(const struct cas_pixel_format *format, uint8_t trailer[CODEC_TRAILER_BYTES]) {
  memset(trailer, 0, CODEC_TRAILER_BYTES);
  trailer[0] = format == NULL ? DEFERRED_BYTES : DEFERRED_FRAME;
  if (format == NULL) return;
  trailer[1] = format->pixel_representation;
  trailer[2] = format->planar_configuration;
  trailer[3] = format->big_endian;
  store_u32(trailer + 4, format->rows);
  store_u32(trailer + 8, format->columns);
  store_u16(trailer + 12, format->samples_per_pixel);
  store_u16(trailer + 14, format->bits_allocated);
  store_u16(trailer + 16, format->bits_stored);
  store_u16(trailer + 18, format->high_bit);
}

cas_status codec_encode_quickly(const struct cas_pixel_format *format, struct cas_slice raw, struct cas_buffer *payload,
                                enum codec_id *id) {
  size_t begin = payload->size;
  *id = CODEC_RAW;
  if (!quick_takes(format)) return CAS_OK;
  STATUS_TRY(quick_encode(format, raw, payload));
  if (payload->size - begin < raw.size)
    *id = CODEC_QUICK;
  else
    payload->size = begin;
  return CAS_OK;
}

bool codec_is_deferred(uint8_t id) { return id == CODEC_DEFERRED || id == CODEC_QUICK; }

/* What the trailer of CODEC_DEFERRED tells; false where it is none. */
static bool read_trailer(const uint8_t *trailer, bool *frame, struct cas_pixel_format *format) {
  *frame = trailer[0] == DEFERRED_FRAME;
  *format = (struct cas_pixel_format){.rows = load_u32(trailer + 4),
                                      .columns = load_u32(trailer + 8),
                                      .samples_per_pixel = load_u16(trailer + 12),
                                      .bits_allocated = load_u16(trailer + 14),
                                      .bits_stored = load_u16(trailer + 16),
                                      .high_bit = load_u16(trailer + 18),
                                      .pixel_representation = trailer[1],
                                      .planar_configuration = trailer[2],
                                      .big_endian = trailer[3] != 0};
  return *frame || trailer[0] == DEFERRED_BYTES;
}

cas_status codec_encode_deferred(struct codec *codec, uint8_t deferred_id, struct cas_slice payload, size_t raw_size,
                                 struct cas_buffer *coded, enum codec_id *id) {
  CLEANUP_BUFFER struct cas_buffer decoded = {0};
  struct cas_slice raw;
  struct cas_pixel_format format;
  bool frame = true;
  if (deferred_id == CODEC_QUICK) {
    STATUS_TRY(quick_format(payload, &format));
    STATUS_TRY(cas_buffer_reserve(&decoded, raw_size));
    STATUS_TRY(quick_decode(payload, decoded.data, raw_size));
    raw = slice_of(decoded.data, raw_size);
  } else {
    if (deferred_id != CODEC_DEFERRED || payload.size != raw_size + CODEC_TRAILER_BYTES) return CAS_CORRUPT;
    raw = slice_of(payload.data, raw_size);
    if (!read_trailer(payload.data + raw_size, &frame, &format)) return CAS_CORRUPT;
  }
  STATUS_TRY(frame ? codec_encode_pixels(&format, raw, coded, id)
                   : codec_encode_bytes(codec, raw, CODEC_BULK_EFFORT, coded, id));
  return *id == CODEC_RAW ? cas_buffer_append(coded, raw) : CAS_OK;
}

cas_status codec_dictionary_of(struct cas_slice payload, struct blob_id *dictionary_id) {
  if (payload.size < CODEC_DICTIONARY_NAME_BYTES) return CAS_CORRUPT;
  memcpy(dictionary_id->hash.bytes, payload.data, sizeof dictionary_id->hash.bytes);
  dictionary_id->ordinal = load_u16(payload.data + sizeof dictionary_id->hash.bytes);
  return CAS_OK;
}

/* Whether zstd takes the bytes for what they are, and not for a dictionary of its own making. */
static bool is_plain(struct cas_slice prefix) {
  return prefix.size < 4 || load_u32(prefix.data) != ZSTD_MAGIC_DICTIONARY;
}

static cas_status decompress(struct codec *codec, struct cas_slice frame, struct cas_slice prefix, uint8_t *raw,
                             size_t raw_size) {
  struct context *context = borrow(codec);
  if (context == NULL) return CAS_NO_MEMORY;
  size_t size = 0;
  if (is_plain(prefix)) { /* without the tables that a reference makes: for a header they take as long as the rest */
    size =
        ZSTD_decompress_usingDict(context->decompress, raw, raw_size, frame.data, frame.size, prefix.data, prefix.size);
  } else {
    size = ZSTD_DCtx_refPrefix(context->decompress, prefix.data, prefix.size);
    if (!ZSTD_isError(size)) size = ZSTD_decompressDCtx(context->decompress, raw, raw_size, frame.data, frame.size);
  }
  give_back(codec, context);
  if (ZSTD_getErrorCode(size) == ZSTD_error_memory_allocation) return CAS_NO_MEMORY;
  return ZSTD_isError(size) || size != raw_size ? CAS_CORRUPT : CAS_OK;
}

cas_status codec_decode(struct codec *codec, uint8_t id, struct cas_slice payload, struct cas_slice dictionary,
                        uint8_t *raw, size_t raw_size) {
  switch (id) {
  case CODEC_RAW:
    if (payload.size != raw_size) return CAS_CORRUPT;
    if (raw_size > 0) memcpy(raw, payload.data, raw_size);
    return CAS_OK;
  case CODEC_ZSTD: return decompress(codec, payload, slice_of(NULL, 0), raw, raw_size);
  case CODEC_ZSTD_DICTIONARY:
    if (payload.size < CODEC_DICTIONARY_NAME_BYTES) return CAS_CORRUPT;
    return decompress(codec,
                      slice_of(payload.data + CODEC_DICTIONARY_NAME_BYTES, payload.size - CODEC_DICTIONARY_NAME_BYTES),
                      dictionary, raw, raw_size);
  case CODEC_PIXEL: return cas_pixel_decode(payload, raw, raw_size);
  case CODEC_DEFERRED:
    if (payload.size != raw_size + CODEC_TRAILER_BYTES) return CAS_CORRUPT;
    memcpy(raw, payload.data, raw_size);
    return CAS_OK;
  case CODEC_QUICK: return quick_decode(payload, raw, raw_size);
  default: return CAS_UNSUPPORTED;
  }
}

const char *codec_name(uint8_t id) {
  static const char *const names[CODEC_COUNT] = {"raw", "zstd", "zstd+dictionary", "pixel", "deferred", "quick"};
  return id < CODEC_COUNT ? names[id] : "unknown";
}
