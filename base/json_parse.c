/* Text to tree in one pass, without recursion: while a list or object is open, its `next` points to
   the one around it, so depth costs no stack. Strings and numbers are checked here and decoded
   elsewhere, when somebody asks. */
#include "base/json.h"

#include "base/json_inside.h"

/* Nodes are taken from the arena in blocks: 64 of 64 bytes is one page. */
#define BLOCK_NODES 64

struct parser {
    struct arena *arena;
    const char *begin; /* after a BOM */
    const char *end;
    struct json *node, *node_end; /* unused part of the current block */
    size_t left_nodes;            /* until the limit */
    unsigned left_depth;          /* the same for lists and objects inside each other */
    struct json *open;            /* innermost list or object that is not closed yet */
    bool blanks;                  /* met outside strings */
    const char *wrong;            /* what failed, */
    const char *wrong_at;         /* where, */
    enum error_code code;         /* and how */
};

/* Always NULL, so that a reader can return it as its "no position". */
static const char *parse_fail(struct parser *x, const char *at, const char *wrong)
{
    x->wrong = wrong;
    x->wrong_at = at;
    x->code = ERROR_INVALID;
    return NULL;
}

static const char *parse_limit(struct parser *x, const char *at, const char *wrong)
{
    parse_fail(x, at, wrong);
    x->code = ERROR_LIMIT;
    return NULL;
}

static inline const char *skip_blanks(struct parser *x, const char *p)
{
    while (p < x->end && (unsigned char)*p <= ' ') {
        if (*p != ' ' && *p != '\n' && *p != '\r' && *p != '\t')
            break;
        x->blanks = true;
        p++;
    }
    return p;
}

static struct json *node_new(struct parser *x, const char *at)
{
    if (x->left_nodes == 0) {
        parse_limit(x, at, "too many values");
        return NULL;
    }
    x->left_nodes--;
    if (x->node == x->node_end) {
        /* the shortest value and its comma take two bytes: never more nodes than can come */
        size_t n = MIN((size_t)(x->end - at) / 2 + 1, BLOCK_NODES);
        x->node = ARENA_ARRAY(x->arena, struct json, n);
        x->node_end = x->node + n;
    }
    return x->node++;
}

/* Past the escape whose backslash is at p. */
static const char *read_escape(struct parser *x, const char *p)
{
    const char *at = p++;
    if (p == x->end)
        return parse_fail(x, p, "unexpected end of the text inside a string");
    if (*p == 'u') {
        if (json_hex4(p + 1, x->end) < 0)
            return parse_fail(x, at, "an escape \\u needs four hex digits");
        return p + 5;
    }
    if (!*p || !strchr("\"\\/bfnrt", *p))
        return parse_fail(x, at,
                          "unknown escape, expected one of \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\u");
    return p + 1;
}

/* Past the closing quote; p is after the opening one. */
static const char *read_string(struct parser *x, const char *p, bool *escaped)
{
    *escaped = false;
    for (;;) {
        p = json_plain_end(p, x->end);
        if (p == x->end)
            return parse_fail(x, p, "unexpected end of the text inside a string");
        if (*p == '"')
            return p + 1;
        if (*p == '\\') {
            *escaped = true;
            p = read_escape(x, p);
            if (!p)
                return NULL;
            continue;
        }
        if ((unsigned char)*p < 0x20)
            return parse_fail(x, p, "control character in a string, expected an escape");
        while (p < x->end && (unsigned char)*p >= 0x80) {
            size_t n = str_utf8_len((struct str){ p, (size_t)(x->end - p) }, 0);
            if (n == 0)
                return parse_fail(x, p, "invalid UTF-8 in a string");
            p += n;
        }
    }
}

static const char *read_word(struct parser *x, const char *p, struct json *v, enum json_type type)
{
    static const struct str words[] = {
        [JSON_NULL] = STR("null"),
        [JSON_FALSE] = STR("false"),
        [JSON_TRUE] = STR("true"),
    };
    struct str word = words[type];
    if ((size_t)(x->end - p) < word.n || memcmp(p, word.p, word.n) != 0)
        return parse_fail(x, p, "unknown word, expected null, true or false");
    v->type = (uint8_t)type;
    v->text = (struct str){ p, word.n };
    return p + word.n;
}

static const char *read_number(struct parser *x, const char *p, struct json *v)
{
    bool ok;
    const char *to = json_number_end(p, x->end, &ok);
    if (!ok)
        return parse_fail(x, to, "malformed number, expected a digit");
    v->type = JSON_NUMBER;
    v->text = (struct str){ p, (size_t)(to - p) };
    if (to < x->end && *to >= '0' && *to <= '9')
        return parse_fail(x, p, "malformed number, leading zeros are not allowed");
    return to;
}

/* Past the value's text, or past the bracket that opens it. */
static const char *read_value(struct parser *x, const char *p, struct json *v)
{
    bool escaped;
    const char *to;
    switch (*p) {
    case '"':
        to = read_string(x, p + 1, &escaped);
        if (!to)
            return NULL;
        v->type = JSON_STRING;
        v->flags |= escaped ? JSON_ESCAPED : 0;
        v->text = (struct str){ p + 1, (size_t)(to - p) - 2 };
        return to;
    case '{':
    case '[':
        v->type = *p == '{' ? JSON_OBJECT : JSON_LIST;
        v->text.p = p;
        return p + 1;
    case 'n':
        return read_word(x, p, v, JSON_NULL);
    case 'f':
        return read_word(x, p, v, JSON_FALSE);
    case 't':
        return read_word(x, p, v, JSON_TRUE);
    case '-':
    case '0' ... '9':
        return read_number(x, p, v);
    default:
        return parse_fail(x, p, "unexpected character, expected a value");
    }
}

