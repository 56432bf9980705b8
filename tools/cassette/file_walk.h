/*
 * The files that an operand of `import` means: itself, or what is below a folder, sorted by name; symbolic links are
 * followed, loops are not. And a list of paths read from a descriptor.
 *
 * Threads: any number of walks at once.
 */
#ifndef FILE_WALK_H
#define FILE_WALK_H

#include <stdbool.h>
#include <sys/stat.h>

/* Called for every regular file, `problem` NULL; and for whatever cannot be taken, with the reason and `facts` NULL.
 * Returning false ends the walk. `path` is borrowed. */
typedef bool (*file_walk_fn)(void *arg, const char *path, const struct stat *facts, const char *problem);

/* Walks `path`. A folder that is `skip` (device and inode; NULL: none) is left out with all below it. False when `each`
 * ended the walk. Memory: the entries of one folder at each depth. */
bool file_walk(const char *path, const struct stat *skip, file_walk_fn each, void *arg);

/* Called for every path of a list; returning false ends it. */
typedef bool (*path_list_fn)(void *arg, const char *path);

/*
 * Reads paths ended by `separator` from `descriptor` to its end. Ends early, and returns false, when `each` says so or
 * `interrupt` (-1: none) becomes readable. A path longer than PATH_MAX, or a failing read, is told through `problem`
 * (unchanged otherwise) and ends the list.
 */
bool path_list_read(int descriptor, char separator, int interrupt, path_list_fn each, void *arg, const char **problem);

#endif
