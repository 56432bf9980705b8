/*
 * Owns nothing: DCMTK's dictionary of attributes. No exception and no C++ type crosses dicom_shim.h.
 */
#include "dicom_shim_private.h"

#include "dcmtk/dcmdata/dcdicent.h"
#include "dcmtk/dcmdata/dcdict.h"

#include <cstring>
#include <exception>

namespace {

// DCMTK has names of its own for VRs that depend on the data set.
const char *standard_name(const DcmVR &vr) {
  switch (vr.getEVR()) {
  case EVR_xs:
  case EVR_lt: return "US";
  case EVR_ox: return "OW";
  case EVR_up: return "UL";
  case EVR_na:
  case EVR_item:
  case EVR_UNKNOWN:
  case EVR_UNKNOWN2B: return "";
  default: return vr.getValidVRName();
  }
}

} // namespace

bool dicom_dictionary_vr(uint32_t tag, char vr[3]) {
  bool found = false;
  try {
    const DcmDataDictionary &dictionary = dcmDataDict.rdlock();
    const DcmTagKey key(static_cast<Uint16>(tag >> 16), static_cast<Uint16>(tag & 0xFFFF));
    const DcmDictEntry *entry = dictionary.findEntry(key, nullptr);
    const char *name = entry != nullptr ? standard_name(entry->getVR()) : "";
    found = strlen(name) == 2;
    if (found) memcpy(vr, name, 3);
    dcmDataDict.rdunlock();
  } catch (const std::exception &) {
    return false;
  }
  return found;
}

bool dicom_dictionary_tag(const char *keyword, uint32_t *tag) {
  bool found = false;
  try {
    const DcmDataDictionary &dictionary = dcmDataDict.rdlock();
    const DcmDictEntry *entry = dictionary.findEntry(keyword);
    found = entry != nullptr;
    if (found) *tag = static_cast<uint32_t>(entry->getGroup()) << 16 | entry->getElement();
    dcmDataDict.rdunlock();
  } catch (const std::exception &) {
    return false;
  }
  return found;
}
