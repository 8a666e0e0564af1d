/* One rendering: the interpreter of the tree in program.h and what functions may use of it. Steps,
   output, scratch memory and nesting are bounded, so nothing a stranger's data says can hold the
   loop. */
#ifndef KERYX_TEMPLATES_RUN_H
#define KERYX_TEMPLATES_RUN_H

#include "templates/escape.h"
#include "templates/program.h"
#include "templates/value.h"

/* Lists of nodes inside one another while running: TEMPLATE_MAX_NESTING calls, each with some
   blocks. */
#define RUN_MAX_DEPTH 512
/* Everything a rendering may allocate for values of its own. */
#define RUN_MAX_SCRATCH (32 * MIB)

/* The data context: mustache searches it outwards, go uses the inner value as dot. */
struct scope {
    const struct json *value;
    const struct scope *up;
};

/* Arguments of the parents being rendered, innermost first. */
struct overrides {
    const struct node *blocks;
    const struct overrides *up;
};

struct run {
    const struct template *t;
    const struct template_options *o;
    const struct json *root;
    struct buf *out;
    size_t start; /* of our output in `out` */
    size_t max_output;
    struct arena *arena; /* made when first needed: run_arena() */
    struct buf text;     /* composite values before they are escaped */
    const struct json **variables;
    const struct overrides *overrides;
    struct str indent;
    unsigned steps; /* used */
    unsigned calls, depth;
    enum escape_place place;
    unsigned quiet; /* > 0: a condition is evaluated, missing fields are not worth a warning */
    struct error *e;
};

/* Renders the main body. -1 and a positioned error. */
int run_template(struct run *r) must_check;

/* Scratch memory of the rendering. */
struct arena *run_arena(struct run *r);
/* Uses up steps; -1 and an error when there are none left. */
int run_charge(struct run *r, size_t steps, const struct expr *at) must_check;
/* What a list of nodes came to. */
enum run_flow { RUN_FAILED = -1, RUN_ON, RUN_BREAK, RUN_CONTINUE };
/* Runs a list. */
enum run_flow run_list(struct run *r, const struct node *first, const struct scope *s);
/* Runs a body with variables of its own and `data` as `$`. */
enum run_flow run_body(struct run *r, const struct node *at, const struct body *b,
                       const struct scope *s);
/* Writes text of the template / a value's text, escaped by where it stands unless raw. */
int run_write(struct run *r, const struct node *at, struct str text) must_check;
int run_print(struct run *r, const struct node *at, struct str text) must_check;
/* Sections, partials, parents, blocks (run_mustache.c). */
enum run_flow run_mustache(struct run *r, const struct node *n, const struct scope *s);
/* Text with the indentation of standalone partials in front of its lines. */
int run_mustache_text(struct run *r, const struct node *n) must_check;

/* The value of an expression; NULL = missing. */
int run_value(struct run *r, const struct expr *x, const struct scope *s,
              const struct json **out) must_check;
/* The same as the condition of if, with, range or a section: missing fields are no warning. */
int run_condition(struct run *r, const struct expr *x, const struct scope *s,
                  const struct json **out) must_check;
/* Sets a positioned error. Returns -1. */
int run_fail_at(struct run *r, const struct node *at, const char *what);
int run_fail(struct run *r, const struct expr *at, const char *fmt, ...) printf_like(3, 4);
/* Whether a missing field is an error or Go's <no value>: then nil is as strict as in Go. */
static inline bool run_strict(const struct run *r)
{
    return r->o->missing == TEMPLATE_MISSING_GO || r->o->missing == TEMPLATE_MISSING_ERROR;
}

#endif
