/* Rendering of bodies. */
#include "notifiers/body.h"

#include "http/message.h"

enum template_escape body_escape(struct str content_type)
{
    if (http_is_json(content_type))
        return TEMPLATE_ESCAPE_JSON;
    return str_eq_fold(http_media_type(content_type), STR("text/html")) ? TEMPLATE_ESCAPE_HTML
                                                                        : TEMPLATE_ESCAPE_NONE;
}

static int body_write(struct arena *a, const struct json *v, struct str *out, struct error *e)
{
    struct str text = payload_text(a, v);
    if (!text.p)
        return error_set(e, ERROR_LIMIT, "the payload is too large");
    *out = text;
    return 0;
}

static int body_parses(struct str text, struct error *e)
{
    struct error why = ERROR_INIT;
    struct arena *scratch = arena_new(0);
    bool ok = json_parse(scratch, text, NULL, &why) != NULL;
    arena_free(scratch);
    if (ok)
        return 0;
    return error_set(e, ERROR_INVALID, "the result is not JSON: line %u, column %u: %s", why.line,
                     why.column, why.text);
}

int body_render(const struct body *b, const struct payload_source *from, const struct json *data,
                struct arena *a, struct str *out, struct error *e)
{
    struct template_options o = { .escape = body_escape(b->content_type),
                                  .now_us = from->event->at,
                                  .escape_html = b->escape_html };
    if (b->transform) {
        struct json *value = NULL;
        o.escape = TEMPLATE_ESCAPE_NONE; /* the writer escapes */
        if (transform_render(b->transform, data, &o, a, &value, e) != 0)
            return -1;
        return body_write(a, value, out, e);
    }
    if (!b->template)
        return body_write(a, b->format->make(a, from, data), out, e);
    auto_buf text = BUF_INIT(TEMPLATE_MAX_OUTPUT);
    if (template_render(b->template, data, &o, &text, e) != 0)
        return error_wrap(e, "payload.template");
    if (o.escape == TEMPLATE_ESCAPE_JSON && body_parses(buf_view(&text), e) != 0)
        return error_wrap(e, "payload.template");
    *out = arena_str(a, buf_view(&text));
    return 0;
}
