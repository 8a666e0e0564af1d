/* triggers/auth: every scheme against the vendors' and the judges' vectors, then forged, malformed,
   doubled and late requests. Signatures in rows were made by node:crypto, not by the code under test. */
#include "base/arena.h"
#include "tests/t.h"
#include "triggers/auth.h"
#include "triggers/source.h"

#define T0   1767225600LL /* 2026-01-01T00:00:00Z */
#define BODY "{\"a\":1}"
#define HEX  "aa9e2e3575f5d7098b6caccd790888c36d5fdb63342a73bada2d6a51747a8494" /* of BODY, key "secret" */
#define B64  "qp4uNXX11wmLbKzNeQiIw21f22M0KnO62i1qUXR6hJQ="
#define TS   "96a067a1c95eb143fc00b9097bcfcbcd5456adda508c443ff219748e764dbed7" /* of T0 "." BODY */

static struct config_text text(const char *s)
{
    return (struct config_text){ .s = str_of(s), .pos = { s ? 1 : 0, 1 } };
}

/* A hook as the loader would give it. */
static struct config_webhook hook_of(const char *source, const char *mode, const char *secret)
{
    struct config_webhook h = { .source = text(source), .signature_header = text("X-Webhook-Signature") };
    h.signature_header.pos.line = 0;
    h.auth.mode = text(mode);
    h.auth.secret = text(secret);
    h.auth.set = mode || secret;
    h.auth.tolerance = -1;
    return h;
}

static struct auth *must_compile(const struct config_webhook *h)
{
    struct config_problems problems;
    struct auth *a = NULL;
    config_problems_init(&problems);
    if (auth_compile(h, &problems, &a) != 0)
        T_FAIL("does not compile: %s", problems.n ? problems.items[0].text : "?");
    config_problems_release(&problems);
    return a;
}

struct request {
    const char *headers[8][2];
    const char *body, *url;
    int64_t now;
};

/* "" when genuine, else the refusal. */
static const char *verdict_str(const struct auth *a, const struct request *r, struct str body, unsigned *which)
{
    static struct error e;
    struct http_header items[N_ELEMENTS(r->headers)];
    struct http_headers h = { .items = items };
    for (size_t i = 0; i < N_ELEMENTS(r->headers) && r->headers[i][0]; i++)
        items[h.n++] = (struct http_header){ str_of(r->headers[i][0]), str_of(r->headers[i][1]) };
    struct auth_input in = { .headers = &h,
                             .body = body,
                             .method = STR("POST"),
                             .url = str_of(r->url ? r->url : "https://example.com/hook"),
                             .now_us = (r->now ? r->now : T0) * US_PER_S };
    e = ERROR_INIT;
    int rc = auth_verify(a, &in, which, &e);
    if (rc != 0)
        CHECK_INT(e.code, ERROR_DENIED);
    return rc == 0 ? "" : e.text;
}

static const char *verdict(const struct auth *a, const struct request *r, unsigned *which)
{
    return verdict_str(a, r, str_of(r->body ? r->body : BODY), which);
}

/* ---- the vectors of the vendors and their libraries ---- */

static const struct {
    const char *provider, *mode;
    int64_t now;
} vector_modes[] = {
    { "github", "github_hmac_sha256", T0 },
    { "slack", "slack_signature", 1531420618 },
    { "stripe", "stripe_webhook_signature", T0 },
    { "standard-webhooks", "standard_webhooks", 1614265330 },
    { "standard-webhooks v1a", "standard_webhooks", 1614265330 },
    { "twilio form", "twilio_signature", T0 },
    { "twilio json", "twilio_signature", T0 },
    { "shopify", "shopify_hmac_sha256", T0 },
    { "zendesk", "zendesk_signature", 1616648967 },
    { "pagerduty", "pagerduty_v2_signature", T0 },
    { "sentry", "sentry_webhook_signature", T0 },
    { "sentry empty body", "sentry_webhook_signature", T0 },
};

struct vector {
    struct arena *a;
    const char *secret, *id;
    struct str body;
    struct json *form;
};

static const char *vector_text(struct vector *v, const struct json *row, const char *key, const char *otherwise)
{
    struct str s = json_get_str(v->a, row, key, STR_NULL);
    return s.p ? arena_cstr(v->a, s) : otherwise;
}

/* Twilio's vector has its parameters as an object. */
static struct str vector_form(struct vector *v, const struct json *params)
{
    struct str form = STR("");
    for (const struct json *p = params->child; p; p = p->next) {
        struct str value = json_text(v->a, p);
        bool plus = value.n && value.p[0] == '+';
        form = arena_printf(v->a, "%" STR_FMT "%s%" STR_FMT "=%s%" STR_FMT, STR_ARG(form), form.n ? "&" : "",
                            STR_ARG(p->key), plus ? "%2B" : "", STR_ARG(str_sub(value, plus, value.n)));
    }
    return form;
}

static void vector_request(struct vector *v, const struct json *row, struct request *r)
{
    size_t n = 0;
    const struct json *headers = json_get(row, STR("headers"));
    for (const struct json *h = headers ? headers->child : NULL; h; h = h->next) {
        r->headers[n][0] = arena_cstr(v->a, h->key);
        r->headers[n++][1] = arena_cstr(v->a, json_text(v->a, h));
    }
    const char *sig = vector_text(v, row, "sig", NULL);
    if (sig) {
        r->headers[n][0] = "webhook-id", r->headers[n++][1] = v->id;
        r->headers[n][0] = "webhook-timestamp", r->headers[n++][1] = "1614265330";
        r->headers[n][0] = "webhook-signature", r->headers[n++][1] = sig;
    }
    r->url = vector_text(v, row, "url", NULL);
    if (json_get(row, STR("params"))) {
        r->headers[n][0] = "Content-Type", r->headers[n++][1] = "application/x-www-form-urlencoded";
        v->body = vector_form(v, json_get(row, STR("params")));
    }
}

