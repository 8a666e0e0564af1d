/* For tests of agents: one run of one agent of a configuration given as text, and a server that plays
   a list of answers. Each test program that includes it is its own shim. */
#ifndef KERYX_TESTS_AGENTS_RUN_H
#define KERYX_TESTS_AGENTS_RUN_H

#include "agents/agents.h"
#include "agents/shim.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>

__attribute__((constructor)) static void run_be_shim(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "__shim") == 0)
        _exit(shim_main(argc, argv));
}

/* ---- one run ---- */

struct run_options {
    struct str input, session_id;
    const char *trigger_type; /* default api */
    const struct message_row *history;
    size_t n_history;
    int64_t timeout_us;    /* of the task; default 20 s */
    int64_t stop_after_us; /* 0 = never */
    enum run_stop why;
};

struct ran {
    struct arena *arena; /* of what follows */
    struct run_outcome outcome;
    struct message_row messages[4];
    struct buf deltas; /* text of text.delta events */
    size_t n_deltas;
    int64_t took_us;
    bool over;
    /* while running */
    struct loop *loop;
    const struct runner_kind *kind;
    struct run *run;
    enum run_stop why;
};

static void *run_no_part(const struct config *c, struct config_problems *problems)
{
    (void)c;
    (void)problems;
    return NULL;
}

static void run_release_nothing(void *part)
{
    (void)part;
}

static const struct part_maker run_nothing = { run_no_part, run_release_nothing };
static const struct part_maker *const run_makers[GENERATION_PARTS] = {
    [PART_AGENTS] = &agents_part, [PART_NOTIFIERS] = &run_nothing, [PART_TRIGGERS] = &run_nothing
};

/* NULL when there are errors; what was found is printed to `out` either way. */
static inline struct generation *run_load(const char *yaml, struct buf *out)
{
    struct config_problems problems;
    config_problems_init(&problems);
    struct generation *g = NULL;
    struct config *c = config_load_text(str_of(yaml), "agents.yaml", "/tmp", &problems);
    if (c)
        g = generation_new(c, run_makers, &problems);
    config_problems_print(&problems, "agents.yaml", out);
    config_problems_release(&problems);
    buf_char(out, 0);
    return g;
}

static inline void run_on_progress(void *ctx, const char *type, const struct json *data)
{
    struct ran *r = ctx;
    if (strcmp(type, "text.delta") != 0)
        return;
    buf_str(&r->deltas, json_get_str(r->arena, data, "text", STR("")));
    r->n_deltas++;
}

static inline void run_on_done(void *ctx, const struct run_outcome *o)
{
    struct ran *r = ctx;
    r->outcome = *o;
    r->outcome.result = arena_str(r->arena, o->result);
    r->outcome.error.message = arena_str(r->arena, o->error.message);
    for (size_t i = 0; i < o->n_messages && i < N_ELEMENTS(r->messages); i++) {
        r->messages[i].role = arena_str(r->arena, o->messages[i].role);
        r->messages[i].content = arena_str(r->arena, o->messages[i].content);
        r->messages[i].session_id = arena_str(r->arena, o->messages[i].session_id);
    }
    r->over = true;
    r->run = NULL;
    loop_stop(r->loop);
}

struct run_timer {
    struct loop_timer timer;
    struct ran *ran;
};

static inline void run_on_stop(struct loop_timer *t)
{
    struct ran *r = container_of(t, struct run_timer, timer)->ran;
    if (r->run)
        r->kind->stop(r->run, r->why);
}

static inline void run_on_late(struct loop_timer *t)
{
    struct ran *r = container_of(t, struct run_timer, timer)->ran;
    T_FAIL("the run did not end in 30 s");
    loop_stop(r->loop);
}

