/* Rows against a map: every key finds its row or is a problem, every row its value or its default. */
#include "config/field.h"

#include "config/value.h"

#include <stdarg.h>
#include <stdio.h>

static void path_write(struct buf *out, const struct config_path *path)
{
    if (!path)
        return;
    path_write(out, path->up);
    if (!path->key.p) {
        buf_printf(out, "[%zu]", path->index);
        return;
    }
    if (out->n)
        buf_char(out, '.');
    buf_str(out, str_sub(path->key, 0, str_utf8_cut(path->key, 100)));
}

const char *config_path_text(struct arena *arena, const struct config_path *path)
{
    auto_buf out = BUF_INIT(8 * KIB);
    path_write(&out, path);
    return arena_cstr(arena, buf_view(&out));
}

void config_field_problem(struct config_reader *r, const struct config_path *path, bool warning,
                          struct config_pos pos, const char *fmt, ...)
{
    auto_buf text = BUF_INIT(16 * KIB);
    path_write(&text, path);
    if (text.n)
        buf_cstr(&text, ": ");
    va_list ap;
    va_start(ap, fmt);
    buf_vprintf(&text, fmt, ap);
    va_end(ap);
    if (!pos.line && path)
        pos = path->pos;
    config_problem(r->problems, warning, pos, "%.*s", STR_ARG(buf_view(&text)));
}

bool config_field_choice(const char *choices, size_t k, struct str *word)
{
    struct str rest = str_of(choices);
    for (size_t i = 0; str_split(&rest, '|', word); i++)
        if (i == k)
            return true;
    return false;
}

int config_field_choice_index(const char *choices, struct str word)
{
    struct str rest = str_of(choices), piece;
    for (int i = 0; str_split(&rest, '|', &piece); i++)
        if (str_eq_fold(piece, word))
            return i;
    return -1;
}

static const char *number_expects(struct arena *arena, const struct config_field *f)
{
    const char *what = f->type == FIELD_UINT ? "a whole number" : "a number";
    if (f->max > 0)
        return arena_printf(arena, "%s from %.12g to %.12g", what, f->min, f->max).p;
    if (f->min > 0 || f->type == FIELD_NUMBER)
        return arena_printf(arena, "%s, at least %.12g", what, f->min).p;
    return what;
}

static const char *choices_expect(struct arena *arena, const char *choices)
{
    auto_buf out = BUF_INIT(4 * KIB);
    struct str word;
    for (size_t i = 0; config_field_choice(choices, i, &word); i++)
        buf_printf(&out, "%s%.*s", i ? ", " : "one of ", STR_ARG(word));
    return arena_cstr(arena, buf_view(&out));
}

const char *config_field_expects(struct arena *arena, const struct config_field *f)
{
    static const char *const words[] = {
        [FIELD_TEXT] = "text",
        [FIELD_SECRET] = "text, {file: path} or {env: NAME}",
        [FIELD_BOOL] = "true or false",
        [FIELD_SIZE] = "a size such as 64KiB, 1MiB or bytes",
        [FIELD_DURATION] = "a duration such as 1500ms, 30s, 5m, 1h30m or 7d",
        [FIELD_TIMEOUT] = "a duration such as 30s or 5m, or seconds",
        [FIELD_URL] = "a URL (http or https)",
        [FIELD_PATH] = "a path",
        [FIELD_TEXTS] = "a list of text",
        [FIELD_SECRETS] = "a list of secrets",
        [FIELD_COMMAND] = "a list (program and arguments) or a line for sh -c",
        [FIELD_CIDRS] = "a list of networks such as 192.0.2.0/24",
        [FIELD_PAIRS] = "a map of key: text",
        [FIELD_NODE] = "a map",
        [FIELD_SECTION] = "a map",
        [FIELD_LIST] = "a list",
        [FIELD_MAP] = "a map of names",
        [FIELD_REFUSED] = "nothing",
    };
    if (f->type == FIELD_UINT || f->type == FIELD_NUMBER)
        return number_expects(arena, f);
    if (f->type == FIELD_NODE && f->choices)
        return arena_printf(arena, "%s or a map", choices_expect(arena, f->choices)).p;
    if (f->choices && f->type != FIELD_TEXTS)
        return choices_expect(arena, f->choices);
    return words[f->type];
}

