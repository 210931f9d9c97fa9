/* mfa.h - a second factor: codes of an app (RFC 6238), and ten recovery codes.
 *
 * The secret lies in the database sealed with the server's key. A code works once. Five wrong ones
 * lock the second factor for five minutes (R240), and when the count can't be kept nobody gets in
 * by a code. */
#ifndef LIMINAL_ACCOUNTS_MFA_H
#define LIMINAL_ACCOUNTS_MFA_H

#include "accounts/accounts.h"
#include "accounts/totp.h"

enum { MFA_RECOVERY_CODES = 10 };

/* In fault.param: the same call with a code may succeed. A wrong code has fault.param "mfa_code".
 */
#define MFA_REQUIRED "mfa_required"
bool mfa_is_required(const struct fault *fault);

struct mfa_enrolment {
    char secret[TOTP_SECRET_TEXT_BYTES]; /* to type */
    struct text uri;                     /* otpauth://totp/... */
    struct text qr_svg;                  /* the same as a picture: an <svg> element */
};
struct mfa_state {
    bool is_enabled;
    int64_t since_us;
    unsigned recovery_codes_left;
};
struct recovery_codes {
    char code[MFA_RECOVERY_CODES][RECOVERY_CODE_BYTES];
};

enum status accounts_mfa_state(struct accounts *accounts, struct uuid user, struct mfa_state *state,
                               struct fault *fault) MUST_USE;
/* A secret for the app; nothing is asked for before it is confirmed. Enrolling again replaces a
 * secret that was not. STATUS_CONFLICT when a factor is enabled, STATUS_FORBIDDEN for an account
 * that is not active: whoever registers somebody else's address must not lock it. */
enum status accounts_mfa_enrol(struct accounts *accounts, struct uuid user, struct arena *job,
                               struct mfa_enrolment *enrolment, struct fault *fault) MUST_USE;
/* From now on it is needed; this session has shown it. The codes are shown this once. */
enum status accounts_mfa_confirm(struct accounts *accounts, const struct principal *principal,
                                 struct text code, struct recovery_codes *codes,
                                 struct fault *fault) MUST_USE;
/* Ten new recovery codes; the old ones end. */
enum status accounts_mfa_renew_codes(struct accounts *accounts, struct uuid user, struct text code,
                                     struct recovery_codes *codes, struct fault *fault) MUST_USE;
/* Needs the password, unless there is none (who signs in elsewhere), and a code. */
enum status accounts_mfa_disable(struct accounts *accounts, struct uuid user, struct text password,
                                 struct text code, struct fault *fault) MUST_USE;
/* By an administrator, for who lost device and recovery codes; all sessions end. STATUS_NOT_FOUND
 * when there is no factor. */
enum status accounts_mfa_remove(struct accounts *accounts, struct uuid user,
                                struct fault *fault) MUST_USE;

#endif
