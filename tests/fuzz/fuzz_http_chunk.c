/* However a chunked body is cut, the same bytes come out, the same number of bytes is used and the
   verdict is the same. */
#include "base/buf.h"
#include "http/parse.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome {
    struct buf body;
    size_t used;
    int status;
    bool done;
};

static struct outcome decode(struct str bytes, size_t step)
{
    struct outcome o = { .body = BUF_INIT(MIB) };
    struct http_chunks k = { 0 };
    struct error e = ERROR_INIT;
    while (o.used < bytes.n && !k.done && !k.status) {
        struct str in = str_sub(bytes, o.used, step), piece;
        size_t given = in.n;
        int got;
        while ((got = http_chunks_next(&k, &in, &piece, &e)) > 0) {
            assert(piece.n > 0);
            buf_str(&o.body, piece);
        }
        o.used += given - in.n;
        assert(got < 0 || in.n == 0 || k.done);
        assert((got < 0) == (k.status != 0));
    }
    o.status = k.status;
    o.done = k.done;
    assert(!k.status || (k.status >= 400 && k.status <= 431 && e.text[0]));
    return o;
}

static void check_same(struct outcome *a, struct outcome *b)
{
    assert(a->status == b->status && a->done == b->done && a->used == b->used);
    assert(str_eq(buf_view(&a->body), buf_view(&b->body)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct str bytes = str_n((const char *)data + 1, size - 1);
    struct outcome whole = decode(bytes, bytes.n);
    const size_t steps[] = { 1, 2, 1U + data[0] % 17, 1U + data[0] };
    for (size_t i = 0; i < N_ELEMENTS(steps); i++) {
        struct outcome cut = decode(bytes, steps[i]);
        check_same(&whole, &cut);
        buf_release(&cut.body);
    }
    assert(whole.body.n <= bytes.n);
    buf_release(&whole.body);
    return 0;
}
