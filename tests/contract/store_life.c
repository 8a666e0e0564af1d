/* The promises of the store about itself, on each engine: open, close, refuse, commit in batches, keep
   everything over kill -9. */
#include "tests/contract/bed.h"

#include "base/stats.h"

#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

PROMISE(reopened_store_has_everything)
{
    put_task(b, task_of("t1", "a"));
    put_delivery(b, delivery_of("d1", "r"));
    bed_reopen(b);
    CHECK_STR(get_task(b, "t1").input, "input");
    CHECK_STR(get_delivery(b, "d1").body, "{\"a\":1}");
}

PROMISE(ten_thousand_operations_come_back_in_order)
{
    enum { MANY = 10000 };
    struct task_row *t = ARENA_ARRAY(b->arena, struct task_row, MANY);
    struct store_record *r = ARENA_ARRAY(b->arena, struct store_record, MANY);
    stats_reset();
    for (int i = 0; i < MANY; i++) {
        t[i] = task_of(arena_printf(b->arena, "t%d", i).p, "a");
        r[i].task = &t[i];
        START(b, store_record, &r[i]);
    }
    CHECK_INT(store_pending(b->store), MANY);
    bed_wait(b, MANY);
    CHECK_INT(store_pending(b->store), 0);
    for (int i = 0; i < MANY; i++) {
        if (r[i].op.rc || r[i].seq != i + 1)
            T_FAIL("operation %d: rc %d, seq %lld", i, r[i].op.rc, (long long)r[i].seq);
    }
    double batches = stats_get(STATS_STORE_BATCH, NULL, NULL, NULL);
    CHECK(batches >= 20 && batches <= 2000); /* together, but not all at once */
    CHECK(stats_get(STATS_STORE_COMMIT, NULL, NULL, NULL) == batches);
    CHECK(store_writable(b->store));
}

PROMISE(bad_operation_fails_alone)
{
    struct task_row t[3] = { task_of("t1", "a"), task_of("t1", "a"), task_of("t2", "a") };
    struct event_row ev = { .task_id = STR("t1"), .type = STR("x"), .at = 1 };
    struct store_record r[3] = { 0 };
    for (int i = 0; i < 3; i++) {
        r[i].task = &t[i];
        r[i].events = &ev;
        r[i].n_events = 1;
        START(b, store_record, &r[i]);
    }
    bed_wait(b, 3);
    CHECK_INT(r[0].op.rc, 0);
    CHECK_INT(r[1].op.rc, -1);
    CHECK_INT(r[1].op.error.code, ERROR_EXISTS);
    CHECK_INT(r[2].op.rc, 0);
    CHECK_STR(get_task(b, "t2").input, "input");
    struct store_events e = { .limit = 10 };
    MUST(b, store_events, &e);
    CHECK_INT(e.n_events, 2); /* nothing of the bad one */
    CHECK(store_writable(b->store));
}

/* More than a batch holds, in operations and in bytes. */
PROMISE(large_bodies_are_committed_in_several_batches)
{
    enum { MANY = 60 };
    static char large[MIB];
    memset(large, 'x', sizeof(large));
    struct task_row t[MANY];
    struct store_record r[MANY] = { 0 };
    stats_reset();
    for (int i = 0; i < MANY; i++) {
        t[i] = task_of(arena_printf(b->arena, "t%d", i).p, "a");
        t[i].input = str_n(large, sizeof(large));
        r[i].task = &t[i];
        START(b, store_record, &r[i]);
    }
    bed_wait(b, MANY);
    CHECK(stats_get(STATS_STORE_BATCH, NULL, NULL, NULL) >= 3);
    CHECK_INT(get_task(b, "t59").input.n, sizeof(large));
}

static unsigned never;
static void count_never(struct store_op *op)
{
    (void)op;
    never++;
}

PROMISE(close_commits_what_is_queued_and_calls_nobody)
{
    enum { MANY = 3000 };
    struct task_row *t = ARENA_ARRAY(b->arena, struct task_row, MANY);
    struct store_record *r = ARENA_ARRAY(b->arena, struct store_record, MANY);
    never = 0;
    for (int i = 0; i < MANY; i++) {
        t[i] = task_of(arena_printf(b->arena, "t%d", i).p, "a");
        r[i].task = &t[i];
        r[i].op.done = count_never;
        store_record(b->store, &r[i]);
    }
    bed_reopen(b);
    struct store_counts c = { 0 };
    MUST(b, store_counts, &c);
    CHECK_INT(c.agents[0].queued, MANY);
    CHECK_INT(never, 0);
}

