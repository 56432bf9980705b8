/*
 * UIDs/: <Study Instance UID>/<Series Instance UID>/<SOP Instance UID>.dcm, spelled as uid_name.h says; the studies may
 * be in shards.
 *
 * A UID may stand for several nodes: the same study sent under two patient names, the same instance with other bytes.
 * A folder here gathers the children of all nodes of its UID.
 *
 * Invariants
 *  1. A series shows up in a study exactly if it has a node below a node of the study; an instance in a series,
 * likewise.
 *  2. Each name is listed once: a series by the first of its nodes in the study, in the order of cas_node_by_uid(); an
 *     instance once by itself, as a version number belongs to one instance of a UID.
 *  3. Lists go through the nodes of a UID in the order of cas_node_by_uid(), and in each through the children by name.
 */
#include "fuse/shard.h"
#include "fuse/uid_name.h"
#include "fuse/view.h"

/* A path in this view, taken apart. */
struct uid_path {
  unsigned depth;
  char study[CAS_UID_TEXT_MAX], series[CAS_UID_TEXT_MAX], instance[CAS_UID_TEXT_MAX];
  uint32_t version;
};

static bool parse_path(const char *rest, struct uid_path *path) {
  char names[3][NAME_MAX + 1];
  *path = (struct uid_path){.depth = 0};
  for (; *rest != '\0'; path->depth++) {
    size_t size = strcspn(rest, "/");
    if (path->depth == 3 || size > NAME_MAX) return false;
    memcpy(names[path->depth], rest, size);
    names[path->depth][size] = '\0';
    rest += size + (rest[size] == '/');
  }
  return (path->depth < 1 || uid_name_parse(names[0], path->study)) &&
         (path->depth < 2 || uid_name_parse(names[1], path->series)) &&
         (path->depth < 3 || uid_name_parse_file(names[2], path->instance, &path->version));
}

/* --- which nodes belong to a path --- */

struct uid_check {
  const char *uid;
  uint32_t tag;
  bool matches;
};

static cas_status check_uid(void *arg, const struct cas_node *node) {
  struct uid_check *check = arg;
  check->matches = strcmp(cas_attributes_text(node->attributes, check->tag), check->uid) == 0;
  return CAS_OK;
}

/* Cuts the last part off; false where there is only one. */
static bool cut_last(char *path) {
  char *slash = strrchr(path, '/');
  if (slash == NULL) return false;
  *slash = '\0';
  return true;
}

/* Cuts the last part off `node_path` and says by `matches` whether the node above has this UID. */
static cas_status check_above(const struct tree *tree, char *node_path, uint32_t tag, const char *uid, bool *matches,
                              struct cas_error *error) {
  struct uid_check check = {.uid = uid, .tag = tag};
  cas_status status = CAS_NOT_FOUND;
  if (cut_last(node_path)) status = cas_node_get(tree->store, node_path, check_uid, &check, error);
  if (status != CAS_OK && status != CAS_NOT_FOUND) return status;
  *matches = status == CAS_OK && check.matches;
  return CAS_OK;
}

/* Looks for the nodes that a path means, and gathers them into one entry. */
struct uid_search {
  const struct tree *tree;
  const struct uid_path *path;
  struct cas_error *error;
  unsigned found;
  bool first_only;
  struct tree_entry entry;
  char node_path[TREE_PATH_MAX]; /* of the first */
};

static cas_status is_meant(const struct uid_search *search, const struct cas_node *node, bool *meant) {
  const struct uid_path *path = search->path;
  char above[TREE_PATH_MAX];
  *meant = view_copy(above, node->path) && (path->depth < 3 || node->version == path->version);
  cas_status status = CAS_OK;
  if (*meant && path->depth == 3)
    status = check_above(search->tree, above, CAS_TAG_SERIES_INSTANCE_UID, path->series, meant, search->error);
  if (status == CAS_OK && *meant && path->depth >= 2)
    status = check_above(search->tree, above, CAS_TAG_STUDY_INSTANCE_UID, path->study, meant, search->error);
  return status;
}

