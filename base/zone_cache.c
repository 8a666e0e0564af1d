/* Zones by name: found in the system's folders, loaded once, re-read in place when the file changed. */
#include "base/list.h"
#include "base/zone_inside.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#define FILE_MAX  MIB
#define NAMES_MAX 4096 /* looked at for a suggestion */

static struct zone_type utc_type = { .offset = 0, .abbrev = "UTC" };
static struct zone utc = { .name = "UTC", .n_types = 1, .types = &utc_type };
const struct zone *const zone_utc = &utc;

/* What tells one version of a file from the next. */
struct stamp {
    dev_t dev;
    ino_t ino;
    off_t size;
    struct timespec mtime;
};

struct cached {
    struct list_link link;
    char *path;
    struct stamp stamp;
    struct zone zone;
};

static struct list cache = { .head = { &cache.head, &cache.head } };

const char *zone_name(const struct zone *z)
{
    return z->name;
}

/* --- files ------------------------------------------------------------------------------------ */

static bool name_is_sane(struct str name)
{
    struct str rest = name, part;
    if (name.n == 0 || name.n > ZONE_NAME_MAX || name.p[name.n - 1] == '/')
        return false;
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!word && (c == '\0' || !strchr("_+-./", c)))
            return false;
    }
    while (str_split(&rest, '/', &part)) /* one spelling a zone: no empty part, no "." or ".." */
        if (part.n == 0 || part.p[0] == '.')
            return false;
    return true;
}

/* The folders in the order they are searched; NULL past the last one. */
static const char *folder(size_t i)
{
    static const char *const usual[] = { "/usr/share/zoneinfo", "/usr/share/lib/zoneinfo",
                                         "/etc/zoneinfo" };
    const char *own = getenv("TZDIR");
    if (own && *own)
        return i == 0 ? own : NULL;
    return i < N_ELEMENTS(usual) ? usual[i] : NULL;
}

static struct stamp stamp_of(const struct stat *st)
{
    return (struct stamp){ st->st_dev, st->st_ino, st->st_size, st->st_mtim };
}

static bool stamp_eq(const struct stamp *a, const struct stamp *b)
{
    return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
           a->mtime.tv_sec == b->mtime.tv_sec && a->mtime.tv_nsec == b->mtime.tv_nsec;
}

/* The whole of a regular file; the caller frees. O_NONBLOCK: a pipe of that name must not stop us. */
static char *file_read(const char *path, size_t *n, struct stamp *stamp, struct error *e)
{
    auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0) {
        (void)error_sys(e, errno, "%s", path);
        return NULL;
    }
    if (!S_ISREG(st.st_mode) || st.st_size > (off_t)FILE_MAX) {
        (void)error_set(e, ERROR_NOT_FOUND, "%s is no zone file", path);
        return NULL;
    }
    char *bytes = xalloc((size_t)st.st_size + 1);
    *n = 0;
    while (*n < (size_t)st.st_size) {
        ssize_t got = read(fd, bytes + *n, (size_t)st.st_size - *n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        *n += (size_t)got;
    }
    *stamp = stamp_of(&st);
    return bytes;
}

static struct zone *file_load(const char *path, const char *name, struct stamp *stamp,
                              struct error *e)
{
    size_t n;
    auto_free char *bytes = file_read(path, &n, stamp, e);
    return bytes ? zone_parse(str_n(bytes, n), name, e) : NULL;
}

/* --- the cache -------------------------------------------------------------------------------- */

static const struct zone *cache_add(const char *path, struct str name, struct error *e)
{
    char label[ZONE_NAME_MAX + 1];
    struct stamp stamp;
    snprintf(label, sizeof(label), "%" STR_FMT, STR_ARG(name));
    struct zone *z = file_load(path, label, &stamp, e);
    if (!z)
        return NULL;
    struct cached *c = xalloc(sizeof(*c));
    c->path = xstrndup(path, strlen(path));
    c->stamp = stamp;
    c->zone = *z; /* takes the tables over */
    free(z);
    list_append(&cache, &c->link);
    return &c->zone;
}

static const struct zone *find_file(struct str name, struct error *e)
{
    const char *dir;
    for (size_t i = 0; (dir = folder(i)); i++) {
        char path[1024];
        struct stat st;
        int n = snprintf(path, sizeof(path), "%s/%" STR_FMT, dir, STR_ARG(name));
        if (n > 0 && (size_t)n < sizeof(path) && stat(path, &st) == 0 && S_ISREG(st.st_mode))
            return cache_add(path, name, e);
    }
    const char *nearest = e ? zone_suggest(name) : NULL; /* only for a message somebody reads */
    (void)error_set(e, ERROR_NOT_FOUND, "unknown time zone \"%" STR_FMT "\"%s%s", STR_ARG(name),
                    nearest ? ", did you mean " : "; expected an IANA name such as Europe/Berlin",
                    nearest ? nearest : "");
    return NULL;
}

