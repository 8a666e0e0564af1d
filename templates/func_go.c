/* text/template's own functions but comparison and printf. */
#include "templates/escape.h"
#include "templates/func.h"

int func_not(const struct call *c, const struct json **out)
{
    *out = value_bool(!value_truth(c->args[0]));
    return 0;
}

int func_len(const struct call *c, const struct json **out)
{
    const struct json *v = c->args[0];
    int64_t n = 0;
    if (value_is_nil(v)) {
        if (run_strict(c->r))
            return func_fail(c, "nil has no length");
    } else if (v->type == JSON_STRING) {
        n = (int64_t)json_text(run_arena(c->r), v).n;
    } else if (v->type == JSON_LIST) {
        n = v->count;
    } else if (v->type == JSON_OBJECT) {
        size_t members;
        value_members(run_arena(c->r), v, &members);
        n = (int64_t)members;
    } else {
        return func_fail(c, "a value of type %s has no length", value_type(v));
    }
    *out = json_i64(run_arena(c->r), n);
    return 0;
}

/* An index argument within 0..cap. */
static int position(const struct call *c, const struct json *v, size_t cap, size_t *out)
{
    int64_t n;
    if (value_is_nil(v) || v->type != JSON_NUMBER || value_is_float(v) ||
        json_number_i64(v->text, &n) < 0)
        return func_fail(c, "cannot use a value of type %s as an index", value_type(v));
    if (n < 0 || (uint64_t)n > cap)
        return func_fail(c, "index out of range: %lld", (long long)n);
    *out = (size_t)n;
    return 0;
}

static int index_one(const struct call *c, const struct json *box, const struct json *key,
                     const struct json **out)
{
    size_t at = 0;
    switch ((enum json_type)box->type) {
    case JSON_LIST:
        if (position(c, key, box->count, &at) < 0)
            return -1;
        if (at == box->count)
            return func_fail(c, "index out of range: %zu", at);
        *out = json_at(box, at);
        return run_charge(c->r, at / 32, c->at);
    case JSON_OBJECT:
        if (value_is_nil(key) || key->type != JSON_STRING)
            return func_fail(c, "an object's key is a string, not %s", value_type(key));
        *out = json_get(box, json_text(run_arena(c->r), key));
        return run_charge(c->r, box->count / 32, c->at);
    case JSON_STRING: {
        struct str text = json_text(run_arena(c->r), box);
        if (position(c, key, text.n, &at) < 0)
            return -1;
        if (at == text.n)
            return func_fail(c, "index out of range: %zu", at);
        *out = json_i64(run_arena(c->r), (unsigned char)text.p[at]);
        return 0;
    }
    default:
        return func_fail(c, "cannot index a value of type %s", value_type(box));
    }
}

int func_index(const struct call *c, const struct json **out)
{
    const struct json *v = c->args[0];
    if (value_is_nil(v) && run_strict(c->r))
        return func_fail(c, "cannot index nil");
    for (uint32_t i = 1; i < c->n; i++) {
        if (value_is_nil(v)) {
            if (run_strict(c->r))
                return func_fail(c, "cannot index nil");
            break;
        }
        if (index_one(c, v, c->args[i], &v) < 0)
            return -1;
    }
    *out = v;
    return 0;
}

static const struct json *sublist(struct arena *a, const struct json *list, size_t from, size_t to)
{
    struct json *part = json_list(a);
    const struct json *v = list->child;
    for (size_t i = 0; i < to; i++, v = v->next) {
        if (i >= from)
            json_add(a, part, json_alias(a, v));
    }
    return part;
}

int func_slice(const struct call *c, const struct json **out)
{
    const struct json *v = c->args[0];
    struct arena *a = run_arena(c->r);
    if (value_is_nil(v) && !run_strict(c->r)) {
        *out = v;
        return 0;
    }
    if (value_is_nil(v) || (v->type != JSON_STRING && v->type != JSON_LIST))
        return func_fail(c, "cannot slice a value of type %s", value_type(v));
    bool string = v->type == JSON_STRING;
    if (c->n > (string ? 3 : 4))
        return func_fail(c, "too many indexes: %u", c->n - 1);
    struct str text = string ? json_text(a, v) : STR_NULL;
    size_t length = string ? text.n : v->count;
    size_t at[3] = { 0, length, length };
    for (uint32_t i = 1; i < c->n; i++) {
        if (position(c, c->args[i], length, &at[i - 1]) < 0)
            return -1;
    }
    if (at[0] > at[1] || at[1] > at[2])
        return func_fail(c, "the indexes go backwards");
    *out =
        string ? func_string(c, str_sub(text, at[0], at[1] - at[0])) : sublist(a, v, at[0], at[1]);
    return 0;
}

/* One argument as fmt.Print shows it. Outside Go's modes a missing one is nothing. */
static void print_one(const struct call *c, struct buf *out, const struct json *v, const char *nil)
{
    if (!value_is_nil(v))
        value_print(out, run_arena(c->r), v);
    else if (run_strict(c->r))
        buf_cstr(out, nil);
}

/* fmt.Sprint: blanks between operands when neither is a string. always: fmt.Sprintln's way. What
   prints as "<no value>" is a string to it, what prints as "<nil>" is not. */
static void print_all(const struct call *c, struct buf *out, bool always, const char *nil)
{
    bool before_string = true;
    for (uint32_t i = 0; i < c->n; i++) {
        bool is_string =
            value_is_nil(c->args[i]) ? strcmp(nil, "<nil>") != 0 : c->args[i]->type == JSON_STRING;
        if (i && (always || (!is_string && !before_string)))
            buf_char(out, ' ');
        print_one(c, out, c->args[i], nil);
        before_string = is_string;
    }
}

static int finish(const struct call *c, struct buf *text, const struct json **out)
{
    if (!buf_ok(text))
        return func_fail(c, "the text is larger than the output may be");
    *out = func_string(c, buf_view(text));
    return 0;
}

int func_print(const struct call *c, const struct json **out)
{
    auto_buf text = BUF_INIT(TEMPLATE_MAX_OUTPUT);
    print_all(c, &text, false, "<nil>");
    return finish(c, &text, out);
}

int func_println(const struct call *c, const struct json **out)
{
    auto_buf text = BUF_INIT(TEMPLATE_MAX_OUTPUT);
    print_all(c, &text, true, "<nil>");
    buf_char(&text, '\n');
    return finish(c, &text, out);
}

int func_html(const struct call *c, const struct json **out)
{
    auto_buf plain = BUF_INIT(TEMPLATE_MAX_OUTPUT), text = BUF_INIT(TEMPLATE_MAX_OUTPUT);
    print_all(c, &plain, false, "<no value>");
    escape_html(&text, buf_view(&plain), "&#34;");
    return finish(c, &text, out);
}

int func_js(const struct call *c, const struct json **out)
{
    auto_buf plain = BUF_INIT(TEMPLATE_MAX_OUTPUT), text = BUF_INIT(TEMPLATE_MAX_OUTPUT);
    print_all(c, &plain, false, "<no value>");
    escape_js(&text, buf_view(&plain));
    return finish(c, &text, out);
}

int func_urlquery(const struct call *c, const struct json **out)
{
    auto_buf plain = BUF_INIT(TEMPLATE_MAX_OUTPUT), text = BUF_INIT(TEMPLATE_MAX_OUTPUT);
    print_all(c, &plain, false, "<no value>");
    escape_url(&text, buf_view(&plain), true);
    return finish(c, &text, out);
}

int func_call_value(const struct call *c, const struct json **out)
{
    *out = NULL;
    return func_fail(c, "a value of type %s is no function", value_type(c->args[0]));
}
