/* ${NAME} in values, and the .env file. */
#include "config/env.h"
#include "tests/unit/config_rig.h"

struct reports {
    struct buf text;
};

static void on_report(void *ctx, struct str what, bool left, unsigned line, unsigned column)
{
    struct reports *r = ctx;
    buf_printf(&r->text, "%s %.*s at %u:%u;", left ? "left" : "unset", STR_ARG(what), line, column);
}

TEST(variables_are_expanded_once)
{
    static const struct {
        const char *text, *want, *reports;
    } rows[] = {
        { "plain", "plain", "" },
        { "${A}", "alpha", "" },
        { "x${A}y${A}z", "xalphayalphaz", "" },
        { "${NEST}", "${A}", "" },
        { "$A $ $1 a$", "$A $ $1 a$", "" },
        { "$$", "$", "" },
        { "$${A}", "${A}", "" },
        { "$$$$", "$$", "" },
        { "${NOPE:-fallback}", "fallback", "" },
        { "${NOPE:-}", "", "" },
        { "${EMPTY:-fallback}", "fallback", "" },
        { "${EMPTY}", "", "" },
        { "${A:-fallback}", "alpha", "" },
        { "${NOPE:-a:b/c d}", "a:b/c d", "" },
        { "${NOPE}", "", "unset NOPE at 1:1;" },
        { "a\nb ${NOPE}", "a\nb ", "unset NOPE at 2:3;" },
        { "\xc3\xa4 ${NOPE}", "\xc3\xa4 ", "unset NOPE at 1:3;" },
        { "${{ secrets.X }}", "${{ secrets.X }}", "left ${{ secrets.X } at 1:1;" },
        { "${x%%.*}", "${x%%.*}", "left ${x%%.*} at 1:1;" },
        { "${1}", "${1}", "left ${1} at 1:1;" },
        { "${", "${", "left ${ at 1:1;" },
        { "${A", "${A", "left ${A at 1:1;" },
        { "${A-b}", "${A-b}", "left ${A-b} at 1:1;" },
        { "${}", "${}", "left ${} at 1:1;" },
        { "${NOPE:-${A}}", "${NOPE:-alpha}", "left ${NOPE:-${A} at 1:1;" },
    };
    setenv("A", "alpha", 1);
    setenv("NEST", "${A}", 1);
    setenv("EMPTY", "", 1);
    unsetenv("NOPE");
    struct env *env = env_new();
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        struct arena *a = arena_new(0);
        struct reports r = { BUF_INIT(4096) };
        struct env_expansion x = { .report = on_report, .ctx = &r };
        ROW(rows[i].text);
        env_expand(env, a, str_of(rows[i].text), &x);
        CHECK_STR(x.text, rows[i].want);
        CHECK_BYTES(r.text.p ? r.text.p : "", r.text.n, rows[i].reports);
        buf_release(&r.text);
        arena_free(a);
    }
    env_free(env);
}

TEST(a_dotenv_line_is_a_name_and_a_value)
{
    static const struct {
        const char *line, *want; /* NULL: unset */
        const char *problem;
    } rows[] = {
        { "T=v", "v", "" },
        { "T = spaced out ", "spaced out", "" },
        { "export T=v", "v", "" },
        { "T=", "", "" },
        { "T=v # comment", "v", "" },
        { "T=a#b", "a#b", "" },
        { "T=# only a comment", "", "" },
        { "T='a # b'", "a # b", "" },
        { "T='${A} $(id) \\n'", "${A} $(id) \\n", "" },
        { "T=\"a\\n\\\"b\\\" \\$x \\q\" # c", "a\n\"b\" $x \\q", "" },
        { "T=v\r", "v", "" },
        { "T=a=b", "a=b", "" },
        { "  # comment", NULL, "" },
        { "", NULL, "" },
        { "T", NULL, ".env:1: expected NAME=value" },
        { "9T=v", NULL, ".env:1: expected NAME=value" },
        { "T-X=v", NULL, ".env:1: expected NAME=value" },
        { "T=\"open", NULL,
          ".env:1: a quote that is not closed; expected \" at the end of the value" },
        { "T='open", NULL,
          ".env:1: a quote that is not closed; expected ' at the end of the value" },
        { "T='a' b", NULL, ".env:1: text after the closing quote; expected the line's end" },
    };
    unsetenv("T");
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        struct config_problems p;
        struct env *env = env_new();
        config_problems_init(&p);
        ROW(rows[i].line);
        env_read(env, str_of(rows[i].line), ".env", &p);
        const char *got = env_get(env, STR("T"));
        CHECK_INT(got != NULL, rows[i].want != NULL);
        if (got && rows[i].want)
            CHECK_CSTR(got, rows[i].want);
        CHECK_CSTR(p.n ? p.items[0].text : "", rows[i].problem);
        config_problems_release(&p);
        env_free(env);
    }
}

