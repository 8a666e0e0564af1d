/* One parser a value type: a node of the tree → a typed value, or a problem made from the row. */
#include "config/value.h"

#include "base/crypto.h"
#include "base/when.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <sys/stat.h>

#define MAX_SECRET_FILE (64 * KIB)

struct value_site { /* what every reader below needs */
    struct config_reader *r;
    const struct config_path *path;
    const struct config_field *field;
};

static void complain(const struct value_site *s, const struct config_node *node, const char *wrong)
{
    config_field_problem(s->r, s->path, false, node->pos, "%s; expected %s", wrong,
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

static void complain_kind(const struct value_site *s, const struct config_node *node)
{
    bool secret = s->field->type == FIELD_SECRET || s->field->type == FIELD_SECRETS;
    complain(s, node, config_value_words(s->r->arena, node, secret));
}

struct expand_site {
    struct config_reader *r;
    const struct config_path *path;
    const struct config_node *node;
};

static void on_variable(void *ctx, struct str what, bool left, unsigned line, unsigned column)
{
    const struct expand_site *s = ctx;
    struct config_text where = config_value_text(s->node, false);
    struct config_pos pos = config_text_pos(&where, line, column);
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

/* {file: path} or {env: NAME} */
static int read_secret_map(const struct value_site *s, const struct config_node *node,
                           struct config_text *out)
{
    const struct config_entry *e = node->first;
    bool file = e && str_eq(e->key, STR("file")), env = e && str_eq(e->key, STR("env"));
    if (node->count != 1 || (!file && !env) || e->value->kind != CONFIG_NODE_SCALAR) {
        complain(s, node, "a map");
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

static void read_secret(const struct value_site *s, struct config_node *node,
                        struct config_text *out)
{
    struct config_text text;
    if (node->kind == CONFIG_NODE_MAP) {
        if (read_secret_map(s, node, &text))
            return;
    } else {
        config_value_expand(s->r, s->path, node);
        if (node->kind != CONFIG_NODE_SCALAR) {
            complain_kind(s, node);
            return;
        }
        text = config_value_text(node, true);
    }
    if (!str_trim(text.s).n && !(s->field->flags & FIELD_MAY_EMPTY)) {
        config_field_problem(s->r, s->path, false, node->pos,
                             "an empty secret; expected text, {file: path} or {env: NAME}");
        return;
    }
    *out = text;
}

/* The text of a scalar that is not null; false (and a problem) otherwise. */
static bool read_scalar(const struct value_site *s, struct config_node *node)
{
    config_value_expand(s->r, s->path, node);
    if (node->kind == CONFIG_NODE_SCALAR && node->scalar != CONFIG_SCALAR_NULL)
        return true;
    complain_kind(s, node);
    return false;
}

/* Whether the text may be taken as a number, bool …: plain, or it came from a variable. */
static bool is_typed(const struct config_node *node)
{
    return node->style == CONFIG_STYLE_PLAIN || node->from_env;
}

static void check_url(const struct value_site *s, const struct config_node *node)
{
    struct str u = node->text, rest;
    if (str_find(u, STR("{{")) >= 0)
        return;
    size_t scheme = str_starts_fold(u, STR("https://"))  ? 8
                    : str_starts_fold(u, STR("http://")) ? 7
                                                         : 0;
    rest = str_sub(u, scheme, u.n);
    bool blank = false;
    for (size_t i = 0; i < u.n; i++)
        blank |= (unsigned char)u.p[i] <= ' ' || u.p[i] == 0x7f;
    if (!scheme || !rest.n || strchr("/:?#@", rest.p[0]) || blank)
        complain_kind(s, node);
}

static bool matches_pattern(const struct config_field *f, struct str text)
{
    if (!f->pattern)
        return true;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (!isalnum((unsigned char)c) && (!c || !strchr(f->pattern, c)))
            return false;
    }
    return text.n <= 64;
}

static void read_text(const struct value_site *s, struct config_node *node, struct config_text *out)
{
    const struct config_field *f = s->field;
    if (!read_scalar(s, node))
        return;
    if (!node->text.n && !(f->flags & FIELD_MAY_EMPTY)) {
        if (f->flags & FIELD_REQUIRED)
            complain(s, node, "an empty text");
        return; /* as if the key were not there: base_url: ${BASE_URL:-} */
    }
    if (f->choices && config_field_choice_index(f->choices, node->text) < 0) {
        const char *names[64];
        size_t n = 0;
        struct str word;
        while (n < N_ELEMENTS(names) && config_field_choice(f->choices, n, &word))
            names[n++] = arena_cstr(s->r->arena, word);
        config_field_problem(s->r, s->path, false, node->pos, "%s; expected %s%s",
                             config_value_words(s->r->arena, node, false),
                             config_field_expects(s->r->arena, f),
                             config_field_suggest(s->r->arena, node->text, names, n));
        return;
    }
    if (!matches_pattern(f, node->text))
        config_field_problem(s->r, s->path, false, node->pos,
                             "%s; expected 1 to 64 letters, digits or %s",
                             config_value_words(s->r->arena, node, false), f->pattern);
    if (f->type == FIELD_URL)
        check_url(s, node);
    *out = config_value_text(node, false);
    struct str word;
    if (f->choices &&
        config_field_choice(f->choices, (size_t)config_field_choice_index(f->choices, node->text),
                            &word))
        out->s = arena_str(s->r->arena, word); /* the table's spelling */
    if (f->type == FIELD_PATH || (f->flags & FIELD_RESOLVE))
        out->s = config_value_path(s->r, node->text);
}

static void read_choice(const struct value_site *s, struct config_node *node, int *out)
{
    struct config_text word = { 0 };
    read_text(s, node, &word);
    if (word.s.p)
        *out = s->field->first + config_field_choice_index(s->field->choices, word.s);
}

static void read_bool(const struct value_site *s, struct config_node *node, bool *out)
{
    int choice = -1;
    if (s->field->choices) {
        read_choice(s, node, &choice);
        if (choice >= 0)
            *out = choice == 1;
        return;
    }
    if (!read_scalar(s, node))
        return;
    bool typed = is_typed(node) && config_node_core_type(node->text) == CONFIG_SCALAR_BOOL;
    if (typed)
        *out = node->text.p[0] == 't' || node->text.p[0] == 'T';
    else
        complain_kind(s, node);
}

static bool read_double(const struct value_site *s, struct config_node *node, double *out)
{
    const struct config_field *f = s->field;
    if (!read_scalar(s, node))
        return false;
    struct str text = node->text;
    if (text.n && text.p[0] == '+')
        text = str_sub(text, 1, text.n);
    double value;
    if (!is_typed(node) || str_double(text, &value) || !isfinite(value) || value < f->min ||
        (f->max > 0 && value > f->max)) {
        complain_kind(s, node);
        return false;
    }
    *out = value;
    return true;
}

static void read_uint(const struct value_site *s, struct config_node *node, unsigned *out)
{
    const struct config_field *f = s->field;
    uint64_t value, max = f->max > 0 ? (uint64_t)f->max : UINT32_MAX;
    if (!read_scalar(s, node))
        return;
    if (!is_typed(node) || str_u64(node->text, &value) || value < (uint64_t)f->min || value > max) {
        complain_kind(s, node);
        return;
    }
    *out = (unsigned)value;
}

int config_value_size(struct str text, size_t *out, struct error *e)
{
    static const struct {
        const char *unit;
        size_t bytes;
    } units[] = { { "KiB", KIB }, { "MiB", MIB }, { "GiB", GIB }, { "B", 1 }, { "", 1 } };
    for (size_t i = 0; i < N_ELEMENTS(units); i++) {
        if (!str_ends(text, str_of(units[i].unit)))
            continue;
        uint64_t n;
        struct str digits = str_trim(str_sub(text, 0, text.n - strlen(units[i].unit)));
        if (str_u64(digits, &n))
            break;
        if (n > (uint64_t)INT64_MAX / units[i].bytes)
            return error_set(e, ERROR_LIMIT, "too large");
        *out = (size_t)n * units[i].bytes;
        return 0;
    }
    return error_set(e, ERROR_INVALID, "not a size; expected bytes, KiB, MiB or GiB");
}

static void read_size(const struct value_site *s, struct config_node *node, size_t *out)
{
    size_t value;
    if (!read_scalar(s, node))
        return;
    if (config_value_size(node->text, &value, NULL) || value < (size_t)s->field->min)
        complain_kind(s, node);
    else
        *out = value;
}

static void read_duration(const struct value_site *s, struct config_node *node, int64_t *out)
{
    bool bare_seconds = s->field->type == FIELD_TIMEOUT;
    int64_t value;
    if (!read_scalar(s, node))
        return;
    if ((s->field->flags & FIELD_OFF) && str_eq(node->text, STR("off"))) {
        *out = 0;
        return;
    }
    uint64_t number;
    if (!bare_seconds && !str_u64(node->text, &number)) {
        config_field_problem(s->r, s->path, false, node->pos,
                             "'%.*s' has no unit; expected %.*sms or %.*ss", STR_ARG(node->text),
                             STR_ARG(node->text), STR_ARG(node->text));
        return;
    }
    struct error error = ERROR_INIT;
    if (duration_parse(node->text, bare_seconds, &value, &error))
        complain_kind(s, node);
    else if (value < 0 || (double)value < s->field->min)
        complain(s, node, arena_printf(s->r->arena, "'%.*s' is too short", STR_ARG(node->text)).p);
    else
        *out = value;
}

/* Runs `read` for each item of a list, or for a scalar as the only one. Returns how many. */
static size_t list_count(const struct value_site *s, const struct config_node *node)
{
    if (node->kind == CONFIG_NODE_LIST)
        return node->count;
    if (node->kind == CONFIG_NODE_SCALAR && node->scalar != CONFIG_SCALAR_NULL)
        return 1;
    if (node->kind == CONFIG_NODE_MAP && s->field->type == FIELD_SECRETS)
        return 1;
    complain_kind(s, node);
    return 0;
}

static void read_item(const struct value_site *s, struct config_node *node, struct config_text *out)
{
    if (s->field->type == FIELD_SECRETS)
        read_secret(s, node, out);
    else
        read_text(s, node, out);
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
    if (!read_scalar(s, node))
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
        complain_kind(s, node);
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
            read_secret(&(struct value_site){ s->r, &at, s->field }, e->value, &pair.value);
        else
            read_text(&(struct value_site){ s->r, &at, &text }, e->value, &pair.value);
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
        read_text(s, node, &word);
        *out = word.s.p ? node : NULL;
        return;
    }
    if (node->kind != CONFIG_NODE_MAP) {
        complain_kind(s, node);
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
        read_secret(&s, node, FIELD_IN(object, field, struct config_text));
        break;
    case FIELD_CHOICE:
        read_choice(&s, node, FIELD_IN(object, field, int));
        break;
    case FIELD_BOOL:
        read_bool(&s, node, FIELD_IN(object, field, bool));
        break;
    case FIELD_UINT:
        read_uint(&s, node, FIELD_IN(object, field, unsigned));
        break;
    case FIELD_NUMBER:
        (void)read_double(&s, node, FIELD_IN(object, field, double));
        break;
    case FIELD_SIZE:
        read_size(&s, node, FIELD_IN(object, field, size_t));
        break;
    case FIELD_DURATION:
    case FIELD_TIMEOUT:
        read_duration(&s, node, FIELD_IN(object, field, int64_t));
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
        read_text(&s, node, FIELD_IN(object, field, struct config_text));
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
