/* device_probe.c - the probe of device.h that asks this machine. */
#include <sys/utsname.h>

#include "compute/device.h"
#include "platform/platform.h"
#include "platform/process.h"

enum { PROBE_TIMEOUT_MS = 5000 };

static bool program_succeeds(void *context, const char *program)
{
    int exit_code;
    return process_run((const char *[]){program, NULL}, PROBE_TIMEOUT_MS, &exit_code, NULL) == OK &&
           exit_code == 0;
}

static bool path_exists(void *context, const char *path)
{
    return file_exists(path);
}

static const char *system_name(void *context)
{
    static struct utsname name;
    return uname(&name) == 0 ? name.sysname : "";
}

const struct device_probe device_probe_machine = {
    .program_succeeds = program_succeeds,
    .path_exists = path_exists,
    .system_name = system_name,
};
