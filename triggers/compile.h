/* What compiling a schedule and compiling a webhook have in common: problems that name the trigger's key,
   templates with the shared ones of `templates:`. */
#ifndef KERYX_TRIGGERS_COMPILE_H
#define KERYX_TRIGGERS_COMPILE_H

#include "config/config.h"
#include "templates/template.h"

struct compile {
    struct arena *arena; /* the generation's */
    const struct config *config;
    const struct config_agent *agent;
    const struct config_trigger *trigger;
    struct config_problems *problems;
};

/* "agents.daily.trigger.KEY: …" */
void compile_problem(const struct compile *c, bool warning, struct config_pos pos, const char *key,
                     const char *fmt, ...) printf_like(5, 6);
/* NULL when the text is not set, or does not compile (a problem then). The caller frees it. */
struct template *compile_template(const struct compile *c, enum template_dialect dialect,
                                  const struct config_text *text, const char *key);

#endif
