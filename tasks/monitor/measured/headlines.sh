#!/bin/sh
# headlines.sh DIR MODEL: dated headlines replayed through a model of financial tweets (finance.sh), a bin a day.
# DIR has guardian_headlines.csv (Time 18-Jul-20) and cnbc_headlines.csv (Time 7:51 PM ET Fri, 17 July 2020). A page had
# twenty headlines, so that shares are watched and not volumes. The budget is one false alarm a topic and 100 days, of 20
# topics. Prints what fires from 24 to 27 February 2020, and alarms a topic and 100 days outside of the marked falls.
#   WATCH=negative,drift
set -eu
data=$(cd "$1" && pwd); model=$(cd "$2" && pwd)
cd "$(dirname "$0")/../../.."
out=$(mktemp -d); trap 'rm -rf "$out"' EXIT
python3 - "$data" > "$out/stream" <<'END'
import csv, datetime, json, re, sys
rows = []
for r in csv.DictReader(open(sys.argv[1] + '/guardian_headlines.csv', newline='', encoding='utf-8')):
    if r['Time'].count('-') == 2:
        rows.append((datetime.datetime.strptime(r['Time'], '%d-%b-%y'), 'guardian', r['Headlines']))
for r in csv.DictReader(open(sys.argv[1] + '/cnbc_headlines.csv', newline='', encoding='utf-8')):
    day = re.search(r'(\d+) +([A-Z][a-z]+) +(\d{4})', r['Time'])
    if day and r['Headlines']:
        rows.append((datetime.datetime.strptime(f'{day[1]} {day[2][:3]} {day[3]}', '%d %b %Y'), 'cnbc', r['Headlines']))
for day, source, text in sorted(rows, key=lambda row: row[0]):
    print(json.dumps({'time': f'{day:%Y-%m-%d}', 'text': ' '.join(text.split()), 'source': source}))
END
for watch in ${WATCH:-drift negative,drift}; do
  "${BIN:-build/release}/monitor" replay "$out/stream" --model "$model" --bin 1d --lateness 0s --repeats 2d --warm-up 8w \
    --budget 0.2 --watch "$watch" --no-words > "$out/events" 2>/dev/null
  python3 - "$watch" "$out/events" <<'END'
import collections, datetime, json, sys
falls = [('2018-02-05', '2018-02-28'), ('2018-12-01', '2018-12-31'), ('2020-02-24', '2020-04-30')]
day_of = lambda e: (datetime.date.fromisoformat(e['at'][:10]) - datetime.timedelta(days=1)).isoformat()  # the bin's
outside, found = collections.Counter(), []
for line in open(sys.argv[2]):
    if not line.startswith('{'):
        continue
    e = json.loads(line)
    if e['event'] != 'firing' or 'topic' not in e['labels']:
        continue
    if '2020-02-24' <= day_of(e) <= '2020-02-27':
        found.append(f"{day_of(e)} {e['alert']} {e['labels']['topic']}")
    if not any(first <= day_of(e) <= last for first, last in falls):
        outside[e['labels']['topic']] += 1
span = (datetime.date(2020, 7, 17) - datetime.date(2018, 2, 12)).days - 17 - 31 - 67  # after eight weeks of warm-up
topic, most = outside.most_common(1)[0] if outside else ('none', 0)
print(f"--watch {sys.argv[1]}: from 24 to 27 February 2020: {', '.join(found) or 'nothing'}; outside of the falls "
      f"{sum(outside.values())} alarms in {span} days of 20 topics: {5 * sum(outside.values()) / span:.2f} a topic and 100 "
      f"days, {topic} {100 * most / span:.2f}")
END
done
