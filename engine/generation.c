/* A configuration and what the rooms above made of it, shared by reference count. */
#include "engine/generation.h"

static void generation_release_parts(struct generation *g)
{
    for (int i = GENERATION_PARTS - 1; i >= 0; i--) {
        if (g->parts[i])
            g->makers[i]->release(g->parts[i]);
    }
}

struct generation *generation_new(struct config *c, const struct part_maker *const *makers,
                                  struct config_problems *problems)
{
    struct generation *g = xalloc(sizeof(*g));
    g->refs = 1;
    g->config = c;
    g->makers = makers;
    for (size_t i = 0; i < GENERATION_PARTS; i++)
        g->parts[i] = makers[i]->prepare(c, problems);
    config_problems_sort(problems);
    if (problems->n_errors == 0)
        return g;
    generation_unref(g);
    return NULL;
}

struct generation *generation_ref(struct generation *g)
{
    g->refs++;
    return g;
}

void generation_unref(struct generation *g)
{
    if (!g || --g->refs > 0)
        return;
    generation_release_parts(g);
    config_unref(g->config);
    free(g);
}
