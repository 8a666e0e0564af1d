/* Allocation that never fails quietly. */
#include "base/base.h"
#include "tests/t.h"

#include <signal.h>
#include <sys/wait.h>

TEST(memory_is_zeroed_and_even_nothing_can_be_freed)
{
    static const size_t sizes[] = { 0, 1, 7, 4096, 100000 };
    for (size_t i = 0; i < N_ELEMENTS(sizes); i++) {
        auto_free unsigned char *p = xalloc(sizes[i]);
        size_t dirty = 0;
        for (size_t k = 0; k < sizes[i]; k++)
            dirty += p[k] != 0;
        CHECK(p != NULL);
        CHECK_INT(dirty, 0);
    }
}

TEST(growing_keeps_what_was_there)
{
    auto_free char *p = xrealloc(NULL, 4);
    memcpy(p, "abc", 4);
    p = xrealloc(p, 100000);
    CHECK_CSTR(p, "abc");
}

TEST(a_copy_ends_with_nul)
{
    static const struct {
        const char *text;
        size_t len;
        const char *want;
    } rows[] = { { "hello", 5, "hello" }, { "hello", 2, "he" }, { "", 0, "" }, { NULL, 0, "" } };
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        auto_free char *copy = xstrndup(rows[i].text, rows[i].len);
        CHECK_CSTR(copy, rows[i].want);
    }
}

TEST(a_descriptor_is_closed_when_its_scope_ends)
{
    int ends[2];
    CHECK_INT(pipe(ends), 0);
    {
        auto_close int writer = ends[1];
        auto_close int none = -1;
        (void)writer;
        (void)none;
    }
    char c;
    CHECK_INT(read(ends[0], &c, 1), 0);
    close(ends[0]);
}

static int outer_member(int *inner);
struct outer {
    int before, inner;
};

static int outer_member(int *inner)
{
    return container_of(inner, struct outer, inner)->before;
}

TEST(the_embedding_struct_is_found)
{
    struct outer o = { .before = 7 };
    CHECK_INT(outer_member(&o.inner), 7);
    CHECK_INT(MIN(2, 3), 2);
    CHECK_INT(MAX(2, 3), 3);
}
