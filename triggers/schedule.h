/* Schedules: sleep to the next due time; catch-up and overlap policy; every due time ends in exactly one
   row, once per (schedule, due time). */
#ifndef KERYX_TRIGGERS_SCHEDULE_H
#define KERYX_TRIGGERS_SCHEDULE_H

#include "engine/engine.h"
#include "templates/template.h"
#include "triggers/cron.h"

/* One schedule of one generation, compiled. */
struct schedule_def {
    const struct config_agent *agent;
    const struct config_trigger *trigger;
    struct cron *cron;
    const struct zone *zone;
    struct template *input; /* NULL: none */
    bool enabled;           /* the agent's too */
    struct str definition;  /* changes when the schedule is edited; "off|…" while disabled */
    int64_t start, end;     /* window, seconds; INT64_MIN / INT64_MAX = open */
};

struct compile;
void schedule_def_compile(struct schedule_def *d, const struct compile *c);
void schedule_def_release(struct schedule_def *d);

struct schedules;
struct schedules *schedules_new(struct engine *e) must_check;
/* Reads what the store remembers, then calls started once, later. */
void schedules_start(struct schedules *s,
                     void (*started)(void *ctx, int rc, const struct error *why), void *ctx);
/* These definitions are in force from now on; they live as long as `g`, of which a reference is taken. A new
   or edited schedule starts at now; the others keep their memory. Call after started. */
void schedules_use(struct schedules *s, struct generation *g, const struct schedule_def *defs,
                   size_t n);
void schedules_stop(struct schedules *s);
void schedules_free(struct schedules *s);

/* For lists: what is known of one schedule, in the order of the definitions; false past the last. */
struct schedule_view {
    const struct schedule_def *def;
    const struct schedule_row *row;
};
bool schedules_view(const struct schedules *s, size_t i, struct schedule_view *out);

#endif
