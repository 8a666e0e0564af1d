/* Keeping the two ends of an output of any length, and making text of bytes. */
#include "agents/output.h"

#include "base/json.h"

#define OUTPUT_FIRST_TAIL (16 * KIB)

void output_init(struct output *o, size_t head, size_t tail)
{
    *o = (struct output){ .head = BUF_INIT(head), .tail_max = tail };
}

void output_init_limit(struct output *o, size_t limit)
{
    size_t head = MIN(limit, OUTPUT_HEAD);
    output_init(o, head, limit - head);
}

void output_release(struct output *o)
{
    buf_release(&o->head);
    free(o->tail);
    o->tail = NULL;
}

/* Until it has its full size the ring never wraps: what is in it begins at tail[0]. */
static void output_grow(struct output *o, size_t want)
{
    size_t cap = o->tail_cap ? o->tail_cap : OUTPUT_FIRST_TAIL;
    while (cap < want && cap < o->tail_max)
        cap *= 2;
    cap = MIN(cap, o->tail_max);
    if (cap > o->tail_cap) {
        o->tail = xrealloc(o->tail, cap);
        o->tail_cap = cap;
        o->tail_at = o->tail_n;
    }
}

static void output_add_tail(struct output *o, struct str bytes)
{
    if (o->tail_max == 0 || bytes.n == 0)
        return;
    if (bytes.n > o->tail_max)
        bytes = str_sub(bytes, bytes.n - o->tail_max, o->tail_max);
    output_grow(o, o->tail_n + bytes.n);
    while (bytes.n) {
        size_t n = MIN(bytes.n, o->tail_cap - o->tail_at);
        memcpy(o->tail + o->tail_at, bytes.p, n);
        o->tail_at = (o->tail_at + n) % o->tail_cap;
        o->tail_n = MIN(o->tail_n + n, o->tail_cap);
        bytes = str_sub(bytes, n, bytes.n);
    }
}

void output_add(struct output *o, struct str bytes)
{
    size_t n = MIN(bytes.n, o->head.limit - o->head.n);
    o->bytes += bytes.n;
    buf_add(&o->head, bytes.p, n);
    output_add_tail(o, str_sub(bytes, n, bytes.n));
}

bool output_truncated(const struct output *o)
{
    return o->bytes > o->head.n + o->tail_n;
}

/* The bytes of a character whose beginning was dropped. */
static struct str output_skip_rest(struct str s)
{
    size_t n = 0;
    while (n < s.n && n < 3 && ((unsigned char)s.p[n] & 0xc0) == 0x80)
        n++;
    return str_sub(s, n, s.n);
}

/* The same at the end: a lead byte without all of its followers. */
static struct str output_drop_part(struct str s)
{
    for (size_t back = 1; back <= 3 && back <= s.n; back++) {
        unsigned char c = (unsigned char)s.p[s.n - back];
        if ((c & 0xc0) == 0x80)
            continue;
        size_t want = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc0 ? 2 : 1;
        return want > back ? str_sub(s, 0, s.n - back) : s;
    }
    return s;
}

struct str output_take(const struct output *o, struct arena *a)
{
    auto_buf all = BUF_INIT(o->head.n + o->tail_n);
    bool cut = output_truncated(o);
    struct str head = buf_view(&o->head);
    buf_str(&all, cut ? output_drop_part(head) : head);
    if (o->tail_n) {
        char *straight = arena_alloc(a, o->tail_n);
        size_t from = (o->tail_at + o->tail_cap - o->tail_n) % o->tail_cap;
        size_t first = MIN(o->tail_n, o->tail_cap - from);
        memcpy(straight, o->tail + from, first);
        memcpy(straight + first, o->tail, o->tail_n - first);
        struct str tail = str_n(straight, o->tail_n);
        buf_str(&all, cut ? output_skip_rest(tail) : tail);
    }
    return output_text(a, buf_view(&all));
}

struct str output_text(struct arena *a, struct str bytes)
{
    if (str_utf8_valid(bytes) && str_chr(bytes, 0) < 0)
        return arena_str(a, bytes);
    auto_buf out = BUF_INIT(bytes.n * 3);
    for (size_t at = 0; at < bytes.n;) {
        size_t n = str_utf8_len(bytes, at);
        if (n == 0)
            buf_cstr(&out, "\xef\xbf\xbd");
        else if (bytes.p[at] != 0)
            buf_add(&out, bytes.p + at, n);
        at += n ? n : 1;
    }
    return arena_str(a, buf_view(&out));
}

struct str output_chomp(struct str text)
{
    if (str_ends(text, STR("\n")))
        text.n--;
    else
        return text;
    if (str_ends(text, STR("\r")))
        text.n--;
    return text;
}

struct str output_last_json(struct str text)
{
    while (text.n) {
        ptrdiff_t at = str_rchr(text, '\n');
        struct str line = str_trim(str_sub(text, (size_t)(at + 1), text.n));
        struct arena *a = arena_new(0);
        bool json = line.n && json_parse(a, line, NULL, NULL) != NULL;
        arena_free(a);
        if (json)
            return line;
        text.n = at < 0 ? 0 : (size_t)at;
    }
    return STR_NULL;
}

struct str output_excerpt(struct arena *a, struct str bytes, size_t max)
{
    struct str s = str_trim(bytes);
    bool cut = s.n > max;
    s = output_text(a, cut ? output_drop_part(str_sub(s, 0, max)) : s);
    char *line = arena_alloc(a, s.n + sizeof("…"));
    for (size_t i = 0; i < s.n; i++)
        line[i] = (unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f ? ' ' : s.p[i];
    if (cut) {
        memcpy(line + s.n, "…", strlen("…"));
        s.n += strlen("…");
    }
    return str_n(line, s.n);
}
