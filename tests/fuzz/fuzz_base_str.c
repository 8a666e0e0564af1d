/* Numbers, UTF-8 and splitting on any bytes. */
#include "base/str.h"

#include <assert.h>
#include <math.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_numbers(struct str s)
{
    uint64_t u = 0;
    int64_t i = 0;
    double d = 0;
    bool is_u = str_u64(s, &u) == 0, is_i = str_i64(s, &i) == 0, is_d = str_double(s, &d) == 0;
    assert(!is_u || is_d);
    assert(!is_i || is_d);
    assert(!(is_u && is_i) || u == (uint64_t)i);
    assert(isfinite(d));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str s = str_n((const char *)data, size);
    check_numbers(s);

    bool valid = str_utf8_valid(s);
    for (size_t n = 0; n <= size; n++) {
        size_t cut = str_utf8_cut(s, n);
        assert(cut <= n && n - cut <= 3);
        assert(!valid || str_utf8_valid(str_sub(s, 0, cut)));
    }

    struct str rest = s, piece;
    size_t pieces = 0, bytes = 0;
    for (; str_split(&rest, ',', &piece); pieces++)
        bytes += piece.n;
    assert(size == 0 ? pieces == 0 : bytes + pieces - 1 == size);

    struct str half = str_sub(s, 0, size / 2), other = str_sub(s, size / 2, size);
    assert(str_distance(half, other, 3) == str_distance(other, half, 3));
    assert(str_glob(STR("*"), s));
    assert(size > 1000 || str_chr(s, '*') >= 0 || str_glob(s, s));
    assert(str_trim(s).n <= size);
    return 0;
}
