/* Every statement is understood by SQLite and finds its rows along an index: none reads a whole table
   that grows with history, and none sorts. */
#include "store/store.h"
#include "tests/t.h"

#include <sqlite3.h>

#define X(id, text) { #id, text },
static const struct {
    const char *id, *text;
} statements[] = {
#include "store/statements.h"
};
#undef X

/* Those that may: tables of configuration size, what waits now, and the beginnings of lists, which
   op_list.c completes. */
static const char *const exceptions[] = {
    "SQL_SCHEDULES",       "SQL_WEBHOOKS",        "SQL_WEBHOOK_TAKEN",   "SQL_QUEUED_BY_AGENT",
    "SQL_LIST_TASKS",      "SQL_LIST_DELIVERIES", "SQL_LIST_RECEIPTS",   "SQL_LIST_FIRES",
    "SQL_EVENTS",          "SQL_OLDEST_RECEIPTS", "SQL_DELIVERIES_OPEN", "SQL_NEWEST_TASK_IDS",
    "SQL_TASK_DELIVERIES", "SQL_RECEIPT_BYTES",   "SQL_RECOVER_LIST",
};

static bool excepted(const char *id)
{
    for (size_t i = 0; i < N_ELEMENTS(exceptions); i++) {
        if (!strcmp(exceptions[i], id))
            return true;
    }
    return false;
}

static sqlite3 *empty_store(char *dir, size_t room, char *path, size_t path_room)
{
    const char *base = getenv("TMPDIR");
    snprintf(dir, room, "%s/keryx-plan-XXXXXX", base ? base : P_tmpdir);
    if (!mkdtemp(dir))
        abort();
    snprintf(path, path_room, "sqlite:%s/t.db", dir);
    struct loop *loop = loop_new(&clock_real);
    struct store_options o = { .loop = loop, .node = "n1" };
    struct error e = ERROR_INIT;
    struct store *s = store_open(path, &o, &e);
    CHECK_CSTR(e.text, "");
    store_close(s);
    loop_free(loop);
    sqlite3 *db = NULL;
    CHECK_INT(sqlite3_open(path + strlen("sqlite:"), &db), SQLITE_OK);
    return db;
}

static void check_plan(sqlite3 *db, const char *id, const char *text)
{
    char *explain = sqlite3_mprintf("EXPLAIN QUERY PLAN %s", text);
    sqlite3_stmt *s = NULL;
    if (sqlite3_prepare_v2(db, explain, -1, &s, NULL) != SQLITE_OK)
        T_FAIL("%s", sqlite3_errmsg(db));
    while (s && sqlite3_step(s) == SQLITE_ROW) {
        const char *step = (const char *)sqlite3_column_text(s, 3);
        if (getenv("PLANS"))
            printf("%s: %s\n", id, step);
        bool slow = !strncmp(step, "SCAN", 4) && strncmp(step, "SCAN CONSTANT", 13);
        if ((slow || strstr(step, "TEMP B-TREE")) && !excepted(id))
            T_FAIL("%s", step);
    }
    sqlite3_finalize(s);
    sqlite3_free(explain);
}

TEST(every_statement_finds_its_rows_along_an_index)
{
    char dir[200], path[240];
    sqlite3 *db = empty_store(dir, sizeof(dir), path, sizeof(path));
    for (size_t i = 0; i < N_ELEMENTS(statements); i++) {
        ROW(statements[i].id);
        bool part = !strncmp(statements[i].id, "SQL_LIST_", 9);
        char *whole = sqlite3_mprintf("%s%s", statements[i].text, part ? "1" : "");
        check_plan(db, statements[i].id, whole);
        sqlite3_free(whole);
    }
    sqlite3_close(db);
    static const char *const names[] = { "", "-wal", "-shm", ".lock" };
    for (size_t i = 0; i < N_ELEMENTS(names); i++) {
        char file[260];
        snprintf(file, sizeof(file), "%s%s", path + strlen("sqlite:"), names[i]);
        unlink(file);
    }
    rmdir(dir);
}
