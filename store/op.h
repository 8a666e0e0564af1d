/* How a verb becomes work on a thread. Private to the room.

   A verb fills the private part of its op with store_submit(); one thread calls run(). The function
   must be re-runnable: it sets every output from scratch, because a batch that met a failed statement
   is rolled back and its operations run again, each in a transaction of its own. It returns

     OP_DONE   0, or a failure in op->error (-1) that was seen before anything was written;
     OP_AGAIN  on the writer: what was done may be committed, and run() wants another turn behind
               those that wait by now. What must survive to that turn goes through op->carry_next,
               which becomes op->carry once it is committed.

   A failed statement is found out from the connection (db_failed). */
#ifndef KERYX_STORE_OP_H
#define KERYX_STORE_OP_H

#include "store/row.h"
#include "store/store.h"

#define OP_DONE  0
#define OP_AGAIN 1

enum op_class {
    OP_INTAKE, /* a write that strangers cause: refused first when too much waits */
    OP_WRITE,
    OP_READ,
    OP_READ_LONG, /* not held to the time a read may take */
};

typedef int op_run(struct db *db, struct store_op *op);

/* weight: about how many bytes it writes. */
void store_submit(struct store *s, struct store_op *op, enum op_class class, op_run *run,
                  size_t weight);

/* What belongs to a row, for whoever shows it: a task's deliveries, a delivery's attempts, oldest
   first, at most 1000. Appended to what is there. */
int op_read_delivery_ids(struct db *db, struct arena *a, struct str task_id, struct str **ids,
                         size_t *n) must_check;
int op_read_attempts(struct db *db, struct arena *a, const struct delivery_row *d,
                     struct attempt_row **attempts, size_t *n) must_check;

/* What the operations remember between their turns on the writer thread. */
struct writer_memory {
    char *node;
    char *claim_after;     /* agent that was served last */
    char *due_after;       /* receiver that was served last */
    int64_t receipt_bytes; /* kept; counted up to receipt_seen */
    int64_t receipt_seen;
};
/* Writer thread only. */
struct writer_memory *store_memory(struct store_op *op);
/* A copy of `text` in place of *where. */
void store_remember(char **where, struct str text);

#endif