static struct bed *closing;
static void close_inside(struct store_op *op)
{
    (void)op;
    never++;
    store_close(closing->store);
    closing->store = NULL;
    loop_stop(closing->loop);
}

PROMISE(store_may_be_closed_by_a_callback)
{
    struct task_row t[] = { task_of("t1", "a"), task_of("t2", "a") };
    struct store_record r[] = { { .task = &t[0] }, { .task = &t[1] } };
    never = 0;
    closing = b;
    for (int i = 0; i < 2; i++) {
        r[i].op.done = close_inside;
        store_record(b->store, &r[i]);
    }
    loop_run(b->loop);
    CHECK_INT(never, 1);
    bed_open(b);
    CHECK_STR(get_task(b, "t2").id, "t2");
}

PROMISE(too_much_waiting_is_refused_intake_first)
{
    enum { LIMIT = 8, MANY = 20 };
    store_close(b->store);
    b->max_pending = LIMIT;
    bed_open(b);
    struct task_row t[MANY];
    struct store_record r[MANY] = { 0 };
    for (int i = 0; i < MANY; i++) {
        t[i] = task_of(arena_printf(b->arena, "t%d", i).p, "a");
        r[i].task = &t[i];
        START(b, store_record, &r[i]);
    }
    struct store_meta m = { .key = STR("k"), .put = STR("v") };
    START(b, store_meta, &m);
    bed_wait(b, MANY + 1);
    CHECK_INT(r[LIMIT - 1].op.rc, 0);
    CHECK_INT(r[LIMIT].op.rc, -1);
    CHECK_INT(r[LIMIT].op.error.code, ERROR_BUSY);
    CHECK_INT(m.op.rc, -1); /* twice the limit waits: more than even those may */
    MUST(b, store_record, &r[LIMIT]);
}

PROMISE(reads_see_every_write_whose_done_has_run)
{
    for (int i = 0; i < 200; i++) {
        struct str id = arena_printf(b->arena, "t%d", i);
        put_task(b, task_of(id.p, "a"));
        struct store_task_get g = { .id = id };
        MUST(b, store_task_get, &g);
        CHECK(g.found);
    }
}

/* ---- one daemon, and its own file ---- */

PROMISE(second_daemon_is_refused_by_the_pid_of_the_first)
{
    struct error e = ERROR_INIT;
    CHECK(bed_try_open(b, &e) == NULL);
    CHECK_INT(e.code, ERROR_BUSY);
    char pid[32];
    snprintf(pid, sizeof(pid), "(pid %d)", getpid());
    CHECK(strstr(e.text, pid) != NULL);
    put_task(b, task_of("t1", "a"));
}

PROMISE(reader_beside_the_daemon_reads_only)
{
    put_task(b, task_of("t1", "a"));
    struct error e = ERROR_INIT;
    struct store_options o = { .loop = b->loop, .node = "cli", .read_only = true };
    struct store *daemon = b->store, *reader = store_open(b->url, &o, &e);
    CHECK_CSTR(e.text, "");
    if (!reader)
        return;
    b->store = reader;
    CHECK_STR(get_task(b, "t1").input, "input");
    struct task_row t = task_of("t2", "a");
    struct store_record r = { .task = &t };
    CHECK_INT(DO(b, store_record, &r), -1);
    CHECK_INT(r.op.error.code, ERROR_DENIED);
    store_close(reader);
    b->store = daemon;
    put_task(b, t);
}

