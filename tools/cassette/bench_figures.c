/*
 * Owns nothing.
 */
#include "bench_figures.h"

#include <sys/resource.h>
#include <time.h>

#include "cli_json.h"
#include "cli_text.h"

static const struct {
  const char *name;
  double part;
} percentiles[] = {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p99.9", 0.999}};

#define PERCENTILE_COUNT (sizeof percentiles / sizeof *percentiles)

double bench_clock_seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

double bench_processor_seconds(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static double milliseconds(uint64_t ns) { return (double)ns / 1e6; }

static double a_second(const struct bench_figures *figures, double amount) {
  return figures->seconds > 0 ? amount / figures->seconds : 0;
}

static void put_real(json_t *object, const char *key, double value) {
  json_object_set_new(object, key, json_real(value));
}

static void put_latency(const struct latency *latency, json_t *object) {
  json_t *times = json_object();
  for (size_t i = 0; i < PERCENTILE_COUNT; i++)
    put_real(times, percentiles[i].name, milliseconds(latency_percentile(latency, percentiles[i].part)));
  put_real(times, "max", milliseconds(latency->max_ns));
  put_real(times, "mean", latency->count > 0 ? milliseconds(latency->sum_ns) / (double)latency->count : 0);
  json_object_set_new(object, "latency_ms", times);
}

void bench_figures_json(const struct bench_figures *figures, json_t *object) {
  char rate[64];
  snprintf(rate, sizeof rate, "%s_per_second", figures->noun);
  cli_json_count(object, figures->noun, figures->count);
  if (figures->bytes > 0) cli_json_count(object, "bytes", figures->bytes);
  put_real(object, "seconds", figures->seconds);
  put_real(object, rate, a_second(figures, (double)figures->count));
  if (figures->bytes > 0) put_real(object, "megabytes_per_second", a_second(figures, (double)figures->bytes / 1e6));
  put_real(object, "processor_seconds", figures->processor_seconds);
  if (figures->operation != NULL) put_latency(figures->latency, object);
}

void bench_figures_print(const struct bench_figures *figures) {
  char count[CLI_TEXT_MAX], bytes[CLI_TEXT_MAX], rate[CLI_TEXT_MAX];
  printf("%s %s", cli_format_count(count, figures->count), figures->noun);
  if (figures->bytes > 0) printf(", %s", cli_format_bytes(bytes, figures->bytes));
  printf(" in %.2f s: %.1f %s/s", figures->seconds, a_second(figures, (double)figures->count), figures->noun);
  if (figures->bytes > 0) printf(", %s/s", cli_format_bytes(rate, (uint64_t)a_second(figures, (double)figures->bytes)));
  putchar('\n');
  if (figures->operation != NULL) {
    printf("%s in ms:", figures->operation);
    for (size_t i = 0; i < PERCENTILE_COUNT; i++)
      printf(" %s %.2f,", percentiles[i].name, milliseconds(latency_percentile(figures->latency, percentiles[i].part)));
    printf(" max %.2f\n", milliseconds(figures->latency->max_ns));
  }
  printf("own processor time: %.2f s\n", figures->processor_seconds);
}