const char *config_field_suggest(struct arena *arena, struct str wrong, const char *const *names,
                                 size_t n)
{
    const char *near = str_nearest(wrong, names, n);
    return near ? arena_printf(arena, " (did you mean '%s'?)", near).p : "";
}

static bool in_variant(const struct config_field *f, int variant)
{
    return variant < 0 || !f->only || (f->only & 1U << variant);
}

const struct config_field *config_field_find(const struct config_section *section, struct str name,
                                             int variant)
{
    for (size_t i = 0; i < section->n; i++)
        if (str_eq_c(name, section->rows[i].name) && in_variant(&section->rows[i], variant))
            return &section->rows[i];
    return NULL;
}

struct known_names {
    const char *names[128];
    size_t n;
};

static void add_names(struct known_names *known, const struct config_section *section, int variant)
{
    for (size_t i = 0; i < section->n && known->n < N_ELEMENTS(known->names); i++) {
        const struct config_field *f = &section->rows[i];
        if (in_variant(f, variant) && f->type != FIELD_IGNORED && f->type != FIELD_REFUSED)
            known->names[known->n++] = f->name;
    }
}

/* A key that no row of the variant knows. */
static void unknown_key(struct config_reader *r, const struct config_path *path,
                        const struct config_section *section, int variant)
{
    const struct config_field *other = config_field_find(section, path->key, -1);
    struct str own = STR_NULL;
    if (variant >= 0)
        config_field_choice(section->variants, (size_t)variant, &own);
    if (other) {
        struct str word = STR_NULL;
        for (size_t i = 0; !word.p && config_field_choice(section->variants, i, &word); i++)
            if (!(other->only & 1U << i))
                word = STR_NULL;
        config_field_problem(r, path, section->others_warn, path->pos,
                             "a key of %.*s %ss; this %s is of type %.*s%s", STR_ARG(word),
                             section->variant_word, section->variant_word, STR_ARG(own),
                             section->others_warn ? " and does not use it" : "");
        return;
    }
    if (str_eq(path->key, STR("<<"))) {
        config_field_problem(r, path, false, path->pos,
                             "merge keys are not YAML 1.2; use an alias for the whole value");
        return;
    }
    struct known_names known = { .n = 0 };
    auto_buf list = BUF_INIT(4 * KIB);
    add_names(&known, section, variant);
    if (r->beside)
        add_names(&known, r->beside, -1);
    const char *near = config_field_suggest(r->arena, path->key, known.names, known.n);
    if (*near) {
        config_field_problem(r, path, false, path->pos, "unknown key; expected a key of %s%s",
                             section->name, near);
        return;
    }
    for (size_t i = 0; i < known.n; i++)
        buf_printf(&list, "%s%s", i ? ", " : "", known.names[i]);
    config_field_problem(r, path, false, path->pos, "unknown key; expected one of %.*s",
                         STR_ARG(buf_view(&list)));
}

/* Structs are much larger than what has to be written for them: `{}`. */
static bool too_many(struct config_reader *r, const struct config_path *path,
                     const struct config_node *node)
{
    r->n_objects += node->count;
    if (r->n_objects <= CONFIG_MAX_OBJECTS)
        return false;
    config_field_problem(r, path, false, node->pos,
                         "more than %d entries in the file; expected fewer", CONFIG_MAX_OBJECTS);
    return true;
}

static void read_list(struct config_reader *r, const struct config_path *path,
                      const struct config_field *f, struct config_node *node, void *object)
{
    char **array = FIELD_IN(object, f, char *);
    size_t *count = (size_t *)(void *)((char *)object + f->count_at);
    bool lone = (f->flags & FIELD_LONE) && node->kind == CONFIG_NODE_MAP;
    if (lone) {
        *array = arena_alloc(r->arena, f->section->size);
        *count = 1;
        config_field_read(r, path, f->section, node, *array);
        return;
    }
    if (node->kind != CONFIG_NODE_LIST) {
        config_field_problem(r, path, false, node->pos, "got %s; expected %s",
                             config_value_words(r->arena, node, false),
                             config_field_expects(r->arena, f));
        return;
    }
    if (too_many(r, path, node))
        return;
    *count = node->count;
    *array = arena_alloc(r->arena, f->section->size * (node->count ? node->count : 1));
    size_t i = 0;
    for (const struct config_entry *e = node->first; e; e = e->next, i++) {
        struct config_path item = { .up = path, .index = i, .pos = e->value->pos };
        config_field_read(r, &item, f->section, e->value, *array + i * f->section->size);
    }
}

