/* See spawner.h. */
#include "tests/bench/spawner.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/wait.h>

extern char **environ;

struct run {
    ev_io out;
};

static void on_output(struct ev_loop *loop, ev_io *w, int revents)
{
    (void)revents;
    char sink[4096];
    if (read(w->fd, sink, sizeof(sink)) > 0)
        return;
    ev_io_stop(loop, w);
    close(w->fd);
    free(container_of(w, struct run, out));
}

static void start(struct spawner *s)
{
    int fd[2];
    if (pipe2(fd, O_CLOEXEC | O_NONBLOCK)) {
        perror("pipe");
        exit(1);
    }
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files, fd[1], 1);
    pid_t pid;
    if (posix_spawnp(&pid, s->argv[0], &files, NULL, s->argv, environ)) {
        perror("spawn");
        exit(1);
    }
    posix_spawn_file_actions_destroy(&files);
    close(fd[1]);
    struct run *r = xalloc(sizeof(*r));
    ev_io_init(&r->out, on_output, fd[0], EV_READ);
    ev_io_start(s->loop, &r->out);
    s->running++;
}

static void on_child(struct ev_loop *loop, ev_signal *w, int revents)
{
    (void)loop;
    (void)revents;
    struct spawner *s = container_of(w, struct spawner, child);
    while (waitpid(-1, NULL, WNOHANG) > 0) {
        s->running--;
        s->ended++;
    }
    for (; s->waiting > 0 && s->running < s->at_once; s->waiting--)
        start(s);
    if (s->running == 0 && s->on_idle)
        s->on_idle(s);
}

void spawner_init(struct spawner *s)
{
    ev_signal_init(&s->child, on_child, SIGCHLD);
    ev_signal_start(s->loop, &s->child);
}

void spawner_add(struct spawner *s)
{
    if (s->running < s->at_once)
        start(s);
    else
        s->waiting++;
}
