/* The log: a line is rendered once a format that some sink wants and handed to every sink with one
   write(2). The mutex keeps lines whole and in order.

   struct log_sink  standard error (always the first), files, functions. A descriptor never blocks
                    where the kernel lets us choose: files and pipes are opened O_NONBLOCK, sockets
                    are sent to with MSG_DONTWAIT. Setting the flag on standard error itself would
                    change it for every process that shares the terminal or pipe.
   struct log_line  one call's level, time, message and pairs, before rendering. */
#include "base/log.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/when.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/stat.h>

enum {
    LOG_MAX_PAIRS = 32,
    LOG_MAX_VALUE = 4 * 1024, /* before escaping, which makes at most 6 bytes of one */
    LOG_MAX_LINE = 64 * 1024, /* so a message always fits, and one pair after it */
    LOG_LINE_END = 64,        /* kept for what closes a line */
};

#define LOG_TRUNCATED "truncated"

static const struct {
    const char *word, *shown;
} log_levels[] = {
    [LOG_LEVEL_ERROR] = { "error", "ERROR" },
    [LOG_LEVEL_WARN] = { "warn", "WARN " },
    [LOG_LEVEL_INFO] = { "info", "INFO " },
    [LOG_LEVEL_DEBUG] = { "debug", "DEBUG" },
};

/* Values of keys that are one of these words, or end with one after a separator (api_token). */
static const char *const log_secret_keys[] = {
    "secret", "token", "password", "authorization", "signature", "cookie", "api_key",
};

struct log_pair {
    const char *key, *value;
};

struct log_line {
    enum log_level level;
    int64_t wall_us;
    const char *message;
    struct log_pair pairs[LOG_MAX_PAIRS];
    size_t n_pairs;
    bool truncated; /* there were more pairs */
};

struct log_sink {
    bool (*write)(void *ctx, enum log_level level, struct str line); /* NULL: fd */
    void *ctx;
    char *path; /* files: owned */
    int fd;
    bool socket;
    bool torn; /* the last write was short: begin with a newline */
    enum log_format format;
};

static struct {
    pthread_mutex_t lock;
    struct log_sink standard_error;
    struct log_sink *sinks; /* the further ones; as many as the configuration names */
    size_t n_sinks;
    enum log_format format; /* as given to log_setup() */
} log_state = {
    .lock = PTHREAD_MUTEX_INITIALIZER,
    .standard_error = { .fd = STDERR_FILENO, .format = LOG_FORMAT_TEXT },
};
static _Atomic int log_level_now = LOG_LEVEL_INFO;
static _Atomic uint64_t log_n_lost;
/* A sink's function that logs would wait for its own lock: its lines are lost instead. */
static _Thread_local bool log_busy;

static bool log_is_secret(const char *key)
{
    struct str k = str_of(key);
    for (size_t i = 0; i < N_ELEMENTS(log_secret_keys); i++) {
        struct str word = str_of(log_secret_keys[i]);
        if (k.n < word.n || !str_eq_fold(str_sub(k, k.n - word.n, word.n), word))
            continue;
        if (k.n == word.n || strchr("_-.", k.p[k.n - word.n - 1]))
            return true;
    }
    return false;
}

/* As in a JSON string; DEL and the C1 controls too, which terminals obey. */
static void log_escape(struct buf *out, struct str s)
{
    size_t from = 0;
    for (size_t i = 0; i < s.n; i++) {
        bool is_del = s.p[i] == 0x7F;
        if (!is_del && !((unsigned char)s.p[i] == 0xC2 && i + 1 < s.n &&
                         (unsigned char)s.p[i + 1] >= 0x80 && (unsigned char)s.p[i + 1] <= 0x9F))
            continue;
        json_escape(out, str_sub(s, from, i - from));
        i += !is_del;
        buf_printf(out, "\\u%04x", (unsigned char)s.p[i]);
        from = i + 1;
    }
    json_escape(out, str_sub(s, from, s.n));
}

static void log_put_cut(struct buf *out, struct str s)
{
    size_t n = s.n <= LOG_MAX_VALUE ? s.n : str_utf8_cut(s, LOG_MAX_VALUE);
    log_escape(out, str_sub(s, 0, n));
    if (n < s.n)
        buf_cstr(out, "…");
}

static void log_put_quoted(struct buf *out, struct str s)
{
    buf_char(out, '"');
    log_put_cut(out, s);
    buf_char(out, '"');
}

