/* Server-sent events: whatever comes, in two pieces as in one, gives the same events. */
#include "agents/sse.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void on_event(void *ctx, struct str name, struct str bytes)
{
    buf_str(ctx, name);
    buf_char(ctx, '\1');
    buf_str(ctx, bytes);
    buf_char(ctx, '\2');
}

static void read_events(struct str text, size_t cut, struct buf *out)
{
    struct sse s;
    sse_init(&s, 256, on_event, out);
    sse_feed(&s, str_sub(text, 0, cut));
    sse_feed(&s, str_sub(text, cut, text.n));
    sse_end(&s);
    sse_release(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = str_n((const char *)data, size);
    auto_buf whole = BUF_INIT(4 * MIB), cut = BUF_INIT(4 * MIB);
    read_events(text, size, &whole);
    read_events(text, size ? data[0] % size : 0, &cut);
    assert(str_eq(buf_view(&whole), buf_view(&cut)));
    return 0;
}
