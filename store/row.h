/* Rows into statements and out of them: the one place that knows the order of the columns. Private
   to the room. Strings read are copied into the arena. */
#ifndef KERYX_STORE_ROW_H
#define KERYX_STORE_ROW_H

#include "store/db.h"
#include "store/rows.h"

/* What a list shows of a body, and one byte more so that the reader sees that it was cut. */
#define ROW_BODY_HEAD (2 * KIB + 1)

/* From SQL_TASK_*, SQL_DELIVERY_*, SQL_RECEIPT_*. */
void row_read_task(struct db_rows *rows, struct arena *a, struct task_row *t);
void row_read_delivery(struct db_rows *rows, struct arena *a, struct delivery_row *d);
void row_read_receipt(struct db_rows *rows, struct arena *a, struct receipt_row *r);

/* Writes the bytes and gives their number; 0 for p == NULL. */
int row_put_body(struct db *db, struct str body, int64_t *id) must_check;
/* 0 is NULL in the column. */
struct param row_body_param(int64_t id);
int row_put_task(struct db *db, const struct task_row *t, int64_t input_id) must_check;
/* task_id and status stand in for those of the row. `id`: the body when it has been written already,
   else 0; gives the body's number. An id that is there already has its outcome updated instead. */
struct row_receipt_as {
    struct str status, task_id;
    int64_t body_id;
};
int row_put_receipt(struct db *db, const struct receipt_row *r,
                    struct row_receipt_as *as) must_check;
int row_put_events(struct db *db, const struct event_row *e, size_t n,
                   int64_t *last_seq) must_check;
int row_put_deliveries(struct db *db, const struct delivery_row *d, size_t n) must_check;
int row_put_messages(struct db *db, const struct message_row *m, size_t n) must_check;

/* An array in an arena that doubles; results are gathered before their number is known. */
void *row_grow(struct arena *a, void *array, size_t n, size_t size) must_check;
#define ROW_PUSH(a, array, n) \
    ((array) = row_grow((a), (array), (n), sizeof(*(array))), &(array)[(n)++])

#endif
