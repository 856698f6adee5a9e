#!/bin/sh
# manifest.sh DIR FILE...: writes DIR/manifest.json, the size and SHA-256 of these files of a model that ships. Whoever
# loads the model looks at it first (nn/format/sealed.h).
set -eu
directory=${1:?usage: tools/manifest.sh DIR FILE...}
shift
[ $# -gt 0 ] || { echo "error: manifest.sh: no files" >&2; exit 2; }
cd "$directory"
{
  printf '{\n "files": ['
  comma=''
  for file in $(printf '%s\n' "$@" | LC_ALL=C sort); do
    printf '%s\n  {"name": "%s", "size": %s, "sha256": "%s"}' "$comma" "$file" "$(wc -c <"$file" | tr -d ' ')" \
      "$(sha256sum <"$file" | cut -c1-64)"
    comma=','
  done
  printf '\n ]\n}\n'
} >manifest.json.part
mv manifest.json.part manifest.json