/* True when the row is a request with a signature. */
static bool vector_check(struct vector *v, const struct json *row)
{
    const char *provider = vector_text(v, row, "p", ""), *mode = NULL;
    const struct json *secrets = json_get(row, STR("secrets"));
    struct request r = { 0 };
    unsigned which = 0;
    for (size_t i = 0; i < N_ELEMENTS(vector_modes); i++) {
        if (strcmp(provider, vector_modes[i].provider) == 0) {
            mode = vector_modes[i].mode;
            r.now = vector_modes[i].now;
        }
    }
    /* what a row leaves out is as in the one before it */
    v->secret = vector_text(v, row, "public", vector_text(v, row, "secret", vector_text(v, row, "authToken", v->secret)));
    v->id = vector_text(v, row, "id", v->id);
    v->body = json_get_str(v->a, row, "body", v->body);
    if (!mode || !(json_get(row, STR("headers")) || json_get(row, STR("sig"))))
        return false;
    vector_request(v, row, &r);
    struct config_text items[2];
    struct config_webhook h = hook_of(NULL, mode, secrets ? NULL : v->secret);
    for (size_t i = 0; secrets && i < 2; i++)
        items[i] = text(arena_cstr(v->a, json_text(v->a, json_at(secrets, i))));
    if (secrets)
        h.auth.secrets = (struct config_texts){ items, 2 };
    struct auth *a = must_compile(&h);
    ROW(provider);
    CHECK_CSTR(verdict_str(a, &r, v->body, &which), "");
    CHECK_INT(which, 1);
    /* one byte more, and it is somebody else's */
    struct str longer = arena_printf(v->a, "%" STR_FMT "x", STR_ARG(v->body));
    CHECK(*verdict_str(a, &r, longer, &which) != '\0');
    auth_free(a);
    return true;
}

TEST(every_vector_of_the_vendors_libraries_verifies)
{
    FILE *f = fopen(SOURCE_DIR "/tests/rows/signatures.json", "r");
    static char source[16384];
    size_t n = f ? fread(source, 1, sizeof(source), f) : 0;
    if (f)
        fclose(f);
    struct vector v = { .a = arena_new(0) };
    struct error e = ERROR_INIT;
    const struct json *rows = json_parse(v.a, str_n(source, n), NULL, &e);
    unsigned checked = 0;
    for (const struct json *row = rows ? rows->child : NULL; row; row = row->next)
        checked += vector_check(&v, row);
    ROW("");
    CHECK_INT(checked, 14);
    arena_free(v.a);
}

/* ---- genuine and not, scheme by scheme ---- */

#define ZERO "0000000000000000000000000000000000000000000000000000000000000000"
#define STD_SECRET "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define STD_SIG    "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
#define STD_BODY   "{\"test\": 2432232314}"
#define STD_ID     "webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"
#define STD_TS     "webhook-timestamp", "1614265330"
#define STD_T0     1614265330LL
#define DISCORD_KEY "ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c"
#define DISCORD_SIG                                                                                 \
    "8ddd00ad9082c816d66e22421242d13b6bcff801892cf0271b33a7a08452f2c4"                              \
    "a9bea6bfd75487bf330dee97d7c706afc5989e2b4a76df0223da80f5a06df407"
#define LINEAR_BODY "{\"action\":\"create\",\"type\":\"Issue\",\"webhookTimestamp\":1767225600000}"
#define LINEAR_SIG  "f32f57f252764eda63503afb54a5b27ba4593e2e1502dc6c89b46aa6d945bc04"
#define FORM        "Content-Type", "application/x-www-form-urlencoded"
#define SLACK_BODY  "x=1"

