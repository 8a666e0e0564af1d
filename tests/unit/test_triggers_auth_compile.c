/* triggers/auth: from `auth:`, `secret`, `signature_header` and `source` to a scheme, or to the reason why not. */
#include "tests/unit/auth_rig.h"
#include "triggers/source.h"

struct compile_row {
    const char *row, *source, *mode, *secret, *short_secret, *header;
    const char *field, *value; /* one more key of auth */
    const char *want;          /* the mode's word, or the first problem */
};

static void set_field(struct config_auth *a, const char *field, const char *value)
{
    struct {
        const char *name;
        struct config_text *at;
    } fields[] = {
        { "header", &a->header },        { "value", &a->value },
        { "token", &a->token },          { "username", &a->username },
        { "password", &a->password },    { "prefix", &a->prefix },
        { "algorithm", &a->algorithm },  { "encoding", &a->encoding },
        { "signed", &a->signed_string }, { "timestamp_header", &a->timestamp_header },
    };
    a->set = true;
    if (strcmp(field, "tolerance") == 0)
        CHECK_INT(str_i64(str_of(value), &a->tolerance), 0);
    for (size_t i = 0; i < N_ELEMENTS(fields); i++) {
        if (strcmp(fields[i].name, field) == 0)
            *fields[i].at = text(value);
    }
}

