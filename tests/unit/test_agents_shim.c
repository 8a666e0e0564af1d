#include "tests/t.h"

#include "agents/shim.h"
#include "agents/shim_inside.h"
#include "base/child.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

/* ---- this program again: as the shim, and as a keryx that will be killed ---- */

static struct loop *loop;
static const char *const env[] = { "PATH=/usr/local/bin:/usr/bin:/bin", "COLOR=blue", NULL };

struct run {
    struct child *child; /* the shim */
    int socket;
    struct loop_io io;
    struct buf reports_in, out, err;
    struct shim_report reports[8];
    size_t n_reports;
    int64_t started_us, leader_gone_us, took_us;
    struct child_exit shim;
    bool over;
};

static void on_output(void *ctx, int stream, struct str bytes)
{
    struct run *r = ctx;
    buf_str(stream == 1 ? &r->out : &r->err, bytes);
}

static void read_reports(struct run *r)
{
    bool bad;
    char *room = buf_reserve(&r->reports_in, 1024);
    ssize_t n = recv(r->socket, room, 1024, MSG_DONTWAIT);
    if (n <= 0) {
        loop_io_stop(&r->io);
        return;
    }
    r->reports_in.n += (size_t)n;
    while (r->n_reports < 8 && shim_report_take(&r->reports_in, &r->reports[r->n_reports], &bad)) {
        enum shim_report_kind kind = r->reports[r->n_reports++].kind;
        if (kind == SHIM_EXITED || kind == SHIM_SIGNALED)
            r->leader_gone_us = clock_mono(&clock_real) - r->started_us;
    }
}

static void on_report(struct loop_io *io, int events)
{
    (void)events;
    read_reports(container_of(io, struct run, io));
}

static void on_exited(void *ctx, struct child_exit how)
{
    struct run *r = ctx;
    r->shim = how;
    r->over = true;
    r->took_us = clock_mono(&clock_real) - r->started_us;
    while (r->io.loop && r->io.ev.active)
        read_reports(r);
    loop_stop(loop);
}

static bool start_shim(struct run *r, const struct shim_spec *spec)
{
    static const char *const argv[] = { "/proc/self/exe", "__shim", NULL };
    const struct child_events events = { on_output, on_exited, r };
    auto_buf bytes = BUF_INIT(SHIM_MAX_SPEC + 4);
    struct error e = ERROR_INIT;
    int pair[2];
    *r = (struct run){ .reports_in = BUF_INIT(64 * KIB),
                       .out = BUF_INIT(MIB),
                       .err = BUF_INIT(MIB) };
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
        abort();
    r->socket = pair[0];
    r->started_us = clock_mono(&clock_real);
    shim_spec_encode(&bytes, spec);
    CHECK(buf_ok(&bytes));
    CHECK_INT(send(r->socket, bytes.p, bytes.n, 0), bytes.n);
    r->child =
        child_start(loop,
                    &(struct child_options){
                        .argv = argv, .env = env, .extra_fd = pair[1], .input = STR("input\n") },
                    &events, &e);
    close(pair[1]);
    if (!r->child) {
        T_FAIL("cannot start: %s", e.text);
        return false;
    }
    loop_io_set(loop, &r->io, r->socket, EV_READ, on_report);
    return true;
}

static void release(struct run *r)
{
    loop_io_stop(&r->io);
    close(r->socket);
    buf_release(&r->reports_in);
    buf_release(&r->out);
    buf_release(&r->err);
}

/* A keryx with one agent; ends by being killed. */
static void be_daemon(const char *script)
{
    const char *argv[] = { "sh", "-c", script, NULL };
    struct run r;
    loop = loop_new(&clock_real);
    start_shim(&r, &(struct shim_spec){ .argv = argv, .env = env, .grace_us = 200 * US_PER_MS });
    loop_run(loop);
    _exit(0);
}

__attribute__((constructor)) static void other_faces(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "__shim") == 0)
        _exit(shim_main(argc, argv));
    if (argc == 3 && strcmp(argv[1], "__daemon") == 0)
        be_daemon(argv[2]);
}

