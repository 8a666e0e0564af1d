/* Threads around the connections; the SQL is in op_*.c.

   struct store   owns everything below; made and freed on the loop's thread.
   struct line    a queue of operations with its threads: `writes` has one thread, `reads` two.
   writer         the only connection that writes: takes what waits (up to BATCH_OPS and BATCH_BYTES),
                  runs it in one transaction, commits, hands the whole batch back. Checkpoints when
                  nobody waits or the log is large.
   readers        read-only connections, an operation at a time, each held to READ_US.
   struct outbox  finished operations on their way to the loop, with one post for however many there
                  are. It lives on its own, because a post that is on its way when the store is closed
                  still has to find it. */
#include "store/op.h"

#include "base/log.h"
#include "base/stats.h"
#include "store/lock.h"
#include "store/migrate.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

#define BATCH_OPS       512
#define BATCH_BYTES     (16 * MIB)
#define TURN_OPS        64 /* writes of one turn that go to the writer without waiting for its end */
#define READERS         2
#define READ_US         US_PER_S
#define DEFAULT_PENDING 20000
#define IDLE_US         (500 * US_PER_MS)
/* Pages of log that are no longer left for a quiet moment. Measured: a log this small is written over
   in place again and again, which costs a sync least, and copying it delays few commits for long. */
#define BACKLOG_LARGE 1000

struct line {
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    struct store_op *first, **last;
    bool closing;
};

struct outbox {
    struct loop_post post;
    struct loop_task at_free;
    struct loop *loop;
    pthread_mutex_t mutex;
    struct store_op *first, **last;
    bool posted;  /* under mutex */
    bool running; /* loop's thread: inside dispatch() */
    bool closed;  /* loop's thread: the store is gone */
};

struct store {
    struct outbox *out;
    struct loop *loop;
    size_t max_pending;
    int lock_fd;
    struct line writes, reads;
    struct store_op *turn_first, **turn_last; /* writes of this turn of the loop, not yet queued */
    unsigned turn_n;
    struct loop_task turn_end;
    _Atomic size_t n_writes, n_reads; /* submitted and not handed back */
    _Atomic(const char *) trouble;
    struct db *writer, *readers[READERS];
    pthread_t threads[1 + READERS];
    unsigned n_threads;
    _Atomic unsigned next_reader;
    struct writer_memory memory; /* writer's thread */
};

/* ---- results, back to the loop ---- */

static void outbox_free(struct outbox *out)
{
    loop_at_free_cancel(out->loop, &out->at_free);
    pthread_mutex_destroy(&out->mutex);
    free(out);
}

static void count_batch(const struct store_op *op)
{
    if (op->batch) {
        stats_add(STATS_STORE_BATCH, op->batch, NULL, NULL, NULL);
        stats_add(STATS_STORE_COMMIT, op->seconds, NULL, NULL, NULL);
    }
    if (op->rc && (op->error.code == ERROR_FULL || op->error.code == ERROR_IO))
        stats_inc(STATS_STORE_ERRORS, op->error.code == ERROR_FULL ? "full" : "io", NULL, NULL);
}

/* done() may free its operation, submit others and close the store. */
static void dispatch(struct loop_post *post)
{
    struct outbox *out = container_of(post, struct outbox, post);
    pthread_mutex_lock(&out->mutex);
    struct store_op *op = out->first;
    out->first = NULL;
    out->last = &out->first;
    out->posted = false;
    pthread_mutex_unlock(&out->mutex);
    out->running = true;
    while (op && !out->closed) {
        struct store_op *next = op->next;
        atomic_fetch_sub(op->is_write ? &op->store->n_writes : &op->store->n_reads, 1);
        count_batch(op);
        op->done(op);
        op = next;
    }
    out->running = false;
    if (out->closed)
        outbox_free(out);
}

static void outbox_put(struct outbox *out, struct store_op *first, struct store_op **last)
{
    pthread_mutex_lock(&out->mutex);
    *out->last = first;
    out->last = last;
    bool wake = !out->posted;
    out->posted = true;
    pthread_mutex_unlock(&out->mutex);
    if (wake)
        loop_post(out->loop, &out->post, dispatch);
}

static void outbox_at_free(struct loop_task *t)
{
    outbox_free(container_of(t, struct outbox, at_free));
}

