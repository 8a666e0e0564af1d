/* One SSL_CTX per pair of files; a reload builds a new one and swaps it. Sessions hold a reference to
   the context they came from, so the old one goes with its last connection. */
#include "http/tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

struct http_tls {
    SSL_CTX *ctx;
    char *cert_file, *key_file;
};

static int tls_error(struct error *e, const char *what, const char *file)
{
    unsigned long code = ERR_peek_last_error();
    const char *reason = ERR_reason_error_string(code);
    ERR_clear_error();
    return error_set(e, ERROR_INVALID, "%s %s: %s", what, file, reason ? reason : "cannot be used");
}

/* RFC 7301 section 3.2: no common protocol is a fatal alert. */
static int tls_select_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_n,
                           const unsigned char *in, unsigned in_n, void *ctx)
{
    (void)ssl, (void)ctx;
    static const unsigned char wanted[] = "http/1.1";
    for (unsigned at = 0; at < in_n; at += 1U + in[at]) {
        if (in[at] == sizeof(wanted) - 1 && at + in[at] < in_n &&
            memcmp(in + at + 1, wanted, sizeof(wanted) - 1) == 0) {
            *out = in + at + 1;
            *out_n = in[at];
            return SSL_TLSEXT_ERR_OK;
        }
    }
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* A key with a password must fail, not ask on the terminal. */
static int tls_no_password(char *buf, int size, int writing, void *ctx)
{
    (void)buf, (void)size, (void)writing, (void)ctx;
    return -1;
}

static SSL_CTX *tls_context(const struct http_tls *t, struct error *e)
{
    ERR_clear_error();
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    if (!ctx) {
        tls_error(e, "TLS for", t->cert_file);
        return NULL;
    }
    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                              SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF); /* tickets need no memory here */
    SSL_CTX_set_alpn_select_cb(ctx, tls_select_alpn, NULL);
    SSL_CTX_set_default_passwd_cb(ctx, tls_no_password);
    if (SSL_CTX_use_certificate_chain_file(ctx, t->cert_file) != 1)
        tls_error(e, "the certificate file", t->cert_file);
    else if (SSL_CTX_use_PrivateKey_file(ctx, t->key_file, SSL_FILETYPE_PEM) != 1 ||
             SSL_CTX_check_private_key(ctx) != 1)
        tls_error(e, "the key file", t->key_file);
    else
        return ctx;
    SSL_CTX_free(ctx);
    return NULL;
}

struct http_tls *http_tls_open(const char *cert_file, const char *key_file, struct error *e)
{
    struct http_tls *t = xalloc(sizeof(*t));
    t->cert_file = xstrndup(cert_file, strlen(cert_file));
    t->key_file = xstrndup(key_file, strlen(key_file));
    t->ctx = tls_context(t, e);
    if (t->ctx)
        return t;
    http_tls_close(t);
    return NULL;
}

int http_tls_reload(struct http_tls *t, struct error *e)
{
    SSL_CTX *fresh = tls_context(t, e);
    if (!fresh)
        return -1;
    SSL_CTX_free(t->ctx);
    t->ctx = fresh;
    return 0;
}

void http_tls_close(struct http_tls *t)
{
    if (!t)
        return;
    SSL_CTX_free(t->ctx);
    free(t->cert_file);
    free(t->key_file);
    free(t);
}

struct ssl_st *http_tls_session(struct http_tls *t, int fd)
{
    ERR_clear_error();
    SSL *ssl = SSL_new(t->ctx);
    if (!ssl)
        return NULL;
    if (SSL_set_fd(ssl, fd) != 1) {
        SSL_free(ssl);
        return NULL;
    }
    SSL_set_accept_state(ssl);
    return ssl;
}
