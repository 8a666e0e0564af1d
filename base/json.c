/* The tree itself: reading and building. json_parse.c and json_write.c turn text into it and back,
   json_string.c and json_number.c know what is inside a string and a number. */
#include "base/json.h"

#include "base/json_inside.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

const struct json *json_get(const struct json *v, struct str key)
{
    const struct json *found = NULL;
    if (!v || v->type != JSON_OBJECT)
        return NULL;
    const struct json *member = v->child;
    for (uint32_t i = 0; i < v->count; i++, member = member->next)
        if (json_key_is(member, key, v->flags & JSON_FOLD))
            found = member;
    return found;
}

const struct json *json_at(const struct json *list, size_t index)
{
    if (!list || list->type != JSON_LIST || index >= list->count)
        return NULL;
    const struct json *item = list->child;
    while (index--)
        item = item->next;
    return item;
}

struct str json_get_str(struct arena *a, const struct json *v, const char *key,
                        struct str otherwise)
{
    const struct json *member = json_get(v, str_of(key));
    return member && member->type == JSON_STRING ? json_text(a, member) : otherwise;
}

int json_get_i64(const struct json *v, const char *key, int64_t *out)
{
    const struct json *member = json_get(v, str_of(key));
    if (!member || member->type != JSON_NUMBER)
        return -1;
    return json_number_i64(member->text, out);
}

bool json_get_bool(const struct json *v, const char *key, bool otherwise)
{
    const struct json *member = json_get(v, str_of(key));
    if (!member || (member->type != JSON_TRUE && member->type != JSON_FALSE))
        return otherwise;
    return member->type == JSON_TRUE;
}

static struct json *node(struct arena *a, enum json_type type, struct str text)
{
    struct json *v = ARENA_NEW(a, struct json);
    v->type = (uint8_t)type;
    v->text = text;
    return v;
}

struct json *json_null(struct arena *a)
{
    return node(a, JSON_NULL, STR("null"));
}

struct json *json_bool(struct arena *a, bool b)
{
    return b ? node(a, JSON_TRUE, STR("true")) : node(a, JSON_FALSE, STR("false"));
}

struct json *json_str(struct arena *a, struct str s)
{
    return node(a, JSON_STRING, arena_str(a, s));
}

struct json *json_i64(struct arena *a, int64_t n)
{
    return node(a, JSON_NUMBER, arena_printf(a, "%" PRId64, n));
}

/* printf writes the decimal point of the locale, of any length; JSON knows only '.'. */
static size_t point_fix(char *text, size_t n)
{
    static const char number[] = "0123456789+-e";
    size_t to = 0;
    for (size_t i = 0; i < n; i++) {
        if (memchr(number, text[i], sizeof(number) - 1))
            text[to++] = text[i];
        else if (to && text[to - 1] != '.')
            text[to++] = '.';
    }
    return to;
}

struct json *json_double(struct arena *a, double d)
{
    if (!isfinite(d))
        return json_null(a);
    char text[48];
    size_t n = 0;
    for (int digits = 15; digits <= 17; digits++) {
        n = point_fix(text, (size_t)snprintf(text, sizeof(text), "%.*g", digits, d));
        if (json_number_double((struct str){ text, n }) == d)
            break;
    }
    return json_number(a, (struct str){ text, n });
}

struct json *json_number(struct arena *a, struct str text)
{
    assert(json_number_valid(text));
    return node(a, JSON_NUMBER, arena_str(a, text));
}

struct json *json_list(struct arena *a)
{
    return node(a, JSON_LIST, STR_NULL);
}

struct json *json_object(struct arena *a)
{
    return node(a, JSON_OBJECT, STR_NULL);
}

struct json *json_alias(struct arena *a, const struct json *v)
{
    struct json *copy = ARENA_NEW(a, struct json);
    *copy = *v;
    copy->next = NULL;
    copy->key = STR_NULL;
    copy->flags &= (uint8_t) ~(JSON_KEY_ESCAPED | JSON_PLACED);
    if (copy->child)
        copy->flags |= JSON_SHARED;
    return copy;
}

/* Gives an alias children of its own, so that appending does not reach into somebody else's. */
static void unshare(struct arena *a, struct json *box)
{
    const struct json *from = box->child;
    struct json **to = &box->child;
    for (uint32_t i = 0; i < box->count; i++, from = from->next) {
        struct json *copy = json_alias(a, from);
        copy->key = from->key;
        copy->flags |= from->flags & (JSON_KEY_ESCAPED | JSON_PLACED);
        *to = box->last = copy;
        to = &copy->next;
    }
    box->flags &= (uint8_t)~JSON_SHARED;
}

static struct json *append(struct arena *a, struct json *box, struct json *child, struct str key)
{
    assert(child && child != box);
    if (child->flags & JSON_PLACED)
        child = json_alias(a, child);
    if (box->flags & JSON_SHARED)
        unshare(a, box);
    child->flags |= JSON_PLACED;
    child->key = key;
    if (box->last)
        box->last->next = child;
    else
        box->child = child;
    box->last = child;
    box->count++;
    box->text = STR_NULL; /* the source slice, if there was one, is no longer what this is */
    return child;
}

struct json *json_add(struct arena *a, struct json *list, struct json *item)
{
    assert(list->type == JSON_LIST);
    return append(a, list, item, STR_NULL);
}

struct json *json_put(struct arena *a, struct json *object, struct str key, struct json *value)
{
    assert(object->type == JSON_OBJECT);
    return append(a, object, value, arena_str(a, key));
}

void json_put_str(struct arena *a, struct json *object, const char *key, const char *value)
{
    if (value)
        json_put(a, object, str_of(key), json_str(a, str_of(value)));
}
