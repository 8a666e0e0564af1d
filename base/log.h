/* One line per fact: level, message, key=value pairs. Never blocks the caller on a slow sink: a
   sink that stalls loses lines, which are counted. Callable from any thread. */
#ifndef KERYX_BASE_LOG_H
#define KERYX_BASE_LOG_H

#include "base/error.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };
enum log_format {
    LOG_FORMAT_AUTO,
    LOG_FORMAT_TEXT,
    LOG_FORMAT_JSON
}; /* auto: text on a terminal */

/* key, value C strings in pairs, then NULL: log_write(LOG_LEVEL_INFO, "task completed", "task_id", id, NULL).
   A NULL value leaves the pair out. Control characters are escaped. The value of a key named secret,
   token, password, authorization, signature, cookie or api_key (also as in `x_token`) prints as ***.
   Long values are cut with "…"; pairs beyond 32, or that make a line longer than 64 KiB, are left
   out and `truncated=true` is added. Keeps errno. */
void log_write(enum log_level level, const char *message, ...) __attribute__((sentinel));
#define log_error(...) log_write(LOG_LEVEL_ERROR, __VA_ARGS__, NULL)
#define log_warn(...)  log_write(LOG_LEVEL_WARN, __VA_ARGS__, NULL)
#define log_info(...)  log_write(LOG_LEVEL_INFO, __VA_ARGS__, NULL)
#define log_debug(...) log_write(LOG_LEVEL_DEBUG, __VA_ARGS__, NULL)

/* To be called once standard error is what it shall be; until then lines of level info and worse go
   there as text. */
void log_setup(enum log_level level, enum log_format format);
/* Adds an append-only file sink (mode 0600). */
int log_add_file(const char *path, struct error *e) must_check;
/* Further sinks (syslog, HTTP) hand in a function; it must not block and returns false when it
   had to drop the line. line has no newline and is text or JSON as log_setup() said (auto: JSON);
   it lives until the function returns. A sink that logs loses that line. Functions never run after
   log_close_sinks(). */
void log_add_sink(bool (*write)(void *ctx, enum log_level level, struct str line), void *ctx);
/* Closes and reopens files (SIGHUP); removes all sinks but stderr when asked. */
void log_reopen(void);
void log_close_sinks(void);
/* Lines lost so far. */
uint64_t log_lost(void);
/* A word into a level; 0 or -1. */
int log_level_parse(struct str word, enum log_level *out) must_check;

#endif
