/* The kinds of agents. */
#include "agents/agents.h"

#include "agents/command.h"
#include "agents/echo.h"
#include "agents/http_agent.h"
#include "agents/llm.h"

const struct runner_kind *const agents_kinds[] = {
    &llm_kind, &command_kind, &http_agent_kind, &echo_kind, NULL,
};

struct run_error agents_stopped(enum run_stop why)
{
    static const struct run_error stopped[] = {
        [RUN_STOP_TIMEOUT] = { .kind = "timeout", .message = { "the agent's time is over", 24 } },
        [RUN_STOP_CANCEL] = { .kind = "cancelled", .message = { "cancelled", 9 } },
        [RUN_STOP_SHUTDOWN] = { .kind = "interrupted", .message = { "keryx is stopping", 17 } },
    };
    return stopped[why];
}
