/* Expressions. */
#include "templates/func.h"
#include "templates/run.h"

#include <stdarg.h>
#include <stdio.h>

/* Calls keep this many arguments on the stack. */
#define FEW_ARGS 8

int run_fail(struct run *r, const struct expr *at, const char *fmt, ...)
{
    char text[320];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    return error_at(r->e, at->line, at->column, "%s", text);
}

int run_charge(struct run *r, size_t steps, const struct expr *at)
{
    if (steps <= TEMPLATE_MAX_STEPS - r->steps) {
        r->steps += (unsigned)steps;
        return 0;
    }
    run_fail(r, at, "takes more than %d steps", TEMPLATE_MAX_STEPS);
    if (r->e)
        r->e->code = ERROR_LIMIT;
    return -1;
}

static int missing(struct run *r, const struct expr *x, const char *why)
{
    if (r->o->missing == TEMPLATE_MISSING_ERROR && !(x->kind == EXPR_NAME && r->quiet))
        return run_fail(r, x, "%s %" STR_FMT, why, STR_ARG(x->path.text));
    if (!r->quiet && r->o->on_missing)
        r->o->on_missing(r->o->ctx, x->path.text);
    return 0;
}

/* The root's headers when nobody marked them as case-blind. */
static const struct json *find_fold(struct run *r, const struct json *object, struct str key)
{
    uint32_t i = 0;
    for (const struct json *m = object->child; i < object->count; i++, m = m->next) {
        struct str name = m->flags & JSON_KEY_ESCAPED ? json_key_text(run_arena(r), m) : m->key;
        if (str_eq_fold(name, key))
            return m;
    }
    return NULL;
}

static const struct json *member(struct run *r, const struct json *object, const struct step *step,
                                 bool fold)
{
    const struct json *found = json_get(object, step->key);
    if (!found && step->other.n && object == r->root)
        found = json_get(object, step->other);
    if (!found && fold)
        found = find_fold(r, object, step->key);
    return found;
}

/* `._1` of a list is its element too: what Sprig's split gives. */
static const struct json *element(const struct json *list, const struct step *step)
{
    uint64_t index;
    if (step->numeric)
        return json_at(list, step->index);
    if (step->key.n > 1 && step->key.p[0] == '_' &&
        str_u64(str_sub(step->key, 1, step->key.n), &index) == 0)
        return json_at(list, index);
    return NULL;
}

/* What has no fields: a scalar always, a list for names. Go's modes make it an error. */
static int no_fields(struct run *r, const struct expr *x, const struct step *step,
                     const struct json *box)
{
    if (run_strict(r) && x->kind == EXPR_FIELD)
        return run_fail(r, x, "there is no field %" STR_FMT " in a value of type %s (%" STR_FMT ")",
                        STR_ARG(step->key), value_type(box), STR_ARG(x->path.text));
    return missing(r, x, "missing field");
}

static bool may_have(const struct json *box, const struct step *step)
{
    return box->type == JSON_OBJECT ||
           (box->type == JSON_LIST && (step->numeric || str_starts(step->key, STR("_"))));
}

/* Walks path's names. *out NULL = missing, after it was noted. */
static int walk(struct run *r, const struct expr *x, const struct json *box,
                const struct json **out)
{
    bool fold = false;
    *out = NULL;
    for (uint32_t i = 0; i < x->path.n; i++) {
        const struct step *step = &x->path.steps[i];
        if (!box || box == &value_nil)
            return missing(r, x, "no data for field");
        if (!may_have(box, step))
            return no_fields(r, x, step, box);
        if (box->count >= 32 && run_charge(r, box->count / 32, x) < 0)
            return -1;
        bool fold_next = step->fold_next && box == r->root;
        box = box->type == JSON_LIST ? element(box, step) : member(r, box, step, fold);
        if (!box)
            return missing(r, x, "missing field");
        fold = fold_next;
    }
    *out = box;
    return 0;
}

static int field(struct run *r, const struct expr *x, const struct scope *s,
                 const struct json **out)
{
    const struct json *base = s->value;
    if (x->base && run_value(r, x->base, s, &base) < 0)
        return -1;
    if (x->unwrap && base && base->type == JSON_NULL)
        base = &value_nil;
    return walk(r, x, base, out);
}

