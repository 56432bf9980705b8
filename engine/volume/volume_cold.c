#include "volume/volume_cold.h"

#include <stdio.h>

#include "base/status.h"

#define TEXT_BYTES_MAX 4096u

/* A small file as a string, cut at its end. */
static cas_status read_text(struct io_disk *disk, const char *name, char text[TEXT_BYTES_MAX + 1], size_t *size,
                            struct cas_error *error) {
  struct io_file *file;
  STATUS_TRY(disk->ops->open(disk, name, IO_READ, &file, error));
  cas_status status = file->ops->read(file, 0, (uint8_t *)text, TEXT_BYTES_MAX, size, error);
  file->ops->close(file);
  if (status != CAS_OK && status != CAS_END) return status;
  text[*size] = '\0';
  return CAS_OK;
}

/* The folder that the note names, or the link's name. */
static void find_folder(char *note, char folder[256]) {
  static const char field[] = "\nfolder: ";
  char *begin = strstr(note, field);
  if (begin != NULL) begin += strlen(field);
  snprintf(folder, 256, "%.*s", begin != NULL ? (int)strcspn(begin, "\n") : 4, begin != NULL ? begin : "cold");
}

static enum volume_cold fail_unknown(const struct cas_error *detail, struct cas_error *reason) {
  if (reason != NULL) *reason = *detail;
  return VOLUME_COLD_UNKNOWN;
}

enum volume_cold volume_cold_look(struct io_disk *disk, struct cas_slice expected, struct cas_error *reason) {
  char text[TEXT_BYTES_MAX + 1], note[TEXT_BYTES_MAX + 1] = "", folder[256];
  struct cas_error detail = {0}, note_detail = {0};
  size_t size = 0;
  cas_status status = read_text(disk, VOLUME_COLD_MARKER, text, &size, &detail);
  if (status == CAS_OK && slice_equal(slice_of(text, size), expected)) return VOLUME_COLD_HERE;
  if (status_is_scarcity(status)) return fail_unknown(&detail, reason);
  cas_status noted = read_text(disk, VOLUME_COLD_NOTE, note, &size, &note_detail);
  if (status_is_scarcity(noted)) return fail_unknown(&note_detail, reason);
  if (status == CAS_NOT_FOUND && noted == CAS_NOT_FOUND) return VOLUME_COLD_NONE;
  find_folder(note, folder);
  (void)!status_fail(reason, CAS_AWAY, "the cold place %s is away: %s", folder,
                     status == CAS_OK          ? "its file CASSETTE-COLD is another store's"
                     : status == CAS_NOT_FOUND ? "no file CASSETTE-COLD is there"
                                               : detail.message);
  return VOLUME_COLD_AWAY;
}