static const struct {
    const char *row, *mode, *secret;
    struct request request;
    const char *want;
} rows[] = {
    { "github", "github_hmac_sha256", "secret", { .headers = { { "x-hub-signature-256", "sha256=" HEX } } }, "" },
    { "github: blanks around", "github_hmac_sha256", "secret",
      { .headers = { { "X-Hub-Signature-256", "  sha256=" HEX " " } } }, "" },
    { "github: upper case hex", "github_hmac_sha256", "secret",
      { .headers = { { "X-Hub-Signature-256", "sha256=AA9E2E3575F5D7098B6CACCD790888C36D5FDB63342A73BADA2D6A51747A8494" } } },
      "" },
    { "github: wrong digest", "github_hmac_sha256", "secret", { .headers = { { "X-Hub-Signature-256", "sha256=" ZERO } } },
      "signature does not match" },
    { "github: other secret", "github_hmac_sha256", "Secret", { .headers = { { "X-Hub-Signature-256", "sha256=" HEX } } },
      "signature does not match" },
    { "github: missing", "github_hmac_sha256", "secret", { .headers = { { "X-Hub-Signature", "sha1=" ZERO } } },
      "header X-Hub-Signature-256 is missing" },
    { "github: only the SHA-1 header", "github_hmac_sha256", "secret",
      { .headers = { { "X-Hub-Signature", "sha1=f8446672f033e4b2beafc5ca3a71eafcd2cafb6e" } } },
      "header X-Hub-Signature-256 is missing" },
    { "github: sha1 in the new header", "github_hmac_sha256", "secret",
      { .headers = { { "X-Hub-Signature-256", "sha1=f8446672f033e4b2beafc5ca3a71eafcd2cafb6e" } } },
      "header X-Hub-Signature-256 is not sha256=<hex> of 32 bytes" },
    { "github: bare hex", "github_hmac_sha256", "secret", { .headers = { { "X-Hub-Signature-256", HEX } } },
      "header X-Hub-Signature-256 is not sha256=<hex> of 32 bytes" },
    { "github: truncated", "github_hmac_sha256", "secret", { .headers = { { "X-Hub-Signature-256", "sha256=aa9e" } } },
      "header X-Hub-Signature-256 is not sha256=<hex> of 32 bytes" },
    { "github: empty", "github_hmac_sha256", "secret", { .headers = { { "X-Hub-Signature-256", " " } } },
      "header X-Hub-Signature-256 is empty" },
    { "github: twice, one of them right", "github_hmac_sha256", "secret",
      { .headers = { { "X-Hub-Signature-256", "sha256=" HEX }, { "x-hub-signature-256", "sha256=" ZERO } } },
      "header X-Hub-Signature-256 came twice" },
    { "a weaker scheme of another provider", "github_hmac_sha256", "secret", { .headers = { { "X-Gitlab-Token", "secret" } } },
      "header X-Hub-Signature-256 is missing" },
    { "jira", "jira_hmac_sha256", "secret", { .headers = { { "X-Hub-Signature", "sha256=" HEX } } }, "" },
    { "jira: sha1", "jira_hmac_sha256", "secret",
      { .headers = { { "X-Hub-Signature", "sha1=f8446672f033e4b2beafc5ca3a71eafcd2cafb6e" } } },
      "header X-Hub-Signature is not sha256=<hex> of 32 bytes" },
    { "gitea", "gitea_signature", "secret", { .headers = { { "X-Gitea-Signature", HEX } } }, "" },
    { "forgejo's own name", "gitea_signature", "secret", { .headers = { { "X-Forgejo-Signature", HEX } } }, "" },
    { "both names: the first counts", "gitea_signature", "secret",
      { .headers = { { "X-Forgejo-Signature", HEX }, { "X-Gitea-Signature", ZERO } } }, "signature does not match" },
    { "gitea: prefixed", "gitea_signature", "secret", { .headers = { { "X-Gitea-Signature", "sha256=" HEX } } },
      "header X-Gitea-Signature is not <hex> of 32 bytes" },
    { "stripe", "stripe_webhook_signature", "secret", { .headers = { { "Stripe-Signature", "t=1767225600,v1=" TS } } }, "" },
    { "stripe: old and test signatures beside it", "stripe_webhook_signature", "secret",
      { .headers = { { "Stripe-Signature", "t=1767225600, v1=" ZERO ",v1=" TS ",v0=nonsense" } } }, "" },
    { "stripe: the list in two headers", "stripe_webhook_signature", "secret",
      { .headers = { { "Stripe-Signature", "t=1767225600,v1=" ZERO }, { "Stripe-Signature", "v1=" TS } } }, "" },
    { "stripe: 300 s old", "stripe_webhook_signature", "secret",
      { .headers = { { "Stripe-Signature", "t=1767225600,v1=" TS } }, .now = T0 + 300 }, "" },
    { "stripe: 301 s old", "stripe_webhook_signature", "secret",
      { .headers = { { "Stripe-Signature", "t=1767225600,v1=" TS } }, .now = T0 + 301 },
      "timestamp is 301 s old; 300 s are allowed" },
    { "stripe: 301 s ahead, which Stripe's own library accepts", "stripe_webhook_signature", "secret",
      { .headers = { { "Stripe-Signature", "t=1767225600,v1=" TS } }, .now = T0 - 301 },
      "timestamp is 301 s in the future; 300 s are allowed" },
    { "stripe: no t", "stripe_webhook_signature", "secret", { .headers = { { "Stripe-Signature", "v1=" TS } } },
      "header Stripe-Signature has no timestamp t=" },
    { "stripe: two t", "stripe_webhook_signature", "secret",
      { .headers = { { "Stripe-Signature", "t=1767225600,t=1767225601,v1=" TS } } }, "header Stripe-Signature has two timestamps" },
    { "stripe: another t", "stripe_webhook_signature", "secret", { .headers = { { "Stripe-Signature", "t=1767225601,v1=" TS } } },
      "signature does not match" },
    { "stripe: t is garbage", "stripe_webhook_signature", "secret", { .headers = { { "Stripe-Signature", "t=1e9,v1=" TS } } },
      "the timestamp is not a number of seconds since 1970" },
    { "stripe: t overflows", "stripe_webhook_signature", "secret",
      { .headers = { { "Stripe-Signature", "t=18446744073709551616,v1=" TS } } },
      "the timestamp is not a number of seconds since 1970" },
    { "stripe: t would overflow as microseconds", "stripe_webhook_signature", "secret",
      { .headers = { { "Stripe-Signature", "t=18446744073709551,v1=" TS } } },
      "the timestamp is not a number of seconds since 1970" },
    { "stripe: negative t", "stripe_webhook_signature", "secret", { .headers = { { "Stripe-Signature", "t=-1,v1=" TS } } },
      "the timestamp is not a number of seconds since 1970" },
    { "stripe: v0 only", "stripe_webhook_signature", "secret", { .headers = { { "Stripe-Signature", "t=1767225600,v0=" TS } } },
      "header Stripe-Signature has no v1 signature" },
    { "stripe: commas", "stripe_webhook_signature", "secret", { .headers = { { "Stripe-Signature", ",,=,t,v1" } } },
      "header Stripe-Signature has no v1 signature" },
    { "stripe: too many", "stripe_webhook_signature", "secret",
      { .headers = { { "Stripe-Signature",
            "t=1767225600,v1=" ZERO ",v1=" ZERO ",v1=" ZERO ",v1=" ZERO ",v1=" ZERO ",v1=" ZERO ",v1=" ZERO
            ",v1=" ZERO ",v1=" ZERO ",v1=" ZERO ",v1=" ZERO ",v1=" ZERO ",v1=" ZERO ",v1=" ZERO ",v1=" ZERO
            ",v1=" ZERO ",v1=" TS } } },
      "header Stripe-Signature has more than 16 signatures" },
    { "linear", "linear_webhook_signature", "secret", { .headers = { { "Linear-Signature", LINEAR_SIG } }, LINEAR_BODY }, "" },
    { "linear: 60 s", "linear_webhook_signature", "secret",
      { .headers = { { "Linear-Signature", LINEAR_SIG } }, LINEAR_BODY, .now = T0 + 60 }, "" },
    { "linear: 61 s", "linear_webhook_signature", "secret",
      { .headers = { { "Linear-Signature", LINEAR_SIG } }, LINEAR_BODY, .now = T0 + 61 },
      "timestamp is 61 s old; 60 s are allowed" },
    { "linear: the unsigned header does not help", "linear_webhook_signature", "secret",
      { .headers = { { "Linear-Signature", LINEAR_SIG }, { "Linear-Timestamp", "1767225700000" } }, LINEAR_BODY, .now = T0 + 100 },
      "timestamp is 100 s old; 60 s are allowed" },
    { "linear: prefixed", "linear_webhook_signature", "secret",
      { .headers = { { "Linear-Signature", "sha256=" LINEAR_SIG } }, LINEAR_BODY },
      "header Linear-Signature is not <hex> of 32 bytes" },
    { "linear: a body without a timestamp", "linear_webhook_signature", "secret",
      { .headers = { { "Linear-Signature", "6893f1dc6f14d4f936f84f7563ac9640db40cb155056a7a7da271a9b16672a68" } },
        "{\"action\":\"create\",\"type\":\"Issue\"}" },
      "the body has no webhookTimestamp in milliseconds since 1970" },
    { "pagerduty", "pagerduty_v2_signature", "secret", { .headers = { { "X-PagerDuty-Signature", "v1=" ZERO ",v1=" HEX } } }, "" },
    { "pagerduty: another version", "pagerduty_v2_signature", "secret", { .headers = { { "X-PagerDuty-Signature", "v2=" HEX } } },
      "header X-PagerDuty-Signature has no v1 signature" },
    { "sentry", "sentry_webhook_signature", "secret", { .headers = { { "Sentry-Hook-Signature", HEX } } }, "" },
    { "sentry: a component's call", "sentry_webhook_signature", "secret", { .headers = { { "Sentry-App-Signature", HEX } } }, "" },
    { "shopify", "shopify_hmac_sha256", "secret", { .headers = { { "X-Shopify-Hmac-Sha256", B64 } } }, "" },
    { "shopify events", "shopify_hmac_sha256", "secret", { .headers = { { "Shopify-Hmac-Sha256", B64 } } }, "" },
    { "shopify: hex", "shopify_hmac_sha256", "secret", { .headers = { { "X-Shopify-Hmac-Sha256", HEX } } },
      "header X-Shopify-Hmac-Sha256 is not <base64> of 32 bytes" },
    { "shopify: no padding", "shopify_hmac_sha256", "secret",
      { .headers = { { "X-Shopify-Hmac-Sha256", "qp4uNXX11wmLbKzNeQiIw21f22M0KnO62i1qUXR6hJQ" } } },
      "header X-Shopify-Hmac-Sha256 is not <base64> of 32 bytes" },
    { "shopify: spare bits", "shopify_hmac_sha256", "secret",
      { .headers = { { "X-Shopify-Hmac-Sha256", "qp4uNXX11wmLbKzNeQiIw21f22M0KnO62i1qUXR6hJR=" } } },
      "header X-Shopify-Hmac-Sha256 is not <base64> of 32 bytes" },
    { "slack: no timestamp", "slack_signature", "secret", { .headers = { { "X-Slack-Signature", "v0=" ZERO } } },
      "header X-Slack-Request-Timestamp is missing" },
    { "slack: two timestamps", "slack_signature", "secret",
      { .headers = { { "X-Slack-Signature", "v0=" ZERO },
          { "X-Slack-Request-Timestamp", "1767225600" },
          { "X-Slack-Request-Timestamp", "1767225601" } } },
      "header X-Slack-Request-Timestamp came twice" },
    { "slack: late", "slack_signature", "secret",
      { .headers = { { "X-Slack-Signature", "v0=" ZERO }, { "X-Slack-Request-Timestamp", "1767225600" } }, .now = T0 + 412 },
      "timestamp is 412 s old; 300 s are allowed" },
    { "slack: ISO time", "slack_signature", "secret",
      { .headers = { { "X-Slack-Signature", "v0=" ZERO }, { "X-Slack-Request-Timestamp", "2026-01-01T00:00:00Z" } } },
      "the timestamp is not a number of seconds since 1970" },
    { "slack: forged", "slack_signature", "secret",
      { .headers = { { "X-Slack-Signature", "v0=" ZERO }, { "X-Slack-Request-Timestamp", "1767225600" } } },
      "signature does not match" },
    { "slack: v1", "slack_signature", "secret",
      { .headers = { { "X-Slack-Signature", "v1=" ZERO }, { "X-Slack-Request-Timestamp", "1767225600" } } },
      "header X-Slack-Signature is not v0=<hex> of 32 bytes" },
    { "standard", "standard_webhooks", STD_SECRET,
      { .headers = { { STD_ID }, { STD_TS }, { "webhook-signature", STD_SIG } }, STD_BODY, .now = STD_T0 }, "" },
    { "standard: a list, the right one last", "standard_webhooks", STD_SECRET,
      { .headers = { { STD_ID }, { STD_TS }, { "webhook-signature", "v1a,AAAA v1,AAAA  " STD_SIG } }, STD_BODY, .now = STD_T0 },
      "" },
    { "standard: the secret with its version", "standard_webhooks", "v1," STD_SECRET,
      { .headers = { { STD_ID }, { STD_TS }, { "webhook-signature", STD_SIG } }, STD_BODY, .now = STD_T0 }, "" },
    { "standard: the secret without whsec_", "standard_webhooks", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
      { .headers = { { STD_ID }, { STD_TS }, { "webhook-signature", STD_SIG } }, STD_BODY, .now = STD_T0 }, "" },
    { "svix", "standard_webhooks", STD_SECRET,
      { .headers = { { "svix-id", "msg_p5jXN8AQM9LWM0D4loKWxJek" },
          { "svix-timestamp", "1614265330" },
          { "svix-signature", STD_SIG } }, STD_BODY, .now = STD_T0 }, "" },
    { "standard: names mixed", "standard_webhooks", STD_SECRET,
      { .headers = { { STD_ID }, { STD_TS }, { "svix-signature", STD_SIG } }, STD_BODY, .now = STD_T0 },
      "header svix-timestamp is missing" },
    { "standard: no id", "standard_webhooks", STD_SECRET,
      { .headers = { { STD_TS }, { "webhook-signature", STD_SIG } }, STD_BODY, .now = STD_T0 }, "header webhook-id is missing" },
    { "standard: another id", "standard_webhooks", STD_SECRET,
      { .headers = { { "webhook-id", "msg_2" }, { STD_TS }, { "webhook-signature", STD_SIG } }, STD_BODY, .now = STD_T0 },
      "signature does not match" },
    { "standard: two ids", "standard_webhooks", STD_SECRET,
      { .headers = { { STD_ID }, { STD_ID }, { STD_TS }, { "webhook-signature", STD_SIG } }, STD_BODY, .now = STD_T0 },
      "header webhook-id came twice" },
    { "standard: late", "standard_webhooks", STD_SECRET,
      { .headers = { { STD_ID }, { STD_TS }, { "webhook-signature", STD_SIG } }, STD_BODY, .now = STD_T0 + 301 },
      "timestamp is 301 s old; 300 s are allowed" },
    { "standard: an HMAC signature on a public key's route", "standard_webhooks",
      "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=",
      { .headers = { { STD_ID }, { STD_TS }, { "webhook-signature", STD_SIG } }, STD_BODY, .now = STD_T0 },
      "signature does not match" },
    { "zendesk: no zone", "zendesk_signature", "secret",
      { .headers = { { "X-Zendesk-Webhook-Signature", B64 }, { "X-Zendesk-Webhook-Signature-Timestamp", "2026-01-01T00:00:00" } } },
      "the timestamp is not an ISO 8601 instant" },
    { "zendesk: seconds", "zendesk_signature", "secret",
      { .headers = { { "X-Zendesk-Webhook-Signature", B64 }, { "X-Zendesk-Webhook-Signature-Timestamp", "1767225600" } } },
      "the timestamp is not an ISO 8601 instant" },
    { "zendesk: late", "zendesk_signature", "secret",
      { .headers = { { "X-Zendesk-Webhook-Signature", B64 }, { "X-Zendesk-Webhook-Signature-Timestamp", "2025-12-31T23:54:59Z" } } },
      "timestamp is 301 s old; 300 s are allowed" },
    { "twilio: repeated parameters, sorted, once", "twilio_signature", "12345",
      { .headers = { { "X-Twilio-Signature", "2sLHwVFqzNjdYV9rer2dkO87u/c=" }, { FORM } }, "B=3&A=2&A=1&A=2", "http://example.com/x" },
      "" },
    { "twilio: signed as https with the port, seen as http behind a proxy", "twilio_signature", "12345",
      { .headers = { { "X-Twilio-Signature", "r5BrQ/JD6OdL4XGvqh5Ze8JlSP8=" }, { FORM } }, "A=1", "http://example.com/x" }, "" },
    { "twilio: signed without the port", "twilio_signature", "12345",
      { .headers = { { "X-Twilio-Signature", "pkWOi1nI6uGzcQaJxXIc6snR8PU=" } }, "", "https://example.com:8443/x?a=b" }, "" },
    { "twilio: another path", "twilio_signature", "12345",
      { .headers = { { "X-Twilio-Signature", "pkWOi1nI6uGzcQaJxXIc6snR8PU=" } }, "", "https://example.com/y?a=b" },
      "signature does not match" },
    { "twilio: a JSON body that nothing covers", "twilio_signature", "12345",
      { .headers = { { "X-Twilio-Signature", "pkWOi1nI6uGzcQaJxXIc6snR8PU=" }, { "Content-Type", "application/json" } },
        BODY, "https://example.com/x?a=b" },
      "the body is no form and the URL has no bodySHA256: it is not signed" },
    { "twilio: bodySHA256 of another body", "twilio_signature", "12345",
      { .headers = { { "X-Twilio-Signature", "pkWOi1nI6uGzcQaJxXIc6snR8PU=" } }, BODY, "https://example.com/x?bodySHA256=" ZERO },
      "the body does not match bodySHA256 of the URL" },
    { "twilio: broken form", "twilio_signature", "12345",
      { .headers = { { "X-Twilio-Signature", "pkWOi1nI6uGzcQaJxXIc6snR8PU=" }, { FORM } }, "a=%zz" },
      "the form has a malformed escape" },
    { "discord", "discord_ed25519", DISCORD_KEY,
      { .headers = { { "X-Signature-Ed25519", DISCORD_SIG }, { "X-Signature-Timestamp", "1767225600" } }, "{\"type\":1}" }, "" },
    { "discord: no tolerance is the vendor's rule", "discord_ed25519", DISCORD_KEY,
      { .headers = { { "X-Signature-Ed25519", DISCORD_SIG }, { "X-Signature-Timestamp", "1767225600" } }, "{\"type\":1}", .now = T0 * 2 },
      "" },
    { "discord: another timestamp", "discord_ed25519", DISCORD_KEY,
      { .headers = { { "X-Signature-Ed25519", DISCORD_SIG }, { "X-Signature-Timestamp", "1767225601" } }, "{\"type\":1}" },
      "signature does not match" },
    { "discord: not hex", "discord_ed25519", DISCORD_KEY,
      { .headers = { { "X-Signature-Ed25519", "zz" }, { "X-Signature-Timestamp", "1767225600" } }, "{\"type\":1}" },
      "header X-Signature-Ed25519 is not <hex> of 64 bytes" },
    { "hermes, GitHub's form", "hermes_hmac_sha256", "secret", { .headers = { { "X-Hub-Signature-256", "sha256=" HEX } } }, "" },
    { "hermes, its own form", "hermes_hmac_sha256", "secret", { .headers = { { "X-Webhook-Signature", HEX } } }, "" },
    { "hermes: a token", "hermes_hmac_sha256", "secret", { .headers = { { "X-Gitlab-Token", "secret" } } },
      "header X-Hub-Signature-256 is missing" },
    { "gitlab token", "gitlab_token", "secret", { .headers = { { "X-Gitlab-Token", "secret" } } }, "" },
    { "gitlab token: wrong", "gitlab_token", "secret", { .headers = { { "X-Gitlab-Token", "secre" } } },
      "header X-Gitlab-Token does not match" },
    { "gitlab token: twice", "gitlab_token", "secret", { .headers = { { "X-Gitlab-Token", "x" }, { "X-Gitlab-Token", "secret" } } },
      "header X-Gitlab-Token came twice" },
    { "a token that looks like a signing token, by mode", "gitlab_token", STD_SECRET,
      { .headers = { { "X-Gitlab-Token", STD_SECRET } } }, "" },
    { "bearer", "bearer", "secret", { .headers = { { "Authorization", "bearer  secret" } } }, "" },
    { "bearer: another scheme", "bearer", "secret", { .headers = { { "Authorization", "Basic secret" } } },
      "header Authorization is not Bearer" },
    { "bearer: nothing after the word", "bearer", "secret", { .headers = { { "Authorization", "Bearer" } } },
      "header Authorization is not Bearer" },
    { "bearer: wrong", "bearer", "secret", { .headers = { { "Authorization", "Bearer Secret" } } },
      "header Authorization does not match" },
};

