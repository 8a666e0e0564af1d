/* OpenSSL's queue of errors belongs to the thread, so it is emptied before every call whose result
   SSL_get_error() is asked about. */
#include "http/wire.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

static int wire_errno(void)
{
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? HTTP_WIRE_AGAIN
                                                                     : HTTP_WIRE_BROKEN;
}

static ssize_t wire_tls_read(struct http_wire *w, void *p, size_t n)
{
    size_t got = 0;
    ERR_clear_error();
    w->read_wants_write = false;
    int result = SSL_read_ex(w->ssl, p, n, &got);
    if (result > 0)
        return (ssize_t)got;
    switch (SSL_get_error(w->ssl, result)) {
    case SSL_ERROR_WANT_WRITE:
        w->read_wants_write = true;
        return HTTP_WIRE_AGAIN;
    case SSL_ERROR_WANT_READ:
        return HTTP_WIRE_AGAIN;
    case SSL_ERROR_ZERO_RETURN:
        return 0;
    default:
        w->failed = true;
        return HTTP_WIRE_BROKEN;
    }
}

static ssize_t wire_tls_write(struct http_wire *w, const void *p, size_t n)
{
    size_t put = 0;
    ERR_clear_error();
    w->write_wants_read = false;
    int result = SSL_write_ex(w->ssl, p, n, &put);
    if (result > 0)
        return (ssize_t)put;
    switch (SSL_get_error(w->ssl, result)) {
    case SSL_ERROR_WANT_READ:
        w->write_wants_read = true;
        return HTTP_WIRE_AGAIN;
    case SSL_ERROR_WANT_WRITE:
        return HTTP_WIRE_AGAIN;
    default:
        w->failed = true;
        return HTTP_WIRE_BROKEN;
    }
}

ssize_t http_wire_read(struct http_wire *w, void *p, size_t n)
{
    if (w->ssl)
        return wire_tls_read(w, p, n);
    ssize_t got = recv(w->fd, p, n, 0);
    return got < 0 ? wire_errno() : got;
}

ssize_t http_wire_write(struct http_wire *w, const struct iovec *parts, int n_parts)
{
    if (w->ssl)
        return wire_tls_write(w, parts[0].iov_base, parts[0].iov_len);
    ssize_t put = writev(w->fd, parts, n_parts);
    return put < 0 ? wire_errno() : put;
}

int http_wire_handshake(struct http_wire *w)
{
    ERR_clear_error();
    w->read_wants_write = false;
    int result = SSL_accept(w->ssl);
    if (result == 1)
        return 0;
    int error = SSL_get_error(w->ssl, result);
    w->read_wants_write = error == SSL_ERROR_WANT_WRITE;
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE)
        return HTTP_WIRE_AGAIN;
    w->failed = true;
    return HTTP_WIRE_BROKEN;
}

/* close_notify, so that the peer can tell the end from a cut; it is lost when it cannot be written
   now. */
static void wire_tls_end(struct http_wire *w)
{
    ERR_clear_error();
    if (!w->failed && SSL_is_init_finished(w->ssl))
        SSL_shutdown(w->ssl);
}

void http_wire_end(struct http_wire *w)
{
    if (w->ssl)
        wire_tls_end(w);
    shutdown(w->fd, SHUT_WR);
}

ssize_t http_wire_discard(struct http_wire *w)
{
    char scratch[8 * KIB];
    ssize_t got = recv(w->fd, scratch, sizeof(scratch), 0);
    return got < 0 ? wire_errno() : got;
}

void http_wire_close(struct http_wire *w)
{
    if (w->ssl) {
        wire_tls_end(w);
        SSL_free(w->ssl);
    }
    if (w->fd >= 0)
        close(w->fd);
    *w = (struct http_wire){ .fd = -1 };
}
