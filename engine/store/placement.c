#include "store/placement.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/status.h"
#include "dicom/attribute_codec.h"
#include "store/current.h"
#include "store/discard.h"
#include "store/folder_name.h"
#include "store/ledger.h"
#include "store/state_apply.h"
#include "store/store.h"

/* Room for a Patient ID, an issuer and a birth date, each as long as values are captured. */
#define IDENTITY_BYTES_MAX (4 * DICOM_VALUE_CAPTURED_MAX)

/* One step down the tree: what stands for the child, what it would be called, and what is to be known of it. */
struct step {
  enum cas_level level;
  char identity[IDENTITY_BYTES_MAX];
  struct folder_name name;
  const char *uid;
  char date[DICOM_VALUE_CAPTURED_MAX + 1]; /* of a study: the first that came, once that is known */
};

/* The version that is to be put, and what was done with it already: an object may be hidden before it comes. */
struct newcomer {
  const struct manifest *manifest;
  const struct cas_attributes *attributes;
  uint64_t born; /* the group in which it was first durable */
  struct cas_slice states;
};

static bool is_shown(const struct newcomer *newcomer) {
  return states_at(newcomer->states, STORE_MOMENT_NOW) == CAS_STATE_SHOWN;
}

/* A patient is a Patient ID of an issuer; where there is no ID, a name and birth date (PS3.3 C.7.1.1, as far as it
 * goes). */
static void patient_identity(const struct cas_attributes *attributes, char *identity) {
  const char *id = cas_attributes_text(attributes, CAS_TAG_PATIENT_ID);
  const char *issuer = cas_attributes_text(attributes, CAS_TAG_ISSUER_OF_PATIENT_ID);
  if (id[0] != '\0')
    snprintf(identity, IDENTITY_BYTES_MAX, "%s\x1F%s", id, issuer);
  else
    snprintf(identity, IDENTITY_BYTES_MAX, "\x1F\x1F%s\x1F%s", cas_attributes_text(attributes, CAS_TAG_PATIENT_NAME),
             cas_attributes_text(attributes, CAS_TAG_PATIENT_BIRTH_DATE));
}

static void describe_step(enum cas_level level, const struct manifest *manifest,
                          const struct cas_attributes *attributes, struct step *step) {
  step->level = level;
  step->uid = NULL;
  step->date[0] = '\0';
  switch (level) {
  case CAS_LEVEL_PATIENT:
    patient_identity(attributes, step->identity);
    folder_name_patient(attributes, &step->name);
    step->uid = cas_attributes_text(attributes, CAS_TAG_PATIENT_ID);
    break;
  case CAS_LEVEL_STUDY:
    step->uid = cas_attributes_text(attributes, CAS_TAG_STUDY_INSTANCE_UID);
    snprintf(step->identity, sizeof step->identity, "%s", step->uid);
    folder_name_study(attributes, &step->name);
    break;
  case CAS_LEVEL_SERIES:
    step->uid = cas_attributes_text(attributes, CAS_TAG_SERIES_INSTANCE_UID);
    snprintf(step->identity, sizeof step->identity, "%s", step->uid);
    folder_name_series(attributes, &step->name);
    break;
  case CAS_LEVEL_INSTANCE:
    step->uid = manifest->sop_instance_uid;
    snprintf(step->identity, sizeof step->identity, "%s#%" PRIu32, manifest->sop_instance_uid, manifest->version);
    folder_name_instance(attributes, manifest->sop_instance_uid, manifest->version, &step->name);
    break;
  }
}

static void join(const char *parent, const char *name, char path[PLACEMENT_PATH_MAX]) {
  snprintf(path, PLACEMENT_PATH_MAX, "%s%s%s", parent, parent[0] != '\0' ? "/" : "", name);
}