TEST(each_scheme_takes_what_is_genuine_and_says_why_not)
{
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        unsigned which = 0;
        ROW(rows[i].row);
        struct config_webhook h = hook_of(NULL, rows[i].mode, rows[i].secret);
        struct auth *a = must_compile(&h);
        CHECK_CSTR(auth_mode_word(a), rows[i].mode);
        CHECK_CSTR(verdict(a, &rows[i].request, &which), rows[i].want);
        CHECK_INT(which, *rows[i].want == '\0');
        auth_free(a);
    }
}

TEST(the_short_form_takes_three_spellings_of_one_digest)
{
    static const struct {
        const char *row, *value, *want;
    } spellings[] = {
        { "sha256=", "sha256=" HEX, "" },
        { "SHA256=", "SHA256=" HEX, "" },
        { "bare", HEX, "" },
        { "bare, upper case", "AA9E2E3575F5D7098B6CACCD790888C36D5FDB63342A73BADA2D6A51747A8494", "" },
        { "base64", B64, "" },
        { "sha1", "sha1=f8446672f033e4b2beafc5ca3a71eafcd2cafb6e",
          "header X-Sig is not sha256=<hex>, bare hex or base64" },
        { "bare sha1", "f8446672f033e4b2beafc5ca3a71eafcd2cafb6e",
          "header X-Sig is not sha256=<hex>, bare hex or base64" },
        { "prefix alone", "sha256=", "header X-Sig is not sha256=<hex>, bare hex or base64" },
        { "word alone", "sha256", "header X-Sig is not sha256=<hex>, bare hex or base64" },
        { "list", "sha256=" HEX ",sha256=" HEX, "header X-Sig is not sha256=<hex>, bare hex or base64" },
        { "forged", ZERO, "signature does not match" },
    };
    struct config_webhook h = hook_of("github", NULL, NULL); /* signature_header wins over the source */
    h.secret = text("secret");
    h.signature_header = text("X-Sig");
    struct auth *a = must_compile(&h);
    CHECK_CSTR(auth_mode_word(a), "hmac");
    for (size_t i = 0; i < N_ELEMENTS(spellings); i++) {
        unsigned which = 0;
        struct request r = { .headers = { { "x-sig", spellings[i].value } } };
        ROW(spellings[i].row);
        CHECK_CSTR(verdict(a, &r, &which), spellings[i].want);
    }
    auth_free(a);
}

