/* X(id, text): every SQL statement once. The text is what SQLite and PostgreSQL have in common, with
   ?1 … for parameters; a statement that cannot be spelled the same gets its second spelling beside
   it when the second engine needs it. Included several times, so no guard.

   Literals such as state = 'queued' are written out on purpose: only then does the planner see that
   a partial index (migrate.c) covers the statement. */

/* ---- words shared by several statements ---- */
#ifndef STATEMENT_WORDS
#define STATEMENT_WORDS
#define SQL_TASK_OPEN     "state IN ('queued','running','input_required')"
#define SQL_TASK_RUNNING  "state IN ('running','input_required')"
#define SQL_DELIVERY_OPEN "state IN ('pending','retrying')"
/* What may be sent as soon as its time comes. */
#define SQL_DELIVERY_WAITING SQL_DELIVERY_OPEN " AND lease IS NULL AND held = 0"
/* The order is the one of row_read_task() … in row.c. */
#define SQL_TASK_FIELDS                                                                            \
    "t.seq, t.id, t.agent, t.trigger_type, t.trigger_name, t.state, t.attempt, t.interruptions, "  \
    "t.retries, t.session_id, t.receipt_id, t.response_mode, t.callback_url, t.meta, "             \
    "t.scheduled_at, t.due_at, t.created_at, t.started_at, t.finished_at, t.result_json, "         \
    "t.error_type, t.error_message, t.usage, t.tokens_used, t.tools_called, t.trace_id, t.node, "
#define SQL_TASK_FROM                                                                              \
    " FROM tasks t LEFT JOIN bodies i ON i.id = t.input_id "                                       \
    "LEFT JOIN bodies r ON r.id = t.result_id "
#define SQL_TASK_WHOLE  SQL_TASK_FIELDS "i.head, i.tail, r.head, r.tail" SQL_TASK_FROM
#define SQL_TASK_CUT    SQL_TASK_FIELDS "i.head, NULL, r.head, NULL" SQL_TASK_FROM
#define SQL_TASK_NOBODY SQL_TASK_FIELDS "NULL, NULL, NULL, NULL FROM tasks t "
#define SQL_DELIVERY_FIELDS                                                                        \
    "d.seq, d.id, d.receiver, d.target, d.event, d.task_id, d.state, d.method, d.url, d.headers, " \
    "d.content_type, d.guard, d.progress, d.attempts, d.max_attempts, d.initial_delay, "           \
    "d.max_delay, d.backoff, d.jitter_permille, d.timeout, d.created_at, d.next_at, "              \
    "d.finished_at, d.last_error, "
#define SQL_DELIVERY_WHOLE                                                                         \
    SQL_DELIVERY_FIELDS "b.head, b.tail FROM deliveries d LEFT JOIN bodies b ON b.id = d.body_id "
#define SQL_DELIVERY_CUT SQL_DELIVERY_FIELDS "NULL, NULL FROM deliveries d "
#define SQL_RECEIPT_FIELDS                                                                         \
    "c.seq, c.id, c.route, c.status, c.reason, c.http_status, c.event_type, c.delivery_id, "       \
    "c.entity, c.remote_address, c.secret_used, c.task_id, c.trigger_agent, c.received_at, "       \
    "c.duration_us, c.repeated, "
#define SQL_RECEIPT_WHOLE                                                                          \
    SQL_RECEIPT_FIELDS                                                                             \
    "c.headers, b.head, b.tail FROM receipts c LEFT JOIN bodies b ON b.id = c.body_id "
#define SQL_RECEIPT_CUT SQL_RECEIPT_FIELDS "NULL, NULL, NULL FROM receipts c "
#endif

/* ---- bodies: large bytes, written once, never rewritten ---- */
X(SQL_BODY_PUT, "INSERT INTO bodies(head, tail) VALUES (?1, ?2)")
X(SQL_BODY_DROP, "DELETE FROM bodies WHERE id = ?1")

/* ---- intake ---- */
X(SQL_DEDUP_GET, "SELECT task_id, receipt_id FROM dedup WHERE scope = ?1 AND key = ?2 AND expires_at > ?3")
X(SQL_DEDUP_PUT,
  "INSERT INTO dedup(scope, key, expires_at, task_id, receipt_id) VALUES (?1, ?2, ?3, ?4, ?5) "
  "ON CONFLICT(scope, key) DO UPDATE SET expires_at = excluded.expires_at, "
  "task_id = excluded.task_id, receipt_id = excluded.receipt_id")
