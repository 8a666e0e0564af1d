/* libev behind our own words. A turn is: wake (check), the watchers' callbacks, the tasks of
   loop_later (prepare), block again. Times are read once, at the wake. */
#include "base/loop.h"

#include "base/stats.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>

struct loop {
    struct ev_loop *ev;
    const struct clock *clock;
    bool stop;
    bool running;
    int64_t wall_us, mono_us; /* of this turn; the manual clock is read directly */

    ev_check wake;    /* first in a turn: takes the times */
    ev_prepare sleep; /* last in a turn: runs the tasks */
    ev_idle again;    /* active while tasks are left, so that the loop does not block */
    struct list later;
    struct list at_free;

    struct list alarms; /* on a manual clock */
    struct loop_task poke;

    ev_async mail;
    pthread_mutex_t mail_lock; /* guards the two below */
    struct loop_post *mail_first, **mail_last;
};

static void loop_take_times(struct loop *l)
{
    l->wall_us = clock_wall(&clock_real);
    l->mono_us = clock_mono(&clock_real);
}

static void loop_on_wake(struct ev_loop *ev, ev_check *w, int events)
{
    (void)ev, (void)events;
    loop_take_times(container_of(w, struct loop, wake));
}

static void loop_on_sleep(struct ev_loop *ev, ev_prepare *w, int events)
{
    (void)events;
    struct loop *l = container_of(w, struct loop, sleep);
    /* Tasks queued by these run in the next pass, after a look at the descriptors. */
    for (size_t left = l->later.count; left > 0 && !list_empty(&l->later); left--) {
        struct loop_task *t = container_of(list_take(&l->later), struct loop_task, link);
        t->fn(t);
    }
    if (list_empty(&l->later))
        ev_idle_stop(ev, &l->again);
    else
        ev_idle_start(ev, &l->again);
    stats_add(STATS_LOOP_LAG, (double)(clock_mono(&clock_real) - l->mono_us) / 1e6, NULL, NULL,
              NULL);
}

static void loop_on_again(struct ev_loop *ev, ev_idle *w, int events)
{
    (void)ev, (void)w, (void)events;
}

static void loop_on_mail(struct ev_loop *ev, ev_async *w, int events)
{
    (void)ev, (void)events;
    struct loop *l = container_of(w, struct loop, mail);
    pthread_mutex_lock(&l->mail_lock);
    struct loop_post *p = l->mail_first;
    l->mail_first = NULL;
    l->mail_last = &l->mail_first;
    pthread_mutex_unlock(&l->mail_lock);
    while (p) {
        struct loop_post *next = p->next;
        p->fn(p);
        p = next;
    }
}

static void loop_process_signals(void)
{
    signal(SIGPIPE, SIG_IGN);
    signal(SIGCHLD, SIG_DFL);
}

struct loop *loop_new(const struct clock *clock)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, loop_process_signals);
    struct loop *l = xalloc(sizeof *l);
    l->clock = clock;
    l->ev = ev_loop_new(EVBACKEND_EPOLL | EVFLAG_NOENV);
    if (!l->ev) /* no epoll or no descriptors: nothing can work */
        abort();
    list_init(&l->later);
    list_init(&l->at_free);
    list_init(&l->alarms);
    l->mail_last = &l->mail_first;
    pthread_mutex_init(&l->mail_lock, NULL);

    ev_check_init(&l->wake, loop_on_wake);
    ev_set_priority(&l->wake, EV_MAXPRI);
    ev_check_start(l->ev, &l->wake);
    ev_prepare_init(&l->sleep, loop_on_sleep);
    ev_prepare_start(l->ev, &l->sleep);
    ev_idle_init(&l->again, loop_on_again);
    ev_async_init(&l->mail, loop_on_mail);
    ev_async_start(l->ev, &l->mail);
    loop_take_times(l);
    return l;
}

