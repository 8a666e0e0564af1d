/* Outgoing URLs and addresses against a policy. */
#include "http/guard.h"

#include <curl/curl.h>

#define GUARD_MAX_URL (8 * KIB)

bool guard_allows(const struct guard_policy *p, const struct addr *a)
{
    return !p || !addr_is_special(a) || cidr_list_contains(p->allow, p->n_allow, a);
}

static bool guard_host_is(struct str host, struct str name)
{
    if (str_eq(name, STR("*")))
        return true;
    if (name.n && name.p[name.n - 1] == '.')
        name.n--;
    bool below = str_starts(name, STR("*.")), both = str_starts(name, STR("."));
    if (!below && !both)
        return str_eq_fold(host, name);
    struct str tail = str_sub(name, below ? 1 : 0, name.n); /* with its dot */
    if (both && str_eq_fold(host, str_sub(tail, 1, tail.n)))
        return true;
    return tail.n > 1 && host.n > tail.n &&
           str_eq_fold(str_sub(host, host.n - tail.n, tail.n), tail);
}

bool guard_host_in(const char *host, const struct str *names, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (guard_host_is(str_of(host), names[i]))
            return true;
    }
    return false;
}

static void guard_free_url(CURLU **u)
{
    curl_url_cleanup(*u);
}

static void guard_free_part(char **part)
{
    curl_free(*part);
}

#define auto_part __attribute__((cleanup(guard_free_part))) char *

static int guard_read_host(CURLU *u, struct guard_target *t, struct error *e)
{
    auto_part host = NULL;
    curl_url_get(u, CURLUPART_HOST, &host, 0);
    struct str h = str_of(host);
    if (str_starts(h, STR("[")))
        h = str_sub(h, 1, h.n - 2);
    else if (str_ends(h, STR(".")))
        h.n--;
    if (h.n == 0 || h.n >= sizeof t->host)
        return error_set(e, ERROR_INVALID, "the URL's host is empty or too long");
    for (size_t i = 0; i < h.n; i++)
        t->host[i] = (char)(h.p[i] >= 'A' && h.p[i] <= 'Z' ? h.p[i] | 0x20 : h.p[i]);
    t->host[h.n] = 0;
    t->literal = addr_parse(h, false, &t->addr, NULL) == 0;
    return 0;
}

static int guard_read_url(CURLU *u, struct guard_target *t, struct error *e)
{
    auto_part scheme = NULL;
    auto_part port = NULL;
    auto_part user = NULL;
    auto_part password = NULL;
    uint64_t number = 0;
    curl_url_get(u, CURLUPART_SCHEME, &scheme, 0);
    t->tls = str_eq_c(str_of(scheme), "https");
    if (!t->tls && !str_eq_c(str_of(scheme), "http"))
        return error_set(e, ERROR_INVALID, "the URL must start with http:// or https://");
    curl_url_get(u, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT);
    if (str_u64(str_of(port), &number) < 0 || number == 0 || number > 65535)
        return error_set(e, ERROR_INVALID, "the URL's port must be 1 to 65535");
    t->port = (uint16_t)number;
    curl_url_get(u, CURLUPART_USER, &user, 0);
    curl_url_get(u, CURLUPART_PASSWORD, &password, 0);
    t->user = user || password;
    return guard_read_host(u, t, e);
}

int guard_check_target(const struct guard_policy *p, const struct guard_target *t, struct error *e)
{
    if (!p)
        return 0;
    if (t->user)
        return error_set(e, ERROR_DENIED, "the URL must not carry a user or password");
    if (p->n_allow_hosts && !guard_host_in(t->host, p->allow_hosts, p->n_allow_hosts))
        return error_set(e, ERROR_DENIED, "host %s is not in allow_hosts", t->host);
    if (t->literal && !guard_allows(p, &t->addr))
        return error_set(e, ERROR_DENIED, "address %s is not public", t->host);
    return 0;
}

int guard_parse_url(struct str url, struct guard_target *out, struct error *e)
{
    struct guard_target t = { 0 };
    if (url.n == 0 || url.n > GUARD_MAX_URL)
        return error_set(e, ERROR_INVALID, "the URL must have 1 to %zu bytes", GUARD_MAX_URL);
    if (str_chr(url, 0) >= 0)
        return error_set(e, ERROR_INVALID, "the URL contains a NUL byte");
    auto_free char *text = xstrndup(url.p, url.n);
    __attribute__((cleanup(guard_free_url))) CURLU *u = curl_url();
    if (!u)
        abort();
    CURLUcode code = curl_url_set(u, CURLUPART_URL, text, CURLU_NON_SUPPORT_SCHEME);
    if (code != CURLUE_OK)
        return error_set(e, ERROR_INVALID, "not a usable URL: %s", curl_url_strerror(code));
    if (guard_read_url(u, &t, e) < 0)
        return -1;
    *out = t;
    return 0;
}

int guard_check_url(const struct guard_policy *p, struct str url, struct guard_target *out,
                    struct error *e)
{
    struct guard_target t = { 0 };
    if (guard_parse_url(url, &t, e) < 0 || guard_check_target(p, &t, e) < 0)
        return -1;
    if (out)
        *out = t;
    return 0;
}
