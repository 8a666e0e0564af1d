/* Child processes without SIGCHLD: posix_spawn, pidfd, pipes on the loop. Never fork() from the
   daemon (10 × slower with a large heap). */
#ifndef KERYX_BASE_CHILD_H
#define KERYX_BASE_CHILD_H

#include "base/loop.h"

#include <sys/types.h>

struct child;

struct child_exit {
    bool signaled;
    int status; /* exit code, or the signal's number */
};

struct child_events {
    /* Bytes the child wrote; stream 1 = stdout, 2 = stderr. */
    void (*output)(void *ctx, int stream, struct str bytes);
    /* Once, last: the leader ended and what stood in the pipes at most drain_us later was handed
       over. The child object is gone afterwards. */
    void (*exited)(void *ctx, struct child_exit how);
    void *ctx;
};

struct child_options {
    const char *const *argv; /* argv[0] is looked up in PATH of `env` unless it has a slash;
                                     entries of PATH that are not absolute are passed over */
    const char *const *env;  /* complete environment, NULL-terminated */
    const char *directory;   /* NULL = ours */
    struct str input;        /* fed to stdin, then stdin is closed; copied. Empty: /dev/null */
    int extra_fd;     /* >= 0: given to the child as fd 3; -1 = none. All others are closed */
    int64_t drain_us; /* after exit, how long to read what is left; 0 = 250 ms */
    bool new_session; /* setsid; else it leads a process group of its own */
};

/* NULL and error (code NOT_FOUND for ENOENT; text says which program) when it cannot be started.
   Callbacks never run before return. */
struct child *child_start(struct loop *l, const struct child_options *o,
                          const struct child_events *ev, struct error *e) must_check;
pid_t child_pid(const struct child *c);
/* Signal to the process, or to its group when `group`. */
void child_signal(struct child *c, int signum, bool group);
/* Stops callbacks and forgets the child: KILLs its group, reaps it in the background (at the latest
   in loop_free). Allowed inside a callback, but for `exited`, after which there is no child. */
void child_abandon(struct child *c);

#endif
