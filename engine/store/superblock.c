#include "store/superblock.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/random.h>
#include <xxhash.h>

#include "base/clock.h"
#include "base/status.h"

static const char title[] = "Cassette store: an archive of medical images. Do not edit.";

cas_status superblock_make(struct superblock *superblock, struct cas_error *error) {
  uint8_t uuid[16];
  if (getrandom(uuid, sizeof uuid, 0) != (ssize_t)sizeof uuid)
    return status_fail_errno(error, errno, "no random bytes for a UUID");
  uuid[6] = (uint8_t)((uuid[6] & 0x0F) | 0x40);
  uuid[8] = (uint8_t)((uuid[8] & 0x3F) | 0x80);
  *superblock = (struct superblock){.format_version = SUPERBLOCK_FORMAT_VERSION, .created_ns = clock_now_ns()};
  memcpy(superblock->key.uuid, uuid, sizeof uuid);
  return CAS_OK;
}

void superblock_uuid_text(const uint8_t uuid[16], char text[37]) {
  size_t at = 0;
  for (size_t i = 0; i < 16; i++) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text[at++] = '-';
    snprintf(text + at, 3, "%02x", uuid[i]);
    at += 2;
  }
  text[at] = '\0';
}

static int format_body(const struct superblock *superblock, char *text, size_t capacity) {
  char uuid[37];
  superblock_uuid_text(superblock->key.uuid, uuid);
  return snprintf(text, capacity, "%s\nformat: %u\nuuid: %s\ncreated: %" PRId64 "\n", title, superblock->format_version,
                  uuid, superblock->created_ns);
}

cas_status superblock_format(const struct superblock *superblock, struct cas_buffer *text) {
  char body[512], checksum[64];
  int size = format_body(superblock, body, sizeof body);
  int checksum_size =
      snprintf(checksum, sizeof checksum, "checksum: %016" PRIx64 "\n", XXH3_64bits(body, (size_t)size));
  STATUS_TRY(cas_buffer_append(text, slice_of(body, (size_t)size)));
  return cas_buffer_append(text, slice_of(checksum, (size_t)checksum_size));
}

static bool parse_uuid(const char *text, uint8_t uuid[16]) {
  size_t at = 0;
  for (size_t i = 0; i < 16; i++) {
    if (text[at] == '-') at++;
    unsigned byte;
    if (sscanf(text + at, "%2x", &byte) != 1) return false;
    uuid[i] = (uint8_t)byte;
    at += 2;
  }
  return true;
}

cas_status superblock_parse(struct cas_slice bytes, struct superblock *superblock, struct cas_error *error) {
  char text[1024] = "", uuid[64] = "";
  struct superblock parsed = {0};
  if (bytes.size >= sizeof text) return status_fail(error, CAS_CORRUPT, "%s is too long", SUPERBLOCK_NAME);
  memcpy(text, bytes.data, bytes.size);
  const char *version = strstr(text, "\nformat: ");
  if (version == NULL || sscanf(version, " format: %u", &parsed.format_version) != 1)
    return status_fail(error, CAS_CORRUPT, "%s is damaged: it names no format", SUPERBLOCK_NAME);
  if (parsed.format_version > SUPERBLOCK_FORMAT_VERSION)
    return status_fail(error, CAS_UNSUPPORTED, "the store has format %u, this Cassette knows up to %u",
                       parsed.format_version, SUPERBLOCK_FORMAT_VERSION);
  const char *rest = strstr(text, "\nuuid: ");
  if (rest == NULL || sscanf(rest, " uuid: %36s created: %" SCNd64, uuid, &parsed.created_ns) != 2 ||
      strlen(uuid) != 36 || !parse_uuid(uuid, parsed.key.uuid))
    return status_fail(error, CAS_CORRUPT, "%s is damaged: it names no store", SUPERBLOCK_NAME);
  CLEANUP_BUFFER struct cas_buffer again = {0};
  STATUS_TRY(superblock_format(&parsed, &again));
  if (!slice_equal(slice_of_buffer(&again), bytes))
    return status_fail(error, CAS_CORRUPT, "%s is damaged: its checksum does not match", SUPERBLOCK_NAME);
  *superblock = parsed;
  return CAS_OK;
}
