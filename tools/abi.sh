#!/bin/sh
# abi.sh check|write [LIBRARY]: whether the C interface of build/release/libattune.so is, to a program that was compiled
# before, what tests/capi/attune.abi says; or writes that file, after a change that is meant. abidiff and abidw are in
# Debian's abigail-tools; without them check says so and is content.
set -eu
cd "$(dirname "$0")/.."
stored=tests/capi/attune.abi
library=${2:-build/release/libattune.so}
if ! command -v abidiff >/dev/null 2>&1; then
  echo "abi: abidiff is not here (apt-get install abigail-tools): the interface was not compared"
  [ "${1:-}" = check ] && exit 0
  exit 2
fi
case ${1:-} in
  check)
    abidiff --exported-interfaces-only --header-file2 tasks/capi/attune.h --drop-private-types "$stored" "$library" && echo "abi: as $stored says" ||
      { echo "abi: the C interface is not what $stored says; if that is meant: make abi, and the version in attune.h" >&2; exit 1; }
    ;;
  write)
    abidw --no-corpus-path --no-comp-dir-path --no-show-locs --no-elf-needed --exported-interfaces-only \
      --header-file tasks/capi/attune.h --drop-private-types --out-file "$stored" "$library"
    ;;
  *) echo "usage: tools/abi.sh check|write [LIBRARY]" >&2; exit 2 ;;
esac
