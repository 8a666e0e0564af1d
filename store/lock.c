/* flock(2) on a file that is never removed: removing it would let two processes hold two files of the
   same name. */
#include "store/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>

static int busy(int fd, const char *path, struct error *e)
{
    char pid[32];
    ssize_t n = pread(fd, pid, sizeof(pid), 0);
    struct str holder = str_trim(str_n(pid, n > 0 ? (size_t)n : 0));
    return error_set(e, ERROR_BUSY, "another keryx (pid %" STR_FMT ") uses the store; %s is locked",
                     STR_ARG(holder.n ? holder : STR("unknown")), path);
}

int lock_take(const char *store_path, struct error *e)
{
    size_t room = strlen(store_path) + sizeof(".lock");
    auto_free char *path = xalloc(room);
    snprintf(path, room, "%s.lock", store_path);
    auto_close int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return error_sys(e, errno, "cannot open %s", path);
    if (flock(fd, LOCK_EX | LOCK_NB))
        return errno == EWOULDBLOCK ? busy(fd, path, e)
                                    : error_sys(e, errno, "cannot lock %s", path);
    /* The pid is a courtesy: on a full disk the lock holds without it. */
    char pid[32];
    int n = snprintf(pid, sizeof(pid), "%ld\n", (long)getpid());
    if (!ftruncate(fd, 0) && pwrite(fd, pid, (size_t)n, 0) < 0)
        errno = 0;
    int kept = fd;
    fd = -1;
    return kept;
}
