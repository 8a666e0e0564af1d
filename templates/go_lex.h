/* Tokens of the go dialect. */
#ifndef KERYX_TEMPLATES_GO_LEX_H
#define KERYX_TEMPLATES_GO_LEX_H

#include "templates/program.h"

enum go_token_kind {
    GO_END, /* of the source */
    GO_TEXT,
    GO_LEFT,  /* {{ */
    GO_RIGHT, /* }} */
    GO_SPACE,
    GO_NAME,    /* a function */
    GO_KEYWORD, /* if, range, … (see GO_KEYWORDS) */
    GO_BOOL,
    GO_NIL,
    GO_DOT,
    GO_FIELD,    /* .name, .0 after another one */
    GO_VARIABLE, /* $, $name */
    GO_NUMBER,
    GO_CHAR,   /* 'x' */
    GO_STRING, /* "…" with its quotes, or \"…\" */
    GO_RAW,    /* `…` */
    GO_ASSIGN,
    GO_DECLARE,
    GO_PIPE,
    GO_OPEN,
    GO_CLOSE,
    GO_COMMA,
};

enum go_keyword {
    GO_BLOCK,
    GO_BREAK,
    GO_CONTINUE,
    GO_DEFINE,
    GO_ELSE,
    GO_ENDS, /* the word `end` */
    GO_IF,
    GO_RANGE,
    GO_TEMPLATE,
    GO_WITH,
    GO_NO_KEYWORD,
};

struct go_token {
    enum go_token_kind kind;
    enum go_keyword keyword;
    struct str text;
    struct place place;
};

struct go_tokens {
    struct go_token *all; /* ends with GO_END */
    size_t n;
    bool tags; /* there was an action or a comment */
};

/* Tokens in `scratch`. A comment gives no token. -1 and a positioned error. */
int go_lex(struct arena *scratch, struct str source, struct go_tokens *out,
           struct error *e) must_check;
/* GO_NO_KEYWORD when it is none. */
enum go_keyword go_lex_keyword(struct str word);

#endif
