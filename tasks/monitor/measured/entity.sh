#!/bin/sh
# entity.sh: sentiment towards the company named. A pair of headline and name is a text; a fifth of the headlines is the
# test set, a tenth of the others dev, by the hash of the headline: all names of one are on one side.
#
#   tasks/monitor/measured/entity.sh DATA SEED...      DATA: sentfin_headlines
#
# BIN, RUNS and STEPS: tools/measured.sh; ROWS: some of "words mini", both if not set; PYTHON: python3 if not set. Of all
# test pairs, and of those in headlines whose names have different labels.
. tools/measured.sh
. tasks/monitor/measured/learned.sh
begin entity "$@"
need "$data/sentfin_headlines/SEntFiN.csv"
"${PYTHON:-python3}" - "$data/sentfin_headlines" "$runs" <<'END'
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
figures() {
  mkdir -p "$runs/$row-$seed-mixed"
  call "$row-$seed-mixed" multitask evaluate --model "$runs/$row-$seed" --task entity --data "$runs/mixed.csv" \
    --out "$runs/$row-$seed-mixed/result.json"
  # shellcheck disable=SC2046
  line "SEntFiN, all pairs" "$row" "$seed" $(value "$row-$seed" tasks.entity.test.accuracy tasks.entity.test.macro_f1)
  # shellcheck disable=SC2046
  line "SEntFiN, names of different labels" "$row" "$seed" \
    $(value "$row-$seed-mixed" entity.test.accuracy entity.test.macro_f1)
}
each_model 3 3 figures
table "" "accuracy, %" "macro F1, %"
