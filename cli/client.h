/* The other end of the API: one request at a time to the running daemon. */
#ifndef KERYX_CLI_CLIENT_H
#define KERYX_CLI_CLIENT_H

#include "base/json.h"
#include "cli/command.h"

struct client {
    const char
        *server; /* --server, else $KERYX_URL, else the listen address of the configuration */
    const char *config;  /* -c */
    struct arena *arena; /* of answers */
    int status;          /* of the last answer */
    struct json *body;   /* of the last answer; NULL when it was no JSON */
    struct str text;     /* the same as it came */
};

/* Finds out where the server is. 0, or an exit code after a line on stderr. */
int client_open(struct client *c) must_check;
void client_close(struct client *c);
/* Whether a daemon answers there at all (GET /health within a second); silent. */
bool client_reaches(struct client *c);
/* body may be NULL. Returns CLI_OK for 2xx; else, after a line on stderr made from the answer, the exit code:
   UNREACHABLE, NOT_FOUND (404), USAGE (400, 422), FAILED. */
int client_ask(struct client *c, const char *method, const char *path, const struct json *body,
               int64_t timeout_us) must_check;
/* The same, but every HTTP answer is CLI_OK: the caller looks at c->status. */
int client_try(struct client *c, const char *method, const char *path, const struct json *body,
               int64_t timeout_us) must_check;

/* Prints the last answer as it came (--json). */
int client_print(const struct client *c);
/* A member of an object as text: strings decoded, others as JSON, "" when absent. */
const char *client_text(struct client *c, const struct json *object, const char *key);

/* ---- tables: columns padded to their widest cell; colours only on a terminal ---- */
struct table {
    struct arena *arena;
    size_t columns, n, cap;
    const char **cells; /* row by row, the headings first */
};
void table_init(struct table *t, struct arena *a, size_t columns, const char *const *headings);
/* One row; cells are C strings that live in the arena or forever. */
void table_row(struct table *t, const char *const *cells);
void table_print(const struct table *t);

#endif
