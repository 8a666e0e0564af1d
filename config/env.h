/* Variables for `${NAME}`: the process environment first, then the `.env` beside the config file. */
#ifndef KERYX_CONFIG_ENV_H
#define KERYX_CONFIG_ENV_H

#include "config/config.h"

#define ENV_MAX_FILE (1 * MIB)
#define ENV_MAX_TEXT (16 * MIB) /* of one expanded value */

struct env;

struct env *env_new(void) must_check;
void env_free(struct env *env); /* NULL is fine; wipes the values */
/* Reads KEY=VALUE lines: blank lines, # comments, `export `, '…' (as it is), "…" (\n \t \" \\ \$).
   No commands, no ${…}. Malformed lines are problems without a place that name label and line. */
void env_read(struct env *env, struct str text, const char *label,
              struct config_problems *problems);
/* The same of a file; one that does not exist is no problem. */
void env_read_file(struct env *env, const char *path, struct config_problems *problems);
/* The value or NULL. Lives until the environment changes or env is freed. */
const char *env_get(const struct env *env, struct str name);

/* What happened in one text. */
struct env_expansion {
    struct str text; /* in the arena, or the text given when nothing changed */
    bool changed;    /* a ${NAME} or $$ was replaced */
    bool variable;   /* a ${NAME} was replaced */
    bool secret;     /* by a variable whose name says that it is a secret */
    /* Called for each variable that is unset (left = false) and each ${ that is not ours and stays
       (left = true); what: the name or the piece; line and column of the $ in the text, 1-based. */
    void (*report)(void *ctx, struct str what, bool left, unsigned line, unsigned column);
    void *ctx;
};

/* ${NAME} and ${NAME:-default} (for unset or empty), $$ = $; $NAME, ${{ … }} and ${x%%.*} stay. One
   pass: what comes out is not looked at again. */
void env_expand(const struct env *env, struct arena *arena, struct str text,
                struct env_expansion *out);
/* API_KEY, GITHUB_TOKEN, … */
bool env_name_is_secret(struct str name);

#endif