TEST(the_real_environment_wins_over_dotenv)
{
    struct config_problems p;
    struct env *env = env_new();
    config_problems_init(&p);
    setenv("T_REAL", "process", 1);
    unsetenv("T_FILE");
    env_read(env, STR("\xef\xbb\xbfT_REAL=file\nT_FILE=one\nT_FILE=two\n"), ".env", &p);
    CHECK_CSTR(env_get(env, STR("T_REAL")), "process");
    CHECK_CSTR(env_get(env, STR("T_FILE")), "two");
    CHECK(env_get(env, STR("")) == NULL);
    config_problems_release(&p);
    env_free(env);
}

TEST(names_of_secrets_are_known)
{
    CHECK(env_name_is_secret(STR("GITHUB_TOKEN")));
    CHECK(env_name_is_secret(STR("openai_api_key")));
    CHECK(env_name_is_secret(STR("SLACK_WEBHOOK_URL")));
    CHECK(!env_name_is_secret(STR("HOST")));
    CHECK(!env_name_is_secret(STR("PORT")));
}

TEST(values_take_the_type_of_their_key_after_expansion)
{
    setenv("PORT", "9000", 1);
    setenv("YES", "true", 1);
    setenv("KIND", "schedule", 1);
    unsetenv("NOPE");
    static const struct config_rig_row rows[] = {
        { "a number", "server: {port: \"${PORT}\"}\n", "" },
        { "a bool, plain", "agents:\n  a:\n    enabled: ${YES}\n", "" },
        { "a part of an address", "server:\n  listen: 127.0.0.1:${PORT}\n", "" },
        { "a type", "agents: {a: {trigger: {type: \"${KIND}\", cron: '* * * * *'}}}\n", "" },
        { "a quoted number that is no variable", "server: {port: \"9000\"}\n",
          "agents.yaml:1:16: server.port: got '9000'; expected a whole number from 0 to 65535\n" },
        { "a variable of the wrong type", "server: {max_connections: \"${YES}\"}\n",
          "agents.yaml:1:27: server.max_connections: got 'true'; expected a whole number from 1 to "
          "1000000\n" },
        { "unset, in a block", "agents:\n  a:\n    instruction: |\n      one\n      two ${NOPE}\n",
          "agents.yaml:5:11: agents.a.instruction: the variable NOPE is not set; set it, put it "
          "into .env, or write ${NOPE:-default}\n" },
        { "unset, in a key is no variable", "agents: {\"${NOPE}\": {}}\n",
          "agents.yaml:1:10: agents.${NOPE}: not an agent's name; expected a letter, then up to 63 "
          "letters, digits, _ or -\n" },
        { "left as it is", "agents:\n  a:\n    command: echo ${x%%.*}\n",
          "agents.yaml:3:19: warning: agents.a.command: '${x%%.*}' is neither ${NAME} nor "
          "${NAME:-default} and stays as it is; write $${ for a literal ${\n" },
        { "empty counts as not there",
          "llms:\n  default:\n    provider: ollama\n    model: m\n    "
          "base_url: ${NOPE:-}\n",
          "" },
        { "an unset secret is told once",
          "agents: {a: {trigger: {type: webhook, secret: \"${NOPE}\"}}}\n",
          "agents.yaml:1:48: agents.a.trigger.secret: the variable NOPE is not set; set it, put it "
          "into .env, or write ${NOPE:-default}\n" },
    };
    config_rig_rows(rows, N_ELEMENTS(rows));
}
