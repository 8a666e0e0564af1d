/* The words of the states, from the tables in rows.h. The words are what is on disk, so the order of
   the enums may change and the words may not. */
#include "store/rows.h"

struct state_word {
    const char *word;
    bool final;
};

#define X(id, word, final) [id] = { word, final },
static const struct state_word task_words[TASK_STATE_COUNT] = { TASK_STATES(X) };
static const struct state_word delivery_words[DELIVERY_STATE_COUNT] = { DELIVERY_STATES(X) };
#undef X

static int find(const struct state_word *words, size_t n, struct str word)
{
    for (size_t i = 0; i < n; i++) {
        if (str_eq_c(word, words[i].word))
            return (int)i;
    }
    return -1;
}

const char *task_state_word(enum task_state s)
{
    return task_words[s].word;
}

int task_state_parse(struct str word, enum task_state *out)
{
    int at = find(task_words, TASK_STATE_COUNT, word);
    if (at < 0)
        return -1;
    *out = (enum task_state)at;
    return 0;
}

bool task_state_final(enum task_state s)
{
    return task_words[s].final;
}

const char *delivery_state_word(enum delivery_state s)
{
    return delivery_words[s].word;
}

int delivery_state_parse(struct str word, enum delivery_state *out)
{
    int at = find(delivery_words, DELIVERY_STATE_COUNT, word);
    if (at < 0)
        return -1;
    *out = (enum delivery_state)at;
    return 0;
}

bool delivery_state_final(enum delivery_state s)
{
    return delivery_words[s].final;
}
