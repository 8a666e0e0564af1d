/* triggers/filter: which events pass. */
#include "tests/t.h"
#include "triggers/filter.h"

TEST(a_pattern_names_an_event_in_the_vendors_words_or_in_ours)
{
    static const struct {
        const char *pattern, *event;
        bool want;
    } rows[] = {
        { "issues.opened", "issues.opened", true },
        { "issues", "issues.opened", true },
        { "issues", "issues", true },
        { "issue", "issues.opened", false },
        { "issues.opened", "issues", false },
        { "issues.*", "issues.opened", true },
        { "issues.*", "issues", false },
        { "*.opened", "issues.opened", true },
        { "*.opened", "issues.closed", false },
        { "pull_request*", "pull_request_review.submitted", true },
        { "pull_request", "pull_request_review.submitted", false },
        { "*", "anything.at_all", true },
        { "*", "", true },
        { "", "issues", false },
        { "", "", false },
        { " issues ", "issues.opened", true },
        { "Issues.Opened", "issues.opened", true },
        { "pull-request", "pull_request.opened", true },
        { "Merge Request Hook", "merge_request.open", true },
        { "Merge Request Hook", "merge_request", true },
        { "merge_request", "Merge Request Hook", true },
        { "merge request", "merge_request.open", true },
        { "Pipeline Hook", "pipeline", true },
        { "Hook", "hook", true },
        { "web_hook", "web_hook.created", true },
        { "web", "web_hook", false },
        { "orders/create", "orders.create", true },
        { "orders", "orders.create", true },
        { "jira:issue_updated", "issue_updated", true },
        { "zen:event-type:ticket.created", "ticket.created", true },
        { "customer", "customer.subscription.created", true },
        { "customer.subscription", "customer.subscription.created", true },
        { "customer.*.created", "customer.subscription.created", true },
    };
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        ROW(rows[i].pattern);
        CHECK_INT(filter_event_matches(str_of(rows[i].pattern), str_of(rows[i].event)),
                  rows[i].want);
    }
}

TEST(deny_wins_and_an_unknown_event_passes_no_allow_list)
{
    static const struct {
        const char *row, *allow, *deny, *event;
        bool want;
    } rows[] = {
        { "no lists", NULL, NULL, "push", true },
        { "no lists, unknown", NULL, NULL, "", true },
        { "allowed", "push", NULL, "push", true },
        { "not allowed", "push", NULL, "issues.opened", false },
        { "unknown", "push", NULL, "", false },
        { "unknown, even where all are allowed", "*", NULL, "", false },
        { "denied", NULL, "push", "push", false },
        { "not denied", NULL, "push", "issues.opened", true },
        { "denied by type", NULL, "issues", "issues.opened", false },
        { "allowed and denied", "issues", "issues.closed", "issues.closed", false },
        { "allowed beside a denial", "issues", "issues.closed", "issues.opened", true },
        { "unknown under a deny list", NULL, "push", "", true },
        { "everything denied", NULL, "*", "", false },
    };
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        struct config_text allow = { .s = str_of(rows[i].allow) },
                           deny = { .s = str_of(rows[i].deny) };
        struct config_texts allowed = { &allow, rows[i].allow != NULL },
                            denied = { &deny, rows[i].deny != NULL };
        ROW(rows[i].row);
        CHECK_INT(filter_event_allowed(&allowed, &denied, str_of(rows[i].event)), rows[i].want);
    }
}

TEST(any_entry_of_a_list_will_do)
{
    struct config_text items[] = { { .s = STR("push") }, { .s = STR("issues.opened") } };
    struct config_texts list = { items, 2 }, none = { NULL, 0 };
    CHECK(filter_event_allowed(&list, &none, STR("issues.opened")));
    CHECK(!filter_event_allowed(&list, &none, STR("issues.closed")));
    CHECK(!filter_event_allowed(&none, &list, STR("push")));
}
