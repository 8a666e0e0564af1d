/* The interpreter: nodes that print and control. */
#include "templates/run.h"

#include <stdio.h>

/* Bodies with at most this many variables keep them on the stack. */
#define FEW_SLOTS 16

/* What the dot dialect shows of lists and objects, and of the whole data (50-templates). */
#define DOT_MAX_VALUE 2000
#define DOT_MAX_WHOLE 4000

struct arena *run_arena(struct run *r)
{
    if (!r->arena)
        r->arena = arena_new(0);
    return r->arena;
}

int run_fail_at(struct run *r, const struct node *at, const char *what)
{
    error_at(r->e, at->line, at->column, "%s", what);
    if (r->e)
        r->e->code = ERROR_LIMIT;
    return -1;
}

static int check_output(struct run *r, const struct node *at)
{
    if (!r->out->full && r->out->n - r->start <= r->max_output)
        return 0;
    char what[64];
    snprintf(what, sizeof(what), "the output is larger than %zu bytes", r->max_output);
    return run_fail_at(r, at, what);
}

int run_write(struct run *r, const struct node *at, struct str text)
{
    buf_str(r->out, text);
    if (r->o->escape == TEMPLATE_ESCAPE_JSON)
        r->place = escape_follow(r->place, text);
    return check_output(r, at);
}

int run_print(struct run *r, const struct node *at, struct str text)
{
    switch (r->o->escape) {
    case TEMPLATE_ESCAPE_JSON:
        r->place = escape_json(r->out, r->place, text);
        break;
    case TEMPLATE_ESCAPE_HTML:
        if (at->raw)
            escape_none(r->out, text);
        else
            escape_html(r->out, text, "&quot;");
        break;
    case TEMPLATE_ESCAPE_URL:
        if (at->raw)
            escape_none(r->out, text);
        else
            escape_url(r->out, text, false);
        break;
    case TEMPLATE_ESCAPE_NONE:
        escape_none(r->out, text);
        break;
    }
    return check_output(r, at);
}

/* The first `n` characters. */
static struct str cut(struct str s, size_t n)
{
    size_t at = 0;
    for (; at < s.n && n > 0; n--)
        at += MAX(str_utf8_len(s, at), (size_t)1);
    return str_sub(s, 0, at);
}

/* A list or object: Go's form, or JSON elsewhere. */
static int print_box(struct run *r, const struct node *n, const struct json *v)
{
    /* Escaping only makes longer, so nothing larger than the output could be printed. */
    r->text.limit = r->max_output + 1;
    buf_reset(&r->text);
    if (r->t->dialect == TEMPLATE_GO)
        value_print(&r->text, run_arena(r), v);
    else
        json_write(&r->text, value_decoded(run_arena(r), v),
                   n->kind == NODE_WHOLE ? JSON_PRETTY : JSON_COMPACT);
    struct str text = buf_view(&r->text);
    if (r->t->dialect == TEMPLATE_DOT)
        text = cut(text, n->kind == NODE_WHOLE ? DOT_MAX_WHOLE : DOT_MAX_VALUE);
    else if (r->text.full)
        return run_fail_at(r, n, "a value is larger than the output may be");
    return run_print(r, n, text);
}

/* What stands for a missing value; `null` for one that is there but null. */
static int print_nothing(struct run *r, const struct node *n, bool null)
{
    if (r->t->dialect == TEMPLATE_DOT)
        return run_print(r, n, null ? STR("null") : n->text);
    if (!null && r->o->missing == TEMPLATE_MISSING_KEEP)
        return run_print(r, n, n->text);
    if (run_strict(r) && !(null && r->t->dialect == TEMPLATE_MUSTACHE))
        return run_print(r, n, STR("<no value>"));
    return 0;
}

