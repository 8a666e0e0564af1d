/* The outbound side: HTTP/1.1 and HTTP/2 requests by libcurl on the loop. No redirects, no proxy
   from the environment, TLS verified, every call with a deadline and a ceiling. */
#ifndef KERYX_HTTP_CLIENT_H
#define KERYX_HTTP_CLIENT_H

#include "base/loop.h"
#include "http/guard.h"
#include "http/message.h"

struct http_client;
struct http_call;

/* X(id, word, sentence): why there is no answer. */
#define HTTP_FAILURES(X)                                                                 \
    X(NONE, "", "")                                                                      \
    X(DNS_NOT_FOUND, "DNS_NOT_FOUND", "the host name was not found")                     \
    X(CONNECTION_REFUSED, "CONNECTION_REFUSED", "the connection was refused")            \
    X(CONNECTION_RESET, "CONNECTION_RESET", "the connection was lost before the answer") \
    X(TIMEOUT, "TIMEOUT", "no answer in time")                                           \
    X(TLS_ERROR, "TLS_ERROR", "TLS failed")                                              \
    X(BLOCKED_ADDRESS, "BLOCKED_ADDRESS", "the address is not allowed")                  \
    X(TOO_LARGE, "TOO_LARGE", "the answer is too large")                                 \
    X(INVALID_REQUEST, "INVALID_REQUEST", "the request is not well formed")              \
    X(OTHER, "OTHER", "the request failed")

enum http_failure {
#define X(id, word, sentence) HTTP_FAILURE_##id,
    HTTP_FAILURES(X)
#undef X
};
/* "TIMEOUT"; "" for NONE. */
const char *http_failure_word(enum http_failure f);

/* How requests leave the house. All may be NULL / 0. Compared by content, borrowed by the call. */
struct http_egress {
    const char *proxy; /* "http://[user:password@]host:port", also https, socks5h */
    const struct str
        *no_proxy; /* hosts asked directly; forms of guard_host_in(), addresses, CIDRs */
    size_t n_no_proxy;
    const char *ca_file; /* instead of the system's authorities */
};

struct http_client_options {
    const char *user_agent;                 /* NULL = none sent; copied */
    unsigned max_connections, max_per_host; /* 0 = 128 and 8 */
};

struct http_client *http_client_new(struct loop *l, const struct http_client_options *o) must_check;
/* Calls still under way end without their callback. Not inside a callback. NULL is fine. */
void http_client_free(struct http_client *c);
/* Calls under way, for drains and metrics. */
size_t http_client_active(const struct http_client *c);

/* What came back. Valid until `done` returns. */
struct http_result {
    struct http_call *call;
    enum http_failure failure; /* NONE: status and headers are the server's answer */
    const char *text;          /* for people: why; "" for NONE */
    int status;                /* 0 = no answer; may be set together with a failure (cut body) */
    struct str body;           /* the first `keep` bytes, decoded; empty when it was streamed */
    bool truncated;            /* the body was longer than what was kept */
    uint64_t body_bytes;       /* decoded bytes seen */
    int64_t retry_after_us;    /* from Retry-After, seconds or date; -1 = none */
    const char *remote_ip;     /* "" = never connected */
    int http_version;          /* 10, 11, 20; 0 = no answer */
    bool reused;               /* over a connection that was already open */
    struct {
        int64_t dns_us, connect_us, tls_us, first_byte_us, total_us; /* each from the start */
    } took;
};

/* Body ceilings when left 0. */
#define HTTP_CLIENT_KEEP    (64 * KIB)
#define HTTP_CLIENT_DRAIN   (256 * KIB)
#define HTTP_CLIENT_TIMEOUT (30 * US_PER_S)
#define HTTP_CLIENT_CONNECT (5 * US_PER_S)

struct http_call_options {
    const char *method; /* NULL = GET */
    struct str url;
    /* name and value as http_header_valid() wants them; not Content-Length, Transfer-Encoding,
       Connection, Expect. User-Agent and Accept replace the client's. All copied. */
    const struct http_header *headers;
    size_t n_headers;
    struct str body;            /* must live until done or cancel */
    int64_t timeout_us;         /* the whole call; 0 = HTTP_CLIENT_TIMEOUT */
    int64_t connect_timeout_us; /* 0 = HTTP_CLIENT_CONNECT */
    int64_t idle_timeout_us; /* fewer than 1 byte/s for so long ends it (whole seconds); 0 = none */
    size_t keep;             /* body bytes kept; 0 = HTTP_CLIENT_KEEP */
    /* More body than `keep`: false = the rest is dropped (read on for HTTP_CLIENT_DRAIN bytes, then
       the connection is cut), the answer stands and is marked truncated; true = TOO_LARGE. */
    bool too_large_fails;
    const struct guard_policy *guard; /* NULL = unrestricted; must live as long as the call */
    const struct http_egress *egress; /* NULL = directly, system's authorities; likewise */

    /* Once the head is there (r->status, http_result_header(); no body yet): true = the body goes
       to `chunk` in pieces, without a ceiling in all; false, or NULL = it is kept as above. */
    bool (*wants_stream)(void *ctx, const struct http_result *r);
    void (*chunk)(void *ctx, struct str bytes);
    /* Once, last, never inside http_call_start(). The call is gone when it returns. */
    void (*done)(void *ctx, const struct http_result *r);
    void *ctx;
};

/* Always a call; what is wrong with the options comes out as INVALID_REQUEST or BLOCKED_ADDRESS. */
struct http_call *http_call_start(struct http_client *c,
                                  const struct http_call_options *o) must_check;
/* Ends it without `done`; allowed at any time before that, in the call's own callbacks too. */
void http_call_cancel(struct http_call *call);
/* The last header of that name in the answer, or STR_NULL; borrowed from r. */
struct str http_result_header(const struct http_result *r, const char *name);

#endif
