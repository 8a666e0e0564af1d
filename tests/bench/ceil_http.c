/* The bare programs that the daemon is measured against, and the sink of its deliveries: a libev
   responder; with -k it checks X-Hub-Signature-256; with -d it answers after a group commit of what one
   turn of the loop has brought; with the command it starts one for each accepted request.

   ceil_http -p PORT [-k SECRET] [-d FILE [-r]] [-j AT_ONCE] [-f] [COMMAND [ARGUMENT …]]
     -d FILE   one row a request, durable before the answer
     -r        the rows keryx writes instead of one
     -f        a sink that answers 400 until it gets SIGUSR1, then 200
   On SIGTERM prints how many requests it has accepted. */
#include "tests/bench/group_commit.h"
#include "tests/bench/mini.h"
#include "tests/bench/spawner.h"

#include "base/crypto.h"

#include <signal.h>
#include <stdio.h>

#define ANSWER(status, body, length)                                                       \
    STR("HTTP/1.1 " status "\r\nContent-Type: application/json\r\nContent-Length: " length \
        "\r\n\r\n" body)
#define ACCEPTED                                                                  \
    "{\"task_id\":\"webhook-bench-1732170000000000000\",\"status\":\"accepted\"," \
    "\"agent_name\":\"bench\"}"

struct ceiling {
    struct mini mini;
    struct hmac_key *key;
    bool durable, spawns, fails;
    struct mini_conn *batch, **tail;
    struct spawner spawner;
    unsigned long accepted;
    ev_prepare before_wait;
    ev_signal term, usr1;
};

static void accepted(struct ceiling *s, struct mini_conn *c)
{
    s->accepted++;
    if (s->spawns)
        spawner_add(&s->spawner);
    mini_answer(c, ANSWER("202 Accepted", ACCEPTED, "88"));
}

static bool signature_holds(struct ceiling *s, struct mini_conn *c)
{
    uint8_t mac[CRYPTO_MAX_DIGEST], given[32];
    if (!str_starts(c->signature, STR("sha256=")) ||
        hex_decode(str_sub(c->signature, 7, c->signature.n), given, sizeof(given)))
        return false;
    hmac_sign(s->key, &c->body, 1, mac);
    return crypto_equal(mac, given, sizeof(given));
}

static void on_request(struct mini *mini, struct mini_conn *c)
{
    struct ceiling *s = container_of(mini, struct ceiling, mini);
    if (s->key && !signature_holds(s, c)) {
        mini_answer(c, ANSWER("401 Unauthorized", "{}", "2"));
    } else if (s->fails) {
        mini_answer(c, ANSWER("400 Bad Request", "{}", "2"));
    } else if (s->durable) {
        c->next = NULL;
        *s->tail = c;
        s->tail = &c->next;
    } else {
        accepted(s, c);
    }
}

/* Everything one turn of the loop has brought goes into one transaction. */
static void on_before_wait(struct ev_loop *loop, ev_prepare *w, int revents)
{
    (void)loop;
    (void)revents;
    struct ceiling *s = container_of(w, struct ceiling, before_wait);
    struct mini_conn *batch = s->batch;
    if (!batch)
        return;
    s->batch = NULL;
    s->tail = &s->batch;
    commit_begin();
    for (struct mini_conn *c = batch; c; c = c->next)
        commit_put(c->delivery, c->body);
    commit_end();
    for (struct mini_conn *next; batch; batch = next) {
        next = batch->next;
        accepted(s, batch);
    }
}

static void on_term(struct ev_loop *loop, ev_signal *w, int revents)
{
    (void)w;
    (void)revents;
    ev_break(loop, EVBREAK_ALL);
}

static void on_usr1(struct ev_loop *loop, ev_signal *w, int revents)
{
    (void)loop;
    (void)revents;
    container_of(w, struct ceiling, usr1)->fails = false;
}

static unsigned number(const char *text)
{
    uint64_t n;
    if (str_u64(str_of(text), &n) || n > UINT16_MAX) {
        fprintf(stderr, "%s: expected a whole number\n", text);
        exit(2);
    }
    return (unsigned)n;
}

static void configure(struct ceiling *s, int argc, char **argv)
{
    const char *file = NULL;
    enum commit_rows rows = COMMIT_ONE_ROW;
    unsigned port = 0;
    for (int c; (c = getopt(argc, argv, "+p:k:d:rj:f")) != -1;) {
        switch (c) {
        case 'p':
            port = number(optarg);
            break;
        case 'k':
            s->key = hmac_key_new(CRYPTO_SHA256, str_of(optarg));
            break;
        case 'd':
            file = optarg;
            break;
        case 'r':
            rows = COMMIT_SAME_ROWS;
            break;
        case 'j':
            s->spawner.at_once = number(optarg);
            break;
        case 'f':
            s->fails = true;
            break;
        default:
            exit(2);
        }
    }
    if (file)
        commit_open(file, rows);
    s->durable = file != NULL;
    s->spawns = optind < argc;
    s->spawner.argv = argv + optind;
    mini_listen(&s->mini, port);
}

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN);
    struct ceiling s = { .mini = { .loop = ev_loop_new(0), .on_request = on_request } };
    struct ev_loop *loop = s.mini.loop;
    s.tail = &s.batch;
    s.spawner.loop = loop;
    s.spawner.at_once = 16;
    configure(&s, argc, argv);
    if (s.spawns)
        spawner_init(&s.spawner);
    ev_prepare_init(&s.before_wait, on_before_wait);
    ev_prepare_start(loop, &s.before_wait);
    ev_signal_init(&s.term, on_term, SIGTERM);
    ev_signal_start(loop, &s.term);
    ev_signal_init(&s.usr1, on_usr1, SIGUSR1);
    ev_signal_start(loop, &s.usr1);
    ev_run(loop, 0);
    printf("{\"accepted\": %lu, \"ended\": %lu}\n", s.accepted, s.spawner.ended);
    return 0;
}
