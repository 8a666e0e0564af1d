/* Calls and their life:

     started ─┬─ wrong options or blocked ── task ───────────────┐
              ├─ guard behind a proxy ── resolve ─┐              ├─ done ─ unused (used again)
              └───────────────────────────────────┴─ libcurl ────┘
     cancelled at any time ── ended ─ (end of the turn) ─ unused

   The client owns its calls, a call owns its libcurl handle, the multi (http/multi) drives them.
   What libcurl hands over inside its callbacks is only stored; the caller hears of it then. */
#include "http/client_inside.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>

#define CLIENT_MAX_UNUSED  64
#define CLIENT_MAX_HEAD    (256 * KIB)
#define CLIENT_MAX_TURN    (4 * MIB)  /* of a stream in one turn of the loop */
#define CLIENT_KEPT_BUFFER (64 * KIB) /* larger ones are not kept with an unused call */
#define CLIENT_MAX_RETRY_S (7LL * 24 * 3600)

struct http_client {
    struct loop *loop;
    struct http_multi *multi;
    char *user_agent;
    struct list active, ended, unused;
    struct loop_task sweep;
};

static const struct {
    const char *word, *sentence;
} failures[] = {
#define X(id, word, sentence) [HTTP_FAILURE_##id] = { (word), (sentence) },
    HTTP_FAILURES(X)
#undef X
};

const char *http_failure_word(enum http_failure f)
{
    return failures[f].word;
}

/* ---- what libcurl hands over ---- */

static size_t call_on_header(char *p, size_t size, size_t n, void *ctx)
{
    struct http_call *call = ctx;
    struct str line = str_n(p, size * n);
    call->s.header_bytes += line.n;
    /* The empty line ends a head; that of an interim answer (100) is followed by another status line. */
    if (str_starts(line, STR("HTTP/")))
        call->s.headed = false;
    else if (str_trim(line).n == 0)
        call->s.headed = true;
    if (call->s.header_bytes <= CLIENT_MAX_HEAD)
        return size * n;
    call->s.too_large = true;
    snprintf(call->why, sizeof call->why, "its head has more than %zu bytes", CLIENT_MAX_HEAD);
    return CURL_WRITEFUNC_ERROR;
}

static size_t call_keep_limit(const struct http_call *call)
{
    return call->o.keep ? call->o.keep : HTTP_CLIENT_KEEP;
}

static void call_on_piece(struct loop_task *t);

static size_t call_take_piece(struct http_call *call, struct str piece)
{
    buf_str(&call->body, piece);
    if (!buf_ok(&call->body)) {
        call->s.too_large = true;
        snprintf(call->why, sizeof call->why, "it comes faster than it can be read");
        return CURL_WRITEFUNC_ERROR;
    }
    loop_later(call->client->loop, &call->task, call_on_piece);
    return piece.n;
}

static size_t call_on_body(char *p, size_t size, size_t n, void *ctx)
{
    struct http_call *call = ctx;
    size_t total = size * n, keep = call_keep_limit(call);
    call->s.body_bytes += total;
    if (call->o.wants_stream && call->s.body != CALL_BODY_KEPT)
        return call_take_piece(call, str_n(p, total));
    if (call->body.n < keep)
        buf_add(&call->body, p, MIN(total, keep - call->body.n));
    if (call->s.body_bytes <= keep)
        return total;
    if (call->o.too_large_fails) {
        call->s.too_large = true;
        snprintf(call->why, sizeof call->why, "it has more than %zu bytes", keep);
        return CURL_WRITEFUNC_ERROR;
    }
    if (call->s.body_bytes <= keep + HTTP_CLIENT_DRAIN)
        return total;
    call->s.cut = true;
    return CURL_WRITEFUNC_ERROR;
}

/* ---- results ---- */

static enum http_failure call_connect_failure(CURL *easy)
{
    long why = 0;
    curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &why);
    return why == ETIMEDOUT ? HTTP_FAILURE_TIMEOUT : HTTP_FAILURE_CONNECTION_REFUSED;
}

/* By the text: CURLINFO_OS_ERRNO may be an earlier transfer's here. */
static enum http_failure call_tls_failure(const struct http_call *call)
{
    return strstr(call->curl_error, "Connection reset by peer") ? HTTP_FAILURE_CONNECTION_RESET
                                                                : HTTP_FAILURE_TLS_ERROR;
}

