/* The configuration file: every key arrives, flags win, and what does not fit is refused with its line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "config_mounts.h"

static char path[64];

static int make_path(void **state) {
  (void)state;
  snprintf(path, sizeof path, "/tmp/test_config.XXXXXX");
  const int fd = mkstemp(path);
  if (fd >= 0) close(fd);
  return fd < 0;
}

static int remove_path(void **state) {
  (void)state;
  return unlink(path);
}

static cas_status load(const char *text, struct config *config, struct cas_error *error) {
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  assert_true(fputs(text, file) >= 0);
  fclose(file);
  *error = (struct cas_error){0};
  return config_load(config, path, error);
}

static void takes_every_key(void **state) {
  (void)state;
  struct config config = {0};
  struct cas_error error;
  assert_int_equal(
      load("# a comment\n; another\n[archive]\nstore = /srv/a store\nlog_file=/var/log/c.log\nlog_level = debug\n"
           "stop_seconds = 5\n[dicom]\naet = ARCHIVE\nbind = ::\nport = 104\naccept_any_called_aet = yes\n"
           "associations_max = 7\npdu_bytes_max = 16384\nnegotiation_seconds = 1\nmessage_seconds = 2\n"
           "idle_seconds = 3\nmove_associations = 4\ntranscode_mib = 64\n[mount]\nfolder = /mnt/x ; "
           "inline\nallow_other = on\n[control]\nmode = 0660\n"
           "[engine]\nworkers = 3\nin_flight_mib = 128\nread_cache_mib = 32\nsegment_mib = 64\nio_uring = no\n"
           "encode = later\n[metrics]\nport = 9412\nbind = ::1\n",
           &config, &error),
      CAS_OK);
  assert_int_equal(config_complete(&config, &error), CAS_OK);
  assert_string_equal(config.store, "/srv/a store");
  assert_string_equal(config.log_file, "/var/log/c.log");
  assert_int_equal(config.log_level, CAS_LOG_DEBUG);
  assert_int_equal(config.stop_seconds, 5);
  assert_string_equal(config.aet, "ARCHIVE");
  assert_string_equal(config.bind, "::");
  assert_int_equal(config.port, 104);
  assert_true(config.accept_any_called_aet);
  assert_int_equal(config.associations_max, 7);
  assert_int_equal(config.pdu_bytes_max, 16384);
  assert_int_equal(config.negotiation_seconds, 1);
  assert_int_equal(config.message_seconds, 2);
  assert_int_equal(config.idle_seconds, 3);
  assert_int_equal(config.move_associations, 4);
  assert_int_equal(config.transcode_mib, 64);
  assert_int_equal(config.mount_count, 1);
  assert_string_equal(config.mounts[0].folder, "/mnt/x");
  assert_true(config.mounts[0].settings.mount.allow_other);
  assert_int_equal(config.control_mode, 0660);
  assert_int_equal(config.workers, 3);
  assert_int_equal(config.in_flight_mib, 128);
  assert_int_equal(config.read_cache_mib, 32);
  assert_int_equal(config.segment_mib, 64);
  assert_true(config.no_io_uring);
  assert_int_equal(config.encode, 1 + CAS_ENCODE_LATER);
  assert_int_equal(config.metrics_port, 9412);
  assert_string_equal(config.metrics_bind, "::1");
  config_fini(&config);
}

static void flags_win_and_defaults_fill(void **state) {
  (void)state;
  struct config config = {0};
  struct cas_error error;
  assert_int_equal(load("[archive]\nstore = /a\n[dicom]\naet = FILE\n", &config, &error), CAS_OK);
  assert_int_equal(config_set(&config, "dicom", "aet", "FLAG", &error), CAS_OK);
  assert_int_equal(config_set(&config, "dicom", "port", "0", &error), CAS_OK);
  assert_int_equal(config_complete(&config, &error), CAS_OK);
  assert_string_equal(config.aet, "FLAG");
  assert_int_equal(config.port, 0);
  assert_string_equal(config.bind, "127.0.0.1");
  assert_int_equal(config.log_level, CAS_LOG_NOTICE);
  config_fini(&config);

  struct config empty = {0};
  assert_int_equal(config_complete(&empty, &error), CAS_INVALID);
  assert_int_equal(config_set(&empty, "archive", "store", "/a", &error), CAS_OK);
  assert_int_equal(config_complete(&empty, &error), CAS_OK);
  assert_int_equal(empty.port, 11112);
  assert_int_equal(empty.metrics_port, 0);
  assert_string_equal(empty.metrics_bind, "127.0.0.1");
  assert_string_equal(empty.aet, "CASSETTE");
  config_fini(&empty);
}

static void refuse(const char *text, unsigned line, const char *why) {
  struct config config = {0};
  struct cas_error error;
  assert_int_equal(load(text, &config, &error), CAS_INVALID);
  char place[96];
  snprintf(place, sizeof place, "%s:%u: ", path, line);
  if (strstr(error.message, place) != error.message || strstr(error.message, why) == NULL)
    fail_msg("%s", error.message);
  config_fini(&config);
}

static void refuses_with_the_line(void **state) {
  (void)state;
  refuse("[dicom]\n\nprot = 104\n", 3, "no key prot in [dicom]");
  refuse("store = /a\n", 1, "no key store in []");
  refuse("[dicom]\nport = 65536\n", 2, "from 0 to 65535");
  refuse("[dicom]\nport = 10x\n", 2, "not a number");
  refuse("[dicom]\nport = -1\n", 2, "not a number");
  refuse("[dicom]\nport = 99999999999999999999\n", 2, "not a number");
  refuse("[dicom]\nport = 1\n# more\nport = 2\n", 4, "given before");
  refuse("[archive]\nstore = /a\n  /b\n", 3, "given before");
  refuse("[archive]\nstore =\n", 2, "no value");
  refuse("[archive]\nlog_level = loud\n", 2, "not one of");
  refuse("[mount]\nallow_other = perhaps\n", 2, "neither yes nor no");
  refuse("[control]\nmode = 0888\n", 2, "octal");
  refuse("[dicom\naet = X\n", 1, "neither [section]");
  refuse("[dicom]\njust words\n", 2, "neither [section]");
}

static void takes_mounts(void **state) {
  (void)state;
  struct config config = {0};
  struct cas_error error;
  assert_int_equal(load("[archive]\nstore = /a\n[mount]\nfolder = /x\n[mount backup]\n"
                        "options = ro,snapshot=monday,view=patients:uids\nfolder = /y\n",
                        &config, &error),
                   CAS_OK);
  assert_int_equal(config_set(&config, "mount", "folder", "/z", &error), CAS_OK);
  assert_int_equal(config_complete(&config, &error), CAS_OK);
  assert_int_equal(config.mount_count, 2);
  assert_string_equal(config.mounts[0].settings.mount.mountpoint, "/z");
  assert_string_equal(config.mounts[1].name, "backup");
  assert_string_equal(config.mounts[1].folder, "/y");
  assert_string_equal(config.mounts[1].settings.snapshot, "monday");
  assert_int_equal(config.mounts[1].settings.mount.views, CAS_MOUNT_PATIENTS | CAS_MOUNT_UIDS);
  assert_int_equal(config_set(&config, "mount", "folder", "/y", &error), CAS_OK);
  assert_int_equal(config_complete(&config, &error), CAS_INVALID);
  assert_non_null(strstr(error.message, ":6: [mount backup] has the folder of another"));
  config_fini(&config);
  refuse("[mount]\noptions = view=nowhere\n", 2, "\"view=nowhere\": the values of view are: patients,");
  refuse("[mount]\noptions = ro\noptions = ro\n", 3, "given before");
  refuse("[mount x]\noptions = snapshot=latest\n", 2, "snapshots that are there");
  refuse("[mount x]\noptions = read_cache_mib=3\n", 2, "[engine]");
  refuse("[mount x]\nfolders = /a\n", 2, "no key folders in [mount x]");
  assert_int_equal(load("[archive]\nstore = /a\n[mount x]\noptions = ro\n", &config, &error), CAS_OK);
  assert_int_equal(config_complete(&config, &error), CAS_INVALID);
  assert_non_null(strstr(error.message, ":4: [mount x] has no folder"));
  config_fini(&config);
}

static void refuses_lines_that_are_too_long(void **state) {
  (void)state;
  static char text[2 * CONFIG_LINE_BYTES_MAX];
  snprintf(text, sizeof text, "[archive]\nstore = ");
  const size_t used = strlen(text);
  memset(text + used, 'x', sizeof text - used - 2);
  text[sizeof text - 2] = '\n';
  refuse(text, 2, "longer than");
}

static void takes_long_paths(void **state) {
  (void)state;
  char text[1200] = "[archive]\nstore = /";
  const size_t used = strlen(text);
  memset(text + used, 'y', 1000);
  strcpy(text + used + 1000, "\n");
  struct config config = {0};
  struct cas_error error;
  const cas_status status = load(text, &config, &error);
  if (status != CAS_OK) {
    assert_int_equal(status, CAS_INVALID); /* inih built for shorter lines: refused, never cut */
  } else {
    assert_int_equal(strlen(config.store), 1001);
  }
  config_fini(&config);
}

