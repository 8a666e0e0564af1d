/* echo: returns the rendered input. The agent of the tests and of the README. */
#include "agents/echo.h"

#include "agents/agents.h"

struct echo_run {
    struct run_events events;
    const struct run_request *request;
    struct loop *loop;
    struct loop_task later;
};

static void echo_done(struct loop_task *t)
{
    struct echo_run *run = container_of(t, struct echo_run, later);
    struct run_outcome outcome = {
        .ok = true,
        .result = run->request->task->input,
        .tokens_in = -1,
        .tokens_out = -1,
        .cost_usd = -1,
    };
    run->events.done(run->events.ctx, &outcome);
    free(run);
}

static struct run *echo_start(void *env, const struct run_request *request,
                              const struct run_events *events, struct error *e)
{
    (void)e;
    const struct agents_env *agents = env;
    struct echo_run *run = xalloc(sizeof(*run));
    run->events = *events;
    run->request = request;
    run->loop = agents->loop;
    loop_later(run->loop, &run->later, echo_done);
    return (struct run *)run;
}

static void echo_stop(struct run *run, enum run_stop why)
{
    (void)run;
    (void)why; /* it ends this turn of the loop anyway */
}

const struct runner_kind echo_kind = {
    .type = CONFIG_ECHO,
    .word = "echo",
    .start = echo_start,
    .stop = echo_stop,
};