static enum http_failure call_failure(const struct http_call *call, CURLcode code)
{
    if (code == CURLE_OK || call->s.cut)
        return HTTP_FAILURE_NONE;
    if (call->s.too_large)
        return HTTP_FAILURE_TOO_LARGE;
    if (call->s.blocked)
        return HTTP_FAILURE_BLOCKED_ADDRESS;
    switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
        return HTTP_FAILURE_DNS_NOT_FOUND;
    case CURLE_COULDNT_CONNECT:
        return call_connect_failure(call->transfer.easy);
    case CURLE_OPERATION_TIMEDOUT:
        return HTTP_FAILURE_TIMEOUT;
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_PARTIAL_FILE:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
        return HTTP_FAILURE_CONNECTION_RESET;
    case CURLE_SSL_CONNECT_ERROR:
        return call_tls_failure(call);
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_SHUTDOWN_FAILED:
    case CURLE_USE_SSL_FAILED:
        return HTTP_FAILURE_TLS_ERROR;
    case CURLE_URL_MALFORMAT:
        return HTTP_FAILURE_INVALID_REQUEST;
    default:
        return HTTP_FAILURE_OTHER;
    }
}

static int64_t call_info_us(CURL *easy, CURLINFO what)
{
    curl_off_t us = 0;
    curl_easy_getinfo(easy, what, &us);
    return us;
}

static int call_version(CURL *easy)
{
    long version = 0;
    curl_easy_getinfo(easy, CURLINFO_HTTP_VERSION, &version);
    switch (version) {
    case CURL_HTTP_VERSION_1_0:
        return 10;
    case CURL_HTTP_VERSION_1_1:
        return 11;
    case CURL_HTTP_VERSION_2_0:
        return 20;
    default:
        return 0;
    }
}

/* -1 = no such header. "Retry-After: 0" is told from none by the header itself. */
static int64_t call_retry_after(const struct http_result *r)
{
    curl_off_t seconds = 0;
    if (!http_result_header(r, "Retry-After").p)
        return -1;
    curl_easy_getinfo(r->call->transfer.easy, CURLINFO_RETRY_AFTER, &seconds);
    return MIN(MAX(seconds, 0), CLIENT_MAX_RETRY_S) * US_PER_S;
}

/* What is known of the answer so far. */
static struct http_result call_result(struct http_call *call)
{
    CURL *easy = call->transfer.easy;
    long status = 0, connects = 0;
    char *ip = NULL;
    struct http_result r = { .call = call, .text = "", .remote_ip = "", .retry_after_us = -1 };
    if (call->s.early)
        return r;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(easy, CURLINFO_NUM_CONNECTS, &connects);
    curl_easy_getinfo(easy, CURLINFO_PRIMARY_IP, &ip);
    if (!call->s.headed)
        status = 0; /* half a head is no answer */
    r.status = (int)status;
    r.body_bytes = call->s.body_bytes;
    r.remote_ip = ip ? ip : "";
    r.took.dns_us = call_info_us(easy, CURLINFO_NAMELOOKUP_TIME_T);
    r.took.connect_us = call_info_us(easy, CURLINFO_CONNECT_TIME_T);
    r.took.tls_us = call_info_us(easy, CURLINFO_APPCONNECT_TIME_T);
    r.took.first_byte_us = call_info_us(easy, CURLINFO_STARTTRANSFER_TIME_T);
    r.took.total_us = call_info_us(easy, CURLINFO_TOTAL_TIME_T);
    if (status) {
        r.http_version = call_version(easy);
        r.reused = connects == 0;
        r.retry_after_us = call_retry_after(&r);
    }
    return r;
}

struct str http_result_header(const struct http_result *r, const char *name)
{
    struct curl_header *h;
    if (r->call->s.early ||
        curl_easy_header(r->call->transfer.easy, name, 0, CURLH_HEADER, -1, &h) != CURLHE_OK)
        return STR_NULL;
    if (h->amount > 1) {
        struct curl_header *last;
        if (curl_easy_header(r->call->transfer.easy, name, h->amount - 1, CURLH_HEADER, -1,
                             &last) == CURLHE_OK)
            h = last;
    }
    return str_of(h->value);
}

/* ---- life of a call ---- */

static void call_free(struct http_call *call)
{
    curl_easy_cleanup(call->transfer.easy);
    buf_release(&call->body);
    buf_release(&call->text);
    buf_release(&call->url);
    buf_release(&call->proxy);
    buf_release(&call->ca_file);
    free(call->lines);
    free(call);
}

/* Puts it on `unused`; it is on no list. */
static void call_recycle(struct http_call *call)
{
    struct http_client *c = call->client;
    if (c->unused.count >= CLIENT_MAX_UNUSED) {
        call_free(call);
        return;
    }
    call->o = (struct http_call_options){ 0 };
    if (call->body.cap > CLIENT_KEPT_BUFFER)
        buf_release(&call->body);
    list_prepend(&c->unused, &call->link); /* the one used last is the warmest */
}

