/* The schema as ordered steps; the number of steps done is the version in the file. A step that has
   been released is never edited: a change is a new step at the end.

   What the shape is for: large bytes live in `bodies`, apart from the rows whose state changes, so a
   change of state never rewrites them, and in a head and a tail, so that a list reads only the head.
   Partial indexes hold what is open; history costs them nothing. AUTOINCREMENT because seq is a
   cursor for clients and must not come back after retention has removed the newest row. */
#include "store/migrate.h"

#include <inttypes.h>

static const char first_schema[] =
    "CREATE TABLE bodies("
    " id INTEGER PRIMARY KEY, head BLOB NOT NULL, tail BLOB) STRICT;"

    "CREATE TABLE tasks("
    " seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, agent TEXT NOT NULL,"
    " trigger_type TEXT, trigger_name TEXT, state TEXT NOT NULL, attempt INTEGER NOT NULL,"
    " interruptions INTEGER NOT NULL, retries INTEGER NOT NULL, input_id INTEGER, session_id TEXT,"
    " receipt_id TEXT, response_mode TEXT, callback_url TEXT, meta TEXT,"
    " scheduled_at INTEGER NOT NULL, due_at INTEGER NOT NULL, created_at INTEGER NOT NULL,"
    " started_at INTEGER NOT NULL, finished_at INTEGER NOT NULL, result_id INTEGER,"
    " result_json INTEGER NOT NULL, error_type TEXT, error_message TEXT, usage TEXT,"
    " tokens_used INTEGER NOT NULL, tools_called INTEGER NOT NULL, trace_id TEXT, node TEXT,"
    /* 1: waits for an earlier task of its session, out of the way of the claims. */
    " blocked INTEGER NOT NULL) STRICT;"
    "CREATE INDEX tasks_queue ON tasks(agent, due_at, seq) WHERE state = 'queued' AND blocked = 0;"
    "CREATE INDEX tasks_session ON tasks(session_id, state) WHERE session_id IS NOT NULL"
    " AND state IN ('queued','running','input_required');"
    "CREATE INDEX tasks_state ON tasks(state) WHERE state <> 'completed';"
    "CREATE INDEX tasks_agent ON tasks(agent);"
    "CREATE INDEX tasks_trigger_type ON tasks(trigger_type);"
    "CREATE INDEX tasks_trigger_name ON tasks(trigger_name);"
    "CREATE INDEX tasks_created ON tasks(created_at);"
    "CREATE INDEX tasks_finished ON tasks(finished_at) WHERE finished_at > 0;"

    "CREATE TABLE task_events("
    " seq INTEGER PRIMARY KEY AUTOINCREMENT, task_id TEXT, type TEXT NOT NULL,"
    " at INTEGER NOT NULL, data TEXT) STRICT;"
    "CREATE INDEX task_events_task ON task_events(task_id) WHERE task_id IS NOT NULL;"
    "CREATE INDEX task_events_at ON task_events(at) WHERE task_id IS NULL;"

    "CREATE TABLE receipts("
    " seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, route TEXT,"
    " status TEXT NOT NULL, reason TEXT, http_status INTEGER NOT NULL, event_type TEXT,"
    " delivery_id TEXT, entity TEXT, remote_address TEXT, secret_used TEXT, task_id TEXT,"
    " trigger_agent TEXT, received_at INTEGER NOT NULL, duration_us INTEGER NOT NULL,"
    " repeated INTEGER NOT NULL, bytes INTEGER NOT NULL, body_id INTEGER, headers TEXT) STRICT;"
    "CREATE INDEX receipts_route ON receipts(route);"
    "CREATE INDEX receipts_status ON receipts(status) WHERE status <> 'accepted';"
    "CREATE INDEX receipts_task ON receipts(task_id) WHERE task_id IS NOT NULL;"
    "CREATE INDEX receipts_received ON receipts(received_at);"

    "CREATE TABLE dedup("
    " scope TEXT NOT NULL, key TEXT NOT NULL, expires_at INTEGER NOT NULL, task_id TEXT,"
    " receipt_id TEXT, PRIMARY KEY(scope, key)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX dedup_expires ON dedup(expires_at);"

    "CREATE TABLE deliveries("
    " seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, receiver TEXT NOT NULL,"
    " target TEXT, event TEXT, task_id TEXT, state TEXT NOT NULL, method TEXT, url TEXT,"
    " headers TEXT, content_type TEXT, guard TEXT, progress TEXT, attempts INTEGER NOT NULL,"
    " max_attempts INTEGER NOT NULL,"
    /* max_attempts as it was given, which a redelivery adds again. */
    " granted INTEGER NOT NULL,"
    " initial_delay INTEGER NOT NULL, max_delay INTEGER NOT NULL, backoff INTEGER NOT NULL,"
    " jitter_permille INTEGER NOT NULL, timeout INTEGER NOT NULL, created_at INTEGER NOT NULL,"
    " next_at INTEGER NOT NULL, finished_at INTEGER NOT NULL, last_error TEXT, body_id INTEGER,"
    /* The node that is sending it now. */
    " lease TEXT,"
    /* 1: waits for an earlier delivery of the same task to the same receiver. */
    " held INTEGER NOT NULL) STRICT;"
    "CREATE INDEX deliveries_due ON deliveries(receiver, next_at, seq)"
    " WHERE state IN ('pending','retrying') AND lease IS NULL AND held = 0;"
    "CREATE INDEX deliveries_next ON deliveries(next_at)"
    " WHERE state IN ('pending','retrying') AND lease IS NULL AND held = 0;"
    "CREATE INDEX deliveries_open ON deliveries(receiver, seq, state)"
    " WHERE state IN ('pending','retrying');"
    "CREATE INDEX deliveries_lease ON deliveries(lease) WHERE lease IS NOT NULL;"
    "CREATE INDEX deliveries_receiver ON deliveries(receiver);"
    "CREATE INDEX deliveries_task ON deliveries(task_id, receiver) WHERE task_id IS NOT NULL;"
    "CREATE INDEX deliveries_state ON deliveries(state) WHERE state <> 'succeeded';"
    "CREATE INDEX deliveries_created ON deliveries(created_at);"
    "CREATE INDEX deliveries_finished ON deliveries(finished_at) WHERE finished_at > 0;"

    "CREATE TABLE attempts("
    " delivery INTEGER NOT NULL REFERENCES deliveries(seq) ON DELETE CASCADE, n INTEGER NOT NULL,"
    " at INTEGER NOT NULL, status_code INTEGER NOT NULL, error_type TEXT, error TEXT,"
    " duration_us INTEGER NOT NULL, remote_ip TEXT, response_excerpt TEXT,"
    " PRIMARY KEY(delivery, n)) STRICT, WITHOUT ROWID;"

    "CREATE TABLE schedules("
    " name TEXT NOT NULL PRIMARY KEY, definition TEXT, anchor INTEGER NOT NULL,"
    " high_water INTEGER NOT NULL, last_fired INTEGER NOT NULL, last_task_id TEXT,"
    " paused INTEGER NOT NULL) STRICT, WITHOUT ROWID;"

    "CREATE TABLE schedule_fires("
    " seq INTEGER PRIMARY KEY AUTOINCREMENT, schedule TEXT NOT NULL, first INTEGER NOT NULL,"
    " last INTEGER NOT NULL, count INTEGER NOT NULL, outcome TEXT NOT NULL, reason TEXT,"
    " task_id TEXT, at INTEGER NOT NULL, UNIQUE(schedule, first)) STRICT;"
    "CREATE INDEX schedule_fires_schedule ON schedule_fires(schedule);"
    "CREATE INDEX schedule_fires_outcome ON schedule_fires(outcome) WHERE outcome <> 'ran';"
    "CREATE INDEX schedule_fires_at ON schedule_fires(at);"

    "CREATE TABLE session_messages("
    " seq INTEGER PRIMARY KEY AUTOINCREMENT, session_id TEXT NOT NULL, role TEXT NOT NULL,"
    " content TEXT NOT NULL, task_id TEXT, at INTEGER NOT NULL) STRICT;"
    "CREATE INDEX session_messages_session ON session_messages(session_id);"
    "CREATE INDEX session_messages_at ON session_messages(at);"

    "CREATE TABLE webhooks("
    " id TEXT NOT NULL PRIMARY KEY, public_id TEXT NOT NULL UNIQUE, name TEXT NOT NULL UNIQUE,"
    " definition TEXT NOT NULL, enabled INTEGER NOT NULL, created_at INTEGER NOT NULL,"
    " updated_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;"

    "CREATE TABLE meta(key TEXT NOT NULL PRIMARY KEY, value BLOB) STRICT, WITHOUT ROWID;";

static const char *const steps[] = {
    first_schema,
};

int migrate_run(struct db *db, bool may_write, struct error *e)
{
    int64_t version;
    if (db_version(db, &version, e))
        return -1;
    const int64_t known = (int64_t)N_ELEMENTS(steps);
    if (version > known)
        return error_set(e, ERROR_INVALID,
                         "the store was written by a newer keryx (schema %" PRId64
                         "; this one knows up to %" PRId64 ")",
                         version, known);
    if (version < known && !may_write)
        return error_set(e, ERROR_INVALID,
                         "the store has schema %" PRId64 ", expected %" PRId64
                         "; start the daemon once to migrate it",
                         version, known);
    for (; version < known; version++) {
        if (db_migrate_step(db, steps[version], version + 1, e))
            return error_wrap(e, "migration to schema %" PRId64, version + 1);
    }
    return 0;
}
