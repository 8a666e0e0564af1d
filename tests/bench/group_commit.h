/* A bare SQLite group commit, WAL and synchronous=FULL, on the caller's thread: the floor of a durable
   answer. Either one row a request (delivery id unique, the body beside it), or the rows that keryx
   writes for an asynchronous webhook, in keryx's own schema: body, receipt, task, dedup key. */
#ifndef KERYX_BENCH_GROUP_COMMIT_H
#define KERYX_BENCH_GROUP_COMMIT_H

#include "base/str.h"

enum commit_rows { COMMIT_ONE_ROW, COMMIT_SAME_ROWS };

/* Opens (and makes) the file; ends the process on any error, as every verb here does. */
void commit_open(const char *path, enum commit_rows rows);
void commit_begin(void);
void commit_put(struct str delivery, struct str body);
void commit_end(void);

#endif
