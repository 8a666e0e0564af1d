/* `transform:` — an object of templates that becomes a JSON value: every text in it is a template and
   gives a string, everything else stays as it is. */
#ifndef KERYX_NOTIFIERS_TRANSFORM_H
#define KERYX_NOTIFIERS_TRANSFORM_H

#include "config/config.h"
#include "templates/template.h"

struct transform;

struct transform_options {
    struct arena *arena; /* where the result lives */
    enum template_dialect dialect;
    const struct template_partials *partials;
    struct config_problems *problems;
    const char *where; /* "agents.a.notifications[0]", for messages */
};

/* NULL after a problem (all of them are told). */
struct transform *transform_compile(const struct config_node *node,
                                    const struct transform_options *o);
/* The value in `a`. A failing template names its key. */
int transform_render(const struct transform *t, const struct json *data,
                     const struct template_options *o, struct arena *a, struct json **out,
                     struct error *e) must_check;

#endif
