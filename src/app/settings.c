/* settings.c - the table of settings, and the configuration file. */
#include "app/settings.h"

#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "platform/platform.h"

#define FIELD(name) offsetof(struct settings, name)

static const struct option_row ROWS[] = {
    {"host", 0, OPTION_TEXT, FIELD(host), .value_name = "ADDRESS", .fallback = "127.0.0.1",
     .help = "address to listen on; other machines can reach any but 127.0.0.1 and ::1",
     .environment = "LIMINAL_HOST"},
    {"port", 'p', OPTION_COUNT, FIELD(port), .value_name = "PORT", .fallback = "8000",
     .help = "port to listen on, 0 for any free", .environment = "LIMINAL_PORT", .most = 65535},
    {"data-dir", 0, OPTION_TEXT, FIELD(data_dir), .value_name = "FOLDER",
     .help = "where Liminal keeps what is yours; default ~/.local/share/liminal",
     .environment = "LIMINAL_HOME"},
    {"database", 0, OPTION_TEXT, FIELD(database), .value_name = "URL",
     .help = "where accounts and conversations are kept: sqlite:FILE, or "
             "postgresql://user:password@host:5432/name; default: liminal.db in the data folder",
     .environment = "LIMINAL_DATABASE DATABASE_URL", .is_secret = true},
    {"database-host", 0, OPTION_TEXT, FIELD(database_host), .value_name = "HOST",
     .help = "PostgreSQL's host or folder of its socket, where --database names none; then the "
             "four below count too",
     .environment = "LIMINAL_DATABASE_HOST DATABASE_HOST"},
    {"database-port", 0, OPTION_COUNT, FIELD(database_port), .value_name = "PORT",
     .fallback = "5432", .help = "its port", .environment = "LIMINAL_DATABASE_PORT DATABASE_PORT",
     .least = 1, .most = 65535},
    {"database-name", 0, OPTION_TEXT, FIELD(database_name), .value_name = "NAME",
     .fallback = "liminal", .help = "its database",
     .environment = "LIMINAL_DATABASE_NAME DATABASE_NAME"},
    {"database-user", 0, OPTION_TEXT, FIELD(database_user), .value_name = "NAME",
     .fallback = "liminal", .help = "its user",
     .environment = "LIMINAL_DATABASE_USER DATABASE_USER"},
    {"database-password", 0, OPTION_TEXT, FIELD(database_password), .value_name = "PASSWORD",
     .help = "the user's password; better set as a variable",
     .environment = "LIMINAL_DATABASE_PASSWORD DATABASE_PASSWORD", .is_secret = true},
    {"redis", 0, OPTION_TEXT, FIELD(redis), .value_name = "URL",
     .help = "what several servers on one database share limits and sign-outs through: "
             "redis://user:password@host:6379/0 or unix:SOCKET; default: kept in this process",
     .environment = "LIMINAL_REDIS REDIS_URL", .is_secret = true},
    {"model", 'm', OPTION_LIST, FIELD(models), .value_name = "MODEL",
     .help = "model to serve, which stays in memory: a name from `liminal list` or a path; may be "
             "repeated, and the first is the main one, local-llm; default: the first of the list. "
             "The others of the list are loaded when a request names them",
     .environment = "MODEL_PATH LIMINAL_MODEL"},
    {"embedding-model", 0, OPTION_TEXT, FIELD(embedding_model), .value_name = "MODEL",
     .help = "model for /v1/embeddings; default: the chat model makes them",
     .environment = "LIMINAL_EMBEDDING_MODEL"},
    {"keep-alive", 0, OPTION_TEXT, FIELD(keep_alive), .value_name = "TIME", .fallback = "5m",
     .help = "how long a model that was loaded for a request stays when nobody uses it: 90s, 5m, "
             "1h30m, 0 for not at all, -1 for ever",
     .environment = "LIMINAL_KEEP_ALIVE"},
    {"model-memory-mb", 0, OPTION_COUNT, FIELD(model_memory_mb), .value_name = "MB",
     .fallback = "0",
     .help = "memory for all models together; those used longest ago make room for others. 0 for "
             "three quarters of what is free at the start",
     .environment = "LIMINAL_MODEL_MEMORY_MB", .most = 1 << 30},
    {"models-max", 0, OPTION_COUNT, FIELD(models_max), .value_name = "N", .fallback = "0",
     .help = "models in memory at once, 0 for as many as fit", .environment = "LIMINAL_MODELS_MAX",
     .most = 64},
    {"threads", 't', OPTION_COUNT, FIELD(threads), .value_name = "N", .fallback = "0",
     .help = "threads that compute, 0 for one per core", .environment = "LIMINAL_THREADS",
     .most = 1024},
    {"ctx", 'c', OPTION_COUNT, FIELD(context), .value_name = "TOKENS", .fallback = "0",
     .help = "longest conversation in tokens, 0 for as long as model and memory allow",
     .environment = "LIMINAL_CTX", .most = 1 << 24},
    {"sequences", 0, OPTION_COUNT, FIELD(sequences), .value_name = "N", .fallback = "32",
     .help = "requests that are answered at once", .environment = "LIMINAL_SEQUENCES", .least = 1,
     .most = 4096},
    {"queue", 0, OPTION_COUNT, FIELD(queue), .value_name = "N", .fallback = "256",
     .help = "requests that may wait beyond those; more are answered with 429",
     .environment = "LIMINAL_QUEUE", .most = 1 << 20},
    {"prefill-chunk", 0, OPTION_COUNT, FIELD(prefill_chunk), .value_name = "TOKENS",
     .fallback = "256",
     .help =
         "tokens of new prompts per step: smaller keeps other answers flowing, larger reads long "
         "prompts faster",
     .environment = "LIMINAL_PREFILL_CHUNK", .least = 1, .most = 1 << 16},
    {"kv-memory", 0, OPTION_COUNT, FIELD(kv_memory_mb), .value_name = "MB", .fallback = "0",
     .help = "memory for the conversations being answered, 0 to take it from what is free",
     .environment = "LIMINAL_KV_MEMORY", .most = 1 << 30},
    {"kv-spill-mb", 0, OPTION_COUNT, FIELD(kv_spill_mb), .value_name = "MB", .fallback = "0",
     .help = "disk for what was read and written in conversations, so that it need not be computed "
             "again when memory is short or after a restart: for each model; 0 for none",
     .environment = "LIMINAL_KV_SPILL_MB", .most = 1 << 30},
    {"kv-spill-dir", 0, OPTION_TEXT, FIELD(kv_spill_dir), .value_name = "FOLDER",
     .help = "where that goes, readable by the server's user alone; default: kv in the data folder",
     .environment = "LIMINAL_KV_SPILL_DIR"},
    {"speculation", 0, OPTION_TEXT, FIELD(speculation), .value_name = "HOW", .fallback = "lookup",
     .help = "guess what comes next from what was said before, and verify several tokens a step: "
             "lookup where that pays, off, or always. The answers are the same",
     .environment = "LIMINAL_SPECULATION"},
    {"draft-model", 0, OPTION_TEXT, FIELD(draft_model), .value_name = "MODEL",
     .help = "small model of the same vocabulary that guesses ahead for the main one where that "
             "pays; the answers are the same",
     .environment = "LIMINAL_DRAFT_MODEL"},
    {"api-key", 0, OPTION_TEXT, FIELD(api_key), .value_name = "KEY",
     .help =
         "the operator's key for programs, sent as `Authorization: Bearer KEY`; better set as a "
         "variable, because others can see command lines. Default, on loopback: one is made in "
         "api-key in the data folder",
     .environment = "LIMINAL_API_KEY", .is_secret = true},
    {"server-key", 0, OPTION_TEXT, FIELD(server_key), .value_name = "HEX",
     .help =
         "64 hex digits that sign and seal what the server gives out; the same for servers that "
         "share a database. Default: one is made in server.key in the data folder",
     .environment = "LIMINAL_SERVER_KEY", .is_secret = true},
    {"public-url", 0, OPTION_TEXT, FIELD(public_url), .value_name = "URL",
     .help = "how people reach this server, for links in mails, e.g. https://ai.example.org; "
             "default: where it listens",
     .environment = "LIMINAL_PUBLIC_URL"},
    {"trusted-proxy", 0, OPTION_LIST, FIELD(proxies), .value_name = "ADDRESS",
     .help = "proxy whose X-Forwarded-For is believed: an address or a network such as 10.0.0.0/8; "
             "may be repeated",
     .environment = "LIMINAL_TRUSTED_PROXY"},
    {"rate-limits", 0, OPTION_TEXT, FIELD(rate_limits), .value_name = "LIMITS",
     .fallback = "chat=60,upload=10,write=120,read=600",
     .help =
         "requests a minute that an account may make of each kind, or `off`; the operator's key "
         "has no limits",
     .environment = "LIMINAL_RATE_LIMITS"},
    {"invite-only", 0, OPTION_FLAG, FIELD(invite_only), .help = "only who was invited may sign up",
     .environment = "LIMINAL_INVITE_ONLY"},
    {"sign-up-domain", 0, OPTION_LIST, FIELD(sign_up_domains), .value_name = "DOMAIN",
     .help = "only addresses of this domain may sign up; may be repeated",
     .environment = "LIMINAL_SIGN_UP_DOMAIN"},
    {"single-session", 0, OPTION_FLAG, FIELD(single_session),
     .help = "signing in signs out everywhere else", .environment = "LIMINAL_SINGLE_SESSION"},
    {"sign-in-with", 0, OPTION_LIST, FIELD(sign_in_with), .value_name = "SERVICE",
     .help = "another service to sign in with: \"google id=ID secret=SECRET\", github likewise, or "
             "\"NAME issuer=URL id=ID secret=SECRET label=WORDS\" for any that speaks OpenID "
             "Connect; better set as a variable; may be repeated",
     .environment = "LIMINAL_SIGN_IN_WITH", .is_secret = true},
    {"smtp-host", 0, OPTION_TEXT, FIELD(smtp_host), .value_name = "HOST",
     .help = "mail server for links to confirm addresses and to reset passwords; without one the "
             "links are in the log, and administrators see them",
     .environment = "LIMINAL_SMTP_HOST SMTP_HOST"},
    {"smtp-port", 0, OPTION_COUNT, FIELD(smtp_port), .value_name = "PORT", .fallback = "587",
     .help = "its port", .environment = "LIMINAL_SMTP_PORT SMTP_PORT", .most = 65535},
    {"smtp-tls", 0, OPTION_TEXT, FIELD(smtp_tls), .value_name = "HOW", .fallback = "starttls",
     .help = "starttls, tls from the first byte (port 465), or off",
     .environment = "LIMINAL_SMTP_TLS"},
    {"smtp-user", 0, OPTION_TEXT, FIELD(smtp_user), .value_name = "NAME",
     .help = "who signs in there", .environment = "LIMINAL_SMTP_USER SMTP_USER"},
    {"smtp-password", 0, OPTION_TEXT, FIELD(smtp_password), .value_name = "PASSWORD",
     .help = "and with what; better set as a variable",
     .environment = "LIMINAL_SMTP_PASSWORD SMTP_PASSWORD", .is_secret = true},
    {"smtp-ca", 0, OPTION_TEXT, FIELD(smtp_ca), .value_name = "FILE",
     .help = "certificates to trust, in PEM; default: the system's",
     .environment = "LIMINAL_SMTP_CA"},
    {"mail-from", 0, OPTION_TEXT, FIELD(mail_from), .value_name = "ADDRESS",
     .help = "address that mails come from; needed with --smtp-host",
     .environment = "LIMINAL_MAIL_FROM FROM_EMAIL"},
    {"mail-from-name", 0, OPTION_TEXT, FIELD(mail_from_name), .value_name = "NAME",
     .fallback = "Liminal", .help = "name that people see there",
     .environment = "LIMINAL_MAIL_FROM_NAME"},
    {"chat-template", 0, OPTION_TEXT, FIELD(chat_template), .value_name = "FILE",
     .help = "a Jinja chat template to use instead of the model's own",
     .environment = "LIMINAL_CHAT_TEMPLATE"},
    {"cors", 0, OPTION_LIST, FIELD(cors), .value_name = "ORIGIN",
     .help = "web page origin that may call, e.g. https://app.example.org, or * for all; may be "
             "repeated",
     .environment = "LIMINAL_CORS"},
    {"allowed-host", 0, OPTION_LIST, FIELD(allowed_hosts), .value_name = "NAME",
     .help = "name that clients may call this server by, besides localhost and addresses, or * for "
             "any; "
             "may be repeated",
     .environment = "LIMINAL_ALLOWED_HOST"},
    {"grace", 0, OPTION_COUNT, FIELD(grace_s), .value_name = "SECONDS", .fallback = "10",
     .help = "how long running answers may go on after a stop was asked for",
     .environment = "LIMINAL_GRACE", .most = 3600},
    {"log", 0, OPTION_TEXT, FIELD(log), .value_name = "LEVELS", .fallback = "info",
     .help = "debug, info, warn, error or off, for all or for a part: inference=debug,http=info",
     .environment = "LIMINAL_LOG"},
    {"config", 0, OPTION_TEXT, FIELD(config), .value_name = "FILE",
     .help = "configuration file; default $LIMINAL_CONFIG, else liminal.conf in the data folder"},
    {"show-settings", 0, OPTION_FLAG, FIELD(show_settings),
     .help = "print every setting and where it came from, and stop"},
};