/* Finds the child by identity; else chooses the first name that is free. */
static cas_status choose_path(struct index_batch *batch, const char *parent, const struct step *step,
                              char path[PLACEMENT_PATH_MAX], struct index_node *node, struct cas_error *error) {
  struct folder_name name = step->name;
  cas_status status = index_batch_get_name(batch, parent, step->identity, name.text, sizeof name.text, error);
  if (status == CAS_OK) {
    join(parent, name.text, path);
    return index_batch_get_node(batch, path, node, error);
  }
  for (unsigned attempt = 0; status == CAS_NOT_FOUND; attempt++) {
    struct index_node other = {0};
    join(parent, name.text, path);
    status = index_batch_get_node(batch, path, &other, error);
    if (status == CAS_NOT_FOUND) return CAS_NOT_FOUND;
    index_node_fini(&other);
    if (status == CAS_OK) {
      name = step->name;
      folder_name_distinguish(&name, step->identity, attempt);
      status = CAS_NOT_FOUND;
    }
  }
  return status;
}

/* --- corrections --- */

/* Whether the newcomer's value of an attribute of this level was corrected, and differs from what the folder knows. */
static bool is_corrected(const struct newcomer *newcomer, enum cas_level level, const struct cas_attributes *known,
                         uint32_t tag) {
  const struct cas_attribute_definition *definition = cas_attribute_by_tag(tag);
  return definition != NULL && definition->level == level &&
         strcmp(cas_attributes_text(known, tag), cas_attributes_text(newcomer->attributes, tag)) != 0;
}

static void name_of_level(enum cas_level level, const struct cas_attributes *attributes, struct folder_name *name) {
  if (level == CAS_LEVEL_PATIENT) folder_name_patient(attributes, name);
  if (level == CAS_LEVEL_STUDY) folder_name_study(attributes, name);
  if (level == CAS_LEVEL_SERIES) folder_name_series(attributes, name);
}

/* Takes the corrected values over into `known`. Whether the folder would be called otherwise with them. */
static cas_status take_corrections(const struct newcomer *newcomer, enum cas_level level, struct cas_attributes *known,
                                   bool *renames) {
  struct folder_name before = {0}, after = {0};
  name_of_level(level, known, &before);
  for (size_t i = 0; i < newcomer->manifest->corrected_count; i++) {
    uint32_t tag = newcomer->manifest->corrected[i];
    if (!is_corrected(newcomer, level, known, tag)) continue;
    const char *value = cas_attributes_text(newcomer->attributes, tag);
    STATUS_TRY(cas_attributes_set(known, tag, slice_of(value, strlen(value))));
  }
  name_of_level(level, known, &after);
  *renames = strcmp(before.text, after.text) != 0;
  return CAS_OK;
}

/* A folder keeps its name. Where a correction gives it another one, the newcomer, and all that comes after it, goes to
 * a folder of that name; the former one keeps what was not corrected, under an identity that nothing else has. */
static cas_status correct_folder(struct index_batch *batch, const struct newcomer *newcomer, struct index_node *node,
                                 bool *renames, struct cas_error *error) {
  struct cas_attributes *known;
  char former[FOLDER_NAME_BYTES_MAX + 2];
  *renames = false;
  if (newcomer->manifest->corrected_count == 0) return CAS_OK;
  STATUS_TRY(cas_attributes_create(&known));
  cas_status status = attributes_decode(slice_of_buffer(&node->attributes), known);
  if (status == CAS_OK) status = take_corrections(newcomer, node->level, known, renames);
  if (status == CAS_OK && *renames) {
    const char *slash = strrchr(node->path, '/');
    snprintf(former, sizeof former, "\x1E%s", slash != NULL ? slash + 1 : node->path);
    free(node->identity);
    node->identity = strdup(former);
    status = node->identity == NULL ? CAS_NO_MEMORY : index_batch_change_node(batch, node, error);
  } else if (status == CAS_OK) {
    node->attributes.size = 0;
    status = attributes_encode(known, node->level, &node->attributes);
  }
  cas_attributes_destroy(known);
  return status;
}