X(SQL_DEDUP_DROP, "DELETE FROM dedup WHERE scope = ?1 AND key = ?2")
X(SQL_RECEIPT_PUT,
  "INSERT INTO receipts(id, route, status, reason, http_status, event_type, delivery_id, entity, "
  "remote_address, secret_used, task_id, trigger_agent, received_at, duration_us, repeated, bytes, "
  "body_id, headers) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, "
  "?16, ?17, ?18) ON CONFLICT(id) DO NOTHING")
X(SQL_RECEIPT_UPDATE,
  "UPDATE receipts SET status = ?2, reason = ?3, http_status = ?4, task_id = ?5, duration_us = ?6, "
  "repeated = ?7 WHERE id = ?1")
X(SQL_TASK_PUT,
  "INSERT INTO tasks(id, agent, trigger_type, trigger_name, state, attempt, interruptions, retries, "
  "input_id, session_id, receipt_id, response_mode, callback_url, meta, scheduled_at, due_at, "
  "created_at, started_at, finished_at, result_id, result_json, error_type, error_message, usage, "
  "tokens_used, tools_called, trace_id, node, blocked) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, "
  "?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28, 0)")
X(SQL_EVENT_PUT, "INSERT INTO task_events(task_id, type, at, data) VALUES (?1, ?2, ?3, ?4)")
X(SQL_DELIVERY_PUT,
  "INSERT INTO deliveries(id, receiver, target, event, task_id, state, method, url, headers, "
  "content_type, guard, progress, attempts, max_attempts, granted, initial_delay, max_delay, backoff, "
  "jitter_permille, timeout, created_at, next_at, finished_at, last_error, body_id, held) VALUES "
  "(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?14, ?15, ?16, ?17, ?18, ?19, ?20, "
  "?21, ?22, ?23, ?24, 0)")
X(SQL_MESSAGE_PUT,
  "INSERT INTO session_messages(session_id, role, content, task_id, at) VALUES (?1, ?2, ?3, ?4, ?5)")
/* The row that stands for a due time is the last one that starts at or before it. */
X(SQL_FIRE_AT,
  "SELECT seq, first, last, outcome, reason FROM schedule_fires WHERE schedule = ?1 AND first <= ?2 "
  "ORDER BY first DESC LIMIT 1")
X(SQL_FIRE_PUT,
  "INSERT INTO schedule_fires(schedule, first, last, count, outcome, reason, task_id, at) VALUES "
  "(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")
X(SQL_FIRE_EXTEND, "UPDATE schedule_fires SET last = ?2, count = ?3, at = ?4 WHERE seq = ?1")
X(SQL_SCHEDULE_PUT,
  "INSERT INTO schedules(name, definition, anchor, high_water, last_fired, last_task_id, paused) "
  "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT(name) DO UPDATE SET "
  "definition = excluded.definition, anchor = excluded.anchor, high_water = excluded.high_water, "
  "last_fired = excluded.last_fired, last_task_id = excluded.last_task_id, paused = excluded.paused")
X(SQL_SCHEDULES,
  "SELECT name, definition, anchor, high_water, last_fired, last_task_id, paused FROM schedules "
  "ORDER BY name")

/* ---- tasks ---- */
X(SQL_CLAIM_NEXT,
  "SELECT seq, session_id FROM tasks WHERE state = 'queued' AND blocked = 0 AND agent = ?1 "
  "AND due_at <= ?2 ORDER BY due_at, seq LIMIT 1")
X(SQL_CLAIM_LATER,
  "SELECT due_at FROM tasks WHERE state = 'queued' AND blocked = 0 AND agent = ?1 AND due_at > ?2 "
  "ORDER BY due_at, seq LIMIT 1")
/* A task of the session that runs, or one that waits and came earlier. */
X(SQL_SESSION_TAKEN,
  "SELECT 1 WHERE EXISTS (SELECT 1 FROM tasks WHERE session_id = ?1 AND " SQL_TASK_OPEN
  " AND state IN ('running','input_required')) OR EXISTS (SELECT 1 FROM tasks WHERE session_id = ?1 "
  "AND " SQL_TASK_OPEN " AND state = 'queued' AND seq < ?2)")
X(SQL_TASK_BLOCK, "UPDATE tasks SET blocked = 1 WHERE seq = ?1")
X(SQL_SESSION_UNBLOCK,
  "UPDATE tasks SET blocked = 0 WHERE blocked = 1 AND seq = (SELECT seq FROM tasks WHERE "
  "session_id = ?1 AND " SQL_TASK_OPEN " AND state = 'queued' ORDER BY seq LIMIT 1)")
