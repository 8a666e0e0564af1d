/* The table of functions, and what they share. */
#include "templates/func.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>

/* Sorted by name (strcmp): func_find searches by halves. */
static const struct func funcs[] = {
    { "add", 1, FUNC_ANY, false, false, func_add },
    { "and", 1, FUNC_ANY, true, false, NULL },
    { "b64dec", 1, 1, false, false, func_b64dec },
    { "b64enc", 1, 1, false, false, func_b64enc },
    { "call", 1, FUNC_ANY, false, false, func_call_value },
    { "cat", 0, FUNC_ANY, false, false, func_cat },
    { "coalesce", 0, FUNC_ANY, true, false, func_coalesce },
    { "contains", 2, 2, false, false, func_contains },
    { "date", 2, 2, false, false, func_date },
    { "dateInZone", 3, 3, false, false, func_date_in_zone },
    { "default", 2, 2, true, false, func_default },
    { "dict", 0, FUNC_ANY, false, false, func_dict },
    { "dig", 3, FUNC_ANY, true, false, func_dig },
    { "div", 2, 2, false, false, func_div },
    { "empty", 1, 1, true, false, func_empty },
    { "eq", 1, FUNC_ANY, false, false, func_eq },
    { "first", 1, 1, false, false, func_first },
    { "float64", 1, 1, false, false, func_float64 },
    { "fromJson", 1, 1, false, false, func_from_json },
    { "ge", 2, 2, false, false, func_ge },
    { "get", 2, 2, false, false, func_get },
    { "gt", 2, 2, false, false, func_gt },
    { "hasKey", 2, 2, true, false, func_has_key },
    { "hasPrefix", 2, 2, false, false, func_has_prefix },
    { "hasSuffix", 2, 2, false, false, func_has_suffix },
    { "html", 0, FUNC_ANY, false, true, func_html },
    { "indent", 2, 2, false, false, func_indent },
    { "index", 1, FUNC_ANY, false, false, func_index },
    { "int", 1, 1, false, false, func_int },
    { "join", 2, 2, false, false, func_join },
    { "js", 0, FUNC_ANY, false, true, func_js },
    { "keys", 1, FUNC_ANY, false, false, func_keys },
    { "last", 1, 1, false, false, func_last },
    { "le", 2, 2, false, false, func_le },
    { "len", 1, 1, false, false, func_len },
    { "list", 0, FUNC_ANY, false, false, func_list_of },
    { "lower", 1, 1, false, false, func_lower },
    { "lt", 2, 2, false, false, func_lt },
    { "mod", 2, 2, false, false, func_mod },
    { "mul", 1, FUNC_ANY, false, false, func_mul },
    { "ne", 2, 2, false, false, func_ne },
    { "nindent", 2, 2, false, false, func_nindent },
    { "not", 1, 1, true, false, func_not },
    { "now", 0, 0, false, false, func_now },
    { "or", 1, FUNC_ANY, true, false, NULL },
    { "print", 0, FUNC_ANY, false, false, func_print },
    { "printf", 1, FUNC_ANY, false, false, func_printf },
    { "println", 0, FUNC_ANY, false, false, func_println },
    { "quote", 0, FUNC_ANY, false, false, func_quote },
    { "regexMatch", 2, 2, false, false, func_regex_match },
    { "repeat", 2, 2, false, false, func_repeat },
    { "replace", 3, 3, false, false, func_replace },
    { "sha256sum", 1, 1, false, false, func_sha256sum },
    { "slice", 1, FUNC_ANY, false, false, func_slice },
    { "split", 2, 2, false, false, func_split },
    { "splitList", 2, 2, false, false, func_split },
    { "squote", 0, FUNC_ANY, false, false, func_squote },
    { "sub", 2, 2, false, false, func_sub },
    { "ternary", 3, 3, true, false, func_ternary },
    { "title", 1, 1, false, false, func_title },
    { "toJson", 1, 1, false, false, func_to_json },
    { "toJsonPretty", 1, 1, false, false, func_to_json_pretty },
    { "toPrettyJson", 1, 1, false, false, func_to_json_pretty },
    { "toRawJson", 1, 1, false, false, func_to_json },
    { "toString", 1, 1, false, false, func_to_string },
    { "trim", 1, 1, false, false, func_trim },
    { "trimAll", 2, 2, false, false, func_trim_all },
    { "trimPrefix", 2, 2, false, false, func_trim_prefix },
    { "trimSuffix", 2, 2, false, false, func_trim_suffix },
    { "trunc", 2, 2, false, false, func_trunc },
    { "uniq", 1, 1, false, false, func_uniq },
    { "upper", 1, 1, false, false, func_upper },
    { "urlquery", 0, FUNC_ANY, false, true, func_urlquery },
};

