/* keryx run: one task by hand. With a daemon it asks the daemon; without one it runs the agent itself in
   the foreground, on the same store and the same path. */
#include "cli/client.h"
#include "cli/core.h"

#include "base/log.h"
#include "base/when.h"
#include "http/url.h"

#include <curl/curl.h>
#include <signal.h>
#include <stdio.h>

#define RUN_POLL_US   (100 * US_PER_MS)
#define RUN_MAX_INPUT (16 * MIB)
#define RUN_WAIT_US   (24 * 3600 * US_PER_S) /* the agent's own timeout is the bound that counts */

struct run_ask {
    struct client client;
    bool background, json;
    const char *session, *wait;
    int64_t wait_us;
    const char *agent, *input;
};

/* ---- through the daemon ---- */

static struct json *run_request_body(struct run_ask *ask)
{
    struct arena *a = ask->client.arena;
    struct json *body = json_object(a);
    json_put_str(a, body, "input", ask->input);
    json_put_str(a, body, "mode", ask->background ? "async" : "sync");
    json_put_str(a, body, "trigger", "cli");
    json_put_str(a, body, "session", ask->session);
    json_put_str(a, body, "timeout", "24h");
    return body;
}

static const char *run_path(struct run_ask *ask)
{
    auto_buf path = BUF_INIT(4 * KIB);
    buf_cstr(&path, "/api/v1/agents/");
    url_encode(&path, str_of(ask->agent));
    buf_cstr(&path, "/run");
    return arena_cstr(ask->client.arena, buf_view(&path));
}

static int run_print_answer(struct run_ask *ask)
{
    struct client *c = &ask->client;
    if (ask->json)
        return c->status < 300 ? client_print(c) : (client_print(c), CLI_FAILED);
    if (c->status == 200 || c->status == 202) {
        const char *text = client_text(c, c->body, ask->background ? "task_id" : "result");
        printf("%s\n", text);
        return CLI_OK;
    }
    const char *why = client_text(c, c->body, "error");
    if (!*why)
        why = client_text(c, c->body, "detail");
    return cli_fail(c->status == 404 ? CLI_NOT_FOUND : CLI_FAILED, "%s",
                    *why ? why : "the server refused");
}

/* ---- without a daemon ---- */

struct run_local {
    struct core core;
    struct run_ask *ask;
    struct intake intake;
    struct task_watch watch;
    struct store_list deliveries; /* of the task */
    struct loop_timer poll;
    int64_t until; /* monotonic: how long its deliveries may take */
    struct loop_signal interrupt, term;
    bool interrupted;
    char *task_id;
    int code;
};

static void run_local_stop(void *ctx)
{
    loop_stop(((struct run_local *)ctx)->core.loop);
}

static void run_local_poll(struct loop_timer *t);

static void run_local_looked(struct store_op *op)
{
    struct run_local *r = container_of(op, struct run_local, deliveries.op);
    size_t open = 0;
    for (size_t i = 0; op->rc == 0 && i < r->deliveries.n; i++)
        open += !delivery_state_final(r->deliveries.deliveries[i].state);
    arena_free(op->arena);
    if (open && loop_mono(r->core.loop) < r->until) {
        loop_timer_set(r->core.loop, &r->poll, RUN_POLL_US, run_local_poll);
        return;
    }
    if (open)
        fprintf(stderr, "keryx: %zu deliveries are left in the store; keryx serve sends them\n",
                open);
    engine_drain(r->core.engine, loop_mono(r->core.loop), run_local_stop, r);
}

/* The task's deliveries get some time; what is left stays in the store for the daemon. */
static void run_local_poll(struct loop_timer *t)
{
    struct run_local *r = container_of(t, struct run_local, poll);
    r->deliveries = (struct store_list){ .limit = 500, .task_id = str_of(r->task_id) };
    r->deliveries.op.arena = arena_new(0);
    r->deliveries.op.done = run_local_looked;
    store_delivery_list(r->core.store, &r->deliveries);
}

