#!/bin/sh
# finance.sh DIR: accuracy and macro F1 of topic and sentiment of financial tweets, on their own validation texts, by one
# model from words. DIR has twitter_financial_news_sentiment/ and _topic/; of the former's training texts the first 9,543,
# which are its own. Dev is a tenth of train.
#   OUT=DIR  keep the run, for headlines.sh       MODEL='--model mini --epochs 3'  another one
#   STEPS=2  so many steps: to try it, the figures mean nothing
set -eu
data=$(cd "$1" && pwd)
cd "$(dirname "$0")/../../.."
tmp=$(mktemp -d); trap 'rm -rf "$tmp"' EXIT
python3 - "$data" "$tmp" <<'END'
import csv, json, sys
data, out = sys.argv[1:]
TOPICS = ('Analyst Update,Fed and Central Banks,Company and Product News,Treasuries and Corporate Debt,Dividend,Earnings,'
          'Energy and Oil,Financials,Currencies,General News and Opinion,Gold and Metals,IPO,Legal and Regulation,'
          'M&A and Investments,Macro,Markets,Politics,Personnel Change,Stock Commentary,Stock Movement').split(',')
SETS = {'topic': ('twitter_financial_news_topic/train_data.csv', 'twitter_financial_news_topic/valid_data.csv', TOPICS),
        'sentiment': ('twitter_financial_news_sentiment/sent_train.csv', 'twitter_financial_news_sentiment/sent_valid.csv',
                      ['bearish', 'bullish', 'neutral'])}
tasks = {}
for task, (train, test, names) in SETS.items():
    tasks[task] = {'metric': 'macro_f1'}
    for part, name in (('train', train), ('test', test)):
        rows = list(csv.DictReader(open(f'{data}/{name}', newline='', encoding='utf-8')))
        with open(f'{out}/{task}_{part}.csv', 'w', newline='', encoding='utf-8') as file:
            writer = csv.writer(file)
            writer.writerow(['text', 'label'])
            writer.writerows([r['text'], names[int(r['label'])]] for r in (rows[:9543] if name.endswith('sent_train.csv') else rows))
        tasks[task][part] = file.name
json.dump({'tasks': tasks}, open(f'{out}/tasks.json', 'w'))
END
build/release/monitor train ${STEPS:+--max-steps "$STEPS"} --tasks "$tmp/tasks.json" --out "${OUT:-$tmp/run}" --batch-size 32 \
  ${MODEL:---model pool --hidden 128 --subwords 20000 --bigrams 40000 --lr 4e-3 --dropout 0.3 --epochs 4}
