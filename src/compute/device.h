/* device.h - which accelerators this machine has (R10), and which one should run the model (R11).
 *
 * Detection is not support: a device that is found but that this build has no kernels for is
 * reported as such, never silently replaced. */
#ifndef LIMINAL_COMPUTE_DEVICE_H
#define LIMINAL_COMPUTE_DEVICE_H

#include <stdbool.h>

/* In order of preference. */
enum device { DEVICE_CUDA, DEVICE_ROCM, DEVICE_METAL, DEVICE_INTEL, DEVICE_CPU, DEVICE_COUNT };

/* What detection asks the machine; a test plays other machines. */
struct device_probe {
    bool (*program_succeeds)(void *context, const char *program); /* within 5 s, exit code 0 */
    bool (*path_exists)(void *context, const char *path);
    const char *(*system_name)(void *context); /* uname -s */
    void *context;
};
extern const struct device_probe device_probe_machine;

struct device_set {
    bool present[DEVICE_COUNT]; /* cpu only when there is nothing else */
};

const char *device_name(enum device device); /* "cuda", "rocm", "metal", "intel", "cpu" */
struct device_set device_detect(const struct device_probe *probe);
enum device device_preferred(const struct device_set *set);
/* Has this build kernels for it? */
bool device_supported(enum device device);

#endif
