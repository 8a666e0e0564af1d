/* What a printed value needs where it lands. JSON is decided by an automaton over everything that
   was written so far, so a template author cannot forget it. */
#ifndef KERYX_TEMPLATES_ESCAPE_H
#define KERYX_TEMPLATES_ESCAPE_H

#include "templates/template.h"

/* Where the output stands, as JSON. */
enum escape_place {
    ESCAPE_OUTSIDE,
    ESCAPE_STRING, /* inside a string literal */
    ESCAPE_SLASH,  /* inside a string literal, right after a backslash */
};

/* The place after `text`. */
enum escape_place escape_follow(enum escape_place place, struct str text);
/* Writes a value for JSON. Inside a string literal it is escaped; a backslash of the template right
   in front of it is made to stand for itself, so that the value stays a value. Returns the
   place after. */
enum escape_place escape_json(struct buf *out, enum escape_place place, struct str s);
/* & " ' < > as entities; quot: how a double quote is written. */
void escape_html(struct buf *out, struct str s, const char *quot);
/* Percent-coding of all but unreserved characters (RFC 3986 section 2.3); plus: a blank becomes '+'
   (HTML forms, Go's url.QueryEscape). */
void escape_url(struct buf *out, struct str s, bool plus);
/* text/template's JSEscape. */
void escape_js(struct buf *out, struct str s);
/* As it is, but invalid UTF-8 becomes U+FFFD. */
void escape_none(struct buf *out, struct str s);

#endif
