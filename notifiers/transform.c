/* A tree of templates beside the tree of the config file. */
#include "notifiers/transform.h"

#include "config/yaml.h"

struct transform {
    struct str key;
    struct transform *next, *child, *last;
    const struct json *constant;
    struct template *template;
    bool list; /* children make a list, else an object */
};

static void transform_free_template(void *t)
{
    template_free(t);
}

static bool transform_scalar(struct transform *t, const struct config_node *node,
                             const struct transform_options *o)
{
    struct arena *a = o->arena;
    struct str text = node->text;
    if (node->scalar == CONFIG_SCALAR_NULL) {
        t->constant = json_null(a);
        return true;
    }
    if (node->scalar == CONFIG_SCALAR_BOOL) {
        t->constant = json_bool(a, str_eq_fold(text, STR("true")));
        return true;
    }
    if (node->scalar != CONFIG_SCALAR_STRING && json_number_valid(text)) {
        t->constant = json_number(a, text);
        return true;
    }
    struct error e = ERROR_INIT;
    t->template = template_compile(o->dialect, text, o->partials, &e);
    if (t->template) {
        arena_on_free(a, transform_free_template, t->template);
        return true;
    }
    struct config_text at = { .s = text, .pos = node->text_pos, .rows = node->rows };
    config_problem(o->problems, false, config_text_pos(&at, e.line, e.column),
                   "%s.transform.%" STR_FMT ": %s", o->where, STR_ARG(t->key), e.text);
    return false;
}

/* Recursion is bounded by the depth that config/yaml allows. */
static bool transform_node(struct transform *t, const struct config_node *node,
                           const struct transform_options *o)
{
    bool ok = true;
    if (node->kind == CONFIG_NODE_SCALAR)
        return transform_scalar(t, node, o);
    t->list = node->kind == CONFIG_NODE_LIST;
    for (const struct config_entry *e = node->first; e; e = e->next) {
        struct transform *child = ARENA_NEW(o->arena, struct transform);
        child->key = t->list ? t->key : arena_str(o->arena, e->key);
        *(t->last ? &t->last->next : &t->child) = child;
        t->last = child;
        ok &= transform_node(child, e->value, o);
    }
    return ok;
}

struct transform *transform_compile(const struct config_node *node,
                                    const struct transform_options *o)
{
    struct transform *t = ARENA_NEW(o->arena, struct transform);
    t->key = STR("");
    return transform_node(t, node, o) ? t : NULL;
}

static int transform_text(const struct transform *t, const struct json *data,
                          const struct template_options *o, struct arena *a, struct json **out,
                          struct error *e)
{
    auto_buf text = BUF_INIT(TEMPLATE_MAX_OUTPUT);
    if (template_render(t->template, data, o, &text, e) != 0)
        return error_wrap(e, "transform.%" STR_FMT, STR_ARG(t->key));
    *out = json_str(a, buf_view(&text));
    return 0;
}

int transform_render(const struct transform *t, const struct json *data,
                     const struct template_options *o, struct arena *a, struct json **out,
                     struct error *e)
{
    if (t->template)
        return transform_text(t, data, o, a, out, e);
    if (t->constant) {
        *out = json_alias(a, t->constant);
        return 0;
    }
    struct json *all = t->list ? json_list(a) : json_object(a);
    for (const struct transform *child = t->child; child; child = child->next) {
        struct json *value = NULL;
        if (transform_render(child, data, o, a, &value, e) != 0)
            return -1;
        if (t->list)
            json_add(a, all, value);
        else
            json_put(a, all, child->key, value);
    }
    *out = all;
    return 0;
}