/* Past the colon and the blanks behind it. */
static const char *read_key(struct parser *x, const char *p, struct json *member)
{
    bool escaped;
    if (*p != '"')
        return parse_fail(x, p, "expected a member's name in double quotes");
    const char *to = read_string(x, p + 1, &escaped);
    if (!to)
        return NULL;
    member->key = (struct str){ p + 1, (size_t)(to - p) - 2 };
    member->flags |= escaped ? JSON_KEY_ESCAPED : 0;
    p = skip_blanks(x, to);
    if (p == x->end || *p != ':')
        return parse_fail(x, p, "expected ':' after a member's name");
    return skip_blanks(x, p + 1);
}

static inline void attach(struct json *parent, struct json *child)
{
    child->flags |= JSON_PLACED;
    if (parent->last)
        parent->last->next = child;
    else
        parent->child = child;
    parent->last = child;
    parent->count++;
}

/* One value, with the key before it inside an object. A list or object is open afterwards. */
static const char *read_child(struct parser *x, const char *p, struct json **out)
{
    if (p == x->end)
        return parse_fail(x, p, "unexpected end of the text, expected a value");
    struct json *v = node_new(x, p);
    if (!v)
        return NULL;
    struct json *parent = x->open;
    if (parent && parent->type == JSON_OBJECT) {
        p = read_key(x, p, v);
        if (!p)
            return NULL;
        if (p == x->end)
            return parse_fail(x, p, "unexpected end of the text, expected a value");
    }
    const char *at = p;
    p = read_value(x, p, v);
    if (!p)
        return NULL;
    if (parent)
        attach(parent, v);
    if (v->type >= JSON_LIST) {
        if (x->left_depth == 0)
            return parse_limit(x, at, "lists and objects are nested too deep");
        x->left_depth--;
        v->next = parent;
        x->open = v;
    }
    *out = v;
    return p;
}

/* Past the bracket at p, which closes the innermost list or object. */
static const char *close_innermost(struct parser *x, const char *p)
{
    struct json *box = x->open;
    box->text.n = (size_t)(p + 1 - box->text.p);
    x->open = box->next;
    box->next = NULL;
    x->left_depth++;
    return p + 1;
}

/* From behind `v` to the next value, closing what closes on the way; nothing is open any more when
   the root is complete. */
static const char *read_between(struct parser *x, const char *p, const struct json *v)
{
    bool fresh = v == x->open;
    while (x->open) {
        bool object = x->open->type == JSON_OBJECT;
        p = skip_blanks(x, p);
        if (p < x->end && *p == (object ? '}' : ']')) {
            p = close_innermost(x, p);
            fresh = false;
            continue;
        }
        if (fresh)
            return p;
        if (p < x->end && *p == ',')
            return skip_blanks(x, p + 1);
        if (p == x->end)
            return parse_fail(x, p,
                              object ? "unexpected end of the text, expected ',' or '}'"
                                     : "unexpected end of the text, expected ',' or ']'");
        return parse_fail(x, p,
                          object ? "expected ',' or '}' after a member"
                                 : "expected ',' or ']' after an item");
    }
    return p;
}

/* The whole text, or NULL with the reason in x. */
static struct json *parse_tree(struct parser *x)
{
    struct json *root = NULL, *v = NULL;
    const char *p = skip_blanks(x, x->begin);
    do {
        p = read_child(x, p, &v);
        if (!p)
            return NULL;
        root = root ? root : v;
        p = read_between(x, p, v);
    } while (p && x->open);
    if (!p)
        return NULL;
    p = skip_blanks(x, p);
    if (p != x->end) {
        parse_fail(x, p, "unexpected text after the value");
        return NULL;
    }
    if (!x->blanks)
        root->flags |= JSON_TIGHT;
    return root;
}

/* The place for people: lines end with LF, columns count characters. */
static void report(const struct parser *x, struct error *e)
{
    unsigned line = 1, column = 1;
    for (const char *p = x->begin; p < x->wrong_at; p++) {
        if (*p == '\n') {
            line++;
            column = 1;
        } else if (((unsigned char)*p & 0xc0) != 0x80) {
            column++;
        }
    }
    error_at(e, line, column, "%s", x->wrong);
    if (e)
        e->code = x->code;
}

struct json *json_parse(struct arena *a, struct str source, const struct json_limits *limits,
                        struct error *e)
{
    static const char nothing[1];
    struct parser x = {
        .arena = a,
        .begin = source.n ? source.p : nothing,
        .left_nodes = limits && limits->max_nodes ? limits->max_nodes : JSON_MAX_NODES,
        .left_depth = limits && limits->max_depth ? limits->max_depth : JSON_MAX_DEPTH,
    };
    x.end = x.begin + source.n;
    if (str_starts(source, STR("\xef\xbb\xbf")))
        x.begin += 3;
    struct json *root = parse_tree(&x);
    if (!root)
        report(&x, e);
    return root;
}
