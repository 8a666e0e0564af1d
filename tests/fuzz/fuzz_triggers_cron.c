/* Any text as a cron expression: refused with a reason, or its due times go strictly up, are counted as
   they are stepped through, and come in bounded time. The first byte picks the zone and the start. */
#include "triggers/cron.h"

#include <assert.h>
#include <time.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const zones[] = { "UTC",          "America/New_York", "Australia/Lord_Howe",
                                     "America/Nuuk", "Pacific/Apia",     "Antarctica/Troll",
                                     "Africa/Cairo", "Europe/Dublin" };
static const int64_t starts[] = { 1741478400, 1762050000, 1325203200, 1743264000,
                                  0,          4102444800, 7258000000, 2213000000 };

static int64_t cpu_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return t.tv_sec * US_PER_S + t.tv_nsec / 1000;
}

static void check_times(const struct cron *c, const struct zone *z, int64_t from)
{
    int64_t at = from, newest[3];
    uint64_t n = 0;
    for (; n < 20; n++) {
        int64_t next = cron_next(c, z, at, NULL);
        assert(next > at);
        if (next == CRON_NONE)
            break;
        at = next;
    }
    assert(cron_count(c, z, from, at) == n);
    size_t got = cron_newest(c, z, from, at, newest, 3);
    assert(got == MIN(n, 3));
    if (got > 0)
        assert(newest[got - 1] == at && cron_prev(c, z, at) == at);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct error e = ERROR_INIT;
    struct cron_context ctx = { STR("agent"), STR("trigger"), NULL };
    int64_t begin = cpu_us();
    struct cron *c = cron_parse(str_n((const char *)data + 1, size - 1), &ctx, &e);
    if (!c) {
        assert(e.code != ERROR_NONE && e.text[0] && e.column > 0 && e.column <= size + 1);
        return 0;
    }
    const struct zone *z = zone_get(str_of(zones[data[0] % N_ELEMENTS(zones)]), NULL);
    check_times(c, z, starts[data[0] / 8 % N_ELEMENTS(starts)]);
    for (size_t i = 0; cron_note(c, i); i++)
        assert(i < 8);
    cron_free(c);
    assert(cpu_us() - begin < US_PER_S);
    return 0;
}
