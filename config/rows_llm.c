/* llms. */
#include "config/rows.h"

#define LLM(member) .offset = FIELD_AT(config_llm, member)

static const struct config_field thinking_rows[] = {
    CONFIG_ROW("enabled", BOOL, LLM(thinking_enabled), .help = "let the model think first"),
    CONFIG_ROW("budget_tokens", UINT, LLM(thinking_budget_tokens), .otherwise = "1024", .min = 1,
               .help = "tokens it may think"),
};
static const struct config_section thinking_section = { .name = "thinking",
                                                        .help = "Extended thinking.",
                                                        FIELD_ROWS(thinking_rows),
                                                        .size = sizeof(struct config_llm) };

static const struct config_field price_rows[] = {
    CONFIG_ROW("in", NUMBER, LLM(price_in), .help = "USD per million input tokens"),
    CONFIG_ROW("out", NUMBER, LLM(price_out), .help = "USD per million output tokens"),
};
static const struct config_section price_section = {
    .name = "price",
    .help = "What tokens cost, for cost_usd and limits.max_cost_usd.",
    FIELD_ROWS(price_rows),
    .size = sizeof(struct config_llm)
};

static const struct config_field retry_rows[] = { CONFIG_RETRY_ROWS("3", "1s", "30s") };
static const struct config_section retry_section = {
    .name = "llm_retry",
    .help = "Of one call: on 408, 409, 429, 5xx and network errors; Retry-After is honoured.",
    FIELD_ROWS(retry_rows),
    .size = sizeof(struct config_retry)
};

static const struct config_field llm_rows[] = {
    CONFIG_ROW("provider", CHOICE, .flags = FIELD_REQUIRED, LLM(provider),
               .choices = "openai|anthropic|gemini|ollama",
               .help = "whose API it speaks; openai = any compatible server"),
    CONFIG_ROW("model", TEXT, .flags = FIELD_REQUIRED, LLM(model),
               .help = "the model's name there"),
    CONFIG_ROW("api_key", SECRET, LLM(api_key), .help = "its key"),
    CONFIG_ROW("base_url", URL, LLM(base_url),
               .help = "where it is, when not at the provider's own place"),
    CONFIG_ROW("api", BOOL, LLM(api_responses), .otherwise = "chat", .choices = "chat|responses",
               .help = "openai: which of its two APIs"),
    CONFIG_ROW("temperature", NUMBER, LLM(temperature),
               .set_at = FIELD_AT(config_llm, has_temperature), .max = 2,
               .help = "sent only if set"),
    CONFIG_ROW("max_tokens", UINT, LLM(max_tokens), .otherwise = "4096", .min = 1,
               .help = "longest answer of one call"),
    CONFIG_ROW("max_tool_output_length", SIZE, LLM(max_tool_output_length), .otherwise = "20000",
               .help = "a longer tool result is cut"),
    CONFIG_ROW("thinking", SECTION, .section = &thinking_section, .help = "extended thinking"),
    CONFIG_ROW("headers", PAIRS, .flags = FIELD_PRIVATE, LLM(headers),
               .help = "further request headers"),
    CONFIG_ROW("fallback", TEXTS, .flags = FIELD_ROLE, LLM(fallback),
               .help = "llms tried in order when this one is exhausted or refuses"),
    CONFIG_ROW("price", SECTION, .section = &price_section, .help = "USD per million tokens"),
    CONFIG_ROW("timeout", TIMEOUT, LLM(timeout), .otherwise = "120s", .min = 1,
               .help = "of one call"),
    CONFIG_ROW("retry", SECTION, LLM(retry), .section = &retry_section, .help = "of one call"),
    CONFIG_ROW("egress", SECTION, LLM(egress), .section = &config_rows_egress,
               .help = "as the global one"),
};

const struct config_section config_rows_llm = {
    .name = "llm",
    .help = "A model that agents of type llm talk to.",
    FIELD_ROWS(llm_rows),
    .size = sizeof(struct config_llm),
    .pos_at = FIELD_AT(config_llm, pos),
};
