/* The shim's one loop: a signalfd, the socket to keryx, the pipe that says whether exec worked.

     running ── leader gone (also: exec failed), told to, keryx gone ─→ ending (TERM sent)
                                                                          │ grace over, told again
                                          nobody left ←─ killing (KILL again and again)

   "Nobody left" is waitpid() saying ECHILD: orphans come to the shim, so it has no child exactly
   when its tree is empty. */
#include "agents/shim_inside.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define SHIM_SPEC_TIMEOUT_MS 10000
/* Who is left after this long cannot be ended: another user's, or stuck in the kernel. */
#define SHIM_KILL_US       (10 * US_PER_S)
#define SHIM_KILL_PAUSE_MS 5
#define SHIM_ORPHANED      SIGHUP /* keryx died; not SIGTERM, which counts as asking */

enum shim_state { SHIM_RUNNING, SHIM_ENDING, SHIM_KILLING };

struct shim {
    enum shim_state state;
    const struct shim_spec *spec;
    pid_t leader;
    bool leader_gone;
    bool told;      /* how the leader ended, or that it never began */
    int signals;    /* signalfd */
    int exec_fd;    /* -1 = exec is decided */
    bool alone;     /* keryx closed its end */
    unsigned asked; /* by SIGTERM or SIGINT */
    bool empty;     /* no child left */
    int64_t until;  /* monotonic: end of the grace, of killing */
};

static int64_t shim_now(void)
{
    return clock_mono(&clock_real);
}

static void shim_report(enum shim_report_kind kind, enum shim_stage stage, int value)
{
    const struct shim_report r = { kind, stage, value };
    ssize_t n = send(SHIM_FD, &r, sizeof r, MSG_NOSIGNAL | MSG_DONTWAIT);
    (void)n; /* keryx is gone, or does not read: the tree is ended all the same */
}

/* ---- the spec ---- */

/* Reads exactly n bytes in time. */
static int shim_read(char *to, size_t n, int64_t deadline)
{
    while (n) {
        struct pollfd p = { SHIM_FD, POLLIN, 0 };
        int64_t left = deadline - shim_now();
        if (left <= 0 || poll(&p, 1, (int)(left / US_PER_MS) + 1) <= 0)
            return -1;
        ssize_t k = recv(SHIM_FD, to, n, 0);
        if (k <= 0)
            return -1;
        to += k;
        n -= (size_t)k;
    }
    return 0;
}

static int shim_receive(struct arena *a, struct shim_spec *spec)
{
    uint32_t n;
    int64_t deadline = shim_now() + SHIM_SPEC_TIMEOUT_MS * US_PER_MS;
    if (shim_read((char *)&n, sizeof n, deadline) < 0 || n > SHIM_MAX_SPEC)
        return -1;
    char *bytes = arena_alloc(a, n + 1);
    if (shim_read(bytes, n, deadline) < 0)
        return -1;
    return shim_spec_decode(a, str_n(bytes, n), spec, NULL);
}

/* ---- states ---- */

static void shim_end(struct shim *s)
{
    if (s->state >= SHIM_ENDING)
        return;
    s->state = SHIM_ENDING;
    s->until = shim_now() + s->spec->grace_us;
    if (!s->empty) {
        shim_tree_signal(SIGTERM);
        shim_tree_signal(SIGCONT); /* who is stopped cannot hear it */
    }
}

static void shim_kill(struct shim *s)
{
    shim_end(s);
    if (s->state == SHIM_KILLING)
        return;
    s->state = SHIM_KILLING;
    s->until = shim_now() + SHIM_KILL_US;
}

static bool shim_killed_by_limit(const struct shim *s, int signum, enum shim_limit *which)
{
    static const struct {
        int signum;
        enum shim_limit limit;
    } rows[] = { { SIGXCPU, SHIM_LIMIT_CPU }, { SIGXFSZ, SHIM_LIMIT_FILE_SIZE } };
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        if (rows[i].signum == signum && s->spec->limits[rows[i].limit]) {
            *which = rows[i].limit;
            return true;
        }
    }
    return false;
}

static void shim_on_leader(struct shim *s, int status)
{
    enum shim_limit limit;
    s->leader_gone = true;
    if (s->exec_fd >= 0 || s->told) /* exec's pipe has the story */
        return;
    s->told = true;
    if (WIFEXITED(status))
        shim_report(SHIM_EXITED, 0, WEXITSTATUS(status));
    else if (shim_killed_by_limit(s, WTERMSIG(status), &limit))
        shim_report(SHIM_LIMIT, 0, (int)limit);
    else
        shim_report(SHIM_SIGNALED, 0, WTERMSIG(status));
}

