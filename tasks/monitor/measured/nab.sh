#!/bin/sh
# nab.sh DIR: the ten series of NAB's realTweets by NAB's rule; DIR has Twitter_volume_*.csv and windows.json. Minutes.
set -eu
dir=$(cd "$1" && pwd)
cd "$(dirname "$0")/../../.."
"${BIN:-build/release}/monitor" measure --what nab --series "$dir"/Twitter_volume_*.csv --windows "$dir/windows.json"
