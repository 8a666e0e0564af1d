/* Memory that is there or the process ends: the one place that handles a refused allocation. */
#include "base/base.h"

#include <string.h>

static _Noreturn void base_out_of_memory(void)
{
    static const char line[] = "keryx: out of memory\n";
    /* Nothing that allocates: not stdio, not the log. */
    ssize_t ignored = write(STDERR_FILENO, line, sizeof(line) - 1);
    (void)ignored;
    abort();
}

void *xalloc(size_t size)
{
    void *p = calloc(1, size ? size : 1);
    if (!p)
        base_out_of_memory();
    return p;
}

void *xrealloc(void *old, size_t size)
{
    void *p = realloc(old, size ? size : 1);
    if (!p)
        base_out_of_memory();
    return p;
}

char *xstrndup(const char *text, size_t len)
{
    if (len == SIZE_MAX)
        base_out_of_memory();
    char *copy = xalloc(len + 1);
    if (len)
        memcpy(copy, text, len);
    return copy;
}
