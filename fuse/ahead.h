/*
 * Reading ahead over files: where a folder is read file by file, the next ones are decoded before somebody asks for
 * them, and handed to the kernel's page cache, so that reading them needs nobody here.
 *
 * Memory is bounded: the window of a sequence (sequence.h) has at most 8 MiB, the queue 256 entries; more is left out.
 * Faults are left to the reader who meets them.
 *
 * Threads: ahead_note from any. It has threads of its own.
 */
#ifndef FUSE_AHEAD_H
#define FUSE_AHEAD_H

#include "fuse/inode_table.h"
#include "fuse/read_buffers.h"
#include "fuse/readers.h"

/* Hands the first bytes of a file to the kernel's page cache; may wait for answers to requests to read that file. */
typedef void (*ahead_store_fn)(void *arg, uint64_t inode, uint8_t *bytes, size_t size);

/* What it points to is borrowed until ahead_stop. */
struct ahead_options {
  const struct tree *tree;
  struct inode_table *inodes;
  struct readers *readers;
  struct read_buffers *buffers;
  ahead_store_fn store;
  void *arg;
};

struct ahead;

CAS_MUST_USE cas_status ahead_start(const struct ahead_options *options, struct ahead **ahead);

/* Somebody begins to read the file at a view path. Quick. */
void ahead_note(struct ahead *ahead, uint64_t inode, const char *path);

/* Ends the threads; to be called while somebody still answers the kernel. Notes are left aside from then on. NULL is
 * allowed. */
void ahead_stop(struct ahead *ahead);
void ahead_destroy(struct ahead *ahead);

#endif
