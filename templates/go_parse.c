/* Controls and bodies of the go dialect (text/template as of Go 1.19, with else-with and shared
   templates). */
#include "templates/go_parse.h"

#include "templates/func.h"
#include "templates/go_literal.h"

/* What ended a list. */
enum stop { STOP_EOF, STOP_END, STOP_ELSE };

static int list(struct go_parser *p, struct node_list *into, enum stop *stop);

const struct go_token *go_parse_peek(const struct go_parser *p)
{
    return &p->tokens.all[p->at];
}

const struct go_token *go_parse_next(struct go_parser *p)
{
    const struct go_token *t = &p->tokens.all[p->at];
    if (t->kind != GO_END)
        p->at++;
    return t;
}

void go_parse_skip_space(struct go_parser *p)
{
    while (go_parse_peek(p)->kind == GO_SPACE)
        p->at++;
}

int go_parse_unexpected(struct go_parser *p, const struct go_token *t, const char *where)
{
    if (t->kind == GO_END)
        return error_at(p->c->e, t->place.line, t->place.column, "unexpected end of template in %s",
                        where);
    return error_at(p->c->e, t->place.line, t->place.column, "unexpected %" STR_FMT " in %s",
                    STR_ARG(t->text), where);
}

int go_parse_enter(struct go_parser *p, const struct go_token *t)
{
    if (p->nesting++ < TEMPLATE_MAX_NESTING)
        return 0;
    return error_at(p->c->e, t->place.line, t->place.column, "nested deeper than %d levels",
                    TEMPLATE_MAX_NESTING);
}

static int expect_right(struct go_parser *p, const char *where)
{
    go_parse_skip_space(p);
    const struct go_token *t = go_parse_next(p);
    return t->kind == GO_RIGHT ? 0 : go_parse_unexpected(p, t, where);
}

/* A quoted template name. */
static int name(struct go_parser *p, const char *where, struct str *out)
{
    go_parse_skip_space(p);
    const struct go_token *t = go_parse_next(p);
    if (t->kind != GO_STRING && t->kind != GO_RAW)
        return go_parse_unexpected(p, t, where);
    const struct json *v = go_literal(p->t->arena, t, p->c->e);
    if (!v)
        return -1;
    *out = v->text;
    return 0;
}

/* The source from `left` to the token before p->at. */
static struct str as_written(const struct go_parser *p, const struct go_token *left)
{
    const struct go_token *right = &p->tokens.all[p->at - 1];
    return str_n(left->text.p, (size_t)(right->text.p + right->text.n - left->text.p));
}

/* Whether the escaping of the result for HTML or URLs is done by the last function. */
static bool escapes_itself(const struct expr *x)
{
    return x->kind == EXPR_CALL && x->func->escapes;
}

static int action(struct go_parser *p, const struct go_token *left, struct node_list *into)
{
    struct expr *x = go_pipe(p, "command", GO_RIGHT);
    if (!x)
        return -1;
    struct node *n =
        program_node(p->t, into, x->kind == EXPR_SET ? NODE_EVALUATE : NODE_PRINT, &left->place);
    n->value = x;
    n->raw = escapes_itself(x);
    n->text = as_written(p, left);
    return 0;
}

static int loop_control(struct go_parser *p, const struct go_token *t, struct node_list *into)
{
    if (p->ranges == 0)
        return error_at(p->c->e, t->place.line, t->place.column,
                        "{{%" STR_FMT "}} outside {{range}}", STR_ARG(t->text));
    program_node(p->t, into, t->keyword == GO_BREAK ? NODE_BREAK : NODE_CONTINUE, &t->place);
    return expect_right(p, "action");
}

static int template_call(struct go_parser *p, const struct go_token *t, struct node_list *into)
{
    struct go_pending *pending = ARENA_NEW(p->c->scratch, struct go_pending);
    if (name(p, "template", &pending->name) < 0)
        return -1;
    pending->node = program_node(p->t, into, NODE_CALL, &t->place);
    pending->node->text = pending->name;
    *p->last_pending = pending;
    p->last_pending = &pending->next;
    go_parse_skip_space(p);
    if (go_parse_peek(p)->kind == GO_RIGHT) {
        p->at++;
        return 0;
    }
    pending->node->value = go_pipe(p, "template", GO_RIGHT);
    return pending->node->value ? 0 : -1;
}

static bool is_empty(const struct node *n)
{
    for (; n; n = n->next) {
        if (n->kind != NODE_TEXT || str_trim(n->text).n)
            return false;
    }
    return true;
}

