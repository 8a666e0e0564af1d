/* Who may come in: listeners that the world reaches need proof of the caller, and each scheme of
   proof needs its fields. */
#include "config/check.h"

bool config_check_is_loopback(struct str listen)
{
    struct addr a;
    if (str_starts(listen, STR("unix:")))
        return true;
    ptrdiff_t colon = str_rchr(listen, ':');
    struct str host = colon >= 0 ? str_sub(listen, 0, (size_t)colon) : listen;
    if (str_eq_fold(host, STR("localhost")))
        return true;
    return addr_parse(listen, true, &a, NULL) == 0 && addr_is_loopback(&a);
}

bool config_check_has_auth(const struct config_webhook *w)
{
    const struct config_auth *a = &w->auth;
    if (a->mode.s.p && str_eq(a->mode.s, STR("none")))
        return false;
    return w->secret.s.p || a->secret.s.p || a->secrets.n || a->value.s.p || a->token.s.p ||
           a->password.s.p;
}

static const struct config_text *first_public(const struct config_texts *list)
{
    for (size_t i = 0; i < list->n; i++)
        if (!config_check_is_loopback(list->items[i].s))
            return &list->items[i];
    return NULL;
}

static void check_server(const struct config_server *s, struct config_problems *problems)
{
    bool guarded = s->auth.enabled && (s->auth.n_tokens || s->auth.jwks_url.s.p);
    const struct config_text *open =
        first_public(s->admin_listen.n ? &s->admin_listen : &s->listen);
    if (open && !guarded)
        config_problem(
            problems, false, open->pos,
            "server.%s: %s is open to others and the API has no auth; expected a loopback "
            "address%s or server.auth.tokens",
            s->admin_listen.n ? "admin_listen" : "listen", open->s.p,
            s->admin_listen.n ? "" : ", server.admin_listen");
    if (s->auth.enabled && !guarded)
        config_problem(
            problems, false, s->auth.pos,
            "server.auth.enabled: true, but there are no tokens and no jwks_url; expected "
            "one of them");
    const struct config_text *cert = &s->tls_cert_file, *key = &s->tls_key_file;
    if (!cert->s.p != !key->s.p)
        config_problem(problems, false, cert->s.p ? cert->pos : key->pos,
                       "server.tls: %s is missing; expected cert_file and key_file",
                       cert->s.p ? "key_file" : "cert_file");
}

/* The fields a mode cannot do without. */
enum { NEEDS_SECRET = 1, NEEDS_TOKEN = 2, NEEDS_HEADER = 4, NEEDS_VALUE = 8, NEEDS_USER = 16 };
static const struct {
    const char *mode;
    unsigned needs;
} needs[] = {
    { "none", 0 },
    { "bearer", NEEDS_TOKEN },
    { "basic", NEEDS_USER },
    { "static_header", NEEDS_HEADER | NEEDS_VALUE },
    { "header", NEEDS_HEADER | NEEDS_VALUE },
    { "gitlab_token", 0 }, /* token or secret, below */
};

static unsigned needs_of(struct str mode)
{
    for (size_t i = 0; i < N_ELEMENTS(needs); i++)
        if (str_eq_c(mode, needs[i].mode))
            return needs[i].needs;
    return NEEDS_SECRET; /* every signature */
}

static void check_auth(struct config_problems *problems, const char *where,
                       const struct config_auth *a, bool secret_beside)
{
    if (!a->mode.s.p)
        return;
    unsigned want = needs_of(a->mode.s);
    bool secret = secret_beside || a->secret.s.p || a->secrets.n;
    struct {
        bool missing;
        const char *key, *words;
    } fields[] = {
        { (want & NEEDS_SECRET) && !secret, "secret", "secret or secrets" },
        { (want & NEEDS_TOKEN) && !a->token.s.p, "token", "token" },
        { (want & NEEDS_HEADER) && !a->header.s.p, "header", "header" },
        { (want & NEEDS_VALUE) && !a->value.s.p, "value", "value" },
        { (want & NEEDS_USER) && !a->username.s.p, "username", "username" },
        { (want & NEEDS_USER) && !a->password.s.p, "password", "password" },
        { str_eq(a->mode.s, STR("gitlab_token")) && !a->token.s.p && !secret, "token", "token" },
    };
    struct config_pos pos = a->pos.line ? a->pos : a->mode.pos;
    for (size_t i = 0; i < N_ELEMENTS(fields); i++)
        if (fields[i].missing)
            config_problem(problems, false, pos, "%s.auth.%s: missing; expected %s by mode %s",
                           where, fields[i].key, fields[i].words, a->mode.s.p);
}

static void check_webhook(const struct config *c, const struct config_agent *a, size_t i,
                          struct config_problems *problems)
{
    const struct config_trigger *t = &a->triggers[i];
    const struct config_webhook *w = &t->webhook;
    check_auth(problems, t->where, &w->auth, w->secret.s.p != NULL);
    if (config_check_has_auth(w))
        return;
    const struct config_text *open = first_public(&c->server.listen);
    bool written = w->auth.mode.s.p && str_eq(w->auth.mode.s, STR("none"));
    if (open && !w->auth.mode.s.p)
        config_problem(
            problems, false, w->auth.pos.line ? w->auth.pos : t->pos,
            "%s.auth: missing, and server.listen %s is open to others; expected a secret, or "
            "auth: {mode: none} to let anyone in",
            t->where, open->s.p);
    if (a->type == CONFIG_LLM && a->tools.n && !w->tool_policy.allow.n && (written || !w->auth.set))
        config_problem(problems, true, t->pos,
                       "%s: anyone may send here, so its tasks get no tools; "
                       "write tool_policy.allow to give them some",
                       t->where);
}

static void check_notification_auth(const struct config_notification *list, size_t n,
                                    struct config_problems *problems)
{
    for (size_t i = 0; i < n; i++) {
        if (list[i].auth.set && !list[i].auth.mode.s.p)
            config_problem(problems, false, list[i].auth.pos,
                           "%s.auth.type: missing; expected one of bearer, basic, header, hmac, "
                           "standard_webhooks",
                           list[i].where);
        check_auth(problems, list[i].where, &list[i].auth, false);
    }
}

void config_check_access(const struct config *c, struct config_problems *problems)
{
    check_server(&c->server, problems);
    check_notification_auth(c->notifications, c->n_notifications, problems);
    for (size_t i = 0; i < c->n_agents; i++) {
        const struct config_agent *a = &c->agents[i];
        check_notification_auth(a->notifications, a->n_notifications, problems);
        for (size_t j = 0; j < a->n_triggers; j++)
            if (a->triggers[j].type == CONFIG_WEBHOOK)
                check_webhook(c, a, j, problems);
    }
}