const struct option_table SETTINGS = {ROWS, ARRAY_COUNT(ROWS)};

/* ---- the file ---- */

enum {
    CONFIG_LIMIT_BYTES = 64 * 1024,
    CONFIG_LINE_BYTES = 190 /* libinih would take the rest of a longer line for the next one */
};

struct config_reader {
    struct option_parse *parse;
    const char *name;
    struct fault *fault;
    enum status status;
};

static enum status unknown_setting(const struct config_reader *reader, const char *key)
{
    const char *nearest = option_nearest(SETTINGS, key);
    if (nearest)
        return fault_set(reader->fault, STATUS_INVALID,
                         "%s: there is no setting \"%s\"; did you mean \"%s\"?", reader->name, key,
                         nearest);
    return fault_set(reader->fault, STATUS_INVALID,
                     "%s: there is no setting \"%s\"; `liminal serve --help` lists them",
                     reader->name, key);
}

/* Called by libinih per key; 0 means trouble. Underscores do for dashes, sections do not matter. */
static int take_setting(void *argument, const char *section, const char *key, const char *value)
{
    struct config_reader *reader = argument;
    if (reader->status != OK) return 0; /* the first fault is the one to tell */
    char name[64], where[192];
    snprintf(name, sizeof name, "%s", key);
    for (char *c = name; *c; c++)
        if (*c == '_') *c = '-';
    size_t row = option_find(SETTINGS, name);
    if (row == SIZE_MAX || !ROWS[row].environment) {
        reader->status = unknown_setting(reader, key);
        return 0;
    }
    snprintf(where, sizeof where, "%s: %s", reader->name, key);
    reader->status =
        option_set(reader->parse, row, SOURCE_FILE, where, value ? value : "", reader->fault);
    return reader->status == OK;
}

