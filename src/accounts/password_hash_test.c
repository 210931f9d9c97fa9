/* password_hash_test.c - what matches, what is from elsewhere, and what is old. */
#include "accounts/realization/password_hash.h"

#include "base/test_support.h"

static void argon2id(void **state)
{
    char hash[PASSWORD_HASH_BYTES], again[PASSWORD_HASH_BYTES];
    struct fault fault;
    assert_ok(password_hash(TEXT("correct horse"), hash, &fault), &fault);
    assert_ok(password_hash(TEXT("correct horse"), again, &fault), &fault);
    assert_string_not_equal(hash, again); /* each has a salt of its own */
    assert_int_equal(strncmp(hash, "$argon2id$v=19$m=19456,t=2,p=1$", 31), 0);
    assert_true(password_matches(TEXT("correct horse"), hash));
    assert_false(password_matches(TEXT("correct horsE"), hash));
    assert_false(password_matches(TEXT(""), hash));
    assert_false(password_hash_is_old(hash));
    assert_ok(password_hash(TEXT("nul \0 inside"), hash, &fault), &fault);
    assert_true(password_matches(TEXT("nul \0 inside"), hash));
    assert_false(password_matches(TEXT("nul "), hash));
}

/* The hash is of OpenBSD's and crypt_blowfish's test vectors. */
static void bcrypt_from_elsewhere(void **state)
{
    static const char hash[] = "$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";
    assert_true(password_matches(TEXT("U*U"), hash));
    assert_false(password_matches(TEXT("U*U*"), hash));
    assert_false(password_matches(TEXT("U*U\0"), hash));
    assert_true(password_hash_is_old(hash));
}

static void no_account_matches_nothing(void **state)
{
    assert_false(password_matches(TEXT("anything"), ""));
    assert_false(password_matches(TEXT(""), ""));
    assert_false(password_matches(TEXT("x"), "$2b$broken"));
    assert_false(password_matches(TEXT("x"), "plain"));
    assert_true(
        password_hash_is_old("$argon2id$v=19$m=1024,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$"
                             "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(argon2id),
        cmocka_unit_test(bcrypt_from_elsewhere),
        cmocka_unit_test(no_account_matches_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
