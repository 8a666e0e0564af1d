/* An expression → struct cron: zone prefix, aliases, @every, @at; the fields themselves are in
   cron_fields.c, the arithmetic in cron_local.c (calendar) and cron_next.c (zone). */
#include "triggers/cron_inside.h"

/* X(alias, fields) */
#define ALIASES(X)              \
    X("@yearly", "0 0 1 1 *")   \
    X("@annually", "0 0 1 1 *") \
    X("@monthly", "0 0 1 * *")  \
    X("@weekly", "0 0 * * 0")   \
    X("@daily", "0 0 * * *")    \
    X("@midnight", "0 0 * * *") \
    X("@hourly", "0 * * * *")   \
    X("@minutely", "* * * * *")

static const struct {
    const char *alias, *fields;
} aliases[] = {
#define X(alias, fields) { alias, fields },
    ALIASES(X)
#undef X
};

static const char *const at_words[] = {
#define X(alias, fields) alias,
    ALIASES(X)
#undef X
        "@every",
    "@at",
    "@reboot",
    "@manual",
};

/* The rest of the text while it is cut from the front. */
struct cursor {
    struct str all, rest;
    struct error *e;
};

static unsigned column(const struct cursor *at)
{
    return (unsigned)(at->all.n - at->rest.n + 1);
}

static void skip_blanks(struct cursor *at)
{
    while (at->rest.n && (at->rest.p[0] == ' ' || at->rest.p[0] == '\t'))
        at->rest = str_sub(at->rest, 1, at->rest.n);
}

static struct str take_word(struct cursor *at)
{
    size_t n = 0;
    while (n < at->rest.n && at->rest.p[n] != ' ' && at->rest.p[n] != '\t')
        n++;
    struct str word = str_sub(at->rest, 0, n);
    at->rest = str_sub(at->rest, n, at->rest.n);
    skip_blanks(at);
    return word;
}

/* CRON_TZ=Europe/Berlin, TZ="Europe/Berlin" */
static int take_zone(struct cursor *at, const struct zone **zone)
{
    struct cursor before = *at;
    if (!str_starts(at->rest, STR("CRON_TZ=")) && !str_starts(at->rest, STR("TZ=")))
        return 0;
    struct str word = take_word(at);
    struct str name = str_sub(word, (size_t)str_chr(word, '=') + 1, word.n);
    if (name.n >= 2 && (name.p[0] == '"' || name.p[0] == '\'') && name.p[name.n - 1] == name.p[0])
        name = str_sub(name, 1, name.n - 2);
    struct error why = ERROR_INIT;
    *zone = zone_get(name, &why);
    if (!*zone)
        return error_at(at->e, 0, column(&before), "column %u: %s", column(&before), why.text);
    if (at->rest.n == 0)
        return error_at(at->e, 0, column(at), "column %u: nothing after the time zone", column(at));
    return 0;
}

/* At least one minute-hour-day matches somewhere in 1970..2199. */
static int check_fires(const struct cron *c, struct str text, size_t shift, struct error *e)
{
    if (cron_local_next(c, 0) != CRON_NONE)
        return 0;
    return error_at(e, 0, (unsigned)shift + 1,
                    "column %zu: \"%" STR_FMT "\" never fires: no date up to 2199 has that day in "
                    "those months and years",
                    shift + 1, STR_ARG(str_sub(text, 0, 80)));
}

static struct cron *parse_fields(struct str text, size_t shift, const struct cron_context *ctx,
                                 struct error *e)
{
    struct cron *c = xalloc(sizeof(*c) + CRON_YEAR_WORDS * sizeof(c->years[0]));
    if (cron_fields_parse(c, text, shift, ctx, e) != 0 || check_fires(c, text, shift, e) != 0) {
        cron_free(c);
        return NULL;
    }
    return c->has_years ? c : xrealloc(c, sizeof(*c));
}

static struct cron *new_kind(enum cron_kind kind)
{
    struct cron *c = xalloc(sizeof(*c));
    c->kind = (uint8_t)kind;
    return c;
}

static struct cron *parse_every(struct cursor *at)
{
    struct error why = ERROR_INIT;
    int64_t us = 0;
    unsigned where = column(at);
    if (duration_parse(at->rest, false, &us, &why) != 0) {
        (void)error_at(at->e, 0, where, "@every, column %u: %s", where, why.text);
        return NULL;
    }
    if (us < US_PER_S || us % US_PER_S != 0) {
        (void)error_at(at->e, 0, where,
                       "@every, column %u: \"%" STR_FMT
                       "\" is not possible; expected whole seconds, "
                       "at least 1s",
                       where, STR_ARG(at->rest));
        return NULL;
    }
    struct cron *c = new_kind(CRON_EVERY);
    c->every = us / US_PER_S;
    c->interval = true;
    return c;
}

