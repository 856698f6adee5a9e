/* cc classify.c $(pkg-config --cflags --libs attune) -o classify && ./classify runs/mine "what a day" */
#include <attune.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
  if (argc < 3) return fprintf(stderr, "usage: classify MODEL TEXT...\n"), 2;
  attune_model *model = attune_load(argv[1], NULL);
  const char *const *texts = (const char *const *)argv + 2;
  const int64_t count = argc - 2, labels = model ? attune_outputs(model, 0) : -1;
  double *p = malloc(labels > 0 ? (size_t)(count * labels) * sizeof *p : 1);
  int64_t *best = malloc((size_t)count * sizeof *best);
  if (labels < 0 || attune_classify(model, 0, texts, NULL, (size_t)count, best, p, (size_t)(count * labels)) < 0)
    return fprintf(stderr, "error: %s\n", attune_error()), 1;
  for (int64_t i = 0; i < count; ++i) {
    const char *label = attune_label(model, 0, best[i]); /* NULL: a number is predicted */
    printf("%s\t%.4f\t%s\n", label ? label : "value", p[i * labels + best[i]], texts[i]);
  }
  attune_free(model);
  free(best);
  free(p);
  return 0;
}
