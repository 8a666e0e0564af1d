#include "tests/t.h"

#include "base/loop.h"
#include "base/stats.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <time.h>

static struct loop *loop;
static char trace[256];

static void note(const char *what)
{
    strncat(trace, what, sizeof trace - strlen(trace) - 1);
}

static void begin(const struct clock *clock)
{
    trace[0] = 0;
    loop = loop_new(clock);
}

static void on_give_up(struct loop_timer *t)
{
    (void)t;
    T_FAIL("the loop was not stopped in 5 s");
    loop_stop(loop);
}

/* Runs until loop_stop(), at most 5 s. */
static void run(void)
{
    struct loop_timer give_up = { 0 };
    loop_timer_set(loop, &give_up, 5 * US_PER_S, on_give_up);
    loop_run(loop);
    loop_timer_stop(&give_up);
}

/* ---- tasks ---- */

static struct loop_task task_a, task_b, task_c, task_stop;

static void on_stop(struct loop_task *t)
{
    (void)t;
    note("stop ");
    loop_stop(loop);
}

static void on_c(struct loop_task *t)
{
    (void)t;
    note("c ");
    loop_later(loop, &task_stop, on_stop);
}

static void on_a(struct loop_task *t)
{
    (void)t;
    note("a ");
    loop_later(loop, &task_c, on_c);
}

static void on_b(struct loop_task *t)
{
    (void)t;
    note("b ");
}

TEST(tasks_run_in_order_and_those_they_queue_in_the_next_pass)
{
    begin(&clock_real);
    loop_later(loop, &task_a, on_a);
    loop_later(loop, &task_b, on_b);
    CHECK_CSTR(trace, "");
    run();
    CHECK_CSTR(trace, "a b c stop ");
    loop_free(loop);
}

TEST(queueing_a_queued_task_again_runs_it_once)
{
    begin(&clock_real);
    loop_later(loop, &task_b, on_b);
    loop_later(loop, &task_b, on_b);
    loop_later(loop, &task_stop, on_stop);
    run();
    CHECK_CSTR(trace, "b stop ");
    loop_free(loop);
}

static void on_cancel_b(struct loop_task *t)
{
    (void)t;
    loop_later_cancel(loop, &task_b);
}

TEST(a_cancelled_task_does_not_run_even_when_cancelled_by_one_before_it)
{
    begin(&clock_real);
    loop_later(loop, &task_a, on_cancel_b);
    loop_later(loop, &task_b, on_b);
    loop_later(loop, &task_stop, on_stop);
    loop_later_cancel(loop, &task_c); /* never queued: fine */
    run();
    CHECK_CSTR(trace, "stop ");
    loop_free(loop);
}

static int again_left;

static void on_again(struct loop_task *t)
{
    if (again_left-- > 0)
        loop_later(loop, t, on_again);
}

static void on_pipe(struct loop_io *io, int events)
{
    CHECK_INT(events, EV_READ);
    CHECK(again_left > 0);
    loop_io_stop(io);
    loop_stop(loop);
}

TEST(tasks_that_queue_themselves_do_not_starve_descriptors)
{
    int p[2];
    struct loop_io io = { 0 };
    begin(&clock_real);
    CHECK_INT(pipe(p), 0);
    CHECK_INT(write(p[1], "x", 1), 1);
    again_left = 1000000000;
    loop_later(loop, &task_a, on_again);
    loop_io_set(loop, &io, p[0], EV_READ, on_pipe);
    run();
    loop_later_cancel(loop, &task_a);
    loop_free(loop);
    close(p[0]);
    close(p[1]);
}

static void on_at_free(struct loop_task *t)
{
    (void)t;
    note("freed ");
}

TEST(what_waits_for_the_end_of_the_loop_runs_in_loop_free)
{
    begin(&clock_real);
    loop_at_free(loop, &task_a, on_at_free);
    loop_at_free(loop, &task_b, on_at_free);
    loop_at_free_cancel(loop, &task_b);
    loop_free(loop);
    CHECK_CSTR(trace, "freed ");
}

TEST(a_stop_before_run_is_not_lost)
{
    begin(&clock_real);
    loop_stop(loop);
    run();
    loop_free(loop);
}

/* ---- timers ---- */

static int64_t fired_at;

static void on_timer(struct loop_timer *t)
{
    CHECK(!loop_timer_active(t));
    fired_at = clock_mono(&clock_real);
    loop_stop(loop);
}

