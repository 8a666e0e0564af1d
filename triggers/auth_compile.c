/* `auth:`, `secret`, `signature_header` and `source` of a webhook trigger → the scheme of its route.
   What is wrong or of no use is told with its position; a route that was meant to be guarded and
   cannot be never compiles to one that is open. */
#include "triggers/auth_inside.h"

#include "triggers/source.h"

#define DEFAULT_HEADER    "X-Webhook-Signature"
#define INSECURE          "INSECURE_NO_AUTH" /* Hermes' word for mode none */
#define DEFAULT_TOLERANCE (300 * US_PER_S)   /* of an hmac with a timestamp_header */

struct build {
    const struct config_webhook *hook;
    struct config_problems *problems;
    struct auth *auth;
    struct auth_way *way; /* the one being built */
    bool failed;
};

#define BUILD_ERROR(b, where, ...)                                  \
    do {                                                            \
        (b)->failed = true;                                         \
        config_problem((b)->problems, false, (where), __VA_ARGS__); \
    } while (0)

/* ---- which scheme ---- */

/* The loader fills signature_header in: only one that was written, or another name, asks for HMAC. */
static bool build_header_written(const struct config_webhook *h)
{
    const struct config_text *t = &h->signature_header;
    return t->s.p && (t->pos.line != 0 || !str_eq_fold(t->s, STR(DEFAULT_HEADER)));
}

static bool build_has_secret(const struct config_webhook *h)
{
    return h->auth.secret.s.p || h->auth.secrets.n || h->secret.s.p;
}

static bool build_is_insecure(const struct config_webhook *h)
{
    bool one = !h->auth.secret.s.p != !h->secret.s.p && h->auth.secrets.n == 0;
    return !h->auth.mode.s.p && one &&
           str_eq(h->auth.secret.s.p ? h->auth.secret.s : h->secret.s, STR(INSECURE));
}

bool auth_is_none_mode(const struct config_webhook *hook)
{
    return str_eq(hook->auth.mode.s, STR("none")) || build_is_insecure(hook);
}

/* A mode that is not written follows from the other fields. */
static const char *build_implied_mode(const struct config_webhook *h)
{
    const struct config_auth *a = &h->auth;
    const struct source *source = source_find(h->source.s.p ? h->source.s : STR("generic"));
    const char *own = source ? source_auth_mode(source) : NULL;
    if (a->username.s.p || a->password.s.p)
        return "basic";
    if (a->value.s.p || (a->header.s.p && a->token.s.p))
        return "static_header";
    if (a->token.s.p)
        return own && strcmp(own, "gitlab_token") == 0 ? own : "bearer";
    if (a->header.s.p || a->prefix.s.p || a->algorithm.s.p || a->encoding.s.p ||
        a->signed_string.s.p || a->timestamp_header.s.p || build_header_written(h))
        return "hmac";
    return own ? own : "hmac";
}

/* The row, or NULL: no authentication, or an unknown word (told). */
static const struct auth_scheme *build_pick(struct build *b)
{
    const struct config_webhook *h = b->hook;
    if (auth_is_none_mode(h))
        return NULL;
    if (!h->auth.mode.s.p) {
        bool asked = h->auth.set || build_has_secret(h) || build_header_written(h);
        return asked ? auth_table_find(str_of(build_implied_mode(h))) : NULL;
    }
    const struct auth_scheme *row = auth_table_find(h->auth.mode.s);
    const char *near = row ? NULL : auth_table_suggest(h->auth.mode.s);
    if (!row)
        BUILD_ERROR(b, h->auth.mode.pos, "trigger.auth.mode: there is no mode '%s'%s%s%s",
                    h->auth.mode.s.p, near ? " (did you mean '" : "", near ? near : "",
                    near ? "'?)" : "");
    return row;
}

/* ---- what it does not use ---- */

