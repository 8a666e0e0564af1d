/* keryx check --print: what comes out loads again, says the same, and shows no secret. */
#include "tests/unit/config_rig.h"

static void print_again(const char *label, struct str yaml, struct buf *first)
{
    struct config_rig rig;
    struct buf second = BUF_INIT(4 * MIB);
    ROW(label);
    config_rig_text(&rig, yaml, NULL);
    CHECK(rig.config && !rig.problems.n_errors);
    if (rig.problems.n_errors)
        T_FAIL("%.*s", STR_ARG(buf_view(&rig.said)));
    config_print(rig.config, first);
    config_rig_release(&rig);
    config_rig_text(&rig, buf_view(first), NULL);
    CHECK_INT(rig.problems.n_errors, 0);
    if (rig.problems.n_errors)
        T_FAIL("%.*s\n%.*s", STR_ARG(buf_view(&rig.said)), STR_ARG(buf_view(first)));
    if (rig.config)
        config_print(rig.config, &second);
    buf_char(first, 0);
    CHECK_BYTES(second.p, second.n, first->p);
    first->n--;
    config_rig_release(&rig);
    buf_release(&second);
}

TEST(a_printed_config_loads_and_prints_the_same)
{
    static const char *const files[] = {
        "tests/rows/config-shape.yaml",          "tests/rows/seeds/hector-github.yaml",
        "tests/rows/seeds/hector-shopify.yaml",  "tests/rows/seeds/hector-zapier.yaml",
        "tests/rows/seeds/hector-slack.yaml",    "tests/rows/seeds/hector-report.yaml",
        "tests/rows/seeds/hector-complete.yaml",
    };
    static const char *const variables[] = { "GITHUB_WEBHOOK_SECRET", "SHOPIFY_WEBHOOK_SECRET",
                                             "WEBHOOK_SECRET",        "SLACK_TOKEN",
                                             "OPENAI_API_KEY",        "KERYX_TOKEN",
                                             "TELEGRAM_BOT_TOKEN" };
    for (size_t i = 0; i < N_ELEMENTS(variables); i++)
        setenv(variables[i], "s3cret", 1);
    setenv("SLACK_WEBHOOK_URL", "https://hooks.example.com/s3cret", 1);
    for (size_t i = 0; i < N_ELEMENTS(files); i++) {
        size_t n;
        char *text = config_rig_file(files[i], &n);
        struct buf out = BUF_INIT(4 * MIB);
        print_again(files[i], str_n(text, n), &out);
        CHECK(str_find(buf_view(&out), STR("s3cret")) < 0);
        buf_release(&out);
        free(text);
    }
    struct buf out = BUF_INIT(4 * MIB);
    print_again("example", config_example(), &out);
    buf_release(&out);
}

TEST(texts_come_back_whatever_is_in_them)
{
    static const char *const yaml[] = {
        "agents: {a: {description: \"a: b #c\"}}",
        "agents: {a: {description: \"- x\"}}",
        "agents: {a: {description: 'true'}}",
        "agents: {a: {description: '12'}}",
        "agents: {a: {description: \"\\t\\x01 \\\" \\\\ \\u00e4\"}}",
        "agents: {a: {description: \"one\\n\\n  two\\n\"}}",
        "agents: {a: {description: \"one\\ntwo\"}}",
        "agents: {a: {description: \"one\\n\\n\\n\"}}",
        "agents: {a: {description: \" one\\ntwo\"}}",
        "agents: {a: {description: \"\\none\"}}",
        "agents: {a: {description: \"one\\n\\ttwo \\n\"}}",
        "agents: {a: {description: \"a\\u0085b\\u2028c\\nd\"}}",
        "agents: {a: {description: '$${X} $$$$ $X'}}",
        "agents: {a: {command: 'echo $${x%%.*} | cat\n\n  x'}}",
        "agents: {a: {command: [a, '', \"b\\nc\", '*x', '&y', '!z', '%', '@', '`', '{a', ']']}}",
        "templates: {'a b': 'x', '': y, 'true': z, '1': w}",
        "agents: {a: {structured_output: {schema: {x: [1, 'a', null, true, {}], '': []}}}}",
    };
    for (size_t i = 0; i < N_ELEMENTS(yaml); i++) {
        struct buf out = BUF_INIT(MIB);
        print_again(yaml[i], str_of(yaml[i]), &out);
        buf_release(&out);
    }
}

TEST(passwords_in_urls_are_hidden)
{
    struct config_rig rig;
    struct buf out = BUF_INIT(MIB);
    config_rig_text(&rig,
                    STR("store: {url: 'postgres://me:pass@db/x'}\n"
                        "egress: {proxy: 'http://u:p@h:1/'}\n"
                        "connections: {x: {bot_token: tok, chat: '1'}}\n"),
                    NULL);
    config_print(rig.config, &out);
    struct str text = buf_view(&out);
    CHECK(str_find(text, STR("postgres://me:***@db/x")) >= 0);
    CHECK(str_find(text, STR("http://u:***@h:1/")) >= 0);
    CHECK(str_find(text, STR("bot_token: \"***\"")) >= 0);
    CHECK(str_find(text, STR("tok\n")) < 0);
    config_rig_release(&rig);
    buf_release(&out);
}
