/* Errors as values. */
#include "base/error.h"
#include "tests/t.h"

#include <errno.h>

TEST(an_error_says_code_place_and_text)
{
    struct error e = ERROR_INIT;
    CHECK_INT(error_set(&e, ERROR_DENIED, "no entry for %s", "bob"), -1);
    CHECK_INT(e.code, ERROR_DENIED);
    CHECK_INT(e.line, 0);
    CHECK_CSTR(e.text, "no entry for bob");
    CHECK_INT(error_at(&e, 12, 5, "unknown key \"%s\"", "crn"), -1);
    CHECK_INT(e.code, ERROR_INVALID);
    CHECK_INT(e.line, 12);
    CHECK_INT(e.column, 5);
    CHECK_CSTR(e.text, "unknown key \"crn\"");
    CHECK_INT(error_wrap(&e, "agents.%s", "daily"), -1);
    CHECK_CSTR(e.text, "agents.daily: unknown key \"crn\"");
    CHECK_INT(e.line, 12);
    CHECK_INT(error_set(&e, ERROR_IO, "again: %s", e.text), -1);
    CHECK_CSTR(e.text, "again: agents.daily: unknown key \"crn\"");
    CHECK_INT(e.line, 0);
}

TEST(nobody_has_to_want_the_error)
{
    CHECK_INT(error_set(NULL, ERROR_IO, "x"), -1);
    CHECK_INT(error_at(NULL, 1, 1, "x"), -1);
    CHECK_INT(error_wrap(NULL, "x"), -1);
    CHECK_INT(error_sys(NULL, ENOENT, "x"), -1);
}

TEST(an_errno_becomes_a_code_and_a_reason)
{
    static const struct {
        int number;
        enum error_code code;
        const char *text;
    } rows[] = {
        { ENOENT, ERROR_NOT_FOUND, "open x: No such file or directory" },
        { EEXIST, ERROR_EXISTS, "open x: File exists" },
        { EACCES, ERROR_DENIED, "open x: Permission denied" },
        { ENOSPC, ERROR_FULL, "open x: No space left on device" },
        { ETIMEDOUT, ERROR_TIMEOUT, "open x: Connection timed out" },
        { EADDRINUSE, ERROR_BUSY, "open x: Address already in use" },
        { EMFILE, ERROR_LIMIT, "open x: Too many open files" },
        { EIO, ERROR_IO, "open x: Input/output error" },
        { 12345, ERROR_IO, "open x: Unknown error 12345" },
    };
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        struct error e = ERROR_INIT;
        CHECK_INT(error_sys(&e, rows[i].number, "open %s", "x"), -1);
        CHECK_INT(e.code, rows[i].code);
        CHECK_CSTR(e.text, rows[i].text);
    }
}

/* `n` times `unit`, with `lead` in front. */
static void fill(char *to, const char *lead, const char *unit, size_t n)
{
    to = stpcpy(to, lead);
    while (n-- > 0)
        to = stpcpy(to, unit);
}

TEST(a_long_text_is_cut_between_characters)
{
    static const struct {
        const char *name, *lead, *unit;
        size_t n, kept; /* bytes kept before the ellipsis; 0 = nothing cut */
    } rows[] = {
        { "fits", "", "a", 479, 0 },
        { "one more", "", "a", 480, 476 },
        { "far longer", "", "a", 3000, 476 },
        { "two bytes", "", "\xC3\xA9", 300, 476 },
        { "two bytes, odd", "a", "\xC3\xA9", 300, 475 },
        { "three bytes", "", "\xE2\x82\xAC", 200, 474 },
        { "four bytes", "ab", "\xF0\x9F\x98\x80", 150, 474 },
    };
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        char text[4000];
        struct error e;
        fill(text, rows[i].lead, rows[i].unit, rows[i].n);
        ROW(rows[i].name);
        CHECK_INT(error_set(&e, ERROR_INVALID, "%s", text), -1);
        CHECK(str_utf8_valid(str_of(e.text)));
        if (rows[i].kept) {
            CHECK_INT(strlen(e.text), rows[i].kept + 3);
            CHECK_CSTR(e.text + rows[i].kept, "…");
        } else {
            CHECK_CSTR(e.text, text);
        }
        CHECK_INT(error_wrap(&e, "%s", text), -1);
        CHECK(strlen(e.text) < sizeof(e.text));
        CHECK(str_utf8_valid(str_of(e.text)));
    }
}
