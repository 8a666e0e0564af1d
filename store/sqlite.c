/* SQLite behind db.h. Three facts of its manual carry the durability: WAL with synchronous=FULL syncs
   the log before a commit returns; one connection alone writes and checkpoints (two of them at once
   can corrupt a WAL before 3.51.3, sqlite.org/wal.html#walresetbug); and a transaction that met a
   full disk or an I/O error has already been rolled back when sqlite3_get_autocommit() says so.

   Checkpoints are taken off the commit path: the automatic one is off, db_tidy() is called by the
   writer when nobody waits or when the log has grown large. */
#include "store/db.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/stat.h>

#define APPLICATION_ID  0x4B455259 /* "KERY" */
#define BUSY_TIMEOUT_MS 5000
#define DEADLINE_STEPS  2000 /* virtual machine steps between looks at the clock */

struct db {
    sqlite3 *handle;
    enum db_role role;
    sqlite3_stmt *kept[STATEMENT_COUNT];
    struct error error;
    bool failed, wrote;
    int64_t deadline; /* monotonic, 0 = none */
    int wal_pages;
};

#define X(id, text) [id] = text,
static const char *const statement_texts[STATEMENT_COUNT] = {
#include "store/statements.h"
};
#undef X

static enum error_code code_of(int rc)
{
    switch (rc & 0xff) {
    case SQLITE_FULL:
        return ERROR_FULL;
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return ERROR_IO;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return ERROR_BUSY;
    case SQLITE_INTERRUPT:
        return ERROR_TIMEOUT;
    case SQLITE_TOOBIG:
        return ERROR_LIMIT;
    case SQLITE_CONSTRAINT:
        return ERROR_EXISTS;
    default:
        return ERROR_INTERNAL;
    }
}

static int fail(struct db *db, int rc)
{
    db->failed = true;
    int system = sqlite3_system_errno(db->handle);
    enum error_code code = code_of(rc);
    bool outside = (code == ERROR_IO || code == ERROR_FULL) && system;
    return error_set(&db->error, code, "store: %s%s%s", sqlite3_errmsg(db->handle),
                     outside ? ": " : "", outside ? strerror(system) : "");
}

static int fail_open(struct db *db, struct error *e)
{
    int rc = sqlite3_extended_errcode(db->handle);
    fail(db, rc);
    return error_set(e, db->error.code, "%s", db->error.text);
}

/* ---- open and close ---- */

static void configure_library(void)
{
    /* Statistics of its allocator would take a lock on every call. */
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    sqlite3_initialize();
}

static int past_deadline(void *ctx)
{
    const struct db *db = ctx;
    return db->deadline && clock_mono(&clock_real) > db->deadline;
}

static int on_commit(void *ctx, sqlite3 *handle, const char *name, int pages)
{
    (void)handle;
    (void)name;
    struct db *db = ctx;
    db->wal_pages = pages;
    db->wrote = true;
    return SQLITE_OK;
}

static int pragma(struct db *db, const char *text, struct error *e)
{
    if (sqlite3_exec(db->handle, text, NULL, NULL, NULL) != SQLITE_OK)
        return fail_open(db, e);
    return 0;
}

/* The file is there before SQLite sees it, so that it and its companions are the owner's alone, and
   its name is on disk before the first commit is promised. */
static int create_file(const char *path, struct error *e)
{
    auto_close int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return error_sys(e, errno, "cannot open the store %s", path);
    struct stat st;
    if (fstat(fd, &st))
        return error_sys(e, errno, "cannot read the store %s", path);
    if (!S_ISREG(st.st_mode))
        return error_set(e, ERROR_INVALID, "the store %s is not a regular file", path);
    if (st.st_mode & 077) {
        log_warn("the store was readable by others, its mode is now 0600", "path", path);
        if (fchmod(fd, 0600))
            return error_sys(e, errno, "cannot set the mode of the store %s", path);
    }
    auto_free char *copy = xstrndup(path, strlen(path));
    auto_close int dir = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir >= 0 && fsync(dir) && errno != EINVAL)
        return error_sys(e, errno, "cannot sync the folder of the store %s", path);
    return 0;
}