/* ---- helpers ---- */

static void on_give_up(struct loop_timer *t)
{
    (void)t;
    T_FAIL("the shim did not end in 20 s");
    loop_stop(loop);
}

static void run_for(int64_t us, void (*fn)(struct loop_timer *))
{
    struct loop_timer t = { 0 };
    loop_timer_set(loop, &t, us, fn);
    loop_run(loop);
    loop_timer_stop(&t);
}

static void on_stop(struct loop_timer *t)
{
    (void)t;
    loop_stop(loop);
}

static void finish(struct run *r)
{
    if (!r->over)
        run_for(20 * US_PER_S, on_give_up);
    CHECK(r->over);
    CHECK_INT(r->shim.signaled, false);
}

static const char *report_text(const struct run *r)
{
    static char text[256];
    static const char *const words[] = { "started",  "failed", "exited",
                                         "signaled", "limit",  "cleared" };
    size_t n = 0;
    text[0] = 0;
    for (size_t i = 0; i < r->n_reports; i++) {
        const struct shim_report *p = &r->reports[i];
        if (p->kind == SHIM_STARTED) /* its pid is any number */
            n += (size_t)snprintf(text + n, sizeof text - n, "started ");
        else if (p->kind == SHIM_FAILED)
            n += (size_t)snprintf(text + n, sizeof text - n, "failed %u %d ", p->stage, p->value);
        else
            n += (size_t)snprintf(text + n, sizeof text - n, "%s %d ", words[p->kind], p->value);
    }
    return text;
}

/* How many live processes have `marker` in their command line. */
static int count_marked(const char *marker)
{
    int n = 0;
    DIR *d = opendir("/proc");
    for (const struct dirent *e; (e = readdir(d));) {
        char path[300], line[4096];
        snprintf(path, sizeof path, "/proc/%s/cmdline", e->d_name);
        int fd = *e->d_name >= '1' && *e->d_name <= '9' ? open(path, O_RDONLY) : -1;
        ssize_t got = fd >= 0 ? read(fd, line, sizeof line - 1) : 0;
        if (fd >= 0)
            close(fd);
        if (got > 0 && memmem(line, (size_t)got, marker, strlen(marker)))
            n++;
    }
    closedir(d);
    return n;
}

/* "sleep 1000.PIDn": told from everything else on the machine. */
static const char *marker(void)
{
    static char text[64];
    static int n;
    snprintf(text, sizeof text, "1000.%d%d", (int)getpid(), ++n);
    return text;
}

static void fill(char *out, size_t size, const char *script, const char *mark)
{
    size_t n = 0;
    for (; *script && n + 64 < size; script++) {
        if (*script == '%')
            n += (size_t)snprintf(out + n, size - n, "sleep %s", mark);
        else
            out[n++] = *script;
    }
    out[n] = 0;
}

/* Waits up to a second for the count. */
static int settle(const char *mark, int want)
{
    int n = 0;
    for (int i = 0; i < 100 && (n = count_marked(mark)) != want; i++)
        usleep(10000);
    return n;
}

static void run_script(struct run *r, struct shim_spec *spec, const char *script)
{
    const char *argv[] = { "sh", "-c", script, NULL };
    spec->argv = argv;
    spec->env = env;
    loop = loop_new(&clock_real);
    if (start_shim(r, spec))
        finish(r);
    spec->argv = NULL;
}

/* ---- tests ---- */

