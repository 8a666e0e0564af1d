/* At start: what a keryx that died has left behind. Normally nothing: a shim ends its tree when keryx
   is gone. It is still at it when keryx comes back within the grace, and only who KILLs keryx and shim
   at once leaves a tree alone. */
#include "agents/agents.h"

#include "base/log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/pidfd.h>
#include <sys/stat.h>

#define SWEEP_MARK     "KERYX_TASK_ID="
#define SWEEP_SHIM     "__shim"
#define SWEEP_MAX_READ (256 * KIB) /* of an environment; the mark is written by us near its end */
#define SWEEP_TERM_MS  2000
#define SWEEP_KILL_MS  1000
#define SWEEP_PAUSE_MS 50
#define SWEEP_MAX      65536

enum sweep_what { SWEEP_STRANGER, SWEEP_MARKED, SWEEP_IS_SHIM };

struct sweep_process {
    pid_t pid, parent;
    bool terminal; /* has a controlling one */
    enum sweep_what what;
    int pidfd; /* >= 0: is to be ended */
};

struct sweep {
    DIR *proc;
    struct sweep_process *all;
    size_t n, cap;
};

/* ---- looking ---- */

static size_t sweep_read(const struct sweep *s, pid_t pid, const char *file, char *to, size_t max)
{
    char path[64];
    size_t have = 0;
    snprintf(path, sizeof(path), "%d/%s", (int)pid, file);
    auto_close int fd = openat(dirfd(s->proc), path, O_RDONLY | O_CLOEXEC);
    while (fd >= 0 && have < max) {
        ssize_t n = read(fd, to + have, max - have);
        if (n <= 0)
            break;
        have += (size_t)n;
    }
    return have;
}

/* proc(5): "pid (comm) state ppid pgrp session tty_nr …"; comm may hold anything. */
static bool sweep_stat(const struct sweep *s, struct sweep_process *p)
{
    char text[1024];
    struct str stat = str_n(text, sweep_read(s, p->pid, "stat", text, sizeof(text))),
               field = STR_NULL;
    int64_t numbers[5] = { 0 };
    ptrdiff_t close = str_rchr(stat, ')');
    if (close < 0)
        return false;
    struct str rest = str_sub(stat, (size_t)close + 2, stat.n);
    for (size_t i = 0; i < N_ELEMENTS(numbers); i++) {
        if (!str_split(&rest, ' ', &field) ||
            (i == 0 && (str_eq_c(field, "Z") || str_eq_c(field, "X"))) ||
            (i > 0 && str_i64(field, &numbers[i]) != 0))
            return false;
    }
    p->parent = (pid_t)numbers[1];
    p->terminal = numbers[4] != 0;
    return true;
}

static bool sweep_is_shim(struct str cmdline)
{
    struct str first, second;
    return str_split(&cmdline, '\0', &first) && str_split(&cmdline, '\0', &second) &&
           str_eq_c(second, SWEEP_SHIM);
}

static bool sweep_is_marked(struct str environment)
{
    struct str line;
    while (str_split(&environment, '\0', &line)) {
        if (str_starts(line, STR(SWEEP_MARK)) && line.n > strlen(SWEEP_MARK))
            return true;
    }
    return false;
}

static void sweep_look(const struct sweep *s, struct sweep_process *p)
{
    char name[16];
    struct stat st;
    snprintf(name, sizeof(name), "%d", (int)p->pid);
    if (fstatat(dirfd(s->proc), name, &st, 0) != 0 || st.st_uid != geteuid())
        return;
    char *text = xalloc(SWEEP_MAX_READ);
    if (sweep_is_shim(str_n(text, sweep_read(s, p->pid, "cmdline", text, SWEEP_MAX_READ))))
        p->what = SWEEP_IS_SHIM;
    else if (sweep_is_marked(str_n(text, sweep_read(s, p->pid, "environ", text, SWEEP_MAX_READ))))
        p->what = SWEEP_MARKED;
    free(text);
}

static void sweep_scan(struct sweep *s)
{
    for (const struct dirent *d; (d = readdir(s->proc)) != NULL && s->n < SWEEP_MAX;) {
        struct sweep_process p = { .pidfd = -1 };
        int64_t pid;
        if (str_i64(str_of(d->d_name), &pid) != 0 || pid <= 0 || pid > INT32_MAX)
            continue;
        p.pid = (pid_t)pid;
        if (!sweep_stat(s, &p))
            continue;
        sweep_look(s, &p);
        if (s->n == s->cap) {
            s->cap = s->cap ? s->cap * 2 : 256;
            s->all = xrealloc(s->all, s->cap * sizeof(*s->all));
        }
        s->all[s->n++] = p;
    }
}

static const struct sweep_process *sweep_find(const struct sweep *s, pid_t pid)
{
    for (size_t i = 0; i < s->n; i++) {
        if (s->all[i].pid == pid)
            return &s->all[i];
    }
    return NULL;
}

