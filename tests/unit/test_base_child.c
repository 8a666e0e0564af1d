#include "tests/t.h"

#include "base/buf.h"
#include "base/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>

static struct loop *loop;
static struct child *child;

struct seen {
    struct buf out, err;
    size_t bytes;
    int exits;
    struct child_exit how;
    int64_t took_us;
};
static struct seen seen;

static void on_output(void *ctx, int stream, struct str bytes)
{
    CHECK(ctx == &seen);
    CHECK(stream == 1 || stream == 2);
    CHECK_INT(seen.exits, 0);
    seen.bytes += bytes.n;
    buf_str(stream == 1 ? &seen.out : &seen.err, bytes);
}

static void on_exited(void *ctx, struct child_exit how)
{
    CHECK(ctx == &seen);
    seen.exits++;
    seen.how = how;
    loop_stop(loop);
}

static const struct child_events events = { on_output, on_exited, &seen };
static const char *const env[] = { "PATH=/usr/local/bin:/usr/bin:/bin", "COLOR=blue", NULL };

static void begin(void)
{
    buf_release(&seen.out);
    buf_release(&seen.err);
    seen = (struct seen){ .out = BUF_INIT(64 * KIB), .err = BUF_INIT(64 * KIB) };
    loop = loop_new(&clock_real);
}

static void end(void)
{
    loop_free(loop);
    buf_release(&seen.out);
    buf_release(&seen.err);
}

static void on_give_up(struct loop_timer *t)
{
    (void)t;
    T_FAIL("the child did not end in 20 s");
    loop_stop(loop);
}

static void run_for(int64_t us, void (*fn)(struct loop_timer *))
{
    struct loop_timer give_up = { 0 };
    int64_t start = clock_mono(&clock_real);
    loop_timer_set(loop, &give_up, us, fn);
    loop_run(loop);
    loop_timer_stop(&give_up);
    seen.took_us = clock_mono(&clock_real) - start;
}

static void start(const struct child_options *o)
{
    struct error e = ERROR_INIT;
    child = child_start(loop, o, &events, &e);
    if (!child) {
        T_FAIL("cannot start: %s", e.text);
        return;
    }
    CHECK_INT(seen.exits, 0);
    run_for(20 * US_PER_S, on_give_up);
}

static void start_sh(const char *script)
{
    const char *argv[] = { "sh", "-c", script, NULL };
    start(&(struct child_options){ .argv = argv, .env = env, .extra_fd = -1, .directory = "/" });
}

static const struct {
    const char *name, *script, *out, *err;
    bool signaled;
    int status;
} runs[] = {
    { "output", "echo hello", "hello\n", "", false, 0 },
    { "exit code", "exit 7", "", "", false, 7 },
    { "stderr apart", "echo a; echo b >&2", "a\n", "b\n", false, 0 },
    { "signal", "kill -TERM $$", "", "", true, SIGTERM },
    { "kill", "kill -KILL $$", "", "", true, SIGKILL },
    { "environment is what was given", "env | grep -v -e PWD -e _= -e SHLVL | sort",
      "COLOR=blue\nPATH=/usr/local/bin:/usr/bin:/bin\n", "", false, 0 },
    { "directory", "pwd", "/\n", "", false, 0 },
    { "stdin at its end", "cat; read x || echo end", "end\n", "", false, 0 },
    { "only 0 1 2 are open", "exec ls /proc/self/fd", "0\n1\n2\n3\n", "", false, 0 }, /* 3: of ls */
    { "own process group", "test $(ps -o pgid= -p $$) = $$ && echo leads", "leads\n", "", false,
      0 },
    /* 32 and 33 are glibc's own; posix_spawn ignores them. */
    { "no signal blocked or ignored",
      "grep -cE 'SigBlk:.0{16}|SigIgn:.0{7}[01][08]0{7}' /proc/self/status", "2\n", "", false, 0 },
};

TEST(a_child_ends_as_it_says)
{
    for (size_t i = 0; i < N_ELEMENTS(runs); i++) {
        ROW(runs[i].name);
        begin();
        start_sh(runs[i].script);
        CHECK_INT(seen.exits, 1);
        CHECK_STR(buf_view(&seen.out), runs[i].out);
        CHECK_STR(buf_view(&seen.err), runs[i].err);
        CHECK_INT(seen.how.signaled, runs[i].signaled);
        CHECK_INT(seen.how.status, runs[i].status);
        end();
    }
}

static const char *const sh_true[] = { "sh", "-c", "true", NULL };
static const char *const missing[] = { "no-such-program-here", NULL };
static const char *const missing_path[] = { "/no/such/program", NULL };
static const char *const not_a_program[] = { "/etc/passwd", NULL };
static const char *const empty_name[] = { "", NULL };
static const char *const relative_path_env[] = { "PATH=bin:.:", NULL };
static const char *const bin_path_env[] = { "PATH=/etc", NULL };
static const char *const passwd[] = { "passwd", NULL };

