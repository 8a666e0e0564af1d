/* An agent that is a program: input on stdin, result on stdout, ended with all of its children. */
#ifndef KERYX_AGENTS_COMMAND_H
#define KERYX_AGENTS_COMMAND_H

#include "agents/prepare.h"

extern const struct runner_kind command_kind;

/* The complete environment of a run, NULL-terminated, in the arena: PATH HOME LANG TZ TMPDIR of ours,
   then env and pass_env of the agent, then KERYX_TASK_ID KERYX_AGENT KERYX_TRIGGER KERYX_ATTEMPT
   KERYX_SESSION_ID KERYX_RECEIPT_ID, which nothing overrides. */
const char *const *command_env(struct arena *a, const struct run_request *r);
/* The value of a variable in such a list, or NULL. */
const char *command_env_get(const char *const *env, const char *name);

/* What is started. */
struct command_call {
    const char *const *argv;
    struct str input; /* for stdin */
    char *file;       /* input_via: file: to be removed afterwards; NULL = none */
};
/* -1 when the input cannot be handed over this way; *kind then has the word for the task's error. */
int command_call_make(struct arena *a, const struct run_request *r, const char *const *env,
                      const struct clock *clock, struct command_call *out, const char **kind,
                      struct error *e) must_check;

/* The result that an `output:` takes from stdout. -1: there is none (bad_output). */
struct command_result {
    struct str text;
    bool json;
};
int command_output(struct str output, struct str text, bool truncated, struct command_result *out,
                   struct error *e) must_check;

#endif
