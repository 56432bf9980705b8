/*
 * JSON for programs.
 */
#include "cli_json.h"

#include "cli.h"
#include "cli_text.h"

void cli_json_text(json_t *object, const char *key, const char *text) {
  CLI_FREE char *valid = cli_utf8(text);
  json_object_set_new(object, key, valid ? json_string(valid) : NULL);
}

void cli_json_count(json_t *object, const char *key, uint64_t value) {
  json_object_set_new(object, key, json_integer((json_int_t)value));
}

void cli_json_time(json_t *object, const char *key, int64_t ns) {
  char text[CLI_TEXT_MAX];
  json_object_set_new(object, key, json_string(cli_format_time_utc(text, ns)));
}

void cli_json_hash(json_t *object, const char *key, const struct cas_hash *hash) {
  char text[33];
  cas_hash_format(hash, text);
  json_object_set_new(object, key, json_string(text));
}

char *cli_json_line(json_t *object) {
  char *line = object ? json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(6)) : NULL;
  json_decref(object);
  return line;
}

void cli_json_print(json_t *object) {
  CLI_FREE char *line = cli_json_line(object);
  if (line)
    puts(line);
  else
    cli_error("out of memory");
}
