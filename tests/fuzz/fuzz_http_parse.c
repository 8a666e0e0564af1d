/* The verdict on a head does not depend on how its bytes were cut; what is accepted is made of views
   into the input that hold nothing a second parser could read differently. */
#include "http/parse.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool inside(struct str whole, struct str part)
{
    return part.p >= whole.p && part.p + part.n <= whole.p + whole.n;
}

static ptrdiff_t scan_in_steps(struct str bytes, size_t step)
{
    struct http_scan scan = { 0 };
    for (size_t n = MIN(step, bytes.n);; n = MIN(n + step, bytes.n)) {
        ptrdiff_t found = http_head_scan(&scan, str_n(bytes.p, n), NULL);
        if (found || n == bytes.n)
            return found;
    }
}

static void check_head(struct str bytes, const struct http_head *h)
{
    assert(h->n_fields <= HTTP_MAX_FIELDS);
    assert(inside(bytes, h->method) && h->method.n > 0 && h->method.n <= HTTP_MAX_METHOD);
    assert(inside(bytes, h->target) && h->target.n > 0);
    assert(h->path.n > 0 && h->path.p[0] == '/');
    assert(!(h->chunked && h->content_length >= 0));
    assert(!h->chunked || h->minor == 1);
    unsigned hosts = 0;
    for (size_t i = 0; i < h->n_fields; i++) {
        assert(inside(bytes, h->fields[i].name) && inside(bytes, h->fields[i].value));
        assert(http_header_valid(h->fields[i].name, h->fields[i].value));
        hosts += str_eq_fold(h->fields[i].name, STR("host"));
    }
    assert(hosts == 1 || (hosts == 0 && h->minor == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct http_head whole, again;
    if (size == 0)
        return 0;
    struct str bytes = str_n((const char *)data + 1, size - 1);
    ptrdiff_t n = scan_in_steps(bytes, SIZE_MAX / 2);
    assert(n == scan_in_steps(bytes, 1));
    assert(n == scan_in_steps(bytes, 1U + data[0]));
    if (n <= 0)
        return 0;
    struct str head = str_sub(bytes, 0, (size_t)n);
    struct error e = ERROR_INIT;
    int failed = http_head_parse(head, &whole, &e);
    assert(http_head_parse(head, &again, NULL) == failed && again.status == whole.status);
    if (failed) {
        assert(whole.status >= 400 && whole.status <= 505 && e.text[0]);
        return 0;
    }
    check_head(head, &whole);
    return 0;
}
