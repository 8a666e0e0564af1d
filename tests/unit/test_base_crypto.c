/* Digests, HMAC, encodings, Ed25519: published vectors. */
#include "base/crypto.h"
#include "tests/t.h"

#include <openssl/err.h>

static void check_hex(const uint8_t *got, size_t n, const char *want)
{
    auto_buf hex = BUF_INIT(1000);
    hex_encode(&hex, got, n);
    CHECK_STR(buf_view(&hex), want);
}

TEST(digests_match_fips_180_4)
{
    static const struct {
        enum crypto_hash hash;
        const char *text, *want;
    } rows[] = {
        { CRYPTO_SHA1, "abc", "a9993e364706816aba3e25717850c26c9cd0d89d" },
        { CRYPTO_SHA1, "", "da39a3ee5e6b4b0d3255bfef95601890afd80709" },
        { CRYPTO_SHA256, "abc",
          "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
        { CRYPTO_SHA256, "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
        { CRYPTO_SHA512, "abc",
          "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
          "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f" },
    };
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        uint8_t out[CRYPTO_MAX_DIGEST];
        struct str text = rows[i].text[0] ? str_of(rows[i].text) : STR_NULL;
        crypto_digest(rows[i].hash, text, out);
        check_hex(out, crypto_hash_size(rows[i].hash), rows[i].want);
    }
}

/* `text`, or `n` times the byte `fill`. */
struct input {
    const char *text;
    uint8_t fill;
    size_t n;
};

static struct str input_bytes(const struct input *in, char room[256])
{
    if (in->text)
        return str_of(in->text);
    memset(room, in->fill, in->n);
    return str_n(room, in->n);
}

static const char counting[] = "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10"
                               "\x11\x12\x13\x14\x15\x16\x17\x18\x19";

static const struct {
    const char *name;
    struct input key, data;
    const char *sha1, *sha256, *sha512;
} hmac_rows[] = {
    { "case 1",
      { NULL, 0x0b, 20 },
      { "Hi There", 0, 0 },
      "b617318655057264e28bc0b6fb378c8ef146be00",
      "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
      "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cde"
      "daa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854" },
    { "case 2",
      { "Jefe", 0, 0 },
      { "what do ya want for nothing?", 0, 0 },
      "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79",
      "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
      "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
      "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737" },
    { "case 3",
      { NULL, 0xaa, 20 },
      { NULL, 0xdd, 50 },
      "125d7342b9ac11cd91a39af48aa17b4f63f175d3",
      "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
      "fa73b0089d56a284efb0f0756c890be9b1b5dbdd8ee81a3655f83e33b2279d39"
      "bf3e848279a722c806b485a47e67c807b946a337bee8942674278859e13292fb" },
    { "case 4",
      { counting, 0, 0 },
      { NULL, 0xcd, 50 },
      "4c9007f4026250c6bc8414f9bf50c86c2d7235da",
      "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
      "b0ba465637458c6990e5a8c5f61d4af7e576d97ff94b872de76f8050361ee3db"
      "a91ca5c11aa25eb4d679275cc5788063a5f19741120c4f2de2adebeb10a298dd" },
    { "case 6, a key longer than a block",
      { NULL, 0xaa, 131 },
      { "Test Using Larger Than Block-Size Key - Hash Key First", 0, 0 },
      NULL,
      "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
      "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f352"
      "6b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598" },
};

TEST(hmac_matches_rfc_4231_and_2202)
{
    for (size_t i = 0; i < N_ELEMENTS(hmac_rows); i++) {
        char key_room[256], data_room[256];
        struct str key = input_bytes(&hmac_rows[i].key, key_room);
        struct str data = input_bytes(&hmac_rows[i].data, data_room);
        const char *const want[] = { hmac_rows[i].sha1, hmac_rows[i].sha256, hmac_rows[i].sha512 };
        ROW(hmac_rows[i].name);
        for (size_t h = 0; h < N_ELEMENTS(want); h++) {
            if (!want[h])
                continue;
            struct hmac_key *k = hmac_key_new((enum crypto_hash)h, key);
            uint8_t out[CRYPTO_MAX_DIGEST];
            /* Twice, in one part and in three: the key stays as it was. */
            size_t n = hmac_sign(k, &data, 1, out);
            check_hex(out, n, want[h]);
            const struct str parts[] = { str_sub(data, 0, 3), STR_NULL, str_sub(data, 3, data.n) };
            n = hmac_sign(k, parts, N_ELEMENTS(parts), out);
            check_hex(out, n, want[h]);
            hmac_key_free(k);
        }
    }
    hmac_key_free(NULL);
}

TEST(an_empty_secret_and_message_have_a_mac)
{
    struct hmac_key *k = hmac_key_new(CRYPTO_SHA256, STR_NULL);
    uint8_t out[CRYPTO_MAX_DIGEST];
    CHECK_INT(hmac_sign(k, NULL, 0, out), 32);
    check_hex(out, 32, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
    hmac_key_free(k);
}

TEST(comparison_tells_equal_from_not)
{
    static const struct {
        struct str a, b;
        bool want;
    } rows[] = {
        { STR("secret"), STR("secret"), true },   { STR("secret"), STR("secreT"), false },
        { STR("secret"), STR("secrets"), false }, { STR(""), STR(""), true },
        { { NULL, 0 }, STR(""), true },           { STR("a\0b"), STR("a\0c"), false },
    };
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        CHECK_INT(crypto_equal_str(rows[i].a, rows[i].b), rows[i].want);
        if (rows[i].a.n == rows[i].b.n)
            CHECK_INT(crypto_equal(rows[i].a.p, rows[i].b.p, rows[i].a.n), rows[i].want);
    }
    char secret[] = "abc";
    crypto_wipe(secret, 3);
    crypto_wipe(NULL, 0);
    CHECK(secret[0] == 0 && secret[1] == 0 && secret[2] == 0);
}

TEST(ed25519_matches_rfc_8032)
{
    static const struct {
        const char *name, *key, *message, *signature; /* hex; RFC 8032 section 7.1 */
    } rows[] = {
        { "test 1, empty message",
          "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
          "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
          "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b" },
        { "test 2, one byte", "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
          "72",
          "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
          "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00" },
        { "test 3, two bytes", "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
          "af82",
          "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
          "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a" },
    };
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        uint8_t key[32], message[2], signature[64];
        size_t n = strlen(rows[i].message) / 2;
        ROW(rows[i].name);
        CHECK_INT(hex_decode(str_of(rows[i].key), key, 32), 0);
        CHECK_INT(hex_decode(str_of(rows[i].message), message, n), 0);
        CHECK_INT(hex_decode(str_of(rows[i].signature), signature, 64), 0);
        const char *bytes = (const char *)message;
        const struct str parts[] = { str_n(bytes, n / 2), str_n(bytes + n / 2, n - n / 2) };
        CHECK(ed25519_verify(key, parts, 2, signature));
        const struct str longer[] = { parts[0], parts[1], STR("x") };
        CHECK(!ed25519_verify(key, longer, 3, signature));
        signature[5] ^= 1;
        CHECK(!ed25519_verify(key, parts, 2, signature));
        signature[5] ^= 1;
        key[0] ^= 1;
        CHECK(!ed25519_verify(key, parts, 2, signature));
        memset(key, 0xFF, sizeof(key)); /* no point of the curve */
        CHECK(!ed25519_verify(key, parts, 2, signature));
        /* What stays in the queue would be taken for a failure of the next TLS read. */
        CHECK(ERR_peek_error() == 0);
    }
}
