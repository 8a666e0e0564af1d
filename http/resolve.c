/* getaddrinfo on a detached thread. Loop and thread share the job; who leaves last frees. */
#include "http/resolve.h"

#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

struct resolve {
    struct loop_post post;
    pthread_mutex_t lock; /* guards loop */
    struct loop *loop;    /* NULL = cancelled */
    void (*done)(void *ctx, const struct addr *addresses, size_t n);
    void *ctx;
    char *host;
    struct addr addresses[RESOLVE_MAX_ADDRESSES];
    size_t n;
};

static atomic_uint resolve_threads;

static void resolve_free(struct resolve *r)
{
    pthread_mutex_destroy(&r->lock);
    free(r->host);
    free(r);
}

static void resolve_on_post(struct loop_post *p)
{
    struct resolve *r = container_of(p, struct resolve, post);
    /* The thread posts with the lock held: wait until it has let go of the object. */
    pthread_mutex_lock(&r->lock);
    bool cancelled = !r->loop;
    pthread_mutex_unlock(&r->lock);
    if (!cancelled)
        r->done(r->ctx, r->addresses, r->n);
    resolve_free(r);
}

static void resolve_look_up(struct resolve *r)
{
    struct addrinfo *found = NULL;
    const struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
    if (getaddrinfo(r->host, NULL, &hints, &found) != 0)
        return;
    for (const struct addrinfo *a = found; a && r->n < RESOLVE_MAX_ADDRESSES; a = a->ai_next)
        r->addresses[r->n++] = addr_from_sockaddr(a->ai_addr);
    freeaddrinfo(found);
}

static void *resolve_thread(void *arg)
{
    struct resolve *r = arg;
    resolve_look_up(r);
    atomic_fetch_sub(&resolve_threads, 1);
    pthread_mutex_lock(&r->lock);
    bool cancelled = !r->loop;
    if (!cancelled)
        loop_post(r->loop, &r->post, resolve_on_post);
    pthread_mutex_unlock(&r->lock);
    if (cancelled)
        resolve_free(r);
    return NULL;
}

/* With every signal blocked: they are the loop's. */
static int resolve_spawn(struct resolve *r)
{
    pthread_t thread;
    pthread_attr_t detached;
    sigset_t all, old;
    sigfillset(&all);
    pthread_attr_init(&detached);
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int rc = pthread_create(&thread, &detached, resolve_thread, r);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    pthread_attr_destroy(&detached);
    return rc;
}

struct resolve *resolve_start(struct loop *l, const char *host,
                              void (*done)(void *ctx, const struct addr *addresses, size_t n),
                              void *ctx, struct error *e)
{
    if (atomic_fetch_add(&resolve_threads, 1) >= RESOLVE_MAX_THREADS) {
        atomic_fetch_sub(&resolve_threads, 1);
        error_set(e, ERROR_BUSY, "more than %d names are being looked up", RESOLVE_MAX_THREADS);
        return NULL;
    }
    struct resolve *r = xalloc(sizeof *r);
    pthread_mutex_init(&r->lock, NULL);
    r->loop = l;
    r->done = done;
    r->ctx = ctx;
    r->host = xstrndup(host, strlen(host));
    int rc = resolve_spawn(r);
    if (rc == 0)
        return r;
    atomic_fetch_sub(&resolve_threads, 1);
    resolve_free(r);
    error_sys(e, rc, "cannot start a thread to look up a name");
    return NULL;
}

void resolve_cancel(struct resolve *r)
{
    pthread_mutex_lock(&r->lock);
    r->loop = NULL; /* freed by the thread, or by its post when that is on its way already */
    pthread_mutex_unlock(&r->lock);
}
