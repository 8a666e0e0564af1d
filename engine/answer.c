/* A task as its caller is told of it: the one shape of sync answers, callbacks and `run`. */
#include "engine/engine.h"

#include "base/json.h"

struct json *engine_answer(struct arena *a, const struct task_row *task)
{
    struct json *o = json_object(a);
    json_put(a, o, STR("task_id"), json_str(a, task->id));
    json_put_str(a, o, "status", task_state_word(task->state));
    if (task->state == TASK_COMPLETED) {
        /* json_parse() gives views: the copy lives as long as the answer. */
        struct json *value =
            task->result_json ? json_parse(a, arena_str(a, task->result), NULL, NULL) : NULL;
        json_put(a, o, STR("result"), value ? value : json_str(a, task->result));
    } else {
        json_put(a, o, STR("error"),
                 json_str(a, task->error_message.p ? task->error_message
                                                   : STR("the task was cancelled")));
    }
    json_put(a, o, STR("agent_name"), json_str(a, task->agent));
    return o;
}
