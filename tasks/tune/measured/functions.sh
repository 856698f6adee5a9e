#!/bin/sh
# functions.sh: the best of 50 trials on five functions and 20 seeds: TPE, joint TPE and random search, and Optuna's TPE
# beside them where its Python package is (apt-get install python3-optuna; PYTHON names another interpreter).
#
#   tasks/tune/measured/functions.sh [TRIALS [SEEDS]]
#
# BIN: directory of the programs, build/release if not set. Prints all rows; about a minute, most of it Optuna's.
set -eu
export LC_ALL=C
trials=${1:-50} seeds=${2:-20} bin=${BIN:-build/release} python=${PYTHON:-/usr/bin/python3}
beside=$(mktemp)
trap 'rm -f "$beside"' EXIT
if "$python" -c 'import optuna' 2>/dev/null; then
  "$python" tasks/tune/measured/functions.py "$trials" "$seeds" >"$beside"
  printf 'beside: Optuna %s, its default TPE\n' "$("$python" -c 'import optuna; print(optuna.__version__)')"
  "$bin/tune" compare --sampler tpe independent random --trials "$trials" --seeds "$seeds" --timing --beside "$beside"
else
  printf 'python3-optuna is not here: nothing of it beside\n'
  "$bin/tune" compare --sampler tpe independent random --trials "$trials" --seeds "$seeds" --timing
fi