TEST(an_hmac_is_what_the_route_says_it_is)
{
    static const struct {
        const char *row, *prefix, *algorithm, *encoding, *signed_string, *timestamp_header;
        const char *headers[2][2];
        int64_t now;
        const char *want;
    } shapes[] = {
        { "sha1, any form", NULL, "sha1", NULL, NULL, NULL,
          { { "X-Webhook-Signature", "sha1=f8446672f033e4b2beafc5ca3a71eafcd2cafb6e" } }, 0, "" },
        { "sha512 hex", NULL, "sha512", "hex", NULL, NULL,
          { { "X-Webhook-Signature", "42f08c0da01c9a46d4e5663d5f2140526a016507c598182c6769cca2bcf7ba43"
                                     "c395b719b01d288f5ad322564dce1d40ca28ef50b876fc49a33d13d6783114dd" } }, 0, "" },
        { "prefix", "v0:", NULL, NULL, NULL, NULL, { { "X-Webhook-Signature", "v0:" HEX } }, 0, "" },
        { "prefix is missing", "v0:", NULL, NULL, NULL, NULL, { { "X-Webhook-Signature", HEX } }, 0,
          "header X-Webhook-Signature is not v0:<hex> of 32 bytes" },
        { "prefixed base64", "sha256=", NULL, "base64", NULL, NULL, { { "X-Webhook-Signature", "sha256=" B64 } }, 0, "" },
        { "base64 only", NULL, NULL, "base64", NULL, NULL, { { "X-Webhook-Signature", HEX } }, 0,
          "header X-Webhook-Signature is not <base64> of 32 bytes" },
        { "timestamp, seconds", NULL, NULL, NULL, "{timestamp}.{body}", "X-Ts",
          { { "X-Webhook-Signature", TS }, { "X-Ts", "1767225600" } }, T0 + 300, "" },
        { "timestamp header alone", NULL, NULL, NULL, NULL, "X-Ts",
          { { "X-Webhook-Signature", TS }, { "X-Ts", "1767225600" } }, T0 + 301,
          "timestamp is 301 s old; 300 s are allowed" },
        { "timestamp, milliseconds", NULL, NULL, NULL, NULL, "X-Ts",
          { { "X-Webhook-Signature", "8a3c4fffe1a8f8ee4a7791ec97b88487d77b0d9d0f00f193ad6231564481ebb5" },
            { "X-Ts", "1767225600000" } }, T0 - 300, "" },
        { "timestamp, garbage", NULL, NULL, NULL, NULL, "X-Ts",
          { { "X-Webhook-Signature", TS }, { "X-Ts", "soon" } }, T0,
          "the timestamp is not a number of seconds since 1970" },
        { "method and url", NULL, NULL, "base64", "{method}{url}{body}", NULL,
          { { "X-Webhook-Signature", "vb3OtkdI79+doNkOydNJH8Guu/M+oOQJTEjg+FxgqsM=" } }, 0, "" },
    };
    for (size_t i = 0; i < N_ELEMENTS(shapes); i++) {
        unsigned which = 0;
        struct config_webhook h = hook_of(NULL, "hmac", "secret");
        h.auth.prefix = text(shapes[i].prefix);
        h.auth.algorithm = text(shapes[i].algorithm);
        h.auth.encoding = text(shapes[i].encoding);
        h.auth.signed_string = text(shapes[i].signed_string);
        h.auth.timestamp_header = text(shapes[i].timestamp_header);
        struct request r = { .url = "https://example.com/hook?x=1", .now = shapes[i].now };
        memcpy(r.headers, shapes[i].headers, sizeof(shapes[i].headers));
        ROW(shapes[i].row);
        struct auth *a = must_compile(&h);
        CHECK_CSTR(verdict(a, &r, &which), shapes[i].want);
        auth_free(a);
    }
}

