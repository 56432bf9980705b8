/* Are the options of `cassette mount -o` and --view understood, and wrong ones named? */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "mount_options.h"

/* Parses a copy and gives the option that was not taken, or "". */
static const char *parse(struct mount_settings *options, const char *list) {
  static char copy[256];
  snprintf(copy, sizeof copy, "%s", list);
  const char *wrong = mount_options_parse(options, copy);
  return wrong ? wrong : "";
}

static void all_options(void **state) {
  (void)state;
  struct mount_settings settings = {.user = ""};
  assert_string_equal(
      parse(&settings, "rw,allow_other,,uid=1000,gid=4294967295,file_mode=440,folder_mode=0550,threads=4,"
                       "refresh_ms=250,no_auto_unmount,no_xattr,nosuid,snapshot=before,view=patients:uids,setuid=root"),
      "");
  const struct cas_mount_options *options = &settings.mount;
  assert_true(options->allow_other && options->no_auto_unmount && options->xattr == CAS_MOUNT_XATTR_NONE);
  assert_true(settings.set_uid && settings.set_gid);
  assert_int_equal(options->uid, 1000);
  assert_int_equal(options->gid, UINT32_MAX);
  assert_int_equal(options->file_mode, 0440);
  assert_int_equal(options->folder_mode, 0550);
  assert_int_equal(options->threads, 4);
  assert_int_equal(options->refresh_ms, 250);
  assert_int_equal(options->views, CAS_MOUNT_PATIENTS | CAS_MOUNT_UIDS);
  assert_string_equal(settings.snapshot, "before");
  assert_string_equal(settings.user, "root");
}

static void extended_attributes(void **state) {
  (void)state;
  struct mount_settings settings = {.user = ""};
  assert_int_equal(settings.mount.xattr, CAS_MOUNT_XATTR_DEFAULT);
  assert_string_equal(parse(&settings, "xattr=unlisted"), "");
  assert_int_equal(settings.mount.xattr, CAS_MOUNT_XATTR_UNLISTED);
  assert_string_equal(parse(&settings, "xattr=listed"), "");
  assert_int_equal(settings.mount.xattr, CAS_MOUNT_XATTR_LISTED);
  assert_string_equal(parse(&settings, "xattr=none"), "");
  assert_int_equal(settings.mount.xattr, CAS_MOUNT_XATTR_NONE);
  assert_string_equal(parse(&settings, "xattr=some"), "xattr=some");
}

static void shards(void **state) {
  (void)state;
  struct mount_settings settings = {.user = ""};
  assert_string_equal(parse(&settings, "shard_patients=month,shard_uids=hash2"), "");
  assert_int_equal(settings.mount.patient_shards, CAS_MOUNT_SHARDS_MONTH);
  assert_int_equal(settings.mount.uid_shards, CAS_MOUNT_SHARDS_HASH2);
  assert_string_equal(parse(&settings, "shard_patients=hash1,shard_uids=none"), "");
  assert_int_equal(settings.mount.patient_shards, CAS_MOUNT_SHARDS_HASH1);
  assert_int_equal(settings.mount.uid_shards, CAS_MOUNT_SHARDS_NONE);
  assert_string_equal(parse(&settings, "shard_uids=month"), "shard_uids=month");
}

static void names_and_masks(void **state) {
  (void)state;
  struct mount_settings settings = {.user = ""};
  assert_string_equal(parse(&settings, "uid=root,umask=027"), "");
  assert_true(settings.set_uid && !settings.set_gid);
  assert_int_equal(settings.mount.uid, 0);
  assert_int_equal(settings.mount.file_mode, 0440);
  assert_int_equal(settings.mount.folder_mode, 0550);
}

static void what_is_for_others_is_left_aside(void **state) {
  (void)state;
  struct mount_settings settings = {.user = ""};
  assert_string_equal(parse(&settings, "defaults,noauto,nofail,_netdev,user,x-systemd.automount,X-mount.mkdir,"
                                       "x-systemd.requires=cassetted.service,comment=the archive,nodiratime"),
                      "");
  assert_true(!settings.set_uid && !settings.mount.allow_other && settings.mount.views == 0);
}

static void wrong_values_are_explained(void **state) {
  (void)state;
  char text[MOUNT_EXPLANATION_MAX];
  mount_option_explain("threads=65", text);
  assert_string_equal(text, "\"threads=65\": the values of threads are: 1 to 64");
  mount_option_explain("xattr", text);
  assert_string_equal(text, "\"xattr\": the values of xattr are: listed, unlisted or none");
  mount_option_explain("thread=6", text);
  assert_string_equal(text, "\"thread=6\" is no option of a mount");
  mount_option_explain("", text);
  assert_string_equal(text, "\"\" is no option of a mount");
}

static void wrong_options_are_named(void **state) {
  (void)state;
  static const char *const wrong[] = {"nonsense",   "uid=",         "uid=-1",         "uid=4294967296",
                                      "uid= 1",     "file_mode=8",  "file_mode=1777", "threads=0",
                                      "threads=65", "refresh_ms=x", "threads",        "allow_other=1",
                                      "umask=0777", "view=x",       "view=patients:", "setuid=no-such-user",
                                      "setuid=",    "snapshot=",    "uid=nobody-",    "remount"};
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
    struct mount_settings settings = {.user = ""};
    char list[128];
    snprintf(list, sizeof list, "ro,%s,nodev", wrong[i]);
    assert_string_equal(parse(&settings, list), wrong[i]);
  }
}

static void views(void **state) {
  (void)state;
  struct cas_mount_options options = {0};
  char good[] = "patients,uids", bad[] = "dates,nonsense", empty[] = "";
  assert_null(mount_views_parse(&options, good));
  assert_int_equal(options.views, CAS_MOUNT_PATIENTS | CAS_MOUNT_UIDS);
  assert_string_equal(mount_views_parse(&options, bad), "nonsense");
  assert_string_equal(mount_views_parse(&options, empty), "");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(all_options),
      cmocka_unit_test(extended_attributes),
      cmocka_unit_test(shards),
      cmocka_unit_test(names_and_masks),
      cmocka_unit_test(what_is_for_others_is_left_aside),
      cmocka_unit_test(wrong_options_are_named),
      cmocka_unit_test(wrong_values_are_explained),
      cmocka_unit_test(views),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
