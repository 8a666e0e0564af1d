/* triggers/auth: every scheme against the vendors' and the judges' vectors, then forged, malformed,
   doubled and late requests. */
#include "tests/unit/auth_rig.h"

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

static const char *vector_text(struct vector *v, const struct json *row, const char *key,
                               const char *otherwise)
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
        form = arena_printf(v->a, "%" STR_FMT "%s%" STR_FMT "=%s%" STR_FMT, STR_ARG(form),
                            form.n ? "&" : "", STR_ARG(p->key), plus ? "%2B" : "",
                            STR_ARG(str_sub(value, plus, value.n)));
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
    v->secret =
        vector_text(v, row, "public",
                    vector_text(v, row, "secret", vector_text(v, row, "authToken", v->secret)));
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

/* ---- tests/rows/auth.rows ---- */

/* A row's tab-separated fields in place; returns how many. */
static size_t row_split(char *line, char *fields[16])
{
    size_t n = 0;
    line[strcspn(line, "\n")] = '\0';
    for (char *p = line; p && n < 16; n++) {
        fields[n] = p;
        p = strchr(p, '\t');
        if (p)
            *p++ = '\0';
    }
    return n;
}

static void row_check(char *line)
{
    char *f[16];
    size_t n = row_split(line, f);
    struct request r = { 0 };
    unsigned which = 0;
    ROW(f[0]);
    if (n < 8 || n > 15 || str_i64(str_of(f[3]), &r.now) != 0) {
        T_FAIL("the row has %zu fields", n);
        return;
    }
    r.url = strcmp(f[4], "-") ? f[4] : NULL;
    r.body = f[5];
    for (size_t i = 7; i < n; i++) {
        size_t name = strcspn(f[i], ":");
        r.headers[i - 7][0] = f[i];
        r.headers[i - 7][1] = f[i] + name + (f[i][name] ? 2 : 0);
        f[i][name] = '\0';
    }
    struct config_webhook h = hook_of(NULL, f[1], f[2]);
    struct auth *a = must_compile(&h);
    bool genuine = strcmp(f[6], "genuine") == 0;
    CHECK_CSTR(auth_mode_word(a), f[1]);
    CHECK_CSTR(verdict(a, &r, &which), genuine ? "" : f[6]);
    CHECK_INT(which, genuine);
    auth_free(a);
}

TEST(each_scheme_takes_what_is_genuine_and_says_why_not)
{
    FILE *f = fopen(SOURCE_DIR "/tests/rows/auth.rows", "re");
    char line[4096];
    unsigned checked = 0;
    while (f && fgets(line, sizeof(line), f)) {
        if (line[0] == '#')
            continue;
        row_check(line);
        checked++;
    }
    ROW("");
    CHECK_INT(checked, 92);
    if (f)
        fclose(f);
}