TEST(a_route_gets_the_scheme_it_asks_for_or_the_reason_why_not)
{
    static const struct compile_row cases[] = {
        { "nothing", NULL, NULL, NULL, NULL, NULL, NULL, NULL, "none" },
        { "a source alone", "github", NULL, NULL, NULL, NULL, NULL, NULL, "none" },
        { "none, written", "github", "none", NULL, NULL, NULL, NULL, NULL, "none" },
        { "Hermes' word", "github", NULL, NULL, "INSECURE_NO_AUTH", NULL, NULL, NULL, "none" },
        { "a secret", NULL, NULL, NULL, "s", NULL, NULL, NULL, "hmac" },
        { "the source's own", "slack", NULL, NULL, "s", NULL, NULL, NULL, "slack_signature" },
        { "a source without one", "sendgrid", NULL, NULL, "s", NULL, NULL, NULL, "hmac" },
        { "the mode wins", "slack", "bearer", "s", NULL, NULL, NULL, NULL, "bearer" },
        { "the header wins over the source", "slack", NULL, NULL, "s", "X-A", NULL, NULL, "hmac" },
        { "a token", "github", NULL, NULL, NULL, NULL, "token", "t", "bearer" },
        { "a token of GitLab", "gitlab", NULL, NULL, NULL, NULL, "token", "t", "gitlab_token" },
        { "a prefix makes it hmac", "github", NULL, "s", NULL, NULL, "prefix", "a=", "hmac" },
        { "unknown mode", NULL, "github_hmac_sha25", "s", NULL, NULL, NULL, NULL,
          "trigger.auth.mode: there is no mode 'github_hmac_sha25' (did you mean "
          "'github_hmac_sha256'?)" },
        { "no secret", NULL, "hmac", NULL, NULL, NULL, NULL, NULL,
          "trigger.auth: mode hmac needs a secret; write mode: none for a route without "
          "authentication" },
        { "a header without secret", NULL, NULL, NULL, NULL, "X-A", NULL, NULL,
          "trigger.auth: mode hmac needs a secret; write mode: none for a route without "
          "authentication" },
        { "no token", NULL, "bearer", NULL, NULL, NULL, NULL, NULL,
          "trigger.auth: mode bearer needs a token; write mode: none for a route without "
          "authentication" },
        { "auth that says nothing", "github", NULL, NULL, NULL, NULL, "tolerance", "5000000",
          "trigger.auth: mode github_hmac_sha256 needs a secret; write mode: none for a route "
          "without "
          "authentication" },
        { "empty secret", NULL, NULL, NULL, "", NULL, NULL, NULL, "trigger.secret: is empty" },
        { "Hermes' word beside a mode", NULL, "hmac", "INSECURE_NO_AUTH", NULL, NULL, NULL, NULL,
          "trigger.auth.secret: INSECURE_NO_AUTH cannot stand beside mode hmac" },
        { "Hermes' word beside a secret", NULL, NULL, "s", "INSECURE_NO_AUTH", NULL, NULL, NULL,
          "trigger.secret: INSECURE_NO_AUTH cannot stand beside mode hmac" },
        { "a secret that does not decode", "standard", NULL, NULL, "whsec_?", NULL, NULL, NULL,
          "trigger.secret: does not decode; standard_webhooks expects whsec_ or whpk_ and base64" },
        { "an empty key", "standard", NULL, NULL, "whsec_", NULL, NULL, NULL,
          "trigger.secret: does not decode; standard_webhooks expects whsec_ or whpk_ and base64" },
        { "the sender's private key", "standard", NULL, NULL, "whsk_AAAA", NULL, NULL, NULL,
          "trigger.secret: does not decode; standard_webhooks expects whsec_ or whpk_ and base64" },
        { "a short public key", "discord", NULL, NULL, "abcd", NULL, NULL, NULL,
          "trigger.secret: does not decode; discord_ed25519 expects the application's public key, "
          "64 hex digits" },
        { "no header", NULL, "static_header", NULL, NULL, NULL, "value", "v",
          "trigger.auth.header: mode static_header needs the name of a header" },
        { "no password", NULL, "basic", NULL, NULL, NULL, "username", "u",
          "trigger.auth: mode basic needs username and password" },
        { "algorithm", NULL, "hmac", "s", NULL, NULL, "algorithm", "md5",
          "trigger.auth.algorithm: 'md5' is not known; expected sha1, sha256 or sha512" },
        { "encoding", NULL, "hmac", "s", NULL, NULL, "encoding", "utf-8",
          "trigger.auth.encoding: 'utf-8' is not known; expected hex or base64" },
        { "header name", NULL, "hmac", "s", NULL, NULL, "header", "X A",
          "trigger.auth.header: 'X A' is no header name" },
        { "a signed string without body", NULL, "hmac", "s", NULL, NULL, "signed", "{url}",
          "trigger.auth.signed: the body is not signed; expected {body} in it" },
        { "an unknown part", NULL, "hmac", "s", NULL, NULL, "signed", "{body}{nonce}",
          "trigger.auth.signed: unknown part at \"{nonce}\"; expected text with {timestamp}, "
          "{body}, {url}, {form} "
          "or {method}" },
        { "a timestamp from nowhere", NULL, "hmac", "s", NULL, NULL, "signed", "{timestamp}.{body}",
          "trigger.auth.signed: {timestamp} needs timestamp_header" },
        { "an id from nowhere", NULL, "hmac", "s", NULL, NULL, "signed", "{id}.{body}",
          "trigger.auth.signed: {id} belongs to mode standard_webhooks" },
        { "too many parts", NULL, "hmac", "s", NULL, NULL, "signed",
          "{body}.{body}.{body}.{body}.{body}", "trigger.auth.signed: more than 8 parts" },
        { "tolerance 0", "slack", NULL, "s", NULL, NULL, "tolerance", "0",
          "trigger.auth.tolerance: 0 lets nothing through; leave it out for the default" },
    };
    for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
        const struct compile_row *c = &cases[i];
        struct config_webhook h = hook_of(c->source, c->mode, c->secret);
        struct config_problems problems;
        struct auth *a = NULL;
        if (c->short_secret)
            h.secret = text(c->short_secret);
        if (c->header)
            h.signature_header = text(c->header);
        if (c->field)
            set_field(&h.auth, c->field, c->value);
        config_problems_init(&problems);
        ROW(c->row);
        int rc = auth_compile(&h, &problems, &a);
        CHECK_CSTR(rc == 0      ? auth_mode_word(a)
                   : problems.n ? problems.items[0].text
                                : "-",
                   c->want);
        CHECK_INT(rc != 0, problems.n_errors > 0);
        CHECK(rc == 0 || !a);
        CHECK(rc == 0 || problems.items[0].pos.line || !h.auth.pos.line);
        auth_free(a);
        config_problems_release(&problems);
    }
}

