/* OpenAI's chat completions (POST {base_url}/chat/completions), which most servers speak: vLLM,
   llama.cpp, Groq, OpenRouter, LM Studio. Source: OpenAI's API reference, and bytes of those servers. */
#include "agents/llm.h"

#include "agents/output.h"
#include "base/json.h"

#define OPENAI_BASE     "https://api.openai.com/v1"
#define OPENAI_MAX_BODY (32 * MIB)

/* ---- asking ---- */

static void openai_member(struct buf *out, const char *key)
{
    buf_printf(out, ",\"%s\":", key);
}

static void openai_messages(struct buf *out, const struct prompt *p)
{
    buf_cstr(out, "\"messages\":[");
    if (p->system.n) {
        buf_cstr(out, "{\"role\":\"system\",\"content\":");
        json_quote(out, p->system);
        buf_cstr(out, "},");
    }
    for (size_t i = 0; i < p->n; i++) {
        buf_cstr(out, i ? ",{\"role\":" : "{\"role\":");
        json_quote(out, p->turns[i].role);
        buf_cstr(out, ",\"content\":");
        buf_str(out, p->turns[i].content);
        buf_char(out, '}');
    }
    buf_char(out, ']');
}

static void openai_schema(struct buf *out, const struct llm_ask *ask)
{
    openai_member(out, "response_format");
    buf_cstr(out, "{\"type\":\"json_schema\",\"json_schema\":{\"name\":");
    json_quote(out, ask->schema_name);
    buf_printf(out, ",\"strict\":%s,\"schema\":", ask->schema_strict ? "true" : "false");
    json_write(out, ask->schema, JSON_COMPACT);
    buf_cstr(out, "}}");
}

/* OpenAI itself has renamed max_tokens; the other servers know the old name. */
static const char *openai_max_tokens(const struct llm_ask *ask)
{
    bool renamed = !ask->llm->base_url.s.n;
    if (ask->without & LLM_WITHOUT_MAX_TOKENS)
        renamed = !renamed;
    return renamed ? "max_completion_tokens" : "max_tokens";
}

static void openai_body(struct buf *out, struct arena *a, const struct llm_ask *ask)
{
    const struct config_llm *llm = ask->llm;
    buf_char(out, '{');
    openai_messages(out, ask->prompt);
    openai_member(out, "model");
    json_quote(out, llm->model.s);
    openai_member(out, openai_max_tokens(ask));
    buf_printf(out, "%u", ask->max_tokens);
    if (llm->has_temperature && !(ask->without & LLM_WITHOUT_TEMPERATURE)) {
        openai_member(out, "temperature");
        json_write(out, json_double(a, llm->temperature), JSON_COMPACT);
    }
    if (ask->schema)
        openai_schema(out, ask);
    if (!(ask->without & LLM_WITHOUT_STREAM)) {
        openai_member(out, "stream");
        buf_cstr(out, "true");
        if (!(ask->without & LLM_WITHOUT_STREAM_OPTIONS)) {
            openai_member(out, "stream_options");
            buf_cstr(out, "{\"include_usage\":true}");
        }
    }
    buf_char(out, '}');
}

static int openai_request(struct arena *a, const struct llm_ask *ask, struct llm_request *out,
                          struct error *e)
{
    const struct config_llm *llm = ask->llm;
    struct str base = llm->base_url.s.n ? llm->base_url.s : STR(OPENAI_BASE);
    if (!llm->base_url.s.n && !llm->api_key.s.n)
        return error_set(e, ERROR_DENIED,
                         "api_key is not set; expected one (usually ${OPENAI_API_KEY})");
    while (str_ends(base, STR("/")))
        base.n--;
    auto_buf body = BUF_INIT(OPENAI_MAX_BODY);
    openai_body(&body, a, ask);
    if (!buf_ok(&body))
        return error_set(e, ERROR_LIMIT, "the request is larger than %zu bytes", OPENAI_MAX_BODY);
    out->url = arena_printf(a, "%" STR_FMT "/chat/completions", STR_ARG(base));
    out->body = arena_str(a, buf_view(&body));
    out->n_headers = 0;
    if (llm->api_key.s.n)
        out->headers[out->n_headers++] =
            (struct http_header){ STR("Authorization"),
                                  arena_printf(a, "Bearer %" STR_FMT, STR_ARG(llm->api_key.s)) };
    return 0;
}

