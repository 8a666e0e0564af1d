/* Values of more than one scalar, and the switch over all types. */
#include "config/value_site.h"

/* Runs `read` for each item of a list, or for a scalar as the only one. Returns how many. */
static size_t list_count(const struct value_site *s, const struct config_node *node)
{
    if (node->kind == CONFIG_NODE_LIST)
        return node->count;
    if (node->kind == CONFIG_NODE_SCALAR && node->scalar != CONFIG_SCALAR_NULL)
        return 1;
    if (node->kind == CONFIG_NODE_MAP && s->field->type == FIELD_SECRETS)
        return 1;
    value_site_mismatch(s, node);
    return 0;
}

static void read_item(const struct value_site *s, struct config_node *node, struct config_text *out)
{
    if (s->field->type == FIELD_SECRETS)
        value_site_secret(s, node, out);
    else
        value_site_text(s, node, out);
}

static void read_texts(const struct value_site *s, struct config_node *node,
                       struct config_texts *out)
{
    size_t n = list_count(s, node), kept = 0;
    struct config_text *items = ARENA_ARRAY(s->r->arena, struct config_text, n + 1);
    if (node->kind != CONFIG_NODE_LIST) {
        if (n)
            read_item(s, node, &items[kept]);
        kept += items[kept].s.p != NULL;
    } else {
        size_t i = 0;
        for (const struct config_entry *e = node->first; e; e = e->next, i++) {
            struct config_path at = { .up = s->path, .index = i, .pos = e->value->pos };
            struct value_site item = { s->r, &at, s->field };
            read_item(&item, e->value, &items[kept]);
            kept += items[kept].s.p != NULL;
        }
    }
    *out = (struct config_texts){ items, kept };
}

/* A list is argv; a scalar is a line for the shell, because it is written as one. */
static void read_command(const struct value_site *s, struct config_node *node, void *object)
{
    struct config_texts *out = FIELD_IN(object, s->field, struct config_texts);
    read_texts(s, node, out);
    if (node->kind != CONFIG_NODE_SCALAR || !out->n)
        return;
    struct config_text *argv = ARENA_ARRAY(s->r->arena, struct config_text, 3);
    argv[0] = (struct config_text){ .s = STR("/bin/sh"), .pos = out->items[0].pos };
    argv[1] = (struct config_text){ .s = STR("-c"), .pos = out->items[0].pos };
    argv[2] = out->items[0];
    *out = (struct config_texts){ argv, 3 };
    *((bool *)object + s->field->set_at) = true;
}

static void read_cidr(const struct value_site *s, struct config_node *node,
                      struct config_cidrs *out)
{
    struct error error = ERROR_INIT;
    if (!value_site_scalar(s, node))
        return;
    if (cidr_parse(node->text, &out->items[out->n], &error))
        config_field_problem(
            s->r, s->path, false, node->pos,
            "%s is not a network; expected one such as 192.0.2.0/24 or 2001:db8::/32",
            config_value_words(s->r->arena, node, false));
    else
        out->n++;
}

static void read_cidrs(const struct value_site *s, struct config_node *node,
                       struct config_cidrs *out)
{
    size_t n = list_count(s, node);
    out->items = ARENA_ARRAY(s->r->arena, struct cidr, n + 1);
    out->n = 0;
    out->set = true;
    if (node->kind != CONFIG_NODE_LIST) {
        if (n)
            read_cidr(s, node, out);
        return;
    }
    size_t i = 0;
    for (const struct config_entry *e = node->first; e; e = e->next, i++) {
        struct config_path at = { .up = s->path, .index = i, .pos = e->value->pos };
        struct value_site item = { s->r, &at, s->field };
        read_cidr(&item, e->value, out);
    }
}

