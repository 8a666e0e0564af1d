/* Agents of type llm: a conversation with a model behind one of several wire forms. A wire form is a
   row of functions; it knows bytes, the loop in llm.c knows tries, waits, fallbacks and results.

   struct llm_ask     what is asked; one a run, changed between tries only by wire->adapt
   struct llm_answer  what came back, in no provider's words */
#ifndef KERYX_AGENTS_LLM_H
#define KERYX_AGENTS_LLM_H

#include "agents/prompt.h"
#include "config/config.h"
#include "engine/runner.h"
#include "http/message.h"

/* What a server did not want to be asked with; it is left out from then on. */
enum llm_without {
    LLM_WITHOUT_MAX_TOKENS = 1, /* openai: max_completion_tokens instead */
    LLM_WITHOUT_TEMPERATURE = 2,
    LLM_WITHOUT_STREAM_OPTIONS = 4,
    LLM_WITHOUT_STREAM = 8,
};

struct llm_ask {
    const struct config_llm *llm;
    const struct prompt *prompt;
    unsigned max_tokens;
    const struct json *schema; /* structured output; NULL = text */
    struct str schema_name;
    bool schema_strict;
    unsigned without; /* enum llm_without */
};

#define LLM_MAX_HEADERS 4
struct llm_request {
    struct str url;
    struct http_header headers[LLM_MAX_HEADERS]; /* beside Content-Type and Accept */
    size_t n_headers;
    struct str body;
};

struct llm_answer {
    struct str text;
    bool truncated;                /* it ended for want of tokens */
    bool refused;                  /* by the model or its filter; text says why, or is empty */
    int64_t tokens_in, tokens_out; /* -1 = unknown */
};

/* A streamed answer on its way. */
struct llm_partial {
    struct buf text, refusal;
    struct str finish;             /* in the run's arena */
    int64_t tokens_in, tokens_out; /* -1 = unknown */
    bool done;                     /* the wire's own end mark was seen */
};

struct llm_wire {
    enum config_provider provider;
    const char *name;
    const char *base_url; /* when the llm has none */
    const char *key_name; /* usual name of the variable of its key; NULL = needs none there */
    /* Everything lies in the arena. -1 when it is too large. */
    int (*request)(struct arena *a, const struct llm_ask *ask, struct llm_request *out,
                   struct error *e);
    /* A whole answer. -1: it is none, and why. */
    int (*answer)(struct arena *a, struct str body, struct llm_answer *out, struct error *e);
    /* The data of one server-sent event: adds to *p. -1: the server reports an error inside the
       stream, or it is no such event; *retryable. */
    int (*event)(struct arena *a, struct str data, struct llm_partial *p, bool *retryable,
                 struct error *e);
    /* The stream has ended: what it came to. -1: it was cut. */
    int (*end)(struct arena *a, const struct llm_partial *p, struct llm_answer *out,
               struct error *e);
    /* What an error answer says, for people; STR_NULL when it says nothing. *quota: waiting will not
       help. */
    struct str (*why)(struct arena *a, struct str body, bool *quota);
    /* An error answer to `ask`: true when it was changed and shall be asked again at once. */
    bool (*adapt)(struct arena *a, int status, struct str body, struct llm_ask *ask);
};

extern const struct llm_wire llm_openai;

/* The wire form of an llm, or NULL when this version has none; *why then says so. */
const struct llm_wire *llm_wire_of(const struct config_llm *llm, const char **why);

extern const struct runner_kind llm_kind;

#endif
