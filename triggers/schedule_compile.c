/* A schedule trigger of the file → a definition ready to run; every problem with its position. */
#include "base/zone.h"
#include "triggers/compile.h"
#include "triggers/schedule.h"

/* "@every 15m" and "@at …" are cron's own words for every: and at:. */
static struct str schedule_expression(struct arena *a, const struct config_schedule *s,
                                      const struct config_text **from, const char **key)
{
    if (s->every.s.p) {
        *from = &s->every;
        *key = "every";
        return arena_printf(a, "@every %s", s->every.s.p);
    }
    if (s->at.s.p) {
        *from = &s->at;
        *key = "at";
        return arena_printf(a, "@at %s", s->at.s.p);
    }
    *from = &s->cron;
    *key = "cron";
    return s->cron.s;
}

static int64_t schedule_bound(const struct compile *c, const struct config_text *t, const char *key,
                              const struct zone *zone, int64_t open)
{
    int64_t us;
    struct error e = ERROR_INIT;
    if (!t->s.p)
        return open;
    if (when_parse(t->s, zone, &us, &e) == 0)
        return us / US_PER_S;
    compile_problem(c, false, t->pos, key, "%s", e.text);
    return open;
}

static void schedule_compile_cron(const struct compile *c, struct schedule_def *d)
{
    struct error e = ERROR_INIT;
    const struct config_schedule *s = &d->trigger->schedule;
    const struct config_text *from;
    const char *key;
    struct str text = schedule_expression(c->arena, s, &from, &key);
    if (!text.n)
        return; /* the loader has told that there is none */
    struct cron_context context = { d->agent->name.s, d->trigger->name.s, d->zone };
    d->cron = cron_parse(text, &context, &e);
    if (!d->cron) {
        unsigned column = from == &s->cron && e.column ? e.column : 1;
        compile_problem(c, false, config_text_pos(from, 1, column), key, "%s", e.text);
        return;
    }
    for (size_t i = 0; cron_note(d->cron, i); i++)
        compile_problem(c, true, from->pos, key, "%s", cron_note(d->cron, i));
    if (!cron_zone(d->cron))
        return;
    if (s->timezone.pos.line)
        compile_problem(c, true, s->timezone.pos, "timezone",
                        "the expression names a zone of its own, which wins");
    d->zone = cron_zone(d->cron);
}

void schedule_def_compile(struct schedule_def *d, const struct compile *c)
{
    const struct config_schedule *s = &c->trigger->schedule;
    struct error e = ERROR_INIT;
    d->agent = c->agent;
    d->trigger = c->trigger;
    d->zone = zone_get(s->timezone.s.p ? s->timezone.s : STR("UTC"), &e);
    if (!d->zone) {
        compile_problem(c, false, s->timezone.pos, "timezone", "%s", e.text);
        d->zone = zone_utc;
    }
    schedule_compile_cron(c, d);
    d->start = schedule_bound(c, &s->start, "start", d->zone, INT64_MIN);
    d->end = schedule_bound(c, &s->end, "end", d->zone, INT64_MAX);
    d->input = compile_template(c, TEMPLATE_AUTO, &s->input, "input");
    d->enabled = d->trigger->enabled && d->agent->enabled;
    d->definition = arena_printf(c->arena, "%s%s|%s|%s|%s|%s|%s", d->enabled ? "" : "off|",
                                 s->cron.s.p ? s->cron.s.p : "", s->every.s.p ? s->every.s.p : "",
                                 s->at.s.p ? s->at.s.p : "", zone_name(d->zone),
                                 s->start.s.p ? s->start.s.p : "", s->end.s.p ? s->end.s.p : "");
}

void schedule_def_release(struct schedule_def *d)
{
    cron_free(d->cron);
    template_free(d->input);
}