/* Gives a named body its nodes; of two definitions one must be empty. */
static int define(struct go_parser *p, const struct go_token *at, struct str named,
                  struct node *first, unsigned slots)
{
    struct body *b = program_body(p->c, named);
    if (!b)
        return -1;
    if (b->defined && !is_empty(b->first)) {
        if (is_empty(first))
            return 0;
        return error_at(p->c->e, at->place.line, at->place.column,
                        "template \"%" STR_FMT "\" is defined twice", STR_ARG(named));
    }
    b->first = first;
    b->slots = slots;
    b->defined = true;
    b->source = p->source;
    return 0;
}

/* The nodes of a {{define}} or {{block}} up to its {{end}}, with variables of their own. */
static int definition(struct go_parser *p, const struct go_token *t, struct str named)
{
    struct str outer[PROGRAM_MAX_SLOTS];
    unsigned n_outer = p->n_variables, max_outer = p->max_variables, ranges = p->ranges;
    bool root = p->root;
    memcpy(outer, p->variables, n_outer * sizeof(outer[0]));
    p->n_variables = p->max_variables = 1;
    p->ranges = 0;
    p->root = true; /* nobody knows what it will be called with */
    struct node_list nodes;
    enum stop stop;
    if (go_parse_enter(p, t) < 0 || list(p, &nodes, &stop) < 0)
        return -1;
    if (stop != STOP_END)
        return go_parse_unexpected(p, go_parse_peek(p), "define");
    unsigned slots = p->max_variables;
    p->nesting--;
    memcpy(p->variables, outer, n_outer * sizeof(outer[0]));
    p->n_variables = n_outer;
    p->max_variables = max_outer;
    p->ranges = ranges;
    p->root = root;
    return define(p, t, named, nodes.first, slots);
}

static int block(struct go_parser *p, const struct go_token *t, struct node_list *into)
{
    struct str named;
    if (name(p, "block", &named) < 0)
        return -1;
    struct expr *value = go_pipe(p, "block", GO_RIGHT);
    if (!value)
        return -1;
    struct node *n = program_node(p->t, into, NODE_CALL, &t->place);
    n->text = named;
    n->value = value;
    if (definition(p, t, named) < 0)
        return -1;
    n->callee = program_body(p->c, named);
    return 0;
}

static int define_clause(struct go_parser *p, const struct go_token *t)
{
    struct str named;
    if (name(p, "define", &named) < 0 || expect_right(p, "define") < 0)
        return -1;
    return definition(p, t, named);
}

static enum node_kind control_kind(enum go_keyword k)
{
    if (k == GO_IF)
        return NODE_IF;
    return k == GO_WITH ? NODE_WITH : NODE_RANGE;
}

/* The pipeline and the first list of if, with or range. */
static struct node *branch(struct go_parser *p, const struct go_token *t, struct node_list *into,
                           enum stop *stop)
{
    static const char *const words[] = {
        [NODE_IF] = "if", [NODE_WITH] = "with", [NODE_RANGE] = "range"
    };
    enum node_kind kind = control_kind(t->keyword);
    struct expr *value = go_pipe(p, words[kind], GO_RIGHT);
    if (!value)
        return NULL;
    struct node *n = program_node(p->t, into, kind, &t->place);
    n->value = value;
    bool root = p->root;
    p->root = root && kind == NODE_IF;
    p->ranges += kind == NODE_RANGE;
    struct node_list body;
    if (list(p, &body, stop) < 0)
        return NULL;
    p->ranges -= kind == NODE_RANGE;
    p->root = root;
    n->body = body.first;
    return n;
}

/* `else if` after if, `else with` after with: the chain is a list of one inside `otherwise`, closed
   by one {{end}}. */
static int control(struct go_parser *p, const struct go_token *t, struct node_list *into)
{
    unsigned variables = p->n_variables;
    enum stop stop;
    if (go_parse_enter(p, t) < 0)
        return -1;
    struct node *n = branch(p, t, into, &stop);
    while (n && stop == STOP_ELSE) {
        struct node_list otherwise;
        program_list_init(&otherwise);
        go_parse_skip_space(p);
        const struct go_token *next = go_parse_next(p);
        if (next->kind == GO_KEYWORD && next->keyword == t->keyword && t->keyword != GO_RANGE) {
            struct node *chained = branch(p, next, &otherwise, &stop);
            n->otherwise = otherwise.first;
            n = chained;
            continue;
        }
        if (next->kind != GO_RIGHT)
            return go_parse_unexpected(p, next, "else");
        if (list(p, &otherwise, &stop) < 0)
            return -1;
        n->otherwise = otherwise.first;
        if (stop == STOP_ELSE)
            return go_parse_unexpected(p, &p->tokens.all[p->at - 1], "else: expected end");
        break;
    }
    if (!n)
        return -1;
    if (stop == STOP_EOF)
        return error_at(p->c->e, t->place.line, t->place.column, "{{%" STR_FMT "}} has no {{end}}",
                        STR_ARG(t->text));
    p->n_variables = variables;
    p->nesting--;
    return 0;
}

