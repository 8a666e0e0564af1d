/* Who descends from this process, by /proc. As it is a subreaper, an orphan of its tree becomes its
   own child, so the line of parents never leaves the tree. */
#include "agents/shim_inside.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/pidfd.h>

#define TREE_STAT 1024 /* a stat line has some 350 bytes at most */

struct tree {
    struct shim_process *all; /* by pid, ascending where /proc lists them so */
    size_t n, cap;
};

/* The k-th blank-separated field of `s`, counted from 0, as a number. */
static bool tree_field(struct str s, unsigned k, uint64_t *out)
{
    struct str piece = STR_NULL;
    for (unsigned i = 0; i <= k; i++) {
        if (!str_split(&s, ' ', &piece))
            return false;
    }
    return str_u64(piece, out) == 0;
}

/* proc(5): "pid (comm) state ppid … starttime …"; comm may hold anything, ')' too. */
bool shim_tree_parse_stat(struct str stat, struct shim_process *out)
{
    uint64_t pid, parent, started;
    ptrdiff_t open = str_chr(stat, '('), close = str_rchr(stat, ')');
    if (open < 2 || close < open || (size_t)close + 3 >= stat.n)
        return false;
    struct str after = str_sub(stat, (size_t)close + 2, stat.n); /* from the state on: field 3 */
    if (str_u64(str_sub(stat, 0, (size_t)open - 1), &pid) < 0 || pid == 0 || pid > INT32_MAX ||
        !tree_field(after, 1, &parent) || parent > INT32_MAX || !tree_field(after, 19, &started))
        return false;
    out->pid = (pid_t)pid;
    out->parent = (pid_t)parent;
    out->started = started;
    out->dead = after.p[0] == 'Z' || after.p[0] == 'X';
    return true;
}

static bool tree_read(int proc, const char *name, struct shim_process *out)
{
    char path[64], text[TREE_STAT];
    snprintf(path, sizeof path, "%.32s/stat", name);
    auto_close int fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t n = read(fd, text, sizeof text);
    return n > 0 && shim_tree_parse_stat(str_n(text, (size_t)n), out);
}

static void tree_scan(struct tree *t, DIR *dir)
{
    for (const struct dirent *d; (d = readdir(dir));) {
        struct shim_process p;
        if (d->d_name[0] < '1' || d->d_name[0] > '9' || !tree_read(dirfd(dir), d->d_name, &p))
            continue;
        if (t->n == t->cap) {
            t->cap = t->cap ? t->cap * 2 : 256;
            t->all = xrealloc(t->all, t->cap * sizeof *t->all);
        }
        t->all[t->n++] = p;
    }
}

static int tree_compare(const void *a, const void *b)
{
    const struct shim_process *x = a, *y = b;
    return (x->pid > y->pid) - (x->pid < y->pid);
}

/* Walks up to `root`; the bound is for the day /proc shows a circle. */
static bool tree_descends(const struct tree *t, const struct shim_process *p, pid_t root)
{
    for (size_t steps = 0; p && steps <= t->n; steps++) {
        if (p->parent == root)
            return true;
        struct shim_process key = { .pid = p->parent };
        p = bsearch(&key, t->all, t->n, sizeof key, tree_compare);
    }
    return false;
}

/* Only when it still is the process that was seen: its pid may have been given to a stranger. */
static void tree_signal_one(int proc, const struct shim_process *p, int signum)
{
    char name[16];
    struct shim_process now;
    auto_close int fd = pidfd_open(p->pid, 0);
    snprintf(name, sizeof name, "%d", (int)p->pid);
    if (fd >= 0 && tree_read(proc, name, &now) && now.started == p->started)
        pidfd_send_signal(fd, signum, NULL, 0);
}

size_t shim_tree_signal(int signum)
{
    struct tree t = { 0 };
    size_t found = 0;
    DIR *dir = opendir("/proc");
    if (!dir)
        return 0;
    tree_scan(&t, dir);
    if (t.n)
        qsort(t.all, t.n, sizeof *t.all, tree_compare);
    for (size_t i = 0; i < t.n; i++) {
        if (t.all[i].dead || !tree_descends(&t, &t.all[i], getpid()))
            continue;
        found++;
        tree_signal_one(dirfd(dir), &t.all[i], signum);
    }
    closedir(dir);
    free(t.all);
    return found;
}