static const struct {
    const char *name, *script, *reports, *out, *err;
} scripts[] = {
    { "exit code", "exit 7", "started exited 7 cleared 0 ", "", "" },
    { "success", "true", "started exited 0 cleared 0 ", "", "" },
    { "signal", "kill -SEGV $$", "started signaled 11 cleared 0 ", "", "" },
    { "kill", "kill -KILL $$", "started signaled 9 cleared 0 ", "", "" },
    { "streams pass through", "cat; echo err >&2", "started exited 0 cleared 0 ", "input\n",
      "err\n" },
    { "own session", "test $(ps -o sid= -p $$) = $$ && echo leads", "started exited 0 cleared 0 ",
      "leads\n", "" },
    { "environment is what was given", "env | grep -v -e PWD -e _= -e SHLVL | sort",
      "started exited 0 cleared 0 ", "COLOR=blue\nPATH=/usr/local/bin:/usr/bin:/bin\n", "" },
    { "only 0 1 2 are open", "exec ls /proc/self/fd", "started exited 0 cleared 0 ", "0\n1\n2\n3\n",
      "" }, /* 3: the directory ls reads */
    { "umask", "umask", "started exited 0 cleared 0 ", "0077\n", "" },
    { "no core", "ulimit -c", "started exited 0 cleared 0 ", "0\n", "" },
    { "directory", "pwd", "started exited 0 cleared 0 ", "/usr\n", "" },
    { "limits", "ulimit -n; ulimit -t; ulimit -f", "started exited 0 cleared 0 ", "50\n3\n8\n",
      "" },
    /* 32 and 33 are glibc's own; posix_spawn ignores them. */
    { "no signal blocked or ignored",
      "grep -cE 'SigBlk:.0{16}|SigIgn:.0{7}[01][08]0{7}' /proc/self/status",
      "started exited 0 cleared 0 ", "2\n", "" },
    { "no new privileges", "grep NoNewPrivs /proc/self/status", "started exited 0 cleared 0 ",
      "NoNewPrivs:\t1\n", "" },
};

TEST(an_agent_ends_as_it_says)
{
    for (size_t i = 0; i < N_ELEMENTS(scripts); i++) {
        struct run r;
        struct shim_spec spec = { .directory = "/usr",
                                  .grace_us = US_PER_S,
                                  .limits = { 3, 50, 4096 },
                                  .no_new_privs = true };
        ROW(scripts[i].name);
        run_script(&r, &spec, scripts[i].script);
        CHECK_CSTR(report_text(&r), scripts[i].reports);
        CHECK_STR(buf_view(&r.out), scripts[i].out);
        if (scripts[i].err)
            CHECK_STR(buf_view(&r.err), scripts[i].err);
        CHECK(r.took_us < 2 * US_PER_S);
        CHECK_INT(r.shim.status, 0);
        release(&r);
        loop_free(loop);
    }
}

static const char *const missing[] = { "no-such-program", NULL };
static const char *const missing_path[] = { "/no/such/program", NULL };
static const char *const no_program[] = { "/etc/passwd", NULL };
static const char *const fine[] = { "true", NULL };

static const struct {
    const char *name;
    const char *const *argv;
    const char *directory;
    enum shim_stage stage;
    int why;
} failures[] = {
    { "missing program", missing, NULL, SHIM_STAGE_EXEC, ENOENT },
    { "missing path", missing_path, NULL, SHIM_STAGE_EXEC, ENOENT },
    { "not executable", no_program, NULL, SHIM_STAGE_EXEC, EACCES },
    { "missing directory", fine, "/no/such/directory", SHIM_STAGE_DIRECTORY, ENOENT },
};

TEST(what_cannot_start_is_reported_with_its_errno_not_as_an_exit_code)
{
    for (size_t i = 0; i < N_ELEMENTS(failures); i++) {
        struct run r;
        char want[64];
        ROW(failures[i].name);
        loop = loop_new(&clock_real);
        start_shim(&r, &(struct shim_spec){ .argv = failures[i].argv,
                                            .env = env,
                                            .directory = failures[i].directory });
        finish(&r);
        snprintf(want, sizeof want, "failed %d %d cleared 0 ", failures[i].stage, failures[i].why);
        CHECK_CSTR(report_text(&r), want);
        release(&r);
        loop_free(loop);
    }
}

static const struct {
    const char *name, *script;
} runaways[] = {
    { "background child", "% & exit 3" },
    { "own session", "setsid % & exit 3" },
    { "daemon: setsid and a double fork",
      "(setsid sh -c '(% </dev/null >/dev/null 2>&1 &)' &) ; sleep 0.1; exit 3" },
    { "deaf to TERM", "(trap '' TERM; %; %) & exit 3" },
    { "several generations", "sh -c 'sh -c \"% & %\" & % ' & sleep 0.1; exit 3" },
    { "stopped", "% & kill -STOP $!; exit 3" },
    { "parent that does not reap", "sh -c 'sh -c \"exit 0\" & exec %' & sleep 0.05; exit 3" },
};

