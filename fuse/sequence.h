/*
 * Sequences: which folders are being read file by file, in the order of their lists, and how far ahead to decode. Pure
 * bookkeeping: no files, no threads.
 *
 * Told which file somebody began to read, a sequence says what to list: at first two files, the candidates for the
 * next. Who then reads one of them reads on, and gets a window of files decoded ahead. Its first file is the mark:
 * reading that orders the next window, twice as large, so that there is always one window ahead of the reader. Whoever
 * reads something else begins anew.
 *
 * Threads: one at a time; the caller sees to it.
 */
#ifndef FUSE_SEQUENCE_H
#define FUSE_SEQUENCE_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#define SEQUENCE_CANDIDATES 2u
#define SEQUENCE_WINDOW_MIN 4u
#define SEQUENCE_WINDOW_MAX 64u

/* Folders that are read at the same time; the one least recently read is forgotten. */
#define SEQUENCES_MAX 16u

struct sequence {
  uint64_t folder;                         /* 0: none */
  uint64_t used;                           /* when, in calls */
  unsigned window;                         /* files; 0: candidates only */
  uint64_t mark;                           /* the first file of the window ahead */
  unsigned planned;                        /* numbers in `files` */
  uint64_t files[2 * SEQUENCE_WINDOW_MAX]; /* candidates, or those of the last windows */
  char last[NAME_MAX + 1];                 /* of them, behind which the next window begins */
};

struct sequences {
  uint64_t calls;
  struct sequence list[SEQUENCES_MAX];
};

/* What is to be listed next. */
struct sequence_order {
  unsigned count; /* 0: nothing */
  bool decode;    /* not only candidates */
  char after[NAME_MAX + 1];
};

/* Somebody began to read the file `name`, number `file`, of a folder. Numbers are inode numbers. */
void sequences_note(struct sequences *sequences, uint64_t folder, uint64_t file, const char *name,
                    struct sequence_order *order);

/* What an order found: the files in the order of the list, the last one's name. None ends the sequence. */
void sequences_found(struct sequences *sequences, uint64_t folder, const struct sequence_order *order,
                     const uint64_t *files, unsigned count, const char *last);

#endif