static void log_put_pair(struct buf *out, enum log_format format, const struct log_pair *pair)
{
    struct str value = log_is_secret(pair->key) ? STR("***") : str_of(pair->value);
    if (format == LOG_FORMAT_JSON) {
        buf_char(out, ',');
        log_put_quoted(out, str_of(pair->key));
        buf_char(out, ':');
        log_put_quoted(out, value);
        return;
    }
    buf_char(out, ' ');
    log_put_cut(out, str_of(pair->key));
    buf_char(out, '=');
    bool plain = value.n > 0;
    for (size_t i = 0; plain && i < value.n; i++)
        plain = (unsigned char)value.p[i] > ' ' && value.p[i] != '"' && value.p[i] != '=' &&
                value.p[i] != '\\' && value.p[i] != 0x7F;
    if (plain)
        log_put_cut(out, value);
    else
        log_put_quoted(out, value);
}

static void log_render(struct buf *out, enum log_format format, const struct log_line *line)
{
    char when[WHEN_TEXT];
    when_format_us(line->wall_us, when);
    bool is_json = format == LOG_FORMAT_JSON;
    if (is_json)
        buf_printf(out, "{\"time\":\"%s\",\"level\":\"%s\",\"msg\":\"", when,
                   log_levels[line->level].word);
    else
        buf_printf(out, "%s %s ", when, log_levels[line->level].shown);
    log_put_cut(out, str_of(line->message));
    if (is_json)
        buf_char(out, '"');

    /* A pair that does not fit is left out whole, and the line says so. */
    bool truncated = line->truncated;
    for (size_t i = 0; i < line->n_pairs; i++) {
        size_t before = out->n;
        log_put_pair(out, format, &line->pairs[i]);
        if (!buf_ok(out)) {
            out->n = before;
            out->full = false;
            truncated = true;
        }
    }
    out->limit += LOG_LINE_END;
    if (truncated)
        log_put_pair(out, format, &(struct log_pair){ LOG_TRUNCATED, "true" });
    buf_cstr(out, is_json ? "}\n" : "\n");
}

/* line: with its newline. */
static bool log_sink_write(struct log_sink *s, enum log_level level, struct str line)
{
    if (s->write)
        return s->write(s->ctx, level, str_sub(line, 0, line.n - 1));
    if (s->fd < 0)
        return false;
    ssize_t wrote;
    auto_buf mended = BUF_INIT(LOG_MAX_LINE + LOG_LINE_END + 1);
    if (s->torn) {
        buf_char(&mended, '\n');
        buf_str(&mended, line);
        line = buf_view(&mended);
    }
    /* Again only when a signal came before the first byte, and not forever. */
    for (unsigned tries = 0; tries < 4; tries++) {
        wrote = s->socket ? send(s->fd, line.p, line.n, MSG_DONTWAIT | MSG_NOSIGNAL)
                          : write(s->fd, line.p, line.n);
        if (wrote >= 0 || errno != EINTR)
            break;
    }
    if (wrote > 0)
        s->torn = (size_t)wrote < line.n;
    return wrote == (ssize_t)line.n;
}

static void log_deliver(const struct log_line *line)
{
    auto_buf text = BUF_INIT(LOG_MAX_LINE);
    auto_buf json = BUF_INIT(LOG_MAX_LINE);
    uint64_t lost = 0;
    for (size_t i = 0; i <= log_state.n_sinks; i++) {
        struct log_sink *s = i == 0 ? &log_state.standard_error : &log_state.sinks[i - 1];
        struct buf *rendered = s->format == LOG_FORMAT_JSON ? &json : &text;
        if (rendered->n == 0)
            log_render(rendered, s->format, line);
        lost += !log_sink_write(s, line->level, buf_view(rendered));
    }
    if (lost)
        atomic_fetch_add(&log_n_lost, lost);
}