/* ---- deciding ---- */

/* Which program it runs; the file may have been replaced since. -1 and errno when it cannot be told. */
static int sweep_program(const struct sweep *s, pid_t pid, char to[PATH_MAX], struct str *out)
{
    static const struct str deleted = { " (deleted)", sizeof(" (deleted)") - 1 };
    char path[64];
    snprintf(path, sizeof(path), "%d/exe", (int)pid);
    ssize_t n = readlinkat(dirfd(s->proc), path, to, PATH_MAX);
    if (n < 0)
        return -1;
    *out = str_n(to, (size_t)n);
    if (str_ends(*out, deleted))
        out->n -= deleted.n;
    return 0;
}

/* A shim whose parent runs another program than itself: its keryx is dead. */
static bool sweep_is_orphan(const struct sweep *s, const struct sweep_process *shim)
{
    char own_path[PATH_MAX], parent_path[PATH_MAX];
    struct str own, parent = STR_NULL;
    if (sweep_program(s, shim->pid, own_path, &own) != 0)
        return false; /* cannot be told: left alone */
    if (sweep_program(s, shim->parent, parent_path, &parent) != 0 && errno == EACCES &&
        shim->parent != 1)
        return false;
    return !str_eq(own, parent);
}

static bool sweep_descends(const struct sweep *s, const struct sweep_process *p, pid_t from)
{
    for (size_t steps = 0; p && steps <= s->n; steps++) {
        if (p->pid == from)
            return true;
        p = sweep_find(s, p->parent);
    }
    return false;
}

static bool sweep_has_shim(const struct sweep *s, const struct sweep_process *p)
{
    for (size_t steps = 0; p && steps <= s->n; steps++) {
        if (p->what == SWEEP_IS_SHIM)
            return true;
        p = sweep_find(s, p->parent);
    }
    return false;
}

static bool sweep_wants(const struct sweep *s, const struct sweep_process *p)
{
    const struct sweep_process *self = sweep_find(s, getpid());
    if (p->what == SWEEP_STRANGER || sweep_descends(s, self, p->pid))
        return false; /* somebody else's, or we are in that tree ourselves */
    if (p->what == SWEEP_IS_SHIM)
        return p->parent != getpid() && sweep_is_orphan(s, p);
    return !p->terminal && !sweep_has_shim(s, p) && !sweep_descends(s, p, getpid());
}

/* ---- ending ---- */

/* The pidfd is opened before the second look, so that it is the process that was judged. */
static size_t sweep_choose(struct sweep *s)
{
    size_t chosen = 0;
    for (size_t i = 0; i < s->n; i++) {
        struct sweep_process *p = &s->all[i], again = { .pid = p->pid };
        if (!sweep_wants(s, p))
            continue;
        p->pidfd = pidfd_open(p->pid, 0);
        if (p->pidfd < 0)
            continue;
        sweep_look(s, &again);
        if (again.what == p->what) {
            chosen++;
        } else {
            close(p->pidfd);
            p->pidfd = -1;
        }
    }
    return chosen;
}

static bool sweep_gone(const struct sweep_process *p)
{
    struct pollfd fd = { p->pidfd, POLLIN, 0 };
    return p->pidfd < 0 || poll(&fd, 1, 0) > 0;
}

/* Signals all that are left every pause, until none is or the time is over. */
static size_t sweep_end(struct sweep *s, int signum, int ms)
{
    size_t left = 1;
    for (int spent = 0; left && spent <= ms; spent += SWEEP_PAUSE_MS) {
        left = 0;
        for (size_t i = 0; i < s->n; i++) {
            const struct sweep_process *p = &s->all[i];
            if (sweep_gone(p))
                continue;
            left++;
            /* A shim is only asked: KILLed it would leave its tree alone. */
            pidfd_send_signal(p->pidfd, p->what == SWEEP_IS_SHIM ? SIGTERM : signum, NULL, 0);
        }
        if (left)
            poll(NULL, 0, SWEEP_PAUSE_MS);
    }
    return left;
}

size_t agents_sweep(void)
{
    struct sweep s = { .proc = opendir("/proc") };
    if (!s.proc)
        return 0;
    sweep_scan(&s);
    size_t found = sweep_choose(&s);
    if (found) {
        char count[24];
        snprintf(count, sizeof(count), "%zu", found);
        log_warn("ending processes that a dead keryx has left behind", "count", count);
        if (sweep_end(&s, SIGTERM, SWEEP_TERM_MS) && sweep_end(&s, SIGKILL, SWEEP_KILL_MS))
            log_warn("some of them could not be ended");
    }
    for (size_t i = 0; i < s.n; i++) {
        if (s.all[i].pidfd >= 0)
            close(s.all[i].pidfd);
    }
    free(s.all);
    closedir(s.proc);
    return found;
}
