/*
 * Owns the open folders of a mount, with their lists.
 */
#include <stdlib.h>

#include "fuse/opened.h"

void opened_list_init(struct opened_list *list) {
  *list = (struct opened_list){.count = 0};
  pthread_mutex_init(&list->lock, NULL);
}

static void destroy(struct opened *opened) {
  directory_close(opened->directory);
  pthread_mutex_destroy(&opened->lock);
  free(opened);
}

void opened_list_fini(struct opened_list *list) {
  for (struct opened *opened = list->first, *next; opened != NULL; opened = next) {
    next = opened->next;
    destroy(opened);
  }
  pthread_mutex_destroy(&list->lock);
}

cas_status opened_add(struct opened_list *list, struct directory *directory, struct opened **opened) {
  struct opened *made = calloc(1, sizeof *made);
  if (made == NULL) {
    directory_close(directory);
    return CAS_NO_MEMORY;
  }
  made->directory = directory;
  pthread_mutex_init(&made->lock, NULL);
  pthread_mutex_lock(&list->lock);
  bool room = list->count < OPENED_MAX;
  if (room) {
    list->count++;
    made->next = list->first;
    if (made->next != NULL) made->next->previous = made;
    list->first = made;
  }
  pthread_mutex_unlock(&list->lock);
  if (!room) {
    destroy(made);
    return CAS_BUSY;
  }
  *opened = made;
  return CAS_OK;
}

void opened_remove(struct opened_list *list, struct opened *opened) {
  pthread_mutex_lock(&list->lock);
  list->count--;
  if (opened->previous != NULL)
    opened->previous->next = opened->next;
  else
    list->first = opened->next;
  if (opened->next != NULL) opened->next->previous = opened->previous;
  pthread_mutex_unlock(&list->lock);
  destroy(opened);
}