static void tells_a_missing_file(void **state) {
  (void)state;
  struct config config = {0};
  struct cas_error error = {0};
  assert_int_equal(config_load(&config, "/nonexistent/cassetted.conf", &error), CAS_NOT_FOUND);
  assert_non_null(strstr(error.message, "/nonexistent/cassetted.conf"));
}

static void knows_peers_by_their_titles(void **state) {
  (void)state;
  struct config config = {0};
  struct cas_error error;
  assert_int_equal(load("[peers]\nWS 1 = host:104\nB = [::1]:11112\n", &config, &error), CAS_OK);
  assert_int_equal(config.peer_count, 2);
  assert_string_equal(config.peers[0].aet, "WS 1");
  assert_string_equal(config.peers[1].host, "::1");
  assert_int_equal(config_set(&config, "peers", "B", "other:1", &error), CAS_OK);
  assert_int_equal(config.peer_count, 2);
  assert_string_equal(config.peers[1].host, "other");
  config_fini(&config);
  assert_int_equal(load("[peers]\nA = host\n", &config, &error), CAS_INVALID);
  config_fini(&config);
  assert_int_equal(load("[peers]\nA = host:1\nA = host:2\n", &config, &error), CAS_INVALID);
  config_fini(&config);
}

static void knows_what_peers_may(void **state) {
  (void)state;
  struct config config = {0};
  struct cas_error error;
  assert_int_equal(load("[archive]\nstore = /a\n[peers]\nWS = ws.example:104\n[peer WS]\nallow = find,get\n[peer *]\n"
                        "address = 10.0.0.0/8 any\nallow = all\nassociations_max = 2\nmib_per_second_max = 3\n"
                        "[peer FAST]\ndestination = f:104\nmove_associations = 4\n",
                        &config, &error),
                   CAS_OK);
  assert_int_equal(config_complete(&config, &error), CAS_OK);
  assert_int_equal(config.peer_count, 3);
  assert_true(config.peers[0].caller);
  assert_int_equal(config.peers[0].rights, PEER_FIND | PEER_GET);
  assert_string_equal(config.peers[0].addresses[0].name, "ws.example"); /* the destination's, where no other is given */
  assert_int_equal(config.peers[1].address_count, 2);
  assert_int_equal(config.peers[1].rights, PEER_EVERYTHING);
  assert_int_equal(config.peers[1].associations_max, 2);
  assert_int_equal(config.peers[1].mib_per_second_max, 3);
  assert_int_equal(config.peers[0].move_associations, 0);
  assert_int_equal(config.peers[2].move_associations, 4);
  assert_false(config.open);
  config_fini(&config);
  refuse("[peers]\nWS = a:1\n[peer WS]\ndestination = b:1\n", 4, "given before");
  refuse("[peer *]\ndestination = b:1\n", 2, "no AE title");
  refuse("[peer WS]\nallow = find\nallow = get\n", 3, "given before");
  refuse("[peer WS]\ncolour = red\n", 2, "no key colour in [peer WS]");
  refuse("[peer SEVENTEEN LETTERS]\nallow = find\n", 2, "no AE title");
  refuse("[peer WS]\nassociations_max = 0\n", 2, "not a number");
  refuse("[peer WS]\nmove_associations = 17\n", 2, "not a number from 1 to 16");
}

