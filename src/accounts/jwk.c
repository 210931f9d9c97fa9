/* jwk.c - see jwk.h. The mathematics is libcrypto's. */
#include "accounts/jwk.h"

#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <string.h>

#include "base/base64url.h"
#include "http/json_body.h"

enum {
    RSA_LEAST_BITS = 2048,
    NUMBER_BYTES = 1024, /* of an RSA modulus: 8192 bits */
    P256_BYTES = 32,
};

static const struct {
    const char *name, *type;
} algorithms[] = {
    [JWK_RS256] = {"RS256", "RSA"},
    [JWK_ES256] = {"ES256", "EC"},
};

bool jwk_algorithm_parse(struct text name, enum jwk_algorithm *algorithm)
{
    for (size_t i = 0; i < ARRAY_COUNT(algorithms); i++) {
        if (!text_equal(name, text_of(algorithms[i].name))) continue;
        *algorithm = (enum jwk_algorithm)i;
        return true;
    }
    return false;
}

/* ---- keys ---- */

/* A member in base64url; 0 when it is none, or too long. */
static size_t read_number(const json_t *key, const char *name, unsigned char out[NUMBER_BYTES])
{
    struct text letters = json_field_text(key, name);
    size_t length = letters.length * 3 / 4;
    if (length == 0 || length > NUMBER_BYTES || !base64url_decode(letters, out, length)) return 0;
    return length;
}

static EVP_PKEY *make_key(const char *type, OSSL_PARAM_BLD *builder)
{
    EVP_PKEY *key = NULL;
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(builder);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    if (params && context && EVP_PKEY_fromdata_init(context) > 0 &&
        EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, params) <= 0)
        key = NULL;
    EVP_PKEY_CTX_free(context);
    OSSL_PARAM_free(params);
    return key;
}

static EVP_PKEY *rsa_key(const json_t *jwk)
{
    unsigned char modulus[NUMBER_BYTES], exponent[NUMBER_BYTES];
    size_t n_length = read_number(jwk, "n", modulus), e_length = read_number(jwk, "e", exponent);
    if (!n_length || !e_length || e_length > 8) return NULL;
    BIGNUM *n = BN_bin2bn(modulus, (int)n_length, NULL),
           *e = BN_bin2bn(exponent, (int)e_length, NULL);
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    EVP_PKEY *key = NULL;
    if (n && e && builder && BN_num_bits(n) >= RSA_LEAST_BITS &&
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n) &&
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e))
        key = make_key("RSA", builder);
    OSSL_PARAM_BLD_free(builder);
    BN_free(n);
    BN_free(e);
    return key;
}

static EVP_PKEY *p256_key(const json_t *jwk)
{
    unsigned char x[NUMBER_BYTES], y[NUMBER_BYTES], point[1 + 2 * P256_BYTES] = {0x04};
    if (!text_equal(json_field_text(jwk, "crv"), TEXT("P-256")) ||
        read_number(jwk, "x", x) != P256_BYTES || read_number(jwk, "y", y) != P256_BYTES)
        return NULL;
    memcpy(point + 1, x, P256_BYTES);
    memcpy(point + 1 + P256_BYTES, y, P256_BYTES);
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    EVP_PKEY *key = NULL;
    if (builder &&
        OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) &&
        OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point))
        key = make_key("EC", builder);
    OSSL_PARAM_BLD_free(builder);
    return key;
}

/* An absent member says nothing against it. */
static bool says(const json_t *jwk, const char *name, struct text value)
{
    const json_t *member = json_object_get(jwk, name);
    return !member || text_equal(json_text_of(member), value);
}

static bool fits(const json_t *jwk, enum jwk_algorithm algorithm, struct text kid)
{
    return text_equal(json_field_text(jwk, "kty"), text_of(algorithms[algorithm].type)) &&
           says(jwk, "use", TEXT("sig")) && says(jwk, "alg", text_of(algorithms[algorithm].name)) &&
           (kid.length == 0 || text_equal(json_field_text(jwk, "kid"), kid));
}

/* ---- signatures ---- */

/* JOSE writes the two numbers of an ECDSA signature side by side, libcrypto wants them in DER. */
static int der_of(struct text signature, unsigned char **der)
{
    if (signature.length != 2 * P256_BYTES) return -1;
    const unsigned char *bytes = (const unsigned char *)signature.data;
    BIGNUM *r = BN_bin2bn(bytes, P256_BYTES, NULL),
           *s = BN_bin2bn(bytes + P256_BYTES, P256_BYTES, NULL);
    ECDSA_SIG *pair = ECDSA_SIG_new();
    int length = -1;
    if (r && s && pair && ECDSA_SIG_set0(pair, r, s)) {
        r = s = NULL; /* the pair's now */
        length = i2d_ECDSA_SIG(pair, der);
    }
    BN_free(r);
    BN_free(s);
    ECDSA_SIG_free(pair);
    return length;
}

static bool verify_with(EVP_PKEY *key, struct text signed_text, const unsigned char *signature,
                        size_t length)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool is_right =
        context && EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, key) > 0 &&
        EVP_DigestVerify(context, signature, length, (const unsigned char *)signed_text.data,
                         signed_text.length) == 1;
    EVP_MD_CTX_free(context);
    return is_right;
}

static bool verify(EVP_PKEY *key, enum jwk_algorithm algorithm, struct text signed_text,
                   struct text signature)
{
    if (algorithm == JWK_RS256)
        return verify_with(key, signed_text, (const unsigned char *)signature.data,
                           signature.length);
    unsigned char *der = NULL;
    int length = der_of(signature, &der);
    bool is_right = length > 0 && verify_with(key, signed_text, der, (size_t)length);
    OPENSSL_free(der);
    return is_right;
}

enum jwk_verdict jwk_set_verify(const json_t *keys, enum jwk_algorithm algorithm, struct text kid,
                                struct text signed_text, struct text signature)
{
    enum jwk_verdict verdict = JWK_NO_KEY;
    const json_t *list = json_object_get(keys, "keys");
    for (size_t i = 0; i < json_array_size(list) && verdict != JWK_SIGNED; i++) {
        const json_t *jwk = json_array_get(list, i);
        if (!fits(jwk, algorithm, kid)) continue;
        EVP_PKEY *key = algorithm == JWK_RS256 ? rsa_key(jwk) : p256_key(jwk);
        if (!key) continue;
        verdict = verify(key, algorithm, signed_text, signature) ? JWK_SIGNED : JWK_FORGED;
        EVP_PKEY_free(key);
    }
    return verdict;
}
