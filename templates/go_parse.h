/* The parser of the go dialect: go_parse.c knows controls and bodies, go_pipe.c what is inside an
   action. */
#ifndef KERYX_TEMPLATES_GO_PARSE_H
#define KERYX_TEMPLATES_GO_PARSE_H

#include "templates/go_lex.h"

/* A {{template}} whose body may be defined later, or be a shared one. */
struct go_pending {
    struct go_pending *next;
    struct node *node;
    struct str name;
};

struct go_parser {
    struct compiler *c;
    struct template *t;
    struct str source;
    struct go_tokens tokens;
    size_t at;
    /* Variables in scope, innermost last; the place in here is the slot. */
    struct str variables[PROGRAM_MAX_SLOTS];
    unsigned n_variables, max_variables;
    unsigned ranges;  /* open {{range}}s */
    unsigned nesting; /* open controls and parentheses */
    bool root;        /* dot may be the root here */
    struct go_pending *pending, **last_pending;
};

/* Parses a whole source into `into` and its {{define}}s into bodies of their own. The source must
   live as long as the template. -1 and a positioned error. */
int go_parse(struct compiler *c, struct str source, struct body *into) must_check;

/* go_parse.c for go_pipe.c */
const struct go_token *go_parse_peek(const struct go_parser *p);
const struct go_token *go_parse_next(struct go_parser *p);
void go_parse_skip_space(struct go_parser *p);
int go_parse_unexpected(struct go_parser *p, const struct go_token *t, const char *where);
int go_parse_enter(struct go_parser *p, const struct go_token *t) must_check;

/* Parses a pipeline up to a token of kind `end` (GO_RIGHT or GO_CLOSE), which is consumed. `what`
   names it in messages; two variables are allowed when it is "range". NULL and an error. */
struct expr *go_pipe(struct go_parser *p, const char *what, enum go_token_kind end) must_check;

#endif
