/* A call's options onto a libcurl handle. Handles are used again, and setting a string costs a
   copy, so what the last call set is remembered and not set again. */
#include "http/client_inside.h"

#include <stdio.h>

#define SETUP_MAX_HEADERS (256 * KIB)
#define SETUP_MAX_METHOD  32
#define SETUP_MAX_VALUE   (8 * KIB) /* a URL, a proxy, a file name */

/* ---- callbacks inside libcurl: they only take note ---- */

/* Addresses are judged when they are connected to … */
static curl_socket_t setup_on_open(void *ctx, curlsocktype purpose, struct curl_sockaddr *a)
{
    struct http_transfer *t = ctx;
    struct http_call *call = container_of(t, struct http_call, transfer);
    (void)purpose;
    if (call->o.guard && !call->s.proxied) {
        char text[ADDR_TEXT];
        struct addr addr = addr_from_sockaddr(&a->addr);
        if (!guard_allows(call->o.guard, &addr)) {
            if (call->s.opened) /* another of the name's addresses: its failure is what counts */
                return CURL_SOCKET_BAD;
            call->s.blocked = true;
            snprintf(call->why, sizeof call->why, "address %s is not public",
                     addr_format(&addr, text));
            return CURL_SOCKET_BAD;
        }
        call->s.blocked = false;
        call->why[0] = 0;
    }
    call->s.opened = true;
    return http_multi_open_socket(call->multi, a);
}

/* … and again when a connection is there, which may be one that another call opened. */
static int setup_on_connected(void *ctx, char *remote, char *local, int remote_port, int local_port)
{
    struct http_transfer *t = ctx;
    struct http_call *call = container_of(t, struct http_call, transfer);
    (void)local, (void)remote_port, (void)local_port;
    struct addr addr;
    if (!call->o.guard || call->s.proxied)
        return CURL_PREREQFUNC_OK;
    if (addr_parse(str_of(remote), false, &addr, NULL) == 0 && guard_allows(call->o.guard, &addr))
        return CURL_PREREQFUNC_OK;
    call->s.blocked = true;
    snprintf(call->why, sizeof call->why, "address %s is not public", remote);
    return CURL_PREREQFUNC_ABORT;
}

/* ---- the handle ---- */

static const char *setup_system_ca(void)
{
    return curl_version_info(CURLVERSION_NOW)->cainfo;
}

void client_setup_handle(struct http_call *call, struct http_multi *multi)
{
    CURL *easy = call->transfer.easy = curl_easy_init();
    if (!easy)
        abort();
    call->multi = multi;
    call->url = BUF_INIT(SETUP_MAX_VALUE + 1);
    call->proxy = BUF_INIT(SETUP_MAX_VALUE + 1);
    call->ca_file = BUF_INIT(SETUP_MAX_VALUE + 1);
    call->text = BUF_INIT(SETUP_MAX_HEADERS);
    http_multi_prepare(multi, &call->transfer);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, setup_on_open);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, &call->transfer);
    curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, setup_on_connected);
    curl_easy_setopt(easy, CURLOPT_PREREQDATA, &call->transfer);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->curl_error);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    curl_easy_setopt(easy, CURLOPT_PIPEWAIT, 0L);
    curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "gzip");
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    /* libcurl keeps the parsed authorities only when there is no directory of them. */
    if (setup_system_ca())
        curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
}

/* Whether `last` remembers this value; its NUL is kept too. */
static bool setup_is(const struct buf *last, struct str value)
{
    return last->n && str_eq(str_n(last->p, last->n - 1), value);
}

/* Remembers `value` (NULL = ""); true when it was another before. */
static bool setup_changed(struct buf *last, struct str value)
{
    if (setup_is(last, value))
        return false;
    buf_reset(last);
    buf_str(last, value);
    buf_char(last, 0);
    return true;
}

/* ---- headers ---- */