TEST(keys_that_do_nothing_are_warned_about)
{
    static const struct compile_row cases[] = {
        { "token", NULL, "hmac", "s", NULL, NULL, "token", "t",
          "trigger.auth.token: mode hmac does not use it" },
        { "prefix", NULL, "github_hmac_sha256", "s", NULL, NULL, "prefix", "p",
          "trigger.auth.prefix: mode github_hmac_sha256 does not use it" },
        { "secret", NULL, "none", "s", NULL, NULL, NULL, NULL,
          "trigger.auth.secret: mode none does not use it" },
        { "signature_header", NULL, "slack_signature", "s", NULL, "X-A", NULL, NULL,
          "trigger.signature_header: mode slack_signature does not use it" },
        { "tolerance", "github", NULL, "s", NULL, NULL, "tolerance", "1",
          "trigger.auth.tolerance: mode github_hmac_sha256 has no signed timestamp, so it is "
          "ignored" },
        { "none to warn of", "slack", NULL, "s", NULL, NULL, "tolerance", "1", "" },
        { "default header", "github", NULL, "s", NULL, NULL, NULL, NULL, "" },
    };
    for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
        const struct compile_row *c = &cases[i];
        struct config_webhook h = hook_of(c->source, c->mode, c->secret);
        struct config_problems problems;
        struct auth *a = NULL;
        if (c->header)
            h.signature_header = text(c->header);
        if (c->field)
            set_field(&h.auth, c->field, c->value);
        config_problems_init(&problems);
        ROW(c->row);
        CHECK_INT(auth_compile(&h, &problems, &a), 0);
        CHECK_INT(problems.n_errors, 0);
        CHECK_CSTR(problems.n ? problems.items[0].text : "", c->want);
        auth_free(a);
        config_problems_release(&problems);
    }
}

TEST(an_unsigned_timestamp_is_ignored_with_a_warning)
{
    struct config_webhook h = hook_of(NULL, "hmac", "secret");
    struct config_problems problems;
    struct auth *a = NULL;
    unsigned which;
    h.auth.timestamp_header = text("X-Ts");
    h.auth.signed_string = text("{body}");
    config_problems_init(&problems);
    CHECK_INT(auth_compile(&h, &problems, &a), 0);
    CHECK_CSTR(problems.n ? problems.items[0].text : "",
               "trigger.auth.timestamp_header: it is not in the signed string, so it is ignored");
    CHECK_CSTR(
        verdict(a, &(struct request){ .headers = { { "X-Webhook-Signature", HEX } } }, &which), "");
    auth_free(a);
    config_problems_release(&problems);
}

TEST(every_source_names_a_mode_that_exists)
{
    static const char *const names[] = { "github",  "gitlab",   "gitea",   "forgejo",
                                         "stripe",  "linear",   "slack",   "sentry",
                                         "shopify", "jira",     "zendesk", "twilio",
                                         "discord", "standard", "hermes",  "pagerduty" };
    for (size_t i = 0; i < N_ELEMENTS(names); i++) {
        struct config_webhook h =
            hook_of(names[i], NULL, strcmp(names[i], "discord") ? STD_SECRET : DISCORD_KEY);
        ROW(names[i]);
        struct auth *a = must_compile(&h);
        CHECK_CSTR(auth_mode_word(a), strcmp(names[i], "gitlab")
                                          ? source_auth_mode(source_find(str_of(names[i])))
                                          : "standard_webhooks");
        auth_free(a);
    }
}