void loop_free(struct loop *l)
{
    if (!l)
        return;
    assert(!l->running);
    for (struct list_link *link; (link = list_take(&l->at_free));) {
        struct loop_task *t = container_of(link, struct loop_task, link);
        t->fn(t);
    }
    ev_loop_destroy(l->ev);
    pthread_mutex_destroy(&l->mail_lock);
    free(l);
}

void loop_run(struct loop *l)
{
    assert(!l->running);
    l->running = true;
    ev_now_update(l->ev);
    loop_take_times(l);
    while (!l->stop)
        ev_run(l->ev, 0);
    l->stop = false;
    l->running = false;
}

void loop_stop(struct loop *l)
{
    l->stop = true;
    ev_break(l->ev, EVBREAK_ALL);
}

const struct clock *loop_clock(const struct loop *l)
{
    return l->clock;
}

int64_t loop_wall(const struct loop *l)
{
    return l->clock->manual || !l->running ? clock_wall(l->clock) : l->wall_us;
}

int64_t loop_mono(const struct loop *l)
{
    return l->clock->manual || !l->running ? clock_mono(l->clock) : l->mono_us;
}

static void loop_on_io(struct ev_loop *ev, ev_io *w, int events)
{
    (void)ev;
    struct loop_io *io = container_of(w, struct loop_io, ev);
    if (events & EV_ERROR) /* a bad descriptor: let the owner's read or write find out */
        events = EV_READ | EV_WRITE;
    io->fn(io, events);
}

static void loop_io_change(struct loop_io *io, int events)
{
    if ((io->ev.events & (EV_READ | EV_WRITE)) == events)
        return;
    ev_io_stop(io->loop->ev, &io->ev);
    ev_io_modify(&io->ev, events);
    ev_io_start(io->loop->ev, &io->ev);
}

void loop_io_set(struct loop *l, struct loop_io *io, int fd, int events,
                 void (*fn)(struct loop_io *, int))
{
    if (!events) {
        loop_io_stop(io);
        return;
    }
    assert(fd >= 0 && fn);
    io->fn = fn;
    if (ev_is_active(&io->ev)) {
        assert(io->ev.fd == fd && io->loop == l);
        loop_io_change(io, events);
        return;
    }
    io->loop = l;
    ev_io_init(&io->ev, loop_on_io, fd, events);
    ev_io_start(l->ev, &io->ev);
}

/* What is not active may outlive its loop, which is looked at only when the watcher is on it. */
#define LOOP_ON(w) (ev_is_active(w) || ev_is_pending(w))

void loop_io_stop(struct loop_io *io)
{
    if (LOOP_ON(&io->ev))
        ev_io_stop(io->loop->ev, &io->ev);
}

static void loop_on_timer(struct ev_loop *ev, ev_timer *w, int events)
{
    (void)ev, (void)events;
    struct loop_timer *t = container_of(w, struct loop_timer, ev);
    t->fn(t);
}

void loop_timer_set(struct loop *l, struct loop_timer *t, int64_t us,
                    void (*fn)(struct loop_timer *))
{
    assert(fn);
    loop_timer_stop(t);
    t->loop = l;
    t->fn = fn;
    /* libev counts from the time it cached: a turn that takes long must not shorten the wait. */
    if (!l->running)
        ev_now_update(l->ev);
    else if (us > 0)
        us += clock_mono(&clock_real) - l->mono_us;
    ev_timer_init(&t->ev, loop_on_timer, (double)MAX(us, 0) / 1e6, 0);
    ev_timer_start(l->ev, &t->ev);
}

void loop_timer_stop(struct loop_timer *t)
{
    if (LOOP_ON(&t->ev))
        ev_timer_stop(t->loop->ev, &t->ev);
}

static void loop_on_alarm(struct ev_loop *ev, ev_periodic *w, int events)
{
    (void)events;
    struct loop_alarm *a = container_of(w, struct loop_alarm, ev);
    ev_periodic_stop(ev, w); /* interval 0 does so already; harmless */
    a->fn(a);
}

