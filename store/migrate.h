/* Brings a database to the schema this binary knows. Private to the room. */
#ifndef KERYX_STORE_MIGRATE_H
#define KERYX_STORE_MIGRATE_H

#include "store/db.h"

/* Runs the steps that are missing, each in a transaction of its own together with its version.
   may_write false: an older schema is an error too. Refuses a database of a newer keryx
   (ERROR_INVALID) and one that is not ours. */
int migrate_run(struct db *db, bool may_write, struct error *e) must_check;

#endif
