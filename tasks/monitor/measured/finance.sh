#!/bin/sh
# finance.sh DIR: accuracy and macro F1 of topic and sentiment of financial tweets, on their own validation texts. DIR has
# topic_train.csv, topic_test.csv, sentiment_train.csv (the first 9,543 rows) and sentiment_test.csv, each `text,label`.
# Dev is a tenth of train.   MODEL=mini
set -eu
dir=$(cd "$1" && pwd)
cd "$(dirname "$0")/../../.."
out=$(mktemp -d); trap 'rm -rf "$out"' EXIT
cat > "$out/tasks.json" <<END
{"tasks": {
  "topic": {"train": "$dir/topic_train.csv", "test": "$dir/topic_test.csv"},
  "sentiment": {"train": "$dir/sentiment_train.csv", "test": "$dir/sentiment_test.csv"}}}
END
build/release/monitor train --tasks "$out/tasks.json" --model "${MODEL:-mini}" --out "$out/run"
