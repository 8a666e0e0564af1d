/* String to pointer, in insertion order. */
#include "base/map.h"
#include "tests/t.h"

static int one = 1, two = 2, three = 3;

static void check_order(const struct map *m, const char *want)
{
    char got[256] = "";
    const struct map_entry *entry;
    for (size_t at = 0; (entry = map_next(m, &at)) != NULL;)
        snprintf(got + strlen(got), sizeof(got) - strlen(got), "%" STR_FMT " ",
                 STR_ARG(entry->key));
    CHECK_CSTR(got, want);
}

TEST(values_are_found_by_key)
{
    struct map *m = map_new(false);
    CHECK(map_get(m, STR("a")) == NULL);
    CHECK(map_remove(m, STR("a")) == NULL);
    CHECK(map_put(m, STR("a"), &one) == NULL);
    CHECK(map_put(m, STR("A"), &two) == NULL);
    CHECK(map_put(m, STR_NULL, &three) == NULL);
    CHECK(map_get(m, STR("a")) == &one);
    CHECK(map_get(m, STR("A")) == &two);
    CHECK(map_get(m, STR("")) == &three);
    CHECK(map_get(m, STR("aa")) == NULL);
    CHECK(map_put(m, STR("a"), &three) == &one);
    CHECK(map_get(m, STR("a")) == &three);
    CHECK_INT(map_count(m), 3);
    CHECK(map_remove(m, STR("a")) == &three);
    CHECK(map_get(m, STR("a")) == NULL);
    CHECK_INT(map_count(m), 2);
    map_free(m);
    map_free(NULL);
}

TEST(case_is_folded_when_asked)
{
    struct map *m = map_new(true);
    char long_key[300];
    memset(long_key, 'K', sizeof(long_key));
    CHECK(map_put(m, STR("Content-Type"), &one) == NULL);
    CHECK(map_put(m, STR("content-TYPE"), &two) == &one);
    CHECK(map_get(m, STR("CONTENT-type")) == &two);
    check_order(m, "Content-Type ");
    CHECK(map_put(m, str_n(long_key, sizeof(long_key)), &three) == NULL);
    memset(long_key, 'k', sizeof(long_key));
    CHECK(map_get(m, str_n(long_key, sizeof(long_key))) == &three);
    map_free(m);
}

TEST(keys_are_copies_and_terminated)
{
    struct map *m = map_new(false);
    char key[] = "key!";
    CHECK(map_put(m, str_n(key, 3), &one) == NULL);
    key[0] = 'X';
    size_t at = 0;
    CHECK_CSTR(map_next(m, &at)->key.p, "key");
    map_free(m);
}

TEST(order_is_that_of_insertion_also_after_removal)
{
    struct map *m = map_new(false);
    static const char *const keys[] = { "z", "y", "x", "w", "v", "u", "t", "s", "r" };
    for (size_t i = 0; i < N_ELEMENTS(keys); i++)
        CHECK(map_put(m, str_of(keys[i]), &one) == NULL);
    check_order(m, "z y x w v u t s r ");
    CHECK(map_remove(m, STR("w")) == &one);
    CHECK(map_remove(m, STR("z")) == &one);
    check_order(m, "y x v u t s r ");
    CHECK(map_put(m, STR("z"), &two) == NULL);
    check_order(m, "y x v u t s r z ");
    CHECK(map_put(m, STR("x"), &two) == &one);
    check_order(m, "y x v u t s r z ");
    map_free(m);
}

TEST(the_entry_just_returned_may_be_removed)
{
    struct map *m = map_new(false);
    char key[16];
    for (int i = 0; i < 100; i++) {
        snprintf(key, sizeof(key), "%d", i);
        CHECK(map_put(m, str_of(key), i % 2 ? &one : &two) == NULL);
    }
    int seen = 0;
    const struct map_entry *entry;
    for (size_t at = 0; (entry = map_next(m, &at)) != NULL; seen++) {
        if (entry->value == &one)
            CHECK(map_remove(m, entry->key) == &one);
    }
    CHECK_INT(seen, 100);
    CHECK_INT(map_count(m), 50);
    CHECK(map_get(m, STR("98")) == &two);
    CHECK(map_get(m, STR("99")) == NULL);
    map_free(m);
}

TEST(many_puts_and_removals_keep_every_key)
{
    /* A window of 1000 keys slides over 50000: holes must be reused, nothing lost. */
    struct map *m = map_new(false);
    char key[16];
    for (int i = 0; i < 50000; i++) {
        snprintf(key, sizeof(key), "key%d", i);
        CHECK(map_put(m, str_of(key), &one) == NULL);
        if (i < 1000)
            continue;
        snprintf(key, sizeof(key), "key%d", i - 1000);
        CHECK(map_remove(m, str_of(key)) == &one);
    }
    CHECK_INT(map_count(m), 1000);
    for (int i = 49000; i < 50000; i++) {
        snprintf(key, sizeof(key), "key%d", i);
        CHECK(map_get(m, str_of(key)) == &one);
    }
    map_free(m);
}
