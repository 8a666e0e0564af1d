/* The bytes a notification sends: a template, a transform, or a ready-made format. */
#ifndef KERYX_NOTIFIERS_BODY_H
#define KERYX_NOTIFIERS_BODY_H

#include "notifiers/payload.h"
#include "notifiers/transform.h"

struct body {
    struct template *template;   /* payload.template, or NULL */
    struct transform *transform; /* or NULL */
    const struct payload_format *format;
    struct str content_type;
    bool escape_html;
};

/* Renders into *out (in `a`); data: what payload_data() gave. -1: the template failed (e has its line
   and column) or the result is not the JSON that content_type says (line 0). */
int body_render(const struct body *b, const struct payload_source *from, const struct json *data,
                struct arena *a, struct str *out, struct error *e) must_check;
/* How values are escaped for a content type. */
enum template_escape body_escape(struct str content_type);

#endif
