#include "tests/unit/http_rig.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

static char cert_file[64], key_file[64];

/* A self-signed P-256 certificate for `name`. */
static void write_certificate(const char *name)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = X509_new();
    X509_set_version(cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
    X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
    X509_gmtime_adj(X509_getm_notAfter(cert), 86400);
    X509_set_pubkey(cert, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC,
                               (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(cert, X509_get_subject_name(cert));
    CHECK(X509_sign(cert, key, EVP_sha256()) > 0);
    FILE *f = fopen(cert_file, "we");
    CHECK(f && PEM_write_X509(f, cert));
    fclose(f);
    f = fopen(key_file, "we");
    CHECK(f && PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL));
    fclose(f);
    X509_free(cert);
    EVP_PKEY_free(key);
}

static struct http_tls *open_tls(void)
{
    snprintf(cert_file, sizeof(cert_file), "./test-http-%d-cert.pem", (int)getpid());
    snprintf(key_file, sizeof(key_file), "./test-http-%d-key.pem", (int)getpid());
    write_certificate("first");
    struct error e = ERROR_INIT;
    struct http_tls *t = http_tls_open(cert_file, key_file, &e);
    CHECK_CSTR(e.text, "");
    return t;
}

static void close_tls(struct http_tls *t)
{
    http_tls_close(t);
    unlink(cert_file);
    unlink(key_file);
}

/* alpn in wire form; version 0 = any. NULL ssl when the handshake failed. */
static struct client dial_tls(const char *alpn, int version)
{
    struct client c = dial();
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_max_proto_version(ctx, version);
    if (version == TLS1_1_VERSION)
        SSL_CTX_set_cipher_list(ctx, "ALL:@SECLEVEL=0");
    if (alpn)
        SSL_CTX_set_alpn_protos(ctx, (const unsigned char *)alpn, (unsigned)strlen(alpn));
    c.ssl = SSL_new(ctx);
    SSL_CTX_free(ctx);
    SSL_set_fd(c.ssl, c.fd);
    if (SSL_connect(c.ssl) != 1) {
        SSL_free(c.ssl);
        c.ssl = NULL;
    }
    ERR_clear_error();
    return c;
}

static void peer_name(const struct client *c, char text[64])
{
    X509 *cert = SSL_get1_peer_certificate(c->ssl);
    X509_NAME_get_text_by_NID(X509_get_subject_name(cert), NID_commonName, text, 64);
    X509_free(cert);
}

static char large[1024 * 1024];

static void client_https(void)
{
    struct client c = dial_tls("\x08http/1.1", 0);
    CHECK(c.ssl);
    for (int i = 0; i < 20; i++) {
        CHECK(say(&c, POST("/echo", "Content-Length: 2\r\n") "hi"));
        CHECK_HEARD(&c, 1, "200 POST /echo? hi");
    }
    /* Bytes that OpenSSL has already taken off the socket must not be forgotten. */
    CHECK(say(&c, POST("/later", "Content-Length: 1\r\n") "1" GET("/empty") GET("/empty")
                      POST("/later", "Content-Length: 1\r\n") "2"));
    CHECK_HEARD(&c, 4, "200 POST /later? 1 | 204 | 204 | 200 POST /later? 2");
    memset(large, 'x', sizeof(large));
    char head[128];
    snprintf(head, sizeof(head), POST("/sum", "Content-Length: %zu\r\n"), sizeof(large));
    CHECK(say(&c, head) && say_bytes(&c, large, sizeof(large)) &&
          say(&c, GET("/huge") LAST("/echo")));
    CHECK(starts(hear(&c, 1), "200 1048576 "));
    CHECK(starts(hear(&c, 1), "200 hhhh"));
    CHECK_CSTR(hear_all(&c), "200 GET /echo?  close | EOF");
    hang_up(&c);
    c = dial_tls(NULL, TLS1_2_VERSION);
    CHECK(c.ssl && say(&c, POST("/denied", "Content-Length: 100000\r\n")));
    CHECK_CSTR(hear_all(&c), "401 no close | EOF");
    hang_up(&c);
}

TEST(https_does_what_http_does)
{
    struct http_tls *t = open_tls();
    rig_run((struct http_server_options){ 0 }, t, client_https);
    close_tls(t);
}

static bool nothing_open(void)
{
    return http_server_connections(rig.server) == 0;
}

static void client_refused(void)
{
    struct client c = dial_tls("\x02h2", 0);
    CHECK(!c.ssl); /* a fatal alert */
    hang_up(&c);
    c = dial_tls("\x02h2\x08http/1.1", 0);
    CHECK(c.ssl);
    const unsigned char *alpn;
    unsigned n;
    SSL_get0_alpn_selected(c.ssl, &alpn, &n);
    CHECK_BYTES((const char *)alpn, n, "http/1.1");
    hang_up(&c);
    c = dial_tls(NULL, TLS1_1_VERSION);
    CHECK(!c.ssl);
    hang_up(&c);
    c = dial();
    CHECK(say(&c, GET("/echo"))); /* plain text on a TLS port */
    hear_raw(&c);
    CHECK(c.ended || c.reset);
    hang_up(&c);
    CHECK(eventually(nothing_open));
}

TEST(only_tls_1_2_or_later_and_http_1_1)
{
    struct http_tls *t = open_tls();
    rig_run((struct http_server_options){ 0 }, t, client_refused);
    close_tls(t);
}

static void prepare_hasty(void)
{
    rig.server->limits.handshake_us = 30000;
}

static void client_no_handshake(void)
{
    struct client c = dial();
    CHECK_CSTR(hear_all(&c), "EOF");
    hang_up(&c);
}

TEST(a_handshake_has_a_deadline)
{
    struct http_tls *t = open_tls();
    rig.prepare = prepare_hasty;
    rig_run((struct http_server_options){ 0 }, t, client_no_handshake);
    close_tls(t);
}

static struct http_tls *reloading;

static void reload(void)
{
    struct error e = ERROR_INIT;
    CHECK_INT(http_tls_reload(reloading, &e), 0);
}

static void client_reload(void)
{
    char name[64];
    struct client old = dial_tls(NULL, 0);
    write_certificate("second");
    on_loop(reload);
    struct client fresh = dial_tls(NULL, 0);
    CHECK(old.ssl && fresh.ssl);
    peer_name(&old, name);
    CHECK_CSTR(name, "first");
    peer_name(&fresh, name);
    CHECK_CSTR(name, "second");
    CHECK(say(&old, GET("/echo")));
    CHECK_HEARD(&old, 1, "200 GET /echo? ");
    hang_up(&old);
    hang_up(&fresh);
}

TEST(certificates_are_swapped_without_touching_connections)
{
    reloading = open_tls();
    rig_run((struct http_server_options){ 0 }, reloading, client_reload);
    /* A broken file changes nothing and is named. */
    FILE *f = fopen(key_file, "we");
    CHECK(f && fputs("no key\n", f) > 0);
    fclose(f);
    struct error e = ERROR_INIT;
    CHECK_INT(http_tls_reload(reloading, &e), -1);
    CHECK(starts(e.text, "the key file ./test-http-"));
    rig_run((struct http_server_options){ 0 }, reloading, client_https);
    close_tls(reloading);
}

TEST(files_that_cannot_be_used_are_named)
{
    struct error e = ERROR_INIT;
    CHECK(!http_tls_open("/nonexistent/cert.pem", "/nonexistent/key.pem", &e));
    CHECK(starts(e.text, "the certificate file /nonexistent/cert.pem: "));
}
