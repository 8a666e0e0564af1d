/* libyaml's events → a tree of config_node. One pass, depth and node count bounded; an alias is the
   node of its anchor, so that a bomb of aliases costs nothing, and `total` counts what it stands for. */
#include "config/yaml.h"

#include "base/map.h"
#include "config/yaml_scalar.h"

struct yaml_reader {
    yaml_parser_t parser;
    struct arena *arena;
    struct config_problems *problems;
    struct yaml_scalar_lines lines;
    struct map *anchors;
    uint64_t n_nodes;
    unsigned depth;
    bool stopped; /* syntax error or limit: nothing more can be read */
};

static struct config_node *read_node(struct yaml_reader *r, const yaml_event_t *event);

static struct str scalar_text(const yaml_event_t *event)
{
    return str_n((const char *)event->data.scalar.value, event->data.scalar.length);
}

static bool next_event(struct yaml_reader *r, yaml_event_t *event)
{
    if (r->stopped)
        return false;
    if (yaml_parser_parse(&r->parser, event))
        return true;
    yaml_scalar_problem(&r->parser, r->lines.source, r->problems);
    r->stopped = true;
    return false;
}

static void stop(struct yaml_reader *r, struct config_pos pos, const char *what)
{
    if (!r->stopped)
        config_problem(r->problems, false, pos, "%s", what);
    r->stopped = true;
}

static bool all_digits(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
    return s.n > 0;
}

static bool is_word(struct str s, const char *lower, const char *title, const char *upper)
{
    return str_eq_c(s, lower) || str_eq_c(s, title) || str_eq_c(s, upper);
}

static bool is_based(struct str s)
{
    if (s.n < 3 || s.p[0] != '0' || (s.p[1] != 'x' && s.p[1] != 'o'))
        return false;
    const char *digits = s.p[1] == 'x' ? "0123456789abcdefABCDEF" : "01234567";
    for (size_t i = 2; i < s.n; i++)
        if (!s.p[i] || !strchr(digits, s.p[i]))
            return false;
    return true;
}

/* [-+]? ( \.[0-9]+ | [0-9]+ (\.[0-9]*)? ) ([eE][-+]?[0-9]+)? — YAML 1.2.2, 10.3.2 */
static bool is_float(struct str s)
{
    ptrdiff_t e = str_chr(s, 'e') >= 0 ? str_chr(s, 'e') : str_chr(s, 'E');
    struct str mantissa = e >= 0 ? str_sub(s, 0, (size_t)e) : s;
    if (e >= 0) {
        struct str exponent = str_sub(s, (size_t)e + 1, s.n);
        if (exponent.n && (exponent.p[0] == '-' || exponent.p[0] == '+'))
            exponent = str_sub(exponent, 1, exponent.n);
        if (!all_digits(exponent))
            return false;
    }
    ptrdiff_t dot = str_chr(mantissa, '.');
    struct str whole = dot >= 0 ? str_sub(mantissa, 0, (size_t)dot) : mantissa;
    struct str rest = dot >= 0 ? str_sub(mantissa, (size_t)dot + 1, mantissa.n) : STR_NULL;
    if (!whole.n)
        return all_digits(rest);
    return all_digits(whole) && (!rest.n || all_digits(rest));
}

enum config_node_scalar config_node_core_type(struct str s)
{
    if (!s.n || str_eq_c(s, "~") || is_word(s, "null", "Null", "NULL"))
        return CONFIG_SCALAR_NULL;
    if (is_word(s, "true", "True", "TRUE") || is_word(s, "false", "False", "FALSE"))
        return CONFIG_SCALAR_BOOL;
    if (is_based(s))
        return CONFIG_SCALAR_INT;
    if (is_word(s, ".nan", ".NaN", ".NAN"))
        return CONFIG_SCALAR_FLOAT;
    struct str number = s.p[0] == '-' || s.p[0] == '+' ? str_sub(s, 1, s.n) : s;
    if (all_digits(number))
        return CONFIG_SCALAR_INT;
    if (is_word(number, ".inf", ".Inf", ".INF") || is_float(number))
        return CONFIG_SCALAR_FLOAT;
    return CONFIG_SCALAR_STRING;
}