static void build_warn_unused(struct build *b, unsigned uses, const char *mode)
{
    const struct config_auth *a = &b->hook->auth;
    const struct {
        const char *key;
        const struct config_text *text;
        unsigned use;
    } fields[] = {
        { "auth.secret", &a->secret, AUTH_USE_SECRET },
        { "auth.secrets", a->secrets.n ? a->secrets.items : NULL, AUTH_USE_SECRET },
        { "secret", &b->hook->secret, AUTH_USE_SECRET },
        { "auth.token", &a->token, AUTH_USE_TOKEN },
        { "auth.header", &a->header, AUTH_USE_HEADER },
        { "auth.value", &a->value, AUTH_USE_VALUE },
        { "auth.username", &a->username, AUTH_USE_USER },
        { "auth.password", &a->password, AUTH_USE_USER },
        { "auth.prefix", &a->prefix, AUTH_USE_SHAPE },
        { "auth.algorithm", &a->algorithm, AUTH_USE_SHAPE },
        { "auth.encoding", &a->encoding, AUTH_USE_SHAPE },
        { "auth.signed", &a->signed_string, AUTH_USE_SHAPE },
        { "auth.timestamp_header", &a->timestamp_header, AUTH_USE_SHAPE },
        { "signature_header", build_header_written(b->hook) ? &b->hook->signature_header : NULL,
          AUTH_USE_SHAPE },
    };
    for (size_t i = 0; i < N_ELEMENTS(fields); i++) {
        const struct config_text *t = fields[i].text;
        bool insecure = t && str_eq(t->s, STR(INSECURE));
        if (t && t->s.p && !(uses & fields[i].use) && !insecure)
            config_problem(b->problems, true, t->pos, "trigger.%s: mode %s does not use it",
                           fields[i].key, mode);
    }
}

/* ---- the shape of an HMAC ---- */

static const char *build_header(struct build *b, const struct config_text *t, const char *key)
{
    if (http_header_valid(t->s, STR("")))
        return arena_cstr(b->auth->arena, t->s);
    BUILD_ERROR(b, t->pos, "trigger.%s: '%s' is no header name", key, t->s.p);
    return DEFAULT_HEADER;
}

static void build_algorithm(struct build *b, struct auth_scheme *s, const struct config_text *t)
{
    static const char *const words[] = { "sha1", "sha256", "sha512" };
    static const enum crypto_hash hashes[] = { CRYPTO_SHA1, CRYPTO_SHA256, CRYPTO_SHA512 };
    for (size_t i = 0; i < N_ELEMENTS(words); i++) {
        if (str_eq_fold(t->s, str_of(words[i]))) {
            s->hash = hashes[i];
            return;
        }
    }
    if (t->s.p)
        BUILD_ERROR(b, t->pos,
                    "trigger.auth.algorithm: '%s' is not known; expected sha1, sha256 or sha512",
                    t->s.p);
}

static void build_encoding(struct build *b, struct auth_scheme *s, const struct config_text *t)
{
    if (str_eq_fold(t->s, STR("base64")))
        s->encoding = AUTH_BASE64;
    else if (t->s.p && !str_eq_fold(t->s, STR("hex")))
        BUILD_ERROR(b, t->pos, "trigger.auth.encoding: '%s' is not known; expected hex or base64",
                    t->s.p);
}

/* A written prefix or encoding is what must come; else any of the three usual forms will do. */
static void build_hmac(struct build *b)
{
    const struct config_auth *a = &b->hook->auth;
    struct auth_scheme *s = &b->way->scheme;
    if (a->header.s.p)
        s->names[0].signature = build_header(b, &a->header, "auth.header");
    else if (b->hook->signature_header.s.p)
        s->names[0].signature = build_header(b, &b->hook->signature_header, "signature_header");
    build_algorithm(b, s, &a->algorithm);
    build_encoding(b, s, &a->encoding);
    if (a->prefix.s.p || a->encoding.s.p)
        s->form = AUTH_PREFIXED;
    if (a->prefix.s.p)
        s->prefix = arena_cstr(b->auth->arena, a->prefix.s);
    if (a->timestamp_header.s.p) {
        s->names[0].timestamp = build_header(b, &a->timestamp_header, "auth.timestamp_header");
        s->text = "{timestamp}.{body}";
        s->clock = AUTH_ANY_CLOCK;
        s->tolerance = DEFAULT_TOLERANCE;
    }
    if (a->signed_string.s.p)
        s->text = arena_cstr(b->auth->arena, a->signed_string.s);
}

