/* allow / deny of event names. Both sides are brought to one spelling first, so that a filter may be
   written in the vendor's words or in ours. */
#include "triggers/filter.h"

#include "base/buf.h"

/* Vendors' decorations of one and the same event. */
static struct str filter_strip(struct str name)
{
    static const char *const prefixes[] = { "jira:", "zen:event-type:" };
    name = str_trim(name);
    for (size_t i = 0; i < N_ELEMENTS(prefixes); i++) {
        if (str_starts_fold(name, str_of(prefixes[i])))
            name = str_sub(name, strlen(prefixes[i]), name.n);
    }
    /* GitLab's header says "Merge Request Hook" */
    struct str hook = STR(" hook");
    if (name.n > hook.n && str_eq_fold(str_sub(name, name.n - hook.n, hook.n), hook))
        name.n -= hook.n;
    return name;
}

/* Lower case; '-' and ' ' as '_'; Shopify's "orders/create" as orders.create. */
static void filter_fold(struct str name, struct buf *out)
{
    name = filter_strip(name);
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        if (c >= 'A' && c <= 'Z')
            c = (char)(c | 0x20);
        else if (c == '-' || c == ' ')
            c = '_';
        else if (c == '/')
            c = '.';
        buf_char(out, c);
    }
}

bool filter_event_matches(struct str pattern, struct str event)
{
    auto_buf p = BUF_INIT(pattern.n + 1), e = BUF_INIT(event.n + 1);
    filter_fold(pattern, &p);
    filter_fold(event, &e);
    if (p.n == 0)
        return false;
    if (str_chr(buf_view(&p), '*') >= 0)
        return str_glob(buf_view(&p), buf_view(&e));
    return str_starts(buf_view(&e), buf_view(&p)) && (e.n == p.n || e.p[p.n] == '.');
}

static bool filter_any(const struct config_texts *patterns, struct str event)
{
    for (size_t i = 0; i < patterns->n; i++) {
        if (filter_event_matches(patterns->items[i].s, event))
            return true;
    }
    return false;
}

bool filter_event_allowed(const struct config_texts *allow, const struct config_texts *deny,
                          struct str event)
{
    if (filter_any(deny, event))
        return false;
    if (allow->n == 0)
        return true;
    return event.n > 0 && filter_any(allow, event);
}
