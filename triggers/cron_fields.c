/* The fields of a cron expression → bit sets. One row a field; items are scanned with a cursor that
   always knows its column. */
#include "triggers/cron_inside.h"

#include <stdio.h>

struct field {
    const char *name;
    int lo, hi;
    int hash_hi; /* H without a range ends here: days stop at 28 so that every month has the run */
    const char *const *words; /* NULL-terminated; the first stands for `first_word` */
    int first_word;
    const char *accepted;
};

static const char *const month_words[] = { "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL",
                                           "AUG", "SEP", "OCT", "NOV", "DEC", NULL };
static const char *const weekday_words[] = {
    "SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT", NULL
};

static const struct field fields[CRON_N_FIELDS] = {
    [CRON_SECOND] = { "second", 0, 59, 59, NULL, 0, "0-59" },
    [CRON_MINUTE] = { "minute", 0, 59, 59, NULL, 0, "0-59" },
    [CRON_HOUR] = { "hour", 0, 23, 23, NULL, 0, "0-23" },
    [CRON_DAY] = { "day of month", 1, 31, 28, NULL, 0, "1-31, L, L-3, 15W or LW" },
    [CRON_MONTH] = { "month", 1, 12, 12, month_words, 1, "1-12 or JAN-DEC" },
    [CRON_WEEKDAY] = { "day of week", 0, 7, 6, weekday_words, 0,
                       "0-7 (0 and 7 are Sunday), SUN-SAT, MON#2 or 5L" },
    [CRON_YEAR] = { "year", CRON_FIRST_YEAR, CRON_LAST_YEAR, 0, NULL, 0, "1970-2199" },
};

/* The values a field allows, shifted down by its `lo`. */
struct set {
    uint64_t bits[CRON_YEAR_WORDS];
};

struct scan {
    struct cron *c;
    const struct cron_context *ctx;
    enum cron_field id;
    const struct field *field;
    struct str item; /* the list item at hand, for messages */
    struct str rest; /* of it */
    size_t column;   /* 1-based, of the item */
    struct set set;
    struct error *e;
};

