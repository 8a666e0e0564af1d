/* Pipelines of the go dialect. `a | f x` becomes the call f(x, a), so the tree knows only calls.
   What text/template finds wrong only when it is reached (arguments to something that is no
   function, their number) becomes an expression that fails when it is reached. */
#include "templates/func.h"
#include "templates/go_literal.h"
#include "templates/go_parse.h"

#include <assert.h>

/* One command: `first` decides what it is. */
struct command {
    enum go_token_kind kind; /* of the first word */
    const struct go_token *token;
    struct expr *operands[PROGRAM_MAX_ARGS];
    uint32_t n;
    const struct func *func; /* the first word, when it stands alone as a function's name */
};

static struct expr *failing(struct go_parser *p, const struct go_token *t, struct str why)
{
    struct expr *x = program_expr(p->t, EXPR_FAIL, &t->place);
    x->text = why;
    return x;
}

static struct expr *call(struct go_parser *p, const struct go_token *t, const struct func *f,
                         struct expr *const *args, uint32_t n)
{
    if (n < f->min_args || (f->max_args != FUNC_ANY && n > f->max_args)) {
        const char *least = f->max_args == FUNC_ANY ? "at least " : "";
        return failing(p, t,
                       arena_printf(p->t->arena,
                                    "wrong number of arguments for %s: want %s%u, got %u", f->name,
                                    least, f->min_args, n));
    }
    struct expr *x = program_expr(p->t, EXPR_CALL, &t->place);
    x->func = f;
    x->n_args = n;
    if (n) {
        struct expr **own = ARENA_ARRAY(p->t->arena, struct expr *, n);
        memcpy(own, args, n * sizeof(struct expr *));
        x->args = (const struct expr *const *)own;
    }
    return x;
}

/* Puts the fields that touch the term behind it. NULL base = dot, whose first field is consumed
   here too. */
static struct expr *fields(struct go_parser *p, const struct go_token *first, struct expr *base)
{
    size_t from = p->at, n = 0;
    while (p->tokens.all[p->at + n].kind == GO_FIELD)
        n++;
    if (n == 0)
        return base;
    struct expr *x = program_expr(p->t, EXPR_FIELD, &first->place);
    struct step *steps = ARENA_ARRAY(p->t->arena, struct step, n);
    const struct go_token *tokens = &p->tokens.all[from];
    size_t length = (size_t)(tokens[n - 1].text.p + tokens[n - 1].text.n - tokens[0].text.p);
    for (size_t i = 0; i < n; i++)
        steps[i] = program_step(str_sub(tokens[i].text, 1, tokens[i].text.n));
    x->base = base;
    x->unwrap = base && base->kind != EXPR_VARIABLE;
    x->path = (struct path){ str_n(tokens[0].text.p + 1, length - 1), steps, (uint32_t)n };
    p->at += n;
    if ((!base && p->root) || (base && base->kind == EXPR_VARIABLE && base->slots[0] == 0))
        program_uses(p->t, x->path.text);
    return x;
}

static struct expr *variable(struct go_parser *p, const struct go_token *t)
{
    unsigned slot = p->n_variables;
    while (slot > 0 && !str_eq(p->variables[slot - 1], t->text))
        slot--;
    if (slot == 0) {
        error_at(p->c->e, t->place.line, t->place.column, "undefined variable %" STR_FMT,
                 STR_ARG(t->text));
        return NULL;
    }
    struct expr *x = program_expr(p->t, EXPR_VARIABLE, &t->place);
    x->slots[0] = (uint16_t)(slot - 1);
    if (slot == 1 && go_parse_peek(p)->kind != GO_FIELD)
        program_uses(p->t, STR(""));
    return x;
}

static struct expr *function(struct go_parser *p, const struct go_token *t, struct command *c)
{
    const struct func *f = func_find(t->text);
    if (!f) {
        const char *near = func_suggest(t->text);
        error_at(p->c->e, t->place.line, t->place.column,
                 "unknown function %" STR_FMT "%s%s%s (a field is written .%" STR_FMT ")",
                 STR_ARG(t->text), near ? ", did you mean " : "", near ? near : "", near ? "?" : "",
                 STR_ARG(t->text));
        return NULL;
    }
    if (c->n == 0 && go_parse_peek(p)->kind != GO_FIELD)
        c->func = f;
    else
        return call(p, t, f, NULL, 0);
    return program_expr(p->t, EXPR_CALL, &t->place); /* completed with its arguments by finish() */
}

