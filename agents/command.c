/* A program below a shim: started, fed, listened to, ended with all of its children.

   struct command_run ── child   the shim; its stdout and stderr are the program's
                      ── socket  the spec goes out, reports come in

     starting → (spec sent) → running ── leader gone ─→ draining ── shim gone, or 250 ms ─→ told
   The run is told when the leader ended, however long the shim has to end the rest of the tree; the
   object lives until the shim is gone. */
#include "agents/command.h"

#include "agents/agents.h"
#include "agents/output.h"
#include "agents/shim.h"
#include "base/child.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define COMMAND_DRAIN_US     (250 * US_PER_MS)
#define COMMAND_STDERR       (64 * KIB)
#define COMMAND_OUTPUT       (1 * MIB)         /* when limits.output is unset */
#define COMMAND_BEYOND_US    (900 * US_PER_MS) /* after grace; runner.h allows a second */
#define COMMAND_LAST_WAIT_MS 500
#define COMMAND_RETRY_LATER  75 /* EX_TEMPFAIL, sysexits.h */

struct command_run {
    struct run_events events;
    const struct run_request *request; /* NULL once told */
    struct loop *loop;
    struct arena *arena;
    struct child *child; /* NULL once the shim is gone */
    int socket;
    struct loop_io io;
    struct buf spec, reports;
    struct output out, err;
    char *file;
    bool leader_gone;
    struct shim_report end; /* FAILED EXITED SIGNALED LIMIT, when leader_gone */
    struct child_exit shim;
    bool stopping; /* before the leader ended */
    enum run_stop why;
    struct loop_timer timer; /* draining, or stopping */
    struct loop_task later;  /* could not start: told at the end of the turn */
    struct loop_task at_free;
    struct error refused;
    const char *refused_kind;
};

/* ---- what became of it ---- */

static struct str command_end_sentence(struct command_run *run)
{
    static const char *const limits[] = { [SHIM_LIMIT_CPU] = "limits.cpu",
                                          [SHIM_LIMIT_FILES] = "limits.files",
                                          [SHIM_LIMIT_FILE_SIZE] = "limits.file_size" };
    const struct shim_report *end = &run->end;
    const struct config_agent *agent = run->request->agent;
    const char *name;
    switch ((enum shim_report_kind)end->kind) {
    case SHIM_EXITED:
        return arena_printf(run->arena, "exit code %d", end->value);
    case SHIM_SIGNALED:
        name = sigabbrev_np(end->value);
        return arena_printf(run->arena, "ended by signal %d (SIG%s)", end->value,
                            name ? name : "?");
    case SHIM_LIMIT:
        return arena_printf(run->arena, "ended by %s",
                            (size_t)end->value < N_ELEMENTS(limits) ? limits[end->value]
                                                                    : "a limit");
    case SHIM_FAILED:
        return arena_printf(
            run->arena, "%s %s: %s", shim_stage_sentence((enum shim_stage)end->stage),
            end->stage == SHIM_STAGE_DIRECTORY ? agent->working_directory.s.p
                                               : agent->command.items[0].s.p,
            strerrordesc_np(end->value) ? strerrordesc_np(end->value) : "unknown error");
    case SHIM_STARTED:
    case SHIM_CLEARED:
        break;
    }
    return STR("the shim ended without telling how the program ended");
}

static struct run_error command_error(struct command_run *run)
{
    static const char *const kinds[] = { [SHIM_FAILED] = "spawn",
                                         [SHIM_EXITED] = "exit",
                                         [SHIM_SIGNALED] = "signal",
                                         [SHIM_LIMIT] = "limit" };
    static const char *const stops[] = { [RUN_STOP_TIMEOUT] = "timeout",
                                         [RUN_STOP_CANCEL] = "cancelled",
                                         [RUN_STOP_SHUTDOWN] = "interrupted" };
    struct run_error e = { .kind = "spawn", .exit_code = -1 };
    const struct shim_report *end = &run->end;
    struct str said = str_trim(output_take(&run->err, run->arena));
    if (run->leader_gone) {
        e.kind = kinds[end->kind];
        e.exit_code = end->kind == SHIM_EXITED ? end->value : -1;
        e.signal = end->kind == SHIM_SIGNALED ? end->value : 0;
        e.retryable = (end->kind == SHIM_EXITED && end->value == COMMAND_RETRY_LATER) ||
                      (end->kind == SHIM_FAILED && end->value == EAGAIN);
    }
    e.message =
        run->leader_gone || !run->stopping ? command_end_sentence(run) : STR("ended by keryx");
    if (run->stopping)
        e.kind = stops[run->why];
    if (said.n)
        e.message =
            arena_printf(run->arena, "%" STR_FMT ": %" STR_FMT, STR_ARG(e.message), STR_ARG(said));
    return e;
}

