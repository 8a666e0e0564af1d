#include "tests/t.h"

#include "tests/unit/agents_run.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

/* How many live processes have `marker` in their command line; each gets the signal, 0 = none. */
static int signal_marked(const char *marker, int signum)
{
    int n = 0;
    DIR *d = opendir("/proc");
    for (const struct dirent *e; (e = readdir(d)) != NULL;) {
        char path[300], line[4096];
        snprintf(path, sizeof(path), "/proc/%s/cmdline", e->d_name);
        int fd = *e->d_name >= '1' && *e->d_name <= '9' ? open(path, O_RDONLY | O_CLOEXEC) : -1;
        ssize_t got = fd >= 0 ? read(fd, line, sizeof(line)) : 0;
        if (fd >= 0)
            close(fd);
        for (ssize_t i = 0; i < got; i++)
            line[i] = line[i] ? line[i] : ' ';
        int64_t pid;
        if (got <= 0 || !memmem(line, (size_t)got, marker, strlen(marker)) ||
            str_i64(str_of(e->d_name), &pid) != 0)
            continue;
        n++;
        if (signum)
            kill((pid_t)pid, signum);
    }
    closedir(d);
    return n;
}

static int count_marked(const char *marker)
{
    return signal_marked(marker, 0);
}

static const char *yaml_of(const char *rest)
{
    static char text[4096];
    snprintf(text, sizeof(text), "agents:\n  a:\n    max_concurrent: 1\n%s\n", rest);
    return text;
}

struct row {
    const char *name;
    const char *yaml; /* of the agent */
    const char *input;
    bool ok;
    const char *result, *kind, *message; /* NULL = any */
    bool json, retryable;
};

static void check_row(const struct row *row)
{
    ROW(row->name);
    struct run_options o = { .input = str_of(row->input) };
    struct ran *r = run_agent(yaml_of(row->yaml), "a", &o);
    const struct run_outcome *got = &r->outcome;
    CHECK_INT(got->ok, row->ok);
    if (row->result)
        CHECK_STR(got->result, row->result);
    CHECK_INT(got->result_json, row->json);
    if (row->kind)
        CHECK_CSTR(got->error.kind, row->kind);
    if (row->message)
        CHECK_STR(got->error.message, row->message);
    CHECK_INT(got->error.retryable, row->retryable);
    CHECK_INT(got->tokens_in, -1);
    run_free(r);
}

TEST(programs_run_and_say_how_they_ended)
{
    static const struct row rows[] = {
        { "stdin is fed and closed", "    command: [cat]", "hello\nworld\n", true, "hello\nworld",
          NULL, NULL, false, false },
        { "no input is an empty stdin", "    command: [cat]", "", true, "", NULL, NULL, false,
          false },
        { "a text is a shell line", "    command: echo $((6 * 7)) | cat", "", true, "42", NULL,
          NULL, false, false },
        { "stderr is kept apart", "    command: echo out; echo err >&2", "", true, "out", NULL,
          NULL, false, false },
        { "exit code and stderr", "    command: echo part; echo why >&2; exit 3", "", false, "part",
          "exit", "exit code 3: why", false, false },
        { "try again later", "    command: exit 75", "", false, "", "exit", "exit code 75", false,
          true },
        { "a signal", "    command: kill -9 $$$$", "", false, "", "signal",
          "ended by signal 9 (SIGKILL)", false, false },
        { "no such program", "    command: [no-such-program-here]", "", false, "", "spawn",
          "cannot start the program no-such-program-here: No such file or directory", false,
          false },
        { "no such directory",
          "    command: [cat]\n    limits: {grace: 1s}\n    working_directory: /no/such/place", "",
          false, "", "spawn",
          "cannot enter the working directory /no/such/place: No such file or directory", false,
          false },
        { "argument", "    command: [printf, '%s|']\n    input_via: arg", "a b", true, "a b|", NULL,
          NULL, false, false },
        { "argument of a shell line is $1",
          "    command: printf '%s|%s' \"$#\" \"$1\"\n    input_via: arg", "$(id); x", true,
          "1|$(id); x", NULL, NULL, false, false },
        { "an argument is no option", "    command: [printf]\n    input_via: arg", "--version",
          false, "", "input",
          "the input starts with '-' and would be taken for an option; use input_via: stdin", false,
          false },
        { "a prompt that looks like an option on stdin", "    command: [cat]", "--version", true,
          "--version", NULL, NULL, false, false },
        { "none", "    command: cat; echo end\n    input_via: none", "lost", true, "end", NULL,
          NULL, false, false },
        { "json", "    command: echo ' {\"a\":1}'\n    output: json", "", true, "{\"a\":1}", NULL,
          NULL, true, false },
        { "json that is none", "    command: echo '{'\n    output: json", "", false, "{",
          "bad_output", NULL, false, false },
        { "json of a program that failed", "    command: echo '{}'; exit 2\n    output: json", "",
          false, "{}", "exit", "exit code 2", true, false },
        { "jsonl", "    command: echo 1; echo '[2]'; echo done.\n    output: jsonl", "", true,
          "[2]", NULL, NULL, true, false },
        { "bytes that are no text", "    command: printf 'a\\000b\\377c\\n\\n'", "", true,
          "ab\xef\xbf\xbd"
          "c\n",
          NULL, NULL, false, false },
        { "files", "    command: ulimit -n\n    limits: {files: 64}", "", true, "64", NULL, NULL,
          false, false },
        { "file size",
          "    command: [dd, if=/dev/zero, of=/tmp/keryx-test-dd, bs=1M, count=3, status=none]\n"
          "    limits: {file_size: 1MiB}",
          "", false, "", "limit", "ended by limits.file_size", false, false },
    };
    for (size_t i = 0; i < N_ELEMENTS(rows); i++)
        check_row(&rows[i]);
    unlink("/tmp/keryx-test-dd");
}

