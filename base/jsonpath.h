/* `.body.items[0].id`, `.headers.X-GitHub-Event`, `items.0.id`: one look-up for filters, extraction,
   templates' dot dialect and sessions. */
#ifndef KERYX_BASE_JSONPATH_H
#define KERYX_BASE_JSONPATH_H

#include "base/json.h"

struct jsonpath; /* compiled; lives in the arena given */

/* Leading '.' optional; segments are names ([A-Za-z0-9_@$-]+), `["quoted"]`, `[n]` or `.n`.
   NULL and a positioned error (column) when malformed. At most 32 segments. */
struct jsonpath *jsonpath_compile(struct arena *a, struct str text, struct error *e) must_check;
/* The value or NULL. A numeric segment indexes lists and, for objects, is a key. */
const struct json *jsonpath_find(const struct jsonpath *path, const struct json *root);

#endif
