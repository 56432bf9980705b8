/*
 * How far a long operation is.
 *
 * Invariant: while `drawn`, the cursor stands at the end of a line that is to be removed before anything else is
 * written.
 */
#include "cli_progress.h"

#include <pthread.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "cli_text.h"

#define TERMINAL_INTERVAL_SECONDS 0.2
#define PLAIN_INTERVAL_SECONDS 5.0
#define BAR_COLUMNS 20

struct cli_progress {
  const char *noun;
  bool quiet, terminal;
  struct timespec start;
  pthread_mutex_t lock;
  struct cli_progress_state state; /* under lock, as are the next two */
  double drawn_seconds;
  bool drawn;
};

static double seconds_since(const struct timespec *start) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)(now.tv_sec - start->tv_sec) + (double)(now.tv_nsec - start->tv_nsec) / 1e9;
}

struct cli_progress *cli_progress_create(const char *noun, bool quiet) {
  struct cli_progress *progress = calloc(1, sizeof *progress);
  if (!progress) return NULL;
  progress->noun = noun;
  progress->quiet = quiet;
  progress->terminal = isatty(STDERR_FILENO);
  clock_gettime(CLOCK_MONOTONIC, &progress->start);
  pthread_mutex_init(&progress->lock, NULL);
  return progress;
}

double cli_progress_seconds(const struct cli_progress *progress) { return seconds_since(&progress->start); }

static void erase(struct cli_progress *progress) {
  if (progress->drawn) fputs("\r\033[K", stderr);
  progress->drawn = false;
}

void cli_progress_destroy(struct cli_progress *progress) {
  if (!progress) return;
  erase(progress);
  pthread_mutex_destroy(&progress->lock);
  free(progress);
}

/* Between 0 and 1, by bytes where there are any; negative where it is not known. */
static double fraction_done(const struct cli_progress_state *state) {
  double fraction = -1;
  if (state->bytes_total)
    fraction = (double)state->bytes / (double)state->bytes_total;
  else if (state->files_total)
    fraction = (double)state->files / (double)state->files_total;
  return fraction > 1 ? 1 : fraction;
}

static void format_line(const struct cli_progress *progress, double seconds, char *line, size_t size) {
  const struct cli_progress_state *state = &progress->state;
  char files[CLI_TEXT_MAX], total[CLI_TEXT_MAX], bytes[CLI_TEXT_MAX], rate[CLI_TEXT_MAX], left[CLI_TEXT_MAX];
  double fraction = fraction_done(state), elapsed = seconds > 0.001 ? seconds : 0.001;
  int length = 0;
  if (progress->terminal && fraction >= 0) {
    int full = (int)(fraction * BAR_COLUMNS);
    length += snprintf(line, size, "[%.*s%*s] %3.0f %%  ", full, "####################", BAR_COLUMNS - full, "",
                       fraction * 100);
  } else if (fraction >= 0) {
    length += snprintf(line, size, "%3.0f %%  ", fraction * 100);
  }
  if (state->files_total)
    length += snprintf(line + length, size - (size_t)length, "%s of %s %s, ", cli_format_count(files, state->files),
                       cli_format_count(total, state->files_total), progress->noun);
  else
    length += snprintf(line + length, size - (size_t)length, "%s %s, ", cli_format_count(files, state->files),
                       progress->noun);
  length += snprintf(line + length, size - (size_t)length, "%s, %.0f %s/s, %s/s", cli_format_bytes(bytes, state->bytes),
                     (double)state->files / elapsed, progress->noun,
                     cli_format_bytes(rate, (uint64_t)((double)state->bytes / elapsed)));
  if (fraction > 0.001 && seconds > 1)
    snprintf(line + length, size - (size_t)length, ", %s left",
             cli_format_duration(left, seconds / fraction - seconds));
}

static int terminal_columns(void) {
  struct winsize window;
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col > 1 ? window.ws_col - 1 : 79;
}

void cli_progress_set(struct cli_progress *progress, const struct cli_progress_state *state) {
  char line[256] = "";
  double seconds = seconds_since(&progress->start);
  pthread_mutex_lock(&progress->lock);
  progress->state = *state;
  double interval = progress->terminal ? TERMINAL_INTERVAL_SECONDS : PLAIN_INTERVAL_SECONDS;
  if (!progress->quiet && seconds - progress->drawn_seconds >= interval) {
    progress->drawn_seconds = seconds;
    format_line(progress, seconds, line, sizeof line);
    if (progress->terminal) {
      fprintf(stderr, "\r%.*s\033[K", terminal_columns(), line);
      progress->drawn = true;
    } else {
      fprintf(stderr, "%s\n", line);
    }
  }
  pthread_mutex_unlock(&progress->lock);
}

void cli_progress_line(struct cli_progress *progress, FILE *out, const char *text) {
  pthread_mutex_lock(&progress->lock);
  erase(progress);
  fprintf(out, "%s\n", text);
  fflush(out); /* whoever reads the lines acts on them: a file that was reported may be deleted at its source */
  pthread_mutex_unlock(&progress->lock);
}
