/* Metrics. Each row of the table owns a map from label values to series, and one series outside the
   map when it has no labels: that one is reached without a look-up and, being made of atomics, from
   any thread. */
#include "base/stats.h"

#include "base/map.h"
#include "base/stats_inside.h"

#include <assert.h>
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>

enum {
    STATS_MAX_BUCKETS = 20,
    STATS_MAX_VALUE = 128, /* bytes of a label value that are kept */
};

/* Upper bounds of histogram buckets. Seconds: from a fast commit to a slow model. */
static const double stats_seconds[] = { 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
                                        0.25,   0.5,   1,      2.5,   5,    10,    30,   60 };
static const double stats_sizes[] = { 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024 };

static_assert(N_ELEMENTS(stats_seconds) < STATS_MAX_BUCKETS, "room for +Inf");
static_assert(N_ELEMENTS(stats_sizes) < STATS_MAX_BUCKETS, "room for +Inf");

struct stats_series {
    _Atomic double value;                        /* counter, gauge: the value; histogram: the sum */
    _Atomic uint64_t buckets[STATS_MAX_BUCKETS]; /* histogram: not cumulative; the last is +Inf */
};

static const struct stats_row {
    const char *name;
    enum stats_type type;
    const char *labels; /* comma between */
    const char *help;
} stats_rows[] = {
#define X(id, name, type, labels, help) { name, type, labels, help },
#include "base/stats_table.h"
#undef X
};

static struct stats_metric {
    struct stats_series plain; /* metrics without labels */
    struct map *series;        /* label values, each with a NUL behind, to struct stats_series */
    double (*fn)(void *ctx);
    void *ctx;
} stats_metrics[STATS_COUNT];

static void stats_bounds(enum stats_id id, const double **bounds, size_t *n)
{
    bool is_sizes = id == STATS_STORE_BATCH;
    *bounds = is_sizes ? stats_sizes : stats_seconds;
    *n = is_sizes ? N_ELEMENTS(stats_sizes) : N_ELEMENTS(stats_seconds);
}

static void stats_atomic_add(_Atomic double *to, double value)
{
    double before = atomic_load_explicit(to, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(to, &before, before + value, memory_order_relaxed,
                                                  memory_order_relaxed))
        ;
}

static struct str stats_key(char key[STATS_MAX_LABELS * (STATS_MAX_VALUE + 1)], enum stats_id id,
                            const char *const values[STATS_MAX_LABELS])
{
    size_t n = 0;
    struct str labels = str_of(stats_rows[id].labels), label;
    for (size_t i = 0; i < STATS_MAX_LABELS && str_split(&labels, ',', &label); i++) {
        struct str value = str_of(values[i]);
        value.n = str_utf8_cut(value, STATS_MAX_VALUE);
        if (value.n)
            memcpy(key + n, value.p, value.n);
        n += value.n;
        key[n++] = '\0';
    }
    return str_n(key, n);
}

/* The series of these label values, or NULL when it is new and not to be made. */
static struct stats_series *stats_find(enum stats_id id, const char *const values[STATS_MAX_LABELS],
                                       bool make)
{
    static const char *const other[STATS_MAX_LABELS] = { "other", "other", "other" };
    struct stats_metric *m = &stats_metrics[id];
    if (!*stats_rows[id].labels)
        return &m->plain;
    char bytes[STATS_MAX_LABELS * (STATS_MAX_VALUE + 1)];
    struct str key = stats_key(bytes, id, values);
    struct stats_series *s = m->series ? map_get(m->series, key) : NULL;
    if (s || !make)
        return s;
    if (!m->series)
        m->series = map_new(false);
    if (map_count(m->series) >= STATS_MAX_SERIES) {
        key = stats_key(bytes, id, other);
        s = map_get(m->series, key);
        if (s)
            return s;
    }
    s = xalloc(sizeof(*s));
    map_put(m->series, key, s);
    return s;
}

void stats_add(enum stats_id id, double value, const char *l1, const char *l2, const char *l3)
{
    struct stats_series *s = stats_find(id, (const char *const[]){ l1, l2, l3 }, true);
    stats_atomic_add(&s->value, value);
    if (stats_rows[id].type != STATS_HISTOGRAM)
        return;
    const double *bounds;
    size_t n, at = 0;
    stats_bounds(id, &bounds, &n);
    while (at < n && value > bounds[at])
        at++;
    atomic_fetch_add_explicit(&s->buckets[at], 1, memory_order_relaxed);
}

void stats_set(enum stats_id id, double value, const char *l1, const char *l2, const char *l3)
{
    assert(stats_rows[id].type == STATS_GAUGE);
    struct stats_series *s = stats_find(id, (const char *const[]){ l1, l2, l3 }, true);
    atomic_store_explicit(&s->value, value, memory_order_relaxed);
}

void stats_gauge_fn(enum stats_id id, double (*fn)(void *ctx), void *ctx)
{
    assert(stats_rows[id].type != STATS_HISTOGRAM && !*stats_rows[id].labels);
    stats_metrics[id].fn = fn;
    stats_metrics[id].ctx = ctx;
}

static double stats_value(enum stats_id id, const struct stats_series *s)
{
    const struct stats_metric *m = &stats_metrics[id];
    if (m->fn)
        return m->fn(m->ctx);
    if (stats_rows[id].type != STATS_HISTOGRAM)
        return atomic_load_explicit(&s->value, memory_order_relaxed);
    uint64_t count = 0;
    for (size_t i = 0; i < STATS_MAX_BUCKETS; i++)
        count += atomic_load_explicit(&s->buckets[i], memory_order_relaxed);
    return (double)count;
}

double stats_get(enum stats_id id, const char *l1, const char *l2, const char *l3)
{
    const struct stats_series *s = stats_find(id, (const char *const[]){ l1, l2, l3 }, false);
    return s ? stats_value(id, s) : 0;
}