/* What begins with {{. *stop: it was an {{end}} (consumed) or an else (its keyword consumed). */
static int tag(struct go_parser *p, struct node_list *into, enum stop *stop)
{
    const struct go_token *left = go_parse_next(p);
    go_parse_skip_space(p);
    const struct go_token *t = go_parse_peek(p);
    if (t->kind != GO_KEYWORD)
        return action(p, left, into);
    p->at++;
    switch (t->keyword) {
    case GO_BREAK:
    case GO_CONTINUE:
        return loop_control(p, t, into);
    case GO_TEMPLATE:
        return template_call(p, t, into);
    case GO_BLOCK:
        return block(p, t, into);
    case GO_IF:
    case GO_WITH:
    case GO_RANGE:
        return control(p, t, into);
    case GO_ENDS:
        *stop = STOP_END;
        return expect_right(p, "end");
    case GO_ELSE:
        *stop = STOP_ELSE;
        return 0;
    default:
        return go_parse_unexpected(p, t, "action");
    }
}

/* Nodes up to the end, an {{end}} or an {{else. */
static int list(struct go_parser *p, struct node_list *into, enum stop *stop)
{
    program_list_init(into);
    *stop = STOP_EOF;
    for (;;) {
        const struct go_token *t = go_parse_peek(p);
        if (t->kind == GO_END)
            return 0;
        if (t->kind == GO_TEXT) {
            program_text(p->t, into, t->text, &t->place);
            p->at++;
            continue;
        }
        if (tag(p, into, stop) < 0)
            return -1;
        if (*stop != STOP_EOF)
            return 0;
    }
}

static bool at_define(const struct go_parser *p)
{
    size_t at = p->at;
    if (p->tokens.all[at].kind != GO_LEFT)
        return false;
    do
        at++;
    while (p->tokens.all[at].kind == GO_SPACE);
    return p->tokens.all[at].kind == GO_KEYWORD && p->tokens.all[at].keyword == GO_DEFINE;
}

/* The outermost list: the only place of {{define}}. */
static int top(struct go_parser *p, struct node_list *into)
{
    program_list_init(into);
    while (go_parse_peek(p)->kind != GO_END) {
        const struct go_token *t = go_parse_peek(p);
        enum stop stop = STOP_EOF;
        if (t->kind == GO_TEXT) {
            program_text(p->t, into, t->text, &t->place);
            p->at++;
        } else if (at_define(p)) {
            p->at++;
            go_parse_skip_space(p);
            if (define_clause(p, go_parse_next(p)) < 0)
                return -1;
        } else if (tag(p, into, &stop) < 0) {
            return -1;
        } else if (stop != STOP_EOF) {
            return error_at(p->c->e, t->place.line, t->place.column, "unexpected {{%s}}",
                            stop == STOP_END ? "end" : "else");
        }
    }
    return 0;
}

/* Calls of templates that this source does not define: shared ones, else a mistake. */
static int resolve(struct go_parser *p)
{
    for (struct go_pending *u = p->pending; u; u = u->next) {
        struct body *b = program_body(p->c, u->name);
        if (!b)
            return -1;
        u->node->callee = b;
        if (b->defined)
            continue;
        const struct template_partials *shared = p->c->partials;
        struct str text = shared ? shared->find(shared->ctx, u->name) : STR_NULL;
        if (!text.p)
            return error_at(p->c->e, u->node->line, u->node->column,
                            "template \"%" STR_FMT "\" is not defined", STR_ARG(u->name));
        b->defined = true; /* it may call itself */
        if (program_check(text, p->c->e) < 0 || go_parse(p->c, arena_str(p->t->arena, text), b) < 0)
            return error_wrap(p->c->e, "template \"%" STR_FMT "\"", STR_ARG(u->name));
    }
    return 0;
}

int go_parse(struct compiler *c, struct str source, struct body *into)
{
    struct go_parser *p = ARENA_NEW(c->scratch, struct go_parser);
    struct node_list nodes;
    *p = (struct go_parser){ .c = c, .t = c->t, .source = source, .root = true };
    p->variables[p->n_variables++] = STR("$");
    p->max_variables = 1;
    p->last_pending = &p->pending;
    if (go_lex(c->scratch, source, &p->tokens, c->e) < 0 || top(p, &nodes) < 0)
        return -1;
    c->t->dynamic |= p->tokens.tags;
    into->first = nodes.first;
    into->slots = p->max_variables;
    into->defined = true;
    into->source = source;
    return resolve(p);
}