TEST(nobody_survives_the_exit_of_the_leader)
{
    for (size_t i = 0; i < N_ELEMENTS(runaways); i++) {
        char script[512];
        const char *mark = marker();
        struct run r;
        struct shim_spec spec = { .grace_us = 200 * US_PER_MS };
        ROW(runaways[i].name);
        fill(script, sizeof script, runaways[i].script, mark);
        run_script(&r, &spec, script);
        CHECK_CSTR(report_text(&r), "started exited 3 cleared 0 ");
        CHECK_INT(count_marked(mark), 0);
        CHECK(r.took_us < 2 * US_PER_S);
        release(&r);
        loop_free(loop);
    }
}

TEST(the_end_of_the_leader_is_told_before_the_grace_of_the_others)
{
    char script[256];
    const char *mark = marker();
    struct run r;
    struct shim_spec spec = { .grace_us = 700 * US_PER_MS };
    fill(script, sizeof script, "(trap '' TERM; %; %) & sleep 0.05; exit 3", mark);
    run_script(&r, &spec, script);
    CHECK(r.leader_gone_us < 500 * US_PER_MS);
    CHECK(r.took_us >= 700 * US_PER_MS);
    release(&r);
    loop_free(loop);
}

static const struct {
    const char *name, *script, *reports;
    int64_t grace_us;
    int asks; /* SIGTERM so often; 0 = close the socket */
    int64_t at_least_us, at_most_us;
} cancels[] = {
    { "TERM is heard", "% & %", "started signaled 15 cleared 0 ", 5 * US_PER_S, 1, 0, US_PER_S },
    { "TERM is answered", "trap 'exit 9' TERM; % & wait", "started exited 9 cleared 0 ",
      5 * US_PER_S, 1, 0, US_PER_S },
    { "deaf to TERM", "trap '' TERM; %; %; %", "started signaled 9 cleared 0 ", 300 * US_PER_MS, 1,
      300 * US_PER_MS, 1500 * US_PER_MS },
    { "asked twice", "trap '' TERM; setsid % & %; %; %", "started signaled 9 cleared 0 ",
      10 * US_PER_S, 2, 0, 2 * US_PER_S },
    { "runaway", "(setsid sh -c '(% &)' &) ; %", "started signaled 15 cleared 0 ", US_PER_S, 1, 0,
      US_PER_S },
    { "keryx closed its end", "setsid % & %", "", US_PER_S, 0, 0, US_PER_S },
};

TEST(a_cancel_ends_the_whole_tree)
{
    for (size_t i = 0; i < N_ELEMENTS(cancels); i++) {
        char script[512];
        const char *mark = marker(), *argv[] = { "sh", "-c", script, NULL };
        struct run r;
        ROW(cancels[i].name);
        fill(script, sizeof script, cancels[i].script, mark);
        loop = loop_new(&clock_real);
        start_shim(
            &r, &(struct shim_spec){ .argv = argv, .env = env, .grace_us = cancels[i].grace_us });
        run_for(200 * US_PER_MS, on_stop);
        CHECK(count_marked(mark) > 0);
        r.started_us = clock_mono(&clock_real);
        for (int k = 0; k < cancels[i].asks; k++) {
            child_signal(r.child, SIGTERM, false);
            run_for(100 * US_PER_MS, on_stop);
        }
        if (!cancels[i].asks) {
            loop_io_stop(&r.io);
            shutdown(r.socket, SHUT_RDWR);
            r.n_reports = 0;
        }
        finish(&r);
        CHECK_CSTR(report_text(&r), cancels[i].reports);
        CHECK_INT(count_marked(mark), 0);
        CHECK(r.took_us >= cancels[i].at_least_us);
        CHECK(r.took_us <= cancels[i].at_most_us);
        release(&r);
        loop_free(loop);
    }
}

