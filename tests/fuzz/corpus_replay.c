/* Runs a fuzz target over the files of a folder, so that every corpus is an ordinary test without libFuzzer. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
__attribute__((weak)) int LLVMFuzzerInitialize(int *argc, char ***argv);

static int replay_file(const char *path) {
  FILE *file = fopen(path, "rb");
  if (file == NULL) return -1;
  fseek(file, 0, SEEK_END);
  long size = ftell(file);
  rewind(file);
  uint8_t *data = malloc(size > 0 ? (size_t)size : 1);
  if (size < 0 || data == NULL || fread(data, 1, (size_t)size, file) != (size_t)size) {
    free(data);
    fclose(file);
    return -1;
  }
  LLVMFuzzerTestOneInput(data, (size_t)size);
  free(data);
  fclose(file);
  return 0;
}

int main(int argc, char **argv) {
  if (LLVMFuzzerInitialize != NULL) (void)LLVMFuzzerInitialize(&argc, &argv);
  if (argc != 2) {
    fprintf(stderr, "usage: %s CORPUS_FOLDER\n", argv[0]);
    return 2;
  }
  struct dirent **entries;
  int count = scandir(argv[1], &entries, NULL, alphasort);
  if (count < 0) {
    perror(argv[1]);
    return 1;
  }
  int replayed = 0;
  for (int i = 0; i < count; i++) {
    if (entries[i]->d_name[0] != '.') {
      char path[4096];
      snprintf(path, sizeof path, "%s/%s", argv[1], entries[i]->d_name);
      if (replay_file(path) != 0) {
        perror(path);
        return 1;
      }
      replayed++;
    }
    free(entries[i]);
  }
  free(entries);
  printf("%d inputs replayed\n", replayed);
  return replayed > 0 ? 0 : 1;
}
