/* Comparison: Go's rules about what may be compared, but numbers of any form by their exact value
   (5 and 5.0 are equal, 2^53 and 2^53+1 are not). */
#include "templates/func.h"

enum kind { KIND_NIL, KIND_BOOL, KIND_NUMBER, KIND_STRING, KIND_BOX };

static enum kind kind_of(const struct json *v)
{
    if (value_is_nil(v))
        return KIND_NIL;
    switch ((enum json_type)v->type) {
    case JSON_FALSE:
    case JSON_TRUE:
        return KIND_BOOL;
    case JSON_NUMBER:
        return KIND_NUMBER;
    case JSON_STRING:
        return KIND_STRING;
    default:
        return KIND_BOX;
    }
}

/* Conformance rendering only: data are floats then, and Go does not compare them with integers. */
static bool go_mismatch(const struct call *c, const struct json *a, const struct json *b)
{
    return c->r->o->go_numbers && value_is_float(a) != value_is_float(b);
}

static int mismatch(const struct call *c, const struct json *a, const struct json *b)
{
    return func_fail(c, "cannot compare values of types %s and %s", value_type(a), value_type(b));
}

static int number_cmp(const struct json *a, const struct json *b)
{
    return str_eq(a->text, b->text) ? 0 : json_number_cmp(a->text, b->text);
}

static int equal(const struct call *c, const struct json *a, const struct json *b, bool *out)
{
    enum kind ka = kind_of(a), kb = kind_of(b);
    struct arena *arena;
    *out = false;
    if (ka == KIND_NIL || kb == KIND_NIL) {
        *out = ka == kb;
        return 0;
    }
    if (ka != kb)
        return mismatch(c, a, b);
    switch (ka) {
    case KIND_BOOL:
        *out = a->type == b->type;
        return 0;
    case KIND_NUMBER:
        if (go_mismatch(c, a, b))
            return mismatch(c, a, b);
        *out = number_cmp(a, b) == 0;
        return 0;
    case KIND_STRING:
        if (!((a->flags | b->flags) & JSON_ESCAPED)) {
            *out = str_eq(a->text, b->text);
            return 0;
        }
        arena = run_arena(c->r);
        *out = str_eq(json_text(arena, a), json_text(arena, b));
        return 0;
    default:
        return func_fail(c, "values of type %s cannot be compared", value_type(a));
    }
}

int func_eq(const struct call *c, const struct json **out)
{
    bool same = false;
    if (c->n < 2)
        return func_fail(c, "there is nothing to compare with");
    for (uint32_t i = 1; i < c->n && !same; i++) {
        if (equal(c, c->args[0], c->args[i], &same) < 0)
            return -1;
    }
    *out = value_bool(same);
    return 0;
}

int func_ne(const struct call *c, const struct json **out)
{
    bool same;
    if (equal(c, c->args[0], c->args[1], &same) < 0)
        return -1;
    *out = value_bool(!same);
    return 0;
}

/* *known: false when one is missing and that is no error: then no order holds. */
static int order(const struct call *c, bool *known, int *result)
{
    const struct json *a = c->args[0], *b = c->args[1];
    enum kind ka = kind_of(a), kb = kind_of(b);
    *known = ka != KIND_NIL && kb != KIND_NIL;
    *result = 0;
    if (!*known)
        return run_strict(c->r) ? func_fail(c, "nil has no order") : 0;
    if (ka == KIND_BOOL || ka == KIND_BOX)
        return func_fail(c, "values of type %s have no order", value_type(a));
    if (ka != kb || (ka == KIND_NUMBER && go_mismatch(c, a, b)))
        return mismatch(c, a, b);
    struct arena *arena = run_arena(c->r);
    *result =
        ka == KIND_NUMBER ? number_cmp(a, b) : str_cmp(json_text(arena, a), json_text(arena, b));
    return 0;
}

int func_lt(const struct call *c, const struct json **out)
{
    bool known;
    int o;
    if (order(c, &known, &o) < 0)
        return -1;
    *out = value_bool(known && o < 0);
    return 0;
}

int func_le(const struct call *c, const struct json **out)
{
    bool known;
    int o;
    if (order(c, &known, &o) < 0)
        return -1;
    *out = value_bool(known && o <= 0);
    return 0;
}

int func_gt(const struct call *c, const struct json **out)
{
    bool known;
    int o;
    if (order(c, &known, &o) < 0)
        return -1;
    *out = value_bool(known && o > 0);
    return 0;
}

int func_ge(const struct call *c, const struct json **out)
{
    bool known;
    int o;
    if (order(c, &known, &o) < 0)
        return -1;
    *out = value_bool(known && o >= 0);
    return 0;
}