/* Whoever comes last frees it: this call, the dispatch that is running or on its way, or the loop. */
static void outbox_close(struct outbox *out)
{
    out->closed = true;
    if (out->running)
        return;
    pthread_mutex_lock(&out->mutex);
    bool posted = out->posted;
    pthread_mutex_unlock(&out->mutex);
    if (posted)
        loop_at_free(out->loop, &out->at_free, outbox_at_free);
    else
        outbox_free(out);
}

static struct outbox *outbox_new(struct loop *loop)
{
    struct outbox *out = xalloc(sizeof(*out));
    out->loop = loop;
    out->last = &out->first;
    pthread_mutex_init(&out->mutex, NULL);
    return out;
}

/* ---- the queues ---- */

static void line_init(struct line *l)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&l->wake, &attr);
    pthread_condattr_destroy(&attr);
    pthread_mutex_init(&l->mutex, NULL);
    l->last = &l->first;
}

static void line_release(struct line *l)
{
    pthread_cond_destroy(&l->wake);
    pthread_mutex_destroy(&l->mutex);
}

static void line_put_chain(struct line *l, struct store_op *first, struct store_op **last)
{
    pthread_mutex_lock(&l->mutex);
    *l->last = first;
    l->last = last;
    pthread_cond_signal(&l->wake);
    pthread_mutex_unlock(&l->mutex);
}

static void line_put(struct line *l, struct store_op *op)
{
    op->next = NULL;
    line_put_chain(l, op, &op->next);
}

static void line_close(struct line *l)
{
    pthread_mutex_lock(&l->mutex);
    l->closing = true;
    pthread_cond_broadcast(&l->wake);
    pthread_mutex_unlock(&l->mutex);
}

/* Up to `most` operations and `bytes` of them, as a chain; waits for the first, at most `us` (0 = as
   long as it takes). NULL: nothing came in time, or (*ended) the line is closed and empty. */
static struct store_op *line_take(struct line *l, unsigned most, size_t bytes, int64_t us,
                                  bool *ended)
{
    pthread_mutex_lock(&l->mutex);
    struct timespec until;
    if (us) {
        int64_t at = clock_mono(&clock_real) + us;
        until = (struct timespec){ at / US_PER_S, at % US_PER_S * 1000 };
    }
    while (!l->first && !l->closing) {
        if (!us)
            pthread_cond_wait(&l->wake, &l->mutex);
        else if (pthread_cond_timedwait(&l->wake, &l->mutex, &until))
            break;
    }
    *ended = !l->first && l->closing;
    struct store_op *chain = l->first, **at = &l->first;
    size_t weight = 0;
    for (unsigned n = 0; *at && n < most && weight <= bytes; n++) {
        weight += (*at)->weight;
        at = &(*at)->next;
    }
    l->first = *at;
    if (!l->first)
        l->last = &l->first;
    if (chain)
        *at = NULL;
    pthread_mutex_unlock(&l->mutex);
    return chain;
}

/* ---- the writer ---- */

/* What one turn of one operation said. */
static int run_op(struct db *db, struct store_op *op)
{
    op->error = ERROR_INIT;
    op->rc = op->run(db, op);
    return op->rc;
}

static void op_failed_by(struct db *db, struct store_op *op)
{
    op->rc = -1;
    op->error = *db_error(db);
}

static void note_trouble(struct store *s, const struct store_op *op)
{
    const char *trouble = NULL;
    if (op->rc < 0 && op->error.code == ERROR_FULL)
        trouble = "disk_full";
    else if (op->rc < 0 && op->error.code == ERROR_IO)
        trouble = "io";
    else if (op->rc < 0 || !db_wrote(s->writer))
        return; /* says nothing about the disk */
    const char *before = atomic_exchange(&s->trouble, trouble);
    if (trouble && before != trouble)
        log_error("the store cannot write", "reason", trouble, "error", op->error.text);
    else if (!trouble && before)
        log_info("the store can write again", "was", before);
}

/* Nothing can be written now; that would be so for every one of them. */
static void fail_all(struct store *s, struct store_op *chain)
{
    for (struct store_op *op = chain; op; op = op->next)
        op_failed_by(s->writer, op);
    note_trouble(s, chain);
}

/* The batch as one transaction: 0 committed; -1 nothing of it happened. */
static int run_together(struct store *s, struct store_op *chain)
{
    for (struct store_op *op = chain; op; op = op->next) {
        run_op(s->writer, op);
        if (db_failed(s->writer))
            return -1;
    }
    return db_commit(s->writer);
}

static void forget_counts(struct store *s)
{
    s->memory.receipt_bytes = s->memory.receipt_seen = 0;
}

