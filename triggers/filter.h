/* allow / deny of event names. Pure. */
#ifndef KERYX_TRIGGERS_FILTER_H
#define KERYX_TRIGGERS_FILTER_H

#include "config/config.h"

/* True when `pattern` names the event: equal, `issues` matches `issues.opened`, `*` wildcards, GitLab's
   "Merge Request Hook" equals merge_request; ASCII case and '-'/'_'/' ' folded. */
bool filter_event_matches(struct str pattern, struct str event);
/* Deny wins; an allow list with an unknown (empty) event refuses (fail closed); no allow list lets all
   through. */
bool filter_event_allowed(const struct config_texts *allow, const struct config_texts *deny,
                          struct str event);

#endif