X(SQL_TASK_CLAIM,
  "UPDATE tasks SET state = 'running', attempt = attempt + 1, started_at = ?2, node = ?3 "
  "WHERE seq = ?1")
X(SQL_TASK_BY_SEQ, "SELECT " SQL_TASK_WHOLE "WHERE t.seq = ?1")
X(SQL_TASK_BY_ID, "SELECT " SQL_TASK_WHOLE "WHERE t.id = ?1")
X(SQL_TASK_FENCE,
  "SELECT seq, state, attempt, node, session_id, result_id FROM tasks WHERE id = ?1")
X(SQL_TASK_MOVE,
  "UPDATE tasks SET state = ?2, interruptions = ?3, retries = ?4, due_at = ?5, finished_at = ?6, "
  "result_id = ?7, result_json = ?8, error_type = ?9, error_message = ?10, usage = ?11, "
  "tokens_used = ?12, tools_called = ?13, node = ?14, blocked = 0 WHERE seq = ?1")
X(SQL_RECOVER_LIST,
  "SELECT " SQL_TASK_NOBODY "WHERE t." SQL_TASK_RUNNING " AND t.state <> 'completed' ORDER BY t.seq")
X(SQL_RECOVER_TASK,
  "UPDATE tasks SET state = 'queued', interruptions = interruptions + 1, node = NULL, blocked = 0 "
  "WHERE seq = ?1")
X(SQL_RECOVER_LEASES, "UPDATE deliveries SET lease = NULL WHERE lease IS NOT NULL")
X(SQL_NEWEST_TASK_IDS, "SELECT id FROM tasks ORDER BY seq DESC LIMIT 100")
X(SQL_QUEUED_BY_AGENT,
  "SELECT agent, count(*), min(created_at) FROM tasks WHERE state = 'queued' AND state <> 'completed' "
  "GROUP BY agent ORDER BY agent")
X(SQL_DELIVERIES_OPEN, "SELECT count(*) FROM deliveries WHERE " SQL_DELIVERY_OPEN)
X(SQL_TASK_DELIVERIES, "SELECT id FROM deliveries WHERE task_id = ?1 ORDER BY seq LIMIT 1000")
X(SQL_EVENTS_OF_TASK,
  "SELECT seq, task_id, type, at, data FROM task_events WHERE task_id = ?1 AND seq > ?2 "
  "ORDER BY seq LIMIT ?3")
X(SQL_EVENTS, "SELECT seq, task_id, type, at, data FROM task_events WHERE seq > ?1 ORDER BY seq LIMIT ?2")
X(SQL_RECEIPT_BY_ID, "SELECT " SQL_RECEIPT_WHOLE "WHERE c.id = ?1")

/* ---- deliveries ---- */
/* The first receiver after ?1 that has something waiting, and when its first one is due: one seek. */
X(SQL_DUE_RECEIVER,
  "SELECT receiver, next_at FROM deliveries WHERE " SQL_DELIVERY_WAITING
  " AND receiver > ?1 ORDER BY receiver, next_at, seq LIMIT 1")
X(SQL_DUE_NEXT,
  "SELECT seq, task_id FROM deliveries WHERE " SQL_DELIVERY_WAITING
  " AND receiver = ?1 AND next_at <= ?2 ORDER BY next_at, seq LIMIT 1")
X(SQL_DUE_HEAD, "SELECT seq, lease, next_at FROM deliveries WHERE seq = (SELECT seq FROM deliveries "
                "WHERE " SQL_DELIVERY_OPEN " AND receiver = ?1 ORDER BY seq LIMIT 1)")
X(SQL_DUE_EARLIER,
  "SELECT 1 FROM deliveries WHERE task_id = ?1 AND receiver = ?2 AND seq < ?3 AND " SQL_DELIVERY_OPEN
  " LIMIT 1")
X(SQL_DUE_LATER,
  "SELECT next_at FROM deliveries WHERE " SQL_DELIVERY_WAITING
  " AND next_at > ?1 ORDER BY next_at LIMIT 1")
X(SQL_DELIVERY_HOLD, "UPDATE deliveries SET held = 1 WHERE seq = ?1")
X(SQL_DELIVERY_UNHOLD,
  "UPDATE deliveries SET held = 0 WHERE task_id = ?1 AND receiver = ?2 AND held = 1")
