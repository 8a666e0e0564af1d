/* What values are to a template: truth, types, text. */
#include "templates/value.h"

#include <math.h>
#include <stdio.h>

_Static_assert(!((JSON_ESCAPED | JSON_KEY_ESCAPED | JSON_FOLD | JSON_RAW | JSON_PLACED |
                  JSON_SHARED | JSON_TIGHT) &
                 VALUE_FLOAT),
               "the bit of VALUE_FLOAT is taken");

const struct json value_nil = { .type = JSON_NULL, .text = { "null", 4 } };
const struct json value_true = { .type = JSON_TRUE, .text = { "true", 4 } };
const struct json value_false = { .type = JSON_FALSE, .text = { "false", 5 } };
const struct json value_empty = { .type = JSON_STRING, .text = { "", 0 } };

bool value_is_float(const struct json *v)
{
    if (v->flags & VALUE_FLOAT)
        return true;
    for (size_t i = 0; i < v->text.n; i++) {
        char c = v->text.p[i];
        if (c == '.' || c == 'e' || c == 'E')
            return true;
    }
    return false;
}

static bool number_truth(struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c == 'e' || c == 'E')
            return false;
        if (c >= '1' && c <= '9')
            return true;
    }
    return false;
}

bool value_truth(const struct json *v)
{
    if (!v)
        return false;
    switch ((enum json_type)v->type) {
    case JSON_NULL:
    case JSON_FALSE:
        return false;
    case JSON_TRUE:
        return true;
    case JSON_NUMBER:
        return number_truth(v->text);
    case JSON_STRING:
        return v->text.n > 0;
    case JSON_LIST:
    case JSON_OBJECT:
        return v->count > 0;
    }
    return false;
}

const char *value_type(const struct json *v)
{
    if (!v)
        return "<nil>";
    switch ((enum json_type)v->type) {
    case JSON_NULL:
        return "<nil>";
    case JSON_FALSE:
    case JSON_TRUE:
        return "bool";
    case JSON_NUMBER:
        return value_is_float(v) ? "float64" : "int";
    case JSON_STRING:
        return "string";
    case JSON_LIST:
        return "[]interface {}";
    case JSON_OBJECT:
        return "map[string]interface {}";
    }
    return "";
}

struct sortable {
    struct value_member member;
    uint32_t place;
};

static int sortable_cmp(const void *a, const void *b)
{
    const struct sortable *x = a, *y = b;
    int order = str_cmp(x->member.key, y->member.key);
    if (order)
        return order;
    return x->place < y->place ? -1 : 1;
}

struct value_member *value_members(struct arena *a, const struct json *object, size_t *count)
{
    struct sortable *all = ARENA_ARRAY(a, struct sortable, object->count);
    struct value_member *out = ARENA_ARRAY(a, struct value_member, object->count);
    uint32_t i = 0;
    for (const struct json *m = object->child; i < object->count; i++, m = m->next)
        all[i] = (struct sortable){ { json_key_text(a, m), m }, i };
    qsort(all, object->count, sizeof(*all), sortable_cmp);
    *count = 0;
    for (i = 0; i < object->count; i++) {
        if (i + 1 < object->count && str_eq(all[i].member.key, all[i + 1].member.key))
            continue;
        out[(*count)++] = all[i].member;
    }
    return out;
}

static void print_children(struct buf *out, struct arena *a, const struct json *v)
{
    if (v->type == JSON_LIST) {
        uint32_t i = 0;
        buf_char(out, '[');
        for (const struct json *item = v->child; i < v->count; i++, item = item->next) {
            if (i)
                buf_char(out, ' ');
            value_print(out, a, item);
        }
        buf_char(out, ']');
        return;
    }
    size_t n;
    struct value_member *members = value_members(a, v, &n);
    buf_str(out, STR("map["));
    for (size_t i = 0; i < n; i++) {
        if (i)
            buf_char(out, ' ');
        buf_str(out, members[i].key);
        buf_char(out, ':');
        value_print(out, a, members[i].value);
    }
    buf_char(out, ']');
}

/* Depth is bounded by JSON_MAX_DEPTH for data; what a template builds itself is one level a step of
   its own nesting. */
void value_print(struct buf *out, struct arena *a, const struct json *v)
{
    if (value_is_nil(v))
        buf_str(out, STR("<nil>"));
    else if (v->type == JSON_LIST || v->type == JSON_OBJECT)
        print_children(out, a, v);
    else
        buf_str(out, json_text(a, v));
}

static bool has_escapes(const struct json *v)
{
    uint32_t i = 0;
    if ((v->type == JSON_STRING && v->flags & JSON_ESCAPED) || v->flags & JSON_KEY_ESCAPED)
        return true;
    if (v->type != JSON_LIST && v->type != JSON_OBJECT)
        return false;
    for (const struct json *m = v->child; i < v->count; i++, m = m->next) {
        if (has_escapes(m))
            return true;
    }
    return false;
}