TEST(the_environment_is_the_documented_one)
{
    setenv("KERYX_TOKEN", "secret", 1);
    setenv("KERYX_TEST_KEY", "secret", 1);
    setenv("TEST_PASSED", "yes", 1);
    setenv("PATH", "/usr/local/bin:/usr/bin:/bin", 1);
    setenv("HOME", "/root", 1);
    setenv("LANG", "C.UTF-8", 1);
    setenv("TZ", "UTC", 1);
    setenv("TMPDIR", "/tmp", 1);
    struct run_options o = { .session_id = STR("s-1") };
    struct ran *r = run_agent(yaml_of("    command: [env]\n    env: {OWN: v, KERYX_AGENT: forged}\n"
                                      "    pass_env: [TEST_PASSED, TEST_UNSET]"),
                              "a", &o);
    CHECK_STR(r->outcome.result,
              "PATH=/usr/local/bin:/usr/bin:/bin\nHOME=/root\nLANG=C.UTF-8\nTZ=UTC\n"
              "TMPDIR=/tmp\nTEST_PASSED=yes\nOWN=v\nKERYX_AGENT=a\n"
              "KERYX_TASK_ID=api-test-1\nKERYX_TRIGGER=test\nKERYX_ATTEMPT=1\n"
              "KERYX_SESSION_ID=s-1\nKERYX_RECEIPT_ID=receipt-1");
    run_free(r);
}

TEST(a_file_is_private_and_removed)
{
    struct run_options o = { .input = STR("in the file") };
    struct ran *r =
        run_agent(yaml_of("    command: stat -c %a \"$1\"; cat \"$1\"; echo; echo \"$1\"\n"
                          "    input_via: file"),
                  "a", &o);
    CHECK(r->outcome.ok);
    CHECK(str_starts(r->outcome.result, STR("600\nin the file\n/tmp/keryx-input-")));
    ptrdiff_t at = str_rchr(r->outcome.result, '\n');
    CHECK(access(r->outcome.result.p + at + 1, F_OK) != 0);
    run_free(r);
}

TEST(session_args_are_added_only_for_a_session)
{
    const char *yaml =
        yaml_of("    command: [echo, x]\n    session_args: [--resume, '{{ .SessionID }}']");
    struct run_options with = { .session_id = STR("abc") }, none = { 0 },
                       option = { .session_id = STR("-rf") };
    struct ran *r = run_agent(yaml, "a", &with);
    CHECK_STR(r->outcome.result, "x --resume abc");
    run_free(r);
    r = run_agent(yaml, "a", &none);
    CHECK_STR(r->outcome.result, "x");
    run_free(r);
    r = run_agent(yaml, "a", &option);
    CHECK_INT(r->outcome.ok, false);
    CHECK_CSTR(r->outcome.error.kind, "template");
    run_free(r);
}

