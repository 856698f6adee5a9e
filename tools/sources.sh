#!/bin/sh
# sources.sh PROGRAM...: for make, which sources are compiled together and what each program is linked from.
#
#   UNIT_engine/gemm.cpp := engine/unit2       a folder's sources are compiled in units of eight at most: what they
#                                              include is read once for all of them. build/units has a file for each
#   NEEDS_sentiment := ...                     the sources in the program's folder and all that their includes lead to;
#                                              those of a header are those of its folder that include it, and a unit's
#                                              sources come together
set -eu
find engine nn optim tasks tests -name '*.cpp' -o -name '*.h' | LC_ALL=C sort | xargs awk -v programs="$*" '
  FNR == 1 {
    folder = FILENAME
    sub(/\/[^\/]*$/, "", folder)
    if (FILENAME ~ /\.cpp$/) {
      own[folder] = own[folder] " " FILENAME
      if (FILENAME !~ /^tasks\/[^\/]*\/main\.cpp$/) member[folder, count[folder]++] = FILENAME
    }
  }
  /^#include "/ {
    split($0, quoted, "\"")
    header = quoted[2]
    includes[FILENAME] = includes[FILENAME] " " header
    if (FILENAME ~ /\.cpp$/ && header ~ ("^" folder "/[^/]*$")) sources[header] = sources[header] " " FILENAME
  }
  # n sources are shared out evenly among as few units as can be
  function join(folder,   n, units, u, i) {
    n = count[folder]
    units = int((n + 7) / 8)
    if (n == 1) return
    for (i = 0; i < n; i++) {
      u = folder "/unit" (int(i * units / n) + 1)
      unit[member[folder, i]] = u
      together[u] = together[u] " " member[folder, i]
      print "UNIT_" member[folder, i] " := " u
    }
  }
  function reach(list,   n, i, files) {
    n = split(list, files, " ")
    for (i = 1; i <= n; i++)
      if (!(files[i] in seen)) {
        seen[files[i]]
        if (files[i] ~ /\.cpp$/) needs = needs " " files[i]
        reach(includes[files[i]])
        reach(sources[files[i]])
        if (files[i] in unit) reach(together[unit[files[i]]])
      }
  }
  END {
    for (f in count) join(f)
    for (u in together) {
      n = split(together[u], files, " ")
      path = "build/units/" u ".cpp"
      text = ""
      for (i = 1; i <= n; i++) text = text "#include \"" files[i] "\"\n"
      before = ""
      while ((getline line < path) > 0) before = before line "\n"
      close(path)
      if (before == text) continue  # left as it is, and with it what was compiled
      folder = path
      sub(/\/[^\/]*$/, "", folder)
      system("mkdir -p " folder)
      printf "%s", text > path
      close(path)
    }
    n = split(programs, names, " ")
    for (p = 1; p <= n; p++) {
      needs = ""
      split("", seen)
      reach(own["tasks/" names[p]])
      print "NEEDS_" names[p] " :=" needs
    }
  }'