/* What a folder did not know yet it learns from later instances; what it knows stays. */
static cas_status merge_attributes(struct index_node *node, const struct cas_attributes *attributes,
                                   struct step *step) {
  struct cas_attributes *known;
  STATUS_TRY(cas_attributes_create(&known));
  cas_status status = attributes_decode(slice_of_buffer(&node->attributes), known);
  size_t count;
  bool learns = false;
  const struct cas_attribute_definition *definitions = cas_indexed_attributes(&count);
  for (size_t i = 0; i < count && status == CAS_OK; i++) {
    if (definitions[i].level != node->level) continue;
    const char *value = cas_attributes_text(attributes, definitions[i].tag);
    if (value[0] == '\0' || cas_attributes_text(known, definitions[i].tag)[0] != '\0') continue;
    status = cas_attributes_set(known, definitions[i].tag, slice_of(value, strlen(value)));
    learns = true;
  }
  if (status == CAS_OK && learns) {
    node->attributes.size = 0;
    status = attributes_encode(known, node->level, &node->attributes);
  }
  if (status == CAS_OK) snprintf(step->date, sizeof step->date, "%s", cas_attributes_text(known, CAS_TAG_STUDY_DATE));
  cas_attributes_destroy(known);
  return status;
}

/* A version of bytes that are not shown is in no sum, but its coming and its going are changes of the folder. */
static void add_to_folder(struct index_node *node, const struct newcomer *newcomer) {
  bool shown = is_shown(newcomer);
  uint64_t changed = states_changed_in(newcomer->states);
  int64_t time_ns;
  if (changed > node->last_group) node->last_group = changed;
  if (states_changed_at(newcomer->states, STORE_MOMENT_NOW, &time_ns) && time_ns > node->last_arrival_ns)
    node->last_arrival_ns = time_ns;
  node->instances += shown;
  node->gone += !shown;
  if (shown) node->bytes += newcomer->manifest->file_size;
}

static void add_newcomer(const void *arg, struct index_node *node) {
  const struct newcomer *newcomer = arg;
  int64_t arrival_ns = newcomer->manifest->arrival_ns;
  bool is_new = node->instances + node->gone == 0;
  if (is_new || newcomer->born < node->first_group) node->first_group = newcomer->born;
  if (newcomer->born > node->last_group) node->last_group = newcomer->born;
  if (is_new || arrival_ns < node->first_arrival_ns) node->first_arrival_ns = arrival_ns;
  if (is_new || arrival_ns > node->last_arrival_ns) node->last_arrival_ns = arrival_ns;
  if (node->level != CAS_LEVEL_INSTANCE) {
    add_to_folder(node, newcomer);
  } else {
    node->instances = is_shown(newcomer);
    node->gone = !is_shown(newcomer);
    node->bytes = newcomer->manifest->file_size;
  }
}

static cas_status put_node(struct index_batch *batch, struct index_node *node, const struct step *step,
                           const struct newcomer *newcomer, struct cas_error *error) {
  add_newcomer(newcomer, node);
  return index_batch_put_node(batch, node, step->uid, step->date, error);
}

/* Puts one folder; `path` is the parent's before and its own after. */
static cas_status put_folder(struct index_batch *batch, enum cas_level level, const struct newcomer *newcomer,
                             char path[PLACEMENT_PATH_MAX], struct cas_error *error) {
  char child[PLACEMENT_PATH_MAX];
  struct index_node node = {0};
  struct step step;
  describe_step(level, newcomer->manifest, newcomer->attributes, &step);
  bool renames = false;
  cas_status status = choose_path(batch, path, &step, child, &node, error);
  if (status == CAS_OK) status = correct_folder(batch, newcomer, &node, &renames, error);
  if (renames) {
    index_node_fini(&node);
    if (status == CAS_OK) status = choose_path(batch, path, &step, child, &node, error);
  }
  if (status == CAS_NOT_FOUND) {
    node = (struct index_node){.level = level, .path = strdup(child), .identity = strdup(step.identity)};
    status = node.path == NULL || node.identity == NULL ? CAS_NO_MEMORY : CAS_OK;
  }
  if (status == CAS_OK) status = merge_attributes(&node, newcomer->attributes, &step);
  if (status == CAS_OK) status = put_node(batch, &node, &step, newcomer, error);
  index_node_fini(&node);
  if (status == CAS_OK) memcpy(path, child, sizeof child);
  return status;
}

