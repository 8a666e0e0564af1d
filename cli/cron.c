/* keryx cron: when an expression is due, and why. */
#include "cli/command.h"

#include "base/clock.h"
#include "triggers/cron.h"

#include <stdio.h>

#define CRON_MAX_LINES 100000

struct cron_ask {
    const char *zone, *count, *from;
    bool explain;
};

static void cron_line(const struct zone *z, int64_t at, const struct cron_moved *moved,
                      bool explain)
{
    char local[WHEN_TEXT], wanted[WHEN_TEXT];
    printf("%s", when_format_local(at, z, local));
    if (explain) {
        printf("  %s", when_format_us(at * US_PER_S, wanted));
        struct civil c = civil_from_seconds(moved->wanted_local);
        if (moved->kind == CRON_AFTER_GAP)
            printf("  moved: %02d:%02d:%02d does not exist that day", c.hour, c.minute, c.second);
        else if (moved->kind == CRON_FIRST_OF_TWO)
            printf("  first of two: this wall time comes again");
        else if (moved->kind == CRON_SECOND_OF_TWO)
            printf("  second of two: this wall time was there before");
    }
    putchar('\n');
}

static int cron_print(const char *text, const struct cron_ask *ask)
{
    struct error e = ERROR_INIT;
    uint64_t n = 5;
    int64_t from_us = clock_wall(&clock_real);
    const struct zone *z = zone_get(str_of(ask->zone), &e);
    if (!z)
        return cli_fail(CLI_USAGE, "--tz: %s", e.text);
    if (ask->count && (str_u64(str_of(ask->count), &n) != 0 || n > CRON_MAX_LINES))
        return cli_fail(CLI_USAGE, "-n: expected a number up to %d", CRON_MAX_LINES);
    if (ask->from && when_parse(str_of(ask->from), z, &from_us, &e) != 0)
        return cli_fail(CLI_USAGE, "--from: %s", e.text);
    struct cron_context context = { STR("default"), STR("default"), z };
    struct cron *cron = cron_parse(str_of(text), &context, &e);
    if (!cron)
        return cli_fail(CLI_USAGE, "%s", e.text);
    if (cron_zone(cron))
        z = cron_zone(cron);
    for (size_t i = 0; ask->explain && cron_note(cron, i); i++)
        fprintf(stderr, "note: %s\n", cron_note(cron, i));
    int64_t at = from_us / US_PER_S;
    for (uint64_t i = 0; i < n; i++) {
        struct cron_moved moved = { 0 };
        at = cron_next(cron, z, at, &moved);
        if (at == CRON_NONE)
            break;
        cron_line(z, at, &moved, ask->explain);
    }
    cron_free(cron);
    return CLI_OK;
}

static int cron_run(int argc, char **argv)
{
    struct cron_ask ask = { .zone = "UTC" };
    const struct cli_option options[] = {
        { 0, "tz", &ask.zone, NULL },
        { 'n', "count", &ask.count, NULL },
        { 0, "from", &ask.from, NULL },
        { 0, "explain", NULL, &ask.explain },
    };
    int words = cli_options(&cli_cron, argc, argv, options, N_ELEMENTS(options));
    if (words != 1) {
        if (words >= 0)
            cli_print_help(&cli_cron, true);
        return CLI_USAGE;
    }
    int code = cron_print(argv[1], &ask);
    zone_cache_release();
    return code;
}

const struct command cli_cron = {
    .name = "cron",
    .usage = "\"EXPR\" [--tz ZONE] [-n 5] [--from TIME] [--explain]",
    .summary = "print when a cron expression is due, one RFC 3339 line each",
    .help = "  --tz ZONE    IANA zone (default UTC)\n"
            "  -n N         how many (default 5)\n"
            "  --from TIME  strictly after this time (default now); without offset it is a time in "
            "ZONE\n"
            "  --explain    also UTC, and what daylight saving moved\n",
    .run = cron_run,
};
