/* The kinds of agents, as one table, and what they need to run. */
#ifndef KERYX_AGENTS_AGENTS_H
#define KERYX_AGENTS_AGENTS_H

#include "engine/runner.h"
#include "http/client.h"

/* NULL-terminated: llm, command, http, echo. */
extern const struct runner_kind *const agents_kinds[];

/* What runner_kind.start is given as env. */
struct agents_env {
    struct loop *loop;
    struct http_client *client;
    const char *self;      /* path of this program, for the shim of command agents */
};

/* Compiles what agents of a config need (instructions, http bodies, session_args) and checks it. */
extern const struct part_maker agents_part;

#endif
