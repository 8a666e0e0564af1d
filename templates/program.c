/* Growing the tree: nodes, paths with their second spellings, bodies by name. */
#include "templates/program.h"

#include "templates/escape.h"

/* Names of the documented data that may be written either way, at the root only (50-templates). */
static const struct {
    const char *pascal, *snake;
    bool fold;
} aliases[] = {
    { "Body", "body", false },
    { "Headers", "headers", true },
    { "Query", "query", false },
    { "Fields", "fields", false },
    { "Type", "type", false },
    { "AgentName", "agent_name", false },
    { "TaskID", "task_id", false },
    { "Status", "status", false },
    { "Result", "result", false },
    { "Error", "error", false },
    { "Timestamp", "timestamp", false },
    { "Metadata", "metadata", false },
    { "Input", "input", false },
    { "DurationSeconds", "duration_seconds", false },
    { "TokensUsed", "tokens_used", false },
    { "ToolsCalled", "tools_called", false },
    { "Trigger", "trigger", false },
    { "SessionID", "session_id", false },
    { "Platform", "platform", false },
    { "Prompt", "prompt", false },
};

void program_place(struct str source, struct place *p, size_t to)
{
    for (; p->at < to; p->at++) {
        unsigned char c = (unsigned char)source.p[p->at];
        if (c == '\n') {
            p->line++;
            p->column = 1;
        } else if ((c & 0xC0) != 0x80) {
            p->column++;
        }
    }
}

int program_check(struct str source, struct error *e)
{
    struct place p = PLACE_START;
    if (source.n > TEMPLATE_MAX_SOURCE)
        return error_set(e, ERROR_LIMIT, "the template is larger than %zu KiB",
                         TEMPLATE_MAX_SOURCE / KIB);
    for (size_t at = 0, len; at < source.n; at += len) {
        len = str_utf8_len(source, at);
        if (len)
            continue;
        program_place(source, &p, at);
        return error_at(e, p.line, p.column, "the template is not well-formed UTF-8");
    }
    return 0;
}

void program_list_init(struct node_list *l)
{
    l->first = NULL;
    l->last = &l->first;
}

struct node *program_node(struct template *t, struct node_list *l, enum node_kind kind,
                          const struct place *p)
{
    struct node *n = ARENA_NEW(t->arena, struct node);
    n->kind = kind;
    n->line = p->line;
    n->column = p->column;
    *l->last = n;
    l->last = &n->next;
    return n;
}

struct node *program_text(struct template *t, struct node_list *l, struct str text,
                          const struct place *p)
{
    struct node *n = program_node(t, l, NODE_TEXT, p);
    n->text = text;
    for (unsigned place = 0; place < N_ELEMENTS(n->after); place++)
        n->after[place] = (uint8_t)escape_follow((enum escape_place)place, text);
    return n;
}

struct expr *program_expr(struct template *t, enum expr_kind kind, const struct place *p)
{
    struct expr *x = ARENA_NEW(t->arena, struct expr);
    x->kind = kind;
    x->line = p->line;
    x->column = p->column;
    return x;
}

struct step program_step(struct str name)
{
    struct step s = { .key = name };
    uint64_t index;
    if (name.n && name.n < 10 && str_u64(name, &index) == 0) {
        s.numeric = true;
        s.index = (uint32_t)index;
    }
    for (size_t i = 0; i < N_ELEMENTS(aliases); i++) {
        bool pascal = str_eq_c(name, aliases[i].pascal);
        if (!pascal && !str_eq_c(name, aliases[i].snake))
            continue;
        s.other = str_of(pascal ? aliases[i].snake : aliases[i].pascal);
        s.fold_next = aliases[i].fold;
        break;
    }
    return s;
}

struct path program_path(struct template *t, struct str text)
{
    struct path path = { .text = arena_str(t->arena, text) };
    if (text.n == 0 || str_eq(text, STR(".")))
        return path;
    uint32_t n = 1;
    for (size_t i = 0; i < text.n; i++)
        n += text.p[i] == '.';
    struct step *steps = ARENA_ARRAY(t->arena, struct step, n);
    struct str rest = path.text, name;
    while (path.n < n && str_split(&rest, '.', &name))
        steps[path.n++] = program_step(name);
    path.steps = steps;
    return path;
}

void program_uses(struct template *t, struct str path)
{
    struct path_use *u = ARENA_NEW(t->arena, struct path_use);
    u->path = path;
    *t->last_path = u;
    t->last_path = &u->next;
}

struct body *program_body(struct compiler *c, struct str name)
{
    struct template *t = c->t;
    struct body *b = map_get(t->bodies, name);
    if (b)
        return b;
    if (t->n_bodies == PROGRAM_MAX_BODIES) {
        error_set(c->e, ERROR_LIMIT, "more than %d named templates", PROGRAM_MAX_BODIES);
        return NULL;
    }
    b = ARENA_NEW(t->arena, struct body);
    b->name = arena_str(t->arena, name);
    map_put(t->bodies, b->name, b);
    *t->last_body = b;
    t->last_body = &b->next;
    t->n_bodies++;
    return b;
}
