/* libcurl's multi interface on a loop: sockets, its timer, finished transfers. For http/client and
   for others that bring easy handles of their own (SMTP). One a loop thread, never shared. */
#ifndef KERYX_HTTP_MULTI_H
#define KERYX_HTTP_MULTI_H

#include "base/loop.h"

#include <curl/curl.h>

struct http_multi;

/* Embedded by the owner of an easy handle. */
struct http_transfer {
    CURL *easy;
    /* Once, never inside http_multi_add() nor inside libcurl: the handle was taken off before, and
       the owner may reuse or free it, add others and remove others. */
    void (*done)(struct http_transfer *t, CURLcode code);
    bool added;
};

/* max_connections in all and max_per_host to one host; more transfers wait inside libcurl, their
   timeout running. 0 = 128 and 8. */
struct http_multi *http_multi_new(struct loop *l, unsigned max_connections,
                                  unsigned max_per_host) must_check;
/* Every transfer must have been removed or done; their easy handles are cleaned up before. */
void http_multi_free(struct http_multi *m);
/* Options that every handle of ours needs: no signals, no waiting for resolver threads (a hung
   look-up would block the loop), no environment proxy, short-lived idle connections, our sockets.
   Also makes `t` the handle's CURLOPT_PRIVATE. */
void http_multi_prepare(struct http_multi *m, struct http_transfer *t);
/* The socket for CURLOPT_OPENSOCKETFUNCTION; who replaces that function calls this in it. */
curl_socket_t http_multi_open_socket(struct http_multi *m, const struct curl_sockaddr *a);
/* 0, or -1 when libcurl refuses it. */
int http_multi_add(struct http_multi *m, struct http_transfer *t) must_check;
/* Takes it off without `done`; fine when not added. Not inside a callback of libcurl. */
void http_multi_remove(struct http_multi *m, struct http_transfer *t);

#endif
