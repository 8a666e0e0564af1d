/* Lifetimes. */
#include "base/arena.h"
#include "tests/t.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer) && !defined(__SANITIZE_ADDRESS__)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#endif

TEST(memory_is_zeroed_aligned_and_apart)
{
    static const size_t firsts[] = { 0, 1, 64, 4096, 64 * MIB };
    for (size_t f = 0; f < N_ELEMENTS(firsts); f++) {
        struct arena *a = arena_new(firsts[f]);
        unsigned char *got[300];
        for (size_t i = 0; i < N_ELEMENTS(got); i++) {
            got[i] = arena_alloc(a, i * 13);
            CHECK_INT((uintptr_t)got[i] % 16, 0);
            for (size_t k = 0; k < i * 13; k++) {
                if (got[i][k] != 0)
                    T_FAIL("byte %zu of %zu is not zero", k, i);
            }
            memset(got[i], (int)i, i * 13);
        }
        for (size_t i = 1; i < N_ELEMENTS(got); i++)
            CHECK_INT(got[i][i * 13 - 1], (unsigned char)i);
        arena_free(a);
    }
    arena_free(NULL);
}

TEST(large_pieces_do_not_waste_the_current_chunk)
{
    struct arena *a = arena_new(0);
    char *before = arena_alloc(a, 16);
    char *large = arena_alloc(a, 5 * MIB);
    memset(large, 1, 5 * MIB);
    char *after = arena_alloc(a, 16);
    CHECK(after > before && after - before < 100);
    arena_free(a);
}

TEST(what_was_handed_out_is_counted)
{
    struct arena *a = arena_new(0);
    CHECK_INT(arena_used(a), 0);
    (void)arena_alloc(a, 1);
    CHECK_INT(arena_used(a), 16);
    (void)arena_alloc(a, 2 * MIB);
    CHECK_INT(arena_used(a), 16 + 2 * MIB);
    arena_free(a);
}

TEST(strings_are_copied_and_terminated)
{
    struct arena *a = arena_new(0);
    char source[] = "hello";
    struct str s = arena_str(a, str_n(source, 4));
    char *c = arena_cstr(a, STR_NULL);
    source[0] = 'X';
    CHECK_STR(s, "hell");
    CHECK_INT(s.p[4], 0);
    CHECK_CSTR(c, "");
    CHECK_STR(arena_printf(a, "%s-%d", "a", 7), "a-7");
    CHECK_STR(arena_printf(a, "%s", ""), "");
    struct str wide = arena_printf(a, "%3000d", 9);
    CHECK_INT(wide.n, 3000);
    CHECK_INT(wide.p[2999], '9');
    CHECK_INT(wide.p[3000], 0);
    arena_free(a);
}

struct trace {
    struct arena *arena;
    char text[16];
};

static void trace_add(struct trace *t, char c)
{
    t->text[strlen(t->text)] = c;
}

static void trace_a(void *arg)
{
    trace_add(arg, 'a');
}

static void trace_b(void *arg)
{
    trace_add(arg, 'b');
}

static void trace_again(void *arg)
{
    struct trace *t = arg;
    trace_add(t, 'c');
    arena_on_free(t->arena, trace_a, t);
}

TEST(hooks_run_last_registered_first)
{
    struct trace t = { .arena = arena_new(0) };
    arena_on_free(t.arena, trace_a, &t);
    arena_on_free(t.arena, trace_b, &t);
    arena_free(t.arena);
    CHECK_CSTR(t.text, "ba");

    struct trace nested = { .arena = arena_new(0) };
    arena_on_free(nested.arena, trace_b, &nested);
    arena_on_free(nested.arena, trace_again, &nested);
    arena_free(nested.arena);
    CHECK_CSTR(nested.text, "cab");
}

#ifdef __SANITIZE_ADDRESS__
TEST(bytes_behind_a_piece_are_poisoned)
{
    struct arena *a = arena_new(0);
    char *p = arena_alloc(a, 32);
    CHECK(!__asan_address_is_poisoned(p + 31));
    CHECK(__asan_address_is_poisoned(p + 32));
    char *q = arena_alloc(a, 32);
    CHECK(__asan_address_is_poisoned(p + 32));
    CHECK(!__asan_address_is_poisoned(q));
    arena_free(a);
}
#endif
