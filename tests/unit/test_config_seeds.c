/* The configurations of the seed documents load as they are, whatever they ask for. */
#include "tests/unit/config_rig.h"

static const struct {
    const char *file, *said;
    size_t agents; /* without the built-in one */
} seeds[] = {
    { "hector-github.yaml", "", 1 },
    { "hector-shopify.yaml", "", 1 },
    { "hector-zapier.yaml", "", 1 },
    { "hector-slack.yaml", "", 1 },
    { "hector-report.yaml", "", 1 },
    { "hector-complete.yaml",
      "agents.yaml:97:1: warning: rag: a key of Hector's that keryx does not implement; it is "
      "ignored\n"
      "agents.yaml:99:1: warning: vector_stores: a key of Hector's that keryx does not implement; "
      "it "
      "is ignored\n"
      "agents.yaml:101:1: warning: embedders: a key of Hector's that keryx does not implement; it "
      "is "
      "ignored\n"
      "agents.yaml:103:1: warning: document_stores: a key of Hector's that keryx does not "
      "implement; "
      "it is ignored\n"
      "agents.yaml:105:1: warning: guardrails: a key of Hector's that keryx does not implement; it "
      "is ignored\n",
      5 },
};

static void load_seed(struct config_rig *rig, const char *file)
{
    static const char *const variables[] = { "GITHUB_WEBHOOK_SECRET", "SHOPIFY_WEBHOOK_SECRET",
                                             "WEBHOOK_SECRET", "SLACK_TOKEN", "OPENAI_API_KEY" };
    for (size_t i = 0; i < N_ELEMENTS(variables); i++)
        setenv(variables[i], "s3cret", 1);
    setenv("SLACK_WEBHOOK_URL", "https://hooks.slack.com/services/T00/B00/abc", 1);
    char path[200];
    size_t n;
    snprintf(path, sizeof(path), "tests/rows/seeds/%s", file);
    char *text = config_rig_file(path, &n);
    config_rig_text(rig, str_n(text, n), NULL);
    free(text);
}

TEST(every_configuration_of_the_seeds_loads)
{
    for (size_t i = 0; i < N_ELEMENTS(seeds); i++) {
        struct config_rig rig;
        ROW(seeds[i].file);
        load_seed(&rig, seeds[i].file);
        CHECK_BYTES(rig.said.p ? rig.said.p : "", rig.said.n, seeds[i].said);
        CHECK_INT(rig.config->n_agents, seeds[i].agents + 1);
        config_rig_release(&rig);
    }
}

TEST(hectors_fields_mean_what_they_meant)
{
    struct config_rig rig;
    load_seed(&rig, "hector-complete.yaml");
    const struct config_agent *a = config_find_agent(rig.config, STR("github-handler"));
    const struct config_webhook *w = &a->triggers[0].webhook;
    CHECK_STR(w->path.s, "/webhooks/github");
    CHECK_STR(w->secret.s, "s3cret");
    CHECK(w->secret.secret);
    CHECK_STR(w->signature_header.s, "X-Hub-Signature-256");
    CHECK_INT(w->response.mode, CONFIG_ASYNC);
    CHECK_INT(w->response.timeout, 30 * US_PER_S);
    CHECK(str_starts(w->input.s, STR("GitHub event received:\n")));
    a = config_find_agent(rig.config, STR("daily-report"));
    CHECK_STR(a->triggers[0].schedule.cron.s, "0 9 * * *");
    CHECK_STR(a->triggers[0].schedule.timezone.s, "America/New_York");
    a = config_find_agent(rig.config, STR("order-processor"));
    CHECK_INT(a->n_notifications, 2);
    CHECK_INT(a->notifications[0].events.n, 3);
    CHECK_STR(a->notifications[0].headers.items[0].value.s, "Bearer s3cret");
    CHECK(a->notifications[0].headers.items[0].value.secret);
    a = config_find_agent(rig.config, STR("order-fields"));
    CHECK_INT(a->triggers[0].webhook.n_extract, 2);
    CHECK_STR(a->triggers[0].webhook.extract[1].as.s, "email");
    CHECK(rig.config->server.auth.enabled);
    config_rig_release(&rig);
}

TEST(an_unset_variable_of_a_seed_is_named)
{
    struct config_rig rig;
    unsetenv("GITHUB_WEBHOOK_SECRET");
    size_t n;
    char *text = config_rig_file("tests/rows/seeds/hector-github.yaml", &n);
    config_rig_text(&rig, str_n(text, n), NULL);
    CHECK_STR(buf_view(&rig.said),
              "agents.yaml:11:15: agents.github-handler.trigger.secret: the variable "
              "GITHUB_WEBHOOK_SECRET is not set; set it, put it into .env, or write "
              "${GITHUB_WEBHOOK_SECRET:-default}\n");
    config_rig_release(&rig);
    free(text);
}