static int set_up(struct db *db, struct error *e)
{
    sqlite3_extended_result_codes(db->handle, 1);
    sqlite3_busy_timeout(db->handle, BUSY_TIMEOUT_MS);
    sqlite3_progress_handler(db->handle, DEADLINE_STEPS, past_deadline, db);
    sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(db->handle, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, NULL);
    sqlite3_db_config(db->handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
    sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
    /* Looked at before anything is changed: somebody else's file stays as it is. */
    int64_t version;
    if (db_version(db, &version, e))
        return -1;
    if (pragma(
            db,
            "PRAGMA temp_store = MEMORY; PRAGMA foreign_keys = ON; PRAGMA wal_autocheckpoint = 0",
            e))
        return -1;
    if (db->role == DB_READER)
        return 0;
    sqlite3_wal_hook(db->handle, on_commit, db);
    return pragma(
        db,
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = FAST; "
        "PRAGMA journal_size_limit = 67108864; PRAGMA cache_size = -16384",
        e);
}

struct db *db_open(const char *where, enum db_role role, struct error *e)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, configure_library);
    if (!*where || str_eq_c(str_of(where), ":memory:")) {
        error_set(e, ERROR_INVALID, "a store needs the path of a file, as in sqlite:keryx.db");
        return NULL;
    }
    if (role == DB_WRITER && create_file(where, e))
        return NULL;
    struct db *db = xalloc(sizeof(*db));
    db->role = role;
    int flags =
        SQLITE_OPEN_NOMUTEX | (role == DB_WRITER ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY);
    if (sqlite3_open_v2(where, &db->handle, flags, NULL) != SQLITE_OK)
        fail_open(db, e);
    else if (!set_up(db, e))
        return db;
    error_wrap(e, "%s", where);
    db_close(db);
    return NULL;
}

void db_close(struct db *db)
{
    if (!db)
        return;
    db->deadline = 0;
    if (db->role == DB_WRITER && db->wal_pages > 0)
        db_tidy(db);
    for (size_t i = 0; i < STATEMENT_COUNT; i++)
        sqlite3_finalize(db->kept[i]);
    sqlite3_close(db->handle);
    free(db);
}

/* ---- schema version ---- */

static int one_number(struct db *db, const char *text, int64_t *out, struct error *e)
{
    sqlite3_stmt *s = NULL;
    int rc = sqlite3_prepare_v2(db->handle, text, -1, &s, NULL);
    if (rc == SQLITE_OK && sqlite3_step(s) == SQLITE_ROW) {
        *out = sqlite3_column_int64(s, 0);
        sqlite3_finalize(s);
        return 0;
    }
    fail_open(db, e);
    sqlite3_finalize(s);
    return -1;
}

int db_version(struct db *db, int64_t *version, struct error *e)
{
    int64_t application, user, tables;
    if (one_number(db, "PRAGMA application_id", &application, e) ||
        one_number(db, "PRAGMA user_version", &user, e) ||
        one_number(db, "SELECT count(*) FROM sqlite_schema", &tables, e))
        return -1;
    if (application == 0 && user == 0 && tables == 0) {
        *version = 0;
        return 0;
    }
    if (application != APPLICATION_ID)
        return error_set(e, ERROR_INVALID,
                         "the file is another program's database, not a keryx store");
    *version = user;
    return 0;
}

int db_migrate_step(struct db *db, const char *text, int64_t version, struct error *e)
{
    char stamp[96];
    snprintf(stamp, sizeof(stamp), "PRAGMA application_id = %d; PRAGMA user_version = %" PRId64,
             APPLICATION_ID, version);
    if (!pragma(db, "BEGIN IMMEDIATE", e) && !pragma(db, text, e) && !pragma(db, stamp, e) &&
        !pragma(db, "COMMIT", e))
        return 0;
    db_rollback(db);
    return -1;
}

/* ---- transactions ---- */

static int simple(struct db *db, const char *text)
{
    int rc = sqlite3_exec(db->handle, text, NULL, NULL, NULL);
    return rc == SQLITE_OK ? 0 : fail(db, rc);
}

int db_begin(struct db *db)
{
    db->failed = db->wrote = false;
    return simple(db, db->role == DB_WRITER ? "BEGIN IMMEDIATE" : "BEGIN");
}

int db_commit(struct db *db)
{
    return simple(db, "COMMIT");
}

void db_rollback(struct db *db)
{
    if (!sqlite3_get_autocommit(db->handle))
        sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
}

/* ---- statements ---- */

static int bind(struct db *db, sqlite3_stmt *s, const struct param *p, size_t n)
{
    assert((size_t)sqlite3_bind_parameter_count(s) == n);
    for (size_t i = 0; i < n; i++) {
        int at = (int)i + 1, rc;
        if (p[i].type == PARAM_INT)
            rc = sqlite3_bind_int64(s, at, p[i].i);
        else if (p[i].type == PARAM_NULL || !p[i].s.p)
            rc = sqlite3_bind_null(s, at);
        else if (p[i].type == PARAM_TEXT)
            rc = sqlite3_bind_text64(s, at, p[i].s.p, p[i].s.n, SQLITE_STATIC, SQLITE_UTF8);
        else
            rc = sqlite3_bind_blob64(s, at, p[i].s.p, p[i].s.n, SQLITE_STATIC);
        if (rc != SQLITE_OK)
            return fail(db, rc);
    }
    return 0;
}

