#!/bin/sh
# finance.sh: topic and sentiment of financial tweets by one model, from words and from an encoder that ships, on their own
# validation texts; of the former's training texts the first 9,543, which are its own. Dev is a tenth of train.
#
#   tasks/monitor/measured/finance.sh DATA SEED...     DATA: twitter_financial_news_sentiment, twitter_financial_news_topic
#
# BIN, RUNS and STEPS: tools/measured.sh; ROWS: some of "words mini", both if not set; PYTHON: python3 if not set. The
# models stay in RUNS: headlines.sh takes words-1 or mini-1.
. tools/measured.sh
. tasks/monitor/measured/learned.sh
begin finance "$@"
"${PYTHON:-python3}" - "$data" "$runs" <<'END'
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
figures() {
  for task in sentiment topic; do
    # shellcheck disable=SC2046
    line "financial tweets, $task" "$row" "$seed" $(value "$row-$seed" tasks.$task.test.accuracy tasks.$task.test.macro_f1)
  done
}
each_model 4 8 figures
table "" "accuracy, %" "macro F1, %"
