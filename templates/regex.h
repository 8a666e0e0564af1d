/* Regular expressions in time linear in the text: RE2's common syntax as a non-deterministic
   automaton without back-tracking. Only "does it match anywhere". */
#ifndef KERYX_TEMPLATES_REGEX_H
#define KERYX_TEMPLATES_REGEX_H

#include "base/arena.h"
#include "base/error.h"

#define REGEX_MAX_SIZE 4096 /* states, counted repetitions written out */

struct regex;

/* . [] [^] | () (?:) * + ? {n,m} (and their lazy forms) ^ $ \b \B \A \z \d \w \s \D \W \S \n \t \r
   \f \v \xHH \x{H…} \Q…\E, flags (?i) (?s) (?m). Characters are UTF-8. Lives in the arena. NULL and
   an error with a column. */
struct regex *regex_compile(struct arena *a, struct str pattern, struct error *e) must_check;
bool regex_match(const struct regex *re, struct str text);
/* States: matching takes about regex_size() × text.n steps. */
size_t regex_size(const struct regex *re);

#endif
