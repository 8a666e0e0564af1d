/* The unit harness: TEST(name) { … } bodies, CHECK_* that print got / want / row, one main() a file.
   Ends with "N passed, N failed"; exit status 1 when anything failed. */
#ifndef KERYX_TESTS_T_H
#define KERYX_TESTS_T_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef void (*t_fn)(void);
static struct {
    const char *name;
    t_fn fn;
} t_cases[256];
static unsigned t_n_cases;
static const char *t_row = "";
static int t_failed_checks;

static void t_register(const char *name, t_fn fn)
{
    if (t_n_cases == 256)
        abort();
    t_cases[t_n_cases].name = name;
    t_cases[t_n_cases++].fn = fn;
}

#define TEST(name)                                              \
    static void test_##name(void);                              \
    __attribute__((constructor)) static void t_reg_##name(void) \
    {                                                           \
        t_register(#name, test_##name);                         \
    }                                                           \
    static void test_##name(void)

/* Names the row of a table that the following checks belong to. */
#define ROW(text) (t_row = (text))

#define T_FAIL(...)                                                           \
    do {                                                                      \
        t_failed_checks++;                                                    \
        printf("%s:%d: %s%s", __FILE__, __LINE__, t_row, *t_row ? ": " : ""); \
        printf(__VA_ARGS__);                                                  \
        putchar('\n');                                                        \
    } while (0)

#define CHECK(condition)                       \
    do {                                       \
        if (!(condition))                      \
            T_FAIL("%s is false", #condition); \
    } while (0)

#define CHECK_INT(got, want)                                            \
    do {                                                                \
        long long t_got = (long long)(got), t_want = (long long)(want); \
        if (t_got != t_want)                                            \
            T_FAIL("%s: got %lld, want %lld", #got, t_got, t_want);     \
    } while (0)

/* got: const char * and length; want: C string. */
#define CHECK_BYTES(got, got_n, want)                                                        \
    do {                                                                                     \
        const char *t_g = (got), *t_w = (want);                                              \
        size_t t_gn = (got_n);                                                               \
        if (t_gn != strlen(t_w) || (t_gn && memcmp(t_g, t_w, t_gn)))                         \
            T_FAIL("%s:\n  got  «%.*s»\n  want «%s»", #got, (int)t_gn, t_g ? t_g : "", t_w); \
    } while (0)

#define CHECK_STR(got, want) CHECK_BYTES((got).p, (got).n, want)
#define CHECK_CSTR(got, want)                                                  \
    do {                                                                       \
        const char *t_c = (got);                                               \
        CHECK_BYTES(t_c ? t_c : "(null)", strlen(t_c ? t_c : "(null)"), want); \
    } while (0)

int main(int argc, char **argv)
{
    unsigned passed = 0, failed = 0;
    for (unsigned i = 0; i < t_n_cases; i++) {
        if (argc > 1 && !strstr(t_cases[i].name, argv[1]))
            continue;
        t_failed_checks = 0;
        t_row = "";
        t_cases[i].fn();
        if (t_failed_checks) {
            failed++;
            printf("FAIL %s\n", t_cases[i].name);
        } else {
            passed++;
        }
    }
    printf("%u passed, %u failed\n", passed, failed);
    return failed ? 1 : 0;
}

#endif