/* The group in which the version was first durable. */
static uint64_t born(const struct manifest *manifest, const struct placement_origin *origin) {
  return manifest->since != 0 ? manifest->since : origin->group;
}

static cas_status put_instance(struct index_batch *batch, const struct newcomer *newcomer, const char *path,
                               const struct step *step, const struct record_cookie *cookie, struct cas_error *error) {
  struct index_node node = {.level = CAS_LEVEL_INSTANCE,
                            .path = strdup(path),
                            .identity = strdup(step->identity),
                            .version = newcomer->manifest->version,
                            .content_hash = newcomer->manifest->content_hash,
                            .manifest = *cookie};
  cas_status status = node.path == NULL || node.identity == NULL ? CAS_NO_MEMORY : CAS_OK;
  if (status == CAS_OK) status = attributes_encode(newcomer->attributes, CAS_LEVEL_INSTANCE, &node.attributes);
  if (status == CAS_OK) status = cas_buffer_append(&node.states, newcomer->states);
  if (status == CAS_OK) status = put_node(batch, &node, step, newcomer, error);
  if (status == CAS_OK) status = discard_note(batch, slice_of(NULL, 0), &node, error);
  index_node_fini(&node);
  return status;
}

static uint64_t bytes_at(struct record_cookie cookie) {
  uint64_t offset, bytes;
  uint32_t segment;
  record_cookie_explain(cookie, &segment, &offset, &bytes);
  return bytes;
}

/* Looks for the very version anywhere in the tree: a healed or moved manifest only changes its place on disk. */
struct known_version {
  struct index_batch *batch;
  const char *uid;
  uint32_t version;
  const struct manifest *healed; /* what replaces a damaged manifest; NULL: it moves within its segment */
  struct record_cookie cookie;
  bool found;
  struct cas_error *error;
};

static cas_status replace(const struct known_version *known, struct index_node *node) {
  if (known->healed != NULL) {
    if (!manifest_says_replaced(known->healed)) STATUS_TRY(ledger_kill(known->batch, node->manifest, known->error));
    /* Which blobs the damaged one named is not known: it may have been cut in another way. */
    STATUS_TRY(ledger_use(known->batch, known->healed, known->error));
  }
  /* Modulo 2^64, as the sum may become less. */
  index_batch_count_manifest(known->batch, bytes_at(known->cookie) - bytes_at(node->manifest));
  node->manifest = known->cookie;
  return index_batch_put_node(known->batch, node, known->uid, NULL, known->error);
}

static cas_status replace_if_same(void *arg, const char *path) {
  struct known_version *known = arg;
  struct index_node node = {0};
  STATUS_TRY(index_batch_get_node(known->batch, path, &node, known->error));
  cas_status status = CAS_OK;
  if (node.version == known->version) {
    known->found = true;
    bool same = memcmp(node.manifest.bytes, known->cookie.bytes, sizeof node.manifest.bytes) == 0;
    if (!same && (known->healed != NULL || ledger_is_older(node.manifest, known->cookie)))
      status = replace(known, &node);
    if (status == CAS_OK) status = CAS_END;
  }
  index_node_fini(&node);
  return status;
}

/* Its folders know all that it says of them: only their sums change. CAS_NOT_FOUND: one is not there. */
static cas_status add_to_folders(struct index_batch *batch, const struct newcomer *newcomer, const char *series,
                                 struct cas_error *error) {
  char path[PLACEMENT_PATH_MAX];
  snprintf(path, sizeof path, "%s", series);
  for (enum cas_level level = CAS_LEVEL_SERIES;; level--) {
    STATUS_TRY(index_batch_change_sums(batch, path, add_newcomer, newcomer, error));
    if (level == CAS_LEVEL_PATIENT) return CAS_OK;
    *strrchr(path, '/') = '\0';
  }
}