/* Each operation in a transaction of its own, so that a bad one fails alone. */
static void run_apart(struct store *s, struct store_op *chain)
{
    for (struct store_op *op = chain; op; op = op->next) {
        int failed = db_begin(s->writer);
        if (!failed)
            failed = run_op(s->writer, op) < 0;
        if (!failed)
            failed = db_commit(s->writer);
        if (failed) {
            if (db_failed(s->writer))
                op_failed_by(s->writer, op);
            db_rollback(s->writer);
            forget_counts(s);
        }
        note_trouble(s, op);
    }
}

/* Operations that want another turn go to the end of the queue, the others back to the loop. */
static void hand_back(struct store *s, struct store_op *chain)
{
    struct store_op *first = NULL, **last = &first;
    while (chain) {
        struct store_op *op = chain;
        chain = op->next;
        op->next = NULL;
        if (op->rc == OP_AGAIN) {
            op->carry = op->carry_next;
            op->batch = 0;
            line_put(&s->writes, op);
            continue;
        }
        *last = op;
        last = &op->next;
    }
    if (first)
        outbox_put(s->out, first, last);
}

static void run_batch(struct store *s, struct store_op *chain)
{
    unsigned n = 0;
    for (const struct store_op *op = chain; op; op = op->next)
        n++;
    int64_t began = clock_mono(&clock_real);
    if (db_begin(s->writer)) {
        fail_all(s, chain);
    } else if (run_together(s, chain)) {
        db_rollback(s->writer);
        forget_counts(s);
        run_apart(s, chain);
    } else {
        note_trouble(s, &(struct store_op){ .rc = 0 });
    }
    chain->batch = n;
    chain->seconds = (double)(clock_mono(&clock_real) - began) / (double)US_PER_S;
    hand_back(s, chain);
}

static void *writer_main(void *arg)
{
    struct store *s = arg;
    for (bool ended = false; !ended;) {
        int64_t wait = db_backlog(s->writer) ? IDLE_US : 0;
        struct store_op *chain = line_take(&s->writes, BATCH_OPS, BATCH_BYTES, wait, &ended);
        if (chain)
            run_batch(s, chain);
        if (!chain || db_backlog(s->writer) > BACKLOG_LARGE)
            db_tidy(s->writer);
    }
    return NULL;
}

struct writer_memory *store_memory(struct store_op *op)
{
    return &op->store->memory;
}

void store_remember(char **where, struct str text)
{
    free(*where);
    *where = xstrndup(text.p, text.n);
}

/* ---- the readers ---- */

static void read_one(struct db *db, struct store_op *op)
{
    db_deadline(db, op->is_long ? 0 : READ_US);
    /* A copy is a statement that will not run inside a transaction. */
    if (!op->is_long && db_begin(db)) {
        op_failed_by(db, op);
        return;
    }
    run_op(db, op);
    db_deadline(db, 0);
    if (op->rc < 0 && db_failed(db))
        op_failed_by(db, op);
    db_rollback(db);
}

static void *reader_main(void *arg)
{
    struct store *s = arg;
    struct db *db = s->readers[atomic_fetch_add(&s->next_reader, 1)];
    for (bool ended = false; !ended;) {
        struct store_op *op = line_take(&s->reads, 1, 0, 0, &ended);
        if (!op)
            continue;
        read_one(db, op);
        outbox_put(s->out, op, &op->next);
    }
    return NULL;
}

/* ---- verbs ---- */

/* What strangers cause is refused first, so that the results of work already accepted get in. */
static bool too_many(const struct store *s, enum op_class class)
{
    if (class == OP_READ || class == OP_READ_LONG)
        return s->n_reads >= s->max_pending;
    return s->n_writes >= (class == OP_INTAKE ? s->max_pending : 2 * s->max_pending);
}

static void refuse(struct store_op *op, enum error_code code, const char *why)
{
    op->rc = -1;
    error_set(&op->error, code, "%s", why);
    op->next = NULL;
    outbox_put(op->store->out, op, &op->next);
}

static void flush_turn(struct store *s)
{
    loop_later_cancel(s->loop, &s->turn_end);
    if (s->turn_n)
        line_put_chain(&s->writes, s->turn_first, s->turn_last);
    s->turn_n = 0;
    s->turn_first = NULL;
    s->turn_last = &s->turn_first;
}

static void on_turn_end(struct loop_task *t)
{
    flush_turn(container_of(t, struct store, turn_end));
}

