/* Secrets: text, {file: path} or {env: NAME}; never empty, never shown. */
#include "config/value_site.h"

#define MAX_SECRET_FILE (64 * KIB)

/* {file: path} or {env: NAME} */
static int read_secret_map(const struct value_site *s, const struct config_node *node,
                           struct config_text *out)
{
    const struct config_entry *e = node->first;
    bool file = e && str_eq(e->key, STR("file")), env = e && str_eq(e->key, STR("env"));
    if (node->count != 1 || (!file && !env) || e->value->kind != CONFIG_NODE_SCALAR) {
        value_site_complain(s, node, "a map");
        return -1;
    }
    config_value_expand(s->r, s->path, e->value);
    *out = config_value_text(e->value, true);
    out->rows = false;
    if (env) {
        const char *value = env_get(s->r->env, e->value->text);
        out->s = value ? arena_str(s->r->arena, str_of(value)) : STR_NULL;
        if (!value)
            config_field_problem(s->r, s->path, false, e->value->pos,
                                 "the variable %.*s is not set; set it or put it into .env",
                                 STR_ARG(str_sub(e->value->text, 0, 100)));
        return value ? 0 : -1;
    }
    struct error error = ERROR_INIT;
    struct str path = config_value_path(s->r, e->value->text);
    if (!s->r->directory || config_value_file(s->r->arena, arena_cstr(s->r->arena, path),
                                              MAX_SECRET_FILE, &out->s, &error)) {
        config_field_problem(s->r, s->path, false, e->value->pos, "%s; expected a readable file",
                             s->r->directory ? error.text : "files cannot be read here");
        return -1;
    }
    if (str_ends(out->s, STR("\n")))
        out->s.n -= str_ends(out->s, STR("\r\n")) ? 2 : 1;
    out->s = arena_str(s->r->arena, out->s);
    return 0;
}

void value_site_secret(const struct value_site *s, struct config_node *node,
                       struct config_text *out)
{
    struct config_text text;
    if (node->kind == CONFIG_NODE_MAP) {
        if (read_secret_map(s, node, &text))
            return;
    } else {
        config_value_expand(s->r, s->path, node);
        if (node->kind != CONFIG_NODE_SCALAR) {
            value_site_mismatch(s, node);
            return;
        }
        text = config_value_text(node, true);
    }
    if (node->broken) { /* reported; it counts as there, so that nobody misses it too */
        *out = text;
        return;
    }
    if (!str_trim(text.s).n && !(s->field->flags & FIELD_MAY_EMPTY)) {
        config_field_problem(s->r, s->path, false, node->pos,
                             "an empty secret; expected text, {file: path} or {env: NAME}");
        *out = text;
        return;
    }
    *out = text;
}