/* Runs the agent `name`; free with run_free. */
static inline struct ran *run_agent(const char *yaml, const char *name, const struct run_options *o)
{
    static char self[4096];
    struct ran *r = xalloc(sizeof(*r));
    auto_buf problems = BUF_INIT(64 * KIB);
    struct error e = ERROR_INIT;
    struct run_timer stop = { .ran = r }, late = { .ran = r };
    r->arena = arena_new(0);
    r->deltas = BUF_INIT(MIB);
    struct generation *g = run_load(yaml, &problems);
    if (!g) {
        T_FAIL("%s", problems.p);
        return r;
    }
    if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
        abort();
    r->loop = loop_new(&clock_real);
    r->why = o->why;
    struct http_client_options client = { .user_agent = "test" };
    struct agents_env env = { r->loop, http_client_new(r->loop, &client), self };
    struct task_row task = {
        .id = STR("api-test-1"),
        .agent = str_of(name),
        .attempt = 1,
        .input = o->input,
        .trigger_type = str_of(o->trigger_type ? o->trigger_type : "api"),
        .trigger_name = STR("test"),
        .session_id = o->session_id,
        .receipt_id = STR("receipt-1"),
    };
    struct run_request request = {
        .task = &task,
        .generation = g,
        .agent = config_find_agent(g->config, task.agent),
        .history = o->history,
        .n_history = o->n_history,
        .deadline_us = loop_mono(r->loop) + (o->timeout_us ? o->timeout_us : 20 * US_PER_S),
    };
    if (request.agent->n_triggers)
        request.trigger = &request.agent->triggers[0];
    for (const struct runner_kind *const *k = agents_kinds; *k; k++)
        r->kind = (*k)->type == request.agent->type ? *k : r->kind;
    int64_t from = clock_mono(&clock_real);
    struct run_events events = { run_on_progress, run_on_done, r };
    r->run = r->kind->start(&env, &request, &events, &e);
    if (!r->run)
        T_FAIL("not started: %s", e.text);
    CHECK(!r->over);
    loop_timer_set(r->loop, &late.timer, 30 * US_PER_S, run_on_late);
    if (o->stop_after_us)
        loop_timer_set(r->loop, &stop.timer, o->stop_after_us, run_on_stop);
    loop_run(r->loop);
    r->took_us = clock_mono(&clock_real) - from;
    CHECK(r->over);
    loop_timer_stop(&late.timer);
    loop_timer_stop(&stop.timer);
    http_client_free(env.client);
    loop_free(r->loop);
    generation_unref(g);
    return r;
}

static inline void run_free(struct ran *r)
{
    buf_release(&r->deltas);
    arena_free(r->arena);
    free(r);
}

/* ---- a server ---- */

#define PLAY_MAX 16
struct play {
    const char *answers[PLAY_MAX]; /* whole HTTP answers, one a connection; the last one repeats */
    long pause_ms;                 /* before each piece */
    size_t piece;                  /* bytes of a piece; 0 = all at once */
    /* what came */
    char requests[PLAY_MAX][16384];
    int64_t at_us[PLAY_MAX];
    int n;
    int port, fd;
    pthread_t thread;
};

static inline void play_read(int fd, char *to, size_t max)
{
    size_t n = 0, want = 0;
    while (n < max - 1) {
        ssize_t k = recv(fd, to + n, max - 1 - n, 0);
        if (k <= 0)
            break;
        n += (size_t)k;
        to[n] = 0;
        const char *end = strstr(to, "\r\n\r\n"), *length = strcasestr(to, "content-length:");
        if (end && length) {
            uint64_t body = 0;
            const char *digits = length + strlen("content-length:");
            struct str line = str_trim(str_n(digits, strcspn(digits, "\r")));
            CHECK(str_u64(line, &body) == 0);
            want = (size_t)(end + 4 - to) + body;
        } else if (end) {
            want = n;
        }
        if (want && n >= want)
            break;
    }
    to[n] = 0;
}

static inline void play_write(struct play *p, int fd, const char *text)
{
    size_t left = strlen(text);
    while (left) {
        size_t n = p->piece ? MIN(p->piece, left) : left;
        if (p->pause_ms)
            usleep((useconds_t)p->pause_ms * 1000);
        if (send(fd, text, n, MSG_NOSIGNAL) < 0)
            return;
        text += n;
        left -= n;
    }
}

static inline void *play_serve(void *arg)
{
    struct play *p = arg;
    for (int fd; (fd = accept(p->fd, NULL, NULL)) >= 0; close(fd)) {
        int k = MIN(p->n, PLAY_MAX - 1), answer = 0;
        p->at_us[k] = clock_mono(&clock_real);
        play_read(fd, p->requests[k], sizeof(p->requests[k]));
        while (answer < k && p->answers[answer + 1])
            answer++;
        p->n++;
        play_write(p, fd, p->answers[answer]);
        shutdown(fd, SHUT_WR);
    }
    return NULL;
}

static inline void play_start(struct play *p)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t n = sizeof(a);
    p->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(p->fd, (struct sockaddr *)&a, n) || listen(p->fd, 16) ||
        getsockname(p->fd, (struct sockaddr *)&a, &n) ||
        pthread_create(&p->thread, NULL, play_serve, p))
        abort();
    p->port = ntohs(a.sin_port);
}

static inline void play_stop(struct play *p)
{
    shutdown(p->fd, SHUT_RDWR);
    pthread_join(p->thread, NULL);
    close(p->fd);
}

/* The body of the k-th request. */
static inline const char *play_body(const struct play *p, int k)
{
    const char *end = strstr(p->requests[k], "\r\n\r\n");
    return end ? end + 4 : "";
}

#endif
