/* What is told about the triggers of a file when it is loaded: nothing that is written is passed over. */
#include "triggers/trigger.h"

#include "tests/t.h"

#define HOOK(more) "agents:\n  a:\n    type: echo\n    trigger: {type: webhook, " more "}\n"
#define TIME(more) "agents:\n  a:\n    type: echo\n    trigger: {type: schedule, " more "}\n"

static const struct {
    const char *yaml;
    const char *want; /* "E " or "W ", then the text's beginning; lines in order; "" = nothing */
} rows[] = {
    { HOOK("prompt: x"), "" },
    { HOOK("secret: s, dedup: {replay: 24h}"), "" },
    { HOOK("deliver: telegram"), "W agents.a.trigger.deliver: is not applied in this version" },
    { HOOK("deliver: telegram, deliver_extra: {chat_id: '1'}"),
      "W agents.a.trigger.deliver: is not applied in this version\n"
      "W agents.a.trigger.deliver_extra: is not applied in this version" },
    { HOOK("deliver: telegram, deliver_only: true"),
      "E agents.a.trigger.deliver_only: is not available" },
    { HOOK("tool_policy: {deny: [exec]}"),
      "W agents.a.trigger.tool_policy: is not applied in this version" },
    { HOOK("secret: s, source: slack, response: {timeout: 10s}"),
      "W agents.a.trigger.response: slack waits 3s for an answer, response.timeout is 10s; use "
      "mode: async" },
    { HOOK("filter: '{{ .body | nosuch }}'"), "E agents.a.trigger.filter: " },
    { HOOK("response: {callback_field: 'a[['}"), "E agents.a.trigger.response.callback_field: " },
    { TIME("cron: '0 9 * * *', input: '{{ template \"hello\" . }}'") "templates: {hello: hi}\n",
      "" },
    { TIME("cron: '0 0 31 2 *'"), "E agents.a.trigger.cron: " },
    { "agents:\n  a:\n    type: echo\n    triggers: [{type: schedule, every: 1h}, {type: schedule, "
      "cron: '61 * * * *'}]\n",
      "E agents.a.triggers[1].cron: " },
};

static void told(const struct config_problems *p, struct buf *out)
{
    for (size_t i = 0; i < p->n; i++)
        buf_printf(out, "%s%s %s", i ? "\n" : "", p->items[i].warning ? "W" : "E",
                   p->items[i].text);
}

/* Line by line, each begins as wanted, and there are no others. */
static bool begins(struct str got, struct str want)
{
    struct str line, beginning;
    while (str_split(&want, '\n', &beginning)) {
        if (!str_split(&got, '\n', &line) || !str_starts(line, beginning))
            return false;
    }
    return got.n == 0;
}

TEST(what_a_load_tells_of_triggers)
{
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        ROW(rows[i].yaml);
        struct config_problems problems;
        config_problems_init(&problems);
        struct config *c = config_load_text(str_of(rows[i].yaml), "agents.yaml", "/", &problems);
        CHECK(c != NULL);
        if (c) {
            problems.n = problems.n_errors = 0; /* config's own are tested there */
            void *part = trigger_part.prepare(c, &problems);
            config_problems_sort(&problems);
            auto_buf text = BUF_INIT(64 * KIB);
            told(&problems, &text);
            if (!begins(buf_view(&text), str_of(rows[i].want)))
                T_FAIL("got  «%.*s»\n  want «%s»", (int)text.n, text.p ? text.p : "", rows[i].want);
            trigger_part.release(part);
        }
        config_problems_release(&problems);
        config_unref(c);
    }
}