void log_write(enum log_level level, const char *message, ...)
{
    if ((int)level > atomic_load_explicit(&log_level_now, memory_order_relaxed))
        return;
    int errno_before = errno;
    struct log_line line = { .level = level, .message = message };
    va_list ap;
    va_start(ap, message);
    for (const char *key; (key = va_arg(ap, const char *)) != NULL;) {
        const char *value = va_arg(ap, const char *);
        if (value && line.n_pairs < LOG_MAX_PAIRS)
            line.pairs[line.n_pairs++] = (struct log_pair){ key, value };
        else if (value)
            line.truncated = true;
    }
    va_end(ap);
    if (log_busy) {
        atomic_fetch_add(&log_n_lost, 1);
    } else {
        log_busy = true;
        pthread_mutex_lock(&log_state.lock);
        line.wall_us = clock_wall(&clock_real);
        log_deliver(&line);
        pthread_mutex_unlock(&log_state.lock);
        log_busy = false;
    }
    errno = errno_before;
}

/* Standard error as a descriptor of our own that does not block, where that can be had. */
static void log_adopt_stderr(struct log_sink *s)
{
    if (s->fd > STDERR_FILENO)
        close(s->fd);
    s->fd = STDERR_FILENO;
    s->torn = false;
    struct stat st;
    bool known = fstat(STDERR_FILENO, &st) == 0;
    s->socket = known && S_ISSOCK(st.st_mode);
    if (!known || !S_ISFIFO(st.st_mode))
        return;
    /* Opening a pipe by its /proc name makes a new file description with its own flags. */
    int fd = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd >= 0)
        s->fd = fd;
}

void log_setup(enum log_level level, enum log_format format)
{
    atomic_store(&log_level_now, (int)level);
    pthread_mutex_lock(&log_state.lock);
    log_state.format = format;
    struct log_sink *s = &log_state.standard_error;
    log_adopt_stderr(s);
    s->format = format;
    if (format == LOG_FORMAT_AUTO)
        s->format = isatty(STDERR_FILENO) ? LOG_FORMAT_TEXT : LOG_FORMAT_JSON;
    for (size_t i = 0; i < log_state.n_sinks; i++)
        log_state.sinks[i].format = format == LOG_FORMAT_TEXT ? format : LOG_FORMAT_JSON;
    pthread_mutex_unlock(&log_state.lock);
}

static void log_add(struct log_sink sink)
{
    pthread_mutex_lock(&log_state.lock);
    sink.format = log_state.format == LOG_FORMAT_TEXT ? LOG_FORMAT_TEXT : LOG_FORMAT_JSON;
    size_t n = log_state.n_sinks + 1;
    log_state.sinks = xrealloc(log_state.sinks, n * sizeof(*log_state.sinks));
    log_state.sinks[n - 1] = sink;
    log_state.n_sinks = n;
    pthread_mutex_unlock(&log_state.lock);
}

static int log_open(const char *path)
{
    return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0600);
}

int log_add_file(const char *path, struct error *e)
{
    int fd = log_open(path);
    if (fd < 0)
        return error_sys(e, errno, "cannot open log file %s", path);
    log_add((struct log_sink){ .path = xstrndup(path, strlen(path)), .fd = fd });
    return 0;
}

void log_add_sink(bool (*write)(void *ctx, enum log_level level, struct str line), void *ctx)
{
    log_add((struct log_sink){ .write = write, .ctx = ctx, .fd = -1 });
}

void log_reopen(void)
{
    pthread_mutex_lock(&log_state.lock);
    for (size_t i = 0; i < log_state.n_sinks; i++) {
        struct log_sink *s = &log_state.sinks[i];
        int fd = s->path ? log_open(s->path) : -1;
        if (fd < 0)
            continue; /* the old file is better than none */
        close(s->fd);
        s->fd = fd;
        s->torn = false;
    }
    pthread_mutex_unlock(&log_state.lock);
}

void log_close_sinks(void)
{
    pthread_mutex_lock(&log_state.lock);
    for (size_t i = 0; i < log_state.n_sinks; i++) {
        if (log_state.sinks[i].fd >= 0)
            close(log_state.sinks[i].fd);
        free(log_state.sinks[i].path);
    }
    free(log_state.sinks);
    log_state.sinks = NULL;
    log_state.n_sinks = 0;
    pthread_mutex_unlock(&log_state.lock);
}

uint64_t log_lost(void)
{
    return atomic_load(&log_n_lost);
}

int log_level_parse(struct str word, enum log_level *out)
{
    if (str_eq_fold(word, STR("warning")))
        word = STR("warn");
    for (size_t i = 0; i < N_ELEMENTS(log_levels); i++) {
        if (str_eq_fold(word, str_of(log_levels[i].word))) {
            *out = (enum log_level)i;
            return 0;
        }
    }
    return -1;
}
