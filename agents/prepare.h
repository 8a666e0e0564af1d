/* What the agents of one configuration need to run, made once at load (PART_AGENTS).

   struct prepared ── agents[] (as config.agents) ─┬─ models[]    the llm and its fallbacks
                                                   ├─ triggers[]  (as config_agent.triggers)
                                                   └─ templates of instruction, http, session_args
   All of it lives in the arena of the part and is read only. */
#ifndef KERYX_AGENTS_PREPARE_H
#define KERYX_AGENTS_PREPARE_H

#include "base/json.h"
#include "base/jsonpath.h"
#include "engine/runner.h"
#include "http/client.h"
#include "templates/template.h"

struct prepared_model {
    const struct config_llm *llm;
    struct http_egress egress;
};

/* What a trigger adds to the agent's instruction. */
struct prepared_trigger {
    struct template *suffix; /* system_prompt_suffix; NULL = none */
    struct str skills;       /* text of its skills; empty = none */
};

struct prepared_header {
    struct str name;
    struct template *value;
};

struct prepared_agent {
    const struct config_agent *agent;
    struct prepared_trigger *triggers;
    /* llm */
    struct template *instruction; /* NULL = none */
    struct str skills;
    struct prepared_model *models; /* in the order they are tried */
    size_t n_models;
    struct str no_model;       /* n_models == 0: a sentence that says what to set */
    const struct json *schema; /* structured_output as it goes to a model; NULL = none */
    struct str schema_name;
    bool schema_strict;
    /* http */
    struct template *url, *body;
    struct prepared_header *headers;
    size_t n_headers;
    bool body_json; /* Content-Type of the request is JSON */
    const struct jsonpath *result;
    struct http_egress egress;
    /* command */
    struct template **session_args; /* as config_agent.session_args */
};

extern const struct part_maker agents_part;

/* What was made of the agent of that request. */
const struct prepared_agent *prepare_find(const struct run_request *r);
const struct prepared_trigger *prepare_find_trigger(const struct run_request *r); /* may be NULL */

/* The data that instruction, suffix and session_args see: .agent .trigger .now .scheduled_at
   .session_id; nothing that strangers wrote. */
struct json *prepare_data(struct arena *a, const struct run_request *r, const struct clock *clock);
/* Renders into the arena. `what` begins the error's text. NULL template: the empty text. */
int prepare_render(struct arena *a, const struct template *t, const struct json *data,
                   const struct template_options *o, struct str *out, struct error *e) must_check;

#endif
