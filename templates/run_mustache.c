/* The interpreter: what only mustache has. A partial that stands alone on its line, and a block,
   put their indentation before every line of their source (not of values); `indent` of the run is
   what the lines being printed get. */
#include "templates/run.h"

/* Indentation before a line that begins with a tag. */
static int line_start(struct run *r, const struct node *n, struct str indent)
{
    return indent.n ? run_write(r, n, indent) : 0;
}

/* Empty lines stay empty. */
int run_mustache_text(struct run *r, const struct node *n)
{
    bool at_start = n->line_start;
    struct str rest = n->text;
    if (at_start && rest.n == 0)
        return line_start(r, n, r->indent);
    while (rest.n) {
        ptrdiff_t end = str_chr(rest, '\n');
        struct str line = end < 0 ? rest : str_sub(rest, 0, (size_t)end + 1);
        bool empty = line.p[0] == '\n' || str_eq(line, STR("\r\n"));
        if (at_start && !empty && line_start(r, n, r->indent) < 0)
            return -1;
        if (run_write(r, n, line) < 0)
            return -1;
        rest = str_sub(rest, line.n, rest.n);
        at_start = true;
    }
    return 0;
}

static struct str joined(struct run *r, struct str a, struct str b)
{
    if (!a.n || !b.n)
        return a.n ? a : b;
    return arena_printf(run_arena(r), "%" STR_FMT "%" STR_FMT, STR_ARG(a), STR_ARG(b));
}

static enum run_flow section_list(struct run *r, const struct node *n, const struct scope *s,
                                  const struct json *list)
{
    enum run_flow flow = RUN_ON;
    uint32_t i = 0;
    for (const struct json *v = list->child; i < list->count && flow == RUN_ON; i++, v = v->next) {
        struct scope inner = { v, s };
        flow = run_charge(r, 1, n->value) < 0 ? RUN_FAILED : run_list(r, n->body, &inner);
    }
    return flow;
}

/* As JavaScript sees it: an empty object is there. */
static bool section_truth(const struct json *v)
{
    return (v && v->type == JSON_OBJECT) || value_truth(v);
}

static enum run_flow section(struct run *r, const struct node *n, const struct scope *s)
{
    const struct json *v;
    if (run_condition(r, n->value, s, &v) < 0)
        return RUN_FAILED;
    bool truth = section_truth(v);
    if (n->kind == NODE_INVERTED)
        return truth ? RUN_ON : run_list(r, n->body, s);
    if (!truth)
        return RUN_ON;
    if (v->type == JSON_LIST)
        return section_list(r, n, s, v);
    struct scope inner = { v, s };
    return run_list(r, n->body, &inner);
}

/* The body a partial or parent means: the one written, or the one its data names. */
static int callee(struct run *r, const struct node *n, const struct scope *s,
                  const struct body **out)
{
    const struct json *v;
    *out = n->callee;
    if (!n->value)
        return 0;
    if (run_value(r, n->value, s, &v) < 0)
        return -1;
    *out = NULL;
    if (v && v->type == JSON_STRING)
        *out = map_get(r->t->bodies, json_text(run_arena(r), v));
    return 0;
}

static enum run_flow partial(struct run *r, const struct node *n, const struct scope *s)
{
    const struct body *b;
    struct str outer_indent = r->indent;
    const struct overrides *outer = r->overrides;
    struct overrides own = { n->body, outer };
    if (callee(r, n, s, &b) < 0)
        return RUN_FAILED;
    if (!b || !b->defined)
        return RUN_ON;
    if (n->kind == NODE_PARENT)
        r->overrides = &own;
    r->indent = n->standalone ? joined(r, outer_indent, n->indent) : STR_NULL;
    enum run_flow flow = run_body(r, n, b, s);
    r->indent = outer_indent;
    r->overrides = outer;
    return flow;
}

/* The outermost argument of that name wins: the child overrides its parents. */
static const struct node *argument(const struct run *r, struct str name)
{
    const struct node *found = NULL;
    for (const struct overrides *o = r->overrides; o; o = o->up) {
        for (const struct node *b = o->blocks; b; b = b->next) {
            if (str_eq(b->text, name)) {
                found = b;
                break;
            }
        }
    }
    return found;
}

static enum run_flow block(struct run *r, const struct node *n, const struct scope *s)
{
    const struct node *content = argument(r, n->text);
    struct str outer_indent = r->indent;
    if (!content)
        content = n;
    if (n->line_start)
        r->indent = joined(r, outer_indent, n->indent);
    enum run_flow flow = RUN_ON;
    if (n->line_start && !content->own_lines && line_start(r, n, r->indent) < 0)
        flow = RUN_FAILED;
    if (flow == RUN_ON)
        flow = run_list(r, content->body, s);
    r->indent = outer_indent;
    return flow;
}

enum run_flow run_mustache(struct run *r, const struct node *n, const struct scope *s)
{
    switch (n->kind) {
    case NODE_SECTION:
    case NODE_INVERTED:
        return section(r, n, s);
    case NODE_PARTIAL:
    case NODE_PARENT:
        return partial(r, n, s);
    case NODE_BLOCK:
        return block(r, n, s);
    default:
        return line_start(r, n, r->indent) < 0 ? RUN_FAILED : RUN_ON;
    }
}
