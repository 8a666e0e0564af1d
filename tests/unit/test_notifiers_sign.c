#include "tests/t.h"

#include "notifiers/sign.h"

#define T(text)                          \
    {                                    \
        .s = {(text), sizeof(text) - 1 } \
    }

static const char body[] = "{\"type\":\"task.completed\",\"result\":\"caf\xC3\xA9 \xE2\x98\x83\"}";
static const struct sign_message message = {
    { "019d8c2e-3f5a-7abc-8def-0123456789ab", 36 },
    { body, sizeof body - 1 },
    1795242600,
};

static struct str lines(struct arena *a, const struct http_headers *h)
{
    auto_buf out = BUF_INIT(8 * KIB);
    for (size_t i = 0; i < h->n; i++)
        buf_printf(&out, "%" STR_FMT ": %" STR_FMT "\n", STR_ARG(h->items[i].name),
                   STR_ARG(h->items[i].value));
    return arena_str(a, buf_view(&out));
}

static struct config_text secret_list[] = { T("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
                                            T("C2FVsBQIhrscChlQIMV+b5sSYspob7oD") };

TEST(each_type_of_auth_sets_its_headers)
{
    static const struct {
        const char *row;
        struct config_auth auth;
        const char *want;
    } rows[] = {
        { "bearer",
          { .set = true, .mode = T("bearer"), .token = T("t0ken") },
          "Authorization: Bearer t0ken\n" },
        { "bearer by its field",
          { .set = true, .token = T("t0ken") },
          "Authorization: Bearer t0ken\n" },
        /* RFC 7617 section 2 */
        { "basic",
          { .set = true,
            .mode = T("basic"),
            .username = T("Aladdin"),
            .password = T("open sesame") },
          "Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\n" },
        { "header",
          { .set = true, .mode = T("header"), .header = T("X-Api-Key"), .value = T("k") },
          "X-Api-Key: k\n" },
        /* openssl dgst -sha256 -hmac */
        { "hmac",
          { .set = true, .mode = T("hmac"), .secret = T("It's a Secret to Everybody") },
          "X-Keryx-Signature: "
          "sha256=11eb46c72e7354b7f6bcb29520e0a1f6eb1a69e0f4ac1da43ca77c5fb74d10ac\n" },
        { "hmac, another header",
          { .set = true,
            .secret = T("It's a Secret to Everybody"),
            .header = T("X-Hermes-Signature") },
          "X-Hermes-Signature: "
          "sha256=11eb46c72e7354b7f6bcb29520e0a1f6eb1a69e0f4ac1da43ca77c5fb74d10ac\n" },
        /* the reference library, npm standardwebhooks 1.1.1 */
        { "standard webhooks",
          { .set = true,
            .mode = T("standard_webhooks"),
            .secret = T("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw") },
          "webhook-id: 019d8c2e-3f5a-7abc-8def-0123456789ab\n"
          "webhook-timestamp: 1795242600\n"
          "webhook-signature: v1,UMV9NU3jgvAFcga6ne+FWon8NrkklMZX5YEdU6OaMs4=\n" },
        { "standard webhooks, two secrets",
          { .set = true, .mode = T("standard_webhooks"), .secrets = { secret_list, 2 } },
          "webhook-id: 019d8c2e-3f5a-7abc-8def-0123456789ab\n"
          "webhook-timestamp: 1795242600\n"
          "webhook-signature: v1,UMV9NU3jgvAFcga6ne+FWon8NrkklMZX5YEdU6OaMs4= "
          "v1,sXPO3WMmt1TSEwWBrvAZUIE6w//c8mmxxz2BwFvifmo=\n" },
    };
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        ROW(rows[i].row);
        struct arena *a = arena_new(0);
        struct config_problems problems;
        struct http_headers h = { 0 };
        config_problems_init(&problems);
        struct sign *s = sign_compile(a, &rows[i].auth, "X-Keryx-Signature", &problems, "n");
        CHECK_INT(problems.n, 0);
        CHECK(s != NULL);
        if (s)
            sign_headers(s, &message, a, &h);
        CHECK_STR(lines(a, &h), rows[i].want);
        config_problems_release(&problems);
        arena_free(a);
    }
}

TEST(what_is_missing_or_wrong_is_told)
{
    static const struct {
        const char *row;
        struct config_auth auth;
        const char *want;
    } rows[] = {
        { "no token",
          { .set = true, .mode = T("bearer") },
          "n.auth.token: is missing; type bearer needs it" },
        { "no password",
          { .set = true, .mode = T("basic"), .username = T("u") },
          "n.auth.password: is missing; type basic needs it" },
        { "colon",
          { .set = true, .username = T("a:b"), .password = T("p") },
          "n.auth.username: must not contain a colon" },
        { "no secret",
          { .set = true, .mode = T("hmac") },
          "n.auth.secret: is missing; type hmac needs it" },
        { "no base64",
          { .set = true, .mode = T("standard_webhooks"), .secret = T("whsec_%%%") },
          "n.auth.secret: a standard_webhooks secret is whsec_ and base64" },
        { "line break",
          { .set = true, .token = T("a\r\nX-Evil: 1") },
          "n.auth.token: cannot be sent in a header; a header's name is letters, digits and -, its "
          "value one line" },
        { "no such type",
          { .set = true, .mode = T("baerer") },
          "n.auth.type: there is no type 'baerer' (did you mean 'bearer'?); expected bearer, "
          "basic, header, hmac or standard_webhooks" },
    };
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        ROW(rows[i].row);
        struct arena *a = arena_new(0);
        struct config_problems problems;
        config_problems_init(&problems);
        CHECK(sign_compile(a, &rows[i].auth, "X-Keryx-Signature", &problems, "n") == NULL);
        CHECK_INT(problems.n, 1);
        CHECK_CSTR(problems.n ? problems.items[0].text : "", rows[i].want);
        config_problems_release(&problems);
        arena_free(a);
    }
}

TEST(no_auth_is_no_problem)
{
    struct arena *a = arena_new(0);
    struct config_problems problems;
    const struct config_auth unset = { 0 }, none = { .set = true, .mode = T("none") };
    config_problems_init(&problems);
    CHECK(sign_compile(a, &unset, "X", &problems, "n") == NULL);
    CHECK(sign_compile(a, &none, "X", &problems, "n") == NULL);
    CHECK_INT(problems.n, 0);
    config_problems_release(&problems);
    arena_free(a);
}

TEST(a_header_takes_the_place_of_one_of_the_same_name)
{
    struct arena *a = arena_new(0);
    struct http_headers h = { 0 };
    sign_set_header(a, &h, STR("Content-Type"), STR("application/json"));
    sign_set_header(a, &h, STR("X-A"), STR("1"));
    sign_set_header(a, &h, STR("content-type"), STR("text/plain"));
    CHECK_STR(lines(a, &h), "content-type: text/plain\nX-A: 1\n");
    arena_free(a);
}
