/* The Pike machine: all states at once, one character after the other. */
#include "templates/regex_inside.h"

/* The states the machine is in; `mark` says which are in already. */
struct states {
    uint32_t *list, *stack;
    uint32_t n;
    uint32_t *mark;
    uint32_t turn;
};

struct around {
    uint32_t before, after;
    bool start, end;
};

static bool is_word(uint32_t rune)
{
    return (rune >= 'a' && rune <= 'z') || (rune >= 'A' && rune <= 'Z') ||
           (rune >= '0' && rune <= '9') || rune == '_';
}

static bool holds(enum regex_assertion what, const struct around *at)
{
    bool boundary = (!at->start && is_word(at->before)) != (!at->end && is_word(at->after));
    switch (what) {
    case AT_TEXT_START:
        return at->start;
    case AT_TEXT_END:
        return at->end;
    case AT_LINE_START:
        return at->start || at->before == '\n';
    case AT_LINE_END:
        return at->end || at->after == '\n';
    case AT_WORD:
        return boundary;
    case NOT_AT_WORD:
        return !boundary;
    }
    return false;
}

/* Adds a state and all it leads to without a character. true = that is a match. */
static bool enter(const struct regex *re, struct states *s, uint32_t state, const struct around *at)
{
    uint32_t depth = 0;
    s->stack[depth++] = state;
    while (depth > 0) {
        uint32_t i = s->stack[--depth];
        const struct state *now = &re->states[i];
        if (s->mark[i] == s->turn)
            continue;
        s->mark[i] = s->turn;
        switch ((enum regex_op)now->op) {
        case OP_MATCH:
            return true;
        case OP_SPLIT:
            s->stack[depth++] = now->other;
            s->stack[depth++] = now->next;
            break;
        case OP_JUMP:
            s->stack[depth++] = now->next;
            break;
        case OP_ASSERT:
            if (holds((enum regex_assertion)now->assertion, at))
                s->stack[depth++] = now->next;
            break;
        default:
            s->list[s->n++] = i;
        }
    }
    return false;
}

static uint32_t folded(uint32_t rune)
{
    return rune >= 'A' && rune <= 'Z' ? rune + 32 : rune;
}

static bool in_class(const struct state *s, uint32_t rune)
{
    uint32_t lower = folded(rune), upper = rune >= 'a' && rune <= 'z' ? rune - 32 : rune;
    for (uint32_t i = 0; i < s->n_spans; i++) {
        const struct span *span = &s->spans[i];
        if ((rune >= span->low && rune <= span->high) ||
            (s->fold && ((lower >= span->low && lower <= span->high) ||
                         (upper >= span->low && upper <= span->high))))
            return true;
    }
    return false;
}

static bool accepts(const struct state *s, uint32_t rune)
{
    switch ((enum regex_op)s->op) {
    case OP_RUNE:
        return s->fold ? folded(s->rune) == folded(rune) : s->rune == rune;
    case OP_ANY:
        return s->newline || rune != '\n';
    case OP_CLASS:
        return in_class(s, rune) != s->negated;
    default:
        return false;
    }
}

static bool run(const struct regex *re, struct str text, struct states *now, struct states *then)
{
    struct around at = { .start = true };
    for (size_t i = 0, len = 0;; i += len) {
        uint32_t rune = at.after;
        at.end = i >= text.n;
        at.before = rune;
        at.after = at.end ? 0 : regex_rune(text, i, &len);
        now->turn++;
        /* Targets of the last character first, then a fresh start: the match may begin anywhere. */
        now->n = 0;
        for (uint32_t k = 0; k < then->n; k++) {
            const struct state *s = &re->states[then->list[k]];
            if (accepts(s, rune) && enter(re, now, s->next, &at))
                return true;
        }
        if (enter(re, now, 0, &at))
            return true;
        if (at.end)
            return false;
        at.start = false;
        uint32_t *list = then->list;
        then->list = now->list;
        then->n = now->n;
        now->list = list;
    }
}

bool regex_match(const struct regex *re, struct str text)
{
    /* Two lists, marks, and a stack that each state may be pushed on twice. */
    size_t n = re->n;
    auto_free uint32_t *memory = xalloc((n * 5 + 4) * sizeof(uint32_t));
    struct states now = { .list = memory, .mark = memory + 2 * n, .stack = memory + 3 * n };
    struct states then = { .list = memory + n };
    return run(re, text, &now, &then);
}
