/*
 * Owns the file of a commitment: lines of text,
 *
 *   cassette-commitment 1
 *   aet TITLE
 *   called TITLE                        (of a view; else not there)
 *   transaction UID
 *   CLASS-UID INSTANCE-UID FAILURE      (hexadecimal; ffff: not decided), one an item
 *   end COUNT
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commitment.h"

#define LINE_BYTES_MAX 256

static cas_status fail(struct cas_error *error, cas_status status, const char *path, const char *why) {
  *error = (struct cas_error){.status = status, .system_errno = status == CAS_IO ? errno : 0};
  snprintf(error->message, sizeof error->message, "%.160s: %s", path, why);
  return status;
}

static bool write_all(FILE *file, const struct commitment *commitment) {
  fprintf(file, "cassette-commitment 1\naet %s\n", commitment->aet);
  if (commitment->called[0] != '\0') fprintf(file, "called %s\n", commitment->called);
  fprintf(file, "transaction %s\n", commitment->transaction_uid);
  for (size_t i = 0; i < commitment->count; i++) {
    const struct commitment_item *item = &commitment->items[i];
    fprintf(file, "%s %s %04x\n", item->sop_class_uid, item->sop_instance_uid, item->failure);
  }
  fprintf(file, "end %zu\n", commitment->count);
  return fflush(file) == 0 && ferror(file) == 0 && fsync(fileno(file)) == 0;
}

static bool sync_folder(const char *folder) {
  const int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool synced = fd >= 0 && fsync(fd) == 0;
  if (fd >= 0) close(fd);
  return synced;
}

cas_status commitment_save(const struct commitment *commitment, const char *folder, const char *path,
                           struct cas_error *error) {
  char *draft = NULL;
  if (asprintf(&draft, "%s.new", path) < 0) return CAS_NO_MEMORY;
  FILE *file = fopen(draft, "we");
  const bool written = file != NULL && write_all(file, commitment);
  const bool closed = file == NULL || fclose(file) == 0;
  const bool kept = written && closed && rename(draft, path) == 0 && sync_folder(folder);
  const cas_status status = kept ? CAS_OK : fail(error, CAS_IO, path, strerrordesc_np(errno));
  if (!kept) (void)unlink(draft);
  free(draft);
  return status;
}

/* Cuts the next word off; false: it is none, or too long. */
static bool take_word(char **line, char *word, size_t capacity) {
  const size_t size = strcspn(*line, " \n");
  if (size == 0 || size >= capacity) return false;
  memcpy(word, *line, size);
  word[size] = '\0';
  *line += size + ((*line)[size] != '\0');
  return true;
}

static bool read_item(char *line, struct commitment *commitment) {
  struct commitment_item item;
  char failure[5];
  if (commitment->count == COMMITMENT_ITEMS_MAX || !take_word(&line, item.sop_class_uid, sizeof item.sop_class_uid) ||
      !take_word(&line, item.sop_instance_uid, sizeof item.sop_instance_uid) ||
      !take_word(&line, failure, sizeof failure))
    return false;
  item.failure = (uint16_t)strtoul(failure, NULL, 16);
  if (commitment->count == commitment->capacity) {
    const size_t capacity = commitment->capacity != 0 ? 2 * commitment->capacity : 64;
    struct commitment_item *grown = realloc(commitment->items, capacity * sizeof *grown);
    if (grown == NULL) return false;
    commitment->items = grown;
    commitment->capacity = capacity;
  }
  commitment->items[commitment->count++] = item;
  return true;
}

/* A line "NAME VALUE", whose value may have blanks. */
static bool parse_named(const char *line, const char *name, char *value, size_t capacity) {
  const size_t size = strlen(name);
  if (strncmp(line, name, size) != 0) return false;
  const size_t length = strcspn(line + size, "\n");
  if (length == 0 || length >= capacity) return false;
  memcpy(value, line + size, length);
  value[length] = '\0';
  return true;
}

static bool read_named(FILE *file, const char *name, char *value, size_t capacity) {
  char line[LINE_BYTES_MAX];
  return fgets(line, sizeof line, file) != NULL && parse_named(line, name, value, capacity);
}

static bool read_all(FILE *file, struct commitment *commitment) {
  char line[LINE_BYTES_MAX], version[8];
  if (!read_named(file, "cassette-commitment ", version, sizeof version) || strcmp(version, "1") != 0 ||
      !read_named(file, "aet ", commitment->aet, sizeof commitment->aet) || fgets(line, sizeof line, file) == NULL)
    return false;
  if (parse_named(line, "called ", commitment->called, sizeof commitment->called) &&
      fgets(line, sizeof line, file) == NULL)
    return false;
  if (!parse_named(line, "transaction ", commitment->transaction_uid, sizeof commitment->transaction_uid)) return false;
  while (fgets(line, sizeof line, file) != NULL) {
    if (strncmp(line, "end ", 4) == 0) return strtoul(line + 4, NULL, 10) == commitment->count;
    if (!read_item(line, commitment)) return false;
  }
  return false;
}

cas_status commitment_load(const char *path, struct commitment *commitment, struct cas_error *error) {
  FILE *file = fopen(path, "re");
  if (file == NULL) return fail(error, CAS_IO, path, strerrordesc_np(errno));
  const bool whole = read_all(file, commitment);
  fclose(file);
  if (whole) return CAS_OK;
  commitment_fini(commitment);
  return fail(error, CAS_CORRUPT, path, "not a whole request for storage commitment");
}
