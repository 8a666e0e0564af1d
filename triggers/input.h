/* extract_fields + template → what the agent is told: request bytes to a JSON value, the data that
   templates see, the rendered input. */
#ifndef KERYX_TRIGGERS_INPUT_H
#define KERYX_TRIGGERS_INPUT_H

#include "base/jsonpath.h"
#include "config/config.h"
#include "http/message.h"
#include "templates/template.h"
#include "triggers/source.h"

enum input_shape { INPUT_EMPTY, INPUT_JSON, INPUT_FORM, INPUT_TEXT };

struct input_body {
    enum input_shape shape;
    const struct json *value; /* what templates see as .body: {} when empty, a string when text */
    struct str text;          /* what an agent without a template is told */
};

/* Parses a body by its declared type: JSON, form (GitHub's payload=… form gives the payload), text. What
   is declared JSON and does not parse is an error (ERROR_INVALID); what declares nothing is JSON when it
   parses as such, else text. A form whose text starts like a JSON object or list and parses is JSON
   (`curl -d '{…}'`). Multipart is ERROR_DENIED. Everything lives in `a`; body must outlive it. */
int input_parse(struct str content_type, struct str body, struct arena *a, struct input_body *out,
                struct error *e) must_check;

/* Undoes Content-Encoding gzip into `a`, at most `limit` bytes (ERROR_LIMIT); any other encoding but
   identity is ERROR_DENIED, broken data ERROR_INVALID. *body is replaced. */
int input_decode(struct str content_encoding, size_t limit, struct arena *a, struct str *body,
                 struct error *e) must_check;

struct input_extractor {
    const struct jsonpath *path; /* rooted at the template data: .body.order.id */
    struct str as;
};
/* A path as Hector and people write it: a leading "." and a missing "body." are fine. NULL and error. */
const struct jsonpath *input_path_compile(struct arena *a, struct str path,
                                          struct error *e) must_check;

struct input_request {
    struct str method, path, query;
    const struct http_headers *headers;
    const struct input_body *body;
    const struct source *source;
    const struct source_facts *facts;
    struct str agent, receipt_id;
};
/* .body .headers .query .fields .method .path .event .source .agent .receipt_id .delivery_id .entity */
struct json *input_data(struct arena *a, const struct input_request *r,
                        const struct input_extractor *extract, size_t n_extract);

#endif