static const struct {
    const char *name;
    const char *const *argv, *const *env;
    const char *directory;
    enum error_code code;
    const char *text; /* a part of it */
} failures[] = {
    { "missing program", missing, env, NULL, ERROR_NOT_FOUND,
      "program \"no-such-program-here\" was not found in PATH" },
    { "missing path", missing_path, env, NULL, ERROR_NOT_FOUND, "cannot start /no/such/program" },
    { "not executable", not_a_program, env, NULL, ERROR_DENIED, "cannot start /etc/passwd" },
    { "not executable in PATH", passwd, bin_path_env, NULL, ERROR_DENIED,
      "program \"passwd\" is not executable" },
    { "empty name", empty_name, env, NULL, ERROR_NOT_FOUND, "program \"\" was not found in PATH" },
    { "relative PATH entries are passed over", sh_true, relative_path_env, NULL, ERROR_NOT_FOUND,
      "program \"sh\" was not found in PATH" },
    { "missing directory", sh_true, env, "/no/such/directory", ERROR_NOT_FOUND,
      "working directory /no/such/directory" },
    { "directory is a file", sh_true, env, "/etc/passwd", ERROR_INVALID,
      "working directory /etc/passwd is not a directory" },
};

TEST(a_child_that_cannot_start_is_an_error_with_the_reason)
{
    for (size_t i = 0; i < N_ELEMENTS(failures); i++) {
        ROW(failures[i].name);
        begin();
        struct error e = ERROR_INIT;
        struct child_options o = { .argv = failures[i].argv,
                                   .env = failures[i].env,
                                   .directory = failures[i].directory,
                                   .input = STR("x"),
                                   .extra_fd = -1 };
        CHECK(child_start(loop, &o, &events, &e) == NULL);
        CHECK_INT(e.code, failures[i].code);
        if (!strstr(e.text, failures[i].text))
            T_FAIL("got «%s», want «%s» in it", e.text, failures[i].text);
        end();
    }
}

TEST(one_that_keeps_stdout_open_does_not_keep_the_child)
{
    begin();
    start_sh("sleep 30 & echo $!; echo ok >&2");
    CHECK_INT(seen.exits, 1);
    CHECK_STR(buf_view(&seen.err), "ok\n");
    CHECK(seen.took_us < US_PER_S);
    CHECK(seen.took_us >= 250 * US_PER_MS);
    uint64_t sleeper = 0;
    CHECK_INT(str_u64(str_trim(buf_view(&seen.out)), &sleeper), 0);
    if (sleeper > 1)
        kill((pid_t)sleeper, SIGKILL);
    end();
}

TEST(a_child_whose_streams_are_closed_ends_at_once)
{
    begin();
    start_sh("exec 1>&- 2>&-; sleep 0.05");
    CHECK_INT(seen.exits, 1);
    CHECK(seen.took_us < 240 * US_PER_MS);
    end();
}

TEST(output_written_right_before_the_exit_is_not_lost)
{
    begin();
    seen.out.limit = MIB;
    start_sh("sleep 30 & echo $!  >&2; head -c 60000 /dev/zero");
    CHECK_INT(seen.out.n, 60000);
    uint64_t sleeper = 0;
    CHECK_INT(str_u64(str_trim(buf_view(&seen.err)), &sleeper), 0);
    if (sleeper > 1)
        kill((pid_t)sleeper, SIGKILL);
    end();
}

TEST(a_hundred_megabytes_pass_in_bounded_memory)
{
    struct rusage before, after;
    begin();
    getrusage(RUSAGE_SELF, &before);
    start_sh("head -c 104857600 /dev/zero");
    getrusage(RUSAGE_SELF, &after);
    CHECK_INT(seen.bytes, 104857600);
    CHECK(after.ru_maxrss - before.ru_maxrss < 20 * 1024);
    end();
}

TEST(a_megabyte_of_input_is_fed_and_then_stdin_is_closed)
{
    static char input[1024 * 1024 + 1];
    memset(input, 'i', sizeof input - 1);
    const char *argv[] = { "wc", "-c", NULL };
    begin();
    start(&(struct child_options){
        .argv = argv, .env = env, .extra_fd = -1, .input = str_n(input, sizeof input - 1) });
    CHECK_STR(buf_view(&seen.out), "1048576\n");
    end();
}

TEST(a_child_that_does_not_read_its_input_is_no_failure)
{
    static char input[1024 * 1024];
    const char *argv[] = { "sh", "-c", "exec 0<&-; sleep 0.1; echo done", NULL };
    begin();
    start(&(struct child_options){
        .argv = argv, .env = env, .extra_fd = -1, .input = str_n(input, sizeof input) });
    CHECK_INT(seen.how.status, 0);
    CHECK_STR(buf_view(&seen.out), "done\n");
    end();
}

TEST(short_input_arrives_whole)
{
    const char *argv[] = { "cat", NULL };
    begin();
    start(
        &(struct child_options){ .argv = argv, .env = env, .extra_fd = -1, .input = STR("hi\n") });
    CHECK_STR(buf_view(&seen.out), "hi\n");
    end();
}

