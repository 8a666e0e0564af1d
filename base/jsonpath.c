/* A path is a list of names; a name of digits may also be an index. Compiling checks everything, so
   looking up cannot fail but only find nothing. */
#include "base/jsonpath.h"

#define MAX_SEGMENTS 32

struct segment {
    struct str name;
    uint64_t index;
    bool numeric;
};

struct jsonpath {
    size_t n;
    struct segment segments[MAX_SEGMENTS];
};

struct compiler {
    struct arena *arena;
    struct str text;
    size_t at;
    struct jsonpath *path;
    struct error *error;
};

/* The place is the byte `at`, as a column of characters. */
static int compile_fail(struct compiler *c, size_t at, const char *wrong)
{
    unsigned column = 1;
    for (size_t i = 0; i < at && i < c->text.n; i++)
        column += ((unsigned char)c->text.p[i] & 0xc0) != 0x80;
    return error_at(c->error, 1, column, "%s", wrong);
}

/* '\0' at the end; a NUL in the text is no name character either, so nothing confuses the two. */
static char peek(const struct compiler *c)
{
    return c->at < c->text.n ? c->text.p[c->at] : '\0';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_name_char(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c && strchr("_@$-", c));
}

/* An index is written in one way only: "007" is a name. */
static bool index_of(struct str text, uint64_t *index)
{
    if (text.n > 1 && text.p[0] == '0')
        return false;
    return str_u64(text, index) == 0;
}

static int add_segment(struct compiler *c, size_t at, struct segment segment)
{
    if (c->path->n == MAX_SEGMENTS)
        return compile_fail(c, at, "the path has too many segments, expected at most 32");
    c->path->segments[c->path->n++] = segment;
    return 0;
}

static int read_name(struct compiler *c)
{
    size_t from = c->at;
    while (is_name_char(peek(c)))
        c->at++;
    if (c->at == from)
        return compile_fail(c, from,
                            "expected a name of letters, digits, _ @ $ -, or [\"name\"] or [0]");
    struct segment s = { .name = arena_str(c->arena, str_sub(c->text, from, c->at - from)) };
    s.numeric = index_of(s.name, &s.index);
    return add_segment(c, from, s);
}

/* After '[': digits. */
static int read_index(struct compiler *c)
{
    size_t from = c->at;
    while (is_digit(peek(c)))
        c->at++;
    if (c->at == from)
        return compile_fail(c, from, "expected an index or a name in double quotes after '['");
    struct segment s = { .name = arena_str(c->arena, str_sub(c->text, from, c->at - from)) };
    s.numeric = index_of(s.name, &s.index);
    if (!s.numeric)
        return compile_fail(c, from, "expected an index without leading zeros that fits 64 bits");
    return add_segment(c, from, s);
}

/* After '[': a JSON string. */
static int read_quoted(struct compiler *c)
{
    size_t from = c->at++;
    while (c->at < c->text.n && peek(c) != '"')
        c->at += peek(c) == '\\' ? 2 : 1;
    if (c->at >= c->text.n)
        return compile_fail(c, from, "expected a closing '\"'");
    c->at++;
    struct error e = ERROR_INIT;
    const struct json *name =
        json_parse(c->arena, arena_str(c->arena, str_sub(c->text, from, c->at - from)), NULL, &e);
    if (!name) {
        compile_fail(c, from, e.text);
        if (c->error)
            c->error->column += e.column - 1;
        return -1;
    }
    return add_segment(c, from, (struct segment){ .name = json_text(c->arena, name) });
}

static int read_bracket(struct compiler *c)
{
    c->at++;
    if ((peek(c) == '"' ? read_quoted(c) : read_index(c)) < 0)
        return -1;
    if (peek(c) != ']')
        return compile_fail(c, c->at, "expected ']'");
    c->at++;
    return 0;
}

static int compile(struct compiler *c)
{
    if (c->text.n == 0)
        return compile_fail(c, 0, "the path is empty, expected a name");
    if (str_eq(c->text, STR(".")))
        return 0; /* the root */
    if (peek(c) == '.')
        c->at++;
    if ((peek(c) == '[' ? read_bracket(c) : read_name(c)) < 0)
        return -1;
    while (c->at < c->text.n) {
        int done;
        if (peek(c) == '[') {
            done = read_bracket(c);
        } else if (peek(c) == '.') {
            c->at++;
            done = read_name(c);
        } else {
            done = compile_fail(c, c->at, "unexpected character, expected '.' or '['");
        }
        if (done < 0)
            return -1;
    }
    return 0;
}

struct jsonpath *jsonpath_compile(struct arena *a, struct str text, struct error *e)
{
    struct compiler c = { .arena = a, .text = text, .error = e };
    c.path = ARENA_NEW(a, struct jsonpath);
    return compile(&c) < 0 ? NULL : c.path;
}

const struct json *jsonpath_find(const struct jsonpath *path, const struct json *root)
{
    const struct json *v = root;
    for (size_t i = 0; v && i < path->n; i++) {
        const struct segment *s = &path->segments[i];
        if (v->type == JSON_LIST)
            v = s->numeric ? json_at(v, s->index) : NULL;
        else
            v = json_get(v, s->name);
    }
    return v;
}
