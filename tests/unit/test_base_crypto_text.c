/* Hex and base64, written one way and read strictly. */
#include "base/crypto.h"
#include "tests/t.h"

TEST(hex_is_read_in_either_case_and_exactly)
{
    static const struct {
        const char *text;
        size_t n;
        int result;
        const char *want; /* as lower-case hex */
    } rows[] = {
        { "", 0, 0, "" },      { "00ff", 2, 0, "00ff" }, { "DeadBEEF", 4, 0, "deadbeef" },
        { "0", 0, -1, "" },    { "0", 1, -1, "" },       { "00ff0", 2, -1, "" },
        { "00f", 2, -1, "" },  { "0g", 1, -1, "" },      { "g0", 1, -1, "" },
        { " 0", 1, -1, "" },   { "0x", 1, -1, "" },      { "@0", 1, -1, "" },
        { "00ff", 1, -1, "" }, { "00ff", 3, -1, "" },    { "`0", 1, -1, "" },
        { "00fG", 2, -1, "" },
    };
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        uint8_t out[4] = { 0x55, 0x55, 0x55, 0x55 };
        ROW(rows[i].text);
        CHECK_INT(hex_decode(str_of(rows[i].text), out, rows[i].n), rows[i].result);
        if (rows[i].result) {
            CHECK(out[0] == 0x55 && out[1] == 0x55); /* untouched */
            continue;
        }
        auto_buf back = BUF_INIT(100);
        hex_encode(&back, out, rows[i].n);
        CHECK_STR(buf_view(&back), rows[i].want);
    }
}

TEST(base64_is_written_as_rfc_4648_section_10)
{
    static const struct {
        const char *bytes, *standard, *url;
    } rows[] = {
        { "", "", "" },
        { "f", "Zg==", "Zg" },
        { "fo", "Zm8=", "Zm8" },
        { "foo", "Zm9v", "Zm9v" },
        { "foob", "Zm9vYg==", "Zm9vYg" },
        { "fooba", "Zm9vYmE=", "Zm9vYmE" },
        { "foobar", "Zm9vYmFy", "Zm9vYmFy" },
        { "\xfb\xff\xbf", "+/+/", "-_-_" },
        { "\xff\xfe", "//4=", "__4" },
    };
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        auto_buf standard = BUF_INIT(100), url = BUF_INIT(100), back = BUF_INIT(100);
        base64_encode(&standard, rows[i].bytes, strlen(rows[i].bytes));
        base64url_encode(&url, rows[i].bytes, strlen(rows[i].bytes));
        CHECK_STR(buf_view(&standard), rows[i].standard);
        CHECK_STR(buf_view(&url), rows[i].url);
        CHECK_INT(base64_decode(&back, buf_view(&standard)), 0);
        CHECK_STR(buf_view(&back), rows[i].bytes);
        buf_reset(&back);
        CHECK_INT(base64url_decode(&back, buf_view(&url)), 0);
        CHECK_STR(buf_view(&back), rows[i].bytes);
    }
}

TEST(base64_is_read_strictly)
{
    static const struct {
        const char *text;
        int standard, url;
    } rows[] = {
        { "Zg==", 0, 0 },       { "Zg", -1, 0 },          { "Zg=", -1, -1 },
        { "Zg===", -1, -1 },    { "Z", -1, -1 },          { "Z===", -1, -1 },
        { "=", -1, -1 },        { "==", -1, -1 },         { "====", -1, -1 },
        { "Zh==", -1, -1 }, /* bits behind the byte */
        { "Zm9=", -1, -1 },     { "Zm8=", 0, 0 },         { "Zm8", -1, 0 },
        { "Zm 9v", -1, -1 },    { "Zm9v\n", -1, -1 },     { "Zm9v\nZm9v", -1, -1 },
        { "Zg==Zg==", -1, -1 }, { "Zm9v====", -1, -1 },   { "+/+/", 0, -1 },
        { "-_-_", -1, 0 },      { "Zm\xC3\xA9", -1, -1 }, { "Z=9v", -1, -1 },
    };
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        auto_buf out = BUF_INIT(100);
        ROW(rows[i].text);
        buf_cstr(&out, "kept");
        CHECK_INT(base64_decode(&out, str_of(rows[i].text)), rows[i].standard);
        if (rows[i].standard)
            CHECK_STR(buf_view(&out), "kept");
        buf_reset(&out);
        buf_cstr(&out, "kept");
        CHECK_INT(base64url_decode(&out, str_of(rows[i].text)), rows[i].url);
        if (rows[i].url)
            CHECK_STR(buf_view(&out), "kept");
    }
    auto_buf small = BUF_INIT(2);
    CHECK_INT(base64_decode(&small, STR("Zm9v")), -1);
    CHECK(!buf_ok(&small));
}
