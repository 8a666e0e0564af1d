/* What the files of the shim share. Nobody else includes it. */
#ifndef KERYX_AGENTS_SHIM_INSIDE_H
#define KERYX_AGENTS_SHIM_INSIDE_H

#include "agents/shim.h"

/* What the child writes when it cannot become the program; no bytes at all = it did. */
struct shim_exec_error {
    uint32_t stage;
    int32_t why;
};

/* agents/shim_exec.c: in the child after fork(). Never returns; errors go to the close-on-exec
   descriptor report_fd. */
void shim_exec(const struct shim_spec *spec, pid_t shim, int report_fd) __attribute__((noreturn));

/* agents/shim_tree.c: sends the signal to every live descendant of this process, found in /proc;
   returns how many there are. */
size_t shim_tree_signal(int signum);
/* The parts of /proc/PID/stat that count; false when it is malformed. Pure. */
struct shim_process {
    pid_t pid, parent;
    uint64_t started; /* tells a process from a later one with its pid */
    bool dead;        /* zombie */
};
bool shim_tree_parse_stat(struct str stat, struct shim_process *out);

#endif
