/* Upper and lower case of letters, and blanks, beyond ASCII as far as alphabets with a simple case
   relation go (Latin-1, Latin Extended-A, Greek, Cyrillic); no locale. */
#ifndef KERYX_TEMPLATES_LETTERS_H
#define KERYX_TEMPLATES_LETTERS_H

#include "base/buf.h"

enum letters_case { LETTERS_UPPER, LETTERS_LOWER, LETTERS_TITLE };
/* TITLE: the first letter of every word upper, the others as they are (Go's strings.Title). */
void letters_map(struct buf *out, struct str s, enum letters_case to);
/* Without leading and trailing white space (Unicode's, as Go's strings.TrimSpace). */
struct str letters_trim(struct str s);

#endif
