/* The compilers of the dialects other than go, and the choice of `engine: auto`. */
#ifndef KERYX_TEMPLATES_DIALECT_H
#define KERYX_TEMPLATES_DIALECT_H

#include "templates/program.h"

/* Compiles a source into `into`; the source must live as long as the template. -1 and a positioned
   error. */
int mustache_compile(struct compiler *c, struct str source, struct body *into) must_check;
int dot_compile(struct compiler *c, struct str source, struct body *into) must_check;

/* TEMPLATE_GO or TEMPLATE_MUSTACHE for a source of unknown dialect. */
enum template_dialect dialect_guess(struct str source);

#endif