TEST(a_child_that_keeps_stdout_open_keeps_nothing_open)
{
    struct run_options o = { 0 };
    struct ran *r = run_agent(yaml_of("    command: setsid sh -c 'sleep 8347' & echo ok"), "a", &o);
    CHECK(r->outcome.ok);
    CHECK_STR(r->outcome.result, "ok");
    CHECK(r->took_us < 3 * US_PER_S);
    CHECK_INT(count_marked("sleep 8347"), 0);
    run_free(r);
}

TEST(what_ignores_term_does_not_hold_up_the_result_and_is_ended_all_the_same)
{
    struct run_options o = { 0 };
    struct ran *r = run_agent(
        yaml_of(
            "    command: setsid sh -c 'trap \"\" TERM; while sleep 0.05; do :; done; sleep 8348' &"
            " sleep 0.2; echo ok\n    limits: {grace: 60s}"),
        "a", &o);
    CHECK(r->outcome.ok);
    CHECK_STR(r->outcome.result, "ok");
    CHECK(r->took_us < 5 * US_PER_S);
    CHECK_INT(count_marked("sleep 8348"), 0); /* loop_free cut the grace short */
    run_free(r);
}

TEST(stopping_ends_the_whole_tree)
{
    static const struct {
        enum run_stop why;
        const char *kind;
    } rows[] = { { RUN_STOP_TIMEOUT, "timeout" },
                 { RUN_STOP_CANCEL, "cancelled" },
                 { RUN_STOP_SHUTDOWN, "interrupted" } };
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        ROW(rows[i].kind);
        struct run_options o = { .stop_after_us = 300 * US_PER_MS, .why = rows[i].why };
        struct ran *r =
            run_agent(yaml_of("    command: trap 'exit 0' TERM; echo begun; setsid sleep 8349 &"
                              " while sleep 0.05; do :; done"),
                      "a", &o);
        CHECK_INT(r->outcome.ok, false); /* though it exits 0 */
        CHECK_CSTR(r->outcome.error.kind, rows[i].kind);
        CHECK_STR(r->outcome.result, "begun");
        CHECK(r->took_us < 5 * US_PER_S);
        CHECK_INT(count_marked("sleep 8349"), 0);
        run_free(r);
    }
}

TEST(who_ignores_term_is_killed_after_grace)
{
    struct run_options o = { .stop_after_us = 300 * US_PER_MS, .why = RUN_STOP_TIMEOUT };
    struct ran *r = run_agent(yaml_of("    command: trap '' TERM; while sleep 0.05; do :; done\n"
                                      "    limits: {grace: 300ms}"),
                              "a", &o);
    CHECK_CSTR(r->outcome.error.kind, "timeout");
    CHECK_INT(r->outcome.error.signal, SIGKILL);
    CHECK(r->took_us < 5 * US_PER_S);
    run_free(r);
}

TEST(a_flood_is_cut_and_counted)
{
    struct run_options o = { 0 };
    struct ran *r =
        run_agent(yaml_of("    command: head -c 30000000 /dev/zero | tr '\\0' x; echo end\n"
                          "    limits: {output: 100KiB}"),
                  "a", &o);
    CHECK(r->outcome.ok);
    CHECK(r->outcome.truncated);
    CHECK_INT(r->outcome.output_bytes, 30000004);
    CHECK_INT(r->outcome.result.n, 100 * KIB - 1);
    CHECK(str_ends(r->outcome.result, STR("xend")));
    run_free(r);
}

