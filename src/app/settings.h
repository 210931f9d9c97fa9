/* settings.h - everything that can be set about a running Liminal, in one table: the options of
 * `liminal serve`, its environment variables, and the keys of liminal.conf are the same rows.
 * Precedence: command line, environment, file, default. docs/configuration.md is the manual. */
#ifndef LIMINAL_APP_SETTINGS_H
#define LIMINAL_APP_SETTINGS_H

#include "app/option.h"

struct settings {
    const char *host;
    uint64_t port;
    const char *data_dir; /* NULL: path_home() */
    const char *database; /* a URL; NULL: what stores.h says */
    const char *database_host, *database_name, *database_user, *database_password;
    uint64_t database_port;
    const char *redis;         /* a URL; NULL: this process's memory */
    struct option_list models; /* names, paths, or "local-llm"; the first is the main one */
    const char *embedding_model;
    uint64_t threads; /* 0: every core */
    uint64_t context; /* 0: the model's */
    uint64_t sequences, queue, prefill_chunk;
    uint64_t kv_memory_mb;    /* 0: from the memory there is */
    uint64_t kv_spill_mb;     /* 0: nothing goes to disk */
    const char *kv_spill_dir; /* NULL: in the data folder */
    uint64_t model_memory_mb; /* 0: from the memory there is */
    uint64_t models_max;      /* 0: as many as fit */
    const char *keep_alive;   /* inference/keep_alive.h */
    const char *speculation;  /* inference/engine.h */
    const char *draft_model;  /* a name or a path; NULL: none */
    const char *api_key;
    const char *server_key;     /* 64 hex digits; NULL: keys.h */
    const char *public_url;     /* NULL: settings_url */
    const char *rate_limits;    /* gateway/limit_rates.h */
    struct option_list proxies; /* gateway/access.h */
    const char *smtp_host, *smtp_tls, *smtp_user, *smtp_password, *smtp_ca; /* mail/mail.h */
    const char *mail_from, *mail_from_name;
    uint64_t smtp_port;
    bool invite_only, single_session; /* accounts/accounts.h */
    struct option_list sign_in_with;  /* identity_providers.h */
    struct option_list sign_up_domains;
    const char *chat_template; /* a file */
    struct option_list cors, allowed_hosts;
    uint64_t grace_s;
    const char *log;
    const char *config;
    bool show_settings;
};

/* All of them; a row that names no environment variable is for the command line alone. */
extern const struct option_table SETTINGS;

/* Take what the configuration file says. `words` is the command line, because it may name the file
 * (--config) or the folder it lies in (--data-dir). Fits struct verb's prepare. */
enum status settings_prepare(struct option_parse *parse, char **words, size_t count,
                             struct fault *fault) MUST_USE;

/* Defaults, file and environment, for verbs with options of their own. */
enum status settings_load(struct settings *settings, struct arena *arena,
                          struct fault *fault) MUST_USE;

/* One line per setting: name, value, where it came from. Keys are not shown. */
enum status settings_print(const struct option_parse *parse, struct buffer *out,
                           struct fault *fault) MUST_USE;

/* "http://127.0.0.1:8000": where a program on this machine reaches a server with these settings
 * that listens on `port`. NULL: no memory. */
char *settings_url(const struct settings *settings, uint64_t port, struct arena *arena) MUST_USE;

/* Take the settings in the text of a configuration file; `name` is for messages. */
enum status settings_read_text(struct option_parse *parse, const char *name, struct text text,
                               struct fault *fault) MUST_USE;

#endif