static void build_signed_string(struct build *b)
{
    struct auth_way *way = b->way;
    struct error e = ERROR_INIT;
    struct config_pos pos = b->hook->auth.signed_string.pos;
    int n = auth_parts(str_of(way->scheme.text), way->parts, &e);
    if (n < 0) {
        BUILD_ERROR(b, pos, "trigger.auth.signed: %s", e.text);
        return;
    }
    way->n_parts = (size_t)n;
    if (auth_has_part(way, AUTH_TIMESTAMP) && way->scheme.clock == AUTH_NO_CLOCK)
        BUILD_ERROR(b, pos, "trigger.auth.signed: {timestamp} needs timestamp_header");
    if (auth_has_part(way, AUTH_ID) && !way->scheme.names[0].id)
        BUILD_ERROR(b, pos, "trigger.auth.signed: {id} belongs to mode standard_webhooks");
    if (!auth_has_part(way, AUTH_TIMESTAMP) && way->scheme.clock == AUTH_ANY_CLOCK) {
        /* Who can replay the request can also change a timestamp that is not signed. */
        config_problem(
            b->problems, true, b->hook->auth.timestamp_header.pos,
            "trigger.auth.timestamp_header: it is not in the signed string, so it is ignored");
        way->scheme.names[0].timestamp = NULL;
        way->scheme.clock = AUTH_NO_CLOCK;
    }
}

/* After the secrets, which say whether GitLab's timestamped scheme is there. */
static void build_tolerance(struct build *b)
{
    const struct config_auth *a = &b->hook->auth;
    bool used = false;
    if (!a->set || a->tolerance < 0)
        return;
    if (a->tolerance == 0) {
        BUILD_ERROR(b, a->pos,
                    "trigger.auth.tolerance: 0 lets nothing through; leave it out for the default");
        return;
    }
    for (size_t i = 0; i < b->auth->n_ways; i++) {
        struct auth_scheme *s = &b->auth->ways[i].scheme;
        if (s->clock == AUTH_NO_CLOCK)
            continue;
        s->tolerance = a->tolerance;
        used = true;
    }
    if (!used)
        config_problem(b->problems, true, a->pos,
                       "trigger.auth.tolerance: mode %s has no signed timestamp, so it is ignored",
                       auth_mode_word(b->auth));
}

/* ---- secrets ---- */

static int build_public_key(struct auth_key *key, struct str bytes)
{
    key->is_public = true;
    if (bytes.n != sizeof(key->public_key))
        return -1;
    memcpy(key->public_key, bytes.p, bytes.n);
    return 0;
}

/* "whsec_…", "v1,whsec_…", bare base64: an HMAC key. "whpk_…", "v1a,whpk_…": a public key. */
static int build_standard_key(struct auth_key *key, struct str secret)
{
    static const struct {
        const char *prefix;
        bool is_public;
    } prefixes[] = {
        { "v1,whsec_", false }, { "whsec_", false }, { "v1a,whpk_", true }, { "whpk_", true }
    };
    bool is_public = false;
    for (size_t i = 0; i < N_ELEMENTS(prefixes); i++) {
        if (!str_starts(secret, str_of(prefixes[i].prefix)))
            continue;
        secret = str_sub(secret, strlen(prefixes[i].prefix), secret.n);
        is_public = prefixes[i].is_public;
        break;
    }
    auto_buf bytes = BUF_INIT(secret.n + 4);
    int rc = base64_decode(&bytes, secret);
    if (rc == 0 && bytes.n == 0)
        rc = -1;
    if (rc == 0 && is_public)
        rc = build_public_key(key, buf_view(&bytes));
    else if (rc == 0)
        key->hmac = hmac_key_new(CRYPTO_SHA256, buf_view(&bytes));
    crypto_wipe(bytes.p, bytes.n);
    return rc;
}

