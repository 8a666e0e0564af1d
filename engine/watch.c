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

void engine_watch_events(struct engine *e, struct event_watch *w)
{
    list_append(&e->event_watches, &w->link);
}

void engine_watch_events_cancel(struct engine *e, struct event_watch *w)
{
    if (list_linked(&w->link))
        list_remove(&e->event_watches, &w->link);
}
