/* Literals of the go dialect: numbers, characters, strings. */
#ifndef KERYX_TEMPLATES_GO_LITERAL_H
#define KERYX_TEMPLATES_GO_LITERAL_H

#include "templates/go_lex.h"

/* The value of a GO_NUMBER, GO_CHAR, GO_STRING, GO_RAW or GO_BOOL token, in `a`; NULL and a
   positioned error. Integers are decimal text within int64, floats Go's %v form. */
const struct json *go_literal(struct arena *a, const struct go_token *t,
                              struct error *e) must_check;

#endif
