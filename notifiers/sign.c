/* Outgoing authentication as rows. */
#include "notifiers/sign.h"

#include "base/crypto.h"

#define SIGN_MAX_TEXT (64 * KIB)

struct sign {
    const struct sign_kind *kind;
    struct str name, value; /* bearer, basic, header: ready; hmac: the header's name */
    struct hmac_key **keys;
    size_t n_keys;
};

struct sign_compiler {
    struct arena *arena;
    const struct config_auth *auth;
    const char *hmac_header;
    struct config_problems *problems;
    const char *where;
    struct sign *sign;
};

struct sign_kind {
    const char *word;
    /* false: a problem was told. */
    bool (*compile)(struct sign_compiler *c);
    void (*headers)(const struct sign *s, const struct sign_message *m, struct arena *a,
                    struct http_headers *out);
};

void sign_set_header(struct arena *a, struct http_headers *out, struct str name, struct str value)
{
    for (size_t i = 0; i < out->n; i++) {
        if (str_eq_fold(out->items[i].name, name)) {
            out->items[i] = (struct http_header){ name, value };
            return;
        }
    }
    http_header_add(a, out, name, value);
}

/* ---- compiling ---- */

static bool sign_missing(struct sign_compiler *c, const char *key)
{
    config_problem(c->problems, false, c->auth->pos, "%s.auth.%s: is missing; type %s needs it",
                   c->where, key, c->sign->kind->word);
    return false;
}

static void sign_free_key(void *key)
{
    hmac_key_free(key);
}

static void sign_add_key(struct sign_compiler *c, struct str secret)
{
    struct hmac_key *key = hmac_key_new(CRYPTO_SHA256, secret);
    arena_on_free(c->arena, sign_free_key, key);
    c->sign->keys[c->sign->n_keys++] = key;
}

/* The secrets in one list: `secret` first. */
static size_t sign_secrets(const struct sign_compiler *c, const struct config_text **out)
{
    const struct config_auth *auth = c->auth;
    struct config_text *to = ARENA_ARRAY(c->arena, struct config_text, auth->secrets.n + 1);
    size_t n = 0;
    if (auth->secret.s.n)
        to[n++] = auth->secret;
    for (size_t i = 0; i < auth->secrets.n; i++)
        to[n++] = auth->secrets.items[i];
    *out = to;
    c->sign->keys = ARENA_ARRAY(c->arena, struct hmac_key *, n + 1);
    return n;
}

static bool sign_check(struct sign_compiler *c, const struct config_text *from, const char *key)
{
    if (http_header_valid(c->sign->name, c->sign->value))
        return true;
    config_problem(c->problems, false, from->pos,
                   "%s.auth.%s: cannot be sent in a header; a header's name is letters, digits and "
                   "-, its value one line",
                   c->where, key);
    return false;
}

static bool sign_compile_bearer(struct sign_compiler *c)
{
    if (!c->auth->token.s.n)
        return sign_missing(c, "token");
    c->sign->name = STR("Authorization");
    c->sign->value = arena_printf(c->arena, "Bearer %" STR_FMT, STR_ARG(c->auth->token.s));
    return sign_check(c, &c->auth->token, "token");
}

/* RFC 7617: the user's name has no colon. */
static bool sign_compile_basic(struct sign_compiler *c)
{
    const struct config_auth *auth = c->auth;
    if (!auth->username.s.n)
        return sign_missing(c, "username");
    if (!auth->password.s.p)
        return sign_missing(c, "password");
    if (str_chr(auth->username.s, ':') >= 0) {
        config_problem(c->problems, false, auth->username.pos,
                       "%s.auth.username: must not contain a colon", c->where);
        return false;
    }
    struct str pair = arena_printf(c->arena, "%" STR_FMT ":%" STR_FMT, STR_ARG(auth->username.s),
                                   STR_ARG(auth->password.s));
    auto_buf out = BUF_INIT(SIGN_MAX_TEXT);
    buf_cstr(&out, "Basic ");
    base64_encode(&out, pair.p, pair.n);
    c->sign->name = STR("Authorization");
    c->sign->value = arena_str(c->arena, buf_view(&out));
    return true;
}

static bool sign_compile_header(struct sign_compiler *c)
{
    if (!c->auth->header.s.n)
        return sign_missing(c, "header");
    if (!c->auth->value.s.n)
        return sign_missing(c, "value");
    c->sign->name = c->auth->header.s;
    c->sign->value = c->auth->value.s;
    return sign_check(c, &c->auth->header, "header");
}

static bool sign_compile_hmac(struct sign_compiler *c)
{
    const struct config_text *secrets;
    if (sign_secrets(c, &secrets) == 0)
        return sign_missing(c, "secret");
    sign_add_key(c, secrets[0].s);
    c->sign->name = c->auth->header.s.n ? c->auth->header.s : str_of(c->hmac_header);
    c->sign->value = STR("");
    return sign_check(c, &c->auth->header, "header");
}

