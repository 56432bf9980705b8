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
#define BAR_COLUMNS 12

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

/* "[####      ]  44 %, 0:02 left, 135/883 files (83/s), 71.0 MB (43.6 MB/s)": what matters most stands first, since a
 * narrow terminal shows only the beginning. */
static void print_state(FILE *line, const struct cli_progress *progress, double seconds) {
  const struct cli_progress_state *state = &progress->state;
  char text[CLI_TEXT_MAX];
  double fraction = fraction_done(state), elapsed = seconds > 0.001 ? seconds : 0.001;
  int full = (int)(fraction * BAR_COLUMNS);
  if (progress->terminal && fraction >= 0) fprintf(line, "[%.*s%*s] ", full, "############", BAR_COLUMNS - full, "");
  if (fraction >= 0) fprintf(line, "%3.0f %%, ", fraction * 100);
  if (fraction > 0.001 && seconds > 1)
    fprintf(line, "%s left, ", cli_format_duration(text, seconds / fraction - seconds));
  fputs(cli_format_count(text, state->files), line);
  if (state->files_total) fprintf(line, "/%s", cli_format_count(text, state->files_total));
  fprintf(line, " %s (%.0f/s), %s", progress->noun, (double)state->files / elapsed,
          cli_format_bytes(text, state->bytes));
  fprintf(line, " (%s/s)", cli_format_bytes(text, (uint64_t)((double)state->bytes / elapsed)));
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
    FILE *text = fmemopen(line, sizeof line, "w");
    if (text) {
      print_state(text, progress, seconds);
      fclose(text);
    }
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
