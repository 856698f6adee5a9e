#!/bin/sh
# reproducible.sh [TARGET...]: builds the commit that is checked out in two folders of different names, one after the
# other and without a cache of compiled files, and compares the files byte by byte. Default: build/release/vocab.
set -eu
cd "$(dirname "$0")/.."
[ $# -gt 0 ] || set -- build/release/vocab
first=build/reproducible/a second=build/reproducible/another-folder
for folder in "$first" "$second"; do
  rm -rf "$folder"
  mkdir -p "$folder"
  git archive HEAD | tar -x -C "$folder"
  CCACHE_DISABLE=1 make -s -C "$folder" ${CXX:+CXX="$CXX"} ${OPT:+OPT="$OPT"} "$@" >/dev/null
done
status=0
for file in "$@"; do
  if cmp "$first/$file" "$second/$file"; then
    echo "$file: the same $(wc -c <"$first/$file") bytes, sha256 $(sha256sum <"$first/$file" | cut -c1-16)..."
  else
    status=1
  fi
done
exit $status