TEST(a_timer_never_fires_early)
{
    struct loop_timer t = { 0 };
    begin(&clock_real);
    int64_t start = clock_mono(&clock_real);
    loop_timer_set(loop, &t, 1, on_timer);
    loop_timer_set(loop, &t, 30 * US_PER_MS, on_timer);
    CHECK(loop_timer_active(&t));
    run();
    CHECK(fired_at - start >= 30 * US_PER_MS);
    loop_free(loop);
}

static struct loop_timer slow_timer;
static int64_t slow_start;

static void on_slow(struct loop_task *task)
{
    (void)task;
    struct timespec pause = { .tv_nsec = 60 * 1000 * 1000 };
    nanosleep(&pause, NULL);
    slow_start = clock_mono(&clock_real);
    loop_timer_set(loop, &slow_timer, 20 * US_PER_MS, on_timer);
}

TEST(a_timer_set_late_in_a_slow_turn_waits_its_full_time)
{
    begin(&clock_real);
    double turns = stats_get(STATS_LOOP_LAG, NULL, NULL, NULL);
    loop_later(loop, &task_a, on_slow);
    run();
    CHECK(fired_at - slow_start >= 20 * US_PER_MS);
    CHECK(stats_get(STATS_LOOP_LAG, NULL, NULL, NULL) > turns);
    loop_free(loop);
}

static void on_never(struct loop_timer *t)
{
    (void)t;
    T_FAIL("a stopped timer fired");
}

TEST(a_stopped_timer_does_not_fire)
{
    struct loop_timer never = { 0 }, unset = { 0 }, t = { 0 };
    begin(&clock_real);
    loop_timer_stop(&unset);
    loop_timer_set(loop, &never, US_PER_MS, on_never);
    loop_timer_set(loop, &t, 10 * US_PER_MS, on_timer);
    loop_timer_stop(&never);
    run();
    loop_free(loop);
}

/* ---- alarms ---- */

static struct loop_alarm alarm_a, alarm_b, alarm_c;

static void on_alarm(struct loop_alarm *a)
{
    CHECK(loop_wall(loop) >= a->wall_us);
    note(a == &alarm_a ? "a " : a == &alarm_b ? "b " : "c ");
    if (a == &alarm_c)
        loop_stop(loop);
}

TEST(alarms_fire_at_their_instant_and_not_before)
{
    begin(&clock_real);
    int64_t now = clock_wall(&clock_real);
    loop_alarm_set(loop, &alarm_c, now + 40 * US_PER_MS, on_alarm);
    loop_alarm_set(loop, &alarm_a, now - US_PER_S, on_alarm);
    loop_alarm_set(loop, &alarm_b, now + 5 * US_PER_MS, on_alarm);
    CHECK_CSTR(trace, "");
    run();
    CHECK_CSTR(trace, "a b c ");
    CHECK(clock_wall(&clock_real) >= now + 40 * US_PER_MS);
    loop_free(loop);
}

TEST(a_stopped_alarm_does_not_fire)
{
    begin(&clock_real);
    int64_t now = clock_wall(&clock_real);
    loop_alarm_set(loop, &alarm_a, now, on_alarm);
    loop_alarm_stop(&alarm_a);
    loop_alarm_set(loop, &alarm_c, now + US_PER_MS, on_alarm);
    run();
    CHECK_CSTR(trace, "c ");
    loop_free(loop);
}

TEST(on_a_manual_clock_alarms_follow_that_clock_when_poked)
{
    struct clock manual = { .manual = true, .wall_us = 1000 * US_PER_S };
    begin(&manual);
    loop_alarm_set(loop, &alarm_b, 1010 * US_PER_S, on_alarm);
    loop_alarm_set(loop, &alarm_a, 1005 * US_PER_S, on_alarm);
    loop_alarm_set(loop, &alarm_c, 1020 * US_PER_S, on_alarm);
    loop_later(loop, &task_stop, on_stop);
    run();
    CHECK_CSTR(trace, "stop ");
    clock_advance(&manual, 15 * US_PER_S);
    loop_poke(loop);
    loop_later(loop, &task_stop, on_stop);
    run();
    CHECK_CSTR(trace, "stop a b stop ");
    CHECK_INT(loop_wall(loop), 1015 * US_PER_S);
    loop_alarm_stop(&alarm_c);
    loop_alarm_set(loop, &alarm_c, 1015 * US_PER_S, on_alarm); /* due already: no poke needed */
    run();
    CHECK_CSTR(trace, "stop a b stop c ");
    loop_free(loop);
}

