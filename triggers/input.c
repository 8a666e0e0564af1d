/* Request bytes to a JSON value, and the data that templates see. */
#include "triggers/input.h"

#include "http/url.h"

#include <zlib.h>

#define INPUT_GZIP_WINDOW (15 + 16) /* zlib: gzip wrapper only */

static bool input_looks_like_json(struct str body)
{
    struct str s = str_trim(body);
    return s.n && (s.p[0] == '{' || s.p[0] == '[');
}

static struct str input_compact(struct arena *a, const struct json *value, struct str source)
{
    if ((value->flags & JSON_TIGHT) && value->type >= JSON_LIST)
        return value->text; /* as it came: the store keeps such a body once */
    auto_buf out = BUF_INIT(source.n * 6 + 64);
    json_write(&out, value, JSON_COMPACT);
    struct str compact = buf_view(&out);
    if (!buf_ok(&out) || str_eq(compact, source))
        return source; /* as it came: the store keeps such a body once */
    return arena_str(a, compact);
}

static int input_json(struct str body, struct arena *a, struct input_body *out, struct error *e)
{
    struct json *value = json_parse(a, body, NULL, e);
    if (!value)
        return -1;
    out->shape = INPUT_JSON;
    out->value = value;
    out->text = value->type == JSON_STRING ? json_text(a, value) : input_compact(a, value, body);
    return 0;
}

static int input_form(struct str body, struct arena *a, struct input_body *out, struct error *e)
{
    struct json *form = url_form_json(a, body, true, e);
    if (!form)
        return -1;
    /* GitHub and others send {"payload": "<JSON>"} as a form with that one field. */
    const struct json *payload = json_get(form, STR("payload"));
    if (payload && form->count == 1 && payload->type == JSON_STRING &&
        input_looks_like_json(payload->text))
        return input_json(json_text(a, payload), a, out, e);
    out->shape = INPUT_FORM;
    out->value = form;
    out->text = input_compact(a, form, STR(""));
    return 0;
}

static int input_text(struct str body, struct arena *a, struct input_body *out)
{
    out->shape = INPUT_TEXT;
    out->value = json_str(a, body);
    out->text = body;
    return 0;
}

int input_parse(struct str content_type, struct str body, struct arena *a, struct input_body *out,
                struct error *e)
{
    struct str type = http_media_type(content_type);
    if (str_starts_fold(type, STR("multipart/")))
        return error_set(e, ERROR_DENIED,
                         "multipart bodies are not accepted; send JSON, a form or text");
    if (str_trim(body).n == 0) {
        out->shape = INPUT_EMPTY;
        out->value = json_object(a);
        out->text = STR("");
        return 0;
    }
    if (http_is_json(content_type)) {
        if (input_json(body, a, out, e) == 0)
            return 0;
        return error_wrap(e, "the body is declared JSON but does not parse");
    }
    struct error quiet;
    bool form = str_eq_fold(type, STR("application/x-www-form-urlencoded"));
    if ((!form || input_looks_like_json(body)) && !str_starts_fold(type, STR("text/")) &&
        input_json(body, a, out, &quiet) == 0)
        return 0;
    if (form)
        return input_form(body, a, out, e);
    return input_text(body, a, out);
}

static int input_inflate(struct str in, size_t limit, struct buf *out, struct error *e)
{
    z_stream z = { 0 };
    if (inflateInit2(&z, INPUT_GZIP_WINDOW) != Z_OK)
        return error_set(e, ERROR_INTERNAL, "zlib does not start");
    /* zlib's pointer is not const by history; it does not write through it. */
    union {
        const char *in;
        Bytef *z;
    } source = { .in = in.p };
    z.next_in = source.z;
    z.avail_in = (uInt)in.n;
    int rc = Z_OK;
    while (rc == Z_OK) {
        size_t room = MIN((size_t)16 * KIB, limit + 1 - out->n);
        char *to = room ? buf_reserve(out, room) : NULL;
        if (!to)
            break;
        z.next_out = (Bytef *)to;
        z.avail_out = (uInt)room;
        rc = inflate(&z, Z_NO_FLUSH);
        out->n += room - z.avail_out;
    }
    bool whole = rc == Z_STREAM_END && z.avail_in == 0;
    inflateEnd(&z);
    if (out->n > limit)
        return error_set(e, ERROR_LIMIT, "the body is larger than %zu bytes when inflated", limit);
    return whole ? 0 : error_set(e, ERROR_INVALID, "the gzip body is broken");
}

int input_decode(struct str content_encoding, size_t limit, struct arena *a, struct str *body,
                 struct error *e)
{
    struct str encoding = str_trim(content_encoding);
    if (encoding.n == 0 || str_eq_fold(encoding, STR("identity")))
        return 0;
    if (!str_eq_fold(encoding, STR("gzip")) && !str_eq_fold(encoding, STR("x-gzip")))
        return error_set(e, ERROR_DENIED,
                         "Content-Encoding '%" STR_FMT "' is not accepted; gzip is",
                         STR_ARG(encoding));
    auto_buf out = BUF_INIT(limit + 1);
    if (input_inflate(*body, limit, &out, e) != 0)
        return -1;
    *body = arena_str(a, buf_view(&out));
    return 0;
}

const struct jsonpath *input_path_compile(struct arena *a, struct str path, struct error *e)
{
    static const char *const roots[] = { "body", "headers", "query", "method",
                                         "path", "event",   "source" };
    struct str rest = path;
    if (rest.n && rest.p[0] == '.')
        rest = str_sub(rest, 1, rest.n);
    size_t end = 0;
    while (end < rest.n && rest.p[end] != '.' && rest.p[end] != '[')
        end++;
    for (size_t i = 0; i < N_ELEMENTS(roots); i++) {
        if (str_eq_c(str_sub(rest, 0, end), roots[i]))
            return jsonpath_compile(a, rest, e);
    }
    return jsonpath_compile(a, arena_printf(a, "body.%" STR_FMT, STR_ARG(rest)), e);
}

struct json *input_data(struct arena *a, const struct input_request *r,
                        const struct input_extractor *extract, size_t n_extract)
{
    struct json *data = json_object(a);
    json_put(a, data, STR("body"), json_alias(a, r->body->value));
    json_put(a, data, STR("headers"), http_headers_json(a, r->headers));
    struct json *query = url_form_json(a, r->query, false, NULL);
    json_put(a, data, STR("query"), query ? query : json_object(a));
    json_put(a, data, STR("method"), json_str(a, r->method));
    json_put(a, data, STR("path"), json_str(a, r->path));
    json_put(a, data, STR("event"), json_str(a, r->facts->event));
    json_put(a, data, STR("source"), json_str(a, str_of(source_name(r->source))));
    json_put(a, data, STR("delivery_id"), json_str(a, r->facts->delivery_id));
    json_put(a, data, STR("entity"), json_str(a, r->facts->entity));
    json_put(a, data, STR("agent"), json_str(a, r->agent));
    json_put(a, data, STR("receipt_id"), json_str(a, r->receipt_id));
    struct json *fields = json_object(a);
    for (size_t i = 0; i < n_extract; i++) {
        const struct json *found = jsonpath_find(extract[i].path, data);
        if (found)
            json_put(a, fields, extract[i].as, json_alias(a, found));
    }
    json_put(a, data, STR("fields"), fields);
    return data;
}
