/*
 * Export as a tar stream on standard output, by libarchive: pax headers where names, sizes or times need them.
 *
 * Invariant: an entry's header is written only when the whole instance has been read and checked once, since a stream
 * cannot take back what it said. Small instances are held in memory for that, larger ones are read twice.
 */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "export.h"
#include "instance_copy.h"

#define HELD_BYTES_MAX (32u << 20)

struct tar_sink {
  struct export_sink sink;
  struct archive *archive;
  struct cas_buffer held; /* an instance of at most HELD_BYTES_MAX */
};

static cas_status fail_archive(struct tar_sink *sink, struct cas_error *error) {
  const char *reason = archive_error_string(sink->archive);
  int number = archive_errno(sink->archive);
  error->status = number == ENOSPC ? CAS_NO_SPACE : CAS_IO;
  error->system_errno = number;
  snprintf(error->message, sizeof error->message, "standard output: %s", reason ? reason : "cannot be written");
  return error->status;
}

static cas_status hold(void *arg, struct cas_slice bytes, struct cas_error *error) {
  (void)error;
  return cas_buffer_append(arg, bytes);
}

static cas_status drop(void *arg, struct cas_slice bytes, struct cas_error *error) {
  (void)arg;
  (void)bytes;
  (void)error;
  return CAS_OK;
}

static cas_status write_data(void *arg, struct cas_slice bytes, struct cas_error *error) {
  struct tar_sink *sink = arg;
  la_ssize_t written = archive_write_data(sink->archive, bytes.data, bytes.size);
  return written == (la_ssize_t)bytes.size ? CAS_OK : fail_archive(sink, error);
}

static cas_status write_header(struct tar_sink *sink, const struct export_item *item, uint64_t size,
                               struct cas_error *error) {
  struct archive_entry *entry = archive_entry_new();
  if (!entry) return CAS_NO_MEMORY;
  archive_entry_set_pathname_utf8(entry, item->path);
  archive_entry_set_size(entry, (la_int64_t)size);
  archive_entry_set_filetype(entry, AE_IFREG);
  archive_entry_set_perm(entry, 0644);
  archive_entry_set_mtime(entry, item->arrival_ns / 1000000000, (long)(item->arrival_ns % 1000000000));
  int result = archive_write_header(sink->archive, entry);
  archive_entry_free(entry);
  return result == ARCHIVE_OK || result == ARCHIVE_WARN ? CAS_OK : fail_archive(sink, error);
}

/* Reads the instance once to its end; keeps it where it is small. */
static cas_status check(struct tar_sink *sink, struct cas_reader *reader, bool *is_held, struct cas_error *error) {
  *is_held = cas_reader_size(reader) <= HELD_BYTES_MAX;
  sink->held.size = 0;
  return *is_held ? instance_copy(reader, &sink->sink.export->stop, hold, &sink->held, error)
                  : instance_copy(reader, &sink->sink.export->stop, drop, NULL, error);
}

static cas_status write_entry(struct tar_sink *sink, struct cas_reader *reader, const struct export_item *item,
                              bool is_held, struct cas_error *error) {
  cas_status status = write_header(sink, item, cas_reader_size(reader), error);
  if (status != CAS_OK) return status;
  return is_held ? write_data(sink, (struct cas_slice){.data = sink->held.data, .size = sink->held.size}, error)
                 : instance_copy(reader, NULL, write_data, sink, error);
}

static cas_status put(struct export_sink *base, struct export_item *item) {
  struct tar_sink *sink = (struct tar_sink *)base;
  struct export *export = base->export;
  INSTANCE_READER struct cas_reader *reader = NULL;
  struct cas_error error = {0};
  bool is_held = false;
  cas_status status = cas_reader_open(export->store, item->path, &reader, &error);
  if (status == CAS_OK) status = check(sink, reader, &is_held, &error);
  cas_status written = status == CAS_OK ? write_entry(sink, reader, item, is_held, &error) : CAS_OK;
  if (status != CAS_END)
    export_report(export, item, status == CAS_OK && written == CAS_OK ? EXPORT_WRITTEN : EXPORT_FAILED,
                  status == CAS_OK ? written : status, &error);
  if (written != CAS_OK) export->fault = written;
  export_item_free(item);
  return written;
}

/* After a fault the stream is left without its end, so that its reader notices. */
static cas_status finish(struct export_sink *base, struct cas_error *error) {
  struct tar_sink *sink = (struct tar_sink *)base;
  cas_status status = CAS_OK;
  if (base->export->fault != CAS_OK || atomic_load(&base->export->stop))
    archive_write_fail(sink->archive);
  else if (archive_write_close(sink->archive) != ARCHIVE_OK)
    status = fail_archive(sink, error);
  archive_write_free(sink->archive);
  cas_buffer_fini(&sink->held);
  free(sink);
  return status;
}

struct export_sink *export_tar_create(struct export *export) {
  struct tar_sink *sink = calloc(1, sizeof *sink);
  struct archive *archive = archive_write_new();
  if (!sink || !archive || archive_write_set_format_pax_restricted(archive) != ARCHIVE_OK ||
      archive_write_open_fd(archive, STDOUT_FILENO) != ARCHIVE_OK) {
    archive_write_free(archive);
    free(sink);
    return NULL;
  }
  sink->sink = (struct export_sink){.export = export, .put = put, .finish = finish};
  sink->archive = archive;
  return &sink->sink;
}
