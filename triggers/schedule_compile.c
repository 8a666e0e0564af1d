/* A schedule trigger of the file → a definition ready to run; every problem with its position. */
#include "base/zone.h"
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

static int64_t schedule_bound(const struct config_text *t, const struct config_agent *agent, const char *key,
                              const struct zone *zone, int64_t open, struct config_problems *problems)
{
    int64_t us;
    struct error e = ERROR_INIT;
    if (!t->s.p)
        return open;
    if (when_parse(t->s, zone, &us, &e) == 0)
        return us / US_PER_S;
    config_problem(problems, false, t->pos, "agents.%s.trigger.%s: %s", agent->name.s.p, key, e.text);
    return open;
}

static void schedule_compile_cron(struct schedule_def *d, struct arena *a, struct config_problems *problems)
{
    struct error e = ERROR_INIT;
    const struct config_text *from;
    const char *key;
    struct str text = schedule_expression(a, &d->trigger->schedule, &from, &key);
    struct cron_context context = { d->agent->name.s, d->trigger->name.s, d->zone };
    d->cron = cron_parse(text, &context, &e);
    if (!d->cron) {
        unsigned column = from == &d->trigger->schedule.cron ? e.column : 0;
        config_problem(problems, false, config_text_pos(from, 1, column ? column : 1),
                       "agents.%s.trigger.%s: %s", d->agent->name.s.p, key, e.text);
        return;
    }
    for (size_t i = 0; cron_note(d->cron, i); i++)
        config_problem(problems, true, from->pos, "agents.%s.trigger.%s: %s", d->agent->name.s.p, key,
                       cron_note(d->cron, i));
    if (cron_zone(d->cron)) {
        if (d->trigger->schedule.timezone.pos.line)
            config_problem(problems, true, d->trigger->schedule.timezone.pos,
                           "agents.%s.trigger.timezone: the expression names a zone of its own, which wins",
                           d->agent->name.s.p);
        d->zone = cron_zone(d->cron);
    }
}

void schedule_def_compile(struct schedule_def *d, struct arena *a, const struct config_agent *agent,
                          const struct config_trigger *trigger, struct config_problems *problems)
{
    const struct config_schedule *s = &trigger->schedule;
    struct error e = ERROR_INIT;
    d->agent = agent;
    d->trigger = trigger;
    d->zone = zone_get(s->timezone.s.p ? s->timezone.s : STR("UTC"), &e);
    if (!d->zone) {
        config_problem(problems, false, s->timezone.pos, "agents.%s.trigger.timezone: %s", agent->name.s.p,
                       e.text);
        d->zone = zone_utc;
    }
    schedule_compile_cron(d, a, problems);
    d->start = schedule_bound(&s->start, agent, "start", d->zone, INT64_MIN, problems);
    d->end = schedule_bound(&s->end, agent, "end", d->zone, INT64_MAX, problems);
    if (s->input.s.p) {
        d->input = template_compile(TEMPLATE_AUTO, s->input.s, NULL, &e);
        if (!d->input)
            config_problem(problems, false, config_text_pos(&s->input, e.line, e.column),
                           "agents.%s.trigger.input: %s", agent->name.s.p, e.text);
    }
    d->definition = arena_printf(a, "%s|%s|%s|%s|%s|%s", s->cron.s.p ? s->cron.s.p : "",
                                 s->every.s.p ? s->every.s.p : "", s->at.s.p ? s->at.s.p : "",
                                 zone_name(d->zone), s->start.s.p ? s->start.s.p : "",
                                 s->end.s.p ? s->end.s.p : "");
}

void schedule_def_release(struct schedule_def *d)
{
    cron_free(d->cron);
    template_free(d->input);
}