static sqlite3_stmt *kept(struct db *db, enum statement id)
{
    if (!db->kept[id]) {
        int rc = sqlite3_prepare_v3(db->handle, statement_texts[id], -1, SQLITE_PREPARE_PERSISTENT,
                                    &db->kept[id], NULL);
        if (rc != SQLITE_OK) {
            fail(db, rc);
            return NULL;
        }
    }
    return db->kept[id];
}

int db_run_params(struct db *db, enum statement id, const struct param *p, size_t n)
{
    sqlite3_stmt *s = kept(db, id);
    if (!s || bind(db, s, p, n))
        return -1;
    int rc = sqlite3_step(s);
    int failed = rc == SQLITE_DONE || rc == SQLITE_ROW ? 0 : fail(db, rc);
    sqlite3_reset(s);
    return failed;
}

int64_t db_changed(struct db *db)
{
    return sqlite3_changes64(db->handle);
}

int64_t db_inserted(struct db *db)
{
    return sqlite3_last_insert_rowid(db->handle);
}

int db_query_params(struct db *db, struct db_rows *rows, enum statement id, const struct param *p,
                    size_t n)
{
    sqlite3_stmt *s = kept(db, id);
    *rows = (struct db_rows){ db, s, false };
    assert(!s || !sqlite3_stmt_busy(s)); /* a statement cannot be inside itself */
    return s ? bind(db, s, p, n) : -1;
}

int db_query_more(struct db *db, struct db_rows *rows, enum statement id, const char *more,
                  const struct param *p, size_t n)
{
    sqlite3_stmt *s = NULL;
    auto_buf text = BUF_INIT(64 * KIB);
    buf_cstr(&text, statement_texts[id]);
    buf_cstr(&text, more);
    assert(buf_ok(&text));
    int rc = sqlite3_prepare_v2(db->handle, text.p, (int)text.n, &s, NULL);
    *rows = (struct db_rows){ db, s, true };
    return rc == SQLITE_OK ? bind(db, s, p, n) : fail(db, rc);
}

int db_next(struct db_rows *rows)
{
    int rc = sqlite3_step(rows->handle);
    if (rc == SQLITE_ROW)
        return 1;
    return rc == SQLITE_DONE ? 0 : fail(rows->db, rc);
}

void db_rows_close(struct db_rows *rows)
{
    if (!rows->handle)
        return;
    if (rows->owned)
        sqlite3_finalize(rows->handle);
    else
        sqlite3_reset(rows->handle);
    rows->handle = NULL;
}

int64_t db_int(struct db_rows *rows, int column)
{
    return sqlite3_column_int64(rows->handle, column);
}

struct str db_view(struct db_rows *rows, int column)
{
    if (sqlite3_column_type(rows->handle, column) == SQLITE_NULL)
        return STR_NULL;
    /* A blob of no bytes has no address, but it is not NULL. */
    const void *p = sqlite3_column_blob(rows->handle, column);
    return (struct str){ p ? p : "", (size_t)sqlite3_column_bytes(rows->handle, column) };
}

struct str db_str(struct db_rows *rows, int column, struct arena *a)
{
    struct str view = db_view(rows, column);
    return view.p ? arena_str(a, view) : STR_NULL;
}

/* ---- the rest ---- */

void db_deadline(struct db *db, int64_t us)
{
    db->deadline = us ? clock_mono(&clock_real) + us : 0;
}

bool db_failed(const struct db *db)
{
    return db->failed;
}

bool db_wrote(const struct db *db)
{
    return db->wrote;
}

const struct error *db_error(const struct db *db)
{
    return &db->error;
}

int64_t db_backlog(const struct db *db)
{
    return db->wal_pages;
}

void db_tidy(struct db *db)
{
    int in_log = 0, copied = 0;
    /* Passive: never waits for a reader. When everything could be copied the next commit starts the
       log over. */
    int rc =
        sqlite3_wal_checkpoint_v2(db->handle, NULL, SQLITE_CHECKPOINT_PASSIVE, &in_log, &copied);
    db->wal_pages = rc == SQLITE_OK && in_log > copied ? in_log - copied : 0;
}

/* "VACUUM INTO" wants a file that is not there or is empty. */
int db_copy(struct db *db, const char *path)
{
    auto_close int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        db->failed = true;
        return error_sys(&db->error, errno, "cannot create the copy %s", path);
    }
    sqlite3_stmt *s = NULL;
    int rc = sqlite3_prepare_v2(db->handle, "VACUUM INTO ?1", -1, &s, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_bind_text(s, 1, path, -1, SQLITE_STATIC);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(s);
    int failed = rc == SQLITE_DONE ? 0 : fail(db, rc);
    sqlite3_finalize(s);
    if (!failed && fsync(fd)) {
        db->failed = true;
        failed = error_sys(&db->error, errno, "cannot sync the copy %s", path);
    }
    if (failed)
        unlink(path);
    return failed;
}