static struct config_node *new_node(struct yaml_reader *r, uint8_t kind, const yaml_event_t *event)
{
    struct config_node *node = ARENA_NEW(r->arena, struct config_node);
    node->kind = kind;
    node->pos = node->text_pos = yaml_scalar_pos(event->start_mark);
    node->total = 1;
    return node;
}

static void keep_anchor(struct yaml_reader *r, const yaml_char_t *anchor, struct config_node *node)
{
    if (anchor)
        map_put(r->anchors, str_of((const char *)anchor), node);
}

/* The core schema's tags are taken, any other is refused: it would mean something to its author. */
static void check_tag(struct yaml_reader *r, const yaml_char_t *tag, struct config_node *node)
{
    static const struct {
        const char *tag;
        uint8_t kind;
        int scalar; /* -1: by the text */
    } known[] = {
        { YAML_STR_TAG, CONFIG_NODE_SCALAR, CONFIG_SCALAR_STRING },
        { YAML_NULL_TAG, CONFIG_NODE_SCALAR, CONFIG_SCALAR_NULL },
        { YAML_BOOL_TAG, CONFIG_NODE_SCALAR, -1 },
        { YAML_INT_TAG, CONFIG_NODE_SCALAR, -1 },
        { YAML_FLOAT_TAG, CONFIG_NODE_SCALAR, -1 },
        { YAML_SEQ_TAG, CONFIG_NODE_LIST, 0 },
        { YAML_MAP_TAG, CONFIG_NODE_MAP, 0 },
        { "!", CONFIG_NODE_SCALAR, CONFIG_SCALAR_STRING },
        { "!", CONFIG_NODE_LIST, 0 },
        { "!", CONFIG_NODE_MAP, 0 },
    };
    if (!tag)
        return;
    struct str text = str_of((const char *)tag);
    for (size_t i = 0; i < N_ELEMENTS(known); i++) {
        if (node->kind != known[i].kind || !str_eq_c(text, known[i].tag))
            continue;
        node->scalar = (uint8_t)(known[i].scalar >= 0 ? known[i].scalar
                                                      : (int)config_node_core_type(node->text));
        return;
    }
    config_problem(r->problems, false, node->pos,
                   "the tag '%.*s' is not supported; write the value without a tag",
                   STR_ARG(str_sub(text, 0, 80)));
}

static struct config_node *read_scalar(struct yaml_reader *r, const yaml_event_t *event)
{
    struct config_node *node = new_node(r, CONFIG_NODE_SCALAR, event);
    node->text = arena_str(r->arena, scalar_text(event));
    switch (event->data.scalar.style) {
    case YAML_LITERAL_SCALAR_STYLE:
        node->style = CONFIG_STYLE_LITERAL;
        break;
    case YAML_FOLDED_SCALAR_STYLE:
        node->style = CONFIG_STYLE_FOLDED;
        break;
    case YAML_SINGLE_QUOTED_SCALAR_STYLE:
    case YAML_DOUBLE_QUOTED_SCALAR_STYLE:
        node->style = CONFIG_STYLE_QUOTED;
        break;
    default:
        node->style = CONFIG_STYLE_PLAIN;
        break;
    }
    node->scalar = CONFIG_SCALAR_STRING;
    if (event->data.scalar.plain_implicit)
        node->scalar = (uint8_t)config_node_core_type(node->text);
    yaml_scalar_place(&r->lines, node, event);
    check_tag(r, event->data.scalar.tag, node);
    if (memchr(node->text.p, 0, node->text.n))
        config_problem(r->problems, false, node->pos, "the text has a NUL character in it");
    keep_anchor(r, event->data.scalar.anchor, node);
    return node;
}

