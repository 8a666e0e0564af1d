/* connections and targets: the room that sends knows the kinds (config/kind.h). */
#include "config/rows.h"

#include "config/value.h"

static const struct config_kind *kinds;
static size_t n_kinds;

void config_kinds_use(const struct config_kind *list, size_t n)
{
    kinds = list;
    n_kinds = n;
}

const struct config_kind *config_kinds_at(size_t k)
{
    return k < n_kinds ? &kinds[k] : NULL;
}

const struct config_kind *config_kinds_find(struct str name)
{
    for (size_t i = 0; i < n_kinds; i++)
        if (str_eq_c(name, kinds[i].name))
            return &kinds[i];
    return NULL;
}

#define NAMED(member) .offset = FIELD_AT(config_named, member)
static const struct config_field connection_rows[] = {
    CONFIG_ROW("type", TEXT, NAMED(type), .help = "which service; default the entry's name"),
    CONFIG_ROW("base_url", URL, NAMED(base_url),
               .help = "where it is, when not at the service's own place"),
    CONFIG_ROW("egress", SECTION, NAMED(egress), .section = &config_rows_egress,
               .help = "as the global one"),
};

static void check_kind(struct config_reader *r, const struct config_path *path,
                       const struct config_node *node, struct config_named *named)
{
    const struct config_kind *kind = config_kinds_find(named->type.s);
    if (!kind) {
        const char *names[64];
        size_t n = 0;
        const struct config_kind *known;
        for (; n < N_ELEMENTS(names) && (known = config_kinds_at(n)) != NULL; n++)
            names[n] = known->name;
        config_field_problem(r, path, false, named->type.pos,
                             "'%.*s' is no kind of connection; expected a service's name as type%s",
                             STR_ARG(str_sub(named->type.s, 0, 64)),
                             config_field_suggest(r->arena, named->type.s, names, n));
        return;
    }
    if (!kind->section)
        return;
    r->beside = &config_rows_connection;
    config_field_read(r, path, kind->section, config_field_rest(r, &config_rows_connection, node),
                      arena_alloc(r->arena, kind->section->size));
    r->beside = NULL;
}

static void connection_finish(struct config_reader *r, const struct config_path *path,
                              const struct config_node *node, void *object)
{
    struct config_named *named = object;
    if (!node)
        return;
    if (!named->type.s.p)
        named->type = named->name;
    named->node = node;
    if (n_kinds)
        check_kind(r, path, node, named);
    config_field_expand(r, path, node);
}

const struct config_section config_rows_connection = {
    .name = "connection",
    .help = "Credentials of a service that is told. Its own keys stand beside these.",
    FIELD_ROWS(connection_rows),
    .size = sizeof(struct config_named),
    .pos_at = FIELD_AT(config_named, pos),
    .open = true,
    .finish = connection_finish,
};

static const struct config_field target_rows[] = {
    CONFIG_ROW("url", TEXT, .flags = FIELD_TEMPLATE | FIELD_REQUIRED, NAMED(url),
               .help = "where messages are posted"),
    CONFIG_ROW("base_url", URL, NAMED(base_url), .help = "{{ .base_url }} of the url"),
    CONFIG_ROW("egress", SECTION, NAMED(egress), .section = &config_rows_egress,
               .help = "as the global one"),
};

static void target_finish(struct config_reader *r, const struct config_path *path,
                          const struct config_node *node, void *object)
{
    struct config_named *named = object;
    if (!node)
        return;
    named->type = named->name;
    named->node = node;
    config_field_expand(r, path, node);
}

const struct config_section config_rows_target = {
    .name = "target",
    .help = "A kind of receiver of your own: the request that tells it. Further keys as in the "
            "table of targets.",
    FIELD_ROWS(target_rows),
    .size = sizeof(struct config_named),
    .pos_at = FIELD_AT(config_named, pos),
    .open = true,
    .finish = target_finish,
};
