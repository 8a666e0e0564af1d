/* Child processes: posix_spawn, a pidfd and three pipes on the loop. The leader stays a zombie
   until its output was drained, so that its pid and group cannot become a stranger's. */
#include "base/child.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define CHILD_READ       (64 * KIB) /* a turn and stream; a pipe holds as much */
#define CHILD_LAST_READS 16         /* at the end: what a pipe of 1 MiB can hold */
#define CHILD_DRAIN_US   (250 * US_PER_MS)
#define CHILD_PATH       "/usr/local/bin:/usr/bin:/bin"
#define CHILD_FIRST_FD   10 /* ours lie above what the child's 0 to 3 are made from */

struct child_stream {
    struct loop_io io;
    struct child *child;
    int fd;     /* -1 = closed */
    int number; /* 1 stdout, 2 stderr */
};

struct child {
    struct loop *loop;
    struct child_events ev;
    pid_t pid;
    int pidfd;
    int in; /* -1 = closed */
    struct child_stream out[2];
    struct loop_io exit_io, in_io;
    struct loop_timer drain;
    struct loop_task end;     /* after callbacks that may still look at the child */
    struct loop_task at_free; /* abandoned, but the loop ends before the leader did */
    char *input;
    size_t input_n, input_at;
    int64_t drain_us;
    bool abandoned;
    bool left; /* the leader ended; not reaped yet */
    struct child_exit how;
};

/* ---- starting ---- */

static int child_move_up(int fd)
{
    if (fd < 0 || fd >= CHILD_FIRST_FD)
        return fd;
    int moved = fcntl(fd, F_DUPFD_CLOEXEC, CHILD_FIRST_FD);
    int saved = errno;
    close(fd);
    errno = saved;
    return moved;
}

/* pipe[0] is read, pipe[1] written; `ours` (0 or 1) does not block. */
static int child_pipe(int fds[2], int ours)
{
    if (pipe2(fds, O_CLOEXEC) < 0) {
        fds[0] = fds[1] = -1;
        return -1;
    }
    fds[0] = child_move_up(fds[0]);
    fds[1] = child_move_up(fds[1]);
    if (fds[0] < 0 || fds[1] < 0)
        return -1;
    return fcntl(fds[ours], F_SETFL, O_NONBLOCK);
}

static void child_close(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static struct str child_path_of(const char *const *env)
{
    for (; env && *env; env++) {
        if (strncmp(*env, "PATH=", 5) == 0)
            return str_of(*env + 5);
    }
    return STR(CHILD_PATH);
}

/* Writes the program's path to `path`; else -1 and why. */
static int child_find(const struct child_options *o, char path[PATH_MAX], struct error *e)
{
    const char *name = o->argv[0];
    if (strchr(name, '/')) {
        if (strlen(name) >= PATH_MAX)
            return error_set(e, ERROR_INVALID, "the program's path is too long");
        memcpy(path, name, strlen(name) + 1);
        return 0;
    }
    bool denied = false;
    struct str rest = child_path_of(o->env), dir;
    while (*name && str_split(&rest, ':', &dir)) {
        int n = snprintf(path, PATH_MAX, "%" STR_FMT "/%s", STR_ARG(dir), name);
        struct stat st;
        if (n >= PATH_MAX || *path != '/' || stat(path, &st) < 0 || !S_ISREG(st.st_mode))
            continue;
        if (faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) == 0)
            return 0;
        denied = true;
    }
    if (denied)
        return error_set(e, ERROR_DENIED, "program \"%s\" is not executable", name);
    return error_set(e, ERROR_NOT_FOUND, "program \"%s\" was not found in PATH", name);
}

static int child_check_directory(const char *directory, struct error *e)
{
    struct stat st;
    if (!directory)
        return 0;
    if (stat(directory, &st) < 0) {
        int why = errno;
        error_sys(e, why, "working directory %s", directory);
        if (e && why == ENOENT)
            e->code = ERROR_NOT_FOUND;
        return -1;
    }
    if (!S_ISDIR(st.st_mode))
        return error_set(e, ERROR_INVALID, "working directory %s is not a directory", directory);
    return 0;
}

static void child_spawn_attributes(posix_spawnattr_t *at, bool new_session)
{
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_init(at);
    posix_spawnattr_setsigmask(at, &none);
    posix_spawnattr_setsigdefault(at, &all);
    posix_spawnattr_setpgroup(at, 0);
    posix_spawnattr_setflags(at,
                             (short)(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                     (new_session ? POSIX_SPAWN_SETSID : POSIX_SPAWN_SETPGROUP)));
}