X(SQL_DELIVERY_LEASE, "UPDATE deliveries SET lease = ?2, held = 0 WHERE seq = ?1")
X(SQL_DELIVERY_BY_SEQ, "SELECT " SQL_DELIVERY_WHOLE "WHERE d.seq = ?1")
X(SQL_DELIVERY_BY_ID, "SELECT " SQL_DELIVERY_WHOLE "WHERE d.id = ?1")
X(SQL_DELIVERY_FENCE, "SELECT seq, receiver, task_id FROM deliveries WHERE id = ?1")
X(SQL_DELIVERY_MOVE,
  "UPDATE deliveries SET state = ?2, attempts = ?3, next_at = ?4, progress = ?5, last_error = ?6, "
  "finished_at = ?7, lease = NULL, held = 0 WHERE seq = ?1")
X(SQL_DELIVERY_RELEASE,
  "UPDATE deliveries SET state = ?2, next_at = ?3, lease = NULL, held = 0 WHERE seq = ?1")
X(SQL_ATTEMPT_PUT,
  "INSERT INTO attempts(delivery, n, at, status_code, error_type, error, duration_us, remote_ip, "
  "response_excerpt) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT(delivery, n) DO UPDATE "
  "SET at = excluded.at, status_code = excluded.status_code, error_type = excluded.error_type, "
  "error = excluded.error, duration_us = excluded.duration_us, remote_ip = excluded.remote_ip, "
  "response_excerpt = excluded.response_excerpt")
X(SQL_ATTEMPTS,
  "SELECT n, at, status_code, error_type, error, duration_us, remote_ip, response_excerpt "
  "FROM attempts WHERE delivery = ?1 ORDER BY n LIMIT 1000")
X(SQL_REDELIVER_ID,
  "UPDATE deliveries SET progress = CASE state WHEN 'succeeded' THEN NULL ELSE progress END, "
  "state = 'pending', max_attempts = max_attempts + granted, next_at = ?2, finished_at = 0, "
  "lease = NULL, held = 0 WHERE id = ?1 AND state IN ('failed','succeeded')")
/* By number, in steps: a dead receiver may have left a great many. NULL and 0 do not filter. */
X(SQL_REDELIVER_STEP,
  "UPDATE deliveries SET state = 'pending', max_attempts = max_attempts + granted, next_at = ?1, "
  "finished_at = 0, lease = NULL, held = 0 WHERE seq IN (SELECT seq FROM deliveries WHERE "
  "state = 'failed' AND state <> 'succeeded' AND (?2 IS NULL OR receiver = ?2) "
  "AND (?3 IS NULL OR task_id = ?3) AND created_at >= ?4 AND created_at <= ?5 "
  "AND finished_at <= ?1 ORDER BY seq LIMIT ?6)")

/* ---- sessions, dynamic webhooks, settings ---- */
X(SQL_MESSAGES,
  "SELECT seq, session_id, role, content, task_id, at FROM session_messages WHERE session_id = ?1 "
  "ORDER BY seq DESC LIMIT ?2")
X(SQL_SESSION_CLEAR, "DELETE FROM session_messages WHERE session_id = ?1")
X(SQL_WEBHOOK_TAKEN, "SELECT 1 FROM webhooks WHERE (name = ?2 OR public_id = ?3) AND id <> ?1")
X(SQL_WEBHOOK_PUT,
  "INSERT INTO webhooks(id, public_id, name, definition, enabled, created_at, updated_at) VALUES "
  "(?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT(id) DO UPDATE SET public_id = excluded.public_id, "
  "name = excluded.name, definition = excluded.definition, enabled = excluded.enabled, "
  "created_at = excluded.created_at, updated_at = excluded.updated_at")
X(SQL_WEBHOOK_DROP, "DELETE FROM webhooks WHERE id = ?1")
X(SQL_WEBHOOKS,
  "SELECT id, public_id, name, definition, enabled, created_at, updated_at FROM webhooks ORDER BY name")
X(SQL_META_GET, "SELECT value FROM meta WHERE key = ?1")
X(SQL_META_PUT,
  "INSERT INTO meta(key, value) VALUES (?1, ?2) ON CONFLICT(key) DO UPDATE SET value = excluded.value")
X(SQL_META_KEEP, "INSERT INTO meta(key, value) VALUES (?1, ?2) ON CONFLICT(key) DO NOTHING")

/* ---- lists: filters and order are added by op_list.c ---- */
X(SQL_LIST_TASKS, "SELECT " SQL_TASK_CUT "WHERE ")
X(SQL_LIST_DELIVERIES, "SELECT " SQL_DELIVERY_CUT "WHERE ")
X(SQL_LIST_RECEIPTS, "SELECT " SQL_RECEIPT_CUT "WHERE ")
X(SQL_LIST_FIRES,
  "SELECT f.seq, f.schedule, f.first, f.last, f.count, f.outcome, f.reason, f.task_id, f.at "
  "FROM schedule_fires f WHERE ")
