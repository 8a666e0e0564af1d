/* What the tests of templates/ share: render a row and compare. */
#ifndef KERYX_TESTS_UNIT_TEMPLATES_H
#define KERYX_TESTS_UNIT_TEMPLATES_H

#include "templates/template.h"
#include "tests/t.h"

/* One template with its data and what must come out. */
struct row {
    const char *name; /* the promise */
    const char *source, *data;
    const char *want; /* "!text": an error with that in it */
};

struct rendered {
    char *text; /* freed by render_free() */
    struct error e;
    bool compiled, ok;
};

static inline void render_free(struct rendered *r)
{
    free(r->text);
}

static inline struct rendered render_with(enum template_dialect dialect, struct str source,
                                          const struct json *data,
                                          const struct template_partials *partials,
                                          const struct template_options *o)
{
    struct rendered r = { .e = ERROR_INIT };
    struct buf out = BUF_INIT(4 * MIB);
    struct template *t = template_compile(dialect, source, partials, &r.e);
    r.compiled = t != NULL;
    r.ok = t && template_render(t, data, o, &out, &r.e) == 0;
    template_free(t);
    r.text = buf_detach(&out);
    return r;
}

static inline struct rendered render(enum template_dialect dialect, const char *source,
                                     const char *data, const struct template_options *o)
{
    struct arena *a = arena_new(0);
    struct error e = ERROR_INIT;
    struct json *v = data ? json_parse(a, str_of(data), NULL, &e) : NULL;
    if (data && !v)
        T_FAIL("the row's data: %s: %s", e.text, data);
    struct rendered r = render_with(dialect, str_of(source), v, NULL, o);
    arena_free(a);
    return r;
}

static inline void check_row(enum template_dialect dialect, const struct row *row,
                             const struct template_options *o)
{
    ROW(row->name);
    struct rendered r = render(dialect, row->source, row->data, o);
    if (row->want[0] != '!') {
        if (!r.ok)
            T_FAIL("%s\n  failed: %u:%u: %s", row->source, r.e.line, r.e.column, r.e.text);
        else
            CHECK_CSTR(r.text, row->want);
    } else if (r.ok) {
        T_FAIL("%s\n  must fail, gave «%s»", row->source, r.text);
    } else if (!strstr(r.e.text, row->want + 1)) {
        T_FAIL("%s\n  got error «%s», want «%s»", row->source, r.e.text, row->want + 1);
    } else if (r.e.line == 0) {
        T_FAIL("%s\n  the error has no place: %s", row->source, r.e.text);
    }
    render_free(&r);
    ROW("");
}

#define CHECK_ROWS(dialect, rows, options)                  \
    do {                                                    \
        for (size_t t_i = 0; t_i < N_ELEMENTS(rows); t_i++) \
            check_row((dialect), &(rows)[t_i], (options));  \
    } while (0)

/* A whole file, NULL when there is none. free() it. */
static inline char *read_file(const char *path, size_t *n)
{
    FILE *f = fopen(path, "rb");
    struct buf text = BUF_INIT(16 * MIB);
    char chunk[4096];
    if (!f)
        return NULL;
    for (size_t got; (got = fread(chunk, 1, sizeof(chunk), f)) > 0;)
        buf_add(&text, chunk, got);
    fclose(f);
    *n = text.n;
    return buf_detach(&text);
}

#endif
