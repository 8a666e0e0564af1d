/* What a program or a server says, kept within bounds: the first bytes, the last bytes, and a count. */
#ifndef KERYX_AGENTS_OUTPUT_H
#define KERYX_AGENTS_OUTPUT_H

#include "base/arena.h"
#include "base/buf.h"

#define OUTPUT_HEAD (64 * KIB)

struct output {
    struct buf head; /* the first head.limit bytes */
    char *tail;      /* owned ring of the last tail_max bytes after those */
    size_t tail_max, tail_cap, tail_n, tail_at;
    uint64_t bytes; /* seen in all */
};

/* Keeps at most `head` bytes from the start and `tail` bytes from the end. Memory grows with use. */
void output_init(struct output *o, size_t head, size_t tail);
/* limits.output as it is configured: the first OUTPUT_HEAD bytes and the last rest of `limit`. */
void output_init_limit(struct output *o, size_t limit);
void output_release(struct output *o);
void output_add(struct output *o, struct str bytes);
/* Something between head and tail was dropped. */
bool output_truncated(const struct output *o);
/* What was kept, as text (output_text), cut at the gap between characters. */
struct str output_take(const struct output *o, struct arena *a);

/* Well-formed UTF-8 without NUL: bytes that are no UTF-8 become U+FFFD each. */
struct str output_text(struct arena *a, struct str bytes);
/* Without one final LF or CRLF, as a program that prints a line means it. */
struct str output_chomp(struct str text);
/* The last line that is one JSON value, blank lines aside; STR_NULL when there is none. */
struct str output_last_json(struct str text);
/* A piece of what a stranger said, for an error message: trimmed, one line, at most `max` bytes. */
struct str output_excerpt(struct arena *a, struct str bytes, size_t max);

#endif
