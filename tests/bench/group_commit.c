/* See group_commit.h. Parameters that are the same in every row are literals. */
#include "tests/bench/group_commit.h"

#include "base/clock.h"
#include "store/store.h"

#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>

#define BODY_HEAD 2049 /* as in store/row.c: lists read no more of a body */

static sqlite3 *db;
static enum commit_rows rows;
static sqlite3_stmt *put_one, *put_body, *put_receipt, *put_task, *put_dedup, *get_dedup;
static unsigned long serial;

static void must(int rc)
{
    if (rc != SQLITE_OK && rc != SQLITE_DONE && rc != SQLITE_ROW) {
        fprintf(stderr, "%s\n", sqlite3_errmsg(db));
        exit(1);
    }
}

static void exec(const char *sql)
{
    must(sqlite3_exec(db, sql, NULL, NULL, NULL));
}

static sqlite3_stmt *prepare(const char *sql)
{
    sqlite3_stmt *s;
    must(sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &s, NULL));
    return s;
}

static void text(sqlite3_stmt *s, int at, struct str value)
{
    must(sqlite3_bind_text(s, at, value.p ? value.p : "", (int)value.n, SQLITE_STATIC));
}

static void step(sqlite3_stmt *s)
{
    must(sqlite3_step(s));
    sqlite3_reset(s);
}

/* keryx makes its own schema, so that it cannot differ. */
static void make_schema(const char *path)
{
    char url[600];
    snprintf(url, sizeof(url), "sqlite:%s", path);
    struct loop *loop = loop_new(&clock_real);
    struct store_options o = { .loop = loop, .node = "bench" };
    struct error e = ERROR_INIT;
    struct store *store = store_open(url, &o, &e);
    if (!store) {
        fprintf(stderr, "%s\n", e.text);
        exit(1);
    }
    store_close(store);
    loop_free(loop);
}

static void prepare_same_rows(void)
{
    get_dedup = prepare("SELECT task_id, receipt_id FROM dedup WHERE scope = 'bench' AND key = ?1 "
                        "AND expires_at > ?2");
    put_body = prepare("INSERT INTO bodies(head, tail) VALUES (?1, ?2)");
    put_receipt = prepare(
        "INSERT INTO receipts(id, route, status, http_status, event_type, delivery_id, "
        "remote_address, secret_used, task_id, trigger_agent, received_at, duration_us, repeated, "
        "bytes, body_id, headers) VALUES (?1,'bench','accepted',202,'pull_request.opened',?2,"
        "'127.0.0.1','1',?3,'bench',?4,0,0,?5,?6,"
        "'{\"host\":\"127.0.0.1\",\"user-agent\":\"GitHub-Hookshot/bench\",\"accept\":\"*/*\","
        "\"content-type\":\"application/json\",\"content-length\":\"21370\","
        "\"x-github-event\":\"pull_request\",\"x-github-delivery\":\"00000000-0000-0000-0000-0000"
        "00000000\",\"x-hub-signature-256\":\"***\"}') ON CONFLICT(id) DO NOTHING");
    put_task =
        prepare("INSERT INTO tasks(id, agent, trigger_type, trigger_name, state, attempt, "
                "interruptions, retries, input_id, receipt_id, response_mode, scheduled_at, "
                "due_at, created_at, started_at, finished_at, result_json, tokens_used, "
                "tools_called, blocked) VALUES (?1,'bench','webhook','bench','queued',0,0,0,?2,?3,"
                "'async',0,?4,?4,0,0,0,0,0,0)");
    put_dedup = prepare("INSERT INTO dedup(scope, key, expires_at, task_id, receipt_id) VALUES "
                        "('bench',?1,?2,?3,?4)");
}

void commit_open(const char *path, enum commit_rows what)
{
    rows = what;
    if (rows == COMMIT_SAME_ROWS)
        make_schema(path);
    must(sqlite3_open(path, &db));
    exec("PRAGMA journal_mode = WAL");
    exec("PRAGMA synchronous = FULL");
    if (rows == COMMIT_SAME_ROWS) {
        exec("PRAGMA cache_size = -16384");
        prepare_same_rows();
    } else {
        exec("CREATE TABLE requests(seq INTEGER PRIMARY KEY, delivery TEXT NOT NULL UNIQUE, "
             "received_at INTEGER NOT NULL, body BLOB NOT NULL) STRICT");
        put_one = prepare("INSERT INTO requests(delivery, received_at, body) VALUES (?1, ?2, ?3)");
    }
}

void commit_begin(void)
{
    exec("BEGIN IMMEDIATE");
}

static void put_same_rows(struct str delivery, struct str body, int64_t now)
{
    char receipt[64], task[64];
    serial++;
    snprintf(receipt, sizeof(receipt), "0193508e-7c1a-7000-8000-%012lx", serial);
    snprintf(task, sizeof(task), "webhook-bench-%" PRId64, now * 1000 + (int64_t)(serial % 1000));
    text(get_dedup, 1, delivery);
    must(sqlite3_bind_int64(get_dedup, 2, now));
    step(get_dedup);
    size_t head = MIN(body.n, (size_t)BODY_HEAD);
    must(sqlite3_bind_blob(put_body, 1, body.p, (int)head, SQLITE_STATIC));
    if (body.n > head)
        must(sqlite3_bind_blob(put_body, 2, body.p + head, (int)(body.n - head), SQLITE_STATIC));
    step(put_body);
    int64_t body_id = sqlite3_last_insert_rowid(db);
    text(put_receipt, 1, str_of(receipt));
    text(put_receipt, 2, delivery);
    text(put_receipt, 3, str_of(task));
    must(sqlite3_bind_int64(put_receipt, 4, now));
    must(sqlite3_bind_int64(put_receipt, 5, (int64_t)body.n));
    must(sqlite3_bind_int64(put_receipt, 6, body_id));
    step(put_receipt);
    text(put_task, 1, str_of(task));
    must(sqlite3_bind_int64(put_task, 2, body_id));
    text(put_task, 3, str_of(receipt));
    must(sqlite3_bind_int64(put_task, 4, now));
    step(put_task);
    text(put_dedup, 1, delivery);
    must(sqlite3_bind_int64(put_dedup, 2, now + 3600 * US_PER_S));
    text(put_dedup, 3, str_of(task));
    text(put_dedup, 4, str_of(receipt));
    step(put_dedup);
}

void commit_put(struct str delivery, struct str body)
{
    int64_t now = clock_wall(&clock_real);
    if (rows == COMMIT_SAME_ROWS) {
        put_same_rows(delivery, body, now);
        return;
    }
    text(put_one, 1, delivery);
    must(sqlite3_bind_int64(put_one, 2, now));
    must(sqlite3_bind_blob(put_one, 3, body.p, (int)body.n, SQLITE_STATIC));
    step(put_one);
}

void commit_end(void)
{
    exec("COMMIT");
}