static void on_daemon_exit(void *ctx, struct child_exit how)
{
    (void)ctx;
    CHECK_INT(how.status, SIGKILL);
    loop_stop(loop);
}

TEST(nobody_survives_a_keryx_that_was_killed)
{
    static const char *const bodies[] = { "setsid % & %", "(setsid sh -c '(% &)' &) ; %",
                                          "trap '' TERM HUP; % & %; %; %" };
    for (size_t i = 0; i < N_ELEMENTS(bodies); i++) {
        char script[256];
        const char *mark = marker();
        ROW(bodies[i]);
        fill(script, sizeof script, bodies[i], mark);
        const char *argv[] = { "/proc/self/exe", "__daemon", script, NULL };
        const struct child_events events = { NULL, on_daemon_exit, NULL };
        loop = loop_new(&clock_real);
        struct child *daemon =
            child_start(loop, &(struct child_options){ .argv = argv, .env = env, .extra_fd = -1 },
                        &events, NULL);
        CHECK(daemon != NULL);
        run_for(400 * US_PER_MS, on_stop);
        CHECK(count_marked(mark) >= 2);
        child_signal(daemon, SIGKILL, false);
        run_for(5 * US_PER_S, on_give_up);
        CHECK_INT(settle(mark, 0), 0);
        loop_free(loop);
    }
}

TEST(a_limit_that_ends_the_agent_is_told_as_such)
{
    static const char *const spin[] = { "sh", "-c", "while :; do :; done", NULL };
    static const char *const write_much[] = {
        "dd", "if=/dev/zero", "of=/dev/shm/keryx-shim-test", "bs=4096", "count=10", "status=none",
        NULL
    };
    struct run r;
    loop = loop_new(&clock_real);
    start_shim(&r,
               &(struct shim_spec){ .argv = spin, .env = env, .limits = { [SHIM_LIMIT_CPU] = 1 } });
    finish(&r);
    CHECK_CSTR(report_text(&r), "started limit 0 cleared 0 ");
    release(&r);
    start_shim(&r, &(struct shim_spec){ .argv = write_much,
                                        .env = env,
                                        .limits = { [SHIM_LIMIT_FILE_SIZE] = 8192 } });
    finish(&r);
    CHECK_CSTR(report_text(&r), "started limit 2 cleared 0 ");
    unlink("/dev/shm/keryx-shim-test");
    release(&r);
    loop_free(loop);
}

TEST(an_open_stdout_ends_with_the_agent_not_with_the_shim)
{
    struct run r;
    struct shim_spec spec = { .grace_us = US_PER_S };
    run_script(&r, &spec, "exec >&- 2>&-; sleep 0.3");
    CHECK_CSTR(report_text(&r), "started exited 0 cleared 0 ");
    CHECK(r.took_us < 540 * US_PER_MS); /* no 250 ms of draining after the shim's exit */
    release(&r);
    loop_free(loop);
}

/* ---- the spec ---- */

static void encode(struct buf *out, const struct shim_spec *spec)
{
    shim_spec_encode(out, spec);
}

TEST(a_spec_comes_out_as_it_went_in)
{
    static const char *const argv[] = { "prog", "", "a b", NULL };
    auto_buf b = BUF_INIT(SHIM_MAX_SPEC + 4);
    struct arena *a = arena_new(0);
    struct shim_spec got;
    encode(&b, &(struct shim_spec){ .argv = argv,
                                    .env = env,
                                    .directory = "/usr",
                                    .grace_us = 5,
                                    .limits = { 1, 2, 3 },
                                    .no_new_privs = true });
    CHECK_INT(shim_spec_decode(a, str_sub(buf_view(&b), 4, b.n), &got, NULL), 0);
    CHECK_CSTR(got.argv[0], "prog");
    CHECK_CSTR(got.argv[1], "");
    CHECK_CSTR(got.argv[2], "a b");
    CHECK(got.argv[3] == NULL);
    CHECK_CSTR(got.env[1], "COLOR=blue");
    CHECK(got.env[2] == NULL);
    CHECK_CSTR(got.directory, "/usr");
    CHECK_INT(got.grace_us, 5);
    CHECK_INT(got.limits[2], 3);
    CHECK_INT(got.no_new_privs, true);
    CHECK_INT(got.parent, getpid());
    arena_free(a);
}

