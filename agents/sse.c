/* Server-sent events, line by line. */
#include "agents/sse.h"

#define SSE_MAX_NAME 256

void sse_init(struct sse *s, size_t max, void (*event)(void *ctx, struct str name, struct str data),
              void *ctx)
{
    *s = (struct sse){
        .line = BUF_INIT(max),
        .data = BUF_INIT(max),
        .name = BUF_INIT(SSE_MAX_NAME),
        .event = event,
        .ctx = ctx,
    };
}

void sse_release(struct sse *s)
{
    buf_release(&s->line);
    buf_release(&s->data);
    buf_release(&s->name);
}

static void sse_dispatch(struct sse *s)
{
    struct str data = buf_view(&s->data);
    if (data.n && buf_ok(&s->data)) {
        data.n--; /* the LF after the last line */
        s->event(s->ctx, buf_view(&s->name), data);
    }
    buf_reset(&s->data);
    buf_reset(&s->name);
}

static void sse_field(struct sse *s, struct str line)
{
    ptrdiff_t colon = str_chr(line, ':');
    struct str name = colon < 0 ? line : str_sub(line, 0, (size_t)colon);
    struct str value = colon < 0 ? STR("") : str_sub(line, (size_t)colon + 1, line.n);
    if (str_starts(value, STR(" ")))
        value = str_sub(value, 1, value.n);
    if (str_eq_c(name, "data")) {
        buf_str(&s->data, value);
        buf_char(&s->data, '\n');
    } else if (str_eq_c(name, "event")) {
        buf_reset(&s->name);
        buf_str(&s->name, value);
    } /* id, retry, comments (no name) and what is unknown */
}

static void sse_line(struct sse *s)
{
    struct str line = buf_view(&s->line);
    if (!s->started && str_starts(line, STR("\xef\xbb\xbf")))
        line = str_sub(line, 3, line.n);
    s->started = true;
    if (!buf_ok(&s->line))
        s->data.full = true; /* the event is not whole any more */
    else if (line.n)
        sse_field(s, line);
    else
        sse_dispatch(s);
    buf_reset(&s->line);
}

void sse_feed(struct sse *s, struct str bytes)
{
    if (s->after_cr && bytes.n) {
        s->after_cr = false;
        if (bytes.p[0] == '\n')
            bytes = str_sub(bytes, 1, bytes.n);
    }
    while (bytes.n) {
        size_t n = 0;
        while (n < bytes.n && bytes.p[n] != '\n' && bytes.p[n] != '\r')
            n++;
        buf_add(&s->line, bytes.p, n);
        if (n == bytes.n)
            return;
        bool cr = bytes.p[n] == '\r';
        bytes = str_sub(bytes, n + 1, bytes.n);
        if (cr && bytes.n && bytes.p[0] == '\n')
            bytes = str_sub(bytes, 1, bytes.n);
        else if (cr && bytes.n == 0)
            s->after_cr = true;
        sse_line(s);
    }
}

void sse_end(struct sse *s)
{
    if (s->line.n || !buf_ok(&s->line))
        sse_line(s);
    sse_dispatch(s);
}
