/* Scalars as text: ${…} expanded, relative paths made absolute, nodes in words for messages. */
#include "config/value_site.h"

#include "base/crypto.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

void value_site_complain(const struct value_site *s, const struct config_node *node,
                         const char *wrong)
{
    config_field_problem(s->r, s->path, false, node->pos, "got %s; expected %s", wrong,
                         config_field_expects(s->r->arena, s->field));
}

const char *config_value_words(struct arena *arena, const struct config_node *node, bool secret)
{
    if (node->kind == CONFIG_NODE_LIST)
        return "a list";
    if (node->kind == CONFIG_NODE_MAP)
        return "a map";
    if (node->scalar == CONFIG_SCALAR_NULL)
        return "nothing";
    if (secret || node->secret)
        return "a value";
    struct str text = node->text;
    ptrdiff_t line = str_chr(text, '\n');
    size_t n = str_utf8_cut(text, MIN(line >= 0 ? (size_t)line : text.n, (size_t)60));
    return arena_printf(arena, "'%.*s%s'", STR_ARG(str_sub(text, 0, n)), n < text.n ? "…" : "").p;
}

void value_site_mismatch(const struct value_site *s, const struct config_node *node)
{
    bool secret = s->field->type == FIELD_SECRET || s->field->type == FIELD_SECRETS;
    value_site_complain(s, node, config_value_words(s->r->arena, node, secret));
}

struct expand_site {
    struct config_reader *r;
    const struct config_path *path;
    struct config_node *node;
};

static void on_variable(void *ctx, struct str what, bool left, unsigned line, unsigned column)
{
    const struct expand_site *s = ctx;
    struct config_text where = config_value_text(s->node, false);
    struct config_pos pos = config_text_pos(&where, line, column);
    s->node->broken |= !left;
    if (left)
        config_field_problem(s->r, s->path, true, pos,
                             "'%.*s' is neither ${NAME} nor ${NAME:-default} and stays as it is; "
                             "write $${ for a literal ${",
                             STR_ARG(what));
    else
        config_field_problem(s->r, s->path, false, pos,
                             "the variable %.*s is not set; set it, put it into .env, or write "
                             "${%.*s:-default}",
                             STR_ARG(what), STR_ARG(what));
}

static void expand_scalar(struct config_reader *r, const struct config_path *path,
                          struct config_node *node)
{
    struct expand_site site = { r, path, node };
    struct env_expansion x = { .report = on_variable, .ctx = &site };
    env_expand(r->env, r->arena, node->text, &x);
    node->text = x.text;
    node->from_env = x.variable;
    node->secret = x.secret;
    if (x.variable) /* columns after the variable moved */
        node->rows = node->rows && node->style == CONFIG_STYLE_LITERAL;
    if (!x.changed)
        return;
    node->scalar = CONFIG_SCALAR_STRING;
}

void config_value_expand(struct config_reader *r, const struct config_path *path,
                         struct config_node *node)
{
    if (node->expanded)
        return;
    node->expanded = true;
    if (node->kind == CONFIG_NODE_SCALAR) {
        expand_scalar(r, path, node);
        return;
    }
    size_t i = 0;
    for (struct config_entry *e = node->first; e; e = e->next, i++) {
        struct config_path at = { .up = path, .index = i, .pos = e->key_pos };
        if (node->kind == CONFIG_NODE_MAP)
            at.key = e->key;
        config_value_expand(r, &at, e->value);
    }
}

struct config_text config_value_text(const struct config_node *node, bool secret)
{
    return (struct config_text){
        .s = node->text, .pos = node->text_pos, .secret = secret || node->secret, .rows = node->rows
    };
}

bool config_value_is_private(struct str name)
{
    return env_name_is_secret(name) || str_eq_fold(name, STR("cookie"));
}

struct str config_value_path(const struct config_reader *r, struct str path)
{
    if (!path.n || path.p[0] == '/')
        return path;
    const char *home = getenv("HOME");
    if (str_starts(path, STR("~/")) && home && *home)
        return arena_printf(r->arena, "%s/%.*s", home, STR_ARG(str_sub(path, 2, path.n)));
    if (!r->directory)
        return path;
    while (str_starts(path, STR("./")))
        path = str_sub(path, 2, path.n);
    if (!path.n || str_eq(path, STR(".")))
        return arena_str(r->arena, str_of(r->directory));
    return arena_printf(r->arena, "%s/%.*s", strcmp(r->directory, "/") ? r->directory : "",
                        STR_ARG(path));
}

int config_value_file(struct arena *arena, const char *path, size_t limit, struct str *out,
                      struct error *e)
{
    auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0)
        return error_sys(e, errno, "cannot open %s", path);
    if (!S_ISREG(st.st_mode) && !S_ISFIFO(st.st_mode))
        return error_set(e, ERROR_INVALID, "%s is no regular file", path);
    auto_buf text = BUF_INIT(limit);
    char chunk[16384];
    ssize_t n;
    while (!text.full && (n = read(fd, chunk, sizeof(chunk))) != 0) {
        if (n < 0)
            return error_sys(e, errno, "cannot read %s", path);
        buf_add(&text, chunk, (size_t)n);
    }
    crypto_wipe(chunk, sizeof(chunk));
    if (text.full)
        return error_set(e, ERROR_LIMIT, "%s is larger than %zu bytes", path, limit);
    *out = arena_str(arena, buf_view(&text));
    if (text.p)
        crypto_wipe(text.p, text.n);
    return 0;
}

bool value_site_scalar(const struct value_site *s, struct config_node *node)
{
    config_value_expand(s->r, s->path, node);
    if (node->broken)
        return false; /* its variable was reported */
    if (node->kind == CONFIG_NODE_SCALAR && node->scalar != CONFIG_SCALAR_NULL)
        return true;
    value_site_mismatch(s, node);
    return false;
}
