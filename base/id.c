/* Ids and random bytes. One mutex guards the last ids given out and a small stock of random bytes,
   which saves a system call for most ids; what was handed out is wiped from the stock. */
#include "base/id.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/random.h>

static struct {
    pthread_mutex_t lock;
    uint64_t last_uuid_time; /* milliseconds << 12 | fraction of a millisecond in 1/4096 */
    uint64_t last_ns;
    size_t stock_left; /* bytes at the end of stock that were not handed out */
    uint8_t stock[512];
} id = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void id_from_kernel(uint8_t *out, size_t n)
{
    while (n > 0) {
        ssize_t got = getrandom(out, n, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            static const char line[] = "keryx: the kernel gives no random bytes\n";
            ssize_t ignored = write(STDERR_FILENO, line, sizeof(line) - 1);
            (void)ignored;
            abort();
        }
        out += got;
        n -= (size_t)got;
    }
}

static void id_random_locked(uint8_t *out, size_t n)
{
    if (n > sizeof(id.stock) / 4) {
        id_from_kernel(out, n);
        return;
    }
    if (n > id.stock_left) {
        id_from_kernel(id.stock, sizeof(id.stock));
        id.stock_left = sizeof(id.stock);
    }
    uint8_t *from = id.stock + sizeof(id.stock) - id.stock_left;
    memcpy(out, from, n);
    explicit_bzero(from, n);
    id.stock_left -= n;
}

void id_random(void *out, size_t n)
{
    pthread_mutex_lock(&id.lock);
    id_random_locked(out, n);
    pthread_mutex_unlock(&id.lock);
}

static void id_hex(char *out, const uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        *out++ = "0123456789abcdef"[bytes[i] >> 4];
        *out++ = "0123456789abcdef"[bytes[i] & 15];
    }
    *out = '\0';
}

void id_random_hex(char *out, size_t n)
{
    /* The bytes go into the second half of the text, which the digits overtake only at the end. */
    uint8_t *bytes = (uint8_t *)out + n;
    id_random(bytes, n);
    id_hex(out, bytes, n);
}

uint32_t id_random_u32(void)
{
    uint32_t value;
    id_random(&value, sizeof(value));
    return value;
}

void id_uuid7(const struct clock *c, char text[ID_TEXT])
{
    /* RFC 9562 section 6.2, method 3: the 12 bits after the milliseconds carry more of the clock;
       when the clock stands or steps back, time and fraction count on as one number. */
    uint64_t us = (uint64_t)MAX(clock_wall(c), (int64_t)0);
    uint64_t time = (us / 1000) << 12 | (us % 1000) * 4096 / 1000;
    uint8_t b[16];
    pthread_mutex_lock(&id.lock);
    if (time <= id.last_uuid_time)
        time = id.last_uuid_time + 1;
    id.last_uuid_time = time;
    id_random_locked(b + 8, 8);
    pthread_mutex_unlock(&id.lock);

    uint64_t high = (time >> 12) << 16 | 0x7000 | (time & 0xFFF);
    for (unsigned i = 0; i < 8; i++)
        b[i] = (uint8_t)(high >> (56 - 8 * i));
    b[8] = (uint8_t)((b[8] & 0x3F) | 0x80);
    char hex[33];
    id_hex(hex, b, sizeof(b));
    snprintf(text, ID_TEXT, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16,
             hex + 20);
}

uint64_t id_ns(const struct clock *c)
{
    uint64_t ns = (uint64_t)MAX(clock_wall(c), (int64_t)0) * 1000;
    pthread_mutex_lock(&id.lock);
    if (ns <= id.last_ns)
        ns = id.last_ns + 1;
    id.last_ns = ns;
    pthread_mutex_unlock(&id.lock);
    return ns;
}

void id_ns_floor(uint64_t ns)
{
    pthread_mutex_lock(&id.lock);
    id.last_ns = MAX(id.last_ns, ns);
    pthread_mutex_unlock(&id.lock);
}
