/* triggers/auth: what a sender would send, and which headers are not to be shown. */
#include "tests/unit/auth_rig.h"

#define LINEAR_BODY "{\"action\":\"create\",\"type\":\"Issue\",\"webhookTimestamp\":1767225600000}"
#define SLACK_BODY  "x=1"

TEST(what_is_signed_verifies_and_nothing_else_does)
{
    static const struct {
        const char *mode, *secret, *body, *type;
    } signers[] = {
        { "hmac", "s", BODY, "" },
        { "github_hmac_sha256", "s", BODY, "" },
        { "jira_hmac_sha256", "s", BODY, "" },
        { "gitea_signature", "s", BODY, "" },
        { "stripe_webhook_signature", "whsec_x", BODY, "" },
        { "linear_webhook_signature", "s", LINEAR_BODY, "" },
        { "pagerduty_v2_signature", "s", BODY, "" },
        { "sentry_webhook_signature", "s", "", "" },
        { "shopify_hmac_sha256", "s", BODY, "" },
        { "slack_signature", "s", SLACK_BODY, "" },
        { "standard_webhooks", STD_SECRET, BODY, "" },
        { "zendesk_signature", "s", BODY, "" },
        { "twilio_signature", "s", "b=2&a=1", "application/x-www-form-urlencoded" },
        { "hermes_hmac_sha256", "s", BODY, "" },
        { "gitlab_token", "s", BODY, "" },
        { "bearer", "s", BODY, "" },
    };
    for (size_t i = 0; i < N_ELEMENTS(signers); i++) {
        struct arena *arena = arena_new(0);
        struct http_headers given = { 0 }, out = { 0 };
        struct config_webhook h = hook_of(NULL, signers[i].mode, signers[i].secret);
        ROW(signers[i].mode);
        struct auth *a = must_compile(&h);
        http_header_add(arena, &given, STR("Content-Type"), str_of(signers[i].type));
        http_header_add(arena, &out, STR("Content-Type"), str_of(signers[i].type));
        struct auth_input in = { &given, str_of(signers[i].body), STR("POST"),
                                 STR("http://example.com/x?y=1"), T0 * US_PER_S };
        unsigned which = 0;
        struct error e = ERROR_INIT;
        CHECK_INT(auth_sign(a, &in, arena, &out, &e), 0);
        in.headers = &out;
        CHECK_INT(auth_verify(a, &in, &which, &e), 0);
        CHECK_CSTR(e.text, "");
        CHECK_INT(which, 1);
        h.auth.secret =
            text(strcmp(signers[i].mode, "standard_webhooks") == 0 ? "whsec_AAAA" : "other");
        struct auth *other = must_compile(&h);
        CHECK_INT(auth_verify(other, &in, &which, &e), -1);
        auth_free(other);
        for (size_t k = 1; k < out.n; k++) {
            bool public_part = str_ends(out.items[k].name, STR("id")) ||
                               str_ends(out.items[k].name, STR("imestamp"));
            CHECK_INT(auth_is_secret_header(a, out.items[k].name),
                      !public_part || strcmp(signers[i].mode, "zendesk_signature") == 0);
        }
        auth_free(a);
        arena_free(arena);
    }
}

TEST(nobody_signs_with_a_public_key)
{
    struct config_webhook h = hook_of(NULL, "discord_ed25519", DISCORD_KEY);
    struct auth *a = must_compile(&h);
    struct arena *arena = arena_new(0);
    struct http_headers out = { 0 };
    struct auth_input in = { &out, STR(BODY), STR("POST"), STR(""), 0 };
    struct error e = ERROR_INIT;
    CHECK_INT(auth_sign(a, &in, arena, &out, &e), -1);
    CHECK_CSTR(e.text, "mode discord_ed25519: only the sender holds the private key");
    CHECK_INT(out.n, 0);
    arena_free(arena);
    auth_free(a);
}

TEST(headers_that_carry_secrets_are_known)
{
    struct config_webhook h = hook_of(NULL, "static_header", NULL);
    h.auth.header = text("X-Door");
    h.auth.value = text("v");
    struct auth *a = must_compile(&h);
    CHECK(auth_is_secret_header(a, STR("x-door")));
    CHECK(!auth_is_secret_header(NULL, STR("x-door")));
    CHECK(auth_is_secret_header(NULL, STR("authorization")));
    CHECK(auth_is_secret_header(NULL, STR("COOKIE")));
    CHECK(auth_is_secret_header(NULL, STR("x-gitlab-token")));
    CHECK(auth_is_secret_header(NULL, STR("X-Shopify-Hmac-Sha256")));
    CHECK(auth_is_secret_header(NULL, STR("x-zm-signature")));
    CHECK(!auth_is_secret_header(a, STR("X-GitHub-Event")));
    CHECK(!auth_is_secret_header(a, STR("webhook-id")));
    auth_free(a);
}