/* ---- a whole answer ---- */

static void openai_usage(const struct json *root, int64_t *in, int64_t *out)
{
    const struct json *usage = json_get(root, STR("usage"));
    int64_t n;
    if (json_get_i64(usage, "prompt_tokens", &n) == 0 && n >= 0)
        *in = n;
    if (json_get_i64(usage, "completion_tokens", &n) == 0 && n >= 0)
        *out = n;
}

/* A string, or a list of parts with texts. */
static void openai_content(struct arena *a, const struct json *content, struct buf *out)
{
    if (content && content->type == JSON_STRING)
        buf_str(out, json_text(a, content));
    const struct json *part = content && content->type == JSON_LIST ? content->child : NULL;
    for (; part; part = part->next)
        buf_str(out, json_get_str(a, part, "text", STR("")));
}

static int openai_finish(struct arena *a, const struct llm_partial *p, struct llm_answer *out,
                         struct error *e)
{
    bool filtered = str_eq_c(p->finish, "content_filter");
    if (!buf_ok(&p->text))
        return error_set(e, ERROR_LIMIT, "its text is larger than %zu bytes", p->text.limit);
    if (p->text.n == 0 && !p->refusal.n && !filtered && str_eq_c(p->finish, "tool_calls"))
        return error_set(e, ERROR_INVALID, "it calls tools, of which none was offered");
    out->refused = filtered || p->refusal.n > 0;
    out->text = arena_str(a, buf_view(p->refusal.n ? &p->refusal : &p->text));
    out->truncated = str_eq_c(p->finish, "length");
    out->tokens_in = p->tokens_in;
    out->tokens_out = p->tokens_out;
    return 0;
}

static struct str openai_error_message(struct arena *a, const struct json *error)
{
    if (error && error->type == JSON_STRING)
        return json_text(a, error);
    return json_get_str(a, error, "message", STR_NULL);
}

static int openai_answer(struct arena *a, struct str body, struct llm_answer *out, struct error *e)
{
    struct error why = ERROR_INIT;
    const struct json *root = json_parse(a, body, NULL, &why);
    if (!root)
        return error_set(e, ERROR_INVALID, "it is not JSON (%s)", why.text);
    const struct json *choice = json_at(json_get(root, STR("choices")), 0);
    const struct json *message = json_get(choice, STR("message"));
    if (!message || message->type != JSON_OBJECT) {
        struct str said = openai_error_message(a, json_get(root, STR("error")));
        if (said.p) /* some gateways answer 200 and an error */
            return error_set(e, ERROR_INVALID, "it is an error: %" STR_FMT, STR_ARG(said));
        return error_set(e, ERROR_INVALID, "it has no choices[0].message");
    }
    struct llm_partial p = { .text = BUF_INIT(body.n),
                             .refusal = BUF_INIT(body.n),
                             .tokens_in = -1,
                             .tokens_out = -1,
                             .finish = json_get_str(a, choice, "finish_reason", STR("")) };
    openai_content(a, json_get(message, STR("content")), &p.text);
    openai_content(a, json_get(message, STR("refusal")), &p.refusal);
    openai_usage(root, &p.tokens_in, &p.tokens_out);
    int rc = openai_finish(a, &p, out, e);
    buf_release(&p.text);
    buf_release(&p.refusal);
    return rc;
}

/* ---- a streamed answer ---- */