double stats_sum(enum stats_id id)
{
    const struct stats_metric *m = &stats_metrics[id];
    if (!*stats_rows[id].labels)
        return stats_value(id, &m->plain);
    double sum = 0;
    const struct map_entry *entry;
    for (size_t at = 0; m->series && (entry = map_next(m->series, &at)) != NULL;)
        sum += stats_value(id, entry->value);
    return sum;
}

/* --- Prometheus text exposition format 0.0.4 --------------------------------------------------- */

/* Label values: backslash, quote and line feed are escaped; other bytes must be UTF-8. */
static void stats_put_escaped(struct buf *out, struct str s)
{
    for (size_t i = 0; i < s.n;) {
        size_t len = str_utf8_len(s, i);
        if (s.p[i] == '\n')
            buf_cstr(out, "\\n");
        else if (s.p[i] == '"' || s.p[i] == '\\')
            buf_printf(out, "\\%c", s.p[i]);
        else if (len)
            buf_add(out, s.p + i, len);
        else
            buf_cstr(out, "\uFFFD");
        i += MAX(len, (size_t)1);
    }
}

static void stats_put_number(struct buf *out, double value)
{
    if (isnan(value)) {
        buf_cstr(out, "NaN");
    } else if (isinf(value)) {
        buf_cstr(out, value > 0 ? "+Inf" : "-Inf");
    } else {
        char text[32];
        double back = 0;
        int n = snprintf(text, sizeof(text), "%.15g", value);
        if (str_double(str_n(text, (size_t)n), &back) || back < value || back > value)
            n = snprintf(text, sizeof(text), "%.17g", value);
        buf_add(out, text, (size_t)n);
    }
}

/* name_suffix{labels,le="…"} value */
static void stats_put_sample(struct buf *out, const struct stats_row *row, const char *suffix,
                             struct str key, const char *le)
{
    buf_printf(out, "%s%s", row->name, suffix);
    char between = '{';
    struct str labels = str_of(row->labels), label, value;
    while (str_split(&labels, ',', &label) && str_split(&key, '\0', &value)) {
        buf_printf(out, "%c%" STR_FMT "=\"", between, STR_ARG(label));
        stats_put_escaped(out, value);
        buf_char(out, '"');
        between = ',';
    }
    if (le) {
        buf_printf(out, "%cle=\"%s\"", between, le);
        between = ',';
    }
    buf_cstr(out, between == ',' ? "} " : " ");
}

static void stats_put_histogram(struct buf *out, enum stats_id id, struct str key,
                                const struct stats_series *s)
{
    const struct stats_row *row = &stats_rows[id];
    const double *bounds;
    size_t n;
    uint64_t below = 0;
    stats_bounds(id, &bounds, &n);
    for (size_t i = 0; i <= n; i++) {
        char le[32] = "+Inf";
        if (i < n)
            snprintf(le, sizeof(le), "%.15g", bounds[i]);
        below += atomic_load_explicit(&s->buckets[i], memory_order_relaxed);
        stats_put_sample(out, row, "_bucket", key, le);
        buf_printf(out, "%llu\n", (unsigned long long)below);
    }
    stats_put_sample(out, row, "_sum", key, NULL);
    stats_put_number(out, atomic_load_explicit(&s->value, memory_order_relaxed));
    buf_char(out, '\n');
    /* From the same reading as the buckets: +Inf and _count must agree. */
    stats_put_sample(out, row, "_count", key, NULL);
    buf_printf(out, "%llu\n", (unsigned long long)below);
}

static void stats_put_series(struct buf *out, enum stats_id id, struct str key,
                             const struct stats_series *s)
{
    if (stats_rows[id].type == STATS_HISTOGRAM) {
        stats_put_histogram(out, id, key, s);
        return;
    }
    stats_put_sample(out, &stats_rows[id], "", key, NULL);
    stats_put_number(out, stats_value(id, s));
    buf_char(out, '\n');
}

static void stats_put_head(struct buf *out, const char *name, enum stats_type type,
                           const char *help)
{
    static const char *const words[] = {
        [STATS_COUNTER] = "counter", [STATS_GAUGE] = "gauge", [STATS_HISTOGRAM] = "histogram"
    };
    buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, words[type]);
}

static void stats_put_metric(struct buf *out, enum stats_id id)
{
    const struct stats_row *row = &stats_rows[id];
    const struct stats_metric *m = &stats_metrics[id];
    stats_put_head(out, row->name, row->type, row->help);
    if (!*row->labels)
        stats_put_series(out, id, STR_NULL, &m->plain);
    const struct map_entry *entry;
    for (size_t at = 0; m->series && (entry = map_next(m->series, &at)) != NULL;)
        stats_put_series(out, id, entry->key, entry->value);
}

void stats_print(struct buf *out)
{
    for (size_t id = 0; id < STATS_COUNT; id++)
        stats_put_metric(out, (enum stats_id)id);
    struct stats_process now[STATS_PROCESS_MAX];
    size_t n = stats_process_read(now);
    for (size_t i = 0; i < n; i++) {
        stats_put_head(out, now[i].name, now[i].type, now[i].help);
        buf_printf(out, "%s ", now[i].name);
        stats_put_number(out, now[i].value);
        buf_char(out, '\n');
    }
}

void stats_reset(void)
{
    for (size_t id = 0; id < STATS_COUNT; id++) {
        struct stats_metric *m = &stats_metrics[id];
        const struct map_entry *entry;
        for (size_t at = 0; m->series && (entry = map_next(m->series, &at)) != NULL;)
            free(entry->value);
        map_free(m->series);
        *m = (struct stats_metric){ .series = NULL };
    }
}