static void read_map(struct config_reader *r, const struct config_path *path,
                     const struct config_field *f, struct config_node *node, void *object)
{
    char **array = FIELD_IN(object, f, char *);
    size_t *count = (size_t *)(void *)((char *)object + f->count_at);
    bool nothing = node->kind == CONFIG_NODE_SCALAR && node->scalar == CONFIG_SCALAR_NULL;
    if (nothing)
        return;
    if (node->kind != CONFIG_NODE_MAP) {
        config_field_problem(r, path, false, node->pos, "got %s; expected %s",
                             config_value_words(r->arena, node, false),
                             config_field_expects(r->arena, f));
        return;
    }
    if (too_many(r, path, node))
        return;
    *count = node->count;
    *array = arena_alloc(r->arena, f->section->size * (node->count ? node->count : 1));
    size_t i = 0;
    for (const struct config_entry *e = node->first; e; e = e->next, i++) {
        struct config_path item = { .up = path, .key = e->key, .pos = e->key_pos };
        void *at = *array + i * f->section->size;
        struct config_text *name = at;
        *name = (struct config_text){ .s = e->key, .pos = e->key_pos };
        if (!e->key.n)
            config_field_problem(r, path, false, e->key_pos, "an empty name; expected a name");
        config_field_read(r, &item, f->section, e->value, at);
    }
}

static void read_field(struct config_reader *r, const struct config_path *path,
                       const struct config_field *f, struct config_node *node, void *object)
{
    if (f->set_at && f->type != FIELD_COMMAND)
        *((bool *)object + f->set_at) = true;
    switch (f->type) {
    case FIELD_IGNORED:
        config_field_problem(r, path, true, path->pos, "%s; it is ignored",
                             f->help ? f->help : "a key of Hector's that keryx does not implement");
        break;
    case FIELD_REFUSED:
        config_field_problem(r, path, false, path->pos, "%s", f->help);
        break;
    case FIELD_SECTION:
        config_field_read(r, path, f->section, node, (char *)object + f->offset);
        break;
    case FIELD_LIST:
        read_list(r, path, f, node, object);
        break;
    case FIELD_MAP:
        read_map(r, path, f, node, object);
        break;
    default:
        config_value_read(r, path, f, node, object);
        break;
    }
}

bool config_field_given(const struct config_node *node, const char *key)
{
    const struct config_node *value = config_node_get(node, key);
    if (!value || value->kind != CONFIG_NODE_SCALAR || value->broken)
        return value != NULL;
    return value->text.n || value->scalar == CONFIG_SCALAR_NULL;
}

struct config_node *config_field_rest(struct config_reader *r, const struct config_section *section,
                                      const struct config_node *node)
{
    struct config_node *rest = ARENA_NEW(r->arena, struct config_node);
    *rest = (struct config_node){ .kind = CONFIG_NODE_MAP, .pos = node->pos };
    for (const struct config_entry *e = node->first; e; e = e->next) {
        if (config_field_find(section, e->key, -1))
            continue;
        struct config_entry *kept = ARENA_NEW(r->arena, struct config_entry);
        *kept = *e;
        kept->next = NULL;
        *(rest->last ? &rest->last->next : &rest->first) = kept;
        rest->last = kept;
        rest->count++;
    }
    return rest;
}

void config_field_expand(struct config_reader *r, const struct config_path *path,
                         const struct config_node *node)
{
    for (const struct config_entry *e = node->first; e; e = e->next) {
        struct config_path at = { .up = path, .key = e->key, .pos = e->key_pos };
        config_value_expand(r, &at, e->value);
    }
}