/* What frames the message is libcurl's business: a second value would make two readings of it. */
static bool setup_is_framing(struct str name)
{
    static const char *const framing[] = { "Content-Length", "Transfer-Encoding", "Connection",
                                           "Expect" };
    for (size_t i = 0; i < N_ELEMENTS(framing); i++) {
        if (str_eq_fold(name, str_of(framing[i])))
            return true;
    }
    return false;
}

static int setup_header_line(struct buf *text, const struct http_header *h, struct error *e)
{
    if (!http_header_valid(h->name, h->value))
        return error_set(e, ERROR_INVALID,
                         "header \"%" STR_FMT "\" has a name or value with forbidden characters",
                         STR_ARG(str_sub(h->name, 0, 64)));
    if (setup_is_framing(h->name))
        return error_set(e, ERROR_INVALID, "header %" STR_FMT " is set by keryx itself",
                         STR_ARG(h->name));
    buf_str(text, h->name);
    if (str_trim(h->value).n == 0) { /* libcurl's way to send a header without a value */
        buf_char(text, ';');
    } else {
        buf_cstr(text, ": ");
        buf_str(text, h->value);
    }
    buf_char(text, 0);
    return 0;
}

/* Fills call->text with the lines, NUL after each, the method last; counts them. */
static int setup_text(struct http_call *call, const char *user_agent, size_t *n_lines,
                      struct error *e)
{
    const struct http_call_options *o = &call->o;
    bool agent = false, type = false;
    buf_reset(&call->text);
    for (size_t i = 0; i < o->n_headers; i++) {
        if (setup_header_line(&call->text, &o->headers[i], e) < 0)
            return -1;
        agent |= str_eq_fold(o->headers[i].name, STR("User-Agent"));
        type |= str_eq_fold(o->headers[i].name, STR("Content-Type"));
    }
    *n_lines = o->n_headers;
    if (!agent && user_agent) {
        const struct http_header h = { STR("User-Agent"), str_of(user_agent) };
        if (setup_header_line(&call->text, &h, e) < 0)
            return -1;
        ++*n_lines;
    }
    if (!type) { /* else libcurl says a body is a form */
        buf_add(&call->text, "Content-Type:", sizeof "Content-Type:");
        ++*n_lines;
    }
    buf_add(&call->text, "Expect:", sizeof "Expect:"); /* no round trip before a large body */
    ++*n_lines;
    buf_cstr(&call->text, o->method ? o->method : "GET");
    buf_char(&call->text, 0);
    if (!buf_ok(&call->text))
        return error_set(e, ERROR_LIMIT, "the request's headers have more than %zu bytes",
                         SETUP_MAX_HEADERS);
    return 0;
}

/* The list libcurl wants, pointing into call->text. Returns the method behind it. */
static const char *setup_lines(struct http_call *call, size_t n)
{
    if (n > call->lines_cap) {
        call->lines = xrealloc(call->lines, n * sizeof *call->lines);
        call->lines_cap = n;
    }
    char *at = call->text.p;
    for (size_t i = 0; i < n; i++) {
        call->lines[i].data = at;
        call->lines[i].next = i + 1 < n ? &call->lines[i + 1] : NULL;
        at += strlen(at) + 1;
    }
    curl_easy_setopt(call->transfer.easy, CURLOPT_HTTPHEADER, call->lines);
    return at;
}

/* ---- method and body ---- */

static bool setup_method_valid(const char *method)
{
    return strlen(method) <= SETUP_MAX_METHOD && http_header_valid(str_of(method), STR_NULL);
}

static void setup_method(struct http_call *call, const char *method)
{
    CURL *easy = call->transfer.easy;
    struct str body = call->o.body;
    struct str m = str_of(method);
    /* Methods whose meaning has no body send none, not even "Content-Length: 0" (RFC 9110 §8.6). */
    bool bare = body.n == 0 && (str_eq_c(m, "GET") || str_eq_c(m, "DELETE") ||
                                str_eq_c(m, "OPTIONS") || str_eq_c(m, "HEAD"));
    curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L); /* undoes POST and NOBODY */
    if (bare && str_eq_c(m, "HEAD")) {
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    } else if (!bare) {
        curl_easy_setopt(easy, CURLOPT_POST, 1L);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body.n ? body.p : "");
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.n);
    }
    const char *implied = bare ? "GET" : "POST";
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST,
                     str_eq_c(m, implied) || str_eq_c(m, "HEAD") ? NULL : method);
}