static void client_on_sweep(struct loop_task *t)
{
    struct http_client *c = container_of(t, struct http_client, sweep);
    struct list ended;
    list_init(&ended);
    list_splice(&ended, &c->ended);
    list_each (&ended, link) {
        *link = (struct list_link){ 0 };
        call_recycle(container_of(link, struct http_call, link));
    }
}

/* Nothing will call back for it any more. */
static void call_stop(struct http_call *call)
{
    struct http_client *c = call->client;
    call->s.ended = true;
    http_multi_remove(c->multi, &call->transfer);
    loop_later_cancel(c->loop, &call->task);
    loop_timer_stop(&call->resolve_deadline);
    if (call->resolve)
        resolve_cancel(call->resolve);
    call->resolve = NULL;
    list_remove(&c->active, &call->link);
}

void http_call_cancel(struct http_call *call)
{
    assert(!call->s.ended);
    struct http_client *c = call->client;
    call_stop(call);
    /* Perhaps inside one of its callbacks: what runs below still looks at s.ended. */
    list_append(&c->ended, &call->link);
    loop_later(c->loop, &c->sweep, client_on_sweep);
}

/* Hands over the piece of a stream that is there, asking first whether it is one. May end it. */
static void call_hand_over(struct http_call *call)
{
    if (call->s.body == CALL_BODY_UNDECIDED) {
        struct http_result r = call_result(call);
        bool stream = call->o.wants_stream(call->o.ctx, &r);
        if (call->s.ended)
            return;
        call->s.body = stream ? CALL_BODY_STREAMED : CALL_BODY_KEPT;
    }
    if (call->s.body == CALL_BODY_KEPT || call->body.n == 0)
        return;
    /* The piece is taken off first: call->body must not change hands inside the callback. */
    struct buf piece = call->body;
    call->body = BUF_INIT(piece.limit);
    call->o.chunk(call->o.ctx, buf_view(&piece));
    if (!call->s.ended && call->body.n == 0 && piece.cap <= CLIENT_KEPT_BUFFER) {
        buf_reset(&piece);
        call->body = piece;
        return;
    }
    buf_release(&piece);
}

static void call_on_piece(struct loop_task *t)
{
    call_hand_over(container_of(t, struct http_call, task));
}

/* Tells the caller, who may start and cancel others meanwhile. */
static void call_finish(struct http_call *call, struct http_result *r)
{
    if (r->failure) {
        size_t n = strlen(call->why);
        if (r->failure == HTTP_FAILURE_INVALID_REQUEST ||
            r->failure == HTTP_FAILURE_BLOCKED_ADDRESS)
            r->text = n ? call->why : failures[r->failure].sentence;
        else {
            char detail[sizeof call->why];
            snprintf(detail, sizeof detail, "%s", n ? call->why : call->curl_error);
            snprintf(call->why, sizeof call->why, *detail ? "%s: %.400s" : "%s%s",
                     failures[r->failure].sentence, detail);
            r->text = call->why;
        }
    }
    call_stop(call);
    call->o.done(call->o.ctx, r);
    call_recycle(call);
}

static void call_on_done(struct http_transfer *t, CURLcode code)
{
    struct http_call *call = container_of(t, struct http_call, transfer);
    if (call->o.wants_stream && (call->body.n || (code == CURLE_OK && !call->s.body))) {
        call_hand_over(call);
        if (call->s.ended)
            return;
    }
    struct http_result r = call_result(call);
    r.failure = call_failure(call, code);
    if (r.failure && !*call->why && !*call->curl_error)
        snprintf(call->curl_error, sizeof call->curl_error, "%s", curl_easy_strerror(code));
    if (call->s.body != CALL_BODY_STREAMED) {
        r.body = str_sub(buf_view(&call->body), 0, call_keep_limit(call));
        r.truncated = call->s.body_bytes > r.body.n;
        if (r.truncated && !r.failure && call->o.too_large_fails)
            r.failure = HTTP_FAILURE_TOO_LARGE; /* came whole before it was known to be no stream */
    }
    call_finish(call, &r);
}

static void call_on_early(struct loop_task *t)
{
    struct http_call *call = container_of(t, struct http_call, task);
    struct http_result r = call_result(call);
    r.failure = call->s.early;
    call_finish(call, &r);
}

/* Ends it at the end of the turn, with `why` already written. */
static void call_fail(struct http_call *call, enum http_failure f)
{
    call->s.early = f;
    loop_later(call->client->loop, &call->task, call_on_early);
}

static void call_enter(struct http_call *call)
{
    if (http_multi_add(call->client->multi, &call->transfer) == 0)
        return;
    snprintf(call->why, sizeof call->why, "libcurl takes no further transfers");
    call_fail(call, HTTP_FAILURE_OTHER);
}

/* ---- a guarded call through a proxy: who connects is the proxy, so the address is judged here and
   the proxy is told that address, not the name ---- */

