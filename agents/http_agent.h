/* An agent that is another HTTP service: one request; 202 with Location is polled. */
#ifndef KERYX_AGENTS_HTTP_AGENT_H
#define KERYX_AGENTS_HTTP_AGENT_H

#include "engine/runner.h"

extern const struct runner_kind http_agent_kind;

#endif