static int fail(struct scan *s, const char *what, const char *hint)
{
    return error_at(s->e, 0, (unsigned)s->column,
                    "%s, column %zu: \"%" STR_FMT "\" %s; expected %s%s%s", s->field->name,
                    s->column, STR_ARG(str_sub(s->item, 0, 40)), what, s->field->accepted,
                    hint ? "; " : "", hint ? hint : "");
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static char peek(const struct scan *s)
{
    return s->rest.n ? s->rest.p[0] : '\0';
}

static void skip(struct scan *s, size_t n)
{
    s->rest = str_sub(s->rest, n, s->rest.n);
}

static bool take(struct scan *s, char c)
{
    if (s->rest.n == 0 || s->rest.p[0] != c)
        return false;
    skip(s, 1);
    return true;
}

static struct str letters_ahead(const struct scan *s)
{
    size_t n = 0;
    while (n < s->rest.n && is_letter(s->rest.p[n]))
        n++;
    return str_sub(s->rest, 0, n);
}

static void set_add(struct scan *s, int value)
{
    int bit = value - s->field->lo;
    s->set.bits[bit / 64] |= 1ULL << (bit % 64);
}

static bool star_only(struct str text)
{
    return text.n == 1 && (text.p[0] == '*' || text.p[0] == '?');
}

/* --- values ----------------------------------------------------------------------------------- */

/* Stable for ever and on every node: SipHash-2-4 of agent, NUL, trigger, NUL, the field's digit. */
static int hash_value(const struct scan *s, int lo, int hi)
{
    static const uint8_t key[16] = { 'k', 'e', 'r', 'y', 'x', '-', 'c', 'r',
                                     'o', 'n', '-', 'h', 'a', 's', 'h', '1' };
    auto_buf text = BUF_INIT(64 * KIB);
    if (s->ctx) {
        buf_str(&text, s->ctx->agent);
        buf_char(&text, '\0');
        buf_str(&text, s->ctx->trigger);
        buf_char(&text, '\0');
    }
    buf_char(&text, (char)('0' + s->id));
    return lo + (int)(str_siphash(buf_view(&text), key) % (uint64_t)(hi - lo + 1));
}

static const char *number_hint(const struct scan *s, uint64_t value)
{
    if (s->id == CRON_HOUR && value == 24)
        return "midnight is 0";
    if ((s->id == CRON_MINUTE || s->id == CRON_SECOND) && value == 60)
        return "the full one is 0";
    if (s->id == CRON_WEEKDAY && value >= CRON_FIRST_YEAR)
        return "years need 7 fields: second minute hour day month weekday year";
    return NULL;
}

static int take_number(struct scan *s, int *value)
{
    size_t digits = 0;
    uint64_t n = 0;
    while (digits < s->rest.n && is_digit(s->rest.p[digits]))
        digits++;
    if (digits > 4 || str_u64(str_sub(s->rest, 0, digits), &n) != 0)
        return fail(s, "is too large", NULL);
    if (n < (uint64_t)s->field->lo || n > (uint64_t)s->field->hi)
        return fail(s, "is out of range", number_hint(s, n));
    skip(s, digits);
    *value = (int)n;
    return 0;
}

/* The index of a word the text is ("mon") or, for hints, begins with ("Monday"); -1 for none. */
static int word_index(const struct field *f, struct str text, bool begins)
{
    for (int i = 0; f->words && f->words[i]; i++) {
        struct str word = str_of(f->words[i]);
        if (begins ? str_starts_fold(text, word) : str_eq_fold(text, word))
            return i;
    }
    return -1;
}

static int take_word(struct scan *s, int *value)
{
    struct str word = letters_ahead(s);
    int index = word_index(s->field, word, false);
    if (index >= 0) {
        skip(s, word.n);
        *value = s->field->first_word + index;
        return 0;
    }
    index = word_index(s->field, word, true);
    if (index >= 0) {
        char hint[32];
        snprintf(hint, sizeof(hint), "write %s", s->field->words[index]);
        return fail(s, "is not a name", hint);
    }
    if (s->id == CRON_WEEKDAY && str_eq_fold(word, STR("L")))
        return fail(s, "lacks its weekday", "the last Friday is 5L");
    if (s->id == CRON_DAY && (s->rest.n == s->item.n) && str_eq_fold(word, STR("W")))
        return fail(s, "lacks its day", "the workday nearest to the 15th is 15W");
    return fail(s, "is not understood", NULL);
}

static int take_value(struct scan *s, int *value)
{
    if (is_digit(peek(s)))
        return take_number(s, value);
    if (is_letter(peek(s)))
        return take_word(s, value);
    return fail(s, s->item.n ? "is not understood" : "is empty", NULL);
}

/* --- items ------------------------------------------------------------------------------------ */

/* "/n", or 1 when there is none. */
static int take_step(struct scan *s, int *step)
{
    size_t digits = 0;
    uint64_t n = 0;
    *step = 1;
    if (!take(s, '/'))
        return 0;
    while (digits < s->rest.n && is_digit(s->rest.p[digits]))
        digits++;
    if (digits == 0 || digits > 4 || str_u64(str_sub(s->rest, 0, digits), &n) != 0 || n == 0)
        return fail(s, "has no usable step", "a step is a number from 1 on");
    skip(s, digits);
    *step = (int)n;
    return 0;
}

static int end_of_item(struct scan *s)
{
    if (s->rest.n == 0)
        return 0;
    return fail(s, "is not understood",
                s->id != CRON_WEEKDAY && peek(s) == '#' ? "# stands in the day of week" : NULL);
}

/* a-b where b lies before a: on to the end of the field and round to b, a step walking through. */
static int add_round(struct scan *s, int a, int b, int step)
{
    int lo = s->field->lo;
    int hi = s->id == CRON_WEEKDAY ? 6 : s->field->hi; /* 7 is 0 again */
    int size = hi - lo + 1;
    if (s->id == CRON_YEAR)
        return fail(s, "runs backwards", NULL);
    int from = a > hi ? lo : a;
    int length = (b - from + size) % size + 1;
    if (length == size && step == 1)
        return fail(s, "covers every value", "write *");
    for (int i = 0; i < length; i += step)
        set_add(s, lo + (from - lo + i) % size);
    return 0;
}

/* After the first value of "v", "v-w" or "v/n"; was_word: it was a name. */
static int finish_range(struct scan *s, int a, bool was_word)
{
    int b = a, step;
    bool range = take(s, '-');
    if (range) {
        bool sunday = s->id == CRON_WEEKDAY && is_letter(peek(s));
        if (take_value(s, &b) != 0)
            return -1;
        if (sunday && b == 0 && !(was_word && a == 0))
            b = 7; /* a range that ends in SUN ends the week */
    }
    bool stepped = peek(s) == '/';
    if (take_step(s, &step) != 0 || end_of_item(s) != 0)
        return -1;
    if (stepped && !range) {
        b = s->field->hi;
        s->c->notes |= 1U << CRON_NOTE_OPEN_STEP;
    }
    if (a > b)
        return add_round(s, a, b, step);
    if (step > b - a + 1)
        s->c->notes |= 1U << CRON_NOTE_WIDE_STEP;
    for (int v = a; v <= b; v += step)
        set_add(s, v);
    return 0;
}

/* What H and ~ stand for, once their bounds are known, with an optional step. */
static int finish_hash(struct scan *s, int lo, int hi)
{
    int step;
    bool stepped = peek(s) == '/';
    if (take_step(s, &step) != 0 || end_of_item(s) != 0)
        return -1;
    if (s->id == CRON_YEAR)
        return fail(s, "is not for years", NULL);
    if (lo > hi)
        return fail(s, "runs backwards", "a hash needs its lower bound first");
    if (!stepped)
        set_add(s, hash_value(s, lo, hi));
    else
        for (int v = hash_value(s, lo, MIN(hi, lo + step - 1)); v <= hi; v += step)
            set_add(s, v);
    return 0;
}

/* "H", "H(a-b)", "R(a-b)" */
static int scan_hash(struct scan *s)
{
    int lo = s->field->lo, hi = s->field->hash_hi;
    bool is_r = peek(s) == 'R' || peek(s) == 'r';
    skip(s, 1);
    if (take(s, '(')) {
        if (take_value(s, &lo) != 0)
            return -1;
        if (!take(s, '-'))
            return fail(s, "is not understood", "a bounded hash is H(0-29)");
        if (take_value(s, &hi) != 0)
            return -1;
        if (!take(s, ')'))
            return fail(s, "lacks its )", NULL);
    } else if (is_r) {
        return fail(s, "lacks its bounds", "write R(0-29), or H for the whole field");
    }
    return finish_hash(s, lo, hi);
}

/* "a~b" after its first value, if it had one. */
static int scan_tilde(struct scan *s, int lo)
{
    int hi = s->field->hash_hi;
    if (peek(s) != '\0' && peek(s) != '/' && take_value(s, &hi) != 0)
        return -1;
    return finish_hash(s, lo, hi);
}

static int scan_star(struct scan *s)
{
    int step;
    char star = peek(s);
    skip(s, 1);
    bool stepped = peek(s) == '/';
    if (take_step(s, &step) != 0 || end_of_item(s) != 0)
        return -1;
    if (star == '?')
        s->c->notes |= 1U << CRON_NOTE_QUARTZ; /* taken back when weekdays have no numbers */
    if (stepped && s->id == CRON_YEAR)
        return fail(s, "steps from no year", "write a range, as in 2026-2036/2");
    if (step > s->field->hi - s->field->lo)
        s->c->notes |= step > 1 ? 1U << CRON_NOTE_WIDE_STEP : 0;
    for (int v = s->field->lo; v <= s->field->hi; v += step)
        set_add(s, v);
    return 0;
}

/* L, L-3, LW; 15W. 1 when it was one of them, 0 when not. */
static int scan_day_special(struct scan *s)
{
    struct str word = letters_ahead(s);
    int value = 0;
    if (str_eq_fold(word, STR("LW"))) {
        skip(s, 2);
        s->c->last_workday = true;
        return end_of_item(s) == 0 ? 1 : -1;
    }
    if (str_eq_fold(word, STR("L"))) {
        skip(s, 1);
        if (take(s, '-')) {
            if (!is_digit(peek(s)) || take_number(s, &value) != 0 || value > 30)
                return fail(s, "is not understood", "L-1 to L-30 count back from the last day");
        }
        s->c->last_minus |= 1U << value;
        return end_of_item(s) == 0 ? 1 : -1;
    }
    char last = s->item.p[s->item.n - 1];
    if (!is_digit(peek(s)) || (last != 'W' && last != 'w'))
        return 0;
    if (take_number(s, &value) != 0)
        return -1;
    skip(s, 1);
    s->c->nearest |= 1U << value;
    return end_of_item(s) == 0 ? 1 : -1;
}

/* MON#2, 5L, 5#L. 1 when it was one of them, 0 when not. */
static int scan_weekday_special(struct scan *s)
{
    ptrdiff_t sharp = str_chr(s->item, '#');
    char last = s->item.p[s->item.n - 1];
    bool is_last = last == 'L' || last == 'l';
    int weekday = 0;
    if (s->item.n < 2 || (sharp < 0 && !is_last))
        return 0;
    size_t n = sharp >= 0 ? (size_t)sharp : s->item.n - 1;
    struct str tail = str_sub(s->item, sharp >= 0 ? n + 1 : n, s->item.n);
    s->rest = str_sub(s->item, 0, n);
    if (peek(s) == 'H' || peek(s) == 'h') {
        skip(s, 1);
        weekday = hash_value(s, 0, 6);
    } else if (take_value(s, &weekday) != 0) {
        return -1;
    }
    if (end_of_item(s) != 0)
        return -1;
    if (str_eq_fold(tail, STR("L")))
        s->c->last_weekdays |= (uint8_t)(1U << (weekday % 7));
    else if (tail.n == 1 && tail.p[0] >= '1' && tail.p[0] <= '5')
        s->c->nth[tail.p[0] - '1'] |= (uint8_t)(1U << (weekday % 7));
    else
        return fail(s, "has no such week", "# takes 1 to 5, or L for the last");
    return 1;
}

static int scan_item(struct scan *s)
{
    int value = 0;
    int special = 0;
    if (s->item.n == 0)
        return fail(s, "is empty", NULL);
    if (peek(s) == '*' || peek(s) == '?')
        return scan_star(s);
    if (take(s, '~'))
        return scan_tilde(s, s->field->lo);
    if (s->id == CRON_DAY)
        special = scan_day_special(s);
    if (s->id == CRON_WEEKDAY)
        special = scan_weekday_special(s);
    if (special)
        return special > 0 ? 0 : -1;
    struct str word = letters_ahead(s);
    if (str_eq_fold(word, STR("H")) || str_eq_fold(word, STR("R")))
        return scan_hash(s);
    if (peek(s) == '+')
        return fail(s, "is not understood", "+ stands in front of the day of week");
    if (take_value(s, &value) != 0)
        return -1;
    if (take(s, '~'))
        return scan_tilde(s, value);
    return finish_range(s, value, word.n > 0);
}

/* --- fields ----------------------------------------------------------------------------------- */

static void store(struct cron *c, enum cron_field id, const struct set *set)
{
    uint64_t bits = set->bits[0];
    switch (id) {
    case CRON_SECOND:
        c->seconds = bits;
        break;
    case CRON_MINUTE:
        c->minutes = bits;
        break;
    case CRON_HOUR:
        c->hours = (uint32_t)bits;
        break;
    case CRON_DAY:
        c->days = (uint32_t)(bits << 1);
        break;
    case CRON_MONTH:
        c->months = (uint16_t)(bits << 1);
        break;
    case CRON_WEEKDAY:
        c->weekdays = (uint8_t)((bits | bits >> 7) & 0x7f);
        break;
    case CRON_YEAR:
        memcpy(c->years, set->bits, sizeof(set->bits));
        break;
    case CRON_N_FIELDS:
        break;
    }
}

static int field_parse(struct scan *s, struct str text, size_t column)
{
    size_t at = 0;
    s->set = (struct set){ { 0 } };
    s->field = &fields[s->id];
    if (s->id == CRON_WEEKDAY && text.n > 1 && text.p[0] == '+') {
        s->c->both_days = true;
        at = 1;
    }
    for (;;) {
        struct str rest = str_sub(text, at, text.n);
        ptrdiff_t comma = str_chr(rest, ',');
        s->item = s->rest = str_sub(rest, 0, comma < 0 ? rest.n : (size_t)comma);
        s->column = column + at;
        if (scan_item(s) != 0)
            return -1;
        if (comma < 0)
            break;
        at += (size_t)comma + 1;
    }
    store(s->c, s->id, &s->set);
    return 0;
}

static bool has_any(struct str text, const char *chars)
{
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] && strchr(chars, text.p[i]))
            return true;
    return false;
}