/* Before the leader's end is looked at, so that STARTED comes before EXITED. */
static void shim_on_exec(struct shim *s)
{
    struct shim_exec_error e;
    ssize_t n = read(s->exec_fd, &e, sizeof e);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    close(s->exec_fd);
    s->exec_fd = -1;
    if (n != sizeof e) {
        shim_report(SHIM_STARTED, 0, s->leader);
        return;
    }
    s->told = true;
    shim_report(SHIM_FAILED, e.stage, e.why);
}

static void shim_reap(struct shim *s)
{
    int status;
    pid_t pid;
    /* The pipe closes when the leader is gone, if not before: then it is decided. */
    if (s->exec_fd >= 0)
        shim_on_exec(s);
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (pid != s->leader)
            continue;
        if (s->exec_fd >= 0)
            shim_on_exec(s);
        shim_on_leader(s, status);
    }
    s->empty = pid < 0 && errno == ECHILD;
    if (s->leader_gone)
        shim_end(s);
}

static void shim_on_signals(struct shim *s)
{
    struct signalfd_siginfo si;
    while (read(s->signals, &si, sizeof si) == sizeof si) {
        if (si.ssi_signo == SIGCHLD)
            continue;
        if (si.ssi_signo != SHIM_ORPHANED && ++s->asked > 1)
            shim_kill(s);
        else
            shim_end(s);
    }
    shim_reap(s);
}

static void shim_on_socket(struct shim *s)
{
    char ignored[64];
    ssize_t n = recv(SHIM_FD, ignored, sizeof ignored, MSG_DONTWAIT);
    if (n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR)))
        return;
    s->alone = true;
    shim_end(s);
}

static int shim_wait_ms(const struct shim *s)
{
    if (s->state < SHIM_ENDING)
        return -1;
    if (s->state == SHIM_KILLING)
        return SHIM_KILL_PAUSE_MS;
    int64_t left = MAX(s->until - shim_now(), 0);
    return (int)MIN(left / US_PER_MS + 1, 60000);
}

/* Until the tree is empty; returns how many could not be ended. */
static size_t shim_loop(struct shim *s)
{
    size_t left = 0;
    while (!s->empty) {
        struct pollfd p[] = { { s->signals, POLLIN, 0 },
                              { s->alone ? -1 : SHIM_FD, POLLIN, 0 },
                              { s->exec_fd, POLLIN, 0 } };
        poll(p, N_ELEMENTS(p), shim_wait_ms(s));
        if (p[2].revents)
            shim_on_exec(s);
        if (p[0].revents)
            shim_on_signals(s);
        if (p[1].revents)
            shim_on_socket(s);
        if (s->state == SHIM_ENDING && shim_now() >= s->until)
            shim_kill(s);
        if (s->state == SHIM_KILLING && !s->empty) {
            left = shim_tree_signal(SIGKILL);
            shim_reap(s);
            if (shim_now() >= s->until)
                return left;
        }
    }
    return 0;
}

/* ---- start ---- */

/* SIGCHLD and the wishes to end; SIGPIPE must not end the shim before its tree. */
static int shim_take_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SHIM_ORPHANED);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGCHLD, SIG_DFL);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* stdin, stdout and stderr are the agent's: their end must be the tree's, not ours. */
static void shim_let_go(void)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int fd = 0; fd <= 2; fd++) {
        if (null >= 0)
            dup2(null, fd);
        else
            close(fd);
    }
    if (null > 2)
        close(null);
}

static int shim_start(struct shim *s)
{
    int fds[2];
    if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
        return -1;
    pid_t shim = getpid();
    s->leader = fork();
    if (s->leader == 0) {
        close(fds[0]);
        shim_exec(s->spec, shim, fds[1]);
    }
    int why = errno;
    close(fds[1]);
    s->exec_fd = fds[0];
    if (s->leader > 0)
        return 0;
    close(fds[0]);
    errno = why;
    return -1;
}

int shim_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    struct shim_spec spec;
    if (fcntl(SHIM_FD, F_SETFD, FD_CLOEXEC) < 0) {
        fprintf(stderr, "__shim is for keryx itself\n");
        return 2;
    }
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    struct shim s = { .spec = &spec, .signals = shim_take_signals(), .exec_fd = -1 };
    prctl(PR_SET_PDEATHSIG, SHIM_ORPHANED);
    struct arena *a = arena_new(0);
    int status = 0;
    if (s.signals < 0 || shim_receive(a, &spec) < 0) {
        shim_report(SHIM_FAILED, SHIM_STAGE_SPEC, EINVAL);
        shim_report(SHIM_CLEARED, 0, 0);
        status = 2;
    } else if (getppid() != spec.parent) {
        status = 0; /* keryx died before we asked to be told: nothing was started yet */
    } else if (shim_start(&s) < 0) {
        shim_report(SHIM_FAILED, SHIM_STAGE_FORK, errno);
        shim_report(SHIM_CLEARED, 0, 0);
    } else {
        shim_let_go();
        shim_report(SHIM_CLEARED, 0, (int)shim_loop(&s));
    }
    arena_free(a);
    return status;
}