/* Rows in their order, so that an alias comes after what it stands for; keys without a row after. */
static void read_rows(struct config_reader *r, const struct config_path *path,
                      const struct config_section *section, const struct config_node *node,
                      int variant, void *object)
{
    for (size_t i = 0; i < section->n; i++) {
        const struct config_field *f = &section->rows[i];
        const struct config_entry *e = config_node_member(node, f->name);
        if (e && !in_variant(f, variant) && config_field_find(section, e->key, variant))
            continue; /* the variant has a row of its own by that name */
        bool foreign = !in_variant(f, variant);
        if (foreign && !(e && section->others_warn))
            continue;
        if (e) {
            struct config_path at = { .up = path, .key = e->key, .pos = e->key_pos };
            read_field(r, &at, f, e->value, object);
            continue;
        }
        if ((f->flags & FIELD_REQUIRED) && node)
            config_field_problem(r, &(struct config_path){ .up = path, .key = str_of(f->name) },
                                 false, path ? path->pos : node->pos, "missing; expected %s",
                                 config_field_expects(r->arena, f));
        if (f->type == FIELD_SECTION)
            config_field_read(r, NULL, f->section, NULL, (char *)object + f->offset);
        else if (f->otherwise && !(f->flags & FIELD_ALIAS))
            config_value_default(r, f, object);
    }
}

static void read_unknown(struct config_reader *r, const struct config_path *path,
                         const struct config_section *section, const struct config_node *node,
                         int variant, void *object)
{
    struct config_pairs *extra = NULL;
    if (section->extra_at && variant >= 0 && (section->extra_only & 1U << variant))
        extra = (struct config_pairs *)(void *)((char *)object + section->extra_at);
    if (extra)
        extra->items = ARENA_ARRAY(r->arena, struct config_pair, node->count + 1);
    for (const struct config_entry *e = node->first; e; e = e->next) {
        if (config_field_find(section, e->key, variant))
            continue;
        struct config_path at = { .up = path, .key = e->key, .pos = e->key_pos };
        if (!extra || config_field_find(section, e->key, -1)) {
            unknown_key(r, &at, section, variant);
            continue;
        }
        config_value_expand(r, &at, e->value);
        if (e->value->kind != CONFIG_NODE_SCALAR) {
            config_field_problem(r, &at, false, e->value->pos, "got %s; expected text",
                                 config_value_words(r->arena, e->value, false));
            continue;
        }
        extra->items[extra->n++] = (struct config_pair){
            .key = e->key,
            .key_pos = e->key_pos,
            .value =
                config_value_text(e->value, config_value_is_private(e->key) || e->value->secret),
        };
    }
}

/* A scalar where a map may be shortened to its main key. */
static const struct config_node *widen(struct config_reader *r,
                                       const struct config_section *section,
                                       const struct config_node *node)
{
    struct config_node *map = ARENA_NEW(r->arena, struct config_node);
    struct config_entry *entry = ARENA_NEW(r->arena, struct config_entry);
    *map = (struct config_node){ .kind = CONFIG_NODE_MAP, .pos = node->pos, .count = 1 };
    *entry = (struct config_entry){ .key = str_of(section->scalar), .key_pos = node->pos };
    entry->value = ARENA_NEW(r->arena, struct config_node);
    *entry->value = *node;
    map->first = map->last = entry;
    return map;
}

void config_field_read(struct config_reader *r, const struct config_path *path,
                       const struct config_section *section, const struct config_node *node,
                       void *object)
{
    bool scalar = node && node->kind == CONFIG_NODE_SCALAR;
    if (scalar && node->scalar == CONFIG_SCALAR_NULL) {
        struct config_node *nothing = ARENA_NEW(r->arena, struct config_node);
        *nothing = (struct config_node){ .kind = CONFIG_NODE_MAP, .pos = node->pos };
        node = nothing;
    } else if (scalar && section->scalar)
        node = widen(r, section, node);
    if (node && node->kind != CONFIG_NODE_MAP) {
        config_field_problem(r, path, false, node->pos, "got %s; expected a map of keys",
                             config_value_words(r->arena, node, false));
        node = NULL;
    }
    if (section->pos_at && path)
        *(struct config_pos *)(void *)((char *)object + section->pos_at) = path->pos;
    struct config_entry *type = node ? node->first : NULL;
    while (type && !str_eq(type->key, STR("type")))
        type = type->next;
    if (section->variant && type) /* it may be ${TYPE} */
        config_value_expand(r, &(struct config_path){ .up = path, .key = type->key }, type->value);
    int variant = section->variant ? section->variant(r, path, node) : -1;
    read_rows(r, path, section, node, variant, object);
    if (node && !section->open)
        read_unknown(r, path, section, node, variant, object);
    if (section->finish)
        section->finish(r, path, node, object);
}
