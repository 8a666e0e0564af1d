/* The one small tree that the three dialects compile to, and what a compiler needs to grow it. A
   template owns bodies (its main text, its `define`s, its partials); a body is a list of nodes; a
   node may hold expressions and further lists. All of it lives in the template's arena and never
   changes after template_compile(). run.h walks it. */
#ifndef KERYX_TEMPLATES_PROGRAM_H
#define KERYX_TEMPLATES_PROGRAM_H

#include "templates/template.h"

#include "base/map.h"

#define PROGRAM_MAX_BODIES 256 /* partials and `define`s of one template */
#define PROGRAM_MAX_ARGS   64  /* of one call */
#define PROGRAM_MAX_SLOTS  256 /* variables of one body */

struct func;

/* One name of a path. */
struct step {
    struct str key;
    struct str other; /* the other spelling it may have in the root ("AgentName"); empty = none */
    uint32_t index;   /* when numeric: the place in a list */
    bool numeric;
    bool fold_next; /* the root's headers: the name after it is looked up without case */
};

struct path {
    struct str text; /* "body.order.id", for messages */
    const struct step *steps;
    uint32_t n;
};

enum expr_kind {
    EXPR_CONSTANT, /* constant */
    EXPR_DOT,
    EXPR_VARIABLE, /* slots[0] */
    EXPR_FIELD,    /* path below base; base NULL = dot */
    EXPR_NAME,     /* mustache: path's first name is searched from the inner context outwards */
    EXPR_CALL,     /* func of args */
    EXPR_SET,      /* stores base's value in slots, gives the value */
    EXPR_FAIL,     /* fails with text when it is reached */
};

struct expr {
    enum expr_kind kind;
    bool unwrap; /* FIELD: base is a pipeline in parentheses, whose null counts as missing */
    bool piped;  /* CALL: the last argument is the stage before it, which comes first */
    uint8_t n_slots;
    uint16_t slots[2];
    uint32_t line, column;
    struct path path;
    const struct expr *base;
    const struct json *constant;
    const struct func *func;
    const struct expr *const *args;
    uint32_t n_args;
    struct str text; /* FAIL: why */
};

enum node_kind {
    NODE_TEXT,
    NODE_PRINT,
    NODE_EVALUATE, /* an action that only sets a variable */
    NODE_IF,
    NODE_WITH,
    NODE_RANGE,
    NODE_BREAK,
    NODE_CONTINUE,
    NODE_CALL,    /* callee with value as its data */
    NODE_SECTION, /* mustache from here on */
    NODE_INVERTED,
    NODE_PARTIAL, /* callee, or the body that value names */
    NODE_PARENT,  /* the same, with blocks in `body` as arguments */
    NODE_BLOCK,
    NODE_LINE,  /* a line that does not begin with text: prints the indentation */
    NODE_WHOLE, /* dot: the whole data, indented and cut */
};

struct node {
    enum node_kind kind;
    bool raw;         /* PRINT: not for HTML or URL escaping ({{{x}}}, | urlquery) */
    bool line_start;  /* TEXT, BLOCK: first on a line of the source (for indentation) */
    bool own_lines;   /* BLOCK: body starts on a line of its own */
    bool standalone;  /* PARTIAL, PARENT: alone on its line, so `indent` applies */
    uint8_t after[3]; /* TEXT: JSON place after it, by the place before it (escape.h) */
    uint32_t line, column;
    struct node *next;
    struct str text; /* TEXT: what to print; others: the tag as written; BLOCK: its name */
    struct str indent;
    const struct expr *value;
    struct node *body, *otherwise;
    struct body *callee;
};

/* A named list of nodes: the main text, a `define`, a partial. */
struct body {
    struct str name;
    struct node *first;
    unsigned slots; /* variables; slot 0 is `$` */
    bool defined;   /* has been given nodes */
    struct str source;
    struct body *next; /* all of a template, in the order of appearance */
};

struct path_use {
    struct path_use *next;
    struct str path;
};

struct template
{
    struct arena *arena;
    enum template_dialect dialect;
    struct str source;
    struct body *main;
    struct map *bodies; /* by name, without main */
    struct body *first_body, **last_body;
    struct path_use *paths, **last_path;
    unsigned n_bodies;
    bool dynamic;
};

/* What is needed only while compiling. */
struct compiler {
    struct template *t;
    struct arena *scratch;
    const struct template_partials *partials; /* may be NULL */
    struct error *e;
};

/* A place in a source, moved forward only: line and column (in characters) of every tag for one
   pass over the text. */
struct place {
    size_t at;
    uint32_t line, column;
};
#define PLACE_START ((struct place){ 0, 1, 1 })
/* Moves p to offset `to`, not before p->at. */
void program_place(struct str source, struct place *p, size_t to);

/* Whether a source may be compiled: its size, well-formed UTF-8. -1 and an error. */
int program_check(struct str source, struct error *e) must_check;

/* A list of nodes under construction. */
struct node_list {
    struct node *first, **last;
};
void program_list_init(struct node_list *l);
/* Appends a new node. */
struct node *program_node(struct template *t, struct node_list *l, enum node_kind kind,
                          const struct place *p);
/* Appends text (not copied: it must live as long as the template). */
struct node *program_text(struct template *t, struct node_list *l, struct str text,
                          const struct place *p);
struct expr *program_expr(struct template *t, enum expr_kind kind, const struct place *p);
/* "a.b.0" without a leading dot; "" and "." have no steps. Names are copied. */
struct path program_path(struct template *t, struct str text);
/* One name of a path, not copied. */
struct step program_step(struct str name);
/* Notes a look-up from the root for template_each_path(). */
void program_uses(struct template *t, struct str path);
/* The body of that name, made when there is none; NULL and an error when there are too many. */
struct body *program_body(struct compiler *c, struct str name) must_check;

#endif
