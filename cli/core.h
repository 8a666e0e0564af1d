/* The rooms put together: what the daemon and `keryx run` without a daemon have in common. */
#ifndef KERYX_CLI_CORE_H
#define KERYX_CLI_CORE_H

#include "agents/agents.h"
#include "engine/engine.h"
#include "notifiers/notifier.h"

/* A file → a generation; every problem of every room is appended to `out` as printed lines (warnings
   too). NULL when there are errors. */
struct generation *core_load(const char *path, struct buf *out) must_check;

/* Loop, store, http client and engine, made in this order and freed backwards. */
struct core {
    struct loop *loop;
    struct store *store;
    struct http_client *client;
    struct engine *engine;
    struct agents_env agents;
    struct notifiers_env notifiers;
    char self[4096]; /* path of this program */
};

/* Opens the store (ERROR_BUSY: another process has it) and builds the engine, not yet started; single: as in
   engine_options. On failure
   core_close() still has to be called. */
int core_open(struct core *c, struct generation *g, bool single, struct error *e) must_check;
/* Accepts a half-opened core. What was accepted is committed before it returns. */
void core_close(struct core *c);

#endif