/* The answer that the daemon would have given. */
static void run_local_json(const struct task_row *task)
{
    struct arena *a = arena_new(0);
    struct json *o = json_object(a);
    bool ok = task->state == TASK_COMPLETED;
    json_put(a, o, STR("task_id"), json_str(a, task->id));
    json_put_str(a, o, "status", task_state_word(task->state));
    struct str text = ok ? task->result : task->error_message;
    struct json *value =
        ok && task->result_json ? json_parse(a, arena_str(a, text), NULL, NULL) : NULL;
    json_put(a, o, ok ? STR("result") : STR("error"), value ? value : json_str(a, text));
    json_put(a, o, STR("agent_name"), json_str(a, task->agent));
    auto_buf out = BUF_INIT(64 * MIB);
    json_write(&out, o, JSON_COMPACT);
    buf_char(&out, '\n');
    cli_write(buf_view(&out));
    arena_free(a);
}

static void run_local_ended(struct task_watch *w, const struct task_row *task)
{
    struct run_local *r = container_of(w, struct run_local, watch);
    if (r->ask->json) {
        run_local_json(task);
        r->code = task->state == TASK_COMPLETED ? CLI_OK : CLI_FAILED;
    } else if (task->state == TASK_COMPLETED) {
        cli_write(task->result);
        putchar('\n');
        fflush(stdout);
    } else {
        r->code =
            cli_fail(CLI_FAILED, "%s", task->error_message.p ? task->error_message.p : "cancelled");
    }
    r->until = loop_mono(r->core.loop) + (r->interrupted ? 0 : r->ask->wait_us);
    loop_timer_set(r->core.loop, &r->poll, 0, run_local_poll);
}

static void run_local_cancelled(void *ctx, enum act_outcome outcome)
{
    (void)ctx;
    (void)outcome; /* its end is told to the watch */
}

static void run_local_cancel(struct run_local *r)
{
    engine_cancel_task(r->core.engine, str_of(r->task_id), run_local_cancelled, r);
}

/* Nobody is left behind running, and the daemon does not run it again: the task is cancelled. */
static void run_local_signal(struct loop_signal *s, int signum)
{
    struct run_local *r = signum == SIGINT ? container_of(s, struct run_local, interrupt)
                                           : container_of(s, struct run_local, term);
    if (r->interrupted)
        _exit(CLI_FAILED); /* the second one does not wait */
    r->interrupted = true;
    r->until = 0;
    if (list_linked(&r->watch.link))
        run_local_cancel(r);
}

static void run_local_committed(struct intake *i)
{
    struct run_local *r = i->ctx;
    if (i->outcome == INTAKE_ACCEPTED) {
        r->watch.ended = run_local_ended;
        r->task_id = xstrndup(i->task_id.p, i->task_id.n);
        engine_watch_task(r->core.engine, &r->watch, i->task_id);
        if (r->interrupted)
            run_local_cancel(r);
        return;
    }
    r->code = cli_fail(CLI_FAILED, "the task could not be stored: %s", i->error.text);
    loop_stop(r->core.loop);
}

static void run_local_started(void *ctx, int rc, const struct error *why)
{
    struct run_local *r = ctx;
    if (rc != 0) {
        r->code = cli_fail(CLI_FAILED, "the store could not be read: %s", why->text);
        loop_stop(r->core.loop);
        return;
    }
    struct intake *i = &r->intake;
    i->agent = str_of(r->ask->agent);
    i->trigger_type = "cli";
    i->trigger_name = STR("cli");
    i->input = str_of(r->ask->input);
    i->session_id = str_of(r->ask->session);
    i->response_mode = "sync";
    i->done = run_local_committed;
    i->ctx = r;
    engine_submit(r->core.engine, i);
}

static int run_here(struct run_ask *ask, struct generation *g)
{
    struct run_local r = { .ask = ask };
    struct error e = ERROR_INIT;
    log_setup(LOG_LEVEL_WARN, LOG_FORMAT_AUTO);
    if (core_open(&r.core, g, true, &e) != 0) {
        r.code = cli_fail(CLI_FAILED, "%s", e.text);
    } else {
        loop_signal_set(r.core.loop, &r.interrupt, SIGINT, run_local_signal);
        loop_signal_set(r.core.loop, &r.term, SIGTERM, run_local_signal);
        engine_start(r.core.engine, run_local_started, &r);
        loop_run(r.core.loop);
        loop_signal_stop(&r.interrupt);
        loop_signal_stop(&r.term);
    }
    core_close(&r.core);
    free(r.task_id);
    return r.code;
}