/* ---- descriptors ---- */

static int io_events;

static void on_io(struct loop_io *io, int events)
{
    (void)io;
    io_events = events;
    loop_stop(loop);
}

TEST(a_watch_changes_what_it_waits_for_in_place)
{
    int p[2];
    struct loop_io io = { 0 };
    struct loop_timer t = { 0 };
    begin(&clock_real);
    CHECK_INT(pipe(p), 0);
    loop_io_stop(&io);
    loop_io_set(loop, &io, p[1], EV_READ, on_io);
    io_events = 0;
    loop_timer_set(loop, &t, 5 * US_PER_MS, on_timer);
    run();
    CHECK_INT(io_events, 0);
    loop_io_set(loop, &io, p[1], EV_WRITE, on_io);
    run();
    CHECK_INT(io_events, EV_WRITE);
    io_events = 0;
    loop_io_set(loop, &io, p[1], 0, on_io);
    loop_timer_set(loop, &t, 5 * US_PER_MS, on_timer);
    run();
    CHECK_INT(io_events, 0);
    loop_free(loop);
    close(p[0]);
    close(p[1]);
}

TEST(writing_to_a_closed_pipe_is_an_error_not_a_signal)
{
    int p[2];
    begin(&clock_real);
    CHECK_INT(pipe(p), 0);
    close(p[0]);
    CHECK_INT(write(p[1], "x", 1), -1);
    close(p[1]);
    loop_free(loop);
}

/* ---- signals ---- */

static void on_signal(struct loop_signal *s, int signum)
{
    CHECK_INT(signum, SIGUSR1);
    note("usr1 ");
    loop_signal_stop(s);
    loop_stop(loop);
}

TEST(signals_arrive_on_a_loop_that_is_not_the_default_one_and_on_the_next_loop_too)
{
    struct loop_signal s = { 0 };
    for (int i = 0; i < 2; i++) {
        begin(&clock_real);
        loop_signal_set(loop, &s, SIGUSR1, on_signal);
        raise(SIGUSR1);
        CHECK_CSTR(trace, "");
        run();
        CHECK_CSTR(trace, "usr1 ");
        loop_free(loop);
    }
}

/* ---- posts ---- */

#define POSTERS 4
#define POSTS   5000

struct mail {
    struct loop_post post;
    int poster, number;
};
static struct mail mail[POSTERS][POSTS];
static int next_number[POSTERS], arrived;
static pthread_t loop_thread;

static void on_post(struct loop_post *p)
{
    struct mail *m = container_of(p, struct mail, post);
    CHECK(pthread_equal(pthread_self(), loop_thread));
    CHECK_INT(m->number, next_number[m->poster]);
    next_number[m->poster]++;
    if (++arrived == POSTERS * POSTS)
        loop_stop(loop);
}

static void *poster(void *arg)
{
    int who = (int)(intptr_t)arg;
    for (int i = 0; i < POSTS; i++) {
        mail[who][i].poster = who;
        mail[who][i].number = i;
        loop_post(loop, &mail[who][i].post, on_post);
    }
    return NULL;
}

TEST(posts_of_many_threads_arrive_each_once_in_order_on_the_loops_thread)
{
    pthread_t threads[POSTERS];
    begin(&clock_real);
    loop_thread = pthread_self();
    for (int i = 0; i < POSTERS; i++)
        pthread_create(&threads[i], NULL, poster, (void *)(intptr_t)i);
    run();
    for (int i = 0; i < POSTERS; i++)
        pthread_join(threads[i], NULL);
    CHECK_INT(arrived, POSTERS * POSTS);
    loop_free(loop);
}

static double cpu_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

TEST(an_idle_loop_uses_no_processor_time_after_tasks_ran)
{
    struct loop_timer t = { 0 };
    begin(&clock_real);
    loop_later(loop, &task_b, on_b);
    loop_timer_set(loop, &t, 300 * US_PER_MS, on_timer);
    double before = cpu_seconds();
    run();
    CHECK(cpu_seconds() - before < 0.1);
    loop_free(loop);
}