static struct run_outcome command_outcome(struct command_run *run)
{
    struct run_outcome o = {
        .tokens_in = -1,
        .tokens_out = -1,
        .cost_usd = -1,
        .error = { .exit_code = -1 },
    };
    if (run->refused_kind) {
        o.error.kind = run->refused_kind;
        o.error.message = str_of(run->refused.text);
        return o;
    }
    struct command_result result = { 0 };
    struct error bad = ERROR_INIT;
    struct str text = output_take(&run->out, run->arena);
    bool parsed = command_output(run->request->agent->output.s, text, output_truncated(&run->out),
                                 &result, &bad) == 0;
    bool good =
        run->leader_gone && run->end.kind == SHIM_EXITED && run->end.value == 0 && !run->stopping;
    o.ok = good && parsed;
    o.result = parsed ? result.text : output_chomp(text);
    o.result_json = parsed && result.json;
    o.truncated = output_truncated(&run->out);
    o.output_bytes = (int64_t)run->out.bytes;
    if (!good) {
        o.error = command_error(run);
    } else if (!parsed) {
        o.error.kind = "bad_output";
        o.error.message = arena_str(run->arena, str_of(bad.text));
    }
    return o;
}

/* ---- the end ---- */

static void command_free(struct command_run *run)
{
    loop_timer_stop(&run->timer);
    loop_io_stop(&run->io);
    loop_later_cancel(run->loop, &run->later);
    loop_at_free_cancel(run->loop, &run->at_free);
    if (run->socket >= 0)
        close(run->socket);
    buf_release(&run->spec);
    buf_release(&run->reports);
    output_release(&run->out);
    output_release(&run->err);
    arena_free(run->arena);
    free(run);
}

static void command_tell(struct command_run *run)
{
    struct run_outcome outcome = command_outcome(run);
    struct run_events events = run->events;
    loop_timer_stop(&run->timer);
    if (run->file)
        unlink(run->file);
    run->request = NULL;
    events.done(events.ctx, &outcome);
}

static void command_refuse(struct loop_task *t)
{
    struct command_run *run = container_of(t, struct command_run, later);
    command_tell(run);
    command_free(run);
}

static void command_on_timer(struct loop_timer *t)
{
    command_tell(container_of(t, struct command_run, timer));
}

/* The loop ends while the shim still ends what ignores TERM: asked again it does not wait any longer. */
static void command_at_free(struct loop_task *t)
{
    struct command_run *run = container_of(t, struct command_run, at_free);
    for (int ms = 0; ms < COMMAND_LAST_WAIT_MS; ms += 10) {
        siginfo_t si = { 0 };
        if (ms % 50 == 0) /* the second one cuts the grace short */
            child_signal(run->child, SIGTERM, false);
        if (waitid(P_PID, (id_t)child_pid(run->child), &si, WEXITED | WNOHANG | WNOWAIT) != 0 ||
            si.si_pid)
            break;
        poll(NULL, 0, 10);
    }
    child_abandon(run->child);
    command_free(run);
}

/* ---- the socket ---- */

static void command_on_report(struct command_run *run, const struct shim_report *r)
{
    if (r->kind == SHIM_CLEARED && r->value > 0)
        log_warn("processes of a task could not be ended");
    if (r->kind == SHIM_STARTED || r->kind == SHIM_CLEARED || run->leader_gone)
        return;
    run->leader_gone = true;
    run->end = *r;
    if (run->request && !run->stopping)
        loop_timer_set(run->loop, &run->timer, COMMAND_DRAIN_US, command_on_timer);
}

