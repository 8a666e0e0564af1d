/* The kinds of agents. */
#include "agents/agents.h"

#include "agents/command.h"
#include "agents/echo.h"
#include "agents/http_agent.h"
#include "agents/llm.h"

const struct runner_kind *const agents_kinds[] = {
    &llm_kind, &command_kind, &http_agent_kind, &echo_kind, NULL,
};