/* Mustache: the first name is looked for from the inside outwards, the others below what was
   found. */
static int name(struct run *r, const struct expr *x, const struct scope *s, const struct json **out)
{
    if (x->path.n == 0) {
        *out = s->value;
        return 0;
    }
    const struct step *first = &x->path.steps[0];
    for (; s; s = s->up) {
        const struct json *box = s->value, *found = NULL;
        if (!box || (box->type != JSON_OBJECT && box->type != JSON_LIST))
            continue;
        if (run_charge(r, 1 + box->count / 32, x) < 0)
            return -1;
        found = box->type == JSON_LIST ? element(box, first) : member(r, box, first, false);
        if (!found)
            continue;
        if (x->path.n == 1) {
            *out = found;
            return 0;
        }
        return walk(r, x, box, out);
    }
    *out = NULL;
    return missing(r, x, "missing field");
}

/* Stops at the first argument that decides. What comes through a pipe was computed before. */
static int and_or(struct run *r, const struct expr *x, const struct scope *s,
                  const struct json **out)
{
    bool is_or = func_is_or(x->func);
    const struct json *last = NULL;
    uint32_t n = x->n_args - x->piped;
    if (x->piped && run_value(r, x->args[n], s, &last) < 0)
        return -1;
    for (uint32_t i = 0; i < n; i++) {
        if (run_value(r, x->args[i], s, out) < 0)
            return -1;
        if (value_truth(*out) == is_or)
            return 0;
    }
    if (x->piped)
        *out = last;
    return 0;
}

static int arguments(struct run *r, const struct expr *x, const struct scope *s,
                     const struct json **args)
{
    for (uint32_t i = 0; i < x->n_args; i++) {
        if (run_value(r, x->args[i], s, &args[i]) < 0)
            return -1;
    }
    return 0;
}

static int call(struct run *r, const struct expr *x, const struct scope *s, const struct json **out)
{
    const struct json *few[FEW_ARGS], **args = few;
    if (x->n_args > FEW_ARGS)
        args = ARENA_ARRAY(run_arena(r), const struct json *, x->n_args);
    if (r->depth == RUN_MAX_DEPTH)
        return run_fail(r, x, "nested deeper than %d levels", RUN_MAX_DEPTH);
    r->depth++;
    r->quiet += x->func->quiet;
    int result = x->func->fn ? arguments(r, x, s, args) : and_or(r, x, s, out);
    r->quiet -= x->func->quiet;
    if (result == 0 && x->func->fn) {
        struct call c = { r, x, args, x->n_args };
        result = func_call(&c, x->func, out);
    }
    r->depth--;
    return result;
}

/* A null that went through a pipeline is Go's untyped nil. */
static int set(struct run *r, const struct expr *x, const struct scope *s, const struct json **out)
{
    if (run_value(r, x->base, s, out) < 0)
        return -1;
    if (*out && (*out)->type == JSON_NULL)
        *out = &value_nil;
    for (uint8_t i = 0; i < x->n_slots; i++)
        r->variables[x->slots[i]] = *out;
    return 0;
}

int run_value(struct run *r, const struct expr *x, const struct scope *s, const struct json **out)
{
    if (run_charge(r, 1, x) < 0)
        return -1;
    switch (x->kind) {
    case EXPR_CONSTANT:
        *out = x->constant;
        return 0;
    case EXPR_DOT:
        *out = s->value;
        return 0;
    case EXPR_VARIABLE:
        *out = r->variables[x->slots[0]];
        return 0;
    case EXPR_FIELD:
        return field(r, x, s, out);
    case EXPR_NAME:
        return name(r, x, s, out);
    case EXPR_CALL:
        return call(r, x, s, out);
    case EXPR_SET:
        return set(r, x, s, out);
    case EXPR_FAIL:
        return run_fail(r, x, "%" STR_FMT, STR_ARG(x->text));
    }
    return -1;
}

int run_condition(struct run *r, const struct expr *x, const struct scope *s,
                  const struct json **out)
{
    r->quiet++;
    int result = run_value(r, x, s, out);
    r->quiet--;
    return result;
}
