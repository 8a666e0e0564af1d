/* The bytes between keryx and its shim. Both are one program on one machine: native byte order, and
   a version in case the file on disk was replaced in between. */
#include "agents/shim.h"

#include <assert.h>

#define SPEC_VERSION 0x6b780001u

struct spec_head {
    uint32_t version;
    int32_t parent;
    int64_t grace_us;
    uint64_t limits[SHIM_LIMITS];
    uint32_t no_new_privs;
    uint32_t has_directory;
    uint32_t n_argv, n_env;
};

const char *shim_stage_sentence(enum shim_stage s)
{
    static const char *const sentences[] = {
#define X(id, sentence) [SHIM_STAGE_##id] = (sentence),
        SHIM_STAGES(X)
#undef X
    };
    return s < N_ELEMENTS(sentences) ? sentences[s] : "the shim failed";
}

static uint32_t spec_count(const char *const *strings)
{
    uint32_t n = 0;
    while (strings && strings[n])
        n++;
    return n;
}

static void spec_put(struct buf *out, const char *text)
{
    size_t n = strlen(text);
    uint32_t n32 = (uint32_t)n;
    if (n > SHIM_MAX_SPEC) {
        out->full = true;
        return;
    }
    buf_add(out, &n32, sizeof n32);
    buf_add(out, text, n);
}

void shim_spec_encode(struct buf *out, const struct shim_spec *spec)
{
    struct spec_head head = { .version = SPEC_VERSION,
                              .parent = getpid(),
                              .grace_us = spec->grace_us,
                              .no_new_privs = spec->no_new_privs,
                              .has_directory = spec->directory != NULL,
                              .n_argv = spec_count(spec->argv),
                              .n_env = spec_count(spec->env) };
    assert(head.n_argv > 0);
    memcpy(head.limits, spec->limits, sizeof head.limits);
    size_t at = out->n;
    uint32_t length = 0;
    buf_add(out, &length, sizeof length);
    buf_add(out, &head, sizeof head);
    if (spec->directory)
        spec_put(out, spec->directory);
    for (uint32_t i = 0; i < head.n_argv; i++)
        spec_put(out, spec->argv[i]);
    for (uint32_t i = 0; i < head.n_env; i++)
        spec_put(out, spec->env[i]);
    if (!buf_ok(out) || out->n - at - sizeof length > SHIM_MAX_SPEC ||
        (size_t)head.n_argv + head.n_env > SHIM_MAX_ARGS) {
        out->full = true;
        return;
    }
    length = (uint32_t)(out->n - at - sizeof length);
    memcpy(out->p + at, &length, sizeof length);
}

/* NULL when the next string is cut short or holds a NUL. */
static const char *spec_take(struct arena *a, struct str *rest)
{
    uint32_t n;
    if (rest->n < sizeof n)
        return NULL;
    memcpy(&n, rest->p, sizeof n);
    struct str text = str_n(rest->p + sizeof n, n);
    if (n > rest->n - sizeof n || str_chr(text, 0) >= 0)
        return NULL;
    *rest = str_n(text.p + n, rest->n - sizeof n - n);
    return arena_cstr(a, text);
}

static const char *const *spec_take_list(struct arena *a, struct str *rest, uint32_t n)
{
    const char **list = ARENA_ARRAY(a, const char *, (size_t)n + 1);
    for (uint32_t i = 0; i < n; i++) {
        if (!(list[i] = spec_take(a, rest)))
            return NULL;
    }
    return list;
}

int shim_spec_decode(struct arena *a, struct str bytes, struct shim_spec *out, struct error *e)
{
    struct spec_head head;
    struct shim_spec spec = { 0 };
    if (bytes.n < sizeof head || bytes.n > SHIM_MAX_SPEC)
        return error_set(e, ERROR_INVALID, "a shim's spec cannot have %zu bytes", bytes.n);
    memcpy(&head, bytes.p, sizeof head);
    if (head.version != SPEC_VERSION)
        return error_set(e, ERROR_INVALID, "the shim is of another version of keryx");
    if (head.n_argv == 0 || head.n_argv > SHIM_MAX_ARGS || head.n_env > SHIM_MAX_ARGS ||
        head.grace_us < 0)
        return error_set(e, ERROR_INVALID, "a shim's spec is out of bounds");
    struct str rest = str_n(bytes.p + sizeof head, bytes.n - sizeof head);
    spec.parent = head.parent;
    spec.grace_us = head.grace_us;
    spec.no_new_privs = head.no_new_privs != 0;
    memcpy(spec.limits, head.limits, sizeof spec.limits);
    if (head.has_directory && !(spec.directory = spec_take(a, &rest)))
        return error_set(e, ERROR_INVALID, "a shim's spec is cut short");
    if (!(spec.argv = spec_take_list(a, &rest, head.n_argv)) ||
        !(spec.env = spec_take_list(a, &rest, head.n_env)) || rest.n)
        return error_set(e, ERROR_INVALID, "a shim's spec is cut short or too long");
    *out = spec;
    return 0;
}

bool shim_report_take(struct buf *in, struct shim_report *out, bool *bad)
{
    struct shim_report r;
    *bad = false;
    if (in->n < sizeof r)
        return false;
    memcpy(&r, in->p, sizeof r);
    *bad = r.kind > SHIM_CLEARED || r.stage > SHIM_STAGE_EXEC;
    if (*bad)
        return false;
    buf_consume(in, sizeof r);
    *out = r;
    return true;
}
