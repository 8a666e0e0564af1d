/* Arbitrary header values and bodies against every scheme: nothing crashes, nothing passes without the
   secret, what auth_sign makes passes, and one byte changed in the body does not. Input: a byte that
   picks the scheme, a byte that picks what is changed, then the lines signature, timestamp, id,
   content type, URL; the rest is the body. */
#include "triggers/auth_inside.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOW (1767225600LL * US_PER_S)

static struct config_text fuzz_text(const char *s)
{
    return (struct config_text){ .s = str_of(s), .pos = { 1, 1 } };
}

/* A secret that no corpus holds: what verifies was made by auth_sign below. */
static struct auth *fuzz_compile(const char *mode, const char *signed_string)
{
    static const char hex[] = "ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c";
    struct config_webhook h = { .auth = { .set = true, .tolerance = -1 } };
    struct config_problems problems;
    struct auth *a = NULL;
    bool public_key = strcmp(mode, "discord_ed25519") == 0,
         standard = strcmp(mode, "standard_webhooks") == 0;
    h.auth.mode = fuzz_text(mode);
    if (strcmp(mode, "basic") == 0) {
        h.auth.username = fuzz_text("user");
        h.auth.password = fuzz_text("5f0e2a77-9d1c");
    } else {
        h.auth.secret = fuzz_text(public_key ? hex
                                  : standard ? "whsec_Xw4qd52cXw4qd52cXw4q"
                                             : "5f0e2a77-9d1c");
    }
    if (strcmp(mode, "static_header") == 0)
        h.auth.header = fuzz_text("X-Key");
    if (signed_string) {
        h.auth.signed_string = fuzz_text(signed_string);
        h.auth.timestamp_header = fuzz_text("X-Ts");
    }
    config_problems_init(&problems);
    int rc = auth_compile(&h, &problems, &a);
    assert((rc == 0) == (problems.n_errors == 0) && (rc == 0) == (a != NULL));
    config_problems_release(&problems);
    return a;
}

static struct str fuzz_line(struct str *rest)
{
    struct str line = STR_NULL;
    (void)str_split(rest, '\n', &line);
    return line;
}

static void fuzz_add(struct arena *a, struct http_headers *h, const char *name, struct str value)
{
    if (name && value.p)
        http_header_add(a, h, str_of(name), value);
}

static void fuzz_verify(const struct auth *a, const struct auth_input *in, bool wanted)
{
    struct error e = ERROR_INIT;
    unsigned which = 0;
    bool genuine = auth_verify(a, in, &which, &e) == 0;
    assert(genuine == wanted);
    assert(genuine ? which == 1 : which == 0 && e.code == ERROR_DENIED && e.text[0]);
}

/* The other side: signed, it passes; changed, it does not. */
static void fuzz_sign(const struct auth *a, struct auth_input in, struct str type, uint8_t change,
                      struct arena *arena)
{
    struct http_headers out = { 0 };
    struct error e = ERROR_INIT;
    const struct auth_way *way = &a->ways[0];
    http_header_add(arena, &out, STR("Content-Type"), type);
    if (auth_sign(a, &in, arena, &out, &e) != 0)
        return;
    in.headers = &out;
    if (auth_check_body_clock(&way->scheme, in.body, in.now_us, NULL) != 0)
        return;
    fuzz_verify(a, &in, true);
    if (way->scheme.kind != AUTH_SIGNED || auth_has_part(way, AUTH_FORM) || in.body.n == 0)
        return;
    struct str other = arena_str(arena, in.body);
    char *p = arena_cstr(arena, other);
    p[change % other.n] ^= 1;
    in.body = str_n(p, other.n);
    fuzz_verify(a, &in, false);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct auth *schemes[64];
    if (size < 2)
        return 0;
    size_t pick = data[0] % (auth_table_n + 1);
    struct str rest = str_n((const char *)data + 2, size - 2);
    struct arena *arena = arena_new(0);
    struct auth *a = NULL;
    if (pick == auth_table_n) { /* a signed string of the route's own */
        a = fuzz_compile("hmac", arena_cstr(arena, fuzz_line(&rest)));
    } else {
        if (!schemes[pick])
            schemes[pick] = fuzz_compile(auth_table[pick].mode, NULL);
        a = schemes[pick];
        assert(a);
    }
    if (a) {
        const struct auth_names *names = &a->ways[0].scheme.names[data[1] & 1];
        struct http_headers h = { 0 };
        struct str signature = fuzz_line(&rest);
        fuzz_add(arena, &h, names->signature, signature);
        if (data[1] & 2)
            fuzz_add(arena, &h, names->signature, signature);
        fuzz_add(arena, &h, names->timestamp, fuzz_line(&rest));
        fuzz_add(arena, &h, names->id, fuzz_line(&rest));
        struct str type = fuzz_line(&rest), url = fuzz_line(&rest);
        fuzz_add(arena, &h, "Content-Type", type);
        struct auth_input in = { &h, rest, STR("POST"), url, NOW };
        fuzz_verify(a, &in, false);
        fuzz_sign(a, in, type, data[1], arena);
    }
    if (pick == auth_table_n)
        auth_free(a);
    arena_free(arena);
    return 0;
}
