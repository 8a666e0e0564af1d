/* The list of what is wrong with a file: all of it, sorted, each with its place. */
#include "config/config.h"

#include <stdarg.h>

#define MAX_PROBLEMS 1000 /* kept; more are only counted */
#define MAX_PROBLEM  2000 /* bytes of one text */

void config_problems_init(struct config_problems *p)
{
    *p = (struct config_problems){ .arena = arena_new(0) };
}

void config_problems_release(struct config_problems *p)
{
    arena_free(p->arena);
    free(p->items);
    *p = (struct config_problems){ 0 };
}

void config_problem(struct config_problems *p, bool warning, struct config_pos pos, const char *fmt,
                    ...)
{
    p->n_errors += !warning;
    if (p->n >= MAX_PROBLEMS)
        return;
    if (p->n == p->cap) {
        p->cap = p->cap ? p->cap * 2 : 16;
        p->items = xrealloc(p->items, p->cap * sizeof(*p->items));
    }
    auto_buf text = BUF_INIT(64 * KIB);
    va_list ap;
    va_start(ap, fmt);
    buf_vprintf(&text, fmt, ap);
    va_end(ap);
    struct str whole = buf_view(&text);
    whole.n = str_utf8_cut(whole, MIN(whole.n, (size_t)MAX_PROBLEM));
    p->items[p->n++] = (struct config_problem){ .pos = pos,
                                                .warning = warning,
                                                .text = arena_cstr(p->arena, whole) };
}

static int compare(const struct config_problem *a, const struct config_problem *b)
{
    if (a->pos.line != b->pos.line)
        return a->pos.line < b->pos.line ? -1 : 1;
    if (a->pos.column != b->pos.column)
        return a->pos.column < b->pos.column ? -1 : 1;
    return 0;
}

/* Merge sort from the bottom up: stable, no recursion. */
static void sort_stable(struct config_problem *items, size_t n)
{
    struct config_problem *other = xalloc((n ? n : 1) * sizeof(*other));
    struct config_problem *from = items, *to = other;
    for (size_t width = 1; width < n; width *= 2) {
        for (size_t lo = 0; lo < n; lo += 2 * width) {
            size_t a = lo, b = MIN(lo + width, n), mid = b, end = MIN(lo + 2 * width, n);
            for (size_t k = lo; k < end; k++)
                to[k] = a < mid && (b >= end || compare(&from[a], &from[b]) <= 0) ? from[a++]
                                                                                  : from[b++];
        }
        struct config_problem *swap = from;
        from = to;
        to = swap;
    }
    if (from != items)
        memcpy(items, from, n * sizeof(*items));
    free(other);
}

void config_problems_sort(struct config_problems *p)
{
    sort_stable(p->items, p->n);
    size_t kept = 0;
    for (size_t i = 0; i < p->n; i++) {
        bool repeat = false;
        for (size_t k = kept; k > 0 && compare(&p->items[k - 1], &p->items[i]) == 0; k--)
            if (p->items[k - 1].warning == p->items[i].warning &&
                ((!p->items[i].warning && p->items[i].pos.line) ||
                 strcmp(p->items[k - 1].text, p->items[i].text) == 0)) {
                repeat = true;
                break;
            }
        if (!repeat)
            p->items[kept++] = p->items[i];
        else
            p->n_errors -= !p->items[i].warning;
    }
    p->n = kept;
}

void config_problems_print(const struct config_problems *p, const char *file, struct buf *out)
{
    size_t errors = 0;
    for (size_t i = 0; i < p->n; i++) {
        const struct config_problem *item = &p->items[i];
        errors += !item->warning;
        buf_cstr(out, file);
        if (item->pos.line)
            buf_printf(out, ":%u:%u", item->pos.line, item->pos.column);
        buf_printf(out, ": %s%s\n", item->warning ? "warning: " : "", item->text);
    }
    if (p->n_errors > errors)
        buf_printf(out, "%s: %zu more errors\n", file, p->n_errors - errors);
}

struct config_pos config_text_pos(const struct config_text *t, unsigned line, unsigned column)
{
    struct config_pos pos = t->pos;
    if (!pos.line || !line || !t->rows)
        return pos;
    pos.line += line - 1;
    if (column)
        pos.column += column - 1;
    return pos;
}