/* ---- time ---- */

static long setup_ms(int64_t us)
{
    int64_t ms = (us + US_PER_MS - 1) / US_PER_MS;
    return (long)MIN(MAX(ms, 1), INT32_MAX);
}

static void setup_times(struct http_call *call)
{
    CURL *easy = call->transfer.easy;
    const struct http_call_options *o = &call->o;
    long idle_s = (long)((o->idle_timeout_us + US_PER_S - 1) / US_PER_S);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS,
                     setup_ms(o->timeout_us ? o->timeout_us : HTTP_CLIENT_TIMEOUT));
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                     setup_ms(o->connect_timeout_us ? o->connect_timeout_us : HTTP_CLIENT_CONNECT));
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, idle_s ? 1L : 0L);
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, idle_s);
}

/* ---- the way out ---- */

static bool setup_direct(const struct http_egress *g, const struct guard_target *t)
{
    if (guard_host_in(t->host, g->no_proxy, g->n_no_proxy))
        return true;
    for (size_t i = 0; t->literal && i < g->n_no_proxy; i++) {
        struct cidr c;
        if (cidr_parse(g->no_proxy[i], &c, NULL) == 0 && cidr_contains(&c, &t->addr))
            return true;
    }
    return false;
}

static int setup_egress(struct http_call *call, struct error *e)
{
    static const struct http_egress none = { 0 };
    CURL *easy = call->transfer.easy;
    const struct http_egress *g = call->o.egress ? call->o.egress : &none;
    struct str proxy = str_of(g->proxy), ca = str_of(g->ca_file);
    if (proxy.n > SETUP_MAX_VALUE || ca.n > SETUP_MAX_VALUE)
        return error_set(e, ERROR_INVALID, "the proxy's URL or the CA file's name is too long");
    call->s.proxied = proxy.n && !setup_direct(g, &call->target);
    if (!call->s.proxied)
        proxy = STR_NULL;
    if (setup_changed(&call->proxy, proxy))
        curl_easy_setopt(easy, CURLOPT_PROXY, call->proxy.p);
    if (setup_changed(&call->ca_file, ca))
        curl_easy_setopt(easy, CURLOPT_CAINFO, ca.n ? call->ca_file.p : setup_system_ca());
    curl_easy_setopt(easy, CURLOPT_CONNECT_TO, NULL);
    return 0;
}

static int setup_url(struct http_call *call, struct error *e)
{
    if (setup_is(&call->url, call->o.url))
        return 0;
    if (guard_parse_url(call->o.url, &call->target, e) < 0)
        return -1;
    setup_changed(&call->url, call->o.url);
    curl_easy_setopt(call->transfer.easy, CURLOPT_URL, call->url.p);
    return 0;
}

int client_setup_call(struct http_call *call, const char *user_agent, struct error *e)
{
    const struct http_call_options *o = &call->o;
    size_t n_lines;
    if (o->method && !setup_method_valid(o->method))
        return error_set(e, ERROR_INVALID, "the method must be a word such as GET or POST");
    if (setup_url(call, e) < 0 || guard_check_target(o->guard, &call->target, e) < 0 ||
        setup_text(call, user_agent, &n_lines, e) < 0 || setup_egress(call, e) < 0)
        return -1;
    setup_method(call, setup_lines(call, n_lines));
    setup_times(call);
    return 0;
}

void client_setup_pin(struct http_call *call, const struct addr *a)
{
    char text[ADDR_TEXT];
    snprintf(call->pin_text, sizeof call->pin_text,
             a->family == 6 ? "::[%s]:" : "::%s:", addr_format(a, text));
    call->pin = (struct curl_slist){ .data = call->pin_text };
    curl_easy_setopt(call->transfer.easy, CURLOPT_CONNECT_TO, &call->pin);
}
