/* triggers/auth: what a route may say about its scheme, and that it is what is asked. Signatures were made by
   node:crypto. */
#include "tests/unit/auth_rig.h"

#define ZERO "0000000000000000000000000000000000000000000000000000000000000000"
#define DISCORD_SIG                                                    \
    "8ddd00ad9082c816d66e22421242d13b6bcff801892cf0271b33a7a08452f2c4" \
    "a9bea6bfd75487bf330dee97d7c706afc5989e2b4a76df0223da80f5a06df407"

TEST(the_short_form_takes_three_spellings_of_one_digest)
{
    static const struct {
        const char *row, *value, *want;
    } spellings[] = {
        { "sha256=", "sha256=" HEX, "" },
        { "SHA256=", "SHA256=" HEX, "" },
        { "bare", HEX, "" },
        { "bare, upper case", "AA9E2E3575F5D7098B6CACCD790888C36D5FDB63342A73BADA2D6A51747A8494",
          "" },
        { "base64", B64, "" },
        { "sha1", "sha1=f8446672f033e4b2beafc5ca3a71eafcd2cafb6e",
          "header X-Sig is not sha256=<hex>, bare hex or base64" },
        { "bare sha1", "f8446672f033e4b2beafc5ca3a71eafcd2cafb6e",
          "header X-Sig is not sha256=<hex>, bare hex or base64" },
        { "prefix alone", "sha256=", "header X-Sig is not sha256=<hex>, bare hex or base64" },
        { "word alone", "sha256", "header X-Sig is not sha256=<hex>, bare hex or base64" },
        { "list", "sha256=" HEX ",sha256=" HEX,
          "header X-Sig is not sha256=<hex>, bare hex or base64" },
        { "forged", ZERO, "signature does not match" },
    };
    struct config_webhook h =
        hook_of("github", NULL, NULL); /* signature_header wins over the source */
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
        { "sha1, any form",
          NULL,
          "sha1",
          NULL,
          NULL,
          NULL,
          { { "X-Webhook-Signature", "sha1=f8446672f033e4b2beafc5ca3a71eafcd2cafb6e" } },
          0,
          "" },
        { "sha512 hex",
          NULL,
          "sha512",
          "hex",
          NULL,
          NULL,
          { { "X-Webhook-Signature",
              "42f08c0da01c9a46d4e5663d5f2140526a016507c598182c6769cca2bcf7ba43"
              "c395b719b01d288f5ad322564dce1d40ca28ef50b876fc49a33d13d6783114dd" } },
          0,
          "" },
        { "prefix",
          "v0:",
          NULL,
          NULL,
          NULL,
          NULL,
          { { "X-Webhook-Signature", "v0:" HEX } },
          0,
          "" },
        { "prefix is missing",
          "v0:",
          NULL,
          NULL,
          NULL,
          NULL,
          { { "X-Webhook-Signature", HEX } },
          0,
          "header X-Webhook-Signature is not v0:<hex> of 32 bytes" },
        { "prefixed base64",
          "sha256=",
          NULL,
          "base64",
          NULL,
          NULL,
          { { "X-Webhook-Signature", "sha256=" B64 } },
          0,
          "" },
        { "base64 only",
          NULL,
          NULL,
          "base64",
          NULL,
          NULL,
          { { "X-Webhook-Signature", HEX } },
          0,
          "header X-Webhook-Signature is not <base64> of 32 bytes" },
        { "timestamp, seconds",
          NULL,
          NULL,
          NULL,
          "{timestamp}.{body}",
          "X-Ts",
          { { "X-Webhook-Signature", TS }, { "X-Ts", "1767225600" } },
          T0 + 300,
          "" },
        { "timestamp header alone",
          NULL,
          NULL,
          NULL,
          NULL,
          "X-Ts",
          { { "X-Webhook-Signature", TS }, { "X-Ts", "1767225600" } },
          T0 + 301,
          "timestamp is 301 s old; 300 s are allowed" },
        { "timestamp, milliseconds",
          NULL,
          NULL,
          NULL,
          NULL,
          "X-Ts",
          { { "X-Webhook-Signature",
              "8a3c4fffe1a8f8ee4a7791ec97b88487d77b0d9d0f00f193ad6231564481ebb5" },
            { "X-Ts", "1767225600000" } },
          T0 - 300,
          "" },
        { "timestamp, garbage",
          NULL,
          NULL,
          NULL,
          NULL,
          "X-Ts",
          { { "X-Webhook-Signature", TS }, { "X-Ts", "soon" } },
          T0,
          "the timestamp is not a number of seconds since 1970" },
        { "method and url",
          NULL,
          NULL,
          "base64",
          "{method}{url}{body}",
          NULL,
          { { "X-Webhook-Signature", "vb3OtkdI79+doNkOydNJH8Guu/M+oOQJTEjg+FxgqsM=" } },
          0,
          "" },
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
    struct request plain = { .headers = { { "X-Gitlab-Token", "plain" } },
                             .body = STD_BODY,
                             .now = STD_T0 };
    struct request stolen = { .headers = { { "X-Gitlab-Token", STD_SECRET } },
                              .body = STD_BODY,
                              .now = STD_T0 };
    struct request wrong = { .headers = { { "X-Gitlab-Token", "x" },
                                          { STD_ID },
                                          { STD_TS },
                                          { "webhook-signature", STD_SIG } },
                             .body = STD_BODY,
                             .now = STD_T0 };
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
    CHECK_CSTR(verdict(a, &(struct request){ .headers = { { "x-key", "k" } } }, &which),
               "header X-Key does not match");
    auth_free(a);
    h = hook_of(NULL, NULL, NULL);
    h.auth.set = true;
    h.auth.username = text("ada");
    h.auth.password = text("p:w");
    a = must_compile(&h);
    CHECK_CSTR(auth_mode_word(a), "basic");
    CHECK_CSTR(
        verdict(a, &(struct request){ .headers = { { "Authorization", "basic YWRhOnA6dw==" } } },
                &which),
        "");
    CHECK_CSTR(verdict(a, &(struct request){ .headers = { { "Authorization", "Basic YWRhOnA6" } } },
                       &which),
               "header Authorization does not match");
    CHECK_CSTR(
        verdict(a, &(struct request){ .headers = { { "Authorization", "Basic YWRh*" } } }, &which),
        "header Authorization is not Basic base64 of user:password");
    auth_free(a);
}

