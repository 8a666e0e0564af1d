/* One verb of printf and the value it prints. */
#ifndef KERYX_TEMPLATES_VERB_H
#define KERYX_TEMPLATES_VERB_H

#include "templates/func.h"

#define VERB_MAX_WIDTH 10000 /* and precision */

struct verb {
    const struct call *c;
    struct buf *out;
    bool minus, plus, sharp, space, zero;
    bool has_width, has_precision;
    int width, precision;
    char verb; /* 0: none */
};

/* Writes value (NULL = missing) as v says; lists and objects element by element. What the verb does
   not take is written as Go does: %!d(string=a). */
void verb_format(const struct verb *v, const struct json *value);

#endif
