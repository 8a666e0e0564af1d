/* The log: what a line looks like, where it goes, what happens when it cannot. */
#include "base/buf.h"
#include "base/log.h"
#include "tests/t.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/stat.h>

/* Standard error goes to `fd` between begin and end. */
static int real_stderr = -1;

static void capture_begin(int fd)
{
    real_stderr = dup(STDERR_FILENO);
    CHECK(dup2(fd, STDERR_FILENO) == STDERR_FILENO);
}

static void capture_end(void)
{
    CHECK(dup2(real_stderr, STDERR_FILENO) == STDERR_FILENO);
    close(real_stderr);
    log_setup(LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
}

struct pipe_ends {
    int read, write;
};

static struct pipe_ends open_pipe(void)
{
    int fds[2];
    CHECK_INT(pipe2(fds, O_CLOEXEC), 0);
    CHECK_INT(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
    return (struct pipe_ends){ fds[0], fds[1] };
}

static void close_pipe(const struct pipe_ends *p)
{
    close(p->read);
    close(p->write);
}

/* What stands in fd now, its times replaced by "TIME". */
static char *read_all(int fd)
{
    char chunk[4096];
    auto_buf raw = BUF_INIT(4 * MIB);
    for (ssize_t n; (n = read(fd, chunk, sizeof(chunk))) > 0;)
        buf_add(&raw, chunk, (size_t)n);
    auto_buf out = BUF_INIT(4 * MIB);
    struct str rest = buf_view(&raw);
    while (rest.n) {
        /* 2026-11-21T06:30:00.123456Z */
        bool is_time = rest.n >= 27 && rest.p[4] == '-' && rest.p[10] == 'T' && rest.p[19] == '.' &&
                       rest.p[26] == 'Z';
        if (is_time)
            buf_cstr(&out, "TIME");
        else
            buf_char(&out, rest.p[0]);
        rest = str_sub(rest, is_time ? 27 : 1, rest.n);
    }
    return buf_detach(&out);
}

TEST(a_line_is_one_fact_in_text_and_json)
{
    static const struct {
        const char *key, *value, *text, *json;
    } rows[] = {
        { "task_id", "t-1", " task_id=t-1", ",\"task_id\":\"t-1\"" },
        { "k", "two words", " k=\"two words\"", ",\"k\":\"two words\"" },
        { "k", "", " k=\"\"", ",\"k\":\"\"" },
        { "k", "a=b", " k=\"a=b\"", ",\"k\":\"a=b\"" },
        { "k", "say \"hi\"", " k=\"say \\\"hi\\\"\"", ",\"k\":\"say \\\"hi\\\"\"" },
        { "k", "back\\slash", " k=\"back\\\\slash\"", ",\"k\":\"back\\\\slash\"" },
        { "k", "x\nERROR y", " k=\"x\\nERROR y\"", ",\"k\":\"x\\nERROR y\"" },
        { "k", "\x1b[31m", " k=\"\\u001b[31m\"", ",\"k\":\"\\u001b[31m\"" },
        { "k", "\x7f", " k=\"\\u007f\"", ",\"k\":\"\\u007f\"" },
        { "k", "a\xC2\x9B!", " k=a\\u009b!", ",\"k\":\"a\\u009b!\"" },
        { "k", "h\xC3\xA9\xC2\xA0", " k=h\xC3\xA9\xC2\xA0", ",\"k\":\"h\xC3\xA9\xC2\xA0\"" },
        { "k", "\xFF", " k=\xEF\xBF\xBD", ",\"k\":\"\xEF\xBF\xBD\"" },
        { "k", NULL, "", "" },
        { "token", "s3cret", " token=***", ",\"token\":\"***\"" },
        { "Authorization", "s3cret", " Authorization=***", ",\"Authorization\":\"***\"" },
        { "secret", "s3cret", " secret=***", ",\"secret\":\"***\"" },
        { "password", "s3cret", " password=***", ",\"password\":\"***\"" },
        { "api_token", "s3cret", " api_token=***", ",\"api_token\":\"***\"" },
        { "x-hub-signature", "s3cret", " x-hub-signature=***", ",\"x-hub-signature\":\"***\"" },
        { "tokens", "12", " tokens=12", ",\"tokens\":\"12\"" },
        { "secretary", "bob", " secretary=bob", ",\"secretary\":\"bob\"" },
        { "unsecret", "x", " unsecret=x", ",\"unsecret\":\"x\"" },
    };
    struct pipe_ends p = open_pipe();
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        char want[256];
        capture_begin(p.write);
        log_setup(LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
        log_warn("it happened", rows[i].key, rows[i].value, "n", "1");
        auto_free char *text = read_all(p.read);
        log_setup(LOG_LEVEL_INFO, LOG_FORMAT_JSON);
        log_warn("it happened", rows[i].key, rows[i].value, "n", "1");
        auto_free char *json = read_all(p.read);
        capture_end();
        ROW(rows[i].value ? rows[i].value : "NULL");
        snprintf(want, sizeof(want), "TIME WARN  it happened%s n=1\n", rows[i].text);
        CHECK_CSTR(text, want);
        snprintf(want, sizeof(want),
                 "{\"time\":\"TIME\",\"level\":\"warn\",\"msg\":\"it happened\"%s,\"n\":\"1\"}\n",
                 rows[i].json);
        CHECK_CSTR(json, want);
    }
    close_pipe(&p);
}

TEST(the_level_is_a_threshold)
{
    static const struct {
        enum log_level level;
        const char *want;
    } rows[] = {
        { LOG_LEVEL_ERROR, "TIME ERROR e\n" },
        { LOG_LEVEL_WARN, "TIME ERROR e\nTIME WARN  w\n" },
        { LOG_LEVEL_INFO, "TIME ERROR e\nTIME WARN  w\nTIME INFO  i\n" },
        { LOG_LEVEL_DEBUG, "TIME ERROR e\nTIME WARN  w\nTIME INFO  i\nTIME DEBUG d\n" },
    };
    struct pipe_ends p = open_pipe();
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        capture_begin(p.write);
        log_setup(rows[i].level, LOG_FORMAT_TEXT);
        log_error("e");
        log_warn("w");
        log_info("i");
        log_debug("d");
        auto_free char *got = read_all(p.read);
        capture_end();
        CHECK_CSTR(got, rows[i].want);
    }
    close_pipe(&p);
}

TEST(auto_is_json_when_nobody_looks)
{
    struct pipe_ends p = open_pipe();
    capture_begin(p.write);
    log_setup(LOG_LEVEL_INFO, LOG_FORMAT_AUTO);
    log_info("x");
    auto_free char *got = read_all(p.read);
    capture_end();
    close_pipe(&p);
    CHECK_CSTR(got, "{\"time\":\"TIME\",\"level\":\"info\",\"msg\":\"x\"}\n");
}

TEST(long_values_are_cut_and_too_many_left_out)
{
    char value[20001];
    memset(value, '\x01', sizeof(value) - 1); /* each byte becomes six */
    value[sizeof(value) - 1] = '\0';
    struct pipe_ends p = open_pipe();
    capture_begin(p.write);
    log_setup(LOG_LEVEL_INFO, LOG_FORMAT_JSON);
    log_info(value, "a", value, "b", value, "c", "fits");
    auto_free char *got = read_all(p.read);
    capture_end();
    close_pipe(&p);
    struct str line = str_of(got);
    CHECK(line.n < 65 * KIB);
    CHECK(str_find(line, STR("\\u0001…\",\"a\":\"\\u0001")) > 0);
    CHECK_INT(str_find(line, STR("\"b\":")), -1);
    CHECK(str_ends(line, STR("\\u0001…\",\"c\":\"fits\",\"truncated\":\"true\"}\n")));
}

TEST(a_stalled_pipe_loses_lines_and_says_how_many)
{
    struct pipe_ends p = open_pipe();
    uint64_t before = log_lost();
    capture_begin(p.write);
    log_setup(LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
    for (int i = 0; i < 5000; i++)
        log_info("a line that nobody reads, which is a pity");
    /* The flag must not leak to those who share the pipe. */
    CHECK_INT(fcntl(p.write, F_GETFL) & O_NONBLOCK, 0);
    uint64_t lost = log_lost() - before;
    auto_free char *got = read_all(p.read);
    log_info("after");
    auto_free char *after = read_all(p.read);
    capture_end();
    close_pipe(&p);
    uint64_t lines = 0;
    for (const char *c = got; *c; c++)
        lines += *c == '\n';
    CHECK(lost > 0);
    CHECK_INT(lost + lines, 5000);
    CHECK_CSTR(after, "TIME INFO  after\n");
}

TEST(a_torn_line_ends_before_the_next)
{
    /* Longer than what is left: a pipe takes a part of it. */
    char value[4001];
    memset(value, 'v', sizeof(value) - 1);
    value[sizeof(value) - 1] = '\0';
    struct pipe_ends p = open_pipe();
    capture_begin(p.write);
    log_setup(LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
    for (int i = 0; i < 30; i++)
        log_info("long", "a", value, "b", value, "c", value);
    auto_free char *got = read_all(p.read);
    log_info("after");
    auto_free char *after = read_all(p.read);
    capture_end();
    close_pipe(&p);
    bool torn = got[strlen(got) - 1] != '\n';
    CHECK_CSTR(after, torn ? "\nTIME INFO  after\n" : "TIME INFO  after\n");
    CHECK(torn);
}

TEST(a_stalled_socket_loses_lines_too)
{
    int ends[2];
    CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    uint64_t before = log_lost();
    capture_begin(ends[1]);
    log_setup(LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
    for (int i = 0; i < 20000; i++)
        log_info("a line that nobody reads");
    close(ends[0]);
    log_info("nobody is left, and no signal ends us");
    capture_end();
    close(ends[1]);
    CHECK(log_lost() > before);
}

static char folder[64];

static const char *file_path(const char *name, char path[128])
{
    if (!*folder) {
        const char *base = getenv("TMPDIR");
        snprintf(folder, sizeof(folder), "%.40s/keryx-log-XXXXXX", base ? base : P_tmpdir);
        CHECK(mkdtemp(folder) != NULL);
    }
    snprintf(path, 128, "%s/%s", folder, name);
    return path;
}

static void check_file(const char *path, const char *want)
{
    auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
    auto_free char *got = read_all(fd);
    CHECK_CSTR(got, want);
}

TEST(a_file_is_private_appended_to_and_reopened)
{
    char path[128], moved[128], none[128];
    struct stat st;
    struct error e;
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    file_path("log", path);
    file_path("log.1", moved);
    file_path("no/such/log", none);
    capture_begin(null);
    log_setup(LOG_LEVEL_INFO, LOG_FORMAT_AUTO);
    CHECK_INT(log_add_file(none, &e), -1);
    CHECK_INT(e.code, ERROR_NOT_FOUND);
    CHECK_INT(log_add_file(path, &e), 0);
    log_info("one");
    CHECK_INT(stat(path, &st), 0);
    CHECK_INT(st.st_mode & 0777, 0600);
    CHECK_INT(rename(path, moved), 0);
    log_info("two");
    log_reopen();
    log_info("three");
    log_close_sinks();
    log_info("four");
    CHECK_INT(log_add_file(path, &e), 0);
    log_setup(LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
    log_info("five");
    log_close_sinks();
    capture_end();
    close(null);
    check_file(moved, "{\"time\":\"TIME\",\"level\":\"info\",\"msg\":\"one\"}\n"
                      "{\"time\":\"TIME\",\"level\":\"info\",\"msg\":\"two\"}\n");
    check_file(path, "{\"time\":\"TIME\",\"level\":\"info\",\"msg\":\"three\"}\nTIME INFO  five\n");
    unlink(path);
    unlink(moved);
    rmdir(folder);
}

struct memory_sink {
    struct buf lines;
    bool refuse, chatty;
};

static bool memory_write(void *ctx, enum log_level level, struct str line)
{
    struct memory_sink *s = ctx;
    if (s->chatty)
        log_error("a sink that logs");
    if (s->refuse)
        return false;
    buf_printf(&s->lines, "%d%" STR_FMT "|", (int)level, STR_ARG(str_sub(line, 28, line.n)));
    return true;
}

TEST(functions_get_lines_and_may_refuse_them)
{
    struct memory_sink s = { .lines = BUF_INIT(1000) };
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    uint64_t before = log_lost();
    capture_begin(null);
    log_setup(LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
    log_add_sink(memory_write, &s);
    errno = EPIPE;
    log_warn("kept", "k", "v");
    CHECK_INT(errno, EPIPE);
    CHECK_INT(log_lost() - before, 0);
    s.refuse = true;
    log_warn("refused");
    CHECK_INT(log_lost() - before, 1);
    s.refuse = false;
    s.chatty = true;
    log_info("chatty");
    CHECK_INT(log_lost() - before, 2);
    log_close_sinks();
    log_info("closed");
    capture_end();
    close(null);
    CHECK_STR(buf_view(&s.lines), "1WARN  kept k=v|2INFO  chatty|");
    buf_release(&s.lines);
}

static void *log_many(void *arg)
{
    for (int i = 0; i < 200; i++)
        log_info("line", "from", arg);
    return NULL;
}

TEST(lines_of_many_threads_stay_whole)
{
    char path[128];
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    *folder = '\0';
    file_path("threads", path);
    capture_begin(null);
    log_setup(LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
    CHECK_INT(log_add_file(path, NULL), 0);
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        CHECK_INT(pthread_create(&threads[i], NULL, log_many, (char *[]){ "a", "b", "c", "d" }[i]),
                  0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    log_close_sinks();
    capture_end();
    close(null);
    auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
    auto_free char *got = read_all(fd);
    struct str rest = str_of(got), line;
    int whole = 0;
    while (str_split(&rest, '\n', &line))
        whole += line.n == strlen("TIME INFO  line from=a") &&
                 str_starts(line, STR("TIME INFO  line from="));
    CHECK_INT(whole, 800);
    unlink(path);
    rmdir(folder);
}

TEST(levels_are_words)
{
    static const struct {
        const char *word;
        int result;
        enum log_level want;
    } rows[] = {
        { "error", 0, LOG_LEVEL_ERROR },  { "WARN", 0, LOG_LEVEL_WARN },
        { "warning", 0, LOG_LEVEL_WARN }, { "Info", 0, LOG_LEVEL_INFO },
        { "debug", 0, LOG_LEVEL_DEBUG },  { "", -1, LOG_LEVEL_ERROR },
        { "trace", -1, LOG_LEVEL_ERROR }, { "1", -1, LOG_LEVEL_ERROR },
    };
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        enum log_level got = LOG_LEVEL_ERROR;
        ROW(rows[i].word);
        CHECK_INT(log_level_parse(str_of(rows[i].word), &got), rows[i].result);
        CHECK_INT(got, rows[i].want);
    }
}
