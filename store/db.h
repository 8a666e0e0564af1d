/* One connection to a database, as thin as it can be: begin, commit, run a statement of statements.h
   with typed parameters, step its rows, read their columns. Private to the room. sqlite.c fills it.

   A connection belongs to one thread. The last failure is kept by the connection (db_error), because
   the operations above it only pass it on: their functions return -1 and the thread that runs them
   decides whether the batch is rolled back. */
#ifndef KERYX_STORE_DB_H
#define KERYX_STORE_DB_H

#include "base/arena.h"
#include "base/error.h"

#define X(id, text) id,
enum statement {
#include "store/statements.h"
    STATEMENT_COUNT
};
#undef X

struct db;

enum db_role {
    DB_WRITER, /* the only connection that writes and checkpoints; creates the file */
    DB_READER,
};

/* where: what follows the scheme in the URL. */
struct db *db_open(const char *where, enum db_role role, struct error *e) must_check;
/* The writer checkpoints first. NULL is fine. */
void db_close(struct db *db);

/* The version of the schema, 0 for an empty database; -1 when the file is not ours. */
int db_version(struct db *db, int64_t *version, struct error *e) must_check;
/* Runs a migration step and sets the version, in one transaction. */
int db_migrate_step(struct db *db, const char *text, int64_t version, struct error *e) must_check;

/* A transaction that may write (writer) or a stable view for several statements (reader). */
int db_begin(struct db *db) must_check;
int db_commit(struct db *db) must_check;
/* Also right after a failure that has rolled back by itself. */
void db_rollback(struct db *db);

struct param {
    enum { PARAM_NULL, PARAM_INT, PARAM_TEXT, PARAM_BLOB } type;
    int64_t i;
    struct str s; /* p == NULL is NULL */
};

#define P_INT(v)                             \
    {                                        \
        .type = PARAM_INT, .i = (int64_t)(v) \
    }
#define P_TEXT(v)                    \
    {                                \
        .type = PARAM_TEXT, .s = (v) \
    }
#define P_BLOB(v)                    \
    {                                \
        .type = PARAM_BLOB, .s = (v) \
    }
#define P_WORD(v)                          \
    {                                      \
        .type = PARAM_TEXT, .s = str_of(v) \
    }

/* Both want all parameters of the statement, in order; what they point to must live until the
   statement has run (db_query: until db_rows_close). */
#define PARAMS(...)                        \
    (const struct param[]){ __VA_ARGS__ }, \
        sizeof((const struct param[]){ __VA_ARGS__ }) / sizeof(struct param)
#define db_run(db, id, ...)         db_run_params((db), (id), PARAMS(__VA_ARGS__))
#define db_query(db, rows, id, ...) db_query_params((db), (rows), (id), PARAMS(__VA_ARGS__))

/* A statement that returns no rows. */
int db_run_params(struct db *db, enum statement id, const struct param *p, size_t n) must_check;
/* Rows changed by the last db_run. */
int64_t db_changed(struct db *db);
/* The number the database gave to the last row inserted. */
int64_t db_inserted(struct db *db);

struct db_rows {
    struct db *db;
    void *handle;
    bool owned; /* not one of the kept statements */
};

int db_query_params(struct db *db, struct db_rows *rows, enum statement id, const struct param *p,
                    size_t n) must_check;
/* The statement with `more` behind it, made at run time (lists with filters); not kept. */
int db_query_more(struct db *db, struct db_rows *rows, enum statement id, const char *more,
                  const struct param *p, size_t n) must_check;
/* 1 a row, 0 no more, -1 failure. */
int db_next(struct db_rows *rows) must_check;
/* Always, also after a failure; twice is fine. */
void db_rows_close(struct db_rows *rows);
#define auto_rows __attribute__((cleanup(db_rows_close))) struct db_rows

/* Columns of the row that db_next found, counted from 0. NULL is 0 or p == NULL. */
int64_t db_int(struct db_rows *rows, int column);
/* A copy in the arena. */
struct str db_str(struct db_rows *rows, int column, struct arena *a);
/* Until the next db_next or close; no copy. */
struct str db_view(struct db_rows *rows, int column);

/* Statements fail with ERROR_TIMEOUT after this many microseconds; 0 = no limit. */
void db_deadline(struct db *db, int64_t us);
/* True between a failed statement, begin or commit and the next db_begin. */
bool db_failed(const struct db *db);
/* Whether the last commit had anything to write. */
bool db_wrote(const struct db *db);
const struct error *db_error(const struct db *db);

/* Work that may wait until nobody does: returns how much there is (SQLite: pages of the WAL). */
int64_t db_backlog(const struct db *db);
/* Does it. */
void db_tidy(struct db *db);
/* A consistent copy into a new file. */
int db_copy(struct db *db, const char *path) must_check;

#endif
