/*
 * The threads of an import that find the files, and that count them beforehand.
 */
#include <string.h>
#include <unistd.h>

#include "file_walk.h"
#include "import.h"

static bool add_job(void *arg, const char *path, const struct stat *facts, const char *problem) {
  struct import *import = arg;
  if (atomic_load(&import->stop)) return false;
  struct import_job *job = calloc(1, sizeof *job);
  if (job) job->path = strdup(path);
  if (!job || !job->path) {
    import_job_free(job);
    cli_error("out of memory while looking for files");
    return false;
  }
  job->import = import;
  atomic_fetch_add(&import->job_count, 1);
  if (problem) {
    struct cas_error error = {.status = CAS_IO};
    snprintf(error.message, sizeof error.message, "%s", problem);
    job->unreadable = true;
    if (import->store)
      while (sem_wait(&import->in_flight) != 0) continue;
    import_job_done(job, CAS_IO, NULL, &error);
    return true;
  }
  job->bytes = (uint64_t)facts->st_size;
  return cli_queue_put(import->jobs, job); /* the queue is closed by the walker alone, behind the last job */
}

static bool walk(struct import *import, const char *path, file_walk_fn each) {
  return file_walk(path, import->has_store_facts ? &import->store_facts : NULL, each, import);
}

static bool walk_listed(void *arg, const char *path) { return walk(arg, path, add_job); }

void *import_walker_run(void *arg) {
  struct import *import = arg;
  bool going = true;
  for (int i = 0; going && i < import->operand_count; i++) {
    if (strcmp(import->operands[i], "-") != 0) {
      going = walk(import, import->operands[i], add_job);
      continue;
    }
    const char *problem = NULL;
    going = path_list_read(STDIN_FILENO, import->list_separator, import->interrupt, walk_listed, import, &problem);
    if (problem) going = add_job(import, "-", NULL, problem);
  }
  atomic_store(&import->walked, true);
  cli_queue_close(import->jobs);
  return NULL;
}

static bool count(void *arg, const char *path, const struct stat *facts, const char *problem) {
  (void)path;
  struct import *import = arg;
  if (!problem) atomic_fetch_add(&import->bytes_total, (uint64_t)facts->st_size);
  atomic_fetch_add(&import->files_total, 1);
  return !atomic_load(&import->stop);
}

void *import_survey_run(void *arg) {
  struct import *import = arg;
  bool whole = true;
  for (int i = 0; whole && i < import->operand_count; i++)
    whole = strcmp(import->operands[i], "-") != 0 && walk(import, import->operands[i], count);
  atomic_store(&import->surveyed, whole);
  return NULL;
}