PROMISE(backup_is_a_store_with_everything)
{
    for (int i = 0; i < 300; i++)
        put_task(b, task_of(arena_printf(b->arena, "t%d", i).p, "a"));
    char path[400], url[420];
    snprintf(path, sizeof(path), "%s/copy.db", b->dir);
    snprintf(url, sizeof(url), "sqlite:%s", path);
    struct store_backup copy = { .path = path };
    MUST(b, store_backup, &copy);
    CHECK_INT(DO(b, store_backup, &copy), -1); /* never over a file that is there */
    struct stat st;
    CHECK(!stat(path, &st) && (st.st_mode & 0777) == 0600);
    struct error e = ERROR_INIT;
    struct store_options o = { .loop = b->loop, .node = "n1" };
    struct store *daemon = b->store;
    b->store = store_open(url, &o, &e);
    CHECK_CSTR(e.text, "");
    if (b->store)
        CHECK_STR(get_task(b, "t299").input, "input");
    store_close(b->store);
    b->store = daemon;
}

TEST(url_of_no_engine_is_refused)
{
    static const char *const rows[] = {
        "",        "keryx.db",        "mysql://x",
        "sqlite:", "sqlite::memory:", "sqlite:/nonexistent/folder/x.db",
        "sqlite:/"
    };
    struct loop *loop = loop_new(&clock_real);
    struct store_options o = { .loop = loop, .node = "n1" };
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        ROW(rows[i]);
        struct error e = ERROR_INIT;
        CHECK(store_open(rows[i], &o, &e) == NULL);
        CHECK(e.text[0] != 0);
    }
    store_close(NULL);
    loop_free(loop);
}

/* ---- what is in the file of the SQLite engine ---- */

static void on_file(struct bed *b, const char *sql)
{
    sqlite3 *db;
    char *why = NULL;
    if (sqlite3_open(b->url + strlen("sqlite:"), &db) || sqlite3_exec(db, sql, NULL, NULL, &why))
        T_FAIL("%s: %s", sql, why);
    sqlite3_free(why);
    sqlite3_close(db);
}

static void check_refused(struct bed *b, const char *want)
{
    struct error e = ERROR_INIT;
    b->store = bed_try_open(b, &e);
    CHECK(b->store == NULL);
    CHECK_INT(e.code, ERROR_INVALID);
    if (!strstr(e.text, want))
        T_FAIL("got «%s», want «%s» in it", e.text, want);
}

PROMISE(file_of_a_newer_keryx_is_refused)
{
    store_close(b->store);
    on_file(b, "PRAGMA user_version = 99");
    check_refused(b, "newer keryx (schema 99");
    on_file(b, "PRAGMA user_version = 1");
    bed_open(b);
}

PROMISE(file_of_another_program_is_left_alone)
{
    store_close(b->store);
    on_file(b, "PRAGMA application_id = 1; PRAGMA journal_mode = DELETE");
    check_refused(b, "another program's database");
    on_file(b, "PRAGMA application_id = 0");
    check_refused(b, "another program's database");
    char path[400];
    snprintf(path, sizeof(path), "%s", b->url + strlen("sqlite:"));
    int fd = open(path, O_WRONLY | O_TRUNC);
    CHECK_INT(write(fd, "just text, no database at all", 29), 29);
    close(fd);
    struct error e = ERROR_INIT;
    CHECK(bed_try_open(b, &e) == NULL);
    CHECK(strstr(e.text, "not a database") != NULL);
}

PROMISE(file_is_the_owners_alone)
{
    put_task(b, task_of("t1", "a"));
    static const char *const names[] = { "t.db", "t.db-wal", "t.db-shm", "t.db.lock" };
    for (size_t i = 0; i < N_ELEMENTS(names); i++) {
        char path[400];
        struct stat st;
        snprintf(path, sizeof(path), "%s/%s", b->dir, names[i]);
        ROW(names[i]);
        CHECK(!stat(path, &st) && (st.st_mode & 0777) == 0600);
    }
}

/* No file may grow: SQLite sees an I/O error on every write. */
static void allow_files_to_grow(bool allow)
{
    struct rlimit limit;
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = allow ? limit.rlim_max : 1;
    setrlimit(RLIMIT_FSIZE, &limit);
}

