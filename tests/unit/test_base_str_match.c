/* Distances, globs, hashes. */
#include "base/str.h"
#include "tests/t.h"

TEST(distance_counts_slips_of_the_pen)
{
    static const struct {
        const char *a, *b;
        unsigned max, want;
    } rows[] = {
        { "", "", 3, 0 },
        { "cron", "cron", 3, 0 },
        { "CRON", "cron", 3, 0 },
        { "crn", "cron", 3, 1 },
        { "corn", "cron", 3, 1 }, /* swapped neighbours */
        { "cronn", "cron", 3, 1 },
        { "xron", "cron", 3, 1 },
        { "kitten", "sitting", 5, 3 },
        { "kitten", "sitting", 2, 3 },
        { "a", "abcdefgh", 3, 4 },
        { "ca", "abc", 5, 3 },
        { "", "abc", 3, 3 },
    };
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        ROW(rows[i].a);
        CHECK_INT(str_distance(str_of(rows[i].a), str_of(rows[i].b), rows[i].max), rows[i].want);
        CHECK_INT(str_distance(str_of(rows[i].b), str_of(rows[i].a), rows[i].max), rows[i].want);
    }
    char big[200];
    memset(big, 'a', sizeof(big));
    CHECK_INT(str_distance(str_n(big, 200), str_n(big, 199), 3), 4);
    CHECK_INT(str_distance(str_n(big, 200), str_n(big, 200), 3), 0);
}

TEST(the_nearest_name_is_offered_only_when_near)
{
    static const char *const names[] = { "cron", "timezone", "type", "webhook", "id" };
    static const struct {
        const char *wrong, *want; /* NULL: no guess */
    } rows[] = {
        { "crn", "cron" },
        { "corn", "cron" },
        { "Timezone", "timezone" },
        { "timzeone", "timezone" },
        { "web-hook", "webhook" },
        { "hookweb", NULL },
        { "x", NULL },
        { "", NULL },
        { "tpye", "type" },
    };
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        const char *got = str_nearest(str_of(rows[i].wrong), names, N_ELEMENTS(names));
        ROW(rows[i].wrong);
        CHECK_CSTR(got ? got : "none", rows[i].want ? rows[i].want : "none");
    }
    CHECK(str_nearest(STR("a"), names, 0) == NULL);
}

TEST(a_star_stands_for_any_bytes)
{
    static const struct {
        const char *pattern, *text;
        bool want;
    } rows[] = {
        { "", "", true },
        { "", "a", false },
        { "*", "", true },
        { "*", "abc", true },
        { "a*", "abc", true },
        { "*c", "abc", true },
        { "a*c", "abc", true },
        { "a*c", "abcd", false },
        { "a*b*c", "aXXbYYc", true },
        { "a**c", "ac", true },
        { "*ab", "aab", true },
        { "*ab*", "xxaxabx", true },
        { "task.*", "task.completed", true },
        { "task.*", "tasks", false },
        { "abc", "abcd", false },
        { "abcd", "abc", false },
        { "?", "a", false },
        { "a*a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false },
    };
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        ROW(rows[i].pattern);
        CHECK_INT(str_glob(str_of(rows[i].pattern), str_of(rows[i].text)), rows[i].want);
    }
}

TEST(fnv_1a_gives_the_published_values)
{
    static const struct {
        const char *text;
        uint64_t want;
    } rows[] = { { "", 0xcbf29ce484222325ULL },
                 { "a", 0xaf63dc4c8601ec8cULL },
                 { "foobar", 0x85944171f73967e8ULL } };
    for (size_t i = 0; i < N_ELEMENTS(rows); i++)
        CHECK(str_hash(str_of(rows[i].text)) == rows[i].want);
}

TEST(siphash_gives_the_reference_vectors)
{
    /* vectors_sip64 of the authors' reference code: key 00..0f, message 00..n-1; 15 bytes is the
       example of the paper's appendix A. */
    static const struct {
        size_t n;
        uint8_t want[8];
    } rows[] = {
        { 0, { 0x31, 0x0e, 0x0e, 0xdd, 0x47, 0xdb, 0x6f, 0x72 } },
        { 1, { 0xfd, 0x67, 0xdc, 0x93, 0xc5, 0x39, 0xf8, 0x74 } },
        { 2, { 0x5a, 0x4f, 0xa9, 0xd9, 0x09, 0x80, 0x6c, 0x0d } },
        { 7, { 0x37, 0xd1, 0x01, 0x8b, 0xf5, 0x00, 0x02, 0xab } },
        { 8, { 0x62, 0x24, 0x93, 0x9a, 0x79, 0xf5, 0xf5, 0x93 } },
        { 15, { 0xe5, 0x45, 0xbe, 0x49, 0x61, 0xca, 0x29, 0xa1 } },
        { 63, { 0x72, 0x45, 0x06, 0xeb, 0x4c, 0x32, 0x8a, 0x95 } },
    };
    uint8_t key[16], message[64];
    for (unsigned i = 0; i < sizeof(message); i++)
        message[i] = (uint8_t)i;
    memcpy(key, message, sizeof(key));
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        uint64_t want = 0;
        for (unsigned k = 0; k < 8; k++)
            want |= (uint64_t)rows[i].want[k] << (8 * k);
        uint64_t got = str_siphash(str_n((const char *)message, rows[i].n), key);
        if (got != want)
            T_FAIL("%zu bytes: got %016llx, want %016llx", rows[i].n, (unsigned long long)got,
                   (unsigned long long)want);
    }
}
