/* Every provider's signature scheme, a row each. A fact that a row does not show is in its comment,
   with the page it comes from. */
#include "triggers/auth_inside.h"

#include <assert.h>

#define TOLERANCE (300 * US_PER_S)
#define BODY      "{body}"

/* Names of the headers: signature; signature and timestamp. */
#define SIG(name)          \
    {                      \
        (name), NULL, NULL \
    }
#define SIG_AT(name, time)   \
    {                        \
        (name), (time), NULL \
    }

const struct auth_scheme auth_table[] = {
    { .mode = "static_header",
      .kind = AUTH_STATIC,
      .uses = AUTH_USE_HEADER | AUTH_USE_VALUE | AUTH_USE_TOKEN | AUTH_USE_SECRET },
    /* RFC 6750 section 2.1 */
    { .mode = "bearer",
      .kind = AUTH_BEARER,
      .uses = AUTH_USE_TOKEN | AUTH_USE_SECRET,
      .names = { SIG("Authorization") } },
    /* RFC 7617 */
    { .mode = "basic",
      .kind = AUTH_BASIC,
      .uses = AUTH_USE_USER,
      .names = { SIG("Authorization") } },
    /* docs.gitlab.com/user/project/integrations/webhooks: the secret token, as it is */
    { .mode = "gitlab_token",
      .kind = AUTH_STATIC,
      .uses = AUTH_USE_TOKEN | AUTH_USE_SECRET,
      .names = { SIG("X-Gitlab-Token") } },
    /* ours: everything about it is the route's */
    { .mode = "hmac",
      .kind = AUTH_SIGNED,
      .uses = AUTH_USE_SECRET | AUTH_USE_HEADER | AUTH_USE_SHAPE,
      .names = { SIG("X-Webhook-Signature") },
      .form = AUTH_ANY,
      .prefix = "",
      .hash = CRYPTO_SHA256,
      .text = BODY },
    /* docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries: never the SHA-1 header */
    { .mode = "github_hmac_sha256",
      .kind = AUTH_SIGNED,
      .uses = AUTH_USE_SECRET,
      .names = { SIG("X-Hub-Signature-256") },
      .prefix = "sha256=",
      .hash = CRYPTO_SHA256,
      .text = BODY },
    /* developer.atlassian.com/cloud/jira/platform/webhooks ("secure admin webhooks"; WebSub's header) */
    { .mode = "jira_hmac_sha256",
      .kind = AUTH_SIGNED,
      .uses = AUTH_USE_SECRET,
      .names = { SIG("X-Hub-Signature") },
      .prefix = "sha256=",
      .hash = CRYPTO_SHA256,
      .text = BODY },
    /* docs.gitea.com/usage/webhooks; forgejo.org/docs/latest/user/webhooks sends both names */
    { .mode = "gitea_signature",
      .kind = AUTH_SIGNED,
      .uses = AUTH_USE_SECRET,
      .names = { SIG("X-Gitea-Signature"), SIG("X-Forgejo-Signature") },
      .prefix = "",
      .hash = CRYPTO_SHA256,
      .text = BODY },
    /* docs.stripe.com/webhooks#verify-manually: the key is the whole whsec_… string; v0 is a test scheme */
    { .mode = "stripe_webhook_signature",
      .kind = AUTH_SIGNED,
      .uses = AUTH_USE_SECRET,
      .names = { SIG("Stripe-Signature") },
      .form = AUTH_FIELDS,
      .prefix = "v1",
      .hash = CRYPTO_SHA256,
      .text = "{timestamp}.{body}",
      .clock = AUTH_SECONDS,
      .tolerance = TOLERANCE },
    /* linear.app/developers/webhooks#securing-webhooks: Linear-Timestamp is not signed, the body's is */
    { .mode = "linear_webhook_signature",
      .kind = AUTH_SIGNED,
      .uses = AUTH_USE_SECRET,
      .names = { SIG("Linear-Signature") },
      .prefix = "",
      .hash = CRYPTO_SHA256,
      .text = BODY,
      .clock = AUTH_BODY_MS,
      .tolerance = 60 * US_PER_S },
    /* developer.pagerduty.com/docs/verifying-webhook-signatures: one v1 for each live secret */
    { .mode = "pagerduty_v2_signature",
      .kind = AUTH_SIGNED,
      .uses = AUTH_USE_SECRET,
      .names = { SIG("X-PagerDuty-Signature") },
      .form = AUTH_FIELDS,
      .prefix = "v1",
      .hash = CRYPTO_SHA256,
      .text = BODY },
    /* docs.sentry.io/organization/integrations/integration-platform/webhooks: the body may be empty, the
       timestamp is not signed; calls of UI components carry the other name */
    { .mode = "sentry_webhook_signature",
      .kind = AUTH_SIGNED,
      .uses = AUTH_USE_SECRET,
      .names = { SIG("Sentry-Hook-Signature"), SIG("Sentry-App-Signature") },
      .prefix = "",
      .hash = CRYPTO_SHA256,
      .text = BODY },
    /* shopify.dev/docs/apps/build/webhooks/subscribe/https; without X- in the Events preview */
    { .mode = "shopify_hmac_sha256",
      .kind = AUTH_SIGNED,
      .uses = AUTH_USE_SECRET,
      .names = { SIG("X-Shopify-Hmac-Sha256"), SIG("Shopify-Hmac-Sha256") },
      .prefix = "",
      .hash = CRYPTO_SHA256,
      .encoding = AUTH_BASE64,
      .text = BODY },
    /* docs.slack.dev/authentication/verifying-requests-from-slack */
    { .mode = "slack_signature",
      .kind = AUTH_SIGNED,
      .uses = AUTH_USE_SECRET,
      .names = { SIG_AT("X-Slack-Signature", "X-Slack-Request-Timestamp") },
      .prefix = "v0=",
      .hash = CRYPTO_SHA256,
      .text = "v0:{timestamp}:{body}",
      .clock = AUTH_SECONDS,
      .tolerance = TOLERANCE },
    /* standardwebhooks.com, spec/standard-webhooks.md; svix senders use the other names */
    { .mode = "standard_webhooks",
      .kind = AUTH_SIGNED,
      .uses = AUTH_USE_SECRET,
      .names = { { "webhook-signature", "webhook-timestamp", "webhook-id" },
                 { "svix-signature", "svix-timestamp", "svix-id" } },
      .form = AUTH_VERSIONS,
      .prefix = "v1",
      .hash = CRYPTO_SHA256,
      .encoding = AUTH_BASE64,
      .secret = AUTH_STANDARD,
      .text = "{id}.{timestamp}.{body}",
      .clock = AUTH_SECONDS,
      .tolerance = TOLERANCE },
    /* developer.zendesk.com/documentation/webhooks/verifying: no separator; it names no tolerance */
    { .mode = "zendesk_signature",
      .kind = AUTH_SIGNED,
      .uses = AUTH_USE_SECRET,
      .names = { SIG_AT("X-Zendesk-Webhook-Signature", "X-Zendesk-Webhook-Signature-Timestamp") },
      .prefix = "",
      .hash = CRYPTO_SHA256,
      .encoding = AUTH_BASE64,
      .text = "{timestamp}{body}",
      .clock = AUTH_ISO_8601,
      .tolerance = TOLERANCE },
    /* twilio.com/docs/usage/webhooks/webhooks-security: SHA-1 is all there is */
    { .mode = "twilio_signature",
      .kind = AUTH_SIGNED,
      .uses = AUTH_USE_SECRET,
      .names = { SIG("X-Twilio-Signature") },
      .prefix = "",
      .hash = CRYPTO_SHA1,
      .encoding = AUTH_BASE64,
      .text = "{url}{form}" },
    /* docs.discord.com/developers/interactions/overview#setting-up-an-endpoint: no tolerance is named */
    { .mode = "discord_ed25519",
      .kind = AUTH_SIGNED,
      .uses = AUTH_USE_SECRET,
      .names = { SIG_AT("X-Signature-Ed25519", "X-Signature-Timestamp") },
      .prefix = "",
      .secret = AUTH_HEX_PUBLIC,
      .text = "{timestamp}{body}",
      .clock = AUTH_SECONDS },
    /* ours, for imported Hermes routes that do not say which of two equally strong forms they get */
    { .mode = "hermes_hmac_sha256",
      .kind = AUTH_SIGNED,
      .uses = AUTH_USE_SECRET,
      .names = { SIG("X-Hub-Signature-256"), SIG("X-Webhook-Signature") },
      .form = AUTH_ANY,
      .prefix = "",
      .hash = CRYPTO_SHA256,
      .text = BODY },
};
const size_t auth_table_n = N_ELEMENTS(auth_table);

static_assert(N_ELEMENTS(auth_table) == 19,
              "20-triggers lists the modes: 17 beside none, jira and hermes");

const struct auth_scheme *auth_table_find(struct str mode)
{
    for (size_t i = 0; i < auth_table_n; i++) {
        if (str_eq_c(mode, auth_table[i].mode))
            return &auth_table[i];
    }
    return NULL;
}

const char *auth_table_suggest(struct str wrong)
{
    const char *names[N_ELEMENTS(auth_table) + 1] = SIG("none");
    for (size_t i = 0; i < auth_table_n; i++)
        names[i + 1] = auth_table[i].mode;
    return str_nearest(wrong, names, N_ELEMENTS(names));
}

const char *auth_table_hash_word(enum crypto_hash h)
{
    static const char *const words[] = {
        [CRYPTO_SHA1] = "sha1", [CRYPTO_SHA256] = "sha256", [CRYPTO_SHA512] = "sha512"
    };
    return words[h];
}