static struct config_node *read_alias(struct yaml_reader *r, const yaml_event_t *event)
{
    const char *name = (const char *)event->data.alias.anchor;
    struct config_node *node = map_get(r->anchors, str_of(name));
    struct config_pos pos = yaml_scalar_pos(event->start_mark);
    if (node && !node->open)
        return node;
    if (node)
        config_problem(r->problems, false, pos,
                       "the alias *%.80s stands inside its own anchor, a cycle; expected an anchor "
                       "that ended before",
                       name);
    else
        config_problem(r->problems, false, pos,
                       "the alias *%.80s has no anchor; expected &%.80s before it", name, name);
    node = new_node(r, CONFIG_NODE_SCALAR, event);
    node->scalar = CONFIG_SCALAR_NULL;
    node->text = arena_str(r->arena, STR(""));
    return node;
}

static void add_entry(struct yaml_reader *r, struct config_node *parent,
                      const struct config_entry *entry)
{
    struct config_entry *kept = ARENA_NEW(r->arena, struct config_entry);
    *kept = *entry;
    kept->next = NULL;
    if (parent->last)
        parent->last->next = kept;
    else
        parent->first = kept;
    parent->last = kept;
    parent->count++;
    uint64_t total = (uint64_t)parent->total + entry->value->total;
    if (total > CONFIG_MAX_NODES) {
        stop(r, parent->pos, "more than 4000000 nodes when aliases are counted as copies");
        total = CONFIG_MAX_NODES;
    }
    parent->total = (uint32_t)total;
}

/* Few keys: look through them; many: a map, made when it is first needed. */
static const struct config_entry *find_key(struct yaml_reader *r, const struct config_node *parent,
                                           struct map **index, struct str key)
{
    if (parent->count < 16) {
        for (const struct config_entry *e = parent->first; e; e = e->next)
            if (str_eq(e->key, key))
                return e;
        return NULL;
    }
    (void)r;
    if (!*index) {
        *index = map_new(false);
        for (struct config_entry *e = parent->first; e; e = e->next)
            map_put(*index, e->key, e);
    }
    return map_get(*index, key);
}

static void read_member(struct yaml_reader *r, struct config_node *parent, struct map **index,
                        const yaml_event_t *key_event)
{
    const struct config_node *key = read_node(r, key_event);
    yaml_event_t event;
    if (!key || !next_event(r, &event))
        return;
    struct config_entry entry = { .key_pos = yaml_scalar_pos(key_event->start_mark),
                                  .value = read_node(r, &event) };
    yaml_event_delete(&event);
    if (!entry.value)
        return;
    if (key->kind != CONFIG_NODE_SCALAR) {
        config_problem(r->problems, false, entry.key_pos,
                       "a %s as a key; expected 'key: value' (a template that begins with {{ needs "
                       "quotes)",
                       key->kind == CONFIG_NODE_MAP ? "map" : "list");
        return;
    }
    entry.key = key->text;
    const struct config_entry *before = find_key(r, parent, index, entry.key);
    if (before) {
        config_problem(r->problems, false, entry.key_pos,
                       "the key '%.*s' is here a second time; the first is at %u:%u",
                       STR_ARG(str_sub(entry.key, 0, 80)), before->key_pos.line,
                       before->key_pos.column);
        return;
    }
    add_entry(r, parent, &entry);
    if (*index)
        map_put(*index, parent->last->key, parent->last);
}

static void read_children(struct yaml_reader *r, struct config_node *node)
{
    yaml_event_type_t end =
        node->kind == CONFIG_NODE_MAP ? YAML_MAPPING_END_EVENT : YAML_SEQUENCE_END_EVENT;
    struct map *index = NULL;
    yaml_event_t event;
    while (next_event(r, &event)) {
        bool ended = event.type == end;
        if (!ended && node->kind == CONFIG_NODE_MAP) {
            read_member(r, node, &index, &event);
        } else if (!ended) {
            struct config_entry entry = { .key_pos = yaml_scalar_pos(event.start_mark),
                                          .value = read_node(r, &event) };
            if (entry.value)
                add_entry(r, node, &entry);
        }
        yaml_event_delete(&event);
        if (ended)
            break;
    }
    map_free(index);
}