static int build_decode_key(struct build *b, struct auth_key *key, struct str secret)
{
    const struct auth_scheme *s = &b->way->scheme;
    if (s->kind != AUTH_SIGNED) {
        key->text = arena_cstr(b->auth->arena, secret);
        key->text_n = secret.n;
        return 0;
    }
    if (s->secret == AUTH_STANDARD)
        return build_standard_key(key, secret);
    if (s->secret == AUTH_RAW) {
        key->hmac = hmac_key_new(s->hash, secret);
        return 0;
    }
    uint8_t bytes[32];
    if (hex_decode(secret, bytes, sizeof(bytes)) != 0)
        return -1;
    return build_public_key(key, str_n((const char *)bytes, sizeof(bytes)));
}

static void build_key(struct build *b, const struct config_text *t, const char *name,
                      unsigned number)
{
    static const char *const wants[] = {
        [AUTH_RAW] = "",
        [AUTH_STANDARD] = "whsec_ or whpk_ and base64",
        [AUTH_HEX_PUBLIC] = "the application's public key, 64 hex digits",
    };
    struct auth_way *way = b->way;
    struct auth_key *key = &way->keys[way->n_keys];
    if (t->s.n == 0) {
        BUILD_ERROR(b, t->pos, "trigger.%s: is empty", name);
    } else if (str_eq(t->s, STR(INSECURE))) {
        BUILD_ERROR(b, t->pos, "trigger.%s: " INSECURE " cannot stand beside mode %s", name,
                    way->scheme.mode);
    } else if (way->n_keys == AUTH_MAX_KEYS) {
        BUILD_ERROR(b, t->pos, "trigger.%s: more than %d secrets", name, AUTH_MAX_KEYS);
    } else if (build_decode_key(b, key, t->s) != 0) {
        BUILD_ERROR(b, t->pos, "trigger.%s: does not decode; %s expects %s", name, way->scheme.mode,
                    wants[way->scheme.secret]);
    } else {
        key->number = number;
        way->n_keys++;
    }
}

static bool build_is_signing_token(struct str secret)
{
    return str_starts(secret, STR("whsec_"));
}

/* GitLab's own scheme is the secret token; a secret that is a signing token is checked as such instead
   (docs.gitlab.com/user/project/integrations/webhooks). Only the route's secrets decide which. */
static void build_choose_way(struct build *b, struct str secret)
{
    struct auth *a = b->auth;
    bool own = !b->hook->auth.mode.s.p && strcmp(a->ways[0].scheme.mode, "gitlab_token") == 0;
    b->way = &a->ways[0];
    if (!own || !build_is_signing_token(secret))
        return;
    if (a->n_ways == 1) {
        b->way = &a->ways[a->n_ways++];
        b->way->scheme = *auth_table_find(STR("standard_webhooks"));
        build_signed_string(b);
    }
    b->way = &a->ways[1];
}

static void build_add(struct build *b, const struct config_text *t, const char *name, unsigned use,
                      unsigned *number)
{
    if (!t->s.p || !(b->auth->ways[0].scheme.uses & use))
        return;
    build_choose_way(b, t->s);
    build_key(b, t, name, ++*number);
}

