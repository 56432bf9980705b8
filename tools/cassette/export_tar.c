/*
 * Export as a tar stream on standard output, by libarchive: pax headers where names, sizes or times need them.
 *
 * Invariants
 *  1. An entry's header is written only when the whole instance has been read and checked once, since a stream cannot
 *     take back what it said. Small instances are held in memory for that, larger ones are read twice.
 *  2. Once `is_cut`, nothing more goes to standard output: the stream stays without its end. libarchive does not hear
 *     of it, since it leaks memory after a failed write (seen with 3.6.2).
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
  bool is_cut;
  struct cas_error output; /* why standard output could not be written, if so */
};

static la_ssize_t write_output(struct archive *archive, void *arg, const void *bytes, size_t size) {
  (void)archive;
  struct tar_sink *sink = arg;
  int fd = STDOUT_FILENO;
  struct cas_slice slice = {.data = bytes, .size = size};
  if (!sink->is_cut && instance_write_fd(&fd, slice, &sink->output) != CAS_OK) sink->is_cut = true;
  return (la_ssize_t)size;
}

/* The status behind a call of libarchive that returned `result`. */
static cas_status outcome(struct tar_sink *sink, la_ssize_t result, struct cas_error *error) {
  if (sink->output.status != CAS_OK) {
    error->status = sink->output.status;
    snprintf(error->message, sizeof error->message, "standard output: %.400s", sink->output.message);
    return error->status;
  }
  if (result >= 0 || result == ARCHIVE_WARN) return CAS_OK;
  const char *reason = archive_error_string(sink->archive);
  snprintf(error->message, sizeof error->message, "tar: %.400s", reason ? reason : "cannot be written");
  return error->status = archive_errno(sink->archive) == ENOMEM ? CAS_NO_MEMORY : CAS_IO;
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
  return outcome(sink, archive_write_data(sink->archive, bytes.data, bytes.size), error);
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
  return outcome(sink, result, error);
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
  if (base->export->fault != CAS_OK || atomic_load(&base->export->stop)) sink->is_cut = true;
  int closed = archive_write_close(sink->archive);
  if (base->export->fault == CAS_OK) status = outcome(sink, closed, error);
  archive_write_free(sink->archive);
  cas_buffer_fini(&sink->held);
  free(sink);
  return status;
}

struct export_sink *export_tar_create(struct export *export) {
  struct tar_sink *sink = calloc(1, sizeof *sink);
  struct archive *archive = archive_write_new();
  if (!sink || !archive || archive_write_set_format_pax_restricted(archive) != ARCHIVE_OK ||
      archive_write_open(archive, sink, NULL, write_output, NULL) != ARCHIVE_OK) {
    archive_write_free(archive);
    free(sink);
    return NULL;
  }
  sink->sink = (struct export_sink){.export = export, .put = put, .finish = finish};
  sink->archive = archive;
  return &sink->sink;
}
