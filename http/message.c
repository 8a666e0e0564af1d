/* Tables and look-ups both directions share. */
#include "http/message.h"

static const struct {
    int status;
    const char *word;
} status_words[] = {
    { 100, "Continue" },
    { 101, "Switching Protocols" },
    { 200, "OK" },
    { 201, "Created" },
    { 202, "Accepted" },
    { 203, "Non-Authoritative Information" },
    { 204, "No Content" },
    { 205, "Reset Content" },
    { 206, "Partial Content" },
    { 300, "Multiple Choices" },
    { 301, "Moved Permanently" },
    { 302, "Found" },
    { 303, "See Other" },
    { 304, "Not Modified" },
    { 307, "Temporary Redirect" },
    { 308, "Permanent Redirect" },
    { 400, "Bad Request" },
    { 401, "Unauthorized" },
    { 402, "Payment Required" },
    { 403, "Forbidden" },
    { 404, "Not Found" },
    { 405, "Method Not Allowed" },
    { 406, "Not Acceptable" },
    { 407, "Proxy Authentication Required" },
    { 408, "Request Timeout" },
    { 409, "Conflict" },
    { 410, "Gone" },
    { 411, "Length Required" },
    { 412, "Precondition Failed" },
    { 413, "Content Too Large" },
    { 414, "URI Too Long" },
    { 415, "Unsupported Media Type" },
    { 416, "Range Not Satisfiable" },
    { 417, "Expectation Failed" },
    { 421, "Misdirected Request" },
    { 422, "Unprocessable Content" },
    { 423, "Locked" },
    { 424, "Failed Dependency" },
    { 425, "Too Early" },
    { 426, "Upgrade Required" },
    { 428, "Precondition Required" },
    { 429, "Too Many Requests" },
    { 431, "Request Header Fields Too Large" },
    { 451, "Unavailable For Legal Reasons" },
    { 500, "Internal Server Error" },
    { 501, "Not Implemented" },
    { 502, "Bad Gateway" },
    { 503, "Service Unavailable" },
    { 504, "Gateway Timeout" },
    { 505, "HTTP Version Not Supported" },
    { 507, "Insufficient Storage" },
    { 511, "Network Authentication Required" },
};

const char *http_status_word(int status)
{
    for (size_t i = 0; i < N_ELEMENTS(status_words); i++) {
        if (status_words[i].status == status)
            return status_words[i].word;
    }
    return "Unknown";
}

struct str http_header_get(const struct http_headers *h, struct str name)
{
    for (size_t i = 0; i < h->n; i++) {
        if (str_eq_fold(h->items[i].name, name))
            return h->items[i].value.p ? h->items[i].value : STR("");
    }
    return STR_NULL;
}

size_t http_header_count(const struct http_headers *h, struct str name)
{
    size_t count = 0;
    for (size_t i = 0; i < h->n; i++)
        count += str_eq_fold(h->items[i].name, name);
    return count;
}

void http_header_add(struct arena *a, struct http_headers *h, struct str name, struct str value)
{
    if (h->n == h->cap) {
        size_t cap = MAX(h->cap * 2, (size_t)8);
        struct http_header *items = ARENA_ARRAY(a, struct http_header, cap);
        if (h->n)
            memcpy(items, h->items, h->n * sizeof(*items));
        h->items = items;
        h->cap = cap;
    }
    h->items[h->n++] = (struct http_header){ name, value };
}

static bool message_is_token(unsigned char c)
{
    if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
        return true;
    return c && strchr("!#$%&'*+-.^_`|~", c);
}

bool http_header_valid(struct str name, struct str value)
{
    if (name.n == 0)
        return false;
    for (size_t i = 0; i < name.n; i++) {
        if (!message_is_token((unsigned char)name.p[i]))
            return false;
    }
    for (size_t i = 0; i < value.n; i++) {
        unsigned char c = (unsigned char)value.p[i];
        if ((c < 0x20 && c != '\t') || c == 0x7F)
            return false;
    }
    return true;
}

bool http_has_token(struct str value, struct str token)
{
    struct str piece;
    while (str_split(&value, ',', &piece)) {
        if (str_eq_fold(str_trim(piece), token))
            return true;
    }
    return false;
}

struct str http_media_type(struct str content_type)
{
    ptrdiff_t semicolon = str_chr(content_type, ';');
    return str_trim(semicolon < 0 ? content_type : str_sub(content_type, 0, (size_t)semicolon));
}

bool http_is_json(struct str content_type)
{
    struct str type = http_media_type(content_type);
    if (str_eq_fold(type, STR("application/json")))
        return true;
    return type.n > 5 && str_eq_fold(str_sub(type, type.n - 5, 5), STR("+json"));
}

/* All values of items[first]'s name, joined as RFC 9110 section 5.3 allows. */
static struct str message_joined(struct arena *a, const struct http_headers *h, size_t first)
{
    struct str name = h->items[first].name, joined = h->items[first].value;
    for (size_t i = first + 1; i < h->n; i++) {
        if (str_eq_fold(h->items[i].name, name))
            joined = arena_printf(a, "%" STR_FMT ", %" STR_FMT, STR_ARG(joined),
                                  STR_ARG(h->items[i].value));
    }
    return joined;
}

struct json *http_headers_json(struct arena *a, const struct http_headers *h)
{
    struct json *object = json_object(a);
    object->flags |= JSON_FOLD;
    for (size_t i = 0; i < h->n; i++) {
        if (!json_get(object, h->items[i].name))
            json_put(a, object, h->items[i].name, json_str(a, message_joined(a, h, i)));
    }
    return object;
}
