#!/bin/sh
# weightings.sh: two tasks with one encoder, by each weighting, beside each task alone: macro F1 on test, and the
# weights of the first and of the last epoch. Sentiment and topic of the embedded corpus, and of Twitter financial news.
#
#   tasks/multitask/measured/weightings.sh DATA SEED...      prints the task files, too
#
# BIN, RUNS and STEPS: tools/measured.sh. PAIRS: "embedded twitter" if not set. Options that the README does not name
# are the program's defaults: batches of 16, 8,000 pieces, a tenth of the training texts as dev. MODEL=mini: that one,
# fine-tuned, in place of `pool` from nothing.
. tools/measured.sh
begin "weightings${MODEL:+-$MODEL}" "$@"

model_of() { # SETTINGS of pool, EPOCHS of another
  if [ -n "${MODEL:-}" ]; then
    printf '"model": "%s", "dropout": 0.1, "epochs": %s' "$MODEL" "$2"
  else
    printf '"model": "pool", "hidden": 128, "heads": 2, %s' "$1"
  fi
}
task_file() { # PAIR
  case $1 in
    embedded)
      cat <<END
{$(model_of '"lr": 5e-3, "dropout": 0.5, "epochs": 20' 7),
 "tasks": {"sentiment": {"data": "embedded", "label_column": "label", "metric": "macro_f1"},
           "topic": {"data": "embedded", "label_column": "topic", "metric": "macro_f1"}}}
END
      ;;
    twitter)
      cat <<END
{$(model_of '"lr": 4e-3, "dropout": 0.3, "epochs": 3' 3),
 "tasks": {"sentiment": {"train": "$data/twitter_financial_news_sentiment/sent_train.csv",
                         "test": "$data/twitter_financial_news_sentiment/sent_valid.csv", "metric": "macro_f1"},
           "topic": {"train": "$data/twitter_financial_news_topic/train_data.csv",
                     "test": "$data/twitter_financial_news_topic/valid_data.csv", "metric": "macro_f1"}}}
END
      ;;
    *) fail "PAIRS: embedded, twitter or both; got $1" ;;
  esac
}
weights() { # NAME
  value "$1" first_epoch.sentiment.weight first_epoch.topic.weight last_epoch.sentiment.weight last_epoch.topic.weight
}

for pair in ${PAIRS:-embedded twitter}; do
  prepare "$pair.json" task_file "$pair"
  printf '%s:\n' "$pair"
  cat "$runs/$pair.json"
  more="random gls gradnorm imtl-l stch"
  [ "$pair" = embedded ] || more=""
  for seed in $seeds; do
    for weighting in equal uncertainty dwa pcgrad mgda cagrad famo $more; do
      name=$pair-$seed/$weighting alone=$pair-$seed/equal
      single=""
      [ "$weighting" != equal ] || single=--single
      # shellcheck disable=SC2086
      train "$name" multitask --tasks "$runs/$pair.json" --seed "$seed" --weighting "$weighting" $single
      sentiment=$(value "$name" tasks.sentiment.test.macro_f1) topic=$(value "$name" tasks.topic.test.macro_f1)
      a=$(value "$alone" tasks.sentiment.single.macro_f1) b=$(value "$alone" tasks.topic.single.macro_f1)
      [ "$weighting" != equal ] || line "$pair" "each alone" "$seed" "$a" "$b" - - - - -
      # shellcheck disable=SC2046
      line "$pair" "$weighting" "$seed" "$sentiment" "$topic" \
        "$(echo "$sentiment $a $topic $b" | awk '{ print ($2 && $4 ? (($1 - $2) / $2 + ($3 - $4) / $4) / 2 : "-") }')" \
        $(weights "$name")
    done
  done
done
table equal "sentiment, %" "topic, %" "delta m, %" "first epoch: sentiment" topic "last epoch: sentiment" topic