static cas_status gather(void *arg, const struct cas_node *node) {
  struct uid_search *search = arg;
  bool meant;
  cas_status status = is_meant(search, node, &meant);
  if (status != CAS_OK || !meant) return status;
  struct tree_entry entry = view_entry(node);
  if (search->found++ == 0) {
    search->entry = entry;
    view_copy(search->node_path, node->path);
  } else {
    search->entry.instances += entry.instances;
    if (entry.time_ns > search->entry.time_ns) search->entry.time_ns = entry.time_ns;
  }
  return search->first_only ? CAS_END : CAS_OK;
}

/* CAS_NOT_FOUND, or at least one node was found. */
static cas_status run_search(struct uid_search *search) {
  static const enum cas_level levels[] = {0, CAS_LEVEL_STUDY, CAS_LEVEL_SERIES, CAS_LEVEL_INSTANCE};
  const struct uid_path *path = search->path;
  const char *uid = path->depth == 1 ? path->study : path->depth == 2 ? path->series : path->instance;
  cas_status status = cas_node_by_uid(search->tree->store, levels[path->depth], uid, gather, search, search->error);
  if (status != CAS_OK && status != CAS_END) return status;
  return search->found > 0 ? CAS_OK : CAS_NOT_FOUND;
}

static cas_status get(const struct tree *tree, const char *rest, struct tree_entry *entry, char *node_path,
                      struct cas_error *error) {
  struct uid_path path;
  char shard[SHARD_NAME_SIZE];
  if (tree->uid_shards != TREE_SHARD_NONE && !shard_cut(tree->uid_shards, rest, shard, &rest)) return CAS_NOT_FOUND;
  if (rest[0] == '\0') return view_top_entry(tree, entry, error);
  if (!parse_path(rest, &path)) return CAS_NOT_FOUND;
  struct uid_search search = {.tree = tree, .path = &path, .error = error, .first_only = path.depth == 3};
  cas_status status = run_search(&search);
  if (status != CAS_OK) return status;
  *entry = search.entry;
  if (search.found == 1) view_copy(node_path, search.node_path);
  return CAS_OK;
}

/* --- lists --- */

struct uid_list {
  const struct tree *tree;
  const struct uid_path *path; /* of the folder */
  const char *shard;           /* studies of others are left out; NULL: of none */
  tree_each_fn each;
  void *arg;
  struct cas_error *error;
  unsigned nodes;                   /* that the folder gathers */
  bool skipping;                    /* nodes, until the one at `resume` */
  char resume[TREE_PATH_MAX];       /* the node in which the list goes on, ... */
  char resume_after[TREE_PATH_MAX]; /* ... behind this child; "" at its beginning */
};

static cas_status list_study_uid(void *arg, const char *uid) {
  struct uid_list *list = arg;
  char name[NAME_MAX + 1], shard[SHARD_NAME_SIZE];
  if (!uid_name_encode(uid, name)) return CAS_OK;
  if (list->shard != NULL) {
    shard_of_name(list->tree->uid_shards, name, shard);
    if (strcmp(shard, list->shard) != 0) return CAS_OK;
  }
  struct uid_path path = {.depth = 1};
  memcpy(path.study, uid, strlen(uid) + 1);
  struct uid_search search = {.tree = list->tree, .path = &path, .error = list->error};
  cas_status status = run_search(&search);
  if (status != CAS_OK) return status == CAS_NOT_FOUND ? CAS_OK : status;
  return list->each(list->arg, name, &search.entry);
}

static cas_status list_studies(struct uid_list *list, const char *after) {
  char uid[CAS_UID_TEXT_MAX];
  if (after != NULL && !uid_name_parse(after, uid)) return CAS_OK;
  return cas_uid_list(list->tree->store, CAS_LEVEL_STUDY, after != NULL ? uid : NULL, list_study_uid, list,
                      list->error);
}

static cas_status list_series(struct uid_list *list, const struct cas_node *node) {
  char name[NAME_MAX + 1];
  struct uid_path path = *list->path;
  const char *uid = cas_attributes_text(node->attributes, CAS_TAG_SERIES_INSTANCE_UID);
  if (!uid_name_encode(uid, name)) return CAS_OK;
  struct tree_entry entry = view_entry(node);
  if (list->nodes > 1) {
    path.depth = 2;
    memcpy(path.series, uid, strlen(uid) + 1);
    struct uid_search search = {.tree = list->tree, .path = &path, .error = list->error};
    cas_status status = run_search(&search);
    if (status != CAS_OK) return status == CAS_NOT_FOUND ? CAS_OK : status;
    if (strcmp(search.node_path, node->path) != 0) return CAS_OK;
    entry = search.entry;
  }
  return list->each(list->arg, name, &entry);
}