static void takes_views(void **state) {
  (void)state;
  struct config config = {0};
  struct cas_error error;
  assert_int_equal(load("[view CT]\nquery = Modality=CT  StudyDescription=\"heart study\" 'PatientID=\"\"'\n"
                        "[view  ALL OF P]\nstore = yes\nquery = 0010,0020=P*\n"
                        "[peer A]\naddress = any\ncalled = CT, CASSETTE\n[archive]\nstore = s\n",
                        &config, &error),
                   CAS_OK);
  assert_int_equal(config_complete(&config, &error), CAS_OK);
  assert_int_equal(config.view_count, 2);
  assert_string_equal(config.views[0].aet, "CT");
  assert_non_null(config.views[0].filter);
  assert_false(config.views[0].store);
  assert_string_equal(config.views[1].aet, "ALL OF P");
  assert_true(config.views[1].store);
  assert_int_equal(config.peers[0].called_count, 2);
  assert_true(peer_may_call(&config.peers[0], "CASSETTE"));
  assert_false(peer_may_call(&config.peers[0], "ALL OF P"));
  assert_int_equal(config_set(&config, "view CT", "query", "Modality=MR", &error), CAS_OK);
  assert_int_equal(config_set(&config, "view CT", "store", "maybe", &error), CAS_INVALID);
  config_fini(&config);
}

