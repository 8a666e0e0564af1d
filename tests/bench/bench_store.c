/* How many durable rows a second the store takes, beside a bare SQLite group commit that inserts the
   same rows into the same schema with nothing around it, in the same run. Rounds alternate; printed
   are the medians and their ratio, per batch size. For the store the batch size is the number of
   operations kept in flight.

     one row    an event                                bare: one insert
     intake     a webhook: receipt, dedup key, task     bare: the same four inserts
     intake21   the same with a body of 21 KB

   Then open loop: 500 intakes of 21 KB a second, each counted from when it was due; bare commits
   together what is due by then, with SQLite's own checkpoints.

   bench_store [FOLDER [SECONDS_A_ROUND]] */
#include "store/store.h"

#include "base/buf.h"

#include <sqlite3.h>
#include <stdio.h>

#define ROUNDS     5
#define MAX_FLIGHT 256

enum kind { ONE_ROW, INTAKE, INTAKE_21K, KINDS };
static const char *const kind_names[KINDS] = { "one row", "intake", "intake21" };
static const unsigned batches[] = { 1, 16, 64, 256 };

static char body[21 * 1024];
static unsigned long serial;

static size_t body_size(enum kind kind)
{
    return kind == INTAKE_21K ? sizeof(body) : 300;
}

/* ---- the store ---- */

struct request {
    struct store_record record;
    struct event_row event;
    struct task_row task;
    struct receipt_row receipt;
    struct store_dedup dedup;
    char id[3][64];
    struct run *run;
};

struct run {
    struct loop *loop;
    struct store *store;
    enum kind kind;
    int64_t ends;
    unsigned long done;
    unsigned flying;
    struct arena *arena;
};

static void request_fill(struct request *r)
{
    struct run *run = r->run;
    int64_t now = loop_wall(run->loop);
    serial++;
    r->record = (struct store_record){ .op = r->record.op };
    if (run->kind == ONE_ROW) {
        r->event = (struct event_row){ .task_id = STR("webhook-a-1"),
                                       .type = STR("task.started"),
                                       .at = now,
                                       .data = STR("{\"status\":\"running\"}") };
        r->record.events = &r->event;
        r->record.n_events = 1;
        return;
    }
    for (int i = 0; i < 3; i++)
        snprintf(r->id[i], sizeof(r->id[i]), "%s-%020lu", i == 0 ? "webhook-a" : "id", serial);
    struct str input = str_n(body, body_size(run->kind));
    r->task = (struct task_row){ .id = str_of(r->id[0]),
                                 .agent = STR("a"),
                                 .trigger_type = STR("webhook"),
                                 .trigger_name = STR("hook"),
                                 .receipt_id = str_of(r->id[1]),
                                 .response_mode = STR("async"),
                                 .input = input,
                                 .created_at = now,
                                 .due_at = now };
    r->receipt = (struct receipt_row){ .id = str_of(r->id[1]),
                                       .route = STR("hook"),
                                       .status = STR("accepted"),
                                       .http_status = 202,
                                       .delivery_id = str_of(r->id[2]),
                                       .headers = STR("{\"content-type\":\"application/json\"}"),
                                       .task_id = str_of(r->id[0]),
                                       .body = input,
                                       .received_at = now };
    r->dedup = (struct store_dedup){ STR("hook"), str_of(r->id[2]), now + 3600 * US_PER_S };
    r->record.task = &r->task;
    r->record.receipt = &r->receipt;
    r->record.dedups = &r->dedup;
    r->record.n_dedups = 1;
}

static void request_done(struct store_op *op)
{
    struct request *r = container_of(op, struct request, record.op);
    struct run *run = r->run;
    if (op->rc) {
        fprintf(stderr, "%s\n", op->error.text);
        exit(1);
    }
    run->done++;
    if (clock_mono(&clock_real) < run->ends) {
        request_fill(r);
        store_record(run->store, &r->record);
    } else if (--run->flying == 0) {
        loop_stop(run->loop);
    }
}