static cas_status list_instance(struct uid_list *list, const struct cas_node *node) {
  char name[NAME_MAX + 1];
  if (!uid_name_encode_file(cas_attributes_text(node->attributes, CAS_TAG_SOP_INSTANCE_UID), node->version, name))
    return CAS_OK;
  struct tree_entry entry = view_entry(node);
  return list->each(list->arg, name, &entry);
}

static cas_status list_child(void *arg, const struct cas_node *node) {
  struct uid_list *list = arg;
  return list->path->depth == 1 ? list_series(list, node) : list_instance(list, node);
}

static cas_status list_node(void *arg, const struct cas_node *node) {
  struct uid_list *list = arg;
  struct uid_search search = {.tree = list->tree, .path = list->path, .error = list->error};
  bool meant;
  cas_status status = is_meant(&search, node, &meant);
  if (status != CAS_OK || !meant) return status;
  const char *after = NULL;
  if (list->skipping) {
    if (strcmp(node->path, list->resume) != 0) return CAS_OK;
    list->skipping = false;
    after = list->resume_after;
  }
  return cas_node_list(list->tree->store, node->path, after, list_child, list, list->error);
}

/* Finds where the list goes on behind the name `after`. CAS_NOT_FOUND where there is no such name. */
static cas_status find_resume(struct uid_list *list, const char *after) {
  struct uid_path path = *list->path;
  path.depth++;
  bool parsed =
      path.depth == 2 ? uid_name_parse(after, path.series) : uid_name_parse_file(after, path.instance, &path.version);
  if (!parsed) return CAS_NOT_FOUND;
  struct uid_search search = {.tree = list->tree, .path = &path, .error = list->error, .first_only = true};
  cas_status status = run_search(&search);
  if (status != CAS_OK) return status;
  view_copy(list->resume, search.node_path);
  const char *name = strrchr(search.node_path, '/');
  view_copy(list->resume_after, name == NULL ? "" : name + 1);
  list->skipping = cut_last(list->resume);
  return CAS_OK;
}

static cas_status list_below(struct uid_list *list, const char *after) {
  bool study = list->path->depth == 1;
  if (after != NULL) {
    cas_status status = find_resume(list, after);
    if (status != CAS_OK) return status == CAS_NOT_FOUND ? CAS_OK : status;
  }
  struct uid_search count = {.tree = list->tree, .path = list->path, .error = list->error};
  cas_status status = run_search(&count);
  if (status != CAS_OK) return status == CAS_NOT_FOUND ? CAS_OK : status;
  list->nodes = count.found;
  return cas_node_by_uid(list->tree->store, study ? CAS_LEVEL_STUDY : CAS_LEVEL_SERIES,
                         study ? list->path->study : list->path->series, list_node, list, list->error);
}

/* `shard`: the one that `rest` lies in, or NULL. */
static cas_status list_inside(const struct tree *tree, const char *shard, const char *rest, const char *after,
                              tree_each_fn each, void *arg, struct cas_error *error) {
  struct uid_path path;
  if (!parse_path(rest, &path) || path.depth > 2) return CAS_OK;
  struct uid_list state = {.tree = tree, .path = &path, .shard = shard, .each = each, .arg = arg, .error = error};
  cas_status status = path.depth == 0 ? list_studies(&state, after) : list_below(&state, after);
  return status == CAS_NOT_FOUND ? CAS_OK : status;
}

static cas_status list(const struct tree *tree, const char *rest, const char *after, tree_each_fn each, void *arg,
                       struct cas_error *error) {
  char shard[SHARD_NAME_SIZE];
  if (tree->uid_shards == TREE_SHARD_NONE) return list_inside(tree, NULL, rest, after, each, arg, error);
  if (rest[0] == '\0') {
    struct tree_entry entry;
    cas_status status = view_top_entry(tree, &entry, error);
    return status != CAS_OK ? status : shard_list(tree->uid_shards, after, &entry, each, arg);
  }
  if (!shard_cut(tree->uid_shards, rest, shard, &rest)) return CAS_OK;
  return list_inside(tree, shard, rest, after, each, arg, error);
}

const struct view view_uids = {.bit = TREE_UIDS, .name = "UIDs", .get = get, .list = list};
