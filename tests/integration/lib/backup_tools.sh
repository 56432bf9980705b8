# shellcheck shell=bash disable=SC2154 # work comes from harness.sh
# Backup programs for the tests of the mount; after harness.sh. Each has its repository below $work.
export RESTIC_PASSWORD=test RESTIC_REPOSITORY=$work/restic RESTIC_CACHE_DIR=$work/restic.cache
export BORG_REPO=$work/borg BORG_BASE_DIR=$work/borg.base BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK=yes BORG_RELOCATED_REPO_ACCESS_IS_OK=yes

backup_init() {
  need restic borg rsync jq
  restic init -q || fail "restic init"
  borg init -e none || fail "borg init"
}

# may_trace: whether backups are watched with strace, which does not work everywhere. Unset `watched` to do without.
watched=yes
may_trace() { [ -n "$watched" ] && strace -f --seccomp-bpf -e trace=read -o /dev/null true 2>/dev/null; }
# traced COMMAND ...: runs it; `images_read` says afterwards of how many images it read content. (Borg opens all of them.)
traced() { if may_trace; then strace -f -y --seccomp-bpf -e trace=read,pread64,mmap -o "$work/reads" "$@"; else "$@"; fi; }
images_read() { if may_trace; then grep -oE '[0-9]<[^>]*\.dcm>' "$work/reads" | sed 's/^[0-9]*//' | sort -u | wc -l; else echo "$1"; fi; } # [IF STRACE DOES NOT WORK]

# restic_backup FOLDER: leaves its summary in $work/restic.json. From inside, so that the folders above are no part of it.
restic_backup() {
  (cd "$1" && traced restic backup --json .) >"$work/restic.out" 2>"$work/restic.log" || fail "restic backup ended with status $?"
  tail -n 1 "$work/restic.out" >"$work/restic.json"
}
restic_says() { jq -r ".$1" "$work/restic.json"; } # WHAT

# borg_backup FOLDER: leaves a line "<status> <path>" for each item in $work/borg.list. Borg forgets the files with the
# newest ctime of a backup, as they may still change; so there is always a file that is newer.
borg_backup() {
  touch "$work/newest"
  traced borg create --list "::$(date +%s.%N)" "$1" "$work/newest" >"$work/borg.list" 2>&1 || fail "borg create ended with status $?"
}
borg_files() { grep -c "^[$1] .*\.dcm\$" "$work/borg.list" || true; } # STATUSES: how many images have one of them

# rsync_backup FOLDER: a copy in $work/rsync; leaves what it did in $work/rsync.list.
rsync_backup() { rsync -a -i --delete "$1/" "$work/rsync/" >"$work/rsync.list" || fail "rsync ended with status $?"; }

# reads_new FOLDER NEW WHEN: fails unless each program finds NEW new images, none changed, none gone, and reads only those.
reads_new() {
  local folder=$1 new=$2 when=$3
  restic_backup "$folder"
  [ "$(restic_says files_new) $(restic_says files_changed)" = "$new 0" ] || fail "$when: restic: $(cat "$work/restic.json")"
  [ "$(images_read "$new")" = "$new" ] || fail "$when: restic read $(images_read "$new") images"
  [ "$new" != 0 ] || [ "$(restic_says data_blobs)" = 0 ] || fail "$when: restic added data: $(cat "$work/restic.json")"
  borg_backup "$folder"
  [ "$(borg_files A) $(borg_files MCE)" = "$new 0" ] || fail "$when: borg: $(grep -v '^U ' "$work/borg.list")"
  [ "$(images_read "$new")" = "$new" ] || fail "$when: borg read $(images_read "$new") images"
  rsync_backup "$folder"
  [ "$(grep -c '\.dcm$' "$work/rsync.list")" = "$new" ] || fail "$when: rsync: $(cat "$work/rsync.list")"
  [ "$new" != 0 ] || [ ! -s "$work/rsync.list" ] || fail "$when: rsync: $(cat "$work/rsync.list")"
}
