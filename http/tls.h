/* OpenSSL server contexts: TLS 1.2 or later, ALPN http/1.1 only, certificates reloadable. */
#ifndef KERYX_HTTP_TLS_H
#define KERYX_HTTP_TLS_H

#include "base/error.h"

struct http_tls;
struct http_tls *http_tls_open(const char *cert_file, const char *key_file,
                               struct error *e) must_check;
/* Reads the files again; connections already made keep what they had. On failure the old stays. */
int http_tls_reload(struct http_tls *t, struct error *e) must_check;
/* After the servers that listen with it are freed. NULL is fine. */
void http_tls_close(struct http_tls *t);

struct ssl_st; /* OpenSSL's SSL */
/* For the room: the server's side of a new connection, or NULL when OpenSSL has no memory. */
struct ssl_st *http_tls_session(struct http_tls *t, int fd) must_check;

#endif
