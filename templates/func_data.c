/* Numbers, lists, objects, and bytes as text. */
#include "templates/func.h"

#include "base/crypto.h"

#include <math.h>

static int integer_result(const struct call *c, bool overflow, int64_t n, const struct json **out)
{
    if (overflow)
        return func_fail(c, "the result overflows a 64-bit integer");
    *out = json_i64(run_arena(c->r), n);
    return 0;
}

int func_int(const struct call *c, const struct json **out)
{
    return integer_result(c, false, func_integer(c, 0), out);
}

int func_float64(const struct call *c, const struct json **out)
{
    struct str text = str_trim(func_text(c, 0));
    double d = json_number_valid(text) ? json_number_double(text) : 0;
    *out = value_float(run_arena(c->r), isfinite(d) ? d : 0);
    return 0;
}

int func_add(const struct call *c, const struct json **out)
{
    int64_t sum = 0;
    bool overflow = false;
    for (uint32_t i = 0; i < c->n; i++)
        overflow |= __builtin_add_overflow(sum, func_integer(c, i), &sum);
    return integer_result(c, overflow, sum, out);
}

int func_sub(const struct call *c, const struct json **out)
{
    int64_t n;
    bool overflow = __builtin_sub_overflow(func_integer(c, 0), func_integer(c, 1), &n);
    return integer_result(c, overflow, n, out);
}

int func_mul(const struct call *c, const struct json **out)
{
    int64_t product = 1;
    bool overflow = false;
    for (uint32_t i = 0; i < c->n; i++)
        overflow |= __builtin_mul_overflow(product, func_integer(c, i), &product);
    return integer_result(c, overflow, product, out);
}

int func_div(const struct call *c, const struct json **out)
{
    int64_t a = func_integer(c, 0), b = func_integer(c, 1);
    if (b == 0)
        return func_fail(c, "division by zero");
    bool overflow = a == INT64_MIN && b == -1;
    return integer_result(c, overflow, overflow ? 0 : a / b, out);
}

int func_mod(const struct call *c, const struct json **out)
{
    int64_t a = func_integer(c, 0), b = func_integer(c, 1);
    if (b == 0)
        return func_fail(c, "division by zero");
    return integer_result(c, false, b == -1 ? 0 : a % b, out);
}

static struct json *copy_of(const struct call *c, const struct json *v)
{
    return json_alias(run_arena(c->r), value_is_nil(v) ? &value_nil : v);
}

int func_list_of(const struct call *c, const struct json **out)
{
    struct json *list = json_list(run_arena(c->r));
    for (uint32_t i = 0; i < c->n; i++)
        json_add(run_arena(c->r), list, copy_of(c, c->args[i]));
    *out = list;
    return 0;
}

int func_dict(const struct call *c, const struct json **out)
{
    struct json *object = json_object(run_arena(c->r));
    for (uint32_t i = 0; i < c->n; i += 2)
        json_put(run_arena(c->r), object, func_text(c, i),
                 copy_of(c, i + 1 < c->n ? c->args[i + 1] : &value_empty));
    *out = object;
    return 0;
}

static int want_object(const struct call *c, uint32_t i)
{
    const struct json *v = c->args[i];
    if (value_is_nil(v) || v->type == JSON_OBJECT)
        return 0;
    return func_fail(c, "wants an object, got %s", value_type(v));
}

/* Sprig's: a missing key gives "". */
int func_get(const struct call *c, const struct json **out)
{
    if (want_object(c, 0) < 0)
        return -1;
    *out = json_get(c->args[0], func_text(c, 1));
    if (!*out)
        *out = &value_empty;
    return 0;
}

int func_has_key(const struct call *c, const struct json **out)
{
    if (want_object(c, 0) < 0)
        return -1;
    *out = value_bool(json_get(c->args[0], func_text(c, 1)) != NULL);
    return 0;
}

/* dig "a" "b" default object */
int func_dig(const struct call *c, const struct json **out)
{
    const struct json *v = c->args[c->n - 1];
    for (uint32_t i = 0; i + 2 < c->n && v; i++)
        v = json_get(v, func_text(c, i));
    *out = v ? v : c->args[c->n - 2];
    return 0;
}

/* In byte order: Sprig's order is random, which helps nobody. */
int func_keys(const struct call *c, const struct json **out)
{
    struct arena *a = run_arena(c->r);
    struct json *list = json_list(a);
    for (uint32_t i = 0; i < c->n; i++) {
        size_t n = 0;
        if (want_object(c, i) < 0)
            return -1;
        struct value_member *m = value_is_nil(c->args[i]) ? NULL : value_members(a, c->args[i], &n);
        for (size_t k = 0; k < n; k++)
            json_add(a, list, json_str(a, m[k].key));
    }
    *out = list;
    return 0;
}

int func_first(const struct call *c, const struct json **out)
{
    const struct json *list;
    if (func_list(c, 0, &list) < 0)
        return -1;
    *out = list->child;
    return 0;
}

int func_last(const struct call *c, const struct json **out)
{
    const struct json *list;
    if (func_list(c, 0, &list) < 0)
        return -1;
    *out = list->count ? list->last : NULL;
    return 0;
}

/* Equal = the same JSON. */
int func_uniq(const struct call *c, const struct json **out)
{
    const struct json *list;
    struct arena *a = run_arena(c->r);
    if (func_list(c, 0, &list) < 0)
        return -1;
    struct json *result = json_list(a);
    struct map *seen = map_new(false);
    uint32_t i = 0;
    for (const struct json *v = list->child; i < list->count; i++, v = v->next) {
        auto_buf text = BUF_INIT(TEMPLATE_MAX_OUTPUT);
        json_write(&text, v, JSON_SORT_KEYS);
        if (!map_put(seen, buf_view(&text), result))
            json_add(a, result, json_alias(a, v));
    }
    map_free(seen);
    *out = result;
    return 0;
}

int func_sha256sum(const struct call *c, const struct json **out)
{
    uint8_t digest[CRYPTO_MAX_DIGEST];
    auto_buf text = BUF_INIT((size_t)2 * CRYPTO_MAX_DIGEST);
    crypto_digest(CRYPTO_SHA256, func_text(c, 0), digest);
    hex_encode(&text, digest, crypto_hash_size(CRYPTO_SHA256));
    *out = func_string(c, buf_view(&text));
    return 0;
}

int func_b64enc(const struct call *c, const struct json **out)
{
    struct str s = func_text(c, 0);
    auto_buf text = BUF_INIT(s.n * 2 + 8);
    base64_encode(&text, s.p, s.n);
    *out = func_string(c, buf_view(&text));
    return 0;
}

int func_b64dec(const struct call *c, const struct json **out)
{
    struct str s = str_trim(func_text(c, 0));
    auto_buf text = BUF_INIT(s.n + 8);
    if (base64_decode(&text, s) < 0)
        return func_fail(c, "the text is not base64");
    *out = func_string(c, buf_view(&text));
    return 0;
}
