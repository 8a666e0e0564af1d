/* Tree to text, without recursion: a built tree may be deeper than any parsed one. Numbers and raw
   strings go out as they came in. */
#include "base/json.h"

#include "base/json_inside.h"

/* Levels that need no allocation. */
#define FIRST_LEVELS 32

/* A member with its decoded key, for sorting. */
struct sorted {
    struct str key;
    uint32_t place; /* equal keys keep their order */
    const struct json *member;
};

/* A list or object that is being written. */
struct level {
    const struct json *box;
    const struct json *next; /* child to write, in the order of the source */
    struct sorted *sorted;   /* or in this order; NULL without JSON_SORT_KEYS */
    uint32_t done;
};

struct writer {
    struct buf *out;
    unsigned style;
    struct level *levels;
    size_t depth, cap;
    struct level first[FIRST_LEVELS];
    struct arena *keys; /* decoded keys; NULL until there is one */
};

static int sorted_cmp(const void *a, const void *b)
{
    const struct sorted *x = a, *y = b;
    int order = str_cmp(x->key, y->key);
    if (order)
        return order;
    return x->place < y->place ? -1 : 1;
}

static struct sorted *sort_members(struct writer *w, const struct json *object)
{
    struct sorted *sorted = xalloc(object->count * sizeof(*sorted));
    const struct json *member = object->child;
    for (uint32_t i = 0; i < object->count; i++, member = member->next) {
        if (member->flags & JSON_KEY_ESCAPED && !w->keys)
            w->keys = arena_new(0);
        sorted[i] = (struct sorted){ json_key_text(w->keys, member), i, member };
    }
    qsort(sorted, object->count, sizeof(*sorted), sorted_cmp);
    return sorted;
}

static void level_push(struct writer *w, const struct json *box)
{
    if (w->depth == w->cap) {
        struct level *old = w->levels == w->first ? NULL : w->levels;
        w->cap *= 2;
        w->levels = xrealloc(old, w->cap * sizeof(*w->levels));
        if (!old)
            memcpy(w->levels, w->first, sizeof(w->first));
    }
    bool sort = box->type == JSON_OBJECT && w->style & JSON_SORT_KEYS && box->count > 1;
    w->levels[w->depth++] = (struct level){
        .box = box,
        .next = box->child,
        .sorted = sort ? sort_members(w, box) : NULL,
    };
}

static void write_string(struct writer *w, struct str s, unsigned escaped)
{
    buf_char(w->out, '"');
    json_write_inside(w->out, s, escaped ? JSON_ESCAPED : 0, w->style);
    buf_char(w->out, '"');
}

/* A scalar, an empty list or object, or the bracket that opens one. */
static void write_value(struct writer *w, const struct json *v)
{
    switch ((enum json_type)v->type) {
    case JSON_NULL:
        buf_str(w->out, STR("null"));
        break;
    case JSON_FALSE:
        buf_str(w->out, STR("false"));
        break;
    case JSON_TRUE:
        buf_str(w->out, STR("true"));
        break;
    case JSON_NUMBER:
        buf_str(w->out, v->text);
        break;
    case JSON_STRING:
        if (v->flags & JSON_RAW)
            buf_str(w->out, v->text);
        else
            write_string(w, v->text, v->flags & JSON_ESCAPED);
        break;
    case JSON_LIST:
    case JSON_OBJECT:
        if (v->count == 0) {
            buf_str(w->out, v->type == JSON_OBJECT ? STR("{}") : STR("[]"));
            break;
        }
        buf_char(w->out, v->type == JSON_OBJECT ? '{' : '[');
        level_push(w, v);
        break;
    }
}

static void new_line(struct writer *w)
{
    if (!(w->style & JSON_PRETTY))
        return;
    buf_char(w->out, '\n');
    for (size_t i = 0; i < w->depth; i++)
        buf_str(w->out, STR("  "));
}

/* The next child of the innermost list or object, or its end. */
static void write_step(struct writer *w)
{
    struct level *level = &w->levels[w->depth - 1];
    const struct json *box = level->box;
    if (level->done == box->count) {
        free(level->sorted);
        w->depth--;
        new_line(w);
        buf_char(w->out, box->type == JSON_OBJECT ? '}' : ']');
        return;
    }
    const struct json *child = level->next;
    if (level->sorted)
        child = level->sorted[level->done].member;
    level->next = child->next;
    if (level->done++)
        buf_char(w->out, ',');
    new_line(w);
    if (box->type == JSON_OBJECT) {
        write_string(w, child->key, child->flags & JSON_KEY_ESCAPED);
        buf_str(w->out, w->style & JSON_PRETTY ? STR(": ") : STR(":"));
    }
    write_value(w, child);
}

void json_write(struct buf *out, const struct json *v, unsigned style)
{
    struct writer w = { .out = out, .style = style, .cap = FIRST_LEVELS };
    w.levels = w.first;
    if (v)
        write_value(&w, v);
    else
        buf_str(out, STR("null"));
    while (w.depth && buf_ok(out))
        write_step(&w);
    while (w.depth)
        free(w.levels[--w.depth].sorted);
    if (w.levels != w.first)
        free(w.levels);
    arena_free(w.keys);
}
