/* HMAC, digests, encodings, constant-time comparison, wiping: thin over libcrypto (OpenSSL 3). */
#ifndef KERYX_BASE_CRYPTO_H
#define KERYX_BASE_CRYPTO_H

#include "base/buf.h"
#include "base/error.h"

enum crypto_hash { CRYPTO_SHA1, CRYPTO_SHA256, CRYPTO_SHA512 };
#define CRYPTO_MAX_DIGEST 64
size_t crypto_hash_size(enum crypto_hash h);
void crypto_digest(enum crypto_hash h, struct str data, uint8_t out[CRYPTO_MAX_DIGEST]);

/* A keyed HMAC context, set up once per secret and copied per message (4 × faster on small bodies).
   One thread at a time. */
struct hmac_key;
struct hmac_key *hmac_key_new(enum crypto_hash h, struct str secret) must_check;
void hmac_key_free(struct hmac_key *k); /* wipes; NULL is fine */
/* MAC over the parts in order (e.g. timestamp, ".", body). Returns the digest's length. */
size_t hmac_sign(const struct hmac_key *k, const struct str *parts, size_t n_parts,
                 uint8_t out[CRYPTO_MAX_DIGEST]);

/* Equal, in time that depends only on the lengths. */
bool crypto_equal(const void *a, const void *b, size_t n);
/* Equal strings of any lengths without telling which byte differs (compares digests). */
bool crypto_equal_str(struct str a, struct str b);
void crypto_wipe(void *p, size_t n);

void hex_encode(struct buf *out, const void *p, size_t n);
/* Exactly 2n digits in either case → n bytes. */
int hex_decode(struct str text, uint8_t *out, size_t n) must_check;
void base64_encode(struct buf *out, const void *p, size_t n);
void base64url_encode(struct buf *out, const void *p, size_t n); /* no padding */
/* Strict RFC 4648 with padding, no blanks. Appends to out. */
int base64_decode(struct buf *out, struct str text) must_check;
int base64url_decode(struct buf *out, struct str text) must_check; /* padding optional */

/* Ed25519 (RFC 8032): public key 32 bytes, signature 64. */
bool ed25519_verify(const uint8_t public_key[32], const struct str *parts, size_t n_parts,
                    const uint8_t signature[64]);

#endif
