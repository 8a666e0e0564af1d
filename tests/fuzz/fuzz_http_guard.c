/* A URL a stranger chose: what passes the closed guard names no special address, in any spelling. */
#include "http/guard.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct guard_policy closed = { 0 };
    struct str url = str_n((const char *)data, size);
    struct guard_target t;
    struct error e = ERROR_INIT;
    bool open = guard_check_url(NULL, url, &t, &e) == 0;
    if (open) {
        assert(t.port && *t.host && strlen(t.host) < GUARD_HOST);
        assert(!strchr(t.host, '/') && !strchr(t.host, '@') && !strchr(t.host, '['));
    } else {
        assert(e.code == ERROR_INVALID);
    }
    if (guard_check_url(&closed, url, &t, &e) == 0)
        assert(open && (!t.literal || !addr_is_special(&t.addr)));
    guard_host_in("a.example", &url, 1);
    return 0;
}
