/* Ids: sortable, unguessable. */
#include "base/id.h"
#include "tests/t.h"

#include <pthread.h>

static bool is_hex_at(const char *text, size_t i)
{
    return strchr("0123456789abcdef", text[i]) != NULL;
}

TEST(a_uuid7_has_the_shape_and_the_time)
{
    struct clock c = { .manual = true, .wall_us = 0x0199C0FFEE42LL * 1000 + 500 };
    char text[ID_TEXT];
    id_uuid7(&c, text);
    CHECK_INT(strlen(text), 36);
    CHECK_BYTES(text, 19, "0199c0ff-ee42-7800-"); /* 500 us = half of 4096 */
    CHECK(strchr("89ab", text[19]) != NULL);
    for (size_t i = 0; i < 36; i++) {
        bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;
        CHECK(is_dash ? text[i] == '-' : is_hex_at(text, i));
    }
}

TEST(uuid7s_grow_on_a_clock_that_stands_or_steps_back)
{
    struct clock c = { .manual = true, .wall_us = 0x0199C0FFEE43LL * 1000 };
    char before[ID_TEXT] = "", now[ID_TEXT];
    for (int i = 0; i < 20000; i++) {
        if (i == 10000)
            c.wall_us -= 3600 * US_PER_S;
        id_uuid7(&c, now);
        if (strcmp(before, now) >= 0)
            T_FAIL("%s came after %s", now, before);
        memcpy(before, now, sizeof(now));
    }
}

TEST(ns_ids_grow_and_stay_above_the_floor)
{
    struct clock c = { .manual = true, .wall_us = 1700000000 * US_PER_S };
    uint64_t first = id_ns(&c);
    CHECK(first == 1700000000ULL * 1000000000);
    CHECK(id_ns(&c) == first + 1);
    c.wall_us -= 10;
    CHECK(id_ns(&c) == first + 2);
    c.wall_us += 10 * US_PER_S;
    CHECK(id_ns(&c) == first + 9999990000ULL);
    id_ns_floor(first + 50000000000ULL);
    CHECK(id_ns(&c) == first + 50000000001ULL);
    id_ns_floor(5);
    CHECK(id_ns(&c) == first + 50000000002ULL);
}

static void *draw(void *arg)
{
    uint64_t *out = arg;
    for (int i = 0; i < 5000; i++)
        out[i] = id_ns(&clock_real);
    return NULL;
}

static int compare_u64(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

TEST(threads_never_get_the_same_id)
{
    static uint64_t ids[4 * 5000];
    pthread_t threads[4];
    for (size_t i = 0; i < 4; i++)
        CHECK_INT(pthread_create(&threads[i], NULL, draw, ids + i * 5000), 0);
    for (size_t i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    qsort(ids, N_ELEMENTS(ids), sizeof(*ids), compare_u64);
    size_t same = 0;
    for (size_t i = 1; i < N_ELEMENTS(ids); i++)
        same += ids[i] == ids[i - 1];
    CHECK_INT(same, 0);
}

TEST(random_bytes_are_filled_and_differ)
{
    static const size_t sizes[] = { 1, 8, 16, 32, 200, 1000 };
    for (size_t i = 0; i < N_ELEMENTS(sizes); i++) {
        unsigned char a[1001] = { 0 }, b[1001] = { 0 };
        id_random(a, sizes[i]);
        id_random(b, sizes[i]);
        CHECK_INT(a[sizes[i]], 0);
        if (sizes[i] >= 8)
            CHECK(memcmp(a, b, sizes[i]) != 0);
    }
    /* Every bit is seen both ways in 64 draws (but for one in 2^58 runs). */
    uint32_t all = 0, none = 0;
    for (int i = 0; i < 64; i++) {
        uint32_t x = id_random_u32();
        all |= x;
        none |= ~x;
    }
    CHECK(all == UINT32_MAX && none == UINT32_MAX);
}

TEST(random_hex_is_terminated_text)
{
    static const size_t sizes[] = { 0, 1, 2, 16, 150 };
    for (size_t i = 0; i < N_ELEMENTS(sizes); i++) {
        char text[302];
        memset(text, 'X', sizeof(text));
        id_random_hex(text, sizes[i]);
        CHECK_INT(strlen(text), 2 * sizes[i]);
        CHECK_INT(text[2 * sizes[i] + 1], 'X');
        for (size_t k = 0; k < 2 * sizes[i]; k++)
            CHECK(is_hex_at(text, k));
    }
}
