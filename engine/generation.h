/* One loaded configuration together with what the rooms above made of it (compiled templates, routes,
   schedules). Immutable; shared by reference count; a running task keeps the one it started with. */
#ifndef KERYX_ENGINE_GENERATION_H
#define KERYX_ENGINE_GENERATION_H

#include "config/config.h"

enum generation_part { PART_AGENTS, PART_NOTIFIERS, PART_TRIGGERS, GENERATION_PARTS };

/* What a room above makes of a config. prepare adds what is wrong to *problems (with positions) and
   returns its part, also when there are problems; release frees it. */
struct part_maker {
    void *(*prepare)(const struct config *c, struct config_problems *problems);
    void (*release)(void *part);
};

struct generation {
    unsigned refs;
    struct config *config; /* one reference is held */
    void *parts[GENERATION_PARTS];
    const struct part_maker *const *makers;
};

/* makers: GENERATION_PARTS of them, indexed by enum generation_part; must outlive the generation. Takes
   over the caller's reference on `c`. NULL when the parts found errors (all are in *problems). */
struct generation *generation_new(struct config *c, const struct part_maker *const *makers,
                                  struct config_problems *problems) must_check;
struct generation *generation_ref(struct generation *g);
void generation_unref(struct generation *g); /* NULL is fine */

#endif
