/* The tags of a mustache source, found and paired before the tree is built. */
#ifndef KERYX_TEMPLATES_MUSTACHE_TAG_H
#define KERYX_TEMPLATES_MUSTACHE_TAG_H

#include "templates/program.h"

struct mustache_tag {
    char kind;       /* v & # ^ / > < $ ! = ({{{x}}} is &) */
    bool dynamic;    /* > <: *name, to be looked up in the data */
    bool first;      /* only blanks before it on its line */
    bool last;       /* only blanks behind it on its line */
    struct str name; /* without sigils and blanks */
    size_t start, end;
    size_t match; /* # ^ < $: the place of the tag that closes it */
    struct place place;
};

struct mustache_tags {
    struct mustache_tag *all; /* in scratch memory */
    size_t n;
};

/* -1 and a positioned error. */
int mustache_tag_scan(struct arena *scratch, struct str source, struct mustache_tags *out,
                      struct error *e) must_check;

#endif
