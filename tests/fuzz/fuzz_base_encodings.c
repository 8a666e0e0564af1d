/* Base64 and hex from any bytes: one value has one spelling, and failure adds nothing. */
#include "base/crypto.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = str_n((const char *)data, size);
    auto_buf bytes = BUF_INIT(MIB), again = BUF_INIT(MIB);
    if (base64_decode(&bytes, text) == 0) {
        base64_encode(&again, bytes.p, bytes.n);
        assert(str_eq(buf_view(&again), text));
    }
    assert(bytes.n <= size);
    buf_reset(&bytes);
    buf_reset(&again);
    if (base64url_decode(&bytes, text) == 0) {
        base64url_encode(&again, bytes.p, bytes.n);
        assert(str_starts(text, buf_view(&again)) && size - again.n <= 2);
    } else {
        assert(bytes.n == 0);
    }
    uint8_t out[64];
    if (size <= 2 * sizeof(out) && hex_decode(text, out, size / 2) == 0) {
        buf_reset(&again);
        hex_encode(&again, out, size / 2);
        assert(str_eq_fold(buf_view(&again), text));
    }
    return 0;
}