/* fds: what becomes 0 (-1 = /dev/null), 1, 2 and 3 (-1 = none) of the child. An errno. */
static int child_spawn(pid_t *pid, const char *path, const struct child_options *o,
                       const int fds[4])
{
    static const char *const no_env[] = { NULL };
    posix_spawn_file_actions_t fa;
    posix_spawnattr_t at;
    child_spawn_attributes(&at, o->new_session);
    posix_spawn_file_actions_init(&fa);
    if (fds[0] < 0)
        posix_spawn_file_actions_addopen(&fa, 0, "/dev/null", O_RDONLY, 0);
    for (int i = 0; i < 4; i++) {
        if (fds[i] >= 0)
            posix_spawn_file_actions_adddup2(&fa, fds[i], i);
    }
    posix_spawn_file_actions_addclosefrom_np(&fa, fds[3] >= 0 ? 4 : 3);
    if (o->directory)
        posix_spawn_file_actions_addchdir_np(&fa, o->directory);
    /* posix_spawn's types lack a const that its contract gives (POSIX, rationale of exec). */
    union {
        const char *const *in;
        char *const *out;
    } argv = { o->argv }, env = { o->env ? o->env : no_env };
    int rc = posix_spawn(pid, path, &fa, &at, argv.out, env.out);
    posix_spawn_file_actions_destroy(&fa);
    posix_spawnattr_destroy(&at);
    return rc;
}

static int child_spawn_error(struct error *e, int why, const char *path)
{
    error_sys(e, why, "cannot start %s", path);
    if (e && why == ENOENT)
        e->code = ERROR_NOT_FOUND;
    else if (e && why == EACCES)
        e->code = ERROR_DENIED;
    return -1;
}

/* Spawns and fills c->pid, pidfd, in, out. */
static int child_launch(struct child *c, const struct child_options *o, const char *path,
                        struct error *e)
{
    int in[2] = { -1, -1 }, out[2] = { -1, -1 }, err[2] = { -1, -1 }, extra = -1;
    int failed = 0, why = 0;
    if (o->input.n && child_pipe(in, 1) < 0)
        failed = errno;
    if (!failed && (child_pipe(out, 0) < 0 || child_pipe(err, 0) < 0))
        failed = errno;
    if (!failed && o->extra_fd >= 0 &&
        (extra = fcntl(o->extra_fd, F_DUPFD_CLOEXEC, CHILD_FIRST_FD)) < 0)
        failed = errno;
    if (!failed) {
        why = child_spawn(&c->pid, path, o, (int[4]){ in[0], out[1], err[1], extra });
        if (!why && (c->pidfd = pidfd_open(c->pid, 0)) < 0) {
            failed = errno; /* out of descriptors: without a pidfd nobody would hear of its end */
            kill(-c->pid, SIGKILL);
            waitpid(c->pid, NULL, 0);
        }
    }
    child_close(&in[0]);
    child_close(&out[1]);
    child_close(&err[1]);
    child_close(&extra);
    if (!failed && !why) {
        c->in = in[1];
        c->out[0].fd = out[0];
        c->out[1].fd = err[0];
        return 0;
    }
    child_close(&in[1]);
    child_close(&out[0]);
    child_close(&err[0]);
    return failed ? error_sys(e, failed, "cannot make a child's pipes")
                  : child_spawn_error(e, why, path);
}

/* ---- life ---- */

static void child_free(struct child *c)
{
    loop_later_cancel(c->loop, &c->end);
    loop_at_free_cancel(c->loop, &c->at_free);
    free(c->input);
    free(c);
}

static void child_close_input(struct child *c)
{
    loop_io_stop(&c->in_io);
    child_close(&c->in);
    free(c->input);
    c->input = NULL;
}

static void child_close_stream(struct child_stream *s)
{
    loop_io_stop(&s->io);
    child_close(&s->fd);
}

/* Waits when the leader still lives: only for one that was KILLed. */
static void child_reap(struct child *c)
{
    siginfo_t si = { 0 };
    loop_io_stop(&c->exit_io);
    while (waitid(P_PIDFD, (id_t)c->pidfd, &si, WEXITED) < 0 && errno == EINTR) {
    }
    child_close(&c->pidfd);
}

/* One read and its callback; false when nothing came, for now or for ever (closed then). */
static bool child_read(struct child_stream *s)
{
    char bytes[CHILD_READ];
    if (s->fd < 0)
        return false;
    ssize_t n = read(s->fd, bytes, sizeof bytes);
    if (n > 0) {
        const struct child_events *ev = &s->child->ev;
        if (ev->output)
            ev->output(ev->ctx, s->number, str_n(bytes, (size_t)n));
        return true; /* even abandoned: the streams are closed then, the object lives on */
    }
    if (n == 0 || (errno != EAGAIN && errno != EINTR))
        child_close_stream(s);
    return false;
}

