/* attune in C: classify, embed and tokenize texts, and see what a model attends to. README.md has two examples.
 *
 * Results        a function that cannot do what it was asked for returns NULL or a number below 0, and attune_error()
 *                says why. Nothing else ever happens on an error: no exception, no exit, no word on a screen.
 * Buffers        are the caller's. `size` is how many numbers there is room for; the function returns how many there
 *                are. With size 0 nothing is computed and the buffer may be NULL: that is how to ask for the size.
 * Strings        end with a zero byte and are UTF-8; what is not is an error. Those that are returned belong to the
 *                model (attune_error()'s to the thread) and live as long.
 * Threads        several may use one model at once, and each gets the same bits as alone. attune_free() must be the
 *                last call with a model: one that was freed is gone, as memory after free() is.
 * The process    is the host's: no handler of signals, no variable of the environment, no thread's settings change.
 *                The first attune_load() may let OpenBLAS choose faster kernels: no other thread of the host should be
 *                inside OpenBLAS then. A process that forks loads models after that, not before.
 */
#ifndef ATTUNE_H
#define ATTUNE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ATTUNE_API __attribute__((visibility("default")))

#define ATTUNE_VERSION_MAJOR 0 /* the number in libattune.so.0: another one is another interface */
#define ATTUNE_VERSION_MINOR 1 /* a higher one has more functions */

#define ATTUNE_ERROR (-1) /* attune_error() says what */
#define ATTUNE_SIZE (-2)  /* the buffer has room for something, but not for all */

typedef struct attune_model attune_model;

/* "0.1": of the library that is there, whatever the program was compiled with. */
ATTUNE_API const char* attune_version(void);

/* Why the last call of this thread that failed has failed; "" if none has. Until the next one fails. */
ATTUNE_API const char* attune_error(void);

/* A model, or NULL. `directory`: of a run, of a model or of an adapter, or the name of a model that ships, as programs
 * take it for --model. A directory without a trained head is an encoder: it has no tasks, and can do all the rest.
 * `options`: NULL, or lines `option = value`, as in a file for --config:
 *   base        where the model of an adapter directory is, if not where the directory says
 *   max-length  tokens of a text, [CLS] and [SEP] included; as the model was made, if not given
 *   long        what becomes of a longer text: cut, error, or window (logits and vectors are averaged)
 *   pooling     what makes attune_embed()'s vector of the tokens': mean, or first: that of [CLS]
 *   threads     so many for each call; as OpenMP decides, if not given */
ATTUNE_API attune_model* attune_load(const char* directory, const char* options);

/* Gives back all that it holds. NULL is nothing to do. */
ATTUNE_API void attune_free(attune_model* model);

/* How many tasks it has; which one is called like that; what it is called: "" where an only one has no name. */
ATTUNE_API int64_t attune_tasks(const attune_model* model);
ATTUNE_API int64_t attune_task(const attune_model* model, const char* name);
ATTUNE_API const char* attune_task_name(const attune_model* model, int64_t task);

/* What it predicts: "label", one of K; "ordinal", one of K that have an order; "labels", any number of K; "regression",
 * a number, K = 1; "tokens", one of K for each word, which attune_classify() does not say. */
ATTUNE_API const char* attune_predicts(const attune_model* model, int64_t task);
ATTUNE_API int64_t attune_outputs(const attune_model* model, int64_t task); /* K */
ATTUNE_API const char* attune_label(const attune_model* model, int64_t task, int64_t k);

/* What a task's head says of texts: of every text the probabilities of its K labels, or its number.
 *   texts [count], pairs [count] second texts or NULL -> scores [count][K]; returns count K
 * `classes` [count], or NULL: the class of each text, which is the most probable one unless classes have an order. */
ATTUNE_API int64_t attune_classify(const attune_model* model, int64_t task, const char* const* texts,
                                   const char* const* pairs, size_t count, int64_t* classes, double* scores,
                                   size_t size);

/* A vector for each text: those of its tokens pooled, and projected where an encoder says so.
 *   texts [count] -> vectors [count][C]; returns count C */
ATTUNE_API int64_t attune_embed(const attune_model* model, const char* const* texts, size_t count, float* vectors,
                                size_t size);

/* The tokens of a text, or of a pair of texts, as the model reads them; through windows, all of them.
 *   text, pair or NULL -> tokens [T][ATTUNE_FIELDS]; returns T ATTUNE_FIELDS
 * Bytes BEGIN to END - 1 of its text are the token; of [CLS] and [SEP] both are 0. Tokens of one WORD, from 0, have the
 * same number, and [CLS] and [SEP] are words of their own. */
enum { ATTUNE_ID, ATTUNE_TEXT, ATTUNE_BEGIN, ATTUNE_END, ATTUNE_WORD, ATTUNE_FIELDS };
ATTUNE_API int64_t attune_tokenize(const attune_model* model, const char* text, const char* pair, int64_t* tokens,
                                   size_t size);
ATTUNE_API const char* attune_piece(const attune_model* model, int64_t id); /* "##ing" */

/* The attention maps of a text: the layers of the encoder, then what heads of tasks attend to by queries of their own.
 *   text, pair or NULL, T tokens -> maps [H][Q][T]; returns H Q T. Q is T, or 1 of a head's own queries.
 * A row is a query, and adds up to 1 as far as a model has not given attention to anything but tokens (a prefix). What
 * token retention has left behind attends to nothing, and nothing to it: 0. `head`: one of the layer's, H = 1, or -1,
 * all of them. `unit` ATTUNE_WORDS: T and Q count words; what goes to a word's tokens is added, what comes from them
 * is averaged (Clark et al. 2019). Error: a text that is read through several windows. */
enum { ATTUNE_TOKENS, ATTUNE_WORDS };
ATTUNE_API int64_t attune_layers(const attune_model* model);
ATTUNE_API int64_t attune_heads(const attune_model* model, int64_t layer);
ATTUNE_API int64_t attune_attention(const attune_model* model, const char* text, const char* pair, int64_t layer,
                                    int64_t head, int unit, float* maps, size_t size);

#ifdef __cplusplus
}
#endif

#endif
