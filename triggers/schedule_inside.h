/* One schedule and the set of them; no file outside schedule.c and schedules.c includes it. */
#ifndef KERYX_TRIGGERS_SCHEDULE_INSIDE_H
#define KERYX_TRIGGERS_SCHEDULE_INSIDE_H

#include "base/map.h"
#include "triggers/due.h"
#include "triggers/schedule.h"

struct fire;

struct schedule {
    struct schedules *owner;
    const struct schedule_def *def;
    struct arena *arena; /* of the row's last_task_id */
    struct schedule_row row;
    struct due_item due;
    struct fire *busy;       /* being committed, or NULL */
    struct task_watch watch; /* linked while its last task runs */
    bool edited;             /* the store does not know it so */
    bool was_off;            /* was disabled until now: what came due meanwhile is put down */
    bool asked;              /* whether its last task still runs has been looked up */
    bool again;              /* look again when the running task has ended */
    char *previous;          /* the last task's result, cut */
    struct loop_timer retry;
};

struct schedules {
    struct engine *engine;
    struct due_queue *due;
    struct generation *generation; /* of the definitions in force */
    struct schedule **items;
    size_t n;
    struct map *memory; /* name → struct schedule_row: what the store, or we, knew last */
    struct arena *memory_arena;
    bool stopped;
    bool booting; /* no definitions have been in force yet */
    struct store_schedules load;
    void (*started)(void *ctx, int rc, const struct error *why);
    void *started_ctx;
};

/* ---- schedule.c ---- */
struct schedule *schedule_new(struct schedules *owner, const struct schedule_def *d) must_check;
void schedule_free(struct schedule *s);
/* A new or edited one is remembered from now on, also when it has not fired yet; then it waits for
   its time. */
void schedule_introduce(struct schedule *s);
/* A decision of the last generation's is still on its way to the store: `s` goes on from it. */
void schedule_adopt(struct schedule *s, struct schedule *from);
/* due_queue's callback. */
void schedule_due(void *ctx, struct due_item *item);

/* ---- schedules.c ---- */
struct schedule *schedules_find(const struct schedules *s, struct str name);

#endif
