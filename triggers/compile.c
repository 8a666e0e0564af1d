/* Problems and templates of one trigger. */
#include "triggers/compile.h"

#include <stdarg.h>

void compile_problem(const struct compile *c, bool warning, struct config_pos pos, const char *key,
                     const char *fmt, ...)
{
    auto_buf text = BUF_INIT(4 * KIB);
    va_list ap;
    va_start(ap, fmt);
    buf_vprintf(&text, fmt, ap);
    va_end(ap);
    config_problem(c->problems, warning, pos.line ? pos : c->trigger->pos, "%s.%s: %" STR_FMT,
                   c->trigger->where, key, STR_ARG(buf_view(&text)));
}

static struct str compile_partial(void *ctx, struct str name)
{
    const struct config *c = ctx;
    for (size_t i = 0; i < c->templates.n; i++) {
        if (str_eq(c->templates.items[i].key, name))
            return c->templates.items[i].value.s;
    }
    return STR_NULL;
}

static bool compile_next_partial(void *ctx, size_t *at, struct str *name)
{
    const struct config *c = ctx;
    if (*at >= c->templates.n)
        return false;
    *name = c->templates.items[(*at)++].key;
    return true;
}

struct template *compile_template(const struct compile *c, enum template_dialect dialect,
                                  const struct config_text *text, const char *key)
{
    struct error e = ERROR_INIT;
    union {
        const struct config *config;
        void *ctx;
    } of = { .config = c->config }; /* the two above only read it */
    const struct template_partials partials = { compile_partial, compile_next_partial, of.ctx };
    if (!text->s.p)
        return NULL;
    struct template *t = template_compile(dialect, text->s, &partials, &e);
    if (!t)
        compile_problem(c, false, config_text_pos(text, e.line, e.column), key, "%s", e.text);
    return t;
}
