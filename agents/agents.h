/* The kinds of agents, as one table, and what they need to run.

   agents_kinds[] ── llm      a conversation with a model (llm.c, one file a wire form)
                  ── command  a program below a shim (command.c, shim.c)
                  ── http     one request to another service (http_agent.c)
                  ── echo     the input itself
   agents_part    ── struct prepared: what each agent of a configuration needs (prepare.h) */
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
    const char *self; /* path of this program, for the shim of command agents */
};

/* Compiles what agents of a config need (instructions, http bodies, session_args) and checks it. */
extern const struct part_maker agents_part;

/* What a run that was asked to stop says of its end. Static texts. */
struct run_error agents_stopped(enum run_stop why);

/* Ends what a keryx that died has left behind: shims without their keryx, and processes of ours whose
   environment has KERYX_TASK_ID but that no shim looks after any more. Never this process or those it
   descends from, nor one with a terminal. Waits for their end, at most some 3 s; at once when there
   are none. Returns how many processes it found. To be called once the store's lock is held and before
   the engine starts. */
size_t agents_sweep(void);

#endif