static struct expr *term(struct go_parser *p, const struct go_token *t, struct command *c)
{
    struct expr *x;
    switch (t->kind) {
    case GO_NAME:
        return function(p, t, c);
    case GO_DOT:
        if (p->root)
            program_uses(p->t, STR(""));
        return program_expr(p->t, EXPR_DOT, &t->place);
    case GO_VARIABLE:
        return variable(p, t);
    case GO_FIELD:
        p->at--;
        return fields(p, t, NULL);
    case GO_OPEN:
        if (go_parse_enter(p, t) < 0)
            return NULL;
        x = go_pipe(p, "parenthesized pipeline", GO_CLOSE);
        p->nesting--;
        return x;
    case GO_NIL:
        x = program_expr(p->t, EXPR_CONSTANT, &t->place);
        x->constant = &value_nil;
        return x;
    default:
        x = program_expr(p->t, EXPR_CONSTANT, &t->place);
        x->constant = go_literal(p->t->arena, t, p->c->e);
        return x->constant ? x : NULL;
    }
}

static bool starts_operand(const struct go_token *t)
{
    switch (t->kind) {
    case GO_NAME:
    case GO_BOOL:
    case GO_NIL:
    case GO_DOT:
    case GO_FIELD:
    case GO_VARIABLE:
    case GO_NUMBER:
    case GO_CHAR:
    case GO_STRING:
    case GO_RAW:
    case GO_OPEN:
        return true;
    default:
        return false;
    }
}

/* A literal or dot: nothing that could take an argument, and no field may follow. */
static bool is_plain(enum go_token_kind kind)
{
    return kind == GO_BOOL || kind == GO_NIL || kind == GO_DOT || kind == GO_NUMBER ||
           kind == GO_CHAR || kind == GO_STRING || kind == GO_RAW;
}

static int operand(struct go_parser *p, struct command *c)
{
    const struct go_token *t = go_parse_next(p);
    if (!starts_operand(t))
        return go_parse_unexpected(p, t, "command");
    if (c->n == PROGRAM_MAX_ARGS)
        return error_at(p->c->e, t->place.line, t->place.column, "more than %d arguments",
                        PROGRAM_MAX_ARGS - 1);
    struct expr *x = term(p, t, c);
    if (!x)
        return -1;
    const struct go_token *after = go_parse_peek(p);
    if (after->kind == GO_FIELD && is_plain(t->kind))
        return error_at(p->c->e, after->place.line, after->place.column,
                        "unexpected . after %" STR_FMT, STR_ARG(t->text));
    x = fields(p, t, x);
    if (c->n == 0) {
        c->kind = t->kind;
        c->token = t;
    }
    c->operands[c->n++] = x;
    return 0;
}

/* Operands up to a pipe, which is consumed, or the end, which is not. */
static int command(struct go_parser *p, struct command *c, enum go_token_kind end, bool *more)
{
    *more = false;
    for (;;) {
        go_parse_skip_space(p);
        if (operand(p, c) < 0)
            return -1;
        const struct go_token *t = go_parse_peek(p);
        bool space = t->kind == GO_SPACE;
        go_parse_skip_space(p);
        t = go_parse_peek(p);
        if (t->kind == end)
            return 0;
        if (t->kind == GO_PIPE) {
            p->at++;
            *more = true;
            return 0;
        }
        if (!space)
            return go_parse_unexpected(p, t, "operand");
    }
}

/* The command as an expression; `before`: the value of the stage before it. */
static struct expr *finish(struct go_parser *p, struct command *c, struct expr *before,
                           unsigned stage)
{
    assert(c->n && c->token);
    if (before && is_plain(c->kind)) {
        error_at(p->c->e, c->token->place.line, c->token->place.column,
                 "stage %u of the pipeline is no function: %" STR_FMT, stage,
                 STR_ARG(c->token->text));
        return NULL;
    }
    if (c->func) {
        if (before && c->n == PROGRAM_MAX_ARGS) {
            error_at(p->c->e, c->token->place.line, c->token->place.column,
                     "more than %d arguments", PROGRAM_MAX_ARGS - 1);
            return NULL;
        }
        struct expr *args[PROGRAM_MAX_ARGS];
        for (uint32_t i = 1; i < c->n; i++)
            args[i - 1] = c->operands[i];
        if (before)
            args[c->n - 1] = before;
        struct expr *x = call(p, c->token, c->func, args, c->n - 1 + (before != NULL));
        x->piped = before != NULL;
        return x;
    }
    struct str word = c->token->text;
    if (c->n > 1 || before)
        return failing(p, c->token,
                       arena_printf(p->t->arena, "%" STR_FMT " is no function but has arguments",
                                    STR_ARG(word)));
    if (c->kind == GO_NIL)
        return failing(p, c->token, STR("nil is not a command"));
    return c->operands[0];
}

