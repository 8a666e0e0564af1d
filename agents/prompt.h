/* What a model is told: the instruction as the system prompt, the session so far, the task's input as
   the user's message. What strangers wrote stands in a fence that their text cannot close. */
#ifndef KERYX_AGENTS_PROMPT_H
#define KERYX_AGENTS_PROMPT_H

#include "base/arena.h"
#include "engine/runner.h"

struct prompt_turn {
    struct str role;    /* user assistant */
    struct str content; /* JSON: a string, or what a provider knows */
};

struct prompt {
    struct str system; /* may be empty */
    const struct prompt_turn *turns;
    size_t n; /* the last one is the task's input */
};

struct prompt_parts {
    struct str instruction, skills, suffix;
    struct str input;
    bool untrusted;                    /* input holds what strangers wrote */
    const struct message_row *history; /* ascending */
    size_t n_history;
    size_t max_history_bytes; /* oldest turns beyond it are dropped whole; 0 = no bound */
};

/* Everything lies in the arena; what the parts point to must live as long. */
void prompt_build(struct arena *a, const struct prompt_parts *parts, struct prompt *out);
/* The text between two marks that carry a random word which the text does not hold. */
struct str prompt_fence(struct arena *a, struct str text);

#endif