static enum status check_lines(const char *name, struct text text, struct fault *fault)
{
    for (size_t line = 1; text.length; line++) {
        size_t end = text_find(text, TEXT("\n"));
        size_t length = end == SIZE_MAX ? text.length : end;
        if (length > CONFIG_LINE_BYTES)
            return fault_set(fault, STATUS_INVALID, "%s line %zu is longer than %d bytes", name,
                             line, CONFIG_LINE_BYTES);
        if (memchr(text.data, '\0', length))
            return fault_set(fault, STATUS_INVALID, "%s line %zu holds a NUL", name, line);
        text = end == SIZE_MAX ? (struct text){0} : text_slice(text, end + 1, text.length);
    }
    return OK;
}

enum status settings_read_text(struct option_parse *parse, const char *name, struct text text,
                               struct fault *fault)
{
    TRY(check_lines(name, text, fault));
    char *copy = arena_copy(parse->arena, text.data, text.length);
    if (!copy) return fault_set(fault, STATUS_NO_MEMORY, "out of memory");
    struct config_reader reader = {.parse = parse, .name = name, .fault = fault};
    int bad_line = ini_parse_string(copy, take_setting, &reader);
    if (reader.status != OK) return reader.status;
    if (bad_line < 0) return fault_set(fault, STATUS_NO_MEMORY, "out of memory");
    if (bad_line > 0)
        return fault_set(fault, STATUS_INVALID,
                         "%s line %d is neither `name = value` nor a comment (# or ;)", name,
                         bad_line);
    return OK;
}

