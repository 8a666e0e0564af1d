/* The process_* metrics every Prometheus client library has, from /proc (proc(5)). */
#include "base/stats_inside.h"

#include <dirent.h>
#include <fcntl.h>
#include <math.h>
#include <sys/resource.h>
#include <time.h>

/* NAN: cannot be read here. */
static double process_cpu_seconds(void)
{
    struct timespec t;
    if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t))
        return NAN;
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static struct str process_file(const char *path, char *to, size_t cap)
{
    auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, to, cap) : -1;
    return str_n(to, n > 0 ? (size_t)n : 0);
}

/* The n-th (from 0) of blank-separated words as a number. */
static double process_word(struct str text, size_t n)
{
    struct str word;
    uint64_t value;
    for (size_t i = 0; str_split(&text, ' ', &word); i++) {
        if (i == n)
            return str_u64(str_trim(word), &value) ? NAN : (double)value;
    }
    return NAN;
}

static double process_pages(size_t word)
{
    char text[256];
    return process_word(process_file("/proc/self/statm", text, sizeof(text)), word) *
           (double)sysconf(_SC_PAGESIZE);
}

static double process_virtual_bytes(void)
{
    return process_pages(0);
}

static double process_resident_bytes(void)
{
    return process_pages(1);
}

static double process_open_fds(void)
{
    DIR *d = opendir("/proc/self/fd");
    if (!d)
        return NAN;
    double n = -1; /* the directory's own */
    for (const struct dirent *entry; (entry = readdir(d)) != NULL;)
        n += entry->d_name[0] != '.';
    closedir(d);
    return n;
}

static double process_max_fds(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit))
        return NAN;
    return limit.rlim_cur == RLIM_INFINITY ? INFINITY : (double)limit.rlim_cur;
}

static double process_read_start(void)
{
    /* Field 22 of stat counts ticks since boot; the name in field 2 may hold blanks and brackets. */
    char text[2048];
    struct str stat = process_file("/proc/self/stat", text, sizeof(text));
    ptrdiff_t name_end = str_rchr(stat, ')');
    if (name_end < 0)
        return NAN;
    double ticks = process_word(str_sub(stat, (size_t)name_end + 2, stat.n), 22 - 3);
    struct timespec boot, wall;
    if (clock_gettime(CLOCK_BOOTTIME, &boot) || clock_gettime(CLOCK_REALTIME, &wall))
        return NAN;
    double booted =
        (double)(wall.tv_sec - boot.tv_sec) + (double)(wall.tv_nsec - boot.tv_nsec) / 1e9;
    return booted + ticks / (double)sysconf(_SC_CLK_TCK);
}

/* Read once: the same start told a microsecond apart would look like a restart. */
static double process_start_seconds(void)
{
    static double start;
    if (start == 0)
        start = process_read_start();
    return start;
}

static const struct {
    const char *name;
    enum stats_type type;
    double (*read)(void);
    const char *help;
} process_rows[] = {
    { "process_cpu_seconds_total", STATS_COUNTER, process_cpu_seconds,
      "Total user and system CPU time spent in seconds." },
    { "process_virtual_memory_bytes", STATS_GAUGE, process_virtual_bytes,
      "Virtual memory size in bytes." },
    { "process_resident_memory_bytes", STATS_GAUGE, process_resident_bytes,
      "Resident memory size in bytes." },
    { "process_open_fds", STATS_GAUGE, process_open_fds, "Number of open file descriptors." },
    { "process_max_fds", STATS_GAUGE, process_max_fds, "Maximum number of open file descriptors." },
    { "process_start_time_seconds", STATS_GAUGE, process_start_seconds,
      "Start time of the process since unix epoch in seconds." },
};

size_t stats_process_read(struct stats_process out[STATS_PROCESS_MAX])
{
    _Static_assert(N_ELEMENTS(process_rows) == STATS_PROCESS_MAX, "one place a row");
    size_t n = 0;
    for (size_t i = 0; i < N_ELEMENTS(process_rows); i++) {
        double value = process_rows[i].read();
        if (!isnan(value))
            out[n++] = (struct stats_process){ process_rows[i].name, process_rows[i].help,
                                               process_rows[i].type, value };
    }
    return n;
}
