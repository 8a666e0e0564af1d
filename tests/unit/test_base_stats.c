/* Metrics and their text. */
#include "base/stats.h"
#include "tests/t.h"

#include <math.h>
#include <pthread.h>

/* The printed text; the caller frees. */
static char *printed(void)
{
    struct buf out = BUF_INIT(16 * MIB);
    stats_print(&out);
    CHECK(buf_ok(&out));
    return buf_detach(&out);
}

/* The lines that begin with `name`, without HELP and TYPE. */
static char *lines_of(const char *name)
{
    auto_free char *text = printed();
    struct str rest = str_of(text), line;
    struct buf out = BUF_INIT(16 * MIB);
    while (str_split(&rest, '\n', &line)) {
        if (str_starts(line, str_of(name)))
            buf_printf(&out, "%" STR_FMT "\n", STR_ARG(line));
    }
    return buf_detach(&out);
}

TEST(counters_count_by_labels)
{
    stats_reset();
    stats_inc(STATS_TASKS, "daily", "cron", "done");
    stats_inc(STATS_TASKS, "daily", "cron", "done");
    stats_add(STATS_TASKS, 5, "daily", "cron", "failed");
    stats_inc(STATS_TASKS, "other-agent", NULL, "");
    CHECK_INT(stats_get(STATS_TASKS, "daily", "cron", "done"), 2);
    CHECK_INT(stats_get(STATS_TASKS, "daily", "cron", "failed"), 5);
    CHECK_INT(stats_get(STATS_TASKS, "nobody", "cron", "failed"), 0);
    CHECK_INT(stats_sum(STATS_TASKS), 8);
    auto_free char *got = lines_of("keryx_tasks_total");
    CHECK_CSTR(got, "keryx_tasks_total{agent=\"daily\",trigger=\"cron\",status=\"done\"} 2\n"
                    "keryx_tasks_total{agent=\"daily\",trigger=\"cron\",status=\"failed\"} 5\n"
                    "keryx_tasks_total{agent=\"other-agent\",trigger=\"\",status=\"\"} 1\n");
}

TEST(label_values_do_not_run_into_each_other)
{
    stats_reset();
    stats_inc(STATS_DELIVERIES, "ab", "c", NULL);
    stats_inc(STATS_DELIVERIES, "a", "bc", NULL);
    CHECK_INT(stats_get(STATS_DELIVERIES, "ab", "c", NULL), 1);
    CHECK_INT(stats_get(STATS_DELIVERIES, "a", "bc", NULL), 1);
}

TEST(label_values_are_escaped_and_bounded)
{
    static const struct {
        const char *value, *want;
    } rows[] = {
        { "plain", "plain" }, { "a\"b", "a\\\"b" },         { "a\\b", "a\\\\b" },
        { "a\nb", "a\\nb" },  { "h\xC3\xA9", "h\xC3\xA9" }, { "\xFF!", "\xEF\xBF\xBD!" },
        { "{},=", "{},=" },
    };
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        char want[128];
        stats_reset();
        stats_inc(STATS_RELOADS, rows[i].value, NULL, NULL);
        auto_free char *got = lines_of("keryx_reloads_total");
        snprintf(want, sizeof(want), "keryx_reloads_total{outcome=\"%s\"} 1\n", rows[i].want);
        CHECK_CSTR(got, want);
    }
    char longer[1000];
    memset(longer, 'x', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    stats_reset();
    stats_inc(STATS_RELOADS, longer, NULL, NULL);
    auto_free char *got = lines_of("keryx_reloads_total");
    CHECK_INT(strlen(got), strlen("keryx_reloads_total{outcome=\"\"} 1\n") + 128);
}

TEST(too_many_series_are_counted_under_other)
{
    char agent[16];
    stats_reset();
    for (int i = 0; i < STATS_MAX_SERIES + 500; i++) {
        snprintf(agent, sizeof(agent), "a%d", i);
        stats_inc(STATS_DELIVERIES, agent, "ok", NULL);
    }
    CHECK_INT(stats_get(STATS_DELIVERIES, "other", "other", NULL), 500);
    CHECK_INT(stats_get(STATS_DELIVERIES, "a0", "ok", NULL), 1);
    CHECK_INT(stats_get(STATS_DELIVERIES, "a2100", "ok", NULL), 0);
    CHECK_INT(stats_sum(STATS_DELIVERIES), STATS_MAX_SERIES + 500);
    stats_inc(STATS_DELIVERIES, "a0", "ok", NULL);
    CHECK_INT(stats_get(STATS_DELIVERIES, "a0", "ok", NULL), 2);
    stats_reset();
    CHECK_INT(stats_sum(STATS_DELIVERIES), 0);
}