/* Writes of one turn of the loop reach the writer together: if it woke up for the first of them, it
   would spend a whole sync on that one. */
static void put_write(struct store *s, struct store_op *op)
{
    op->next = NULL;
    *s->turn_last = op;
    s->turn_last = &op->next;
    if (++s->turn_n >= TURN_OPS)
        flush_turn(s);
    else if (s->turn_n == 1)
        loop_later(s->loop, &s->turn_end, on_turn_end);
}

void store_submit(struct store *s, struct store_op *op, enum op_class class, op_run *run,
                  size_t weight)
{
    assert(op->done);
    op->store = s;
    op->run = run;
    op->rc = 0;
    op->error = ERROR_INIT;
    op->at = loop_wall(s->loop);
    op->carry = op->carry_next = 0;
    op->weight = weight;
    op->batch = 0;
    op->is_long = class == OP_READ_LONG;
    op->is_write = class == OP_INTAKE || class == OP_WRITE;
    bool full = too_many(s, class);
    atomic_fetch_add(op->is_write ? &s->n_writes : &s->n_reads, 1);
    if (op->is_write && !s->writer)
        refuse(op, ERROR_DENIED, "the store is open for reading only");
    else if (full)
        refuse(op, ERROR_BUSY, "too much waits for the store");
    else if (op->is_write)
        put_write(s, op);
    else
        line_put(&s->reads, op);
}

bool store_writable(const struct store *s)
{
    return !store_trouble(s);
}

const char *store_trouble(const struct store *s)
{
    return atomic_load(&s->trouble);
}

size_t store_pending(const struct store *s)
{
    return s->n_writes;
}

/* ---- open and close ---- */

static int open_connections(struct store *s, const char *path, bool read_only, struct error *e)
{
    if (!read_only) {
        s->lock_fd = lock_take(path, e);
        if (s->lock_fd < 0)
            return -1;
        s->writer = db_open(path, DB_WRITER, e);
        if (!s->writer || migrate_run(s->writer, true, e))
            return -1;
    }
    for (unsigned i = 0; i < READERS; i++) {
        s->readers[i] = db_open(path, DB_READER, e);
        if (!s->readers[i])
            return -1;
    }
    return read_only ? migrate_run(s->readers[0], false, e) : 0;
}

static int start_thread(struct store *s, void *(*run)(void *), struct error *e)
{
    int rc = pthread_create(&s->threads[s->n_threads], NULL, run, s);
    if (rc)
        return error_sys(e, rc, "cannot start a thread of the store");
    s->n_threads++;
    return 0;
}

/* Signals are the loop's business. */
static int start_threads(struct store *s, struct error *e)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = s->writer ? start_thread(s, writer_main, e) : 0;
    for (unsigned i = 0; i < READERS && !rc; i++)
        rc = start_thread(s, reader_main, e);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rc;
}

struct store *store_open(const char *url, const struct store_options *o, struct error *e)
{
    struct str scheme = STR("sqlite:");
    if (!str_starts(str_of(url), scheme)) {
        error_set(e, ERROR_INVALID, "a store url looks like sqlite:PATH, not like \"%s\"", url);
        return NULL;
    }
    struct store *s = xalloc(sizeof(*s));
    s->loop = o->loop;
    s->lock_fd = -1;
    s->max_pending = o->max_pending ? o->max_pending : DEFAULT_PENDING;
    s->memory.node = xstrndup(o->node ? o->node : "", o->node ? strlen(o->node) : 0);
    line_init(&s->writes);
    line_init(&s->reads);
    s->turn_last = &s->turn_first;
    s->out = outbox_new(o->loop);
    if (!open_connections(s, url + scheme.n, o->read_only, e) && !start_threads(s, e))
        return s;
    store_close(s);
    return NULL;
}

void store_close(struct store *s)
{
    if (!s)
        return;
    flush_turn(s);
    line_close(&s->writes);
    line_close(&s->reads);
    for (unsigned i = 0; i < s->n_threads; i++)
        pthread_join(s->threads[i], NULL);
    for (unsigned i = 0; i < READERS; i++)
        db_close(s->readers[i]);
    db_close(s->writer);
    if (s->lock_fd >= 0)
        close(s->lock_fd);
    outbox_close(s->out);
    line_release(&s->writes);
    line_release(&s->reads);
    free(s->memory.node);
    free(s->memory.claim_after);
    free(s->memory.due_after);
    free(s);
}
