/* What the files of prepare share. Nobody else includes it. */
#ifndef KERYX_AGENTS_PREPARE_INSIDE_H
#define KERYX_AGENTS_PREPARE_INSIDE_H

#include "agents/prepare.h"

/* One agent being made ready. */
struct preparing {
    struct arena *arena;
    const struct config *config;
    const struct config_agent *agent;
    struct prepared_agent *out;
    struct config_problems *problems;
};

/* A problem at `pos`, or at the agent when that is unknown: "agents.NAME.KEY: text". */
void prepare_problem(struct preparing *p, bool warning, struct config_pos pos, const char *fmt, ...)
    printf_like(4, 5);
/* Compiles a text; NULL, and a problem that names `key`, when it does not compile. NULL for an unset
   one. The template is freed with the arena. */
struct template *prepare_template(struct preparing *p, const struct config_text *text,
                                  const char *key);
/* The same for what goes to a model as its instruction: data of strangers in it is a problem. */
struct template *prepare_trusted(struct preparing *p, const struct config_text *text,
                                 const char *key);
/* own where anything of it is set, else what the file says for all. */
struct http_egress prepare_egress(struct arena *a, const struct config_egress *own,
                                  const struct config_egress *all);

/* agents/prepare_llm.c */
void prepare_llm(struct preparing *p);
/* The text of the named skills, one after the other. */
struct str prepare_skills(struct preparing *p, const struct config_texts *names, const char *key);

#endif