static int run_unknown_agent(const struct config *c, const char *word)
{
    const char **names = xalloc(sizeof(*names) * (c->n_agents + 1));
    for (size_t i = 0; i < c->n_agents; i++)
        names[i] = c->agents[i].name.s.p;
    const char *near = str_nearest(str_of(word), names, c->n_agents);
    int code = cli_fail(CLI_NOT_FOUND, "there is no agent '%s'%s%s%s", word,
                        near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "");
    free(names);
    return code;
}

/* X is an agent if one has that name; a single word that is none is an error; anything with a space is a
   prompt for the default agent. */
static int run_resolve(struct run_ask *ask, const struct config *c, char **argv, int words)
{
    const char *x = argv[1];
    bool prompt = strchr(x, ' ') != NULL;
    if (config_find_agent(c, str_of(x))) {
        ask->agent = x;
        ask->input = words > 1 ? argv[2] : "";
        return CLI_OK;
    }
    if (!prompt)
        return run_unknown_agent(c, x);
    ask->agent = c->defaults.agent.s.p ? c->defaults.agent.s.p : "default";
    ask->input = x;
    return CLI_OK;
}

static int run_with(struct run_ask *ask, const char *path, char **argv, int words)
{
    auto_buf problems = BUF_INIT(4 * MIB);
    struct generation *g = core_load(path, &problems);
    if (!g) {
        fwrite(problems.p ? problems.p : "", 1, problems.n, stderr);
        return CLI_USAGE;
    }
    int code = run_resolve(ask, g->config, argv, words);
    if (code == CLI_OK)
        code = client_open(&ask->client);
    if (code == CLI_OK) {
        if (client_reaches(&ask->client)) {
            code =
                client_try(&ask->client, "POST", run_path(ask), run_request_body(ask), RUN_WAIT_US);
            code = code == CLI_OK ? run_print_answer(ask) : code;
        } else if (ask->background) {
            code = cli_fail(
                CLI_UNREACHABLE,
                "--background needs a running daemon; start one with: keryx serve -c %s", path);
        } else {
            code = run_here(ask, g);
        }
    }
    client_close(&ask->client);
    generation_unref(g);
    return code;
}

static int run_run(int argc, char **argv)
{
    struct run_ask ask = { 0 };
    const struct cli_option options[] = {
        { 's', "server", &ask.client.server, NULL },  { 'c', "config", &ask.client.config, NULL },
        { 'b', "background", NULL, &ask.background }, { 0, "json", NULL, &ask.json },
        { 0, "session", &ask.session, NULL },         { 0, "wait", &ask.wait, NULL },
    };
    int words = cli_options(&cli_run, argc, argv, options, N_ELEMENTS(options));
    if (words < 1 || words > 2) {
        if (words >= 0)
            cli_print_help(&cli_run, true);
        return CLI_USAGE;
    }
    struct error e = ERROR_INIT;
    ask.wait_us = 30 * US_PER_S;
    if (ask.wait && duration_parse(str_of(ask.wait), true, &ask.wait_us, &e) != 0)
        return cli_fail(CLI_USAGE, "--wait: %s", e.text);
    const char *path = cli_config_path(ask.client.config);
    if (!path)
        return CLI_USAGE;
    auto_buf input = BUF_INIT(0);
    if (words > 1 && !strcmp(argv[2], "-")) {
        if (cli_read_file("-", RUN_MAX_INPUT, &input, &e) != 0)
            return cli_fail(CLI_USAGE, "%s", e.text);
        buf_char(&input, 0);
        argv[2] = input.p;
    }
    curl_global_init(CURL_GLOBAL_DEFAULT);
    int code = run_with(&ask, path, argv, words);
    curl_global_cleanup();
    return code;
}

const struct command cli_run = {
    .name = "run",
    .usage = "AGENT|\"PROMPT\" [INPUT] [--background] [--session KEY]",
    .summary = "run an agent once and print its result",
    .help = "  -b, --background    print the task's id at once (needs a daemon)\n"
            "  --session KEY       continue that conversation\n"
            "  --json              print the whole answer\n"
            "  --wait 30s          without a daemon: how long its deliveries may take\n"
            "  -s, --server URL    the server (default $KERYX_URL, else where agents.yaml says it "
            "listens)\n"
            "  -c, --config FILE   the configuration (default agents.yaml)\n\n"
            "INPUT - is read from standard input.\n"
            "Anything with a space is a prompt for the default agent. Without a daemon the agent "
            "runs here, on\n"
            "the same store.\n",
    .run = run_run,
};