static cas_status put_folders(struct index_batch *batch, const struct newcomer *newcomer, char path[PLACEMENT_PATH_MAX],
                              struct cas_error *error) {
  path[0] = '\0';
  STATUS_TRY(put_folder(batch, CAS_LEVEL_PATIENT, newcomer, path, error));
  STATUS_TRY(put_folder(batch, CAS_LEVEL_STUDY, newcomer, path, error));
  return put_folder(batch, CAS_LEVEL_SERIES, newcomer, path, error);
}

/* Says where the series is. */
static cas_status find_folders(struct index_batch *batch, struct placement_memo *memo, const struct newcomer *newcomer,
                               char path[PLACEMENT_PATH_MAX], struct cas_error *error) {
  if (newcomer->manifest->corrected_count > 0) {
    placement_memo_forget(memo);
    return put_folders(batch, newcomer, path, error);
  }
  const char *known = placement_memo_find(memo, newcomer->attributes);
  if (known == NULL) {
    STATUS_TRY(put_folders(batch, newcomer, path, error));
    placement_memo_keep(memo, path);
    return CAS_OK;
  }
  snprintf(path, PLACEMENT_PATH_MAX, "%s", known);
  return add_to_folders(batch, newcomer, path, error);
}

static cas_status put_newcomer(struct index_batch *batch, struct placement_memo *memo, const struct newcomer *newcomer,
                               const struct record_cookie *cookie, struct cas_error *error) {
  char path[PLACEMENT_PATH_MAX], child[PLACEMENT_PATH_MAX];
  STATUS_TRY(find_folders(batch, memo, newcomer, path, error));
  struct index_node other = {0};
  struct step step;
  describe_step(CAS_LEVEL_INSTANCE, newcomer->manifest, newcomer->attributes, &step);
  cas_status status = choose_path(batch, path, &step, child, &other, error);
  index_node_fini(&other);
  if (status != CAS_NOT_FOUND) return status;
  return put_instance(batch, newcomer, child, &step, cookie, error);
}

cas_status placement_put(struct index_batch *batch, struct placement_memo *memo, const struct manifest *manifest,
                         const struct cas_attributes *attributes, const struct placement_origin *origin,
                         struct cas_error *error) {
  CLEANUP_BUFFER struct cas_buffer history = {0}, states = {0};
  struct known_version known = {.batch = batch,
                                .uid = manifest->sop_instance_uid,
                                .version = manifest->version,
                                .healed = manifest,
                                .cookie = origin->cookie,
                                .error = error};
  struct newcomer newcomer = {.manifest = manifest, .attributes = attributes, .born = born(manifest, origin)};
  if (manifest_says_replaced(manifest)) STATUS_TRY(ledger_supersede(batch, manifest->replaced, error));
  cas_status status =
      index_batch_find_uid(batch, CAS_LEVEL_INSTANCE, manifest->sop_instance_uid, replace_if_same, &known, error);
  if (known.found && (status == CAS_END || status == CAS_OK)) return CAS_OK;
  if (status != CAS_OK && status != CAS_NOT_FOUND) return status;
  STATUS_TRY(state_get_history(batch, manifest->sop_instance_uid, &history, error));
  STATUS_TRY(state_history_states(slice_of_buffer(&history), manifest->version, newcomer.born, &states));
  newcomer.states = slice_of_buffer(&states);
  STATUS_TRY(put_newcomer(batch, memo, &newcomer, &origin->cookie, error));
  index_batch_count_manifest(batch, bytes_at(origin->cookie));
  STATUS_TRY(ledger_use(batch, manifest, error));
  return manifest->version > 1 ? current_mark(batch, manifest->sop_instance_uid, error) : CAS_OK;
}

cas_status placement_move(struct index_batch *batch, const char *sop_instance_uid, uint32_t version,
                          struct record_cookie cookie, struct cas_error *error) {
  struct known_version known = {
      .batch = batch, .uid = sop_instance_uid, .version = version, .cookie = cookie, .error = error};
  cas_status status = index_batch_find_uid(batch, CAS_LEVEL_INSTANCE, sop_instance_uid, replace_if_same, &known, error);
  return status == CAS_END || status == CAS_NOT_FOUND ? CAS_OK : status;
}
