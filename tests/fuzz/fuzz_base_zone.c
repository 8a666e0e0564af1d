/* TZif bytes from anybody: refused or read, and what was read keeps its promises. */
#include "base/zone.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_instant(const struct zone *z, int64_t at)
{
    int offset = zone_offset(z, at, NULL);
    assert(offset >= -ZONE_OFFSET_MAX && offset <= ZONE_OFFSET_MAX);
    int64_t next = zone_next_change(z, at);
    assert(next > at);
    if (next != INT64_MAX)
        assert(zone_offset(z, next - 1, NULL) == offset && zone_offset(z, next, NULL) != offset);
    if (at < INT64_MIN / 4 || at > INT64_MAX / 4)
        return;
    int64_t local = at + offset;
    struct local_instant back = zone_to_utc(z, local);
    assert(back.kind != LOCAL_GAP); /* a wall time that was shown is never missing */
    assert(back.first <= at && at <= back.second);
    if (back.kind == LOCAL_ONCE)
        assert(back.first == at);
    struct local_instant beside = zone_to_utc(z, local + 1800);
    if (beside.kind == LOCAL_GAP)
        assert(beside.gap_seconds > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error e = ERROR_INIT;
    struct zone *z = zone_parse(str_n((const char *)data, size), "fuzzed", &e);
    if (!z) {
        assert(e.text[0]);
        return 0;
    }
    int64_t at = -4000000000LL;
    for (int i = 0; i < 20 && at < 20000000000LL; i++) {
        check_instant(z, at);
        check_instant(z, at + 86399);
        at = zone_next_change(z, at);
    }
    for (int64_t t = 2000000000; t < 9000000000LL; t += 345678901)
        check_instant(z, t);
    zone_free(z);
    return 0;
}