TEST(several_secrets_are_live_and_the_one_that_matched_is_told)
{
    struct config_text items[] = { text("old"), text("secret") };
    struct config_webhook h = hook_of("github", NULL, NULL);
    h.auth.secrets = (struct config_texts){ items, 2 };
    h.auth.set = true;
    h.secret = text("third");
    struct auth *a = must_compile(&h);
    unsigned which = 0;
    struct request r = { .headers = { { "X-Hub-Signature-256", "sha256=" HEX } } };
    CHECK_CSTR(auth_mode_word(a), "github_hmac_sha256");
    CHECK_CSTR(verdict(a, &r, &which), "");
    CHECK_INT(which, 2);
    auth_free(a);
}

TEST(gitlab_moves_from_tokens_to_signing_tokens)
{
    struct config_text items[] = { text("plain"), text(STD_SECRET) };
    struct config_webhook h = hook_of("gitlab", NULL, NULL);
    h.auth.secrets = (struct config_texts){ items, 2 };
    h.auth.set = true;
    struct auth *both = must_compile(&h);
    h.auth.secrets.n = 1;
    struct auth *token = must_compile(&h);
    h.auth.secrets = (struct config_texts){ items + 1, 1 };
    struct auth *signing = must_compile(&h);
    CHECK_CSTR(auth_mode_word(both), "gitlab_token");
    CHECK_CSTR(auth_mode_word(signing), "standard_webhooks");
    struct request plain = { .headers = { { "X-Gitlab-Token", "plain" } }, .body = STD_BODY, .now = STD_T0 };
    struct request stolen = { .headers = { { "X-Gitlab-Token", STD_SECRET } }, .body = STD_BODY, .now = STD_T0 };
    struct request wrong = { .headers = { { "X-Gitlab-Token", "x" }, { STD_ID }, { STD_TS }, { "webhook-signature", STD_SIG } },
                             .body = STD_BODY, .now = STD_T0 };
    struct request late = wrong;
    late.now += 1000;
    unsigned which = 0;
    CHECK_CSTR(verdict(both, &plain, &which), "");
    CHECK_INT(which, 1);
    CHECK_CSTR(verdict(both, &wrong, &which), "");
    CHECK_INT(which, 2);
    CHECK_CSTR(verdict(both, &stolen, &which), "header X-Gitlab-Token does not match");
    CHECK_CSTR(verdict(both, &late, &which), "header X-Gitlab-Token does not match");
    CHECK_CSTR(verdict(token, &wrong, &which), "header X-Gitlab-Token does not match");
    CHECK_CSTR(verdict(signing, &plain, &which), "header webhook-signature is missing");
    CHECK_CSTR(verdict(signing, &stolen, &which), "header webhook-signature is missing");
    CHECK_CSTR(verdict(signing, &wrong, &which), "");
    auth_free(both);
    auth_free(token);
    auth_free(signing);
}