static double read_gauge(void *ctx)
{
    return *(double *)ctx;
}

TEST(gauges_are_set_moved_and_asked)
{
    double value = 2.5;
    stats_reset();
    stats_set(STATS_HTTP_CONNECTIONS, 7, NULL, NULL, NULL);
    stats_add(STATS_HTTP_CONNECTIONS, -3, NULL, NULL, NULL);
    CHECK_INT(stats_get(STATS_HTTP_CONNECTIONS, NULL, NULL, NULL), 4);
    stats_gauge_fn(STATS_QUEUE_DEPTH, read_gauge, &value);
    stats_gauge_fn(STATS_LOG_LOST, read_gauge, &value);
    CHECK(stats_get(STATS_QUEUE_DEPTH, NULL, NULL, NULL) == 2.5);
    auto_free char *depth = lines_of("keryx_queue_depth");
    CHECK_CSTR(depth, "keryx_queue_depth 2.5\n");
    auto_free char *lost = lines_of("keryx_log_lines_lost_total");
    CHECK_CSTR(lost, "keryx_log_lines_lost_total 2.5\n");
    stats_gauge_fn(STATS_QUEUE_DEPTH, NULL, NULL);
    CHECK_INT(stats_get(STATS_QUEUE_DEPTH, NULL, NULL, NULL), 0);
    stats_reset();
    CHECK_INT(stats_get(STATS_LOG_LOST, NULL, NULL, NULL), 0);
}

TEST(numbers_read_back)
{
    static const struct {
        double value;
        const char *want;
    } rows[] = {
        { 0, "0" },
        { 1, "1" },
        { -1, "-1" },
        { 0.1, "0.1" },
        { 1e15, "1e+15" },
        { 123456789012, "123456789012" },
        { 1.0 / 3, "0.33333333333333331" },
        { INFINITY, "+Inf" },
        { -INFINITY, "-Inf" },
        { NAN, "NaN" },
        { 1e-300, "1e-300" },
    };
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        char want[64];
        stats_reset();
        stats_set(STATS_HTTP_CONNECTIONS, rows[i].value, NULL, NULL, NULL);
        auto_free char *got = lines_of("keryx_http_connections");
        snprintf(want, sizeof(want), "keryx_http_connections %s\n", rows[i].want);
        CHECK_CSTR(got, want);
    }
}

TEST(a_histogram_counts_below_each_bound)
{
    stats_reset();
    static const double sizes[] = { 1, 1, 2, 3, 1024, 5000 };
    for (size_t i = 0; i < N_ELEMENTS(sizes); i++)
        stats_add(STATS_STORE_BATCH, sizes[i], NULL, NULL, NULL);
    CHECK_INT(stats_get(STATS_STORE_BATCH, NULL, NULL, NULL), 6);
    auto_free char *got = lines_of("keryx_store_batch_size");
    CHECK_CSTR(got, "keryx_store_batch_size_bucket{le=\"1\"} 2\n"
                    "keryx_store_batch_size_bucket{le=\"2\"} 3\n"
                    "keryx_store_batch_size_bucket{le=\"4\"} 4\n"
                    "keryx_store_batch_size_bucket{le=\"8\"} 4\n"
                    "keryx_store_batch_size_bucket{le=\"16\"} 4\n"
                    "keryx_store_batch_size_bucket{le=\"32\"} 4\n"
                    "keryx_store_batch_size_bucket{le=\"64\"} 4\n"
                    "keryx_store_batch_size_bucket{le=\"128\"} 4\n"
                    "keryx_store_batch_size_bucket{le=\"256\"} 4\n"
                    "keryx_store_batch_size_bucket{le=\"512\"} 4\n"
                    "keryx_store_batch_size_bucket{le=\"1024\"} 5\n"
                    "keryx_store_batch_size_bucket{le=\"+Inf\"} 6\n"
                    "keryx_store_batch_size_sum 6031\n"
                    "keryx_store_batch_size_count 6\n");
}