static int print(struct run *r, const struct node *n, const struct scope *s)
{
    const struct json *v;
    if (run_value(r, n->value, s, &v) < 0)
        return -1;
    if (value_is_nil(v))
        return print_nothing(r, n, v != NULL);
    if (v->type == JSON_LIST || v->type == JSON_OBJECT)
        return print_box(r, n, v);
    struct str text = v->flags & JSON_ESCAPED ? json_text(run_arena(r), v) : v->text;
    return run_print(r, n, text);
}

/* Whether a chain of else-ifs goes on in this list. */
static const struct node *chained(const struct node *list)
{
    return list && !list->next && list->kind == NODE_IF ? list : NULL;
}

static enum run_flow branch(struct run *r, const struct node *n, const struct scope *s)
{
    for (;;) {
        const struct json *v;
        if (run_condition(r, n->value, s, &v) < 0)
            return RUN_FAILED;
        if (value_truth(v)) {
            struct scope inner = { v, s };
            return run_list(r, n->body, n->kind == NODE_WITH ? &inner : s);
        }
        const struct node *next = chained(n->otherwise);
        if (!next)
            return run_list(r, n->otherwise, s);
        n = next;
    }
}

/* One turn of a range. RUN_BREAK ends it. */
static enum run_flow turn(struct run *r, const struct node *n, const struct scope *outer,
                          const struct json *key, const struct json *value)
{
    const struct expr *x = n->value;
    if (x->kind == EXPR_SET) {
        r->variables[x->slots[x->n_slots - 1]] = value;
        if (x->n_slots > 1)
            r->variables[x->slots[0]] = key;
    }
    if (run_charge(r, 1, x) < 0)
        return RUN_FAILED;
    struct scope inner = { value, outer };
    enum run_flow flow = run_list(r, n->body, &inner);
    return flow == RUN_CONTINUE ? RUN_ON : flow;
}

/* Element numbers are values only when somebody asks for them. */
static const struct json *counter(struct run *r, const struct node *n, uint64_t i, bool always)
{
    bool wanted = always || (n->value->kind == EXPR_SET && n->value->n_slots > 1);
    return wanted ? json_i64(run_arena(r), (int64_t)i) : &value_nil;
}

static enum run_flow range_list(struct run *r, const struct node *n, const struct scope *s,
                                const struct json *list)
{
    enum run_flow flow = RUN_ON;
    uint32_t i = 0;
    for (const struct json *v = list->child; i < list->count && flow == RUN_ON; i++, v = v->next)
        flow = turn(r, n, s, counter(r, n, i, false), v);
    return flow;
}

static enum run_flow range_object(struct run *r, const struct node *n, const struct scope *s,
                                  const struct json *object)
{
    size_t count;
    if (run_charge(r, object->count, n->value) < 0)
        return RUN_FAILED;
    struct value_member *members = value_members(run_arena(r), object, &count);
    enum run_flow flow = RUN_ON;
    for (size_t i = 0; i < count && flow == RUN_ON; i++)
        flow = turn(r, n, s, json_str(run_arena(r), members[i].key), members[i].value);
    return flow;
}

static enum run_flow range_count(struct run *r, const struct node *n, const struct scope *s,
                                 int64_t count)
{
    enum run_flow flow = RUN_ON;
    for (int64_t i = 0; i < count && flow == RUN_ON; i++) {
        const struct json *v = counter(r, n, (uint64_t)i, true);
        flow = turn(r, n, s, v, v);
    }
    return flow;
}

static enum run_flow range(struct run *r, const struct node *n, const struct scope *s)
{
    const struct json *v = NULL;
    int64_t count = 0;
    if (run_condition(r, n->value, s, &v) < 0)
        return RUN_FAILED;
    enum run_flow flow;
    if (value_is_nil(v))
        return run_list(r, n->otherwise, s);
    bool number =
        v->type == JSON_NUMBER && !value_is_float(v) && json_number_i64(v->text, &count) == 0;
    if (!number && v->type != JSON_LIST && v->type != JSON_OBJECT) {
        run_fail(r, n->value, "range cannot go over a value of type %s", value_type(v));
        return RUN_FAILED;
    }
    if (number && count > 0)
        flow = range_count(r, n, s, count);
    else if (v->type == JSON_LIST && v->count)
        flow = range_list(r, n, s, v);
    else if (v->type == JSON_OBJECT && v->count)
        flow = range_object(r, n, s, v);
    else
        return run_list(r, n->otherwise, s);
    return flow == RUN_BREAK ? RUN_ON : flow;
}

