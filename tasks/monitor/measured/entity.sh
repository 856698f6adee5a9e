#!/bin/sh
# entity.sh DIR: sentiment towards the company named. DIR has SEntFiN.csv; a pair of headline and name is a text; a fifth of
# the headlines is the test set, a tenth of the others dev, by the hash of the headline: all names of one are on one side.
#   MODEL='--model mini --epochs 3'   ARGS=...  more options   STEPS=2  so many steps, to try it
# Prints accuracy and macro F1 of all test pairs, and macro F1 in those headlines whose names have different labels.
set -eu
data=$(cd "$1" && pwd)
cd "$(dirname "$0")/../../.."
tmp=$(mktemp -d); trap 'rm -rf "$tmp"' EXIT
python3 - "$data" "$tmp" <<'END'
import ast, csv, json, sys, zlib
data, out = sys.argv[1:]
rows, unread = {'train': [], 'dev': [], 'test': [], 'mixed': []}, 0
for r in csv.DictReader(open(data + '/SEntFiN.csv', newline='', encoding='utf-8')):
    try:
        pairs = ast.literal_eval(r['Decisions'])
    except (ValueError, SyntaxError):
        unread += 1
        continue
    title = ' '.join(r['Title'].split())
    fold = zlib.crc32(title.lower().encode()) % 100
    part = 'test' if fold < 20 else 'dev' if fold < 28 else 'train'
    for name, label in pairs.items():
        rows[part].append([title, name, label])
        if part == 'test' and len(set(pairs.values())) > 1:
            rows['mixed'].append([title, name, label])
for part, pairs in rows.items():
    with open(f'{out}/{part}.csv', 'w', newline='', encoding='utf-8') as file:
        writer = csv.writer(file)
        writer.writerow(['text', 'name', 'label', 'split'])
        writer.writerows(pair + ['test'] for pair in pairs)
print({part: len(pairs) for part, pairs in rows.items()}, f'headlines whose names could not be read: {unread}')
task = {p: f'{out}/{p}.csv' for p in ('train', 'dev', 'test')}
json.dump({'tasks': {'entity': task | {'pair_column': 'name', 'metric': 'macro_f1'}}}, open(f'{out}/tasks.json', 'w'))
END
build/release/monitor train ${STEPS:+--max-steps "$STEPS"} --tasks "$tmp/tasks.json" --out "$tmp/run" --batch-size 32 \
  ${MODEL:---model pool --hidden 128 --subwords 20000 --bigrams 40000 --lr 4e-3 --dropout 0.3 --epochs 3} ${ARGS:-} 2> "$tmp/err" ||
  { cat "$tmp/err" >&2; exit 1; }
build/release/multitask evaluate --model "$tmp/run" --task entity --data "$tmp/mixed.csv" 2>/dev/null | tail -n 1
