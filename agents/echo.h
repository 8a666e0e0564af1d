/* echo: returns the rendered input. */
#ifndef KERYX_AGENTS_ECHO_H
#define KERYX_AGENTS_ECHO_H

#include "engine/runner.h"

extern const struct runner_kind echo_kind;

#endif
