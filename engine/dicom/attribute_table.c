/*
 * The table of indexed attributes: what the folder tree shows and what queries at each level ask for.
 *
 * Invariants
 *  1. Ascending by tag, no tag twice: lookups are binary searches (tests/unit/dicom/test_attributes.c checks it).
 *  2. VR and keyword as in PS3.6; the VR is used where a data set has implicit VR.
 */
#include <stdlib.h>
#include <string.h>

#include "cassette/attributes.h"

#define PATIENT CAS_LEVEL_PATIENT
#define STUDY CAS_LEVEL_STUDY
#define SERIES CAS_LEVEL_SERIES
#define INSTANCE CAS_LEVEL_INSTANCE

static const struct cas_attribute_definition table[] = {
    {0x00020010, INSTANCE, "UI", "TransferSyntaxUID"},
    {0x00080005, INSTANCE, "CS", "SpecificCharacterSet"},
    {0x00080008, INSTANCE, "CS", "ImageType"},
    {0x00080012, INSTANCE, "DA", "InstanceCreationDate"},
    {0x00080013, INSTANCE, "TM", "InstanceCreationTime"},
    {0x00080016, INSTANCE, "UI", "SOPClassUID"},
    {0x00080018, INSTANCE, "UI", "SOPInstanceUID"},
    {0x00080020, STUDY, "DA", "StudyDate"},
    {0x00080021, SERIES, "DA", "SeriesDate"},
    {0x00080022, INSTANCE, "DA", "AcquisitionDate"},
    {0x00080023, INSTANCE, "DA", "ContentDate"},
    {0x0008002A, INSTANCE, "DT", "AcquisitionDateTime"},
    {0x00080030, STUDY, "TM", "StudyTime"},
    {0x00080031, SERIES, "TM", "SeriesTime"},
    {0x00080032, INSTANCE, "TM", "AcquisitionTime"},
    {0x00080033, INSTANCE, "TM", "ContentTime"},
    {0x00080050, STUDY, "SH", "AccessionNumber"},
    {0x00080060, SERIES, "CS", "Modality"},
    {0x00080070, SERIES, "LO", "Manufacturer"},
    {0x00080080, SERIES, "LO", "InstitutionName"},
    {0x00080090, STUDY, "PN", "ReferringPhysicianName"},
    {0x00081010, SERIES, "SH", "StationName"},
    {0x00081030, STUDY, "LO", "StudyDescription"},
    {0x0008103E, SERIES, "LO", "SeriesDescription"},
    {0x00081040, SERIES, "LO", "InstitutionalDepartmentName"},
    {0x00081050, SERIES, "PN", "PerformingPhysicianName"},
    {0x00081060, STUDY, "PN", "NameOfPhysiciansReadingStudy"},
    {0x00081070, SERIES, "PN", "OperatorsName"},
    {0x00081080, STUDY, "LO", "AdmittingDiagnosesDescription"},
    {0x00081090, SERIES, "LO", "ManufacturerModelName"},
    {0x00100010, PATIENT, "PN", "PatientName"},
    {0x00100020, PATIENT, "LO", "PatientID"},
    {0x00100021, PATIENT, "LO", "IssuerOfPatientID"},
    {0x00100030, PATIENT, "DA", "PatientBirthDate"},
    {0x00100032, PATIENT, "TM", "PatientBirthTime"},
    {0x00100040, PATIENT, "CS", "PatientSex"},
    {0x00101000, PATIENT, "LO", "OtherPatientIDs"},
    {0x00101001, PATIENT, "PN", "OtherPatientNames"},
    {0x00101010, STUDY, "AS", "PatientAge"},
    {0x00101020, STUDY, "DS", "PatientSize"},
    {0x00101030, STUDY, "DS", "PatientWeight"},
    {0x00102160, PATIENT, "SH", "EthnicGroup"},
    {0x00102180, STUDY, "SH", "Occupation"},
    {0x001021B0, STUDY, "LT", "AdditionalPatientHistory"},
    {0x00104000, PATIENT, "LT", "PatientComments"},
    {0x00180015, SERIES, "CS", "BodyPartExamined"},
    {0x00181000, SERIES, "LO", "DeviceSerialNumber"},
    {0x00181030, SERIES, "LO", "ProtocolName"},
    {0x00185100, SERIES, "CS", "PatientPosition"},
    {0x0020000D, STUDY, "UI", "StudyInstanceUID"},
    {0x0020000E, SERIES, "UI", "SeriesInstanceUID"},
    {0x00200010, STUDY, "SH", "StudyID"},
    {0x00200011, SERIES, "IS", "SeriesNumber"},
    {0x00200012, INSTANCE, "IS", "AcquisitionNumber"},
    {0x00200013, INSTANCE, "IS", "InstanceNumber"},
    {0x00200052, SERIES, "UI", "FrameOfReferenceUID"},
    {0x00200060, SERIES, "CS", "Laterality"},
    {0x00280002, INSTANCE, "US", "SamplesPerPixel"},
    {0x00280004, INSTANCE, "CS", "PhotometricInterpretation"},
    {0x00280008, INSTANCE, "IS", "NumberOfFrames"},
    {0x00280010, INSTANCE, "US", "Rows"},
    {0x00280011, INSTANCE, "US", "Columns"},
    {0x00280100, INSTANCE, "US", "BitsAllocated"},
    {0x00280101, INSTANCE, "US", "BitsStored"},
    {0x00400244, SERIES, "DA", "PerformedProcedureStepStartDate"},
    {0x00400245, SERIES, "TM", "PerformedProcedureStepStartTime"},
    {0x00400253, SERIES, "SH", "PerformedProcedureStepID"},
    {0x00400254, SERIES, "LO", "PerformedProcedureStepDescription"},
    {0x0040A491, INSTANCE, "CS", "CompletionFlag"},
    {0x0040A493, INSTANCE, "CS", "VerificationFlag"},
    {0x00420010, INSTANCE, "ST", "DocumentTitle"},
    {0x00700080, INSTANCE, "CS", "ContentLabel"},
    {0x00700081, INSTANCE, "LO", "ContentDescription"},
};

static const size_t table_count = sizeof table / sizeof table[0];

const struct cas_attribute_definition *cas_indexed_attributes(size_t *count) {
  *count = table_count;
  return table;
}

const struct cas_attribute_definition *cas_attribute_by_tag(uint32_t tag) {
  size_t low = 0, high = table_count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (table[middle].tag == tag) return &table[middle];
    if (table[middle].tag < tag) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return NULL;
}

static int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/* Reads "gggg,eeee". Returns false for anything else. */
static int tag_parse(const char *text, uint32_t *tag) {
  uint32_t value = 0;
  for (size_t i = 0; i < 9; i++) {
    if (i == 4) {
      if (text[i] != ',') return 0;
      continue;
    }
    int digit = hex_digit(text[i]);
    if (digit < 0) return 0;
    value = value << 4 | (uint32_t)digit;
  }
  *tag = value;
  return text[9] == '\0';
}

const struct cas_attribute_definition *cas_attribute_by_name(const char *name) {
  uint32_t tag;
  if (tag_parse(name, &tag)) return cas_attribute_by_tag(tag);
  for (size_t i = 0; i < table_count; i++) {
    if (strcmp(table[i].keyword, name) == 0) return &table[i];
  }
  return NULL;
}