X(SQL_TASKS_FROM, "SELECT seq FROM tasks WHERE created_at >= ?1 ORDER BY created_at, seq LIMIT 1")
X(SQL_TASKS_UPTO,
  "SELECT seq FROM tasks WHERE created_at <= ?1 ORDER BY created_at DESC, seq DESC LIMIT 1")
X(SQL_DELIVERIES_FROM,
  "SELECT seq FROM deliveries WHERE created_at >= ?1 ORDER BY created_at, seq LIMIT 1")
X(SQL_DELIVERIES_UPTO,
  "SELECT seq FROM deliveries WHERE created_at <= ?1 ORDER BY created_at DESC, seq DESC LIMIT 1")
X(SQL_RECEIPTS_FROM,
  "SELECT seq FROM receipts WHERE received_at >= ?1 ORDER BY received_at, seq LIMIT 1")
X(SQL_RECEIPTS_UPTO,
  "SELECT seq FROM receipts WHERE received_at <= ?1 ORDER BY received_at DESC, seq DESC LIMIT 1")
X(SQL_FIRES_FROM, "SELECT seq FROM schedule_fires WHERE at >= ?1 ORDER BY at, seq LIMIT 1")
X(SQL_FIRES_UPTO, "SELECT seq FROM schedule_fires WHERE at <= ?1 ORDER BY at DESC, seq DESC LIMIT 1")

/* ---- retention ---- */
X(SQL_OLD_TASKS,
  "SELECT seq, id, input_id, result_id, receipt_id FROM tasks WHERE finished_at > 0 "
  "AND finished_at < ?1 ORDER BY finished_at LIMIT ?2")
X(SQL_OLD_TASK_DELIVERIES,
  "SELECT seq, body_id FROM deliveries WHERE task_id = ?1 AND state IN ('succeeded','failed') "
  "LIMIT ?2")
X(SQL_OLD_DELIVERIES,
  "SELECT seq, body_id FROM deliveries WHERE finished_at > 0 AND finished_at < ?1 "
  "ORDER BY finished_at LIMIT ?2")
X(SQL_OLD_RECEIPTS,
  "SELECT seq, body_id, task_id, bytes FROM receipts WHERE received_at < ?1 ORDER BY received_at "
  "LIMIT ?2")
X(SQL_RECEIPTS_OF_STATUS,
  "SELECT seq, body_id, task_id, bytes FROM receipts WHERE status = ?1 AND status <> 'accepted' "
  "ORDER BY seq LIMIT ?2")
X(SQL_OLDEST_RECEIPTS, "SELECT seq, body_id, task_id, bytes FROM receipts ORDER BY seq LIMIT ?1")
X(SQL_RECEIPT_BYTES,
  "SELECT count(*), max(seq), sum(bytes) FROM (SELECT seq, bytes FROM receipts WHERE seq > ?1 "
  "ORDER BY seq LIMIT ?2)")
X(SQL_BODY_OF_TASK, "SELECT 1 FROM tasks WHERE id = ?1 AND input_id = ?2")
X(SQL_BODY_OF_RECEIPT, "SELECT 1 FROM receipts WHERE id = ?1 AND body_id = ?2")
X(SQL_TASK_DROP, "DELETE FROM tasks WHERE seq = ?1")
X(SQL_TASK_EVENTS_DROP,
  "DELETE FROM task_events WHERE seq IN (SELECT seq FROM task_events WHERE task_id = ?1 LIMIT ?2)")
X(SQL_DELIVERY_DROP, "DELETE FROM deliveries WHERE seq = ?1")
X(SQL_RECEIPT_DROP, "DELETE FROM receipts WHERE seq = ?1")
X(SQL_EVENTS_DROP,
  "DELETE FROM task_events WHERE seq IN (SELECT seq FROM task_events WHERE task_id IS NULL "
  "AND at < ?1 ORDER BY at LIMIT ?2)")
X(SQL_FIRES_DROP,
  "DELETE FROM schedule_fires WHERE seq IN (SELECT seq FROM schedule_fires WHERE at < ?1 "
  "ORDER BY at LIMIT ?2)")
X(SQL_MESSAGES_DROP,
  "DELETE FROM session_messages WHERE seq IN (SELECT seq FROM session_messages WHERE at < ?1 "
  "ORDER BY at LIMIT ?2)")
X(SQL_DEDUP_EXPIRE,
  "DELETE FROM dedup WHERE (scope, key) IN (SELECT scope, key FROM dedup WHERE expires_at <= ?1 "
  "ORDER BY expires_at LIMIT ?2)")
