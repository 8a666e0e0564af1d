/* Regular expressions of regexMatch. */
#include "templates/regex.h"
#include "tests/t.h"

static const struct {
    const char *pattern, *text;
    int want; /* 1 matches, 0 does not, -1 is refused */
} rows[] = {
    { "", "", 1 },
    { "abc", "xabcx", 1 },
    { "abc", "abx", 0 },
    { "^abc$", "abc", 1 },
    { "^abc$", "abcd", 0 },
    { "^$", "", 1 },
    { "a.c",
      "a\xc3\xa9"
      "c",
      1 },
    { "a.c", "a\nc", 0 },
    { "(?s)a.c", "a\nc", 1 },
    { "a*", "", 1 },
    { "^a*$", "aaab", 0 },
    { "^a+$", "aaa", 1 },
    { "^a+$", "", 0 },
    { "^ab?c$", "ac", 1 },
    { "^a{2,3}$", "a", 0 },
    { "^a{2,3}$", "aaa", 1 },
    { "^a{2,3}$", "aaaa", 0 },
    { "^a{2}$", "aa", 1 },
    { "^a{2,}$", "aaaaa", 1 },
    { "^a{0,2}$", "", 1 },
    { "^a{0,2}b$", "aab", 1 },
    { "^a{0,2}b$", "aaab", 0 },
    { "^a{0}b$", "b", 1 },
    { "a{,2}", "a{,2}", 1 },
    { "^(ab|cd)+$", "abcdab", 1 },
    { "^(ab|cd)+$", "abc", 0 },
    { "^(a|b|c)d$", "cd", 1 },
    { "^(|a)b$", "b", 1 },
    { "^(?:a|b)*?c$", "ababc", 1 },
    { "^(?P<name>x)y$", "xy", 1 },
    { "[a-c]+", "xxbxx", 1 },
    { "^[^a-c]+$", "xyz", 1 },
    { "^[^a-c]+$", "xaz", 0 },
    { "^[]a]+$", "]a", 1 },
    { "^[a\\-z]+$", "-", 1 },
    { "^\\d{3}-\\w+\\s$", "123-ab_1 ", 1 },
    { "^\\D+$", "abc", 1 },
    { "^\\D+$", "a1", 0 },
    { "^[\\d.]+$", "1.2", 1 },
    { "^[[:alpha:]]+$", "abC", 1 },
    { "\\bfoo\\b", "a foo b", 1 },
    { "\\bfoo\\b", "afoo", 0 },
    { "\\Boo", "foo", 1 },
    { "(?i)hello", "HeLLo", 1 },
    { "(?i)[a-z]+$", "ABC", 1 },
    { "(?i:a)b", "Ab", 1 },
    { "(?i:a)b", "AB", 0 },
    { "(?m)^b$", "a\nb\nc", 1 },
    { "^b$", "a\nb\nc", 0 },
    { "\\.com$", "a.com", 1 },
    { "\\.com$", "acom", 0 },
    { "\\x41\\x{e9}", "A\xc3\xa9", 1 },
    { "\\Qa.b\\E", "a.b", 1 },
    { "\\Qa.b\\E", "axb", 0 },
    { "^refs/heads/(main|release-.*)$", "refs/heads/release-1", 1 },
    { "^(a*)*$", "aaaa", 1 },
    { "^(a*)*b$", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac", 0 },
    { "(", "", -1 },
    { ")", "", -1 },
    { "[a", "", -1 },
    { "*a", "", -1 },
    { "a**", "", -1 },
    { "a\\", "", -1 },
    { "[z-a]", "", -1 },
    { "\\p", "", -1 },
    { "a{1001}", "", -1 },
    { "a{3,2}", "", -1 },
    { "((a{100}){100}){100}", "", -1 },
    { "(?=a)", "", -1 },
    { "(((((((((()*)*)*)*)*)*)*)*)*)*", "x", 1 },
};

TEST(regex_rows)
{
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        struct arena *a = arena_new(0);
        struct error e = ERROR_INIT;
        ROW(rows[i].pattern);
        struct regex *re = regex_compile(a, str_of(rows[i].pattern), &e);
        CHECK_INT(re ? regex_match(re, str_of(rows[i].text)) : -1, rows[i].want);
        if (!re)
            CHECK(e.text[0] != '\0' && e.column > 0);
        arena_free(a);
    }
}