const struct func *func_find(struct str name)
{
    size_t low = 0, high = N_ELEMENTS(funcs);
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = str_cmp(str_of(funcs[middle].name), name);
        if (order == 0)
            return &funcs[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

const char *func_suggest(struct str name)
{
    const char *names[N_ELEMENTS(funcs)];
    for (size_t i = 0; i < N_ELEMENTS(funcs); i++)
        names[i] = funcs[i].name;
    return str_nearest(name, names, N_ELEMENTS(funcs));
}

bool func_is_or(const struct func *f)
{
    return f->fn == NULL && f->name[0] == 'o';
}

/* Reading text costs steps too: a loop over large strings must come to its end. */
static int charge_text(const struct call *c)
{
    size_t bytes = 0;
    for (uint32_t i = 0; i < c->n; i++) {
        if (c->args[i])
            bytes += c->args[i]->text.n + c->args[i]->count * (size_t)16;
    }
    return run_charge(c->r, 1 + bytes / 256, c->at);
}

int func_call(const struct call *c, const struct func *f, const struct json **out)
{
    if (charge_text(c) < 0 || f->fn(c, out) < 0)
        return -1;
    if (c->r->arena && arena_used(c->r->arena) > RUN_MAX_SCRATCH)
        return func_fail(c, "values take more than %zu MiB of memory", RUN_MAX_SCRATCH / MIB);
    return 0;
}

struct str func_text(const struct call *c, uint32_t i)
{
    const struct json *v = c->args[i];
    if (value_is_nil(v))
        return STR("");
    if (v->type != JSON_LIST && v->type != JSON_OBJECT)
        return json_text(run_arena(c->r), v);
    auto_buf text = BUF_INIT(TEMPLATE_MAX_OUTPUT);
    json_write(&text, value_decoded(run_arena(c->r), v), JSON_SORT_KEYS);
    return arena_str(run_arena(c->r), buf_view(&text));
}

int64_t func_integer(const struct call *c, uint32_t i)
{
    const struct json *v = c->args[i];
    int64_t n = 0;
    if (v && v->type == JSON_TRUE)
        return 1;
    if (!v || (v->type != JSON_NUMBER && v->type != JSON_STRING))
        return 0;
    struct str text = str_trim(json_text(run_arena(c->r), v));
    if (str_i64(text, &n) == 0 || json_number_i64(text, &n) == 0)
        return n;
    if (!json_number_valid(text))
        return 0;
    double d = trunc(json_number_double(text));
    if (d >= 9223372036854775807.0)
        return INT64_MAX;
    return d <= -9223372036854775808.0 ? INT64_MIN : (int64_t)d;
}

int func_list(const struct call *c, uint32_t i, const struct json **out)
{
    static const struct json none = { .type = JSON_LIST };
    const struct json *v = c->args[i];
    if (!value_is_nil(v) && v->type != JSON_LIST)
        return func_fail(c, "wants a list, got %s", value_type(v));
    *out = value_is_nil(v) ? &none : v;
    return 0;
}

const struct json *func_string(const struct call *c, struct str s)
{
    return s.n ? json_str(run_arena(c->r), s) : &value_empty;
}

int func_fail(const struct call *c, const char *fmt, ...)
{
    char text[256];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    return run_fail(c->r, c->at, "%s: %s", c->at->func->name, text);
}