PROMISE(failing_disk_is_told_and_forgotten_when_it_works_again)
{
    signal(SIGXFSZ, SIG_IGN);
    put_task(b, task_of("t1", "a"));
    allow_files_to_grow(false);
    struct task_row t[] = { task_of("t2", "a"), task_of("t3", "a") };
    struct store_record r[] = { { .task = &t[0] }, { .task = &t[1] } };
    START(b, store_record, &r[0]);
    START(b, store_record, &r[1]);
    bed_wait(b, 2);
    CHECK_INT(r[0].op.rc, -1);
    CHECK_INT(r[0].op.error.code, ERROR_IO);
    CHECK_INT(r[1].op.error.code, ERROR_IO);
    CHECK(!store_writable(b->store));
    CHECK_CSTR(store_trouble(b->store), "io");
    CHECK_STR(get_task(b, "t1").input, "input"); /* reads go on */
    struct store_finish f = { .task = &t[0], .expect = 1 };
    t[0].id = STR("gone");
    CHECK_INT(DO(b, store_finish, &f), -1);
    CHECK(!store_writable(b->store)); /* what writes nothing proves nothing */
    allow_files_to_grow(true);
    MUST(b, store_record, &r[1]);
    CHECK(store_writable(b->store));
    CHECK(store_trouble(b->store) == NULL);
    bed_reopen(b);
    CHECK_STR(get_task(b, "t3").input, "input");
    struct store_list l = { .limit = 10 };
    MUST(b, store_task_list, &l);
    CHECK_INT(l.n, 2);
}

/* ---- kill -9 ---- */

struct child {
    struct bed *bed;
    struct store_record record;
    struct task_row task;
    char id[24];
    unsigned long n;
};

/* What was acknowledged goes to the parent; then the next one. */
static void child_done(struct store_op *op)
{
    struct child *c = container_of(op, struct child, record.op);
    if (op->rc || write(STDOUT_FILENO, c->id, sizeof(c->id)) != (ssize_t)sizeof(c->id))
        _exit(1);
    snprintf(c->id, sizeof(c->id), "t%lu", c->n += 16);
    c->task = task_of(c->id, "a");
    c->record = (struct store_record){ .op = { .done = child_done }, .task = &c->task };
    store_record(c->bed->store, &c->record);
}

static void child_main(struct bed *b, unsigned long first)
{
    struct child c[16] = { 0 };
    b->loop = loop_new(&clock_real);
    bed_open(b);
    for (unsigned i = 0; i < N_ELEMENTS(c); i++) {
        c[i].bed = b;
        c[i].n = first + i;
        snprintf(c[i].id, sizeof(c[i].id), "t%lu", c[i].n);
        c[i].task = task_of(c[i].id, "a");
        c[i].record = (struct store_record){ .op = { .done = child_done }, .task = &c[i].task };
        store_record(b->store, &c[i].record);
    }
    loop_run(b->loop);
    _exit(0);
}

/* Gathers acknowledged ids until `enough`, kills, gathers what was still in the pipe. */
static size_t run_and_kill(struct bed *b, unsigned long first, size_t enough, struct str *acked)
{
    int fds[2];
    if (pipe(fds))
        abort();
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(fds[1], STDOUT_FILENO);
        close(fds[0]);
        close(fds[1]);
        child_main(b, first);
    }
    close(fds[1]);
    char id[sizeof(((struct child *)0)->id)];
    size_t n = 0;
    while (n < 100000 && read(fds[0], id, sizeof(id)) == (ssize_t)sizeof(id)) {
        acked[n++] = arena_str(b->arena, str_of(id));
        if (n == enough)
            kill(pid, SIGKILL);
    }
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    close(fds[0]);
    return n;
}

PROMISE(acknowledged_task_survives_kill)
{
    uint64_t seed = 20240501;
    struct str *acked = ARENA_ARRAY(b->arena, struct str, 100000);
    size_t n = 0;
    store_close(b->store);
    for (unsigned long round = 0; round < 8; round++) {
        seed = seed * 6364136223846793005U + 1442695040888963407U;
        size_t got = run_and_kill(b, round * 1000000, 1 + (seed >> 33) % 1500, acked + n);
        CHECK(got > 0);
        n += got;
    }
    bed_open(b);
    for (size_t i = 0; i < n; i++) {
        struct store_task_get g = { .id = acked[i] };
        MUST(b, store_task_get, &g);
        if (!g.found || g.task.input.n != 5)
            T_FAIL("%" STR_FMT " was acknowledged and is lost", STR_ARG(acked[i]));
    }
}
