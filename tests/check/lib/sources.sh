# shellcheck shell=bash
# Lists of files for the checks of the tree. Sourced; changes to the top of the tree.
set -euo pipefail
export LC_ALL=C.UTF-8
cd "${CASSETTE_SOURCE:-$(dirname "${BASH_SOURCE[0]}")/../../..}"

# tree_files PATTERN ...: files of the project whose names match one of the patterns, without builds and fixtures.
tree_files() {
  local names=() pattern
  for pattern; do names+=(-o -name "$pattern"); done
  find . \( -path ./.git -o -path ./build -o -path ./.quickstart -o -path ./tests/data -o -path ./tests/fuzz/corpus -o -path ./tests/golden \) -prune \
    -o -type f \( "${names[@]:1}" \) -print | sed 's|^\./||' | sort
}

c_files() { tree_files '*.c' '*.h' '*.cc' '*.hh'; }

bad=0
report() { printf '%s\n' "$*"; bad=1; }
finish() { exit "$bad"; }