/* The earliest alarm that is due by the manual clock, or NULL. */
static struct loop_alarm *loop_due_alarm(struct loop *l)
{
    struct loop_alarm *first = NULL;
    list_each (&l->alarms, link) {
        struct loop_alarm *a = container_of(link, struct loop_alarm, manual);
        if (a->wall_us <= clock_wall(l->clock) && (!first || a->wall_us < first->wall_us))
            first = a;
    }
    return first;
}

static void loop_on_poke(struct loop_task *t)
{
    struct loop *l = container_of(t, struct loop, poke);
    for (size_t left = l->alarms.count; left > 0; left--) {
        struct loop_alarm *a = loop_due_alarm(l);
        if (!a)
            return;
        list_remove(&l->alarms, &a->manual);
        a->fn(a);
    }
}

void loop_poke(struct loop *l)
{
    loop_later(l, &l->poke, loop_on_poke);
}

void loop_alarm_set(struct loop *l, struct loop_alarm *a, int64_t wall_us,
                    void (*fn)(struct loop_alarm *))
{
    assert(fn);
    loop_alarm_stop(a);
    a->loop = l;
    a->fn = fn;
    a->wall_us = wall_us;
    if (l->clock->manual) {
        list_append(&l->alarms, &a->manual);
        if (wall_us <= clock_wall(l->clock))
            loop_poke(l);
        return;
    }
    if (!l->running)
        ev_now_update(l->ev);
    /* A double holds today's time to 0.24 us: one more keeps it from firing before the instant. */
    ev_periodic_init(&a->ev, loop_on_alarm, (double)(wall_us + 1) / 1e6, 0, NULL);
    ev_periodic_start(l->ev, &a->ev);
}

void loop_alarm_stop(struct loop_alarm *a)
{
    if (list_linked(&a->manual))
        list_remove(&a->loop->alarms, &a->manual);
    else if (LOOP_ON(&a->ev))
        ev_periodic_stop(a->loop->ev, &a->ev);
}

static void loop_on_signal(struct ev_loop *ev, ev_signal *w, int events)
{
    (void)ev, (void)events;
    struct loop_signal *s = container_of(w, struct loop_signal, ev);
    s->fn(s, w->signum);
}

void loop_signal_set(struct loop *l, struct loop_signal *s, int signum,
                     void (*fn)(struct loop_signal *, int))
{
    assert(fn);
    loop_signal_stop(s);
    s->loop = l;
    s->fn = fn;
    ev_signal_init(&s->ev, loop_on_signal, signum);
    ev_signal_start(l->ev, &s->ev);
}

void loop_signal_stop(struct loop_signal *s)
{
    if (LOOP_ON(&s->ev))
        ev_signal_stop(s->loop->ev, &s->ev);
}

void loop_later(struct loop *l, struct loop_task *t, void (*fn)(struct loop_task *))
{
    assert(fn);
    t->fn = fn;
    if (!list_linked(&t->link))
        list_append(&l->later, &t->link);
}

void loop_later_cancel(struct loop *l, struct loop_task *t)
{
    if (list_linked(&t->link))
        list_remove(&l->later, &t->link);
}

void loop_at_free(struct loop *l, struct loop_task *t, void (*fn)(struct loop_task *))
{
    assert(fn);
    t->fn = fn;
    if (!list_linked(&t->link))
        list_append(&l->at_free, &t->link);
}

void loop_at_free_cancel(struct loop *l, struct loop_task *t)
{
    if (list_linked(&t->link))
        list_remove(&l->at_free, &t->link);
}

void loop_post(struct loop *l, struct loop_post *p, void (*fn)(struct loop_post *))
{
    assert(fn);
    p->fn = fn;
    p->next = NULL;
    pthread_mutex_lock(&l->mail_lock);
    bool first = !l->mail_first;
    *l->mail_last = p;
    l->mail_last = &p->next;
    /* Under the lock, so that the loop cannot be freed between the post and the wake-up by what the
       post itself sets off. */
    if (first)
        ev_async_send(l->ev, &l->mail);
    pthread_mutex_unlock(&l->mail_lock);
}
