/* The functions of templates: Go's, Hector's, Sprig's. */
#include "tests/unit/templates.h"

#define DATA                                                                                     \
    "{\"s\":\"Hello World\",\"u\":\"h\\u00e9llo "                                                \
    "\\u00df\",\"n\":7,\"neg\":-3,\"f\":1.5,\"l\":[3,1,3],"                                      \
    "\"ls\":[\"b\",\"a\",\"b\"],\"m\":{\"b\":2,\"a\":1},\"e\":\"\",\"z\":0,\"t\":true,\"html\":" \
    "\"<a href='x'>&\\\"\",\"at\":\"2024-03-10T06:30:05.123456Z\",\"big\":12345678901234567890," \
    "\"esc\":\"a\\nb\"}"

static const struct row text_rows[] = {
    { "upper lower title", "{{upper .u}} {{lower .s}} {{title \"a b-c d_e\"}}", DATA,
      "H\xc3\x89LLO \xc3\x9f hello world A B-C D_e" },
    { "cyrillic and greek",
      "{{upper \"\xd0\xb6\xd1\x91\xcf\x89\"}} {{lower \"\xd0\x96\xd0\x81\xce\xa9\"}}", DATA,
      "\xd0\x96\xd0\x81\xce\xa9 \xd0\xb6\xd1\x91\xcf\x89" },
    { "trim",
      "[{{trim \" \\t a \\u00a0\\n\"}}][{{trimAll \"$\" \"$5$\"}}][{{trimPrefix \"-\" "
      "\"-a\"}}][{{trimSuffix \"a\" \"-a\"}}]",
      DATA, "[a][5][a][-]" },
    { "trunc", "{{trunc 5 .s}} {{trunc -5 .s}} {{trunc 2 .u}} {{trunc 99 .s}} {{trunc -99 .s}}",
      DATA, "Hello World h\xc3\xa9 Hello World Hello World" },
    { "replace",
      "{{replace \"l\" \"L\" .s}} {{.s | replace \" \" \"-\"}} {{replace \"\" \"-\" \"ab\"}}", DATA,
      "HeLLo WorLd Hello-World -a-b-" },
    { "contains and its like",
      "{{contains \"lo\" .s}} {{hasPrefix \"He\" .s}} {{hasSuffix \"x\" .s}}", DATA,
      "true true false" },
    { "split and join",
      "{{split \"/\" \"a/b/c\"}} {{(split \"/\" \"a/b\")._1}} {{join \"-\" .ls}} {{join \", \" "
      ".l}} {{join \"-\" \"x\"}}",
      DATA, "[a b c] b b-a-b 3, 1, 3 x" },
    { "split of nothing", "{{len (split \"/\" \"\")}} {{splitList \"\" \"ab\"}}", DATA, "1 [a b]" },
    { "quote", "{{quote .s .n .x}} {{quote \"a\\\"b\"}} {{squote 1}}", DATA,
      "\"Hello World\" \"7\" \"a\\\"b\" '1'" },
    { "indent", "{{indent 2 \"a\\nb\"}}|{{nindent 1 .esc}}", DATA, "  a\n  b|\n a\n b" },
    { "toString", "{{toString .n}}{{toString .l}}{{toString .t}}{{toString .x}}", DATA,
      "7[3,1,3]true" },
    { "cat and repeat", "{{cat 1 \"a\" .x true}} {{repeat 3 \"ab\"}}", DATA, "1 a true ababab" },
    { "missing text is empty", "[{{upper .x}}][{{trim .x}}][{{replace \"a\" \"b\" .x}}]", DATA,
      "[][][]" },
};

