/* What only shows when the whole file is known: names that refer to each other, routes that clash,
   listeners that would be open to the world. */
#ifndef KERYX_CONFIG_CHECK_H
#define KERYX_CONFIG_CHECK_H

#include "config/config.h"

/* Adds to problems; changes nothing. */
void config_check(const struct config *c, struct config_problems *problems);
/* Its part about listeners and proof of senders. */
void config_check_access(const struct config *c, struct config_problems *problems);
/* Whether the only way in is this machine: loopback address, localhost, unix socket. */
bool config_check_is_loopback(struct str listen);
/* Whether a webhook has any proof of the sender configured. */
bool config_check_has_auth(const struct config_webhook *w);

#endif