static struct json *decoded_copy(struct arena *a, const struct json *v)
{
    if (v->type != JSON_LIST && v->type != JSON_OBJECT)
        return v->type == JSON_STRING ? json_str(a, json_text(a, v)) : json_alias(a, v);
    struct json *copy = v->type == JSON_LIST ? json_list(a) : json_object(a);
    uint32_t i = 0;
    for (const struct json *m = v->child; i < v->count; i++, m = m->next) {
        struct json *child = has_escapes(m) ? decoded_copy(a, m) : json_alias(a, m);
        if (v->type == JSON_LIST)
            json_add(a, copy, child);
        else
            json_put(a, copy, json_key_text(a, m), child);
    }
    return copy;
}

const struct json *value_decoded(struct arena *a, const struct json *v)
{
    return has_escapes(v) ? decoded_copy(a, v) : v;
}

/* Digits (without point) and decimal exponent of the shortest %e form that reads back. */
static size_t shortest(double d, char digits[20], int *exponent)
{
    char text[48];
    for (int precision = 0; precision <= 16; precision++) {
        snprintf(text, sizeof(text), "%.*e", precision, d);
        if (precision == 16 || strtod(text, NULL) == d)
            break;
    }
    size_t n = 0;
    const char *p = text;
    for (; *p && *p != 'e'; p++) {
        if (*p >= '0' && *p <= '9')
            digits[n++] = *p;
    }
    int64_t e = 0;
    if (*p == 'e')
        (void)!str_i64(str_of(p[1] == '+' ? p + 2 : p + 1), &e);
    *exponent = (int)e;
    return n;
}

const char *value_format_double(double d, bool json, char text[VALUE_NUMBER_TEXT])
{
    if (isnan(d))
        return "NaN";
    if (isinf(d))
        return d < 0 ? "-Inf" : "+Inf";
    char digits[20] = { 0 };
    int exponent = 0;
    const char *sign = signbit(d) ? "-" : "";
    int n = (int)shortest(fabs(d), digits, &exponent);
    /* strconv's 'g' turns to exponents at 1e6 and below 1e-4; encoding/json at 1e21 and below
       1e-6. */
    bool scientific = exponent < (json ? -6 : -4) || exponent >= (json ? 21 : 6);
    if (scientific) {
        const char *zero = !json && abs(exponent) < 10 ? "0" : "";
        snprintf(text, VALUE_NUMBER_TEXT, "%s%c%s%.*se%c%s%d", sign, digits[0], n > 1 ? "." : "",
                 n - 1, digits + 1, exponent < 0 ? '-' : '+', zero, abs(exponent));
    } else if (exponent < 0) {
        snprintf(text, VALUE_NUMBER_TEXT, "%s0.%.*s%.*s", sign, -exponent - 1, "000000", n, digits);
    } else if (n <= exponent + 1) {
        snprintf(text, VALUE_NUMBER_TEXT, "%s%.*s%.*s", sign, n, digits, exponent + 1 - n,
                 "0000000000000000000000");
    } else {
        snprintf(text, VALUE_NUMBER_TEXT, "%s%.*s.%.*s", sign, exponent + 1, digits,
                 n - exponent - 1, digits + exponent + 1);
    }
    return text;
}

const struct json *value_float(struct arena *a, double d)
{
    char text[VALUE_NUMBER_TEXT];
    struct json *v = json_str(a, str_of(value_format_double(d, false, text)));
    v->type = JSON_NUMBER;
    v->flags |= VALUE_FLOAT;
    return v;
}

static struct json *number_as_go(struct arena *a, struct str text, bool json)
{
    char shortest_text[VALUE_NUMBER_TEXT];
    double d = json_number_double(text);
    struct json *v = json_str(a, str_of(value_format_double(d, json, shortest_text)));
    v->type = JSON_NUMBER;
    if (!json)
        v->flags |= VALUE_FLOAT;
    return v;
}

const struct json *value_as_go(struct arena *a, const struct json *v, bool json)
{
    if (!v || v->type < JSON_NUMBER || v->type == JSON_STRING)
        return v;
    if (v->type == JSON_NUMBER)
        return value_is_float(v) || !json ? number_as_go(a, v->text, json) : v;
    struct json *copy = v->type == JSON_LIST ? json_list(a) : json_object(a);
    uint32_t i = 0;
    for (const struct json *m = v->child; i < v->count; i++, m = m->next) {
        struct json *child = json_alias(a, value_as_go(a, m, json));
        if (v->type == JSON_LIST)
            json_add(a, copy, child);
        else
            json_put(a, copy, json_key_text(a, m), child);
    }
    copy->flags |= v->flags & JSON_FOLD;
    return copy;
}