TEST(a_large_input_arrives_whole)
{
    struct arena *a = arena_new(0);
    char *text = arena_alloc(a, 3 * MIB);
    memset(text, 'y', 3 * MIB);
    struct run_options o = { .input = str_n(text, 3 * MIB) };
    struct ran *r = run_agent(yaml_of("    command: wc -c | tr -d ' '"), "a", &o);
    CHECK_STR(r->outcome.result, "3145728");
    run_free(r);
    r = run_agent(yaml_of("    command: [printf]\n    input_via: arg"), "a", &o);
    CHECK_CSTR(r->outcome.error.kind, "input");
    run_free(r);
    r = run_agent(yaml_of("    command: [\"true\"]"), "a", &o); /* does not read it */
    CHECK(r->outcome.ok);
    run_free(r);
    arena_free(a);
}

/* ---- load errors ---- */

TEST(what_cannot_be_done_is_said_at_load)
{
    static const struct {
        const char *yaml, *want;
        bool fatal;
    } rows[] = {
        { "    command: [x]\n    output: claude",
          "agents.yaml:5:13: agents.a.output: claude is not available in this version; expected "
          "text, json or "
          "jsonl",
          true },
        { "    command: [x]\n    sandbox: strict", "sandbox: is not available in this version",
          true },
        { "    command: [x]\n    pass_env: [KERYX_TOKEN]",
          "agents.yaml:5:16: agents.a.pass_env: keryx's own variables are not passed on", true },
        { "    command: [x]\n    limits: {memory: 1GiB}",
          "limits.memory: is not enforced in this version", false },
        { "    command: [x]\n    session_args: ['{{ if .agent }}']",
          "agents.a.session_args:", true },
        { "    type: remote\n    remote: {url: 'http://127.0.0.1:1'}",
          "type: remote is not available in this version", true },
    };
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        auto_buf out = BUF_INIT(64 * KIB);
        ROW(rows[i].yaml);
        struct generation *g = run_load(yaml_of(rows[i].yaml), &out);
        CHECK_INT(g == NULL, rows[i].fatal);
        if (!strstr(out.p, rows[i].want))
            T_FAIL("got «%s», want «%s»", out.p, rows[i].want);
        generation_unref(g);
    }
}

/* ---- leftovers ---- */

static pid_t orphan(const char *const *env, const char *marker)
{
    const char *argv[] = { "/bin/sh", "-c", marker, NULL };
    pid_t pid = fork();
    if (pid == 0) {
        union {
            const char *const *in;
            char *const *out;
        } a = { argv }, v = { env };
        if (fork() > 0)
            _exit(0);
        setsid();
        execve(argv[0], a.out, v.out);
        _exit(127);
    }
    return pid;
}

TEST(sweep_ends_what_has_a_task_and_no_shim_and_nothing_else)
{
    static const char *const marked[] = { "KERYX_TASK_ID=api-old-1", "PATH=/usr/bin:/bin", NULL };
    static const char *const plain[] = { "PATH=/usr/bin:/bin", NULL };
    waitpid(orphan(marked, "sleep 8351; :"), NULL, 0);
    waitpid(orphan(plain, "sleep 8352; :"), NULL, 0);
    for (int i = 0; i < 100 && (count_marked("sleep 8351") < 2 || count_marked("sleep 8352") < 2);
         i++)
        usleep(10000);
    CHECK(agents_sweep() >= 2); /* the shell and its sleep; other programs may have left more */
    CHECK_INT(count_marked("sleep 8351"), 0);
    CHECK_INT(count_marked("sleep 8352"), 2);
    signal_marked("sleep 8352", SIGKILL);
}

TEST(sweep_cuts_short_what_the_shim_of_a_dead_keryx_still_waits_for)
{
    pid_t keryx = fork();
    if (keryx == 0) {
        struct run_options o = { 0 };
        run_agent(yaml_of("    command: trap '' TERM; while sleep 0.05; do :; done; sleep 8353\n"
                          "    limits: {grace: 60s}"),
                  "a", &o);
        _exit(0);
    }
    for (int i = 0; i < 300 && count_marked("sleep 8353") < 1; i++)
        usleep(10000);
    CHECK(count_marked("sleep 8353") >= 1);
    CHECK(agents_sweep() == 0 || count_marked("sleep 8353") >= 1); /* its keryx lives */
    kill(keryx, SIGKILL);
    waitpid(keryx, NULL, 0);
    CHECK(agents_sweep() >= 1);
    CHECK_INT(count_marked("sleep 8353"), 0);
}
