/* Owns nothing. proc(5) has the fields. */
#include "process_figures.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SECOND_NS UINT64_C(1000000000)

static uint64_t now_ns(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (uint64_t)now.tv_sec * SECOND_NS + (uint64_t)now.tv_nsec;
}

static void read_stat(struct process_figures *figures) {
  char text[1024];
  unsigned long threads, begun, virtual_bytes;
  long resident_pages;
  const int fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
  const ssize_t size = fd >= 0 ? read(fd, text, sizeof text - 1) : -1;
  if (fd >= 0) close(fd);
  if (size <= 0) return;
  text[size] = '\0';
  /* The name of the program, in brackets, may have any characters. */
  const char *fields = strrchr(text, ')');
  const char *format = ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %lu %*d %lu %lu %ld";
  if (fields == NULL || sscanf(fields, format, &threads, &begun, &virtual_bytes, &resident_pages) != 4) return;
  const uint64_t begun_ns = begun * (SECOND_NS / (uint64_t)sysconf(_SC_CLK_TCK)), since_ns = now_ns(CLOCK_BOOTTIME);
  figures->threads = threads;
  figures->virtual_bytes = virtual_bytes;
  figures->resident_bytes = (uint64_t)resident_pages * (uint64_t)sysconf(_SC_PAGESIZE);
  figures->started_ns = (int64_t)(now_ns(CLOCK_REALTIME) - since_ns + begun_ns);
}

static uint64_t count_files(void) {
  struct stat about;
  uint64_t count = 0;
  /* Linux 6.2 and later tell by the size; before it is 0. */
  if (stat("/proc/self/fd", &about) == 0 && about.st_size > 0) return (uint64_t)about.st_size;
  DIR *folder = opendir("/proc/self/fd");
  if (folder == NULL) return 0;
  while (readdir(folder) != NULL) count++;
  closedir(folder);
  return count > 3 ? count - 3 : 0; /* ".", "..", and the folder's own */
}

void process_figures_read(struct process_figures *figures) {
  struct rlimit limit;
  *figures = (struct process_figures){.cpu_ns = now_ns(CLOCK_PROCESS_CPUTIME_ID), .open_files = count_files()};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) figures->open_files_max = limit.rlim_cur;
  read_stat(figures);
}