TEST(static_header_and_basic_compare_the_whole_value)
{
    unsigned which = 0;
    struct config_webhook h = hook_of(NULL, "static_header", NULL);
    h.auth.header = text("X-Key");
    h.auth.value = text("k 1");
    struct auth *a = must_compile(&h);
    CHECK_CSTR(verdict(a, &(struct request){ .headers = { { "x-key", "k 1" } } }, &which), "");
    CHECK_CSTR(verdict(a, &(struct request){ .headers = { { "x-key", "k" } } }, &which), "header X-Key does not match");
    auth_free(a);
    h = hook_of(NULL, NULL, NULL);
    h.auth.set = true;
    h.auth.username = text("ada");
    h.auth.password = text("p:w");
    a = must_compile(&h);
    CHECK_CSTR(auth_mode_word(a), "basic");
    CHECK_CSTR(verdict(a, &(struct request){ .headers = { { "Authorization", "basic YWRhOnA6dw==" } } }, &which), "");
    CHECK_CSTR(verdict(a, &(struct request){ .headers = { { "Authorization", "Basic YWRhOnA6" } } }, &which),
               "header Authorization does not match");
    CHECK_CSTR(verdict(a, &(struct request){ .headers = { { "Authorization", "Basic YWRh*" } } }, &which),
               "header Authorization is not Basic base64 of user:password");
    auth_free(a);
}

