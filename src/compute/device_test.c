/* device_test.c - machines that were, played through the probe; and this one, asked for real. */
#include "compute/device.h"

#include "base/test_support.h"

struct machine {
    const char *system, *program, *path;
};

static bool has_program(void *context, const char *program)
{
    const struct machine *machine = context;
    return machine->program && strcmp(machine->program, program) == 0;
}

static bool has_path(void *context, const char *path)
{
    const struct machine *machine = context;
    return machine->path && strcmp(machine->path, path) == 0;
}

static const char *system_of(void *context)
{
    return ((const struct machine *)context)->system;
}

static void each_kind_of_machine_gets_its_device(void **state)
{
    static const struct {
        struct machine machine;
        enum device preferred;
        bool intel_too;
    } CASES[] = {
        {{"Linux", "nvidia-smi", "/dev/dri"}, DEVICE_CUDA, true},
        {{"Linux", "rocm-smi", NULL}, DEVICE_ROCM, false},
        {{"Darwin", NULL, "/dev/dri"}, DEVICE_METAL, false},
        {{"Linux", NULL, "/dev/dri"}, DEVICE_INTEL, true},
        {{"Linux", NULL, NULL}, DEVICE_CPU, false},
    };
    for (size_t i = 0; i < ARRAY_COUNT(CASES); i++) {
        struct machine machine = CASES[i].machine;
        struct device_probe probe = {has_program, has_path, system_of, &machine};
        struct device_set set = device_detect(&probe);
        assert_int_equal(device_preferred(&set), CASES[i].preferred);
        assert_int_equal(set.present[DEVICE_INTEL], CASES[i].intel_too);
        assert_int_equal(set.present[DEVICE_CPU], CASES[i].preferred == DEVICE_CPU);
    }
}

static void this_machine_answers(void **state)
{
    struct device_set set = device_detect(&device_probe_machine);
    assert_true(set.present[device_preferred(&set)]);
    assert_true(device_supported(DEVICE_CPU));
    assert_string_equal(device_name(DEVICE_ROCM), "rocm");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_of_machine_gets_its_device),
        cmocka_unit_test(this_machine_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
