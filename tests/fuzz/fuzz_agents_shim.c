/* What the shim reads: a spec from keryx (decoded ones encode to the same bytes), and /proc/PID/stat.
   And what keryx reads from the shim: reports. */
#include "agents/shim_inside.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_spec(struct str bytes)
{
    struct arena *a = arena_new(0);
    struct shim_spec spec, again;
    if (shim_spec_decode(a, bytes, &spec, NULL) == 0) {
        auto_buf b = BUF_INIT(SHIM_MAX_SPEC + 4);
        assert(spec.argv[0] && spec.env && spec.grace_us >= 0);
        shim_spec_encode(&b, &spec);
        assert(buf_ok(&b) && b.n == bytes.n + 4);
        assert(shim_spec_decode(a, str_sub(buf_view(&b), 4, b.n), &again, NULL) == 0);
        assert(again.parent == getpid());
        for (size_t i = 0; spec.argv[i]; i++)
            assert(strcmp(spec.argv[i], again.argv[i]) == 0);
    }
    arena_free(a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str bytes = str_n((const char *)data, size);
    struct shim_process p;
    struct shim_report r;
    bool bad;
    check_spec(bytes);
    if (shim_tree_parse_stat(bytes, &p))
        assert(p.pid > 0 && p.parent >= 0);
    auto_buf in = BUF_INIT(MIB);
    buf_str(&in, bytes);
    while (shim_report_take(&in, &r, &bad))
        assert(!bad && r.kind <= SHIM_CLEARED && *shim_stage_sentence(r.stage));
    return 0;
}
