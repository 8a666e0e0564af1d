/* Any text as agents.yaml: it loads or says why, every problem has a place inside the text, the work
   is bounded, and what it prints loads again without an error. */
#include "config/config.h"
#include "config/yaml.h"

#include "base/when.h"

#include <assert.h>
#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned count_lines(struct str text)
{
    unsigned lines = 1;
    for (size_t i = 0; i < text.n; i++) /* an upper bound: libyaml knows more breaks than LF */
        lines += text.p[i] == '\n' || text.p[i] == '\r' || (unsigned char)text.p[i] == 0x85 ||
                 (unsigned char)text.p[i] == 0xa8 || (unsigned char)text.p[i] == 0xa9;
    return lines;
}

static void check_problems(const struct config_problems *p, struct str text)
{
    unsigned lines = count_lines(text);
    for (size_t i = 0; i < p->n; i++) {
        assert(p->items[i].text && *p->items[i].text);
        assert(p->items[i].pos.line <= lines + 1);
        assert(p->items[i].pos.column <= text.n + 2);
        if (i)
            assert(p->items[i - 1].pos.line <= p->items[i].pos.line);
    }
}

static void check_print(const struct config *c)
{
    struct buf out = BUF_INIT(16 * MIB);
    struct config_problems again;
    config_print(c, &out);
    assert(buf_ok(&out));
    config_problems_init(&again);
    struct config *second = config_load_text(buf_view(&out), "printed", NULL, &again);
    if (!second) {
        config_problems_print(&again, "printed", &out);
        fwrite(out.p, 1, out.n, stderr);
    }
    assert(second);
    config_unref(second);
    config_problems_release(&again);
    buf_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = { (const char *)data, size };
    struct config_problems problems;
    config_problems_init(&problems);
    struct config *c = config_load_text(text, "agents.yaml", NULL, &problems);
    assert(!c == (problems.n_errors > 0));
    check_problems(&problems, text);
    if (c)
        check_print(c);
    config_unref(c);
    config_problems_release(&problems);
    return 0;
}