TEST(the_extra_descriptor_is_fd_3_and_nothing_is_above_it)
{
    int pair[2];
    const char *argv[] = { "sh", "-c", "echo over 3 >&3; exec ls /proc/self/fd", NULL };
    begin();
    CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    start(&(struct child_options){ .argv = argv, .env = env, .extra_fd = pair[1] });
    char got[64];
    ssize_t n = recv(pair[0], got, sizeof got, MSG_DONTWAIT);
    CHECK_BYTES(got, n > 0 ? (size_t)n : 0, "over 3\n");
    CHECK_STR(buf_view(&seen.out), "0\n1\n2\n3\n4\n"); /* 4: the directory ls reads */
    close(pair[0]);
    close(pair[1]);
    end();
}

TEST(a_new_session_has_the_child_as_its_leader)
{
    const char *argv[] = { "sh", "-c", "test $(ps -o sid= -p $$) = $$ && echo leads", NULL };
    begin();
    start(&(struct child_options){ .argv = argv, .env = env, .extra_fd = -1, .new_session = true });
    CHECK_STR(buf_view(&seen.out), "leads\n");
    end();
}

static void on_signal_child(struct loop_timer *t)
{
    (void)t;
    child_signal(child, SIGTERM, true);
}

TEST(a_signal_to_the_group_reaches_its_members)
{
    const char *argv[] = { "sh", "-c", "sleep 30; echo not reached", NULL };
    struct error e = ERROR_INIT;
    begin();
    struct child_options o = { .argv = argv, .env = env, .extra_fd = -1 };
    child = child_start(loop, &o, &events, &e);
    CHECK(child && child_pid(child) > 1);
    run_for(100 * US_PER_MS, on_signal_child);
    CHECK_INT(seen.how.signaled, true);
    CHECK_INT(seen.how.status, SIGTERM);
    CHECK(seen.took_us < US_PER_S);
    end();
}

static void on_stop(struct loop_timer *t)
{
    (void)t;
    loop_stop(loop);
}

/* Zombies too: they are ours until they are reaped. */
static bool alive(pid_t pid)
{
    return kill(pid, 0) == 0;
}

static pid_t start_and_abandon(const char *script)
{
    const char *argv[] = { "sh", "-c", script, NULL };
    struct error e = ERROR_INIT;
    struct child_options o = { .argv = argv, .env = env, .extra_fd = -1 };
    child = child_start(loop, &o, &events, &e);
    CHECK(child != NULL);
    if (!child)
        return -1;
    pid_t pid = child_pid(child);
    child_abandon(child);
    return pid;
}

TEST(an_abandoned_child_is_killed_and_reaped_without_a_callback)
{
    begin();
    pid_t pid = start_and_abandon("echo hello; sleep 30");
    run_for(200 * US_PER_MS, on_stop);
    CHECK(!alive(pid));
    CHECK_INT(seen.exits, 0);
    CHECK_INT(seen.bytes, 0);
    end();
}

TEST(an_abandoned_child_does_not_outlive_the_loop)
{
    begin();
    pid_t pid = start_and_abandon("sleep 30");
    end();
    CHECK(!alive(pid));
}

static void on_output_abandon(void *ctx, int stream, struct str bytes)
{
    (void)ctx, (void)stream;
    seen.bytes += bytes.n;
    child_abandon(child);
}

TEST(a_child_may_be_abandoned_in_its_own_output)
{
    static const struct child_events abandoning = { on_output_abandon, on_exited, &seen };
    static const char *const scripts[] = { "echo a; sleep 30", "echo a", "echo a; echo b >&2",
                                           "sleep 3 >&2 & echo a" };
    for (size_t i = 0; i < N_ELEMENTS(scripts); i++) {
        ROW(scripts[i]);
        const char *argv[] = { "sh", "-c", scripts[i], NULL };
        struct child_options o = { .argv = argv, .env = env, .extra_fd = -1 };
        begin();
        child = child_start(loop, &o, &abandoning, NULL);
        CHECK(child != NULL);
        pid_t pid = child_pid(child);
        usleep(i % 2 ? 20000 : 0); /* seen before or after the leader's exit */
        run_for(200 * US_PER_MS, on_stop);
        CHECK_INT(seen.bytes, 2);
        CHECK_INT(seen.exits, 0);
        CHECK(!alive(pid));
        end();
    }
}

static int open_fds(void)
{
    int n = 0;
    for (int fd = 0; fd < 256; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

TEST(no_descriptor_is_left_behind)
{
    begin();
    int before = open_fds();
    start_sh("echo one");
    CHECK(child_start(loop,
                      &(struct child_options){ .argv = missing_path, .env = env, .extra_fd = 0 },
                      &events, NULL) == NULL);
    start_and_abandon("sleep 30");
    run_for(100 * US_PER_MS, on_stop);
    CHECK_INT(open_fds(), before);
    end();
}