/* Cuts the text at blanks; *n counts all of them, `part` keeps the first CRON_N_FIELDS. */
static void split(struct str text, struct str part[CRON_N_FIELDS], size_t *n)
{
    size_t at = 0;
    *n = 0;
    for (;;) {
        while (at < text.n && (text.p[at] == ' ' || text.p[at] == '\t'))
            at++;
        size_t begin = at;
        while (at < text.n && text.p[at] != ' ' && text.p[at] != '\t')
            at++;
        if (at == begin)
            return;
        if (*n < CRON_N_FIELDS)
            part[*n] = str_sub(text, begin, at - begin);
        ++*n;
    }
}

static int wrong_number(size_t n, size_t column, struct error *e)
{
    const char *hint = "";
    if (n == 4)
        hint = "; is the last one, day of week, missing?";
    if (n == 1)
        hint = "; or an alias such as @daily, or @every 15m";
    return error_at(e, 0, (unsigned)column,
                    "column %zu: found %zu field%s; expected 5 (minute hour day month weekday), 6 "
                    "(second in front) or 7 (year at the end)%s",
                    column, n, n == 1 ? "" : "s", hint);
}

/* Which notes hold, and whether both day fields must match. */
static void weigh_days(struct cron *c, struct str day, struct str weekday)
{
    bool restricted = !star_only(day) && !star_only(weekday);
    if (restricted && !c->both_days)
        c->notes |= 1U << CRON_NOTE_EITHER_DAY;
    if (!restricted)
        c->both_days = true;
    if (!has_any(weekday, "1234567"))
        c->notes &= (uint8_t) ~(1U << CRON_NOTE_QUARTZ);
}

int cron_fields_parse(struct cron *c, struct str text, size_t shift, const struct cron_context *ctx,
                      struct error *e)
{
    struct str part[CRON_N_FIELDS];
    size_t n;
    struct scan s = { .c = c, .ctx = ctx, .e = e };
    split(text, part, &n);
    if (n < 5 || n > 7)
        return wrong_number(n, shift + 1, e);
    size_t skipped = n == 5 ? 1 : 0; /* no second */
    if (skipped)
        c->seconds = 1;
    c->has_years = n == 7 && !star_only(part[6]);
    for (size_t i = 0; i < n; i++) {
        s.id = (enum cron_field)(i + skipped);
        if (field_parse(&s, part[i], shift + (size_t)(part[i].p - text.p) + 1) != 0)
            return -1;
        if (s.id <= CRON_HOUR && has_any(part[i], "*?/"))
            c->interval = true;
    }
    weigh_days(c, part[CRON_DAY - skipped], part[CRON_WEEKDAY - skipped]);
    return 0;
}
