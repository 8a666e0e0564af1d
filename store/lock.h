/* One daemon a store file: an advisory lock on FILE.lock, with the pid of its holder inside. The
   kernel drops it with the process, so nothing stale is ever left. Private to the room. */
#ifndef KERYX_STORE_LOCK_H
#define KERYX_STORE_LOCK_H

#include "base/error.h"

/* The descriptor that holds the lock, for the caller to close; -1 with ERROR_BUSY naming the other
   process, or ERROR_IO. */
int lock_take(const char *store_path, struct error *e) must_check;

#endif