TEST(a_labelled_histogram_of_seconds)
{
    stats_reset();
    stats_add(STATS_TASK_SECONDS, 0.0005, "daily", NULL, NULL);
    stats_add(STATS_TASK_SECONDS, 61, "daily", NULL, NULL);
    auto_free char *got = lines_of("keryx_task_duration_seconds");
    struct str text = str_of(got);
    CHECK(str_starts(text,
                     STR("keryx_task_duration_seconds_bucket{agent=\"daily\",le=\"0.0005\"} 1\n")));
    CHECK(str_ends(text, STR("keryx_task_duration_seconds_bucket{agent=\"daily\",le=\"60\"} 1\n"
                             "keryx_task_duration_seconds_bucket{agent=\"daily\",le=\"+Inf\"} 2\n"
                             "keryx_task_duration_seconds_sum{agent=\"daily\"} 61.0005\n"
                             "keryx_task_duration_seconds_count{agent=\"daily\"} 2\n")));
}

static void *count_many(void *arg)
{
    (void)arg;
    for (int i = 0; i < 50000; i++) {
        stats_inc(STATS_TEMPLATE_WARNINGS, NULL, NULL, NULL);
        stats_add(STATS_STORE_COMMIT, 1, NULL, NULL, NULL);
    }
    return NULL;
}

TEST(metrics_without_labels_count_from_any_thread)
{
    stats_reset();
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        CHECK_INT(pthread_create(&threads[i], NULL, count_many, NULL), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    CHECK_INT(stats_get(STATS_TEMPLATE_WARNINGS, NULL, NULL, NULL), 200000);
    CHECK_INT(stats_get(STATS_STORE_COMMIT, NULL, NULL, NULL), 200000);
}

/* The rules of `promtool check metrics` that a table can break. */
static void check_metric(struct str name, struct str type, struct str help)
{
    char row[128];
    snprintf(row, sizeof(row), "%" STR_FMT, STR_ARG(name));
    ROW(row);
    CHECK(help.n > 0);
    CHECK_INT(str_ends(name, STR("_total")), str_eq_c(type, "counter"));
    static const char *const reserved[] = { "_bucket", "_count", "_sum", "_info" };
    for (size_t i = 0; i < N_ELEMENTS(reserved); i++)
        CHECK(!str_ends(name, str_of(reserved[i])));
    static const char *const wrong[] = { "_ms",        "_milliseconds", "_minutes",
                                         "_kilobytes", "_mb",           "_counter",
                                         "_gauge",     "_percent",      "_histogram" };
    for (size_t i = 0; i < N_ELEMENTS(wrong); i++)
        CHECK_INT(str_find(name, str_of(wrong[i])), -1);
    for (size_t i = 0; i < name.n; i++)
        CHECK(strchr("abcdefghijklmnopqrstuvwxyz_", name.p[i]) != NULL);
}

TEST(every_metric_has_help_type_and_a_good_name)
{
    stats_reset();
    auto_free char *text = printed();
    struct str rest = str_of(text), line, name = STR_NULL, help = STR_NULL;
    size_t n = 0;
    while (str_split(&rest, '\n', &line)) {
        struct str word, tail = line;
        CHECK(str_split(&tail, ' ', &word) || !line.n);
        if (!str_eq_c(word, "#"))
            continue;
        struct str kind = STR_NULL, what = STR_NULL;
        CHECK(str_split(&tail, ' ', &kind) && str_split(&tail, ' ', &what));
        if (str_eq_c(kind, "HELP")) {
            name = what;
            help = tail;
            continue;
        }
        CHECK(str_eq_c(kind, "TYPE") && str_eq(what, name));
        check_metric(name, tail, help);
        n++;
    }
    CHECK_INT(n, STATS_COUNT + 6);
}

TEST(the_process_tells_about_itself)
{
    static const struct {
        const char *name;
        double least, most;
    } rows[] = {
        { "process_cpu_seconds_total", 0, 1e6 },
        { "process_virtual_memory_bytes", 1e5, 1e18 },
        { "process_resident_memory_bytes", 1e5, 1e12 },
        { "process_open_fds", 3, 1000 },
        { "process_max_fds", 3, INFINITY },
        { "process_start_time_seconds", 1.7e9, 1e11 },
    };
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        double value = -1;
        auto_free char *line = lines_of(rows[i].name);
        struct str text = str_of(line);
        ROW(rows[i].name);
        CHECK(text.n > 0);
        struct str number = str_trim(str_sub(text, (size_t)str_chr(text, ' ') + 1, text.n));
        CHECK(str_double(number, &value) == 0 || str_eq_c(number, "+Inf"));
        CHECK(str_eq_c(number, "+Inf") || (value >= rows[i].least && value <= rows[i].most));
    }
    auto_free char *once = lines_of("process_start_time_seconds");
    auto_free char *twice = lines_of("process_start_time_seconds");
    CHECK_CSTR(once, twice);
    stats_reset();
}
