#!/bin/sh
# false_alarms.sh: the table of false alarms and of triplings found: simulated hours, 40 cells.   WEEKS=300  of each
set -eu
cd "$(dirname "$0")/../../.."
"${BIN:-build/release}/monitor" measure --what false-alarms --weeks "${WEEKS:-300}"
