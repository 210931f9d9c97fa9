/* keys.h - the two keys a server has: one for its operator, one to sign with. Both lie in the data
 * folder with mode 0600, and are made at the first start. */
#ifndef LIMINAL_APP_KEYS_H
#define LIMINAL_APP_KEYS_H

#include "accounts/secret.h"
#include "app/settings.h"

struct service_key {
    const char *text; /* "": none, only accounts get in */
    const char *path; /* the file it is in; NULL: the settings name it */
    bool is_new;      /* made just now */
};
/* --api-key, else the one in FOLDER/api-key, which is made at the first start that listens on
 * loopback only. In the arena. */
enum status service_key_find(const struct settings *settings, struct arena *arena,
                             struct service_key *key, struct fault *fault) MUST_USE;
/* The same for who asks a server of this machine: makes nothing. */
enum status service_key_read(const struct settings *settings, struct arena *arena,
                             struct service_key *key, struct fault *fault) MUST_USE;

/* --server-key, else FOLDER/server.key. Servers that share a database must share it. */
enum status server_key_find(const struct settings *settings, struct arena *arena,
                            unsigned char key[SERVER_KEY_BYTES], struct fault *fault) MUST_USE;

#endif
