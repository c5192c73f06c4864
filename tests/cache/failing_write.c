/* Preloaded into a process: the k-th change of files below a folder fails as on a full disk, SQLite's own included. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[4096];
static long count, failing = -1;
static int for_good;

void arm(const char *below, long k, int always) {
    snprintf(folder, sizeof folder, "%s", below);
    count = 0, failing = k, for_good = always;
}

long counted(void) { return count; }

static int fails(const char *path) {
    if (failing < 0 || strncmp(path, folder, strlen(folder)) != 0) return 0;
    long now = count++;
    if (now != failing && !(for_good && now > failing)) return 0;
    errno = ENOSPC;
    return 1;
}

static int file_fails(int file) {
    char link[64], path[4096];
    if (failing < 0) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return fails(path);
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t write(int f, const void *b, size_t n) { return file_fails(f) ? -1 : REAL(write)(f, b, n); }
ssize_t pwrite(int f, const void *b, size_t n, off_t o) { return file_fails(f) ? -1 : REAL(pwrite)(f, b, n, o); }
ssize_t pwrite64(int f, const void *b, size_t n, off64_t o) { return file_fails(f) ? -1 : REAL(pwrite64)(f, b, n, o); }
int fsync(int f) { return file_fails(f) ? -1 : REAL(fsync)(f); }
int fdatasync(int f) { return file_fails(f) ? -1 : REAL(fdatasync)(f); }
int ftruncate(int f, off_t n) { return file_fails(f) ? -1 : REAL(ftruncate)(f, n); }
int ftruncate64(int f, off64_t n) { return file_fails(f) ? -1 : REAL(ftruncate64)(f, n); }
int rename(const char *a, const char *b) { return fails(a) ? -1 : REAL(rename)(a, b); }
int mkdir(const char *p, mode_t m) { return fails(p) ? -1 : REAL(mkdir)(p, m); }
int unlink(const char *p) { return fails(p) ? -1 : REAL(unlink)(p); }
int link(const char *a, const char *b) { return fails(b) ? -1 : REAL(link)(a, b); }

#define OPEN(name)                                                       \
    int name(const char *path, int flags, ...) {                         \
        va_list rest;                                                    \
        va_start(rest, flags);                                           \
        mode_t mode = flags & O_CREAT ? va_arg(rest, mode_t) : 0;        \
        va_end(rest);                                                    \
        return flags & O_CREAT && fails(path) ? -1 : REAL(name)(path, flags, mode); \
    }
OPEN(open)
OPEN(open64)
