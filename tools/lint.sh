#!/bin/sh
# lint.sh [FILE...]: what clang++ warns of, clang-tidy (the checks of .clang-tidy) and cppcheck over these sources; 1 at
# a finding. Without any: all but the tests, in which clang 14 refuses the structured bindings that doctest captures.
set -u
cd "$(dirname "$0")/.."
flags="-std=c++20 -x c++ -fopenmp -I. $(sed -n 's/^OPENBLAS_CFLAGS *:= *//p' build/deps.mk)"
status=0
[ $# -gt 0 ] || set -- $(git ls-files 'engine/*.cpp' 'nn/*.cpp' 'optim/*.cpp' 'tasks/*.cpp' 'tools/*.cpp')
# shellcheck disable=SC2086  # several flags
printf '%s\n' "$@" | xargs -P "$(nproc)" -n 1 clang++ -fsyntax-only -Wall -Wextra -Werror $flags || status=1
# shellcheck disable=SC2016  # the files come before the flags
printf '%s\n' "$@" | FLAGS=$flags xargs -P "$(nproc)" -n 4 sh -c 'clang-tidy --quiet --warnings-as-errors="*" \
  --extra-arg=-Wno-unknown-warning-option "$@" -- $FLAGS' clang-tidy 2>/dev/null || status=1
# Suppressed: what cppcheck 2.10 imagines where it does not know C++20 (elements of a range, maps, views of a temporary
# that lives as long as the loop); a Scope is passed by value. Of moved, unset and not returned values the compilers and
# clang-tidy know better.
cppcheck --quiet --std=c++20 --language=c++ --inline-suppr --error-exitcode=1 --enable=warning,performance,portability \
  --suppress=missingIncludeSystem --suppress=unknownMacro --suppress=internalAstError --suppress=syntaxError --suppress=invalidLifetime --suppress=passedByValue \
  --suppress=invalidContainerReference --suppress=danglingTemporaryLifetime --suppress=containerOutOfBounds \
  --suppress=accessMoved --suppress=missingReturn --suppress=uninitvar \
  -I . "$@" || status=1
exit $status
