/* machine_test.c - paths by XDG, digests against the standard's vectors, sane readings. */
#include <stdlib.h>

#include "base/test_support.h"
#include "platform/platform.h"

static void paths_follow_xdg_and_the_overrides(void **state)
{
    char path[256];
    struct fault fault;
    setenv("HOME", "/home/ada", 1);
    unsetenv("XDG_DATA_HOME");
    unsetenv("LIMINAL_HOME");
    unsetenv("LIMINAL_MODELS");
    assert_ok(path_home(path, sizeof path, &fault), &fault);
    assert_string_equal(path, "/home/ada/.local/share/liminal");
    setenv("XDG_DATA_HOME", "relative/is/ignored", 1);
    assert_ok(path_models(path, sizeof path, &fault), &fault);
    assert_string_equal(path, "/home/ada/.local/share/liminal/models");
    setenv("XDG_DATA_HOME", "/data", 1);
    setenv("LIMINAL_HOME", "/srv/one", 1);
    assert_ok(path_home(path, sizeof path, &fault), &fault);
    assert_string_equal(path, "/srv/one");
    assert_ok(path_models(path, sizeof path, &fault), &fault);
    assert_string_equal(path, "/data/liminal/models"); /* shared, whatever LIMINAL_HOME says */
    setenv("LIMINAL_MODELS", "/m", 1);
    assert_ok(path_models(path, sizeof path, &fault), &fault);
    assert_string_equal(path, "/m");
    assert_status(path_models(path, 2, &fault), STATUS_INVALID);
}

static void sha256_matches_fips_180(void **state)
{
    static const struct {
        const char *text, *hex;
    } VECTORS[] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(VECTORS); i++) {
        unsigned char digest[32];
        char hex[65];
        struct sha256 *sha = sha256_new();
        assert_non_null(sha);
        for (const char *p = VECTORS[i].text; *p; p++) sha256_update(sha, p, 1);
        sha256_final_free(sha, digest);
        hex_encode(digest, sizeof digest, hex);
        assert_string_equal(hex, VECTORS[i].hex);
    }
}

static void readings_are_sane(void **state)
{
    assert_in_range(machine_cores(), 1, 4096);
    assert_true(machine_memory_available() > 1 << 20);
    assert_true(process_resident_bytes() > 1 << 16);
    assert_true(clock_wall_ms() > 1700000000000);
    uint64_t first = clock_monotonic_ns();
    assert_true(clock_monotonic_ns() >= first);
    unsigned char a[32] = {0}, b[32] = {0};
    entropy_fill(a, sizeof a);
    entropy_fill(b, sizeof b);
    assert_memory_not_equal(a, b, sizeof a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_follow_xdg_and_the_overrides),
        cmocka_unit_test(sha256_matches_fips_180),
        cmocka_unit_test(readings_are_sane),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