TEST(a_spec_that_is_cut_or_spoilt_is_refused)
{
    static const char *const argv[] = { "prog", "arg", NULL };
    auto_buf b = BUF_INIT(SHIM_MAX_SPEC + 4);
    struct arena *a = arena_new(0);
    struct shim_spec got;
    encode(&b, &(struct shim_spec){ .argv = argv, .env = env, .directory = "/usr" });
    struct str whole = str_sub(buf_view(&b), 4, b.n);
    for (size_t n = 0; n < whole.n; n++)
        CHECK_INT(shim_spec_decode(a, str_sub(whole, 0, n), &got, NULL), -1);
    buf_char(&b, 'x');
    CHECK_INT(shim_spec_decode(a, str_sub(buf_view(&b), 4, b.n), &got, NULL), -1);
    b.p[b.n - 3] = 0; /* inside "COLOR=blue" */
    CHECK_INT(shim_spec_decode(a, str_sub(buf_view(&b), 4, b.n - 5), &got, NULL), -1);
    arena_free(a);
}

TEST(a_spec_beyond_the_ceiling_is_told_by_the_buffer)
{
    static char large[5 * 1024 * 1024];
    const char *argv[] = { "prog", large, NULL };
    auto_buf b = BUF_INIT(SHIM_MAX_SPEC + 4);
    memset(large, 'x', sizeof large - 1);
    encode(&b, &(struct shim_spec){ .argv = argv });
    CHECK(!buf_ok(&b));
}

TEST(a_shim_without_a_spec_says_so_and_ends)
{
    static const char *const argv[] = { "/proc/self/exe", "__shim", NULL };
    struct run r = { .out = BUF_INIT(KIB), .err = BUF_INIT(KIB) };
    const struct child_events events = { on_output, on_exited, &r };
    loop = loop_new(&clock_real);
    r.child = child_start(loop, &(struct child_options){ .argv = argv, .env = env, .extra_fd = -1 },
                          &events, NULL);
    finish(&r);
    CHECK_INT(r.shim.status, 2);
    CHECK_STR(buf_view(&r.err), "__shim is for keryx itself\n");
    buf_release(&r.out);
    buf_release(&r.err);
    loop_free(loop);
}

/* ---- /proc/PID/stat ---- */

#define STAT_REST " 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 777 1000 2\n"
static const struct {
    const char *text;
    bool good;
    int pid, parent, started, dead;
} stats[] = {
    { "42 (sh) S 7" STAT_REST, true, 42, 7, 777, false },
    { "42 (a) b (c) Z 7" STAT_REST, true, 42, 7, 777, true },
    { "42 (x) R 1 2) S 9" STAT_REST, true, 42, 9, 777, false },
    { "42 () X 0" STAT_REST, true, 42, 0, 777, true },
    { "", false, 0, 0, 0, false },
    { "42", false, 0, 0, 0, false },
    { "42 (sh", false, 0, 0, 0, false },
    { "42 (sh)", false, 0, 0, 0, false },
    { "42 (sh) S", false, 0, 0, 0, false },
    { "42 (sh) S 7 1 1", false, 0, 0, 0, false },
    { "x (sh) S 7" STAT_REST, false, 0, 0, 0, false },
    { "99999999999 (sh) S 7" STAT_REST, false, 0, 0, 0, false },
};

TEST(the_line_of_a_process_is_read_whatever_its_name_holds)
{
    for (size_t i = 0; i < N_ELEMENTS(stats); i++) {
        struct shim_process p = { 0 };
        ROW(stats[i].text);
        CHECK_INT(shim_tree_parse_stat(str_of(stats[i].text), &p), stats[i].good);
        CHECK_INT(p.pid, stats[i].pid);
        CHECK_INT(p.parent, stats[i].parent);
        CHECK_INT(p.started, stats[i].started);
        CHECK_INT(p.dead, stats[i].dead);
    }
}
