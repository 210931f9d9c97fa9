/* device.c - the rules of detection (R10) and of preference (R11). */
#include "compute/device.h"

#include <string.h>

static const char *const NAMES[DEVICE_COUNT] = {"cuda", "rocm", "metal", "intel", "cpu"};

const char *device_name(enum device device)
{
    return device < DEVICE_COUNT ? NAMES[device] : "unknown";
}

struct device_set device_detect(const struct device_probe *probe)
{
    struct device_set set = {0};
    const char *system = probe->system_name(probe->context);
    set.present[DEVICE_CUDA] = probe->program_succeeds(probe->context, "nvidia-smi");
    set.present[DEVICE_ROCM] = probe->program_succeeds(probe->context, "rocm-smi");
    set.present[DEVICE_METAL] = strcmp(system, "Darwin") == 0;
    set.present[DEVICE_INTEL] =
        strcmp(system, "Linux") == 0 && probe->path_exists(probe->context, "/dev/dri");
    bool any = false;
    for (int i = 0; i < DEVICE_CPU; i++) any |= set.present[i];
    set.present[DEVICE_CPU] = !any;
    return set;
}

enum device device_preferred(const struct device_set *set)
{
    for (int i = 0; i < DEVICE_COUNT; i++)
        if (set->present[i]) return (enum device)i;
    return DEVICE_CPU;
}

bool device_supported(enum device device)
{
    return device == DEVICE_CPU;
}