static void build_keys(struct build *b)
{
    const struct config_auth *a = &b->hook->auth;
    unsigned number = 0;
    build_add(b, &a->value, "auth.value", AUTH_USE_VALUE, &number);
    build_add(b, &a->token, "auth.token", AUTH_USE_TOKEN, &number);
    build_add(b, &a->secret, "auth.secret", AUTH_USE_SECRET, &number);
    for (size_t i = 0; i < a->secrets.n; i++)
        build_add(b, &a->secrets.items[i], "auth.secrets", AUTH_USE_SECRET, &number);
    build_add(b, &b->hook->secret, "secret", AUTH_USE_SECRET, &number);
    const struct auth_scheme *s = &b->auth->ways[0].scheme;
    if (number == 0 && s->kind != AUTH_BASIC)
        BUILD_ERROR(
            b, a->set ? a->pos : b->hook->signature_header.pos,
            "trigger.auth: mode %s needs a %s; write mode: none for a route without authentication",
            s->mode,
            s->uses & AUTH_USE_VALUE   ? "value"
            : s->uses & AUTH_USE_TOKEN ? "token"
                                       : "secret");
}

/* RFC 7617: user and password are one string, so a user has no colon. */
static void build_basic(struct build *b)
{
    const struct config_auth *a = &b->hook->auth;
    struct auth_key *key = &b->way->keys[0];
    if (a->username.s.n == 0 || a->password.s.n == 0) {
        BUILD_ERROR(b, a->pos, "trigger.auth: mode basic needs username and password");
        return;
    }
    if (str_chr(a->username.s, ':') >= 0) {
        BUILD_ERROR(b, a->username.pos,
                    "trigger.auth.username: has a colon, which basic cannot carry");
        return;
    }
    size_t user = a->username.s.n, password = a->password.s.n;
    key->text = arena_alloc(b->auth->arena, user + 1 + password);
    memcpy(key->text, a->username.s.p, user);
    key->text[user] = ':';
    memcpy(key->text + user + 1, a->password.s.p, password);
    key->text_n = user + 1 + password;
    key->number = 1;
    b->way->n_keys = 1;
}

static void build_static_header(struct build *b)
{
    const struct config_auth *a = &b->hook->auth;
    if (b->way->scheme.names[0].signature)
        return;
    b->way->scheme.names[0].signature = "";
    if (a->header.s.p)
        b->way->scheme.names[0].signature = build_header(b, &a->header, "auth.header");
    else
        BUILD_ERROR(b, a->pos,
                    "trigger.auth.header: mode static_header needs the name of a header");
}

static void build_way(struct build *b, const struct auth_scheme *row)
{
    struct auth *a = b->auth;
    b->way = &a->ways[0];
    b->way->scheme = *row;
    a->n_ways = 1;
    build_warn_unused(b, row->uses, row->mode);
    if (row->kind == AUTH_STATIC)
        build_static_header(b);
    if (row->uses & AUTH_USE_SHAPE)
        build_hmac(b);
    if (row->kind == AUTH_SIGNED)
        build_signed_string(b);
    if (row->kind == AUTH_BASIC)
        build_basic(b);
    build_keys(b);
    /* Nothing but signing tokens: their scheme is the only one. */
    if (a->n_ways == 2 && a->ways[0].n_keys == 0) {
        a->ways[0] = a->ways[1];
        a->ways[1] = (struct auth_way){ 0 };
        a->n_ways = 1;
    }
    build_tolerance(b);
}

int auth_compile(const struct config_webhook *hook, struct config_problems *problems,
                 struct auth **out)
{
    struct build b = { .hook = hook, .problems = problems };
    const struct auth_scheme *row = build_pick(&b);
    *out = NULL;
    if (!row) {
        if (auth_is_none_mode(hook))
            build_warn_unused(&b, 0, "none");
        return b.failed ? -1 : 0;
    }
    struct arena *arena = arena_new(sizeof(struct auth) + KIB);
    b.auth = ARENA_NEW(arena, struct auth);
    b.auth->arena = arena;
    build_way(&b, row);
    if (b.failed) {
        auth_free(b.auth);
        return -1;
    }
    *out = b.auth;
    return 0;
}