enum run_flow run_body(struct run *r, const struct node *at, const struct body *b,
                       const struct scope *s)
{
    const struct json *few[FEW_SLOTS] = { NULL }, **outer = r->variables;
    if (r->calls == TEMPLATE_MAX_NESTING) {
        run_fail_at(r, at, "templates call each other more than 64 levels deep");
        return RUN_FAILED;
    }
    r->calls++;
    r->variables = few;
    if (b->slots > FEW_SLOTS)
        r->variables = ARENA_ARRAY(run_arena(r), const struct json *, b->slots);
    r->variables[0] = s->value;
    enum run_flow flow = run_list(r, b->first, s);
    r->variables = outer;
    r->calls--;
    if (flow == RUN_FAILED && b->source.p != r->t->source.p)
        error_wrap(r->e, "template \"%" STR_FMT "\"", STR_ARG(b->name));
    return flow;
}

static enum run_flow call(struct run *r, const struct node *n, const struct scope *s)
{
    const struct json *v = &value_nil;
    if (n->value && run_value(r, n->value, s, &v) < 0)
        return RUN_FAILED;
    if (value_is_nil(v))
        v = &value_nil;
    struct scope own = { v, NULL };
    return run_body(r, n, n->callee, &own);
}

static int text(struct run *r, const struct node *n)
{
    if (r->indent.n)
        return run_mustache_text(r, n);
    buf_str(r->out, n->text);
    r->place = (enum escape_place)n->after[r->place];
    return check_output(r, n);
}

static enum run_flow node(struct run *r, const struct node *n, const struct scope *s)
{
    const struct json *ignored;
    switch (n->kind) {
    case NODE_TEXT:
        return text(r, n) < 0 ? RUN_FAILED : RUN_ON;
    case NODE_PRINT:
        return print(r, n, s) < 0 ? RUN_FAILED : RUN_ON;
    case NODE_EVALUATE:
        return run_value(r, n->value, s, &ignored) < 0 ? RUN_FAILED : RUN_ON;
    case NODE_WHOLE:
        return print_box(r, n, r->root) < 0 ? RUN_FAILED : RUN_ON;
    case NODE_IF:
    case NODE_WITH:
        return branch(r, n, s);
    case NODE_RANGE:
        return range(r, n, s);
    case NODE_BREAK:
        return RUN_BREAK;
    case NODE_CONTINUE:
        return RUN_CONTINUE;
    case NODE_CALL:
        return call(r, n, s);
    default:
        return run_mustache(r, n, s);
    }
}

enum run_flow run_list(struct run *r, const struct node *first, const struct scope *s)
{
    enum run_flow flow = RUN_ON;
    if (first && r->depth == RUN_MAX_DEPTH) {
        run_fail_at(r, first, "nested too deep");
        return RUN_FAILED;
    }
    r->depth++;
    for (const struct node *n = first; n && flow == RUN_ON; n = n->next) {
        if (r->steps++ >= TEMPLATE_MAX_STEPS) {
            run_fail_at(r, n, "takes more than 1000000 steps");
            flow = RUN_FAILED;
            break;
        }
        flow = node(r, n, s);
    }
    r->depth--;
    return flow;
}

int run_template(struct run *r)
{
    struct scope root = { r->root, NULL };
    if (!r->root || r->root->type == JSON_NULL)
        root.value = &value_nil;
    return run_body(r, r->t->main->first, r->t->main, &root) == RUN_FAILED ? -1 : 0;
}