static struct cron *parse_at(struct cursor *at, const struct zone *zone)
{
    struct error why = ERROR_INIT;
    int64_t us = 0;
    unsigned where = column(at);
    if (when_parse(at->rest, zone ? zone : zone_utc, &us, &why) != 0) {
        (void)error_at(at->e, 0, where, "@at, column %u: %s", where, why.text);
        return NULL;
    }
    int64_t seconds = us / US_PER_S - (us % US_PER_S < 0);
    if (seconds < 0 || seconds >= civil_days(CRON_LAST_YEAR + 1, 1, 1) * 86400) {
        (void)error_at(at->e, 0, where,
                       "@at, column %u: \"%" STR_FMT
                       "\" is out of range; expected a time in the years 1970-2199",
                       where, STR_ARG(at->rest));
        return NULL;
    }
    struct cron *c = new_kind(CRON_AT);
    c->anchor = seconds;
    return c;
}

static struct cron *unknown_word(const struct cursor *at, struct str word)
{
    const char *nearest = str_nearest(word, at_words, N_ELEMENTS(at_words));
    (void)error_at(at->e, 0, column(at),
                   "column %u: \"%" STR_FMT
                   "\" is no schedule; expected @yearly, @monthly, @weekly, "
                   "@daily, @hourly, @minutely, @every 15m, @at TIME, @reboot or @manual%s%s",
                   column(at), STR_ARG(str_sub(word, 0, 40)), nearest ? "; did you mean " : "",
                   nearest ? nearest : "");
    return NULL;
}

static struct cron *parse_word(struct cursor *at, const struct cron_context *ctx,
                               const struct zone *zone)
{
    struct cursor before = *at;
    struct str word = take_word(at);
    if (str_eq_fold(word, STR("@every")))
        return parse_every(at);
    if (str_eq_fold(word, STR("@at")))
        return parse_at(at, zone);
    if (at->rest.n) {
        if (!str_nearest(word, at_words, N_ELEMENTS(at_words)))
            return unknown_word(&before, word);
        (void)error_at(at->e, 0, column(at),
                       "column %u: \"%" STR_FMT "\" after %" STR_FMT " is not understood",
                       column(at), STR_ARG(str_sub(at->rest, 0, 40)), STR_ARG(word));
        return NULL;
    }
    if (str_eq_fold(word, STR("@reboot")))
        return new_kind(CRON_REBOOT);
    if (str_eq_fold(word, STR("@manual")))
        return new_kind(CRON_MANUAL);
    for (size_t i = 0; i < N_ELEMENTS(aliases); i++)
        if (str_eq_fold(word, str_of(aliases[i].alias)))
            return parse_fields(str_of(aliases[i].fields), 0, ctx, at->e);
    return unknown_word(&before, word);
}

struct cron *cron_parse(struct str text, const struct cron_context *ctx, struct error *e)
{
    const struct zone *named = NULL;
    struct cursor at = { .rest = str_trim(text), .e = e };
    if (text.n > CRON_TEXT_MAX) {
        (void)error_at(e, 0, CRON_TEXT_MAX + 1, "longer than %d bytes", CRON_TEXT_MAX);
        return NULL;
    }
    if (at.rest.n == 0) {
        (void)error_at(e, 0, 1, "empty; expected five fields such as \"0 9 * * 1-5\", or @daily");
        return NULL;
    }
    at.all = str_n(text.p, (size_t)(at.rest.p - text.p) + at.rest.n); /* ends where rest ends */
    if (take_zone(&at, &named) != 0)
        return NULL;
    struct cron *c = NULL;
    if (at.rest.p[0] == '@')
        c = parse_word(&at, ctx, named ? named : ctx ? ctx->zone : NULL);
    else
        c = parse_fields(at.rest, at.all.n - at.rest.n, ctx, e);
    if (c)
        c->zone = named;
    return c;
}

void cron_free(struct cron *c)
{
    free(c);
}

enum cron_kind cron_kind(const struct cron *c)
{
    return (enum cron_kind)c->kind;
}

const struct zone *cron_zone(const struct cron *c)
{
    return c->zone;
}

bool cron_is_interval(const struct cron *c)
{
    return c->interval;
}

const char *cron_note(const struct cron *c, size_t i)
{
    static const char *const texts[CRON_N_NOTES] = {
#define X(id, text) [CRON_NOTE_##id] = (text),
        CRON_NOTES(X)
#undef X
    };
    for (size_t id = 0; id < CRON_N_NOTES; id++)
        if (c->notes >> id & 1 && i-- == 0)
            return texts[id];
    return NULL;
}

void cron_set_anchor(struct cron *c, int64_t seconds)
{
    if (c->kind == CRON_EVERY)
        c->anchor = MAX(-(1LL << 40), MIN(1LL << 40, seconds));
}
