/* Owns nothing. */
#include "view_list.h"

#include "negotiation.h"

size_t view_find(const struct dicom_view *views, size_t count, const char *aet) {
  size_t i = 0;
  while (i < count && !negotiation_same_title(views[i].aet, aet)) i++;
  return i;
}