static const struct row data_rows[] = {
    { "int float64",
      "{{int \"12\"}} {{int 3.9}} {{int -3.9}} {{int \"x\"}} {{int .t}} {{float64 \"1.50\"}}", DATA,
      "12 3 -3 0 1 1.5" },
    { "arithmetic", "{{add 1 2 .n}} {{sub 1 .n}} {{mul 2 3 4}} {{div 7 2}} {{mod 7 2}}", DATA,
      "10 -6 24 3 1" },
    { "division by zero", "{{div 1 .z}}", DATA, "!division by zero" },
    { "the smallest by minus one", "{{div -9223372036854775808 -1}}", DATA, "!overflows" },
    { "overflow", "{{add 9223372036854775807 1}}", DATA, "!overflows" },
    { "ternary coalesce empty default",
      "{{ternary \"y\" \"n\" .t}} {{ternary \"y\" \"n\" .x}} {{coalesce .x .e .z .n}} {{empty .z}} "
      "{{default 5 .z}} {{default 5 .e}}",
      DATA, "y n 7 true 0 5" },
    { "list and dict",
      "{{list 1 \"a\" .l}} {{dict \"b\" 1 \"a\" .n}} {{toJson (dict \"k\" (list 1 nil))}}", DATA,
      "[1 a [3 1 3]] map[a:7 b:1] {\"k\":[1,null]}" },
    { "get hasKey dig keys",
      "{{get .m \"a\"}} [{{get .m \"x\"}}] {{hasKey .m \"b\"}} {{dig \"m\" \"a\" 0 .}} {{dig \"m\" "
      "\"q\" 9 .}} {{keys .m}}",
      DATA, "1 [] true 1 9 [a b]" },
    { "first last uniq", "{{first .l}} {{last .ls}} {{uniq .ls}} {{uniq .l}} [{{first (list)}}]",
      DATA, "3 b [b a] [3 1] []" },
    { "sha256sum and base64", "{{sha256sum \"abc\"}} {{b64enc \"a\xc3\xa9\"}} {{b64dec \"YWJj\"}}",
      DATA, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad YcOp abc" },
    { "bad base64", "{{b64dec \"?\"}}", DATA, "!not base64" },
    { "JSON both ways",
      "{{toJson .l}} {{(fromJson \"{\\\"a\\\":[1,2]}\").a}} {{toJson .u}} {{toJson .big}} {{toJson "
      ".x}}",
      DATA, "[3,1,3] [1 2] \"h\xc3\xa9llo \xc3\x9f\" 12345678901234567890 null" },
    { "pretty JSON", "{{toJsonPretty .m}} {{toPrettyJson (list)}}", DATA,
      "{\n  \"a\": 1,\n  \"b\": 2\n} []" },
    { "bad JSON", "{{fromJson \"{\"}}", DATA, "!fromJson" },
};

static const struct row go_rows[] = {
    { "print puts blanks between what is no string",
      "{{print 1 2 \"a\" 3 4 .t}}|{{println 1 \"a\"}}", DATA, "1 2a3 4 true|1 a\n" },
    { "html js urlquery", "{{html .html}} {{js \"it's <b>\"}} {{urlquery \"a b&c/\xc3\xa9\"}}",
      DATA, "&lt;a href=&#39;x&#39;&gt;&amp;&#34; it\\'s \\u003Cb\\u003E a+b%26c%2F%C3%A9" },
    { "not", "{{not .t}} {{not .x}}", DATA, "false true" },
    { "printf strings",
      "{{printf \"%s|%10s|%-10s|%.2s|%q|%x|%X|% x\" \"abc\" \"abc\" \"abc\" \"abc\" \"a\\\"b\" "
      "\"hi\" \"hi\" \"hi\"}}",
      DATA, "abc|       abc|abc       |ab|\"a\\\"b\"|6869|6869|68 69" },
    { "printf integers",
      "{{printf \"%d|%5d|%-5d|%05d|%+d|%x|%#X|%o|%b|%c|%U|%q\" 42 42 42 42 42 255 255 8 5 65 233 "
      "65}}",
      DATA, "42|   42|42   |00042|+42|ff|0XFF|10|101|A|U+00E9|'A'" },
    { "printf floats",
      "{{printf \"%f|%.2f|%8.3f|%e|%g|%.3g|%6.1f|%+.1f\" .f .f .f .f .f 1234.5 .f .f}}", DATA,
      "1.500000|1.50|   1.500|1.500000e+00|1.5|1.23e+03|   1.5|+1.5" },
    { "printf takes integers as floats", "{{printf \"%.0f %.2f\" .n .n}}", DATA, "7 7.00" },
    { "printf large integers", "{{printf \"%d %v %s\" .big .big .big}}", DATA,
      "12345678901234567890 12345678901234567890 %!s(int=12345678901234567890)" },
    { "printf anything", "{{printf \"%v %v %v %t %T %T %T\" .l .m .t .t .s .n .f}}", DATA,
      "[3 1 3] map[a:1 b:2] true true string int float64" },
    { "printf mistakes",
      "{{printf \"%d\" \"a\"}} {{printf \"%d\"}} {{printf \"%d\" 1 2}} {{printf \"%z\" 1}} "
      "{{printf \"%\"}} {{printf \"%[5]d\" 1}}",
      DATA, "%!d(string=a) %!d(MISSING) 1%!(EXTRA int=2) %!z(int=1) %!(NOVERB) %!d(BADINDEX)" },
    { "printf lists", "{{printf \"%d %q %03d\" .l .ls .l}}", DATA,
      "[3 1 3] [\"b\" \"a\" \"b\"] [003 001 003]" },
    { "printf star and places", "{{printf \"%*d|%-*d|%.*f|%[2]d %[1]d\" 5 42 5 42 1 2.55}}", DATA,
      "   42|42   |2.5|42 5" },
    { "printf of something missing", "[{{printf \"%s %d %v\" .x .x .x}}]", DATA, "[  ]" },
};

static const struct row date_rows[] = {
    { "now", "{{now}} {{now | date \"2006-01-02\"}}", DATA, "2025-01-02T03:04:05Z 2025-01-02" },
    { "layouts", "{{date \"Mon Monday Jan January 2 _2 02 002 06 2006\" .at}}", DATA,
      "Sun Sunday Mar March 10 10 10 070 24 2024" },
    { "times", "{{date \"15:04:05 03:04PM 3:4:5pm .000 05.000 05.999999 Z07:00 -0700 MST\" .at}}",
      DATA, "06:30:05 06:30AM 6:30:5am .000 05.123 05.123456 Z +0000 UTC" },
    { "zones", "{{dateInZone \"2006-01-02 15:04 MST -07:00\" .at \"America/New_York\"}}", DATA,
      "2024-03-10 01:30 EST -05:00" },
    { "seconds since 1970", "{{date \"2006-01-02T15:04:05Z07:00\" 86400}}", DATA,
      "1970-01-02T00:00:00Z" },
    { "text is no time", "{{date \"2006\" \"soon\"}}", DATA, "!date" },
    { "an unknown zone", "{{dateInZone \"2006\" .at \"Mars/Base\"}}", DATA, "!Mars" },
};

TEST(text_functions)
{
    CHECK_ROWS(TEMPLATE_GO, text_rows, NULL);
}

TEST(data_functions)
{
    CHECK_ROWS(TEMPLATE_GO, data_rows, NULL);
}

TEST(go_functions)
{
    CHECK_ROWS(TEMPLATE_GO, go_rows, NULL);
}

TEST(date_functions)
{
    struct template_options o = { .now_us = 1735787045999999 };
    CHECK_ROWS(TEMPLATE_GO, date_rows, &o);
}
