/* Digests, HMAC and Ed25519 over libcrypto. Algorithms are fetched once a process: an implicit fetch
   a call costs more than hashing a small body. A failing libcrypto call here means that memory ran
   out or the library lacks SHA-2; neither can be carried on from. */
#include "base/crypto.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <pthread.h>

static const struct {
    const char *name;
    size_t size;
} crypto_hashes[] = {
    [CRYPTO_SHA1] = { "SHA1", 20 },
    [CRYPTO_SHA256] = { "SHA256", 32 },
    [CRYPTO_SHA512] = { "SHA512", 64 },
};

/* Fetched once and kept: they live as long as libcrypto does. */
static EVP_MD *crypto_md[N_ELEMENTS(crypto_hashes)];
static EVP_MAC *crypto_hmac;
static pthread_once_t crypto_once = PTHREAD_ONCE_INIT;

static void crypto_must(bool ok)
{
    if (ok)
        return;
    static const char line[] = "keryx: libcrypto failed\n";
    ssize_t ignored = write(STDERR_FILENO, line, sizeof(line) - 1);
    (void)ignored;
    abort();
}

static void crypto_fetch(void)
{
    for (size_t i = 0; i < N_ELEMENTS(crypto_hashes); i++) {
        crypto_md[i] = EVP_MD_fetch(NULL, crypto_hashes[i].name, NULL);
        crypto_must(crypto_md[i]);
    }
    crypto_hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    crypto_must(crypto_hmac);
}

static const void *crypto_bytes(struct str s)
{
    return s.p ? s.p : "";
}

size_t crypto_hash_size(enum crypto_hash h)
{
    return crypto_hashes[h].size;
}

void crypto_digest(enum crypto_hash h, struct str data, uint8_t out[CRYPTO_MAX_DIGEST])
{
    pthread_once(&crypto_once, crypto_fetch);
    crypto_must(EVP_Digest(crypto_bytes(data), data.n, out, NULL, crypto_md[h], NULL) == 1);
}

struct hmac_key {
    EVP_MAC_CTX *keyed;
    size_t size;
};

struct hmac_key *hmac_key_new(enum crypto_hash h, struct str secret)
{
    pthread_once(&crypto_once, crypto_fetch);
    struct hmac_key *k = xalloc(sizeof(*k));
    k->size = crypto_hashes[h].size;
    k->keyed = EVP_MAC_CTX_new(crypto_hmac);
    /* The parameter wants its text writable, and reads it at once. */
    char name[8];
    *(char *)mempcpy(name, crypto_hashes[h].name, strlen(crypto_hashes[h].name)) = '\0';
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0),
        OSSL_PARAM_construct_end(),
    };
    crypto_must(k->keyed && EVP_MAC_init(k->keyed, crypto_bytes(secret), secret.n, params) == 1);
    return k;
}

void hmac_key_free(struct hmac_key *k)
{
    if (!k)
        return;
    EVP_MAC_CTX_free(k->keyed); /* libcrypto cleanses the key */
    free(k);
}

size_t hmac_sign(const struct hmac_key *k, const struct str *parts, size_t n_parts,
                 uint8_t out[CRYPTO_MAX_DIGEST])
{
    EVP_MAC_CTX *mac = EVP_MAC_CTX_dup(k->keyed);
    crypto_must(mac);
    for (size_t i = 0; i < n_parts; i++)
        crypto_must(EVP_MAC_update(mac, crypto_bytes(parts[i]), parts[i].n) == 1);
    size_t n = 0;
    crypto_must(EVP_MAC_final(mac, out, &n, CRYPTO_MAX_DIGEST) == 1 && n == k->size);
    EVP_MAC_CTX_free(mac);
    return n;
}

bool crypto_equal(const void *a, const void *b, size_t n)
{
    return n == 0 || CRYPTO_memcmp(a, b, n) == 0;
}

bool crypto_equal_str(struct str a, struct str b)
{
    uint8_t digest_a[CRYPTO_MAX_DIGEST], digest_b[CRYPTO_MAX_DIGEST];
    crypto_digest(CRYPTO_SHA256, a, digest_a);
    crypto_digest(CRYPTO_SHA256, b, digest_b);
    return crypto_equal(digest_a, digest_b, crypto_hash_size(CRYPTO_SHA256));
}

void crypto_wipe(void *p, size_t n)
{
    if (n)
        OPENSSL_cleanse(p, n);
}

bool ed25519_verify(const uint8_t public_key[32], const struct str *parts, size_t n_parts,
                    const uint8_t signature[64])
{
    /* Ed25519 hashes the message twice (RFC 8032 section 5.1.6): it must lie in one piece. */
    auto_buf message = BUF_INIT(SIZE_MAX / 2);
    for (size_t i = 0; i < n_parts; i++)
        buf_str(&message, parts[i]);
    /* A refusal must leave nothing in the thread's error queue: SSL_get_error() reads it. */
    ERR_set_mark();
    EVP_PKEY *key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, public_key, 32);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool good =
        key && ctx && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, key) == 1 &&
        EVP_DigestVerify(ctx, signature, 64, crypto_bytes(buf_view(&message)), message.n) == 1;
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(key);
    ERR_pop_to_mark();
    return good;
}