/* `$x :=`, `$x =`, in a range also `$i, $e :=`. Leaves p where it was when there is none. */
struct declaration {
    struct str names[2];
    const struct go_token *first;
    uint8_t n;
    bool assign;
};

static const struct go_token *after_space(struct go_parser *p, size_t *at)
{
    while (p->tokens.all[*at].kind == GO_SPACE)
        ++*at;
    return &p->tokens.all[*at];
}

static int declaration(struct go_parser *p, const char *what, struct declaration *d)
{
    size_t at = p->at;
    const struct go_token *t = after_space(p, &at);
    *d = (struct declaration){ .first = t };
    for (;;) {
        t = after_space(p, &at);
        if (t->kind != GO_VARIABLE)
            return d->n ? go_parse_unexpected(p, t, "declaration") : 0;
        struct str name = t->text;
        at++;
        t = after_space(p, &at);
        if (t->kind != GO_COMMA && t->kind != GO_ASSIGN && t->kind != GO_DECLARE)
            return d->n ? go_parse_unexpected(p, t, "declaration") : 0;
        at++;
        bool range = strcmp(what, "range") == 0;
        if ((t->kind == GO_COMMA && !range) || d->n == 2 || (t->kind == GO_COMMA && d->n == 1))
            return error_at(p->c->e, t->place.line, t->place.column, "too many declarations in %s",
                            what);
        d->names[d->n++] = name;
        if (t->kind == GO_COMMA)
            continue;
        d->assign = t->kind == GO_ASSIGN;
        p->at = at;
        return 0;
    }
}

static struct expr *declare(struct go_parser *p, const struct declaration *d, struct expr *value)
{
    struct expr *x = program_expr(p->t, EXPR_SET, &d->first->place);
    x->base = value;
    x->n_slots = d->n;
    for (uint8_t i = 0; i < d->n; i++) {
        struct go_token name = *d->first;
        name.text = d->names[i];
        if (d->assign) {
            struct expr *old = variable(p, &name);
            if (!old)
                return NULL;
            x->slots[i] = old->slots[0];
            continue;
        }
        if (p->n_variables == PROGRAM_MAX_SLOTS) {
            error_at(p->c->e, x->line, x->column, "more than %d variables", PROGRAM_MAX_SLOTS - 1);
            return NULL;
        }
        x->slots[i] = (uint16_t)p->n_variables;
        p->variables[p->n_variables++] = d->names[i];
        p->max_variables = MAX(p->max_variables, p->n_variables);
    }
    return x;
}

struct expr *go_pipe(struct go_parser *p, const char *what, enum go_token_kind end)
{
    struct declaration d;
    if (declaration(p, what, &d) < 0)
        return NULL;
    go_parse_skip_space(p);
    if (go_parse_peek(p)->kind == end) {
        const struct go_token *t = go_parse_peek(p);
        error_at(p->c->e, t->place.line, t->place.column, "missing value for %s", what);
        return NULL;
    }
    struct expr *value = NULL;
    bool more = true;
    for (unsigned stage = 1; more; stage++) {
        struct command c = { 0 };
        if (stage > TEMPLATE_MAX_NESTING) {
            const struct go_token *t = go_parse_peek(p);
            error_at(p->c->e, t->place.line, t->place.column, "more than %d stages in a pipeline",
                     TEMPLATE_MAX_NESTING);
            return NULL;
        }
        if (command(p, &c, end, &more) < 0)
            return NULL;
        value = finish(p, &c, value, stage);
        if (!value)
            return NULL;
    }
    p->at++;
    return d.n ? declare(p, &d, value) : value;
}