/* Reads what there is; false at the end. */
static bool command_read_reports(struct command_run *run)
{
    char bytes[256];
    struct shim_report report;
    bool bad = false;
    ssize_t n = recv(run->socket, bytes, sizeof(bytes), MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return true;
    if (n <= 0)
        return false;
    buf_add(&run->reports, bytes, (size_t)n);
    while (shim_report_take(&run->reports, &report, &bad))
        command_on_report(run, &report);
    return !bad;
}

static void command_send_spec(struct command_run *run)
{
    ssize_t n = send(run->socket, run->spec.p, run->spec.n, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n > 0)
        buf_consume(&run->spec, (size_t)n);
    else if (n < 0 && errno != EAGAIN && errno != EINTR)
        buf_reset(&run->spec); /* the shim is gone: its end says so */
}

static void command_on_socket(struct loop_io *io, int events)
{
    struct command_run *run = container_of(io, struct command_run, io);
    if (events & EV_WRITE) {
        command_send_spec(run);
        if (run->spec.n == 0)
            loop_io_set(run->loop, io, run->socket, EV_READ, command_on_socket);
    }
    if (events & EV_READ && !command_read_reports(run))
        loop_io_stop(io);
}

/* ---- the shim ---- */

static void command_on_output(void *ctx, int stream, struct str bytes)
{
    struct command_run *run = ctx;
    if (run->request)
        output_add(stream == 1 ? &run->out : &run->err, bytes);
}

static void command_on_exited(void *ctx, struct child_exit how)
{
    struct command_run *run = ctx;
    struct pollfd p = { run->socket, POLLIN, 0 };
    run->shim = how;
    run->child = NULL;
    while (poll(&p, 1, 0) > 0 && command_read_reports(run)) {
    }
    if (run->request)
        command_tell(run);
    command_free(run);
}

static int command_spawn(struct command_run *run, const struct agents_env *env, struct str input,
                         struct error *e)
{
    static const char *const no_env[] = { NULL };
    const char *const argv[] = { env->self, "__shim", NULL };
    const struct child_events events = { command_on_output, command_on_exited, run };
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        return error_sys(e, errno, "cannot make a socket for the shim");
    run->socket = pair[0];
    struct child_options options = {
        .argv = argv,
        .env = no_env,
        .input = input,
        .extra_fd = pair[1],
        .drain_us = COMMAND_DRAIN_US,
        .new_session = true,
    };
    run->child = child_start(run->loop, &options, &events, e);
    close(pair[1]);
    if (!run->child)
        return error_wrap(e, "the shim");
    loop_io_set(run->loop, &run->io, run->socket, EV_READ | EV_WRITE, command_on_socket);
    loop_at_free(run->loop, &run->at_free, command_at_free);
    return 0;
}

/* ---- start and stop ---- */

static uint64_t command_seconds(int64_t us)
{
    return us > 0 ? (uint64_t)((us + US_PER_S - 1) / US_PER_S) : 0;
}

static int command_make_spec(struct command_run *run, const char *const *argv,
                             const char *const *env, struct error *e)
{
    const struct config_agent *agent = run->request->agent;
    struct shim_spec spec = {
        .argv = argv,
        .env = env,
        .directory = agent->working_directory.s.p,
        .grace_us = agent->limits.grace,
        .limits = { [SHIM_LIMIT_CPU] = command_seconds(agent->limits.cpu),
                    [SHIM_LIMIT_FILES] = agent->limits.files,
                    [SHIM_LIMIT_FILE_SIZE] = agent->limits.file_size },
    };
    run->spec = BUF_INIT(SHIM_MAX_SPEC + 4);
    shim_spec_encode(&run->spec, &spec);
    if (!buf_ok(&run->spec))
        return error_set(e, ERROR_LIMIT, "arguments and environment are larger than %zu bytes",
                         SHIM_MAX_SPEC);
    return 0;
}

static int command_begin(struct command_run *run, const struct agents_env *env, struct error *e)
{
    const char *const *variables = command_env(run->arena, run->request);
    struct command_call call;
    run->refused_kind = "spawn";
    if (command_call_make(run->arena, run->request, variables, loop_clock(run->loop), &call,
                          &run->refused_kind, e) != 0)
        return -1;
    run->file = call.file;
    run->refused_kind = "spawn";
    if (command_make_spec(run, call.argv, variables, e) != 0 ||
        command_spawn(run, env, call.input, e) != 0)
        return -1;
    run->refused_kind = NULL;
    return 0;
}

static struct run *command_start(void *ctx, const struct run_request *request,
                                 const struct run_events *events, struct error *e)
{
    const struct agents_env *env = ctx;
    struct command_run *run = xalloc(sizeof(*run));
    size_t limit = request->agent->limits.output;
    (void)e; /* what is wrong comes with done, which has a kind for it */
    run->events = *events;
    run->request = request;
    run->loop = env->loop;
    run->arena = arena_new(0);
    run->socket = -1;
    run->reports = BUF_INIT(4 * KIB);
    output_init_limit(&run->out, limit ? limit : COMMAND_OUTPUT);
    output_init(&run->err, 0, COMMAND_STDERR);
    if (command_begin(run, env, &run->refused) != 0)
        loop_later(run->loop, &run->later, command_refuse);
    return (struct run *)run;
}

static void command_stop(struct run *r, enum run_stop why)
{
    struct command_run *run = (struct command_run *)r;
    if (!run->child)
        return; /* it is told at the end of this turn */
    if (!run->leader_gone) {
        run->stopping = true;
        run->why = why;
        loop_timer_set(run->loop, &run->timer,
                       run->request->agent->limits.grace + COMMAND_BEYOND_US, command_on_timer);
    }
    child_signal(run->child, SIGTERM, false);
}

const struct runner_kind command_kind = {
    .type = CONFIG_COMMAND,
    .word = "command",
    .start = command_start,
    .stop = command_stop,
};
