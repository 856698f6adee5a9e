#!/bin/sh
# run.sh: other people's clients against `serve`, unchanged: curl, openai, @huggingface/inference, Prometheus.
set -eu
cd "$(dirname "$0")/../.."
. tests/clients/server.sh
packages openai @huggingface/inference
workspace
start
run_node tests/clients/clients.mjs

echo '{"inputs": "a lovely film"}' >"$dir/body"
[ "$(curl -sf -o /dev/null -w '%{http_code}' -d @"$dir/body" "$URL/predict")" = 200 ]
[ "$(curl -s -o /dev/null -w '%{http_code}' -d '{' "$URL/predict")" = 400 ]
echo "curl: passed"

if command -v promtool >/dev/null 2>&1; then
  curl -sf "$URL/metrics" | promtool check metrics
  echo "promtool: passed"
else
  echo "skipped: there is no promtool (Debian: prometheus)"
fi
if command -v prometheus >/dev/null 2>&1; then
  printf 'scrape_configs:\n  - job_name: attune\n    scrape_interval: 1s\n    static_configs: [{targets: ["%s"]}]\n' "${URL#http://}" >"$dir/prometheus.yml"
  prometheus --config.file="$dir/prometheus.yml" --storage.tsdb.path="$dir/tsdb" --web.listen-address=127.0.0.1:39090 >"$dir/prometheus.log" 2>&1 &
  scraper=$!
  up=""
  for _ in $(seq 60); do
    up=$(curl -s 'http://127.0.0.1:39090/api/v1/query?query=attune_texts_total' | grep -o '"model":"mood"' || true)
    [ -z "$up" ] || break
    sleep 0.5
  done
  kill $scraper
  wait $scraper 2>/dev/null || true
  [ -n "$up" ] || { echo "Prometheus has scraped nothing"; exit 1; }
  echo "prometheus: passed"
else
  echo "skipped: there is no prometheus"
fi

kill -TERM "$server"
wait "$server" || { echo "SIGTERM: status $?"; exit 1; }
server=""
echo "clients: passed"
