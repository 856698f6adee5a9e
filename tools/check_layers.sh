#!/bin/sh
# check_layers.sh: the folders include each other in one direction only, and the guests stay behind their doors.
#   engine <- nn <- tasks,  engine <- optim <- tasks;  nn and optim never see each other;  nothing points back.
set -eu
cd "$(dirname "$0")/.."
status=0
forbid() {  # forbid FOLDER PATTERN REASON
  if grep -rnE --include='*.h' --include='*.cpp' "#include [\"<]($2)" "$1"; then
    echo "check_layers: $1 must not include $2: $3" >&2
    status=1
  fi
}
forbid engine '(nn|optim|tasks|tests)/' 'the engine stands alone'
forbid nn '(optim|tasks|tests)/' 'layers see the engine only'
forbid optim '(nn|tasks|tests)/' 'optimisers see the engine only'
forbid tasks 'tests/' 'programs do not depend on tests'
forbid tasks/text '(tasks/run|optim)/' 'text is data, not training'
if grep -rln --include='*.h' --include='*.cpp' 'cblas.h' engine nn optim tasks tests | grep -v '^engine/blas.cpp$'; then
  echo "check_layers: only engine/blas.cpp includes cblas.h" >&2
  status=1
fi
top=$(git ls-files 2>/dev/null | sed 's,/.*,,' | sort -u | grep -vE '^(\..*|LICENSE|engine|nn|optim|tasks|tests|tools|Makefile|README\.md)$' || true)
[ -z "$top" ] || { echo "check_layers: not one of the eight top-level names: $top" >&2; status=1; }
[ $status = 0 ] && echo "layers: every include points the right way"
exit $status