static int openai_event(struct arena *a, struct str data, struct llm_partial *p, bool *retryable,
                        struct error *e)
{
    struct error why = ERROR_INIT;
    if (str_eq_c(str_trim(data), "[DONE]")) {
        p->done = true;
        return 0;
    }
    struct arena *scratch = arena_new(0);
    const struct json *root = json_parse(scratch, data, NULL, &why);
    const struct json *error = json_get(root, STR("error"));
    int rc = 0;
    if (!root) {
        struct str piece = output_excerpt(scratch, data, 120);
        rc = error_set(e, ERROR_INVALID, "an event is not JSON: %" STR_FMT, STR_ARG(piece));
    } else if (error && error->type != JSON_NULL) {
        struct str said = openai_error_message(scratch, error);
        *retryable = true; /* after a 200: the server broke down, it did not refuse */
        rc = error_set(e, ERROR_IO, "the server reported: %" STR_FMT,
                       STR_ARG(said.p ? said : STR("an error")));
    } else {
        const struct json *choice = json_at(json_get(root, STR("choices")), 0);
        const struct json *delta = json_get(choice, STR("delta"));
        struct str finish = json_get_str(scratch, choice, "finish_reason", STR(""));
        openai_content(scratch, json_get(delta, STR("content")), &p->text);
        openai_content(scratch, json_get(delta, STR("refusal")), &p->refusal);
        if (finish.n)
            p->finish = arena_str(a, finish);
        openai_usage(root, &p->tokens_in, &p->tokens_out);
    }
    arena_free(scratch);
    return rc;
}

static int openai_end(struct arena *a, const struct llm_partial *p, struct llm_answer *out,
                      struct error *e)
{
    if (!p->done && !p->finish.n)
        return error_set(e, ERROR_IO, "it ended in the middle");
    return openai_finish(a, p, out, e);
}

/* ---- an error answer ---- */

static const struct json *openai_error(struct arena *a, struct str body)
{
    const struct json *root = json_parse(a, body, NULL, NULL);
    if (root && root->type == JSON_LIST)
        root = json_at(root, 0); /* Gemini's compatible endpoint */
    return json_get(root, STR("error"));
}

static struct str openai_why(struct arena *a, struct str body, bool *quota)
{
    const struct json *error = openai_error(a, body);
    struct str code = json_get_str(a, error, "code", STR("")),
               type = json_get_str(a, error, "type", STR(""));
    struct str said = openai_error_message(a, error);
    *quota = str_eq_c(code, "insufficient_quota") || str_eq_c(type, "insufficient_quota");
    return said.p ? output_excerpt(a, said, 1 * KIB) : STR_NULL;
}

/* 400 that names a parameter: newer models take no temperature and no max_tokens, older servers no
   stream_options. */
static bool openai_adapt(struct arena *a, int status, struct str body, struct llm_ask *ask)
{
    static const struct {
        const char *word;
        unsigned without;
    } rows[] = { { "max_tokens", LLM_WITHOUT_MAX_TOKENS },
                 { "max_completion_tokens", LLM_WITHOUT_MAX_TOKENS },
                 { "temperature", LLM_WITHOUT_TEMPERATURE },
                 { "stream_options", LLM_WITHOUT_STREAM_OPTIONS },
                 { "stream", LLM_WITHOUT_STREAM } };
    if (status != 400 && status != 422)
        return false;
    const struct json *error = openai_error(a, body);
    struct str parameter = json_get_str(a, error, "param", STR(""));
    struct str said = openai_error_message(a, error);
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        bool named = str_eq_c(parameter, rows[i].word) ||
                     (!parameter.n && str_find(said, arena_printf(a, "'%s'", rows[i].word)) >= 0);
        if (!named || ask->without & rows[i].without)
            continue;
        ask->without |= rows[i].without;
        return true;
    }
    return false;
}

const struct llm_wire llm_openai = {
    .provider = CONFIG_OPENAI,
    .name = "openai",
    .base_url = OPENAI_BASE,
    .key_name = "OPENAI_API_KEY",
    .request = openai_request,
    .answer = openai_answer,
    .event = openai_event,
    .end = openai_end,
    .why = openai_why,
    .adapt = openai_adapt,
};
