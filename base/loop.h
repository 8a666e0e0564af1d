/* libev behind our own words. One loop per thread; everything here is for that thread, except
   loop_post(), the only call across threads. Watchers are embedded in the caller's objects;
   container_of() in the callback. A callback never runs inside the call that started it. */
#ifndef KERYX_BASE_LOOP_H
#define KERYX_BASE_LOOP_H

#include "base/clock.h"
#include "base/error.h"
#include "base/list.h"

#include <ev.h>

struct loop;

/* Also sets what every process with a loop needs: SIGPIPE ignored (writes answer EPIPE), SIGCHLD at
   its default (an inherited "ignored" would reap children behind base/child). */
struct loop *loop_new(const struct clock *clock) must_check;
/* Outside of loop_run(), with no thread left that posts. What was not yet run is dropped. */
void loop_free(struct loop *l);
void loop_run(struct loop *l); /* until loop_stop() */
void loop_stop(struct loop *l);
const struct clock *loop_clock(const struct loop *l);
/* Times of this turn (cached at its start), microseconds. */
int64_t loop_wall(const struct loop *l);
int64_t loop_mono(const struct loop *l);

struct loop_io {
    ev_io ev;
    struct loop *loop;
    void (*fn)(struct loop_io *io, int events); /* EV_READ | EV_WRITE */
};
/* events: EV_READ and/or EV_WRITE; 0 stops. May be called again to change events. fd must stay the
   same while active. */
void loop_io_set(struct loop *l, struct loop_io *io, int fd, int events,
                 void (*fn)(struct loop_io *, int));
void loop_io_stop(struct loop_io *io); /* fine when not active */

struct loop_timer {
    ev_timer ev;
    struct loop *loop;
    void (*fn)(struct loop_timer *t);
};
/* Once after us (monotonic). Re-arms when already running. */
void loop_timer_set(struct loop *l, struct loop_timer *t, int64_t us,
                    void (*fn)(struct loop_timer *));
void loop_timer_stop(struct loop_timer *t);
static inline bool loop_timer_active(const struct loop_timer *t)
{
    return t->ev.active; /* ev_is_active() casts const away */
}

/* At a wall-clock instant, following clock steps (timerfd with CANCEL_ON_SET). Fires also when the
   clock was stepped past it; a step backwards delays it. on a manual clock it behaves by that clock
   only when loop_poke() is called. */
struct loop_alarm {
    ev_periodic ev;
    struct list_link manual; /* on a manual clock: in the loop's list */
    int64_t wall_us;
    struct loop *loop;
    void (*fn)(struct loop_alarm *a);
};
void loop_alarm_set(struct loop *l, struct loop_alarm *a, int64_t wall_us,
                    void (*fn)(struct loop_alarm *));
void loop_alarm_stop(struct loop_alarm *a); /* fine when not active */
/* The manual clock was moved: alarms that are due by it run, earliest first, at the end of this
   turn. */
void loop_poke(struct loop *l);

struct loop_signal {
    ev_signal ev;
    struct loop *loop;
    void (*fn)(struct loop_signal *s, int signum);
};
void loop_signal_set(struct loop *l, struct loop_signal *s, int signum,
                     void (*fn)(struct loop_signal *, int));
void loop_signal_stop(struct loop_signal *s);

/* Runs fn(task) at the end of this turn of the loop; the way to break re-entrancy. */
struct loop_task {
    struct list_link link;
    void (*fn)(struct loop_task *t);
};
void loop_later(struct loop *l, struct loop_task *t, void (*fn)(struct loop_task *));
void loop_later_cancel(struct loop *l, struct loop_task *t); /* fine when not queued */
/* Runs fn(task) inside loop_free(), for objects that only wait for the outside world by then. */
void loop_at_free(struct loop *l, struct loop_task *t, void (*fn)(struct loop_task *));
void loop_at_free_cancel(struct loop *l, struct loop_task *t); /* fine when not queued */

/* From any thread: runs fn(post) on the loop's thread, in the order of posting. `p` belongs to the
   loop until then. */
struct loop_post {
    struct loop_post *next;
    void (*fn)(struct loop_post *p);
};
void loop_post(struct loop *l, struct loop_post *p, void (*fn)(struct loop_post *));

#endif
