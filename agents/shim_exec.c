/* From fork() to execve(): session, signals, limits, directory, the program itself. */
#include "agents/shim_inside.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define EXEC_PATH "/usr/local/bin:/usr/bin:/bin"

/* "Killed by limit" is told by the signal (SIGXCPU, SIGXFSZ); the hard CPU limit KILLs who ignores
   it. */
static const struct {
    enum shim_limit limit;
    __rlimit_resource_t resource;
    rlim_t above; /* hard over soft */
} limits[] = {
    { SHIM_LIMIT_CPU, RLIMIT_CPU, 1 },
    { SHIM_LIMIT_FILES, RLIMIT_NOFILE, 0 },
    { SHIM_LIMIT_FILE_SIZE, RLIMIT_FSIZE, 0 },
};

static int exec_set_limits(const struct shim_spec *spec)
{
    const struct rlimit none = { 0, 0 };
    if (setrlimit(RLIMIT_CORE, &none) < 0)
        return errno;
    for (size_t i = 0; i < N_ELEMENTS(limits); i++) {
        struct rlimit r;
        rlim_t want = spec->limits[limits[i].limit];
        if (!want)
            continue;
        if (getrlimit(limits[i].resource, &r) < 0)
            return errno;
        r.rlim_max =
            MIN(r.rlim_max, want > RLIM_INFINITY - 1 - limits[i].above ? RLIM_INFINITY
                                                                       : want + limits[i].above);
        r.rlim_cur = MIN(want, r.rlim_max);
        if (setrlimit(limits[i].resource, &r) < 0)
            return errno;
    }
    return 0;
}

static void exec_reset_signals(void)
{
    sigset_t none;
    for (int s = 1; s < NSIG; s++)
        signal(s, SIG_DFL); /* KILL, STOP and libc's own say no: fine */
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static struct str exec_path_of(const char *const *env)
{
    for (; *env; env++) {
        if (strncmp(*env, "PATH=", 5) == 0)
            return str_of(*env + 5);
    }
    return STR(EXEC_PATH);
}

static int exec_try(const char *path, const struct shim_spec *spec)
{
    /* execve's types lack a const that its contract gives (POSIX, rationale of exec). */
    union {
        const char *const *in;
        char *const *out;
    } argv = { spec->argv }, env = { spec->env };
    execve(path, argv.out, env.out);
    return errno;
}

/* Comes back with an errno when there is nothing to become. */
static int exec_program(const struct shim_spec *spec)
{
    char path[PATH_MAX];
    const char *name = spec->argv[0];
    if (strchr(name, '/'))
        return exec_try(name, spec);
    int why = ENOENT;
    struct str rest = exec_path_of(spec->env), dir;
    while (*name && str_split(&rest, ':', &dir)) {
        int n = snprintf(path, sizeof path, "%" STR_FMT "/%s", STR_ARG(dir), name);
        if (n >= (int)sizeof path || *path != '/')
            continue;
        int rc = exec_try(path, spec);
        if (rc == EACCES)
            why = EACCES; /* perhaps a later entry has one that may be run */
        else if (rc != ENOENT && rc != ENOTDIR)
            return rc;
    }
    return why;
}

void shim_exec(const struct shim_spec *spec, pid_t shim, int report_fd)
{
    struct shim_exec_error e = { 0 };
    setsid();
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* should somebody KILL the shim */
    if (getppid() != shim)
        _exit(127);
    umask(077);
    e.stage = SHIM_STAGE_LIMIT;
    e.why = exec_set_limits(spec);
    if (!e.why && spec->no_new_privs && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        e.why = errno;
    if (!e.why && spec->directory) {
        e.stage = SHIM_STAGE_DIRECTORY;
        e.why = chdir(spec->directory) < 0 ? errno : 0;
    }
    if (!e.why) {
        e.stage = SHIM_STAGE_EXEC;
        exec_reset_signals();
        e.why = exec_program(spec);
    }
    ssize_t n = write(report_fd, &e, sizeof e);
    (void)n;
    _exit(127);
}
