/* The YAML reader: types of the 1.2 core schema, positions, and what it refuses. */
#include "config/yaml.h"
#include "tests/unit/config_rig.h"

static struct config_node *parse(struct arena *a, const char *text, struct config_problems *p)
{
    config_problems_init(p);
    return config_node_parse(a, str_of(text), p);
}

TEST(plain_scalars_have_the_types_of_yaml_1_2_core)
{
    static const struct {
        const char *text;
        enum config_node_scalar type;
    } rows[] = {
        { "null", CONFIG_SCALAR_NULL },    { "~", CONFIG_SCALAR_NULL },
        { "Null", CONFIG_SCALAR_NULL },    { "", CONFIG_SCALAR_NULL },
        { "nULL", CONFIG_SCALAR_STRING },  { "true", CONFIG_SCALAR_BOOL },
        { "FALSE", CONFIG_SCALAR_BOOL },   { "tRUE", CONFIG_SCALAR_STRING },
        { "on", CONFIG_SCALAR_STRING },    { "off", CONFIG_SCALAR_STRING },
        { "yes", CONFIG_SCALAR_STRING },   { "no", CONFIG_SCALAR_STRING },
        { "0", CONFIG_SCALAR_INT },        { "-12", CONFIG_SCALAR_INT },
        { "+12", CONFIG_SCALAR_INT },      { "012", CONFIG_SCALAR_INT },
        { "0o17", CONFIG_SCALAR_INT },     { "0o18", CONFIG_SCALAR_STRING },
        { "0xfF", CONFIG_SCALAR_INT },     { "0x", CONFIG_SCALAR_STRING },
        { "1_000", CONFIG_SCALAR_STRING }, { "1.5", CONFIG_SCALAR_FLOAT },
        { "1.", CONFIG_SCALAR_FLOAT },     { ".5", CONFIG_SCALAR_FLOAT },
        { ".", CONFIG_SCALAR_STRING },     { "1e3", CONFIG_SCALAR_FLOAT },
        { "1e", CONFIG_SCALAR_STRING },    { "-1.5E-3", CONFIG_SCALAR_FLOAT },
        { ".inf", CONFIG_SCALAR_FLOAT },   { "-.INF", CONFIG_SCALAR_FLOAT },
        { ".nan", CONFIG_SCALAR_FLOAT },   { "-.nan", CONFIG_SCALAR_STRING },
        { "1:30", CONFIG_SCALAR_STRING },  { "2026-01-01", CONFIG_SCALAR_STRING },
        { "1.2.3", CONFIG_SCALAR_STRING }, { "-", CONFIG_SCALAR_STRING },
    };
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        ROW(rows[i].text);
        CHECK_INT(config_node_core_type(str_of(rows[i].text)), rows[i].type);
    }
}

TEST(scalars_know_where_their_content_stands)
{
    static const struct {
        const char *yaml;
        unsigned line, column;           /* of the node */
        unsigned text_line, text_column; /* of its content */
        bool rows;
    } rows[] = {
        { "a: plain", 1, 4, 1, 4, true },
        { "a: 'quoted'", 1, 4, 1, 5, true },
        { "a: \"es\\tcape\"", 1, 4, 1, 5, false },
        { "a: |\n  one\n  two\n", 1, 4, 2, 3, true },
        { "b: x\na: |\n     one\n", 2, 4, 3, 6, true },
        { "b: x\nc: |\n  y\na: |-\n\n\n    one\n", 4, 4, 5, 5, true },
        { "a: |2\n    deep\n", 1, 4, 2, 3, true },
        { "a: >\n  one\n  two\n", 1, 4, 2, 3, false },
        { "a: one\n  two\n", 1, 4, 1, 4, false },
        { "\xef\xbb\xbf"
          "a: x",
          1, 4, 1, 4, true },
        { "b: \xc3\xa4\r\na: x", 2, 4, 2, 4, true },
        { "{b: \xe2\x82\xac\xe2\x82\xac, a: x}", 1, 12, 1, 12, true },
    };
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        struct arena *a = arena_new(0);
        struct config_problems p;
        ROW(rows[i].yaml);
        const struct config_node *node = config_node_get(parse(a, rows[i].yaml, &p), "a");
        CHECK(node != NULL);
        if (node) {
            CHECK_INT(node->pos.line, rows[i].line);
            CHECK_INT(node->pos.column, rows[i].column);
            CHECK_INT(node->text_pos.line, rows[i].text_line);
            CHECK_INT(node->text_pos.column, rows[i].text_column);
            CHECK_INT(node->rows, rows[i].rows);
        }
        config_problems_release(&p);
        arena_free(a);
    }
}

TEST(aliases_share_the_node_of_their_anchor)
{
    struct arena *a = arena_new(0);
    struct config_problems p;
    const struct config_node *root =
        parse(a, "a: &x {k: v}\nb: *x\nc: &x 1\nd: *x\n&k key: 2\n", &p);
    CHECK(config_node_get(root, "a") == config_node_get(root, "b"));
    CHECK(config_node_get(root, "c") == config_node_get(root, "d"));
    CHECK_STR(config_node_get(root, "key")->text, "2");
    CHECK_INT(root->total, 1 + 2 + 2 + 1 + 1 + 1);
    CHECK_INT(p.n, 0);
    config_problems_release(&p);
    arena_free(a);
}

