/* machine.c - clocks, entropy, XDG paths, cores and memory of this machine. */
#include <errno.h>
#include <pwd.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "platform/platform.h"

uint64_t clock_monotonic_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

int64_t clock_wall_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void entropy_fill(void *bytes, size_t length)
{
    unsigned char *out = bytes;
    while (length) {
        ssize_t got = getrandom(out, length, 0);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) abort(); /* no entropy: nothing that follows could be safe */
        out += got;
        length -= (size_t)got;
    }
}

static const char *environment(const char *name)
{
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

static enum status write_path(char *out, size_t capacity, struct fault *fault, const char *base,
                              const char *rest)
{
    if (snprintf(out, capacity, "%s%s", base, rest) >= (int)capacity)
        return fault_set(fault, STATUS_INVALID, "the path %s%s is too long", base, rest);
    return OK;
}

static enum status data_path(char *out, size_t capacity, struct fault *fault, const char *rest)
{
    const char *xdg = environment("XDG_DATA_HOME");
    char below[256];
    /* The XDG specification says that a relative path must be ignored. */
    if (xdg && xdg[0] == '/') return write_path(out, capacity, fault, xdg, rest);
    const char *home = environment("HOME");
    if (!home) {
        const struct passwd *entry = getpwuid(getuid());
        home = entry ? entry->pw_dir : NULL;
    }
    if (!home)
        return fault_set(fault, STATUS_UNAVAILABLE,
                         "there is no home directory: set HOME or LIMINAL_HOME");
    snprintf(below, sizeof below, "/.local/share%s", rest);
    return write_path(out, capacity, fault, home, below);
}

enum status path_home(char *out, size_t capacity, struct fault *fault)
{
    const char *own = environment("LIMINAL_HOME");
    return own ? write_path(out, capacity, fault, own, "")
               : data_path(out, capacity, fault, "/liminal");
}

enum status path_models(char *out, size_t capacity, struct fault *fault)
{
    const char *own = environment("LIMINAL_MODELS");
    return own ? write_path(out, capacity, fault, own, "")
               : data_path(out, capacity, fault, "/liminal/models");
}

/* First line of a small file of the kernel's; false if it is not there. */
static bool read_line(const char *path, char *line, size_t capacity)
{
    FILE *file = fopen(path, "re");
    if (!file) return false;
    bool good = fgets(line, (int)capacity, file) != NULL;
    fclose(file);
    return good;
}

unsigned machine_cores(void)
{
    cpu_set_t set;
    unsigned cores = 1;
    if (sched_getaffinity(0, sizeof set, &set) == 0) cores = (unsigned)CPU_COUNT(&set);
    char line[128];
    unsigned long long quota, period;
    if (read_line("/sys/fs/cgroup/cpu.max", line, sizeof line) &&
        sscanf(line, "%llu %llu", &quota, &period) == 2 && period > 0) {
        unsigned limit = (unsigned)((quota + period - 1) / period);
        if (limit < cores) cores = limit;
    }
    return cores ? cores : 1;
}

uint64_t machine_memory_available(void)
{
    uint64_t available = 0;
    FILE *file = fopen("/proc/meminfo", "re");
    if (file) {
        char line[128];
        unsigned long long kib;
        while (fgets(line, sizeof line, file))
            if (sscanf(line, "MemAvailable: %llu kB", &kib) == 1) available = kib * 1024;
        fclose(file);
    }
    char line[64];
    unsigned long long limit, used;
    if (read_line("/sys/fs/cgroup/memory.max", line, sizeof line) &&
        sscanf(line, "%llu", &limit) == 1 &&
        read_line("/sys/fs/cgroup/memory.current", line, sizeof line) &&
        sscanf(line, "%llu", &used) == 1) {
        uint64_t rest = limit > used ? limit - used : 0;
        if (rest < available) available = rest;
    }
    return available;
}

uint64_t process_resident_bytes(void)
{
    char line[128];
    unsigned long long size, resident;
    if (!read_line("/proc/self/statm", line, sizeof line) ||
        sscanf(line, "%llu %llu", &size, &resident) != 2)
        return 0;
    return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}