static void read_pairs(const struct value_site *s, struct config_node *node,
                       struct config_pairs *out)
{
    if (node->kind == CONFIG_NODE_SCALAR && node->scalar == CONFIG_SCALAR_NULL)
        return;
    if (node->kind != CONFIG_NODE_MAP) {
        value_site_mismatch(s, node);
        return;
    }
    out->items = ARENA_ARRAY(s->r->arena, struct config_pair, node->count + 1);
    out->n = 0;
    for (const struct config_entry *e = node->first; e; e = e->next) {
        struct config_path at = { .up = s->path, .key = e->key, .pos = e->key_pos };
        static const struct config_field text = { .type = FIELD_TEXT, .flags = FIELD_MAY_EMPTY };
        struct config_pair pair = { .key = e->key, .key_pos = e->key_pos };
        bool is_private = (s->field->flags & FIELD_PRIVATE) && config_value_is_private(e->key);
        if (is_private && e->value->kind == CONFIG_NODE_MAP)
            value_site_secret(&(struct value_site){ s->r, &at, s->field }, e->value, &pair.value);
        else
            value_site_text(&(struct value_site){ s->r, &at, &text }, e->value, &pair.value);
        pair.value.secret |=
            is_private || ((s->field->flags & FIELD_PRIVATE) && e->value->from_env);
        if (pair.value.s.p)
            out->items[out->n++] = pair;
    }
}

/* A free part: kept as it is; its rows, where there are some, only look for mistakes. */
static void read_node(const struct value_site *s, struct config_node *node,
                      const struct config_node **out)
{
    const struct config_field *f = s->field;
    if (node->kind == CONFIG_NODE_SCALAR && f->choices) {
        struct config_text word = { 0 };
        value_site_text(s, node, &word);
        *out = word.s.p ? node : NULL;
        return;
    }
    if (node->kind != CONFIG_NODE_MAP) {
        value_site_mismatch(s, node);
        return;
    }
    if (f->section)
        config_field_read(s->r, s->path, f->section, node,
                          arena_alloc(s->r->arena, f->section->size));
    config_value_expand(s->r, s->path, node);
    *out = node;
}

void config_value_read(struct config_reader *r, const struct config_path *path,
                       const struct config_field *field, struct config_node *node, void *object)
{
    const struct value_site s = { r, path, field };
    switch (field->type) {
    case FIELD_SECRET:
        value_site_secret(&s, node, FIELD_IN(object, field, struct config_text));
        break;
    case FIELD_CHOICE:
        value_site_choice(&s, node, FIELD_IN(object, field, int));
        break;
    case FIELD_BOOL:
        value_site_bool(&s, node, FIELD_IN(object, field, bool));
        break;
    case FIELD_UINT:
        value_site_uint(&s, node, FIELD_IN(object, field, unsigned));
        break;
    case FIELD_NUMBER:
        value_site_number(&s, node, FIELD_IN(object, field, double));
        break;
    case FIELD_SIZE:
        value_site_size(&s, node, FIELD_IN(object, field, size_t));
        break;
    case FIELD_DURATION:
    case FIELD_TIMEOUT:
        value_site_duration(&s, node, FIELD_IN(object, field, int64_t));
        break;
    case FIELD_TEXTS:
    case FIELD_SECRETS:
        read_texts(&s, node, FIELD_IN(object, field, struct config_texts));
        break;
    case FIELD_COMMAND:
        read_command(&s, node, object);
        break;
    case FIELD_CIDRS:
        read_cidrs(&s, node, FIELD_IN(object, field, struct config_cidrs));
        break;
    case FIELD_PAIRS:
        read_pairs(&s, node, FIELD_IN(object, field, struct config_pairs));
        break;
    case FIELD_NODE:
        read_node(&s, node, FIELD_IN(object, field, const struct config_node *));
        break;
    default:
        value_site_text(&s, node, FIELD_IN(object, field, struct config_text));
        break;
    }
}

void config_value_default(struct config_reader *r, const struct config_field *field, void *object)
{
    struct config_node node = { .kind = CONFIG_NODE_SCALAR,
                                .scalar = CONFIG_SCALAR_STRING,
                                .expanded = true,
                                .from_env = true, /* takes the type of its key */
                                .text = str_of(field->otherwise) };
    struct str rest = node.text, piece;
    if (field->type != FIELD_TEXTS) {
        config_value_read(r, NULL, field, &node, object);
        return;
    }
    struct config_texts *out = FIELD_IN(object, field, struct config_texts);
    out->items = ARENA_ARRAY(r->arena, struct config_text, rest.n + 1);
    while (str_split(&rest, ' ', &piece))
        out->items[out->n++] = (struct config_text){ .s = arena_str(r->arena, piece) };
}