TEST(a_bomb_of_aliases_is_cheap)
{
    struct buf text = BUF_INIT(MIB);
    buf_cstr(&text, "a0: &a0 [x,x,x,x,x,x,x,x,x]\n");
    for (int i = 1; i < 30; i++) {
        buf_printf(&text, "a%d: &a%d [", i, i);
        for (int k = 0; k < 9; k++)
            buf_printf(&text, "%s*a%d", k ? "," : "", i - 1);
        buf_cstr(&text, "]\n");
    }
    struct arena *a = arena_new(0);
    struct config_problems p;
    config_problems_init(&p);
    CHECK(config_node_parse(a, buf_view(&text), &p) == NULL);
    CHECK_INT(p.n, 1);
    CHECK_CSTR(p.items[0].text, "more than 4000000 nodes when aliases are counted as copies");
    CHECK(arena_used(a) < 100000);
    config_problems_release(&p);
    arena_free(a);
    buf_release(&text);
}

TEST(entries_of_a_file_are_bounded)
{
    struct buf text = BUF_INIT(MIB);
    buf_cstr(&text, "agents: {a: {triggers: [");
    for (int i = 0; i < 100001; i++)
        buf_cstr(&text, i ? ",{}" : "{}");
    buf_cstr(&text, "]}}\n");
    struct config_rig rig;
    config_rig_text(&rig, buf_view(&text), NULL);
    CHECK_STR(buf_view(&rig.said),
              "agents.yaml:1:24: agents.a.triggers: more than 100000 entries in the file; expected "
              "fewer\n");
    config_rig_release(&rig);
    buf_release(&text);
}

TEST(depth_is_bounded)
{
    char text[400] = "a: ";
    memset(text + 3, '[', 64);
    struct config_rig rig;
    config_rig_text(&rig, str_of(text), NULL);
    CHECK_STR(buf_view(&rig.said), "agents.yaml:1:67: nested more than 64 deep\n");
    config_rig_release(&rig);
}

TEST(many_keys_are_told_apart_and_repeats_found)
{
    struct buf text = BUF_INIT(MIB);
    for (int i = 0; i < 5000; i++)
        buf_printf(&text, "k%d: %d\n", i, i);
    buf_cstr(&text, "k4999: x\n");
    struct arena *a = arena_new(0);
    struct config_problems p;
    config_problems_init(&p);
    const struct config_node *root = config_node_parse(a, buf_view(&text), &p);
    CHECK_INT(root->count, 5000);
    CHECK_INT(p.n, 1);
    CHECK_CSTR(p.items[0].text, "the key 'k4999' is here a second time; the first is at 5000:1");
    config_problems_release(&p);
    arena_free(a);
    buf_release(&text);
}

TEST(what_is_not_yaml_is_told_with_its_place)
{
    static const struct config_rig_row rows[] = {
        { "nothing", "",
          "agents.yaml:1:1: the file is empty; expected at least 'agents:' (keryx init writes one "
          "that runs)\n" },
        { "only a comment", "# nothing\n",
          "agents.yaml:1:1: the file is empty; expected at least 'agents:' (keryx init writes one "
          "that runs)\n" },
        { "an open quote", "name: \"abc\nserver:\n",
          "agents.yaml:1:7: while scanning a quoted scalar: never closed; expected its end before "
          "the file's end at line 3\n" },
        { "a tab", "agents:\n\ta: 1\n",
          "agents.yaml:2:1: found character that cannot start any token, while scanning for the "
          "next token that began at 2:1; indent with spaces, not with tabs\n" },
        { "an unquoted variable in braces", "server: {public_url: ${URL}}\n",
          "agents.yaml:1:23: did not find expected ',' or '}', while parsing a flow mapping that "
          "began at 1:9; inside {…} and […] write \"${VAR}\" in quotes\n" },
        { "a colon in a value", "name: a: b\n",
          "agents.yaml:1:8: mapping values are not allowed in this context; put a value that "
          "contains ': ' in quotes, or check the indentation\n" },
        { "bad indentation", "agents:\n  a: {}\n b: {}\n",
          "agents.yaml:3:2: did not find expected key, while parsing a block mapping that began at "
          "1:1; check the indentation\n" },
        { "not UTF-8", "name: a\nserver: \xff\n",
          "agents.yaml:2:9: invalid leading UTF-8 octet; expected UTF-8 text\n" },
        { "UTF-16",
          "\xff\xfe"
          "a",
          "agents.yaml:1:1: the file is UTF-16; expected UTF-8 text\n" },
        { "a control character", "name: \x01\n",
          "agents.yaml:1:7: control characters are not allowed; expected UTF-8 text\n" },
        { "two documents", "name: a\n---\nname: b\n",
          "agents.yaml:2:1: a second document begins here; expected one document in the file\n" },
        { "a duplicate key", "name: a\nname: b\n",
          "agents.yaml:2:1: the key 'name' is here a second time; the first is at 1:1\n" },
        { "an alias without anchor", "name: *x\n",
          "agents.yaml:1:7: the alias *x has no anchor; expected &x before it\n" },
        { "a cycle", "agents: &x\n  a: *x\n",
          "agents.yaml:2:6: the alias *x stands inside its own anchor, a cycle; expected an anchor "
          "that ended before\n" },
        { "a tag", "name: !secret a\n",
          "agents.yaml:1:7: the tag '!secret' is not supported; write the value without a tag\n" },
        { "a template that is not quoted", "agents: {a: {instruction: {{ .x }}}}\n",
          "agents.yaml:1:27: agents.a.instruction: got a map; expected text\n"
          "agents.yaml:1:28: a map as a key; expected 'key: value' (a template that begins with {{ "
          "needs quotes)\n" },
        { "a NUL", "name: \"a\\0b\"\n", "agents.yaml:1:7: the text has a NUL character in it\n" },
        { "a list as the file", "- a\n", "agents.yaml:1:1: got a list; expected a map of keys\n" },
    };
    config_rig_rows(rows, N_ELEMENTS(rows));
}
