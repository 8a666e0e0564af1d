/* For the tests of config: a text loaded, and what was said about it. */
#ifndef KERYX_TESTS_CONFIG_RIG_H
#define KERYX_TESTS_CONFIG_RIG_H

#include "config/config.h"
#include "tests/t.h"

#include "base/when.h"

#include <stdlib.h>

struct config_rig {
    struct config_problems problems;
    struct config *config; /* also when there were errors */
    struct buf said;
};

static inline void config_rig_text(struct config_rig *rig, struct str yaml, const char *directory)
{
    *rig = (struct config_rig){ .said = BUF_INIT(4 * MIB) };
    config_problems_init(&rig->problems);
    rig->config = config_read_text(yaml, "agents.yaml", directory, &rig->problems);
    config_problems_print(&rig->problems, "agents.yaml", &rig->said);
}

static inline void config_rig_release(struct config_rig *rig)
{
    config_unref(rig->config);
    config_problems_release(&rig->problems);
    buf_release(&rig->said);
    zone_cache_release();
}

/* The whole of what is said about a text. */
static inline void config_rig_expect(const char *yaml, const char *want)
{
    struct config_rig rig;
    config_rig_text(&rig, str_of(yaml), NULL);
    CHECK_BYTES(rig.said.p ? rig.said.p : "", rig.said.n, want);
    CHECK(rig.config || rig.problems.n_errors);
    config_rig_release(&rig);
}

struct config_rig_row {
    const char *name, *yaml, *want;
};

static inline void config_rig_rows(const struct config_rig_row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        ROW(rows[i].name);
        config_rig_expect(rows[i].yaml, rows[i].want);
    }
    ROW("");
}

/* A file below the source, as text the caller frees. */
static inline char *config_rig_file(const char *path, size_t *n)
{
    char full[512];
    snprintf(full, sizeof(full), "%s/%s", SOURCE_DIR, path);
    FILE *f = fopen(full, "rb");
    if (!f) {
        T_FAIL("cannot open %s", full);
        *n = 0;
        return calloc(1, 1);
    }
    char *text = malloc(MIB);
    *n = fread(text, 1, MIB - 1, f);
    text[*n] = 0;
    fclose(f);
    return text;
}

#endif
