#!/bin/sh
# sources.sh PROGRAM...: for make, what each program is linked from: NEEDS_PROGRAM := the sources in its folder and all
# that their includes lead to. The sources of a header are those of its folder that include it.
set -eu
find engine nn optim tasks -name '*.cpp' -o -name '*.h' | LC_ALL=C sort | xargs awk -v programs="$*" '
  FNR == 1 {
    folder = FILENAME
    sub(/\/[^\/]*$/, "", folder)
    if (FILENAME ~ /\.cpp$/) own[folder] = own[folder] " " FILENAME
  }
  /^#include "/ {
    split($0, quoted, "\"")
    header = quoted[2]
    includes[FILENAME] = includes[FILENAME] " " header
    if (FILENAME ~ /\.cpp$/ && header ~ ("^" folder "/[^/]*$")) sources[header] = sources[header] " " FILENAME
  }
  function reach(list,   n, i, files) {
    n = split(list, files, " ")
    for (i = 1; i <= n; i++)
      if (!(files[i] in seen)) {
        seen[files[i]]
        if (files[i] ~ /\.cpp$/) needs = needs " " files[i]
        reach(includes[files[i]])
        reach(sources[files[i]])
      }
  }
  END {
    n = split(programs, names, " ")
    for (p = 1; p <= n; p++) {
      needs = ""
      split("", seen)
      reach(own["tasks/" names[p]])
      print "NEEDS_" names[p] " :=" needs
    }
  }'