/* Standard Webhooks 1.0: a secret is base64, with or without "whsec_" before it. */
static bool sign_compile_standard(struct sign_compiler *c)
{
    const struct config_text *secrets;
    size_t n = sign_secrets(c, &secrets);
    if (n == 0)
        return sign_missing(c, "secret");
    for (size_t i = 0; i < n; i++) {
        auto_buf key = BUF_INIT(SIGN_MAX_TEXT);
        struct str text = secrets[i].s;
        if (str_starts(text, STR("whsec_")))
            text = str_sub(text, sizeof "whsec_" - 1, text.n);
        if (base64_decode(&key, text) != 0 || key.n == 0) {
            config_problem(c->problems, false, secrets[i].pos,
                           "%s.auth.secret: a standard_webhooks secret is whsec_ and base64",
                           c->where);
            return false;
        }
        sign_add_key(c, buf_view(&key));
        crypto_wipe(key.p, key.n);
    }
    return true;
}

/* ---- headers ---- */

static void sign_ready(const struct sign *s, const struct sign_message *m, struct arena *a,
                       struct http_headers *out)
{
    (void)m;
    sign_set_header(a, out, s->name, s->value);
}

static struct str sign_hex(struct arena *a, const struct hmac_key *key, struct str body)
{
    uint8_t mac[CRYPTO_MAX_DIGEST];
    size_t n = hmac_sign(key, &body, 1, mac);
    auto_buf out = BUF_INIT(256);
    buf_cstr(&out, "sha256=");
    hex_encode(&out, mac, n);
    return arena_str(a, buf_view(&out));
}

struct str sign_body(struct arena *a, struct str secret, struct str body)
{
    struct hmac_key *key = hmac_key_new(CRYPTO_SHA256, secret);
    struct str text = sign_hex(a, key, body);
    hmac_key_free(key);
    return text;
}

static void sign_hmac(const struct sign *s, const struct sign_message *m, struct arena *a,
                      struct http_headers *out)
{
    sign_set_header(a, out, s->name, sign_hex(a, s->keys[0], m->body));
}

static void sign_standard(const struct sign *s, const struct sign_message *m, struct arena *a,
                          struct http_headers *out)
{
    auto_buf text = BUF_INIT(SIGN_MAX_TEXT);
    struct str at = arena_printf(a, "%lld", (long long)m->at);
    const struct str parts[] = { m->id, STR("."), at, STR("."), m->body };
    for (size_t i = 0; i < s->n_keys; i++) {
        uint8_t mac[CRYPTO_MAX_DIGEST];
        size_t n = hmac_sign(s->keys[i], parts, N_ELEMENTS(parts), mac);
        buf_cstr(&text, i ? " v1," : "v1,");
        base64_encode(&text, mac, n);
    }
    sign_set_header(a, out, STR("webhook-id"), m->id);
    sign_set_header(a, out, STR("webhook-timestamp"), at);
    sign_set_header(a, out, STR("webhook-signature"), arena_str(a, buf_view(&text)));
}

void sign_headers(const struct sign *s, const struct sign_message *m, struct arena *a,
                  struct http_headers *out)
{
    s->kind->headers(s, m, a, out);
}

/* ---- the rows ---- */

static const struct sign_kind sign_kinds[] = {
    { "bearer", sign_compile_bearer, sign_ready },
    { "basic", sign_compile_basic, sign_ready },
    { "header", sign_compile_header, sign_ready },
    { "hmac", sign_compile_hmac, sign_hmac },
    { "standard_webhooks", sign_compile_standard, sign_standard },
};

/* The type that the other fields speak of, when none is written. */
static struct str sign_word(const struct config_auth *auth)
{
    if (auth->mode.s.n)
        return auth->mode.s;
    if (auth->secret.s.n || auth->secrets.n)
        return STR("hmac");
    if (auth->token.s.n)
        return STR("bearer");
    return auth->username.s.n ? STR("basic") : STR("header");
}

struct sign *sign_compile(struct arena *a, const struct config_auth *auth, const char *hmac_header,
                          struct config_problems *problems, const char *where)
{
    const char *names[N_ELEMENTS(sign_kinds)];
    if (!auth->set || str_eq_c(auth->mode.s, "none"))
        return NULL;
    struct str word = sign_word(auth);
    struct sign *s = ARENA_NEW(a, struct sign);
    struct sign_compiler c = { a, auth, hmac_header, problems, where, s };
    for (size_t i = 0; i < N_ELEMENTS(sign_kinds); i++) {
        names[i] = sign_kinds[i].word;
        s->kind = &sign_kinds[i];
        if (str_eq_c(word, names[i]))
            return s->kind->compile(&c) ? s : NULL;
    }
    const char *near = str_nearest(word, names, N_ELEMENTS(names));
    config_problem(problems, false, auth->mode.pos,
                   "%s.auth.type: there is no type '%" STR_FMT
                   "'%s%s%s; expected bearer, basic, header, hmac or standard_webhooks",
                   where, STR_ARG(word), near ? " (did you mean '" : "", near ? near : "",
                   near ? "'?)" : "");
    return NULL;
}
