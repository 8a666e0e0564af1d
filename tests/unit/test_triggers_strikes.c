/* More than so many failures a minute from one address are no longer computed. */
#include "tests/t.h"
#include "triggers/strikes.h"

static struct addr at(const char *text)
{
    struct addr a;
    if (addr_parse(str_of(text), false, &a, NULL) != 0)
        abort();
    return a;
}

static void fail_times(struct strikes *s, const char *from, unsigned n, int64_t now)
{
    struct addr a = at(from);
    for (unsigned i = 0; i < n; i++)
        strikes_add(s, &a, now);
}

TEST(the_sixtieth_failure_of_a_minute_shuts_the_door_until_it_is_over)
{
    struct strikes *s = strikes_new();
    struct addr a = at("192.0.2.1"), other = at("192.0.2.2");
    fail_times(s, "192.0.2.1", STRIKES_A_MINUTE - 1, 5 * US_PER_S);
    CHECK_INT(strikes_wait(s, &a, 10 * US_PER_S), 0);
    fail_times(s, "192.0.2.1", 1, 10 * US_PER_S);
    CHECK_INT(strikes_wait(s, &a, 10 * US_PER_S), 55 * US_PER_S);
    CHECK_INT(strikes_wait(s, &other, 10 * US_PER_S), 0);
    CHECK_INT(strikes_wait(s, &a, 65 * US_PER_S), 0);
    fail_times(s, "192.0.2.1", 1, 66 * US_PER_S); /* a new minute */
    CHECK_INT(strikes_wait(s, &a, 66 * US_PER_S), 0);
    strikes_free(s);
}

TEST(who_is_one_sender)
{
    static const struct {
        const char *fails, *asks;
        bool same;
    } rows[] = {
        { "192.0.2.1", "192.0.2.1", true },
        { "192.0.2.1", "::ffff:192.0.2.1", true },
        { "192.0.2.1", "192.0.2.10", false },
        { "2001:db8::1", "2001:db8::ffff:0:0:2", true },
        { "2001:db8::1", "2001:db8:0:1::1", false },
    };
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        ROW(rows[i].asks);
        struct strikes *s = strikes_new();
        struct addr asks = at(rows[i].asks);
        fail_times(s, rows[i].fails, STRIKES_A_MINUTE, 1);
        CHECK_INT(strikes_wait(s, &asks, 1) > 0, rows[i].same);
        strikes_free(s);
    }
}

TEST(a_unix_socket_never_waits)
{
    struct strikes *s = strikes_new();
    struct addr none = { 0 };
    for (unsigned i = 0; i < 2 * STRIKES_A_MINUTE; i++)
        strikes_add(s, &none, 1);
    CHECK_INT(strikes_wait(s, &none, 1), 0);
    CHECK_INT(strikes_count(s), 0);
    strikes_free(s);
}

TEST(the_table_is_bounded_and_forgets_the_oldest)
{
    struct strikes *s = strikes_new();
    struct addr first = at("10.0.0.0"), last = { 0 };
    fail_times(s, "10.0.0.0", STRIKES_A_MINUTE, 1);
    for (unsigned i = 1; i <= STRIKES_MAX + 500; i++) {
        char text[ADDR_TEXT];
        snprintf(text, sizeof(text), "10.1.%u.%u", i / 256, i % 256);
        last = at(text);
        for (unsigned k = 0; k < STRIKES_A_MINUTE; k++)
            strikes_add(s, &last, 2);
        CHECK(strikes_count(s) <= STRIKES_MAX);
    }
    CHECK_INT(strikes_count(s), STRIKES_MAX);
    CHECK_INT(strikes_wait(s, &first, 2), 0);
    CHECK(strikes_wait(s, &last, 2) > 0);
    for (unsigned i = 0; i < STRIKES_MAX; i++) { /* their minute over, newcomers let them go */
        char text[ADDR_TEXT];
        snprintf(text, sizeof(text), "10.2.%u.%u", i / 256 % 4, i % 256);
        struct addr a = at(text);
        strikes_add(s, &a, 90 * US_PER_S);
    }
    CHECK(strikes_count(s) < STRIKES_MAX);
    strikes_free(s);
}
