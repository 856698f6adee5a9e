#!/bin/sh
# lint.sh [FILE...]: clang-tidy (the checks of .clang-tidy) and cppcheck over these sources, or all; 1 at a finding.
set -u
cd "$(dirname "$0")/.."
[ $# -gt 0 ] || set -- $(git ls-files 'engine/*.cpp' 'nn/*.cpp' 'optim/*.cpp' 'tasks/*.cpp')
flags=$(sed -n 's/^OPENBLAS_CFLAGS *:= *//p' build/deps.mk)
status=0
# shellcheck disable=SC2086  # several flags
printf '%s\n' "$@" | xargs -P "$(nproc)" -n 4 clang-tidy --quiet --warnings-as-errors='*' \
  --extra-arg=-Wno-unknown-warning-option -- -std=c++20 -x c++ -fopenmp -I. $flags 2>/dev/null || status=1
# Suppressed: what cppcheck 2.10 imagines where it does not know C++20 and string_view; a Scope is passed by value.
cppcheck --quiet --std=c++20 --language=c++ --inline-suppr --error-exitcode=1 --enable=warning,performance,portability \
  --suppress=missingIncludeSystem --suppress=unknownMacro --suppress=internalAstError --suppress=syntaxError --suppress=invalidLifetime --suppress=passedByValue \
  -I . "$@" || status=1
exit $status
