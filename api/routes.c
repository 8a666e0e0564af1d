/* The contents page of the API. */
#include "api/call.h"

const struct api_route api_routes[] = {
    { "GET", "/health", CONFIG_ROLE_NONE, API_OPEN | API_ANY_HOST | API_PUBLIC, health_get, "Is the daemon alive and its store writable" },
    { "GET", "/ready", CONFIG_ROLE_NONE, API_OPEN | API_ANY_HOST, ready_get, "Does it take work" },
    { "GET", "/metrics", CONFIG_ROLE_VIEWER, 0, metrics_get, "Prometheus text" },
    { "GET", "/version", CONFIG_ROLE_VIEWER, 0, version_get, "Name and version" },
    { "GET", "/api/v1/agents", CONFIG_ROLE_VIEWER, 0, agents_list, "Agents of the configuration" },
    { "GET", "/api/v1/agents/{name}", CONFIG_ROLE_VIEWER, 0, agents_get, "One agent" },
    { "POST", "/api/v1/agents/{name}/run", CONFIG_ROLE_OPERATOR, 0, run_post, "Run an agent: sync, async or callback" },
    { "GET", "/api/v1/tasks", CONFIG_ROLE_VIEWER, 0, tasks_list, "Tasks, newest first" },
    { "GET", "/api/v1/tasks/{id}", CONFIG_ROLE_VIEWER, API_TASK_KEY, tasks_get, "One task" },
    { "GET", "/api/v1/tasks/{id}/output", CONFIG_ROLE_VIEWER, API_TASK_KEY, tasks_output, "A task's result alone" },
    { "GET", "/api/v1/tasks/{id}/events", CONFIG_ROLE_VIEWER, 0, tasks_events, "A task's events, oldest first" },
    { "POST", "/api/v1/tasks/{id}/cancel", CONFIG_ROLE_OPERATOR, 0, tasks_cancel, "Cancel a task" },
    { "POST", "/api/v1/tasks/{id}/retry", CONFIG_ROLE_OPERATOR, 0, tasks_retry, "Run a failed or cancelled task again" },
    { "GET", "/api/v1/schedules", CONFIG_ROLE_VIEWER, 0, schedules_list, "Schedules with their next times" },
    { "GET", "/api/v1/schedules/{name}", CONFIG_ROLE_VIEWER, 0, schedules_get, "One schedule" },
    { "GET", "/api/v1/receipts", CONFIG_ROLE_VIEWER, 0, receipts_list, "Inbound webhook requests, newest first" },
    { "GET", "/api/v1/receipts/{id}", CONFIG_ROLE_VIEWER, 0, receipts_get, "One receipt with headers and body" },
    { "GET", "/api/v1/deliveries", CONFIG_ROLE_VIEWER, 0, deliveries_list, "Outgoing deliveries, newest first" },
    { "GET", "/api/v1/deliveries/{id}", CONFIG_ROLE_VIEWER, 0, deliveries_get, "One delivery with its attempts" },
    { "POST", "/api/v1/deliveries/{id}/retry", CONFIG_ROLE_OPERATOR, 0, deliveries_retry, "Send a delivery again" },
    { "POST", "/api/v1/deliveries/retry", CONFIG_ROLE_OPERATOR, 0, deliveries_retry_many, "Send failed deliveries again, by filter" },
    { "POST", "/api/v1/reload", CONFIG_ROLE_ADMIN, 0, reload_post, "Read the configuration again" },
};

const size_t api_n_routes = N_ELEMENTS(api_routes);
