# shellcheck shell=sh disable=SC2154
# What finance.sh and entity.sh do: a model from words and one from an encoder that ships (ROWS: some of "words mini"), for
# every seed, on the tasks of $runs/tasks.json.

# each_model WORDS ENCODER FUNCTION: trains RUNS/ROW-SEED, so many epochs of words, of an encoder; then FUNCTION, which
# knows $row and $seed
each_model() {
  for row in ${ROWS:-words mini}; do
    case $row in
      words) model="--model pool --hidden 128 --subwords 20000 --bigrams 40000 --lr 4e-3 --dropout 0.3 --epochs $1" ;;
      *) model="--model $row --epochs $2" ;;
    esac
    for seed in $seeds; do
      # shellcheck disable=SC2086
      train "$row-$seed" monitor --tasks "$runs/tasks.json" --batch-size 32 --seed "$seed" $model
      "$3"
    done
  done
}
