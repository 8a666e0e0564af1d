/* The schedules in force, and what is remembered of them by name across reloads and restarts.

   struct schedules owns one struct schedule a definition. */
#include "triggers/schedule_inside.h"

struct schedules *schedules_new(struct engine *e)
{
    struct schedules *s = xalloc(sizeof(*s));
    s->engine = e;
    s->due = due_new(engine_loop(e), schedule_due, s);
    s->memory = map_new(false);
    s->memory_arena = arena_new(0);
    s->booting = true;
    return s;
}

static void schedules_loaded(struct store_op *op)
{
    struct schedules *s = container_of(op, struct schedules, load.op);
    for (size_t i = 0; op->rc == 0 && i < s->load.n; i++)
        map_put(s->memory, s->load.rows[i].name, &s->load.rows[i]);
    s->started(s->started_ctx, op->rc, &op->error);
}

void schedules_start(struct schedules *s,
                     void (*started)(void *ctx, int rc, const struct error *why), void *ctx)
{
    s->started = started;
    s->started_ctx = ctx;
    s->load.op.arena = s->memory_arena;
    s->load.op.done = schedules_loaded;
    store_schedules(engine_store(s->engine), &s->load);
}

struct schedule *schedules_find(const struct schedules *s, struct str name)
{
    for (size_t i = 0; i < s->n; i++) {
        if (str_eq(s->items[i]->row.name, name))
            return s->items[i];
    }
    return NULL;
}

static void schedules_keep(struct schedules *s, struct arena *a, const struct schedule_row *row)
{
    struct schedule_row *kept = ARENA_NEW(a, struct schedule_row);
    *kept = *row;
    kept->name = arena_str(a, row->name);
    kept->definition = arena_str(a, row->definition);
    kept->last_task_id = row->last_task_id.n ? arena_str(a, row->last_task_id) : STR_NULL;
    map_put(s->memory, kept->name, kept);
}

/* What is in use goes to `memory`, so that the next generation finds it by name; all of it moves to an
   arena of its own, so that reloads do not pile up. */
static void schedules_remember(struct schedules *s)
{
    struct arena *a = arena_new(0);
    const struct map_entry *entry;
    for (size_t at = 0; (entry = map_next(s->memory, &at)) != NULL;)
        schedules_keep(s, a, entry->value);
    for (size_t i = 0; i < s->n; i++)
        schedules_keep(s, a, &s->items[i]->row);
    arena_free(s->memory_arena);
    s->memory_arena = a;
}

static void schedules_retire(struct schedules *s, struct schedule **items, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct schedule *next = items[i]->busy ? schedules_find(s, items[i]->row.name) : NULL;
        if (next)
            schedule_adopt(next, items[i]);
        schedule_free(items[i]);
    }
    free(items);
}

void schedules_use(struct schedules *s, struct generation *g, const struct schedule_def *defs,
                   size_t n)
{
    struct generation *old = s->generation;
    struct schedule **items = s->items;
    size_t n_items = s->n;
    schedules_remember(s);
    s->generation = generation_ref(g);
    s->items = xalloc(sizeof(*s->items) * (n + 1));
    s->n = 0;
    for (size_t i = 0; i < n; i++)
        s->items[s->n++] = schedule_new(s, &defs[i]);
    schedules_retire(s, items, n_items);
    for (size_t i = 0; i < n; i++)
        schedule_introduce(s->items[i]);
    s->booting = false;
    generation_unref(old);
}

void schedules_stop(struct schedules *s)
{
    s->stopped = true;
    for (size_t i = 0; i < s->n; i++) {
        due_remove(s->due, &s->items[i]->due);
        loop_timer_stop(&s->items[i]->retry);
    }
}

void schedules_free(struct schedules *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->n; i++)
        schedule_free(s->items[i]);
    free(s->items);
    due_free(s->due);
    map_free(s->memory);
    arena_free(s->memory_arena);
    generation_unref(s->generation);
    free(s);
}

bool schedules_view(const struct schedules *s, size_t i, struct schedule_view *out)
{
    if (i >= s->n)
        return false;
    *out = (struct schedule_view){ s->items[i]->def, &s->items[i]->row };
    return true;
}