static double through_store(const char *path, enum kind kind, unsigned flight, double seconds)
{
    char url[600];
    snprintf(url, sizeof(url), "sqlite:%s", path);
    struct run run = { .loop = loop_new(&clock_real), .kind = kind, .arena = arena_new(0) };
    struct store_options o = { .loop = run.loop, .node = "bench" };
    struct error e = ERROR_INIT;
    run.store = store_open(url, &o, &e);
    if (!run.store) {
        fprintf(stderr, "%s\n", e.text);
        exit(1);
    }
    static struct request requests[MAX_FLIGHT];
    int64_t began = clock_mono(&clock_real);
    run.ends = began + (int64_t)(seconds * (double)US_PER_S);
    for (unsigned i = 0; i < flight; i++) {
        requests[i] = (struct request){ .run = &run };
        requests[i].record.op.done = request_done;
        requests[i].record.op.arena = run.arena;
        run.flying++;
        request_fill(&requests[i]);
        store_record(run.store, &requests[i].record);
    }
    loop_run(run.loop);
    double took = (double)(clock_mono(&clock_real) - began) / (double)US_PER_S;
    store_close(run.store);
    loop_free(run.loop);
    arena_free(run.arena);
    return (double)run.done / took;
}

/* ---- bare SQLite ---- */

static sqlite3 *bare;

static void must(int rc)
{
    if (rc != SQLITE_OK && rc != SQLITE_DONE) {
        fprintf(stderr, "%s\n", sqlite3_errmsg(bare));
        exit(1);
    }
}

static void exec(const char *sql)
{
    must(sqlite3_exec(bare, sql, NULL, NULL, NULL));
}

static sqlite3_stmt *prepare(const char *sql)
{
    sqlite3_stmt *s;
    must(sqlite3_prepare_v2(bare, sql, -1, &s, NULL));
    return s;
}

static void step(sqlite3_stmt *s)
{
    must(sqlite3_step(s));
    sqlite3_reset(s);
}

static void text(sqlite3_stmt *s, int at, const char *value)
{
    must(sqlite3_bind_text(s, at, value, -1, SQLITE_STATIC));
}

static sqlite3_stmt *put_event, *put_body, *put_receipt, *put_task, *put_dedup;

static void bare_prepare(void)
{
    put_event = prepare("INSERT INTO task_events(task_id, type, at, data) VALUES "
                        "('webhook-a-1','task.started',?1,'{\"status\":\"running\"}')");
    put_body = prepare("INSERT INTO bodies(head, tail) VALUES (?1, ?2)");
    put_receipt = prepare(
        "INSERT INTO receipts(id, route, status, http_status, delivery_id, task_id, received_at, "
        "duration_us, repeated, bytes, body_id, headers) VALUES (?1,'hook','accepted',202,?1,?2,?3,"
        "0,0,300,?4,'{\"content-type\":\"application/json\"}')");
    put_task = prepare(
        "INSERT INTO tasks(id, agent, trigger_type, trigger_name, state, attempt, interruptions, "
        "retries, input_id, receipt_id, response_mode, scheduled_at, due_at, created_at, "
        "started_at, "
        "finished_at, result_json, tokens_used, tools_called, blocked) VALUES "
        "(?1,'a','webhook','hook',"
        "'queued',0,0,0,?2,?3,'async',0,?4,?4,0,0,0,0,0,0)");
    put_dedup = prepare("INSERT INTO dedup(scope, key, expires_at, task_id, receipt_id) VALUES "
                        "('hook',?1,?2,?3,?1)");
}