/* $TZ when it names a zone (":Europe/Berlin" too), else /etc/localtime, else UTC. */
static const struct zone *find_local(struct str name)
{
    struct str own = str_of(getenv("TZ"));
    if (own.n && own.p[0] == ':')
        own = str_sub(own, 1, own.n);
    if (name_is_sane(own) && !str_eq(own, name)) {
        const struct zone *z = zone_get(own, NULL);
        if (z)
            return z;
    }
    const struct zone *z = cache_add("/etc/localtime", name, NULL);
    return z ? z : zone_utc;
}

const struct zone *zone_get(struct str name, struct error *e)
{
    if (str_eq_c(name, "UTC"))
        return zone_utc;
    list_each (&cache, at) {
        const struct cached *c = container_of(at, struct cached, link);
        if (str_eq_c(name, c->zone.name))
            return &c->zone;
    }
    if (str_eq_c(name, "Local"))
        return find_local(name);
    if (!name_is_sane(name)) {
        (void)error_set(e, ERROR_INVALID,
                        "\"%" STR_FMT "\" is no zone name; expected one such as Europe/Berlin",
                        STR_ARG(str_sub(name, 0, ZONE_NAME_MAX)));
        return NULL;
    }
    return find_file(name, e);
}

size_t zone_refresh(void)
{
    size_t changed = 0;
    list_each (&cache, at) {
        struct cached *c = container_of(at, struct cached, link);
        struct stat st;
        struct stamp now;
        if (stat(c->path, &st) != 0)
            continue;
        now = stamp_of(&st);
        if (stamp_eq(&now, &c->stamp))
            continue;
        struct zone *z = file_load(c->path, c->zone.name, &now, NULL);
        if (!z) /* half-written or gone: the old table is better than none */
            continue;
        zone_clear(&c->zone);
        c->zone = *z;
        free(z);
        c->stamp = now;
        changed++;
    }
    return changed;
}

void zone_cache_release(void)
{
    struct list_link *at;
    while ((at = list_take(&cache))) {
        struct cached *c = container_of(at, struct cached, link);
        zone_clear(&c->zone);
        free(c->path);
        free(c);
    }
}

/* --- suggestions ------------------------------------------------------------------------------ */

struct suggestion {
    struct str wrong;
    size_t looked_at;
    unsigned best; /* edit distance of `name` */
    char name[ZONE_NAME_MAX + 1];
};

static struct str last_part(struct str name)
{
    return str_sub(name, (size_t)(str_rchr(name, '/') + 1), name.n);
}

/* "Berlin" means Europe/Berlin; otherwise the fewest edits win. */
static void suggestion_weigh(struct suggestion *s, const char *name)
{
    struct str candidate = str_of(name);
    unsigned distance = str_distance(s->wrong, candidate, s->best);
    if (distance > 0 && str_eq_fold(last_part(s->wrong), last_part(candidate)))
        distance = MIN(distance, 1);
    if (distance >= s->best || candidate.n > ZONE_NAME_MAX)
        return;
    s->best = distance;
    memcpy(s->name, candidate.p, candidate.n + 1);
}

/* prefix: the folder within `root` with a "/" behind it, or "". Zone names begin with a capital, which
   leaves out the tables and the copies in posix/ and right/. */
static void suggestion_walk(struct suggestion *s, const char *root, const char *prefix, int depth)
{
    char path[1024];
    snprintf(path, sizeof(path), "%s/%s", root, prefix);
    DIR *dir = opendir(path);
    const struct dirent *entry;
    while (dir && (entry = readdir(dir)) && s->looked_at < NAMES_MAX) {
        char name[ZONE_NAME_MAX + 1];
        const char *file = entry->d_name;
        int n = snprintf(name, sizeof(name) - 1, "%s%s", prefix, file);
        if (file[0] < 'A' || file[0] > 'Z' || strchr(file, '.') || n >= ZONE_NAME_MAX)
            continue;
        s->looked_at++;
        if (entry->d_type == DT_DIR && depth < 3) {
            name[n] = '/';
            name[n + 1] = '\0';
            suggestion_walk(s, root, name, depth + 1);
        } else if (entry->d_type == DT_REG || entry->d_type == DT_LNK) {
            suggestion_weigh(s, name);
        }
    }
    if (dir)
        closedir(dir);
}

const char *zone_suggest(struct str wrong)
{
    static char text[ZONE_NAME_MAX + 1];
    if (wrong.n == 0 || wrong.n > ZONE_NAME_MAX)
        return NULL;
    struct suggestion s = { .wrong = wrong, .best = (unsigned)MIN(wrong.n / 3 + 1, 4) + 1 };
    const char *dir;
    for (size_t i = 0; (dir = folder(i)); i++)
        suggestion_walk(&s, dir, "", 0);
    if (!s.name[0])
        return NULL;
    memcpy(text, s.name, sizeof(text));
    return text;
}
