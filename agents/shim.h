/* The small process between keryx and a command agent's tree. keryx starts itself again as
   `keryx __shim` (base/child with extra_fd = one end of a SOCK_STREAM socketpair), writes one spec
   to the other end and reads reports from it:

     STARTED → one of EXITED, SIGNALED, LIMIT (the leader is gone) → CLEARED (nobody is left)
     or FAILED → CLEARED

   The shim is the subreaper of what it starts, so that nobody gets away by setsid and a double
   fork. It ends the whole tree (TERM, grace, KILL until none is left) when the leader exits, on
   SIGTERM, and when keryx is gone (end of file on the socket, PR_SET_PDEATHSIG); a second SIGTERM
   cuts the grace short. stdin, stdout and stderr of the shim are the agent's;
   the shim itself holds none of them, so their end is the tree's. */
#ifndef KERYX_AGENTS_SHIM_H
#define KERYX_AGENTS_SHIM_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"

#include <sys/types.h>

#define SHIM_FD       3
#define SHIM_MAX_SPEC (4 * MIB)
#define SHIM_MAX_ARGS 65536 /* argv and env together */

/* `limit` of a report, and what SHIM_LIMITS sets. */
enum shim_limit { SHIM_LIMIT_CPU, SHIM_LIMIT_FILES, SHIM_LIMIT_FILE_SIZE, SHIM_LIMITS };

struct shim_spec {
    const char *const *argv; /* at least one; argv[0] is looked up in PATH of `env` unless it has a
                                 slash; entries of PATH that are not absolute are passed over */
    const char *const *env;  /* complete, NULL-terminated; NULL = empty */
    const char *directory;   /* NULL = where the shim is */
    int64_t grace_us;        /* between TERM and KILL */
    uint64_t limits[SHIM_LIMITS]; /* CPU seconds, open files, bytes of a file; 0 = none */
    bool no_new_privs;            /* no setuid programs below */
    pid_t parent;                 /* set by the decoder: who wrote it */
};

/* Appends the spec as it goes over the socket (length first, parent = this process). What is too
   large fills the buffer's ceiling (give it SHIM_MAX_SPEC + 4): check buf_ok(). */
void shim_spec_encode(struct buf *out, const struct shim_spec *spec);
/* bytes: one whole spec without its length. Everything in `out` lies in the arena. -1 INVALID. */
int shim_spec_decode(struct arena *a, struct str bytes, struct shim_spec *out,
                     struct error *e) must_check;

/* X(id, sentence): why a FAILED. */
#define SHIM_STAGES(X)                                   \
    X(SPEC, "the shim did not understand what to start") \
    X(FORK, "cannot fork")                               \
    X(LIMIT, "cannot set a limit")                       \
    X(DIRECTORY, "cannot enter the working directory")   \
    X(EXEC, "cannot start the program")

enum shim_stage {
#define X(id, sentence) SHIM_STAGE_##id,
    SHIM_STAGES(X)
#undef X
};
const char *shim_stage_sentence(enum shim_stage s);

enum shim_report_kind {
    SHIM_STARTED,  /* value: the leader's pid */
    SHIM_FAILED,   /* value: errno; stage says where */
    SHIM_EXITED,   /* value: exit code of the leader */
    SHIM_SIGNALED, /* value: the signal that ended the leader */
    SHIM_LIMIT,    /* value: enum shim_limit that ended the leader */
    SHIM_CLEARED,  /* value: processes that could not be ended, normally 0 */
};

struct shim_report {
    uint32_t kind;
    uint32_t stage;
    int32_t value;
};
/* Takes the first report off `in`; false when there is no whole one; *bad when it is none. */
bool shim_report_take(struct buf *in, struct shim_report *out, bool *bad);

/* main() of `keryx __shim`; returns the exit status: 0, or 2 when not started by keryx. */
int shim_main(int argc, char **argv);

#endif