static void child_on_end(struct loop_task *t)
{
    struct child *c = container_of(t, struct child, end);
    for (size_t i = 0; i < N_ELEMENTS(c->out); i++) {
        for (int reads = 0; reads < CHILD_LAST_READS && child_read(&c->out[i]); reads++) {
        }
        child_close_stream(&c->out[i]);
    }
    loop_timer_stop(&c->drain);
    child_close_input(c);
    child_reap(c);
    struct child_events ev = c->ev;
    struct child_exit how = c->how;
    bool tell = !c->abandoned;
    child_free(c);
    if (tell)
        ev.exited(ev.ctx, how);
}

static void child_on_drained(struct loop_timer *t)
{
    struct child *c = container_of(t, struct child, drain);
    loop_later(c->loop, &c->end, child_on_end);
}

static void child_check_end(struct child *c)
{
    if (c->left && c->out[0].fd < 0 && c->out[1].fd < 0)
        loop_later(c->loop, &c->end, child_on_end);
}

static void child_on_output(struct loop_io *io, int events)
{
    (void)events;
    struct child_stream *s = container_of(io, struct child_stream, io);
    child_read(s);
    child_check_end(s->child);
}

static void child_on_input(struct loop_io *io, int events)
{
    (void)events;
    struct child *c = container_of(io, struct child, in_io);
    ssize_t n = write(c->in, c->input + c->input_at, c->input_n - c->input_at);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n > 0)
        c->input_at += (size_t)n;
    if (n < 0 || c->input_at == c->input_n) /* EPIPE: the child does not want the rest */
        child_close_input(c);
}

static void child_on_exit(struct loop_io *io, int events)
{
    (void)events;
    struct child *c = container_of(io, struct child, exit_io);
    siginfo_t si = { 0 };
    int rc = waitid(P_PIDFD, (id_t)c->pidfd, &si, WEXITED | WNOWAIT | WNOHANG);
    if (rc == 0 && si.si_pid == 0)
        return;
    loop_io_stop(io);
    c->left = true;
    c->how.signaled = si.si_code == CLD_KILLED || si.si_code == CLD_DUMPED;
    c->how.status = rc == 0 ? si.si_status : 255; /* reaped by a stranger: not a success */
    child_close_input(c);
    if (c->abandoned)
        loop_later(c->loop, &c->end, child_on_end);
    else
        loop_timer_set(c->loop, &c->drain, c->drain_us, child_on_drained);
    child_check_end(c);
}

/* What fits into the pipe goes in at once; the rest waits for the loop. */
static void child_feed(struct child *c, struct str input)
{
    if (c->in < 0)
        return;
    ssize_t n = write(c->in, input.p, input.n);
    size_t done = n > 0 ? (size_t)n : 0;
    if (done == input.n || (n < 0 && errno != EAGAIN)) {
        child_close(&c->in);
        return;
    }
    c->input = xstrndup(input.p + done, input.n - done);
    c->input_n = input.n - done;
    loop_io_set(c->loop, &c->in_io, c->in, EV_WRITE, child_on_input);
}

struct child *child_start(struct loop *l, const struct child_options *o,
                          const struct child_events *ev, struct error *e)
{
    char path[PATH_MAX];
    assert(o->argv && o->argv[0] && ev->exited);
    if (child_find(o, path, e) < 0 || child_check_directory(o->directory, e) < 0)
        return NULL;
    struct child *c = xalloc(sizeof *c);
    c->loop = l;
    c->ev = *ev;
    c->drain_us = o->drain_us > 0 ? o->drain_us : CHILD_DRAIN_US;
    c->in = c->pidfd = -1;
    if (child_launch(c, o, path, e) < 0) {
        free(c);
        return NULL;
    }
    child_feed(c, o->input);
    for (int i = 0; i < 2; i++) {
        struct child_stream *s = &c->out[i];
        s->child = c;
        s->number = i + 1;
        loop_io_set(l, &s->io, s->fd, EV_READ, child_on_output);
    }
    loop_io_set(l, &c->exit_io, c->pidfd, EV_READ, child_on_exit);
    return c;
}

pid_t child_pid(const struct child *c)
{
    return c->pid;
}

void child_signal(struct child *c, int signum, bool group)
{
    if (group)
        kill(-c->pid, signum);
    else
        pidfd_send_signal(c->pidfd, signum, NULL, 0);
}

static void child_on_loop_free(struct loop_task *t)
{
    child_on_end(&container_of(t, struct child, at_free)->end);
}

void child_abandon(struct child *c)
{
    assert(!c->abandoned);
    c->abandoned = true;
    c->ev = (struct child_events){ 0 };
    kill(-c->pid, SIGKILL);
    loop_timer_stop(&c->drain);
    child_close_input(c);
    child_close_stream(&c->out[0]);
    child_close_stream(&c->out[1]);
    loop_at_free(c->loop, &c->at_free, child_on_loop_free);
    child_check_end(c);
}