static void bare_intake(size_t size, int64_t now)
{
    char id[64], task[64];
    serial++;
    snprintf(id, sizeof(id), "id-%020lu", serial);
    snprintf(task, sizeof(task), "webhook-a-%020lu", serial);
    size_t head = MIN(size, (size_t)2049);
    must(sqlite3_bind_blob(put_body, 1, body, (int)head, SQLITE_STATIC));
    must(sqlite3_bind_blob(put_body, 2, body, (int)(size - head), SQLITE_STATIC));
    step(put_body);
    int64_t body_id = sqlite3_last_insert_rowid(bare);
    text(put_receipt, 1, id);
    text(put_receipt, 2, task);
    must(sqlite3_bind_int64(put_receipt, 3, now));
    must(sqlite3_bind_int64(put_receipt, 4, body_id));
    step(put_receipt);
    text(put_task, 1, task);
    must(sqlite3_bind_int64(put_task, 2, body_id));
    text(put_task, 3, id);
    must(sqlite3_bind_int64(put_task, 4, now));
    step(put_task);
    text(put_dedup, 1, id);
    must(sqlite3_bind_int64(put_dedup, 2, now));
    text(put_dedup, 3, task);
    step(put_dedup);
}

static void bare_open(const char *path)
{
    must(sqlite3_open(path, &bare));
    exec("PRAGMA journal_mode = WAL");
    exec("PRAGMA synchronous = FULL");
    exec("PRAGMA secure_delete = FAST");
    exec("PRAGMA cache_size = -16384");
    bare_prepare();
}

static void bare_close(void)
{
    for (sqlite3_stmt *s; (s = sqlite3_next_stmt(bare, NULL));)
        sqlite3_finalize(s);
    sqlite3_close(bare);
}

static double bare_commits(const char *path, enum kind kind, unsigned batch, double seconds)
{
    bare_open(path);
    unsigned long done = 0;
    int64_t began = clock_mono(&clock_real), now = began;
    while ((double)(now - began) < seconds * (double)US_PER_S) {
        exec("BEGIN IMMEDIATE");
        for (unsigned i = 0; i < batch; i++) {
            if (kind == ONE_ROW) {
                must(sqlite3_bind_int64(put_event, 1, now));
                step(put_event);
            } else {
                bare_intake(body_size(kind), now);
            }
        }
        exec("COMMIT");
        done += batch;
        now = clock_mono(&clock_real);
    }
    bare_close();
    return (double)done / ((double)(now - began) / (double)US_PER_S);
}

/* ---- open loop ---- */

#define PACED_RATE 500
#define PACED_MAX  (PACED_RATE * 60)

struct paced {
    struct loop_timer timer;
    struct request *requests;
    struct run run;
    int64_t began;
    unsigned long n, sent, done;
    double *latency; /* ms */
};

static struct paced paced;

static int64_t due_at(unsigned long i)
{
    return paced.began + (int64_t)i * US_PER_S / PACED_RATE;
}

static double late_ms(unsigned long i)
{
    return (double)(clock_mono(&clock_real) - due_at(i)) / (double)US_PER_MS;
}

static void paced_done(struct store_op *op)
{
    const struct request *r = container_of(op, struct request, record.op);
    unsigned long i = (unsigned long)(r - paced.requests);
    paced.latency[i] = op->rc ? 1e9 : late_ms(i);
    if (++paced.done == paced.n)
        loop_stop(paced.run.loop);
}

static void paced_send(struct loop_timer *t)
{
    int64_t now = clock_mono(&clock_real);
    for (; paced.sent < paced.n && due_at(paced.sent) <= now; paced.sent++) {
        struct request *r = &paced.requests[paced.sent];
        *r = (struct request){ .run = &paced.run };
        r->record.op.done = paced_done;
        r->record.op.arena = paced.run.arena;
        request_fill(r);
        store_record(paced.run.store, &r->record);
    }
    if (paced.sent < paced.n)
        loop_timer_set(paced.run.loop, t, MAX(due_at(paced.sent) - now, 0), paced_send);
}

static void paced_store(const char *path)
{
    char url[600];
    snprintf(url, sizeof(url), "sqlite:%s", path);
    paced.run =
        (struct run){ .loop = loop_new(&clock_real), .kind = INTAKE_21K, .arena = arena_new(0) };
    struct store_options o = { .loop = paced.run.loop, .node = "bench" };
    paced.run.store = store_open(url, &o, NULL);
    if (!paced.run.store)
        exit(1);
    paced.sent = paced.done = 0;
    paced.began = clock_mono(&clock_real);
    loop_timer_set(paced.run.loop, &paced.timer, 0, paced_send);
    loop_run(paced.run.loop);
    store_close(paced.run.store);
    loop_free(paced.run.loop);
    arena_free(paced.run.arena);
}

