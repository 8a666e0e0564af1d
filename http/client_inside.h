/* What http/client.c and http/client_setup.c share. Nobody else includes it. */
#ifndef KERYX_HTTP_CLIENT_INSIDE_H
#define KERYX_HTTP_CLIENT_INSIDE_H

#include "base/buf.h"
#include "http/client.h"
#include "http/multi.h"
#include "http/resolve.h"

enum call_body {
    CALL_BODY_UNDECIDED, /* wants_stream was not asked yet */
    CALL_BODY_KEPT,
    CALL_BODY_STREAMED,
};

/* A call and its easy handle; both are used again for later calls, with what was set remembered. */
struct http_call {
    struct list_link link; /* in client->active, ->ended or ->unused */
    struct http_client *client;
    struct http_multi *multi;
    struct http_transfer transfer;
    struct http_call_options o;
    struct loop_task task; /* an early failure, or a piece of stream */
    struct resolve *resolve;
    struct loop_timer resolve_deadline;
    int64_t started_us;

    /* State of one call, zeroed before the next. */
    struct call_state {
        enum call_body body;
        bool ended;     /* done or cancelled */
        bool opened;    /* a socket to an address that is allowed */
        bool blocked;   /* the guard refused the only addresses */
        bool too_large; /* the answer went past a ceiling */
        bool cut;       /* the rest of the body was not wanted: no failure */
        bool proxied;
        bool headed; /* the head is complete: its status counts, whatever becomes of the body */
        enum http_failure early; /* failed before libcurl saw it */
        size_t header_bytes;
        uint64_t body_bytes;
    } s;

    struct buf body;
    struct buf text; /* the headers' bytes and the method */
    struct curl_slist *lines;
    size_t lines_cap;
    struct buf url;             /* as set on the handle */
    struct guard_target target; /* of url */
    struct buf proxy;           /* likewise, "" = none */
    struct buf ca_file;
    struct curl_slist pin; /* CURLOPT_CONNECT_TO, which borrows it */
    char pin_text[ADDR_TEXT + 16];
    char curl_error[CURL_ERROR_SIZE];
    char why[sizeof(((struct error *)0)->text)];
};

/* Creates call->transfer.easy with what never changes. */
void client_setup_handle(struct http_call *call, struct http_multi *multi);
/* Puts call->o on the handle; -1 with INVALID or DENIED. target and s.proxied are set. */
int client_setup_call(struct http_call *call, const char *user_agent, struct error *e) must_check;
/* Makes it connect to this address whatever the name resolves to, through a proxy too. */
void client_setup_pin(struct http_call *call, const struct addr *a);

#endif
