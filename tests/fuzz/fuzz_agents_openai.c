/* What a model's server may answer: whole, as an event of a stream, as an error. */
#include "agents/llm.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = str_n((const char *)data, size);
    struct arena *a = arena_new(0);
    struct error e = ERROR_INIT;
    struct llm_answer answer = { .tokens_in = -1, .tokens_out = -1 };
    struct llm_ask ask = { 0 };
    bool flag = false;
    if (llm_openai.answer(a, text, &answer, &e) == 0)
        assert(str_utf8_valid(answer.text) && answer.tokens_in >= -1 && answer.tokens_out >= -1);
    else
        assert(e.text[0]);
    struct llm_partial p = { .text = BUF_INIT(KIB), .refusal = BUF_INIT(KIB) };
    p.tokens_in = p.tokens_out = -1;
    for (int i = 0; i < 2; i++) {
        if (llm_openai.event(a, text, &p, &flag, &e) == 0 &&
            llm_openai.end(a, &p, &answer, &e) == 0)
            assert(str_utf8_valid(answer.text));
    }
    buf_release(&p.text);
    buf_release(&p.refusal);
    llm_openai.why(a, text, &flag);
    for (int i = 0; i < 8 && llm_openai.adapt(a, 400, text, &ask); i++)
        assert(i < 5);
    arena_free(a);
    return 0;
}