static void paced_bare(const char *path)
{
    bare_open(path);
    paced.began = clock_mono(&clock_real);
    for (unsigned long i = 0; i < paced.n;) {
        int64_t now = clock_mono(&clock_real);
        if (due_at(i) > now)
            usleep((useconds_t)(due_at(i) - now));
        unsigned long from = i;
        exec("BEGIN IMMEDIATE");
        for (now = clock_mono(&clock_real); i < paced.n && due_at(i) <= now; i++)
            bare_intake(sizeof(body), now);
        exec("COMMIT");
        for (; from < i; from++)
            paced.latency[from] = late_ms(from);
    }
    bare_close();
}

/* ---- the table ---- */

static void remove_store(const char *path)
{
    static const char *const suffixes[] = { "", "-wal", "-shm", ".lock" };
    for (size_t i = 0; i < N_ELEMENTS(suffixes); i++) {
        char file[600];
        snprintf(file, sizeof(file), "%s%s", path, suffixes[i]);
        unlink(file);
    }
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double median(double *v)
{
    qsort(v, ROUNDS, sizeof(*v), compare);
    return v[ROUNDS / 2];
}

static void print_paced(const char *who)
{
    qsort(paced.latency, paced.n, sizeof(*paced.latency), compare);
    printf("%-9s p50 %6.2f ms   p99 %6.2f ms   p99.9 %6.2f ms   max %6.2f ms\n", who,
           paced.latency[paced.n / 2], paced.latency[paced.n * 99 / 100],
           paced.latency[paced.n * 999 / 1000], paced.latency[paced.n - 1]);
    fflush(stdout);
}

static void run_paced(const char *path, double seconds)
{
    paced.n = MIN((unsigned long)(PACED_RATE * seconds * 2 * ROUNDS), (unsigned long)PACED_MAX);
    paced.latency = xalloc(paced.n * sizeof(*paced.latency));
    paced.requests = xalloc(paced.n * sizeof(*paced.requests));
    printf("\n%d intakes of 21 KB a second, %lu of them\n", PACED_RATE, paced.n);
    remove_store(path);
    paced_store(path);
    print_paced("store");
    remove_store(path);
    through_store(path, INTAKE, 1, 0); /* the schema */
    paced_bare(path);
    print_paced("bare");
    free(paced.latency);
    free(paced.requests);
}

int main(int argc, char **argv)
{
    const char *dir = argc > 1 ? argv[1] : ".";
    double seconds = 0.5;
    if (argc > 2 && str_double(str_of(argv[2]), &seconds))
        return 2;
    char path[512];
    snprintf(path, sizeof(path), "%s/bench_store.db", dir);
    memset(body, 'x', sizeof(body));
    printf("%-9s %5s %12s %12s %6s\n", "what", "batch", "store op/s", "bare op/s", "ratio");
    for (int kind = 0; kind < KINDS; kind++) {
        for (size_t b = 0; b < N_ELEMENTS(batches); b++) {
            double store[ROUNDS], plain[ROUNDS];
            for (int round = 0; round < ROUNDS; round++) {
                remove_store(path);
                store[round] = through_store(path, (enum kind)kind, batches[b], seconds);
                remove_store(path);
                through_store(path, (enum kind)kind, 1, 0); /* the schema */
                plain[round] = bare_commits(path, (enum kind)kind, batches[b], seconds);
            }
            double s = median(store), p = median(plain);
            printf("%-9s %5u %12.0f %12.0f %6.2f\n", kind_names[kind], batches[b], s, p, s / p);
            fflush(stdout);
        }
    }
    run_paced(path, seconds);
    remove_store(path);
    return 0;
}
