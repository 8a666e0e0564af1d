/* A hook as the loader gives it, and a verdict as a word: what the tests of triggers/auth share. */
#ifndef KERYX_TESTS_AUTH_RIG_H
#define KERYX_TESTS_AUTH_RIG_H

#include "base/arena.h"
#include "tests/t.h"
#include "triggers/auth.h"

#define T0   1767225600LL /* 2026-01-01T00:00:00Z */
#define BODY "{\"a\":1}"
#define HEX \
    "aa9e2e3575f5d7098b6caccd790888c36d5fdb63342a73bada2d6a51747a8494" /* of BODY, key "secret" */
#define B64 "qp4uNXX11wmLbKzNeQiIw21f22M0KnO62i1qUXR6hJQ="
#define TS  "96a067a1c95eb143fc00b9097bcfcbcd5456adda508c443ff219748e764dbed7" /* of T0 "." BODY */

#define STD_SECRET  "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define STD_SIG     "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
#define STD_BODY    "{\"test\": 2432232314}"
#define STD_ID      "webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"
#define STD_TS      "webhook-timestamp", "1614265330"
#define STD_T0      1614265330LL
#define DISCORD_KEY "ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c"

static inline struct config_text text(const char *s)
{
    return (struct config_text){ .s = str_of(s), .pos = { s ? 1 : 0, 1 } };
}

/* A hook as the loader would give it. */
static inline struct config_webhook hook_of(const char *source, const char *mode,
                                            const char *secret)
{
    struct config_webhook h = { .source = text(source),
                                .signature_header = text("X-Webhook-Signature") };
    h.signature_header.pos.line = 0;
    h.auth.mode = text(mode);
    h.auth.secret = text(secret);
    h.auth.set = mode || secret;
    h.auth.tolerance = -1;
    return h;
}

static inline struct auth *must_compile(const struct config_webhook *h)
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
static inline const char *verdict_str(const struct auth *a, const struct request *r,
                                      struct str body, unsigned *which)
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

static inline const char *verdict(const struct auth *a, const struct request *r, unsigned *which)
{
    return verdict_str(a, r, str_of(r->body ? r->body : BODY), which);
}

#endif
