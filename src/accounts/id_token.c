/* id_token.c - see id_token.h. */
#include "accounts/id_token.h"

#include <string.h>

#include "accounts/jwk.h"
#include "base/base64url.h"
#include "http/json_body.h"

enum { CLOCK_SKEW_S = 60 };

static enum status refuse(struct fault *fault, const char *why)
{
    return fault_set(fault, STATUS_UNAUTHORIZED, "the provider's ID token is not valid: %s", why);
}

/* ---- parts ---- */

struct token_parts {
    struct text signed_text, header, payload, signature;
};

/* Three parts with dots between. */
static bool split(struct text token, struct token_parts *parts)
{
    size_t first = text_find(token, TEXT("."));
    if (first == SIZE_MAX) return false;
    struct text rest = text_slice(token, first + 1, token.length);
    size_t second = text_find(rest, TEXT("."));
    if (second == SIZE_MAX) return false;
    parts->header = text_slice(token, 0, first);
    parts->payload = text_slice(rest, 0, second);
    parts->signature = text_slice(rest, second + 1, rest.length);
    parts->signed_text = text_slice(token, 0, first + 1 + second);
    return true;
}

/* One part as a JSON object; NULL when it is none. */
static enum status parse_part(struct text part, struct arena *job, json_t **object,
                              struct fault *fault)
{
    size_t length = part.length * 3 / 4;
    char *bytes = arena_alloc(job, length + 1);
    if (!bytes) return fault_set(fault, STATUS_NO_MEMORY, "no memory for an ID token");
    *object = NULL;
    if (!base64url_decode(part, bytes, length)) return OK;
    enum status status = json_body_parse((struct text){bytes, length}, object, fault);
    return status == STATUS_NO_MEMORY ? status : OK;
}

/* ---- the signature ---- */

static enum status check_signature(const json_t *header, const struct token_parts *parts,
                                   const json_t *keys, struct arena *job, struct fault *fault)
{
    enum jwk_algorithm algorithm;
    size_t length = parts->signature.length * 3 / 4;
    if (!jwk_algorithm_parse(json_field_text(header, "alg"), &algorithm))
        return refuse(fault, "it is not signed with RS256 or ES256");
    if (json_object_get(header, "crit")) return refuse(fault, "it has critical extensions");
    unsigned char *signature = arena_alloc(job, length + 1);
    if (!signature) return fault_set(fault, STATUS_NO_MEMORY, "no memory for an ID token");
    if (!base64url_decode(parts->signature, signature, length))
        return refuse(fault, "its signature can't be read");
    enum jwk_verdict verdict =
        jwk_set_verify(keys, algorithm, json_field_text(header, "kid"), parts->signed_text,
                       (struct text){(const char *)signature, length});
    if (verdict == JWK_NO_KEY)
        return fault_set(fault, STATUS_NOT_FOUND, "the provider has no key for its ID token");
    return verdict == JWK_SIGNED ? OK : refuse(fault, "its signature is wrong");
}

/* ---- the claims ---- */

/* For us; and when it is for others too, given to us. */
static bool is_for(const json_t *payload, struct text client_id)
{
    const json_t *audience = json_object_get(payload, "aud"),
                 *party = json_object_get(payload, "azp");
    if (party && !text_equal(json_text_of(party), client_id)) return false;
    if (json_is_string(audience)) return text_equal(json_text_of(audience), client_id);
    bool is_among = false;
    for (size_t i = 0; i < json_array_size(audience); i++)
        is_among |= text_equal(json_text_of(json_array_get(audience, i)), client_id);
    return is_among && (json_array_size(audience) == 1 || party);
}

static enum status check_claims(const json_t *payload, const struct id_expectation *expected,
                                struct fault *fault)
{
    const json_t *expires = json_object_get(payload, "exp"),
                 *issued = json_object_get(payload, "iat"),
                 *begins = json_object_get(payload, "nbf");
    if (!text_equal(json_field_text(payload, "iss"), expected->issuer))
        return refuse(fault, "it is of another issuer");
    if (!is_for(payload, expected->client_id)) return refuse(fault, "it is for somebody else");
    if (!json_is_number(expires) ||
        json_number_value(expires) + CLOCK_SKEW_S <= (double)expected->now_s)
        return refuse(fault, "it has expired");
    if (!json_is_number(issued) ||
        json_number_value(issued) - CLOCK_SKEW_S > (double)expected->now_s ||
        (begins && json_number_value(begins) - CLOCK_SKEW_S > (double)expected->now_s))
        return refuse(fault, "it is of the future");
    if (expected->nonce.length == 0 ||
        !text_equal(json_field_text(payload, "nonce"), expected->nonce))
        return refuse(fault, "it belongs to another sign-in");
    return OK;
}

static enum status copy_text(struct text text, struct arena *job, struct text *copy,
                             struct fault *fault)
{
    const char *bytes = arena_copy(job, text.data ? text.data : "", text.length);
    if (!bytes) return fault_set(fault, STATUS_NO_MEMORY, "no memory for an ID token");
    *copy = (struct text){bytes, text.length};
    return OK;
}

enum status id_claims_read_email(const json_t *object, struct arena *job, struct id_claims *claims,
                                 struct fault *fault)
{
    const json_t *verified = json_object_get(object, "email_verified");
    claims->email_verified = /* some providers write it as a string */
        json_is_true(verified) || text_equal(json_text_of(verified), TEXT("true"));
    return copy_text(json_field_text(object, "email"), job, &claims->email, fault);
}

static enum status verify(const struct token_parts *parts, const json_t *header,
                          const json_t *payload, const json_t *keys,
                          const struct id_expectation *expected, struct arena *job,
                          struct id_claims *claims, struct fault *fault)
{
    if (!header || !payload) return refuse(fault, "it is no signed JSON");
    TRY(check_signature(header, parts, keys, job, fault));
    TRY(check_claims(payload, expected, fault));
    struct text subject = json_field_text(payload, "sub");
    if (subject.length == 0 || subject.length > ID_SUBJECT_BYTES)
        return refuse(fault, "it does not say who it is");
    TRY(copy_text(subject, job, &claims->subject, fault));
    return id_claims_read_email(payload, job, claims, fault);
}

enum status id_token_verify(struct text token, const json_t *keys,
                            const struct id_expectation *expected, struct arena *job,
                            struct id_claims *claims, struct fault *fault)
{
    enum status status;
    json_t *header = NULL, *payload = NULL;
    struct token_parts parts;
    *claims = (struct id_claims){0};
    if (token.length > ID_TOKEN_BYTES || !split(token, &parts))
        return refuse(fault, "it is no signed JSON");
    TRY_DONE(parse_part(parts.header, job, &header, fault));
    TRY_DONE(parse_part(parts.payload, job, &payload, fault));
    TRY_DONE(verify(&parts, header, payload, keys, expected, job, claims, fault));
done:
    json_decref(header);
    json_decref(payload);
    return status;
}
