/* JSON in and out, and choosing among values. */
#include "templates/func.h"

static int write_json(const struct call *c, unsigned style, const struct json **out)
{
    auto_buf text = BUF_INIT(TEMPLATE_MAX_OUTPUT);
    const struct json *v = value_is_nil(c->args[0]) ? &value_nil : c->args[0];
    if (c->r->o->go_numbers)
        v = value_as_go(run_arena(c->r), v, true);
    if (c->r->o->escape_html)
        style |= JSON_HTML_SAFE;
    json_write(&text, value_decoded(run_arena(c->r), v), style | JSON_SORT_KEYS);
    if (!buf_ok(&text))
        return func_fail(c, "the text is larger than the output may be");
    *out = func_string(c, buf_view(&text));
    return 0;
}

int func_to_json(const struct call *c, const struct json **out)
{
    return write_json(c, JSON_COMPACT, out);
}

int func_to_json_pretty(const struct call *c, const struct json **out)
{
    return write_json(c, JSON_PRETTY, out);
}

int func_from_json(const struct call *c, const struct json **out)
{
    struct error e = ERROR_INIT;
    struct str text = func_text(c, 0);
    if (text.n == 0) {
        *out = NULL;
        return 0;
    }
    *out = json_parse(run_arena(c->r), arena_str(run_arena(c->r), text), NULL, &e);
    return *out ? 0 : func_fail(c, "%s", e.text);
}

/* Hector's: only nil and "" are replaced; 0, false and empty lists stay. */
int func_default(const struct call *c, const struct json **out)
{
    const struct json *v = c->args[1];
    bool none = value_is_nil(v) || (v->type == JSON_STRING && v->text.n == 0);
    *out = none ? c->args[0] : v;
    return 0;
}

int func_coalesce(const struct call *c, const struct json **out)
{
    *out = NULL;
    for (uint32_t i = 0; i < c->n; i++) {
        if (value_truth(c->args[i])) {
            *out = c->args[i];
            break;
        }
    }
    return 0;
}

int func_empty(const struct call *c, const struct json **out)
{
    *out = value_bool(!value_truth(c->args[0]));
    return 0;
}

/* ternary yes no condition */
int func_ternary(const struct call *c, const struct json **out)
{
    *out = value_truth(c->args[2]) ? c->args[0] : c->args[1];
    return 0;
}
