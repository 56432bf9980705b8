/* Owns the handles, one for each of options.views and in their order. */
#include "node_views.h"

#include <stdlib.h>

#include "cassette/snapshot.h"
#include "negotiation.h"

cas_status node_views_open(struct dicom_node *node) {
  const struct dicom_server_options *options = &node->options;
  node->view_stores = calloc(options->view_count + 1, sizeof *node->view_stores);
  cas_status status = node->view_stores != NULL ? CAS_OK : CAS_NO_MEMORY;
  for (size_t i = 0; i < options->view_count && status == CAS_OK; i++)
    status = cas_filter_open(node->store, options->views[i].filter, &node->view_stores[i]);
  return status;
}

void node_views_close(struct dicom_node *node) {
  for (size_t i = 0; node->view_stores != NULL && i < node->options.view_count; i++)
    cas_snapshot_close(node->view_stores[i]);
  free(node->view_stores);
  node->view_stores = NULL;
}

bool node_title_find(const struct dicom_node *node, const char *called, struct node_title *title) {
  const struct dicom_server_options *options = &node->options;
  const size_t found = view_find(options->views, options->view_count, called);
  if (found < options->view_count) {
    const struct dicom_view *view = &options->views[found];
    *title = (struct node_title){.view = view, .aet = view->aet, .store = node->view_stores[found]};
    return true;
  }
  *title = (struct node_title){.aet = options->aet, .store = node->store};
  return options->accept_any_called_aet || negotiation_same_title(called, options->aet);
}