static const char *environment(const char *name)
{
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

/* The file to read: named by the command line or the environment it must exist, else it may. */
static enum status read_config(struct option_parse *parse, const struct settings *given,
                               struct fault *fault)
{
    char path[4096];
    const char *named = given->config ? given->config : environment("LIMINAL_CONFIG");
    if (named) {
        snprintf(path, sizeof path, "%s", named);
    } else {
        char home[4000];
        if (given->data_dir)
            snprintf(home, sizeof home, "%s", given->data_dir);
        else
            TRY(path_home(home, sizeof home, fault));
        snprintf(path, sizeof path, "%s/liminal.conf", home);
        if (!file_exists(path)) return OK;
    }
    struct buffer text;
    buffer_init(&text);
    enum status status = file_read(path, CONFIG_LIMIT_BYTES, &text, fault);
    if (status == OK) status = settings_read_text(parse, path, buffer_text(&text), fault);
    buffer_deinit(&text);
    return status;
}

enum status settings_prepare(struct option_parse *parse, char **words, size_t count,
                             struct fault *fault)
{
    /* A first look at the other sources, only for where the file is. */
    struct settings given;
    struct option_parse early;
    char **copy = arena_alloc_array(parse->arena, count + 1, sizeof *copy);
    if (!copy) return fault_set(fault, STATUS_NO_MEMORY, "out of memory");
    if (words) memcpy(copy, words, count * sizeof *copy);
    TRY(option_parse_init(&early, SETTINGS, &given, parse->arena, fault));
    TRY(option_parse_environment(&early, fault));
    TRY(option_parse_words(&early, copy, count, &count, fault));
    return read_config(parse, &given, fault);
}

enum status settings_load(struct settings *settings, struct arena *arena, struct fault *fault)
{
    struct option_parse parse;
    TRY(option_parse_init(&parse, SETTINGS, settings, arena, fault));
    TRY(settings_prepare(&parse, NULL, 0, fault));
    return option_parse_environment(&parse, fault);
}

enum status settings_print(const struct option_parse *parse, struct buffer *out,
                           struct fault *fault)
{
    static const char *const SOURCES[] = {"default", "file", "environment", "command line"};
    for (size_t i = 0; i < SETTINGS.count; i++) {
        if (!ROWS[i].environment) continue;
        buffer_printf(out, "%-18s %-13s ", ROWS[i].name, SOURCES[parse->sources[i]]);
        size_t start = out->length;
        if (ROWS[i].is_secret && parse->sources[i] != SOURCE_DEFAULT)
            buffer_append_string(out, "(hidden)");
        else
            option_describe_value(parse, i, out);
        if (out->length == start) buffer_append_string(out, "(none)");
        buffer_append_char(out, '\n');
    }
    return buffer_status(out, fault);
}

char *settings_url(const struct settings *settings, uint64_t port, struct arena *arena)
{
    const char *host = settings->host;
    if (strcmp(host, "0.0.0.0") == 0) host = "127.0.0.1"; /* "every address" is none to call */
    if (strcmp(host, "::") == 0) host = "::1";
    const char *format = strchr(host, ':') ? "http://[%s]:%llu" : "http://%s:%llu";
    return arena_printf(arena, format, host, (unsigned long long)port);
}
