/* Who waits: for one task's end (sync replies, overlap policies), or for every event (SSE). */
#include "engine/engine_inside.h"

struct watch_group {
    struct list watches; /* struct task_watch */
    char *task_id;
};

void engine_watch_task(struct engine *e, struct task_watch *w, struct str task_id)
{
    assert(w->ended);
    struct watch_group *group = map_get(e->task_watches, task_id);
    if (!group) {
        group = xalloc(sizeof(*group));
        list_init(&group->watches);
        group->task_id = xstrndup(task_id.p, task_id.n);
        map_put(e->task_watches, task_id, group);
    }
    w->group = group;
    list_append(&group->watches, &w->link);
}

static void watch_group_free(struct watch_group *group)
{
    free(group->task_id);
    free(group);
}

void watch_release(struct engine *e)
{
    const struct map_entry *entry;
    for (size_t at = 0; (entry = map_next(e->task_watches, &at)) != NULL;)
        watch_group_free(entry->value);
    map_free(e->task_watches);
}

void engine_watch_cancel(struct engine *e, struct task_watch *w)
{
    if (!list_linked(&w->link))
        return;
    struct watch_group *group = w->group;
    list_remove(&group->watches, &w->link);
    /* A group that is being told is off the map already and freed by watch_task_ended. */
    if (list_empty(&group->watches) &&
        map_get(e->task_watches, str_of(group->task_id)) == (void *)group) {
        map_remove(e->task_watches, str_of(group->task_id));
        watch_group_free(group);
    }
}

void watch_task_ended(struct engine *e, const struct task_row *task)
{
    struct watch_group *group = map_remove(e->task_watches, task->id);
    if (!group)
        return;
    for (struct list_link *link; (link = list_take(&group->watches)) != NULL;) {
        struct task_watch *w = container_of(link, struct task_watch, link);
        w->ended(w, task);
    }
    watch_group_free(group);
}

/* ---- waiting with a deadline ---- */

static void watch_wait_over(struct task_wait *w, const struct task_row *task)
{
    engine_watch_cancel(w->engine, &w->watch);
    loop_timer_stop(&w->timer);
    list_remove(&w->engine->waits, &w->link);
    w->over(w, task);
}

static void watch_wait_ended(struct task_watch *watch, const struct task_row *task)
{
    watch_wait_over(container_of(watch, struct task_wait, watch), task);
}

static void watch_wait_late(struct loop_timer *t)
{
    watch_wait_over(container_of(t, struct task_wait, timer), NULL);
}

void engine_wait_task(struct engine *e, struct task_wait *w, struct str task_id, int64_t timeout_us)
{
    assert(w->over);
    w->engine = e;
    w->watch.ended = watch_wait_ended;
    list_append(&e->waits, &w->link);
    engine_watch_task(e, &w->watch, task_id);
    loop_timer_set(e->loop, &w->timer, timeout_us, watch_wait_late);
}

void watch_end_waits(struct engine *e, bool all)
{
    list_each (&e->waits, link) {
        struct task_wait *w = container_of(link, struct task_wait, link);
        if (all || !worker_find(e, str_of(w->watch.group->task_id)))
            watch_wait_over(w, NULL);
    }
}

void engine_watch_events(struct engine *e, struct event_watch *w)
{
    list_append(&e->event_watches, &w->link);
}

void engine_watch_events_cancel(struct engine *e, struct event_watch *w)
{
    if (list_linked(&w->link))
        list_remove(&e->event_watches, &w->link);
}