static void call_on_resolved(void *ctx, const struct addr *addresses, size_t n)
{
    struct http_call *call = ctx;
    call->resolve = NULL;
    loop_timer_stop(&call->resolve_deadline);
    if (n == 0) {
        snprintf(call->why, sizeof call->why, "%s", call->target.host);
        call_fail(call, HTTP_FAILURE_DNS_NOT_FOUND);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        if (guard_allows(call->o.guard, &addresses[i])) {
            client_setup_pin(call, &addresses[i]);
            call_enter(call);
            return;
        }
    }
    char text[ADDR_TEXT];
    snprintf(call->why, sizeof call->why, "address %s is not public",
             addr_format(&addresses[0], text));
    call_fail(call, HTTP_FAILURE_BLOCKED_ADDRESS);
}

static void call_on_resolve_deadline(struct loop_timer *t)
{
    struct http_call *call = container_of(t, struct http_call, resolve_deadline);
    resolve_cancel(call->resolve);
    call->resolve = NULL;
    snprintf(call->why, sizeof call->why, "looking up %s takes too long", call->target.host);
    call_fail(call, HTTP_FAILURE_TIMEOUT);
}

static void call_resolve(struct http_call *call)
{
    struct error e = ERROR_INIT;
    int64_t us = call->o.connect_timeout_us ? call->o.connect_timeout_us : HTTP_CLIENT_CONNECT;
    call->resolve =
        resolve_start(call->client->loop, call->target.host, call_on_resolved, call, &e);
    if (call->resolve) {
        loop_timer_set(call->client->loop, &call->resolve_deadline, us, call_on_resolve_deadline);
        return;
    }
    snprintf(call->why, sizeof call->why, "%s", e.text);
    call_fail(call, HTTP_FAILURE_OTHER);
}

/* ---- the client ---- */

static struct http_call *client_take_call(struct http_client *c)
{
    struct list_link *link = list_take(&c->unused);
    if (link)
        return container_of(link, struct http_call, link);
    struct http_call *call = xalloc(sizeof *call);
    call->client = c;
    client_setup_handle(call, c->multi);
    curl_easy_setopt(call->transfer.easy, CURLOPT_HEADERFUNCTION, call_on_header);
    curl_easy_setopt(call->transfer.easy, CURLOPT_HEADERDATA, call);
    curl_easy_setopt(call->transfer.easy, CURLOPT_WRITEFUNCTION, call_on_body);
    curl_easy_setopt(call->transfer.easy, CURLOPT_WRITEDATA, call);
    call->transfer.done = call_on_done;
    return call;
}

struct http_call *http_call_start(struct http_client *c, const struct http_call_options *o)
{
    struct error e = ERROR_INIT;
    assert(o->done && !o->wants_stream == !o->chunk);
    struct http_call *call = client_take_call(c);
    call->o = *o;
    call->s = (struct call_state){ 0 };
    call->why[0] = call->curl_error[0] = 0;
    buf_reset(&call->body);
    call->body.limit = call_keep_limit(call) + (o->wants_stream ? CLIENT_MAX_TURN : 0);
    list_append(&c->active, &call->link);
    if (client_setup_call(call, c->user_agent, &e) < 0) {
        snprintf(call->why, sizeof call->why, "%s", e.text);
        call_fail(call, e.code == ERROR_DENIED ? HTTP_FAILURE_BLOCKED_ADDRESS
                                               : HTTP_FAILURE_INVALID_REQUEST);
    } else if (o->guard && call->s.proxied && !call->target.literal) {
        call_resolve(call);
    } else {
        call_enter(call);
    }
    /* The caller's list was copied into libcurl's form and may be gone from now on. */
    call->o.headers = NULL;
    call->o.n_headers = 0;
    return call;
}

struct http_client *http_client_new(struct loop *l, const struct http_client_options *o)
{
    struct http_client *c = xalloc(sizeof *c);
    c->loop = l;
    c->multi = http_multi_new(l, o->max_connections, o->max_per_host);
    if (o->user_agent)
        c->user_agent = xstrndup(o->user_agent, strlen(o->user_agent));
    list_init(&c->active);
    list_init(&c->ended);
    list_init(&c->unused);
    return c;
}

size_t http_client_active(const struct http_client *c)
{
    return c->active.count;
}

void http_client_free(struct http_client *c)
{
    if (!c)
        return;
    list_each (&c->active, link)
        http_call_cancel(container_of(link, struct http_call, link));
    loop_later_cancel(c->loop, &c->sweep);
    client_on_sweep(&c->sweep);
    list_each (&c->unused, unused)
        call_free(container_of(unused, struct http_call, link));
    http_multi_free(c->multi);
    free(c->user_agent);
    free(c);
}