TEST(tolerance_may_be_set_also_where_the_vendor_names_none)
{
    unsigned which = 0;
    struct config_webhook h = hook_of(NULL, "discord_ed25519", DISCORD_KEY);
    h.auth.tolerance = 10 * US_PER_S;
    struct auth *a = must_compile(&h);
    struct request r = { .headers = { { "X-Signature-Ed25519", DISCORD_SIG }, { "X-Signature-Timestamp", "1767225600" } },
                         "{\"type\":1}", NULL, T0 + 11 };
    CHECK_CSTR(verdict(a, &r, &which), "timestamp is 11 s old; 10 s are allowed");
    auth_free(a);
}

/* ---- compiling ---- */

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
        { "header", &a->header },       { "value", &a->value },
        { "token", &a->token },         { "username", &a->username },
        { "password", &a->password },   { "prefix", &a->prefix },
        { "algorithm", &a->algorithm }, { "encoding", &a->encoding },
        { "signed", &a->signed_string }, { "timestamp_header", &a->timestamp_header },
    };
    a->set = true;
    if (strcmp(field, "tolerance") == 0)
        a->tolerance = atoll(value);
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
          "trigger.auth.mode: there is no mode 'github_hmac_sha25' (did you mean 'github_hmac_sha256'?)" },
        { "no secret", NULL, "hmac", NULL, NULL, NULL, NULL, NULL,
          "trigger.auth: mode hmac needs a secret; write mode: none for a route without authentication" },
        { "a header without secret", NULL, NULL, NULL, NULL, "X-A", NULL, NULL,
          "trigger.auth: mode hmac needs a secret; write mode: none for a route without authentication" },
        { "no token", NULL, "bearer", NULL, NULL, NULL, NULL, NULL,
          "trigger.auth: mode bearer needs a token; write mode: none for a route without authentication" },
        { "auth that says nothing", "github", NULL, NULL, NULL, NULL, "tolerance", "5000000",
          "trigger.auth: mode github_hmac_sha256 needs a secret; write mode: none for a route without "
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
          "trigger.secret: does not decode; discord_ed25519 expects the application's public key, 64 hex digits" },
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
          "trigger.auth.signed: unknown part at \"{nonce}\"; expected text with {timestamp}, {body}, {url}, {form} "
          "or {method}" },
        { "a timestamp from nowhere", NULL, "hmac", "s", NULL, NULL, "signed", "{timestamp}.{body}",
          "trigger.auth.signed: {timestamp} needs timestamp_header" },
        { "an id from nowhere", NULL, "hmac", "s", NULL, NULL, "signed", "{id}.{body}",
          "trigger.auth.signed: {id} belongs to mode standard_webhooks" },
        { "too many parts", NULL, "hmac", "s", NULL, NULL, "signed", "{body}.{body}.{body}.{body}.{body}",
          "trigger.auth.signed: more than 8 parts" },
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
        CHECK_CSTR(rc == 0 ? auth_mode_word(a) : problems.n ? problems.items[0].text : "-", c->want);
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
        { "token", NULL, "hmac", "s", NULL, NULL, "token", "t", "trigger.auth.token: mode hmac does not use it" },
        { "prefix", NULL, "github_hmac_sha256", "s", NULL, NULL, "prefix", "p",
          "trigger.auth.prefix: mode github_hmac_sha256 does not use it" },
        { "secret", NULL, "none", "s", NULL, NULL, NULL, NULL, "trigger.auth.secret: mode none does not use it" },
        { "signature_header", NULL, "slack_signature", "s", NULL, "X-A", NULL, NULL,
          "trigger.signature_header: mode slack_signature does not use it" },
        { "tolerance", "github", NULL, "s", NULL, NULL, "tolerance", "1",
          "trigger.auth.tolerance: mode github_hmac_sha256 has no signed timestamp, so it is ignored" },
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
    CHECK_CSTR(verdict(a, &(struct request){ .headers = { { "X-Webhook-Signature", HEX } } }, &which), "");
    auth_free(a);
    config_problems_release(&problems);
}

/* ---- signing, redaction ---- */

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
        struct auth_input in = { &given, str_of(signers[i].body), STR("POST"), STR("http://example.com/x?y=1"), T0 * US_PER_S };
        unsigned which = 0;
        struct error e = ERROR_INIT;
        CHECK_INT(auth_sign(a, &in, arena, &out, &e), 0);
        in.headers = &out;
        CHECK_INT(auth_verify(a, &in, &which, &e), 0);
        CHECK_CSTR(e.text, "");
        CHECK_INT(which, 1);
        h.auth.secret = text(strcmp(signers[i].mode, "standard_webhooks") == 0 ? "whsec_AAAA" : "other");
        struct auth *other = must_compile(&h);
        CHECK_INT(auth_verify(other, &in, &which, &e), -1);
        auth_free(other);
        for (size_t k = 1; k < out.n; k++) {
            bool public_part = str_ends(out.items[k].name, STR("id")) || str_ends(out.items[k].name, STR("imestamp"));
            CHECK_INT(auth_is_secret_header(a, out.items[k].name), !public_part || strcmp(signers[i].mode, "zendesk_signature") == 0);
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

TEST(every_source_names_a_mode_that_exists)
{
    static const char *const names[] = { "github", "gitlab", "gitea",   "forgejo", "stripe",  "linear",
                                         "slack",  "sentry", "shopify", "jira",    "zendesk", "twilio",
                                         "discord", "standard", "hermes", "pagerduty" };
    for (size_t i = 0; i < N_ELEMENTS(names); i++) {
        struct config_webhook h = hook_of(names[i], NULL, strcmp(names[i], "discord") ? STD_SECRET : DISCORD_KEY);
        ROW(names[i]);
        struct auth *a = must_compile(&h);
        CHECK_CSTR(auth_mode_word(a), strcmp(names[i], "gitlab") ? source_auth_mode(source_find(str_of(names[i])))
                                                                 : "standard_webhooks");
        auth_free(a);
    }
}
