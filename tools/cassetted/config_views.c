/* Owns the keys of views, and the filters that their queries become. */
#include "config_views.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_value.h"
#include "negotiation.h"

enum view_key { VIEW_QUERY, VIEW_STORE };

static const char *const key_names[] = {[VIEW_QUERY] = "query", [VIEW_STORE] = "store", NULL};

bool config_views_own(const char *section) { return strncmp(section, "view ", strlen("view ")) == 0; }

void config_views_fini(struct config *config) {
  for (size_t i = 0; i < config->view_count; i++) cas_filter_destroy(config->views[i].filter);
  free(config->views);
  free(config->view_marks);
}

/* The entry of a title, made where there is none. NULL: no memory. */
static struct dicom_view *entry_of(struct config *config, const char *aet, struct config_mark **mark) {
  size_t index = view_find(config->views, config->view_count, aet);
  if (index == config->view_count) {
    void *views = config->views;
    const bool added =
        config_add_title(config, &views, sizeof *config->views, &config->view_marks, &config->view_count, aet);
    config->views = views;
    if (!added) return NULL;
  }
  *mark = &config->view_marks[index];
  return &config->views[index];
}

/* --- query --- */

/* The next word as on a command line, cut out of *rest: blanks end it but within quotes, which are taken away. False:
 * there is none, or a quote is not closed (*open_quote). */
static bool next_word(char **rest, char **word, bool *open_quote) {
  char *from = *rest + strspn(*rest, " \t"), *to = from;
  char quote = '\0';
  *word = to;
  if (*from == '\0') return false;
  for (; *from != '\0' && (quote != '\0' || (*from != ' ' && *from != '\t')); from++) {
    const bool opens = quote == '\0' && (*from == '"' || *from == '\'');
    if (opens)
      quote = *from;
    else if (*from == quote)
      quote = '\0';
    else
      *to++ = *from;
  }
  *open_quote = quote != '\0';
  *rest = *from != '\0' ? from + 1 : from;
  *to = '\0';
  return !*open_quote;
}

static cas_status read_condition(char *word, struct cas_condition *condition, struct cas_error *error) {
  char *equals = strchr(word, '=');
  if (equals == NULL || equals == word)
    return config_fail(error, CAS_INVALID, "query: \"%.64s\" is not Keyword=pattern", word);
  *equals = '\0';
  const struct cas_attribute_definition *definition = cas_search_attribute_by_name(word);
  if (definition == NULL)
    return config_fail(error, CAS_INVALID, "query: %.64s is no attribute that can be searched", word);
  if (definition->level == CAS_LEVEL_INSTANCE)
    return config_fail(error, CAS_INVALID, "query: %.64s is an attribute of images; a view shows whole series", word);
  *condition = (struct cas_condition){.tag = definition->tag, .pattern = equals + 1};
  return CAS_OK;
}

static cas_status read_query(char *text, struct cas_condition *conditions, size_t *count, struct cas_error *error) {
  char *word;
  bool open_quote = false;
  while (next_word(&text, &word, &open_quote)) {
    if (*count == CAS_FILTER_CONDITIONS_MAX)
      return config_fail(error, CAS_INVALID, "query: more than %d conditions", CAS_FILTER_CONDITIONS_MAX);
    const cas_status status = read_condition(word, &conditions[*count], error);
    if (status != CAS_OK) return status;
    ++*count;
  }
  if (open_quote) return config_fail(error, CAS_INVALID, "query: a quotation mark is not closed");
  return *count > 0 ? CAS_OK : config_fail(error, CAS_INVALID, "query: no value");
}

static cas_status set_query(struct dicom_view *view, const char *value, struct cas_error *error) {
  struct cas_condition conditions[CAS_FILTER_CONDITIONS_MAX];
  struct cas_filter *filter;
  struct cas_error reason = {0};
  size_t count = 0;
  char *text = strdup(value);
  if (text == NULL) return config_fail(error, CAS_NO_MEMORY, "configuration");
  cas_status status = read_query(text, conditions, &count, error);
  if (status == CAS_OK) {
    status = cas_filter_create(conditions, count, &filter, &reason);
    if (status != CAS_OK) (void)!config_fail(error, status, "query: %.200s", reason.message);
  }
  if (status == CAS_OK) {
    cas_filter_destroy(view->filter);
    view->filter = filter;
  }
  free(text);
  return status;
}

/* --- keys --- */

cas_status config_views_set(struct config *config, const char *section, const char *key, const char *value, bool once,
                            struct cas_error *error) {
  const char *aet = section + strlen("view ");
  aet += strspn(aet, " ");
  unsigned found;
  if (!peer_title_valid(aet) || strcmp(aet, "*") == 0)
    return config_fail(error, CAS_INVALID, "\"%.64s\" is no AE title", aet);
  if (!config_parse_name(key, key_names, 0, &found))
    return config_fail(error, CAS_INVALID, "there is no key %.64s in [%s]", key, section);
  struct config_mark *mark;
  struct dicom_view *view = entry_of(config, aet, &mark);
  if (view == NULL) return config_fail(error, CAS_NO_MEMORY, "configuration");
  if (once && (mark->seen & 1u << found) != 0) return config_fail(error, CAS_INVALID, "the key was given before");
  mark->seen |= 1u << found;
  if (found == VIEW_QUERY) return set_query(view, value, error);
  if (config_parse_switch(value, &view->store)) return CAS_OK;
  return config_fail(error, CAS_INVALID, "store: \"%.64s\" is neither yes nor no", value);
}

cas_status config_views_complete(struct config *config, struct cas_error *error) {
  char place[CONFIG_PLACE_BYTES];
  for (size_t i = 0; i < config->view_count; i++) {
    const struct dicom_view *view = &config->views[i];
    config_place(config, config->view_marks[i].line, place);
    if (view->filter == NULL) return config_fail(error, CAS_INVALID, "%s[view %s] has no query", place, view->aet);
    if (negotiation_same_title(view->aet, config->aet))
      return config_fail(error, CAS_INVALID, "%s[view %s] has the title of the archive itself", place, view->aet);
  }
  for (size_t i = 0; i < config->peer_count; i++) {
    const struct dicom_peer *peer = &config->peers[i];
    config_place(config, config->peer_marks[i].line, place);
    for (size_t j = 0; j < peer->called_count; j++) {
      const bool known = negotiation_same_title(peer->called[j], config->aet) ||
                         view_find(config->views, config->view_count, peer->called[j]) < config->view_count;
      if (!known)
        return config_fail(error, CAS_INVALID, "%s[peer %s] may call %s, which is neither our title nor a view", place,
                           peer->aet, peer->called[j]);
    }
  }
  return CAS_OK;
}