static void refuses_views_that_cannot_be(void **state) {
  (void)state;
  refuse("[view X]\nquery = Colour=red\n", 2, "query: Colour is no attribute that can be searched");
  refuse("[view X]\nstore = no\nquery = Modality=CT Rows=512\n", 3, "query: Rows is an attribute of images");
  refuse("[view X]\nquery = Modality\n", 2, "query: \"Modality\" is not Keyword=pattern");
  refuse("[view X]\nquery = StudyDate=soon\n", 2, "query: ");
  refuse("[view X]\nquery = PatientName=\"Doe\n", 2, "query: a quotation mark is not closed");
  refuse("[view X]\nquery =\n", 2, "query: no value");
  refuse("[view X]\nquery = Modality=CT\nquery = Modality=MR\n", 3, "the key was given before");
  refuse("[view X]\nstore = perhaps\n", 2, "store: ");
  refuse("[view X]\npeers = A\n", 2, "there is no key peers in [view X]");
  refuse("[view *]\nstore = no\n", 2, "\"*\" is no AE title");
  refuse("[view SEVENTEEN_LETTERS]\nstore = no\n", 2, "\"SEVENTEEN_LETTERS\" is no AE title");
  refuse("[peer A]\ncalled = \n", 2, "called: no value");
}

static void refuses_views_that_do_not_fit_the_rest(void **state) {
  (void)state;
  static const char *const texts[] = {"[view X]\nstore = no\n", "[view CASSETTE]\nquery = Modality=CT\n",
                                      "[dicom]\naet = Y\n[view Y]\nquery = Modality=CT\n",
                                      "[peer P]\naddress = any\ncalled = X\n"};
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    struct config config = {0};
    struct cas_error error;
    assert_int_equal(load(texts[i], &config, &error), CAS_OK);
    assert_int_equal(config_set(&config, "archive", "store", "s", &error), CAS_OK);
    assert_int_equal(config_complete(&config, &error), CAS_INVALID);
    assert_non_null(strstr(error.message, path));
    config_fini(&config);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(takes_views),
      cmocka_unit_test(refuses_views_that_cannot_be),
      cmocka_unit_test(refuses_views_that_do_not_fit_the_rest),
      cmocka_unit_test(takes_every_key),
      cmocka_unit_test(flags_win_and_defaults_fill),
      cmocka_unit_test_setup_teardown(takes_mounts, make_path, remove_path),
      cmocka_unit_test(refuses_with_the_line),
      cmocka_unit_test(refuses_lines_that_are_too_long),
      cmocka_unit_test(takes_long_paths),
      cmocka_unit_test(tells_a_missing_file),
      cmocka_unit_test(knows_peers_by_their_titles),
      cmocka_unit_test(knows_what_peers_may),
  };
  return cmocka_run_group_tests(tests, make_path, remove_path);
}