TEST(a_url_is_signed_to_its_end_whatever_bytes_it_has)
{
    struct arena *arena = arena_new(0);
    struct config_webhook h = hook_of(NULL, "twilio_signature", "12345");
    struct auth *a = must_compile(&h);
    struct http_headers out = { 0 };
    struct error e = ERROR_INIT;
    unsigned which;
    struct auth_input in = { &out, STR(""), STR("POST"), str_n("HTTP://example.com/\0a", 21), 0 };
    CHECK_INT(auth_sign(a, &in, arena, &out, &e), 0);
    CHECK_INT(auth_verify(a, &in, &which, &e), 0);
    in.url = str_n("HTTP://example.com/\0b", 21);
    CHECK_INT(auth_verify(a, &in, &which, &e), -1);
    auth_free(a);
    arena_free(arena);
}

TEST(tolerance_may_be_set_also_where_the_vendor_names_none)
{
    unsigned which = 0;
    struct config_webhook h = hook_of(NULL, "discord_ed25519", DISCORD_KEY);
    h.auth.tolerance = 10 * US_PER_S;
    struct auth *a = must_compile(&h);
    struct request r = { .headers = { { "X-Signature-Ed25519", DISCORD_SIG },
                                      { "X-Signature-Timestamp", "1767225600" } },
                         "{\"type\":1}",
                         NULL,
                         T0 + 11 };
    CHECK_CSTR(verdict(a, &r, &which), "timestamp is 11 s old; 10 s are allowed");
    auth_free(a);
}
