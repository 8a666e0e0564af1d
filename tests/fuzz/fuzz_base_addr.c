/* Addresses and networks from any bytes: what is accepted prints as text that reads back the same. */
#include "base/addr.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_addr(struct str text, bool with_port)
{
    struct addr a, again;
    struct error e = ERROR_INIT;
    char printed[ADDR_TEXT];
    if (addr_parse(text, with_port, &a, &e)) {
        assert(e.code == ERROR_INVALID && e.text[0]);
        return;
    }
    assert(a.family == 4 || a.family == 6);
    int result = addr_parse(str_of(addr_format(&a, printed)), false, &again, NULL);
    assert(result == 0 && addr_equal(&a, &again));
    assert(addr_is_special(&a) == addr_is_special(&again));
    assert(!addr_is_loopback(&a) || addr_is_special(&a));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = str_n((const char *)data, size);
    struct cidr c;
    check_addr(text, false);
    check_addr(text, true);
    if (cidr_parse(text, &c, NULL) == 0) {
        assert(c.bits <= (c.base.family == 4 ? 32 : 128));
        /* A prefix shorter than 96 bits cannot be folded, so its mapped base is no member. */
        assert(cidr_contains(&c, &c.base) || c.bits < 96);
    }
    return 0;
}