static struct config_node *read_collection(struct yaml_reader *r, const yaml_event_t *event)
{
    bool map = event->type == YAML_MAPPING_START_EVENT;
    struct config_node *node = new_node(r, map ? CONFIG_NODE_MAP : CONFIG_NODE_LIST, event);
    if (r->depth >= CONFIG_MAX_DEPTH) {
        stop(r, node->pos, "nested more than 64 deep");
        return NULL;
    }
    check_tag(r, map ? event->data.mapping_start.tag : event->data.sequence_start.tag, node);
    keep_anchor(r, map ? event->data.mapping_start.anchor : event->data.sequence_start.anchor,
                node);
    node->open = true;
    r->depth++;
    read_children(r, node);
    r->depth--;
    node->open = false;
    return r->stopped ? NULL : node;
}

static struct config_node *read_node(struct yaml_reader *r, const yaml_event_t *event)
{
    if (++r->n_nodes > CONFIG_MAX_NODES) {
        stop(r, yaml_scalar_pos(event->start_mark), "more than 4000000 nodes");
        return NULL;
    }
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        return read_scalar(r, event);
    case YAML_ALIAS_EVENT:
        return read_alias(r, event);
    case YAML_SEQUENCE_START_EVENT:
    case YAML_MAPPING_START_EVENT:
        return read_collection(r, event);
    default:
        stop(r, yaml_scalar_pos(event->start_mark), "not a value");
        return NULL;
    }
}

/* STREAM-START DOCUMENT-START node DOCUMENT-END STREAM-END */
static struct config_node *read_document(struct yaml_reader *r)
{
    struct config_node *root = NULL;
    unsigned documents = 0;
    yaml_event_t event;
    while (next_event(r, &event)) {
        yaml_event_type_t type = event.type;
        struct config_pos pos = yaml_scalar_pos(event.start_mark);
        if (type == YAML_DOCUMENT_START_EVENT && documents++)
            stop(r, pos, "a second document begins here; expected one document in the file");
        else if (type != YAML_STREAM_START_EVENT && type != YAML_DOCUMENT_START_EVENT &&
                 type != YAML_DOCUMENT_END_EVENT && type != YAML_STREAM_END_EVENT)
            root = read_node(r, &event);
        yaml_event_delete(&event);
        if (type == YAML_STREAM_END_EVENT)
            break;
    }
    return r->stopped ? NULL : root;
}

struct config_node *config_node_parse(struct arena *arena, struct str text,
                                      struct config_problems *problems)
{
    struct config_pos start = { 1, 1 };
    if (text.n > CONFIG_MAX_FILE) {
        config_problem(problems, false, start, "%zu bytes; expected at most 64 MiB", text.n);
        return NULL;
    }
    if (str_starts(text, STR("\xff\xfe")) || str_starts(text, STR("\xfe\xff"))) {
        config_problem(problems, false, start, "the file is UTF-16; expected UTF-8 text");
        return NULL;
    }
    struct yaml_reader r = { .arena = arena, .problems = problems };
    r.lines = (struct yaml_scalar_lines){ .source = text, .line = 1 };
    if (!yaml_parser_initialize(&r.parser))
        abort(); /* out of memory */
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)(text.p ? text.p : ""), text.n);
    r.anchors = map_new(false);
    size_t errors = problems->n_errors;
    struct config_node *root = read_document(&r);
    if (!root && problems->n_errors == errors)
        config_problem(problems, false, start,
                       "the file is empty; expected at least 'agents:' (keryx init writes one that "
                       "runs)");
    map_free(r.anchors);
    yaml_parser_delete(&r.parser);
    return root;
}

const struct config_entry *config_node_member(const struct config_node *node, const char *key)
{
    if (!node || node->kind != CONFIG_NODE_MAP)
        return NULL;
    for (const struct config_entry *e = node->first; e; e = e->next)
        if (str_eq_c(e->key, key))
            return e;
    return NULL;
}

const struct config_node *config_node_get(const struct config_node *node, const char *key)
{
    const struct config_entry *e = config_node_member(node, key);
    return e ? e->value : NULL;
}
