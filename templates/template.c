/* What other rooms call: compile, render, ask. template.h is the contract.

   struct template   owns an arena with the whole tree; immutable, so many renderings may share it.
   struct compiler   (program.h) lives during template_compile() only.
   struct run        (run.h) is one rendering: counters, scratch arena, where the output stands. */
#include "templates/template.h"

#include "templates/dialect.h"
#include "templates/go_parse.h"
#include "templates/run.h"

struct word {
    const char *word;
    int value;
};

static const struct word dialects[] = {
    { "auto", TEMPLATE_AUTO },
    { "go", TEMPLATE_GO },
    { "mustache", TEMPLATE_MUSTACHE },
    { "dot", TEMPLATE_DOT },
};
static const struct word missings[] = {
    { "empty", TEMPLATE_MISSING_EMPTY },
    { "go", TEMPLATE_MISSING_GO },
    { "error", TEMPLATE_MISSING_ERROR },
    { "keep", TEMPLATE_MISSING_KEEP },
};
static const struct word escapes[] = {
    { "none", TEMPLATE_ESCAPE_NONE },
    { "json", TEMPLATE_ESCAPE_JSON },
    { "html", TEMPLATE_ESCAPE_HTML },
    { "url", TEMPLATE_ESCAPE_URL },
};

static int find_word(const struct word *words, size_t n, struct str word)
{
    for (size_t i = 0; i < n; i++) {
        if (str_eq_c(word, words[i].word))
            return words[i].value;
    }
    return -1;
}

const char *template_dialect_word(enum template_dialect d)
{
    for (size_t i = 0; i < N_ELEMENTS(dialects); i++) {
        if (dialects[i].value == (int)d)
            return dialects[i].word;
    }
    return "";
}

int template_dialect_parse(struct str word, enum template_dialect *out)
{
    int found = find_word(dialects, N_ELEMENTS(dialects), word);
    if (found < 0)
        return -1;
    *out = (enum template_dialect)found;
    return 0;
}

int template_missing_parse(struct str word, enum template_missing *out)
{
    int found = find_word(missings, N_ELEMENTS(missings), word);
    if (found < 0)
        return -1;
    *out = (enum template_missing)found;
    return 0;
}

int template_escape_parse(struct str word, enum template_escape *out)
{
    int found = find_word(escapes, N_ELEMENTS(escapes), word);
    if (found < 0)
        return -1;
    *out = (enum template_escape)found;
    return 0;
}

static struct template *template_new(enum template_dialect dialect, struct str source)
{
    struct arena *a = arena_new(MIN(1024 + source.n * 8, 64 * KIB));
    struct template *t = ARENA_NEW(a, struct template);
    t->arena = a;
    t->source = arena_str(a, source);
    t->dialect = dialect == TEMPLATE_AUTO ? dialect_guess(source) : dialect;
    t->main = ARENA_NEW(a, struct body);
    t->bodies = map_new(false);
    t->last_body = &t->first_body;
    t->last_path = &t->paths;
    return t;
}

struct template *template_compile(enum template_dialect dialect, struct str source,
                                  const struct template_partials *partials, struct error *e)
{
    if (program_check(source, e) < 0)
        return NULL;
    struct template *t = template_new(dialect, source);
    struct compiler c = { .t = t, .scratch = arena_new(0), .partials = partials, .e = e };
    int result;
    if (t->dialect == TEMPLATE_GO)
        result = go_parse(&c, t->source, t->main);
    else if (t->dialect == TEMPLATE_MUSTACHE)
        result = mustache_compile(&c, t->source, t->main);
    else
        result = dot_compile(&c, t->source, t->main);
    arena_free(c.scratch);
    if (result == 0)
        return t;
    template_free(t);
    return NULL;
}

void template_free(struct template *t)
{
    if (!t)
        return;
    map_free(t->bodies);
    arena_free(t->arena);
}

enum template_dialect template_dialect(const struct template *t)
{
    return t->dialect;
}

bool template_is_dynamic(const struct template *t)
{
    return t->dynamic;
}

void template_each_path(const struct template *t, void (*fn)(void *ctx, struct str path), void *ctx)
{
    for (const struct path_use *u = t->paths; u; u = u->next)
        fn(ctx, u->path);
}

int template_render(const struct template *t, const struct json *root,
                    const struct template_options *o, struct buf *out, struct error *e)
{
    static const struct template_options defaults = { 0 };
    struct run r = { .t = t, .o = o ? o : &defaults, .root = root, .out = out, .e = e };
    r.start = out->n;
    r.max_output = r.o->max_output ? r.o->max_output : TEMPLATE_MAX_OUTPUT;
    if (r.o->go_numbers)
        r.root = value_as_go(run_arena(&r), root, false);
    int result = run_template(&r);
    buf_release(&r.text);
    arena_free(r.arena);
    return result;
}

bool template_truthy(struct str rendered)
{
    static const char *const untrue[] = { "", "false", "0", "null", "<no value>" };
    rendered = str_trim(rendered);
    for (size_t i = 0; i < N_ELEMENTS(untrue); i++) {
        if (str_eq_c(rendered, untrue[i]))
            return false;
    }
    return true;
}
