/* hot_redis.c - hot state in Redis, shared by all servers that name it. Every operation is one
 * command or one script, so that it is atomic there. RESP 2, as hiredis 0.14 speaks it. */
#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "storage/realization/connection_pool.h"
#include "storage/realization/hot_states.h"
#include "storage/realization/redis_url.h"

enum {
    DEFAULT_CONNECTIONS = 8,
    CONNECTIONS_MAX = 1000,
    WAIT_MS = 2000,
    CONNECT_MS = 2000,
    ANSWER_MS = 2000,
    PREFIX_BYTES = 64,
    FULL_KEY_BYTES = PREFIX_BYTES + HOT_KEY_BYTES,
};

struct hot_redis {
    struct hot_state state; /* first */
    struct redis_url url;
    char prefix[PREFIX_BYTES];
    struct connection_pool pool;
};

/* ---- one command ---- */

static enum status unreachable(const char *why, struct fault *fault)
{
    return fault_set(fault, STATUS_UNAVAILABLE, "Redis can't be reached: %s", why);
}

static enum status reply_fault(const redisReply *reply, struct fault *fault)
{
    struct text message = {reply->str, reply->len};
    if (text_starts_with(message, TEXT("OOM")))
        return fault_set(fault, STATUS_NO_MEMORY, "Redis has no memory left: %.*s",
                         TEXT_FORMAT(message));
    if (text_starts_with(message, TEXT("NOAUTH")) || text_starts_with(message, TEXT("WRONGPASS")))
        return fault_set(fault, STATUS_UNAVAILABLE, "Redis refuses the user or the password");
    if (text_starts_with(message, TEXT("LOADING")) || text_starts_with(message, TEXT("READONLY")) ||
        text_starts_with(message, TEXT("MASTERDOWN")))
        return unreachable(reply->str, fault);
    return fault_set(fault, STATUS_INTERNAL, "Redis: %.*s", TEXT_FORMAT(message));
}

static enum status ask(redisContext *redis, int count, const char **words, const size_t *lengths,
                       redisReply **reply, struct fault *fault)
{
    *reply = redisCommandArgv(redis, count, words, lengths);
    if (!*reply) return unreachable(redis->errstr, fault);
    if ((*reply)->type != REDIS_REPLY_ERROR) return OK;
    enum status status = reply_fault(*reply, fault);
    freeReplyObject(*reply);
    *reply = NULL;
    return status;
}

/* A command in the making: its words, borrowed. */
struct command {
    const char *words[8];
    size_t lengths[8];
    int count;
    char key[FULL_KEY_BYTES];
};

static void add_word(struct command *command, struct text word)
{
    command->words[command->count] = word.data ? word.data : "";
    command->lengths[command->count++] = word.length;
}

static void add_key(const struct hot_redis *self, struct command *command, struct text key)
{
    int length = snprintf(command->key, sizeof command->key, "%s", self->prefix);
    memcpy(command->key + length, key.data, key.length);
    add_word(command, (struct text){command->key, (size_t)length + key.length});
}

/* On whichever connection is free. Where one broke before it ever answered (the server was started
 * anew meanwhile), the command is not sent twice: it may have been done. */
static enum status run(struct hot_state *state, const struct command *command, redisReply **reply,
                       struct fault *fault)
{
    struct hot_redis *self = (struct hot_redis *)state;
    void *borrowed = NULL;
    TRY(connection_pool_borrow(&self->pool, &borrowed, fault));
    redisContext *redis = borrowed;
    enum status status =
        ask(redis, command->count, (const char **)command->words, command->lengths, reply, fault);
    connection_pool_return(&self->pool, redis);
    return status;
}

static enum status copy_string(const redisReply *reply, struct arena *job, struct text *value,
                               struct fault *fault)
{
    char *copy = arena_copy(job, reply->str, reply->len);
    if (!copy) return fault_set(fault, STATUS_NO_MEMORY, "no memory for a value");
    *value = (struct text){copy, reply->len};
    return OK;
}

static enum status strange(const redisReply *reply, struct fault *fault)
{
    return fault_set(fault, STATUS_INTERNAL, "Redis answered what was not asked (type %d)",
                     reply->type);
}

/* Redis refuses lives of 0; no life at all is nothing to keep. */
static void format_ttl(uint64_t ttl_ms, char out[24])
{
    const uint64_t longest = INT64_MAX / 4;
    snprintf(out, 24, "%" PRIu64, ttl_ms < 1 ? 1 : ttl_ms > longest ? longest : ttl_ms);
}

/* ---- operations ---- */

/* SET; with `only_new` it leaves what is there, and answers that instead of nil. */
static enum status set(struct hot_state *state, struct text key, struct text value, uint64_t ttl_ms,
                       bool only_new, redisReply **reply, struct fault *fault)
{
    struct command command = {.count = 0};
    char ttl[24];
    format_ttl(ttl_ms, ttl);
    add_word(&command, TEXT("SET"));
    add_key((struct hot_redis *)state, &command, key);
    add_word(&command, value);
    add_word(&command, TEXT("PX"));
    add_word(&command, text_of(ttl));
    if (only_new) {
        add_word(&command, TEXT("NX"));
        add_word(&command, TEXT("GET"));
    }
    return run(state, &command, reply, fault);
}

static enum status redis_put(struct hot_state *state, struct text key, struct text value,
                             uint64_t ttl_ms, struct fault *fault)
{
    redisReply *reply;
    TRY(set(state, key, value, ttl_ms, false, &reply, fault));
    freeReplyObject(reply);
    return OK;
}

static enum status redis_get(struct hot_state *state, struct text key, bool take, struct arena *job,
                             struct text *value, struct fault *fault)
{
    struct command command = {.count = 0};
    redisReply *reply;
    add_word(&command, take ? TEXT("GETDEL") : TEXT("GET"));
    add_key((struct hot_redis *)state, &command, key);
    TRY(run(state, &command, &reply, fault));
    enum status status = reply->type == REDIS_REPLY_STRING ? copy_string(reply, job, value, fault)
                         : reply->type == REDIS_REPLY_NIL
                             ? fault_set(fault, STATUS_NOT_FOUND, "there is nothing of this name")
                             : strange(reply, fault);
    freeReplyObject(reply);
    return status;
}

static enum status redis_delete(struct hot_state *state, struct text key, struct fault *fault)
{
    struct command command = {.count = 0};
    redisReply *reply;
    add_word(&command, TEXT("DEL"));
    add_key((struct hot_redis *)state, &command, key);
    TRY(run(state, &command, &reply, fault));
    freeReplyObject(reply);
    return OK;
}

static enum status redis_claim(struct hot_state *state, struct text key, struct text value,
                               uint64_t ttl_ms, struct arena *job, bool *mine,
                               struct text *existing, struct fault *fault)
{
    redisReply *reply;
    TRY(set(state, key, value, ttl_ms, true, &reply, fault));
    *mine = reply->type == REDIS_REPLY_NIL;
    enum status status = *mine ? OK
                         : reply->type == REDIS_REPLY_STRING
                             ? copy_string(reply, job, existing, fault)
                             : strange(reply, fault);
    freeReplyObject(reply);
    return status;
}

static enum status run_script(struct hot_state *state, struct text script, struct text key,
                              const struct text *arguments, int count, redisReply **reply,
                              struct fault *fault)
{
    struct command command = {.count = 0};
    add_word(&command, TEXT("EVAL"));
    add_word(&command, script);
    add_word(&command, TEXT("1"));
    add_key((struct hot_redis *)state, &command, key);
    for (int i = 0; i < count; i++) add_word(&command, arguments[i]);
    return run(state, &command, reply, fault);
}

static enum status redis_count(struct hot_state *state, struct text key, uint64_t ttl_ms,
                               uint64_t *count, struct fault *fault)
{
    static const char script[] =
        "local n = redis.call('INCR', KEYS[1])\n"
        "if n == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end\n"
        "return n";
    char ttl[24];
    redisReply *reply;
    format_ttl(ttl_ms, ttl);
    const struct text life = text_of(ttl);
    TRY(run_script(state, text_of(script), key, &life, 1, &reply, fault));
    enum status status = reply->type == REDIS_REPLY_INTEGER ? OK : strange(reply, fault);
    if (status == OK) *count = (uint64_t)reply->integer;
    freeReplyObject(reply);
    return status;
}

/* hot_bucket_spend in Redis, by Redis's own clock, so that servers need not agree on the time.
 * Answers whether it was paid, what is left in millionths, and how long to wait (-1: for ever). */
static const char spend_script[] =
    "local rate, burst, cost = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])\n"
    "local t = redis.call('TIME')\n"
    "local now = t[1] * 1000 + math.floor(t[2] / 1000)\n"
    "local kept = redis.call('HMGET', KEYS[1], 'left', 'at')\n"
    "local left, at = tonumber(kept[1]) or burst, tonumber(kept[2]) or now\n"
    "left = math.min(burst, left + math.max(0, now - at) / 1000 * rate)\n"
    "local paid, wait = 0, 0\n"
    "if cost <= left then left = left - cost; paid = 1\n"
    "elseif cost > burst or rate <= 0 then wait = -1\n"
    "else wait = math.ceil((cost - left) / rate * 1000) end\n"
    "redis.call('HSET', KEYS[1], 'left', string.format('%.17g', left), 'at', now)\n"
    "local fill = rate > 0 and burst / rate or 1e9\n"
    "redis.call('PEXPIRE', KEYS[1], math.floor(fill * 1000) + 1000)\n"
    "return {paid, math.floor(left * 1000000), wait}";

static enum status redis_spend(struct hot_state *state, struct text key,
                               const struct hot_bucket *bucket, double cost,
                               struct hot_allowance *allowance, struct fault *fault)
{
    char rate[40], burst[40], price[40];
    redisReply *reply;
    snprintf(rate, sizeof rate, "%.17g", bucket->per_second);
    snprintf(burst, sizeof burst, "%.17g", bucket->burst);
    snprintf(price, sizeof price, "%.17g", cost);
    const struct text arguments[] = {text_of(rate), text_of(burst), text_of(price)};
    TRY(run_script(state, text_of(spend_script), key, arguments, 3, &reply, fault));
    enum status status = OK;
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 3) {
        status = strange(reply, fault);
    } else {
        long long wait = reply->element[2]->integer;
        *allowance = (struct hot_allowance){
            .allowed = reply->element[0]->integer == 1,
            .left = (double)reply->element[1]->integer / 1e6,
            .wait_ms = wait < 0 ? UINT64_MAX : (uint64_t)wait,
        };
    }
    freeReplyObject(reply);
    return status;
}

static enum status redis_check(struct hot_state *state, struct fault *fault)
{
    struct command command = {.count = 0};
    redisReply *reply;
    add_word(&command, TEXT("PING"));
    TRY(run(state, &command, &reply, fault));
    freeReplyObject(reply);
    return OK;
}

/* ---- life ---- */

static struct timeval timeval_of(long ms)
{
    return (struct timeval){ms / 1000, ms % 1000 * 1000};
}

/* AUTH and SELECT, where the URL asks for them. */
static enum status introduce(const struct redis_url *url, redisContext *redis, struct fault *fault)
{
    redisReply *reply;
    char database[16];
    if (*url->password) {
        const char *words[] = {"AUTH", url->user, url->password};
        if (!*url->user) words[1] = url->password;
        TRY(ask(redis, *url->user ? 3 : 2, words, NULL, &reply, fault));
        freeReplyObject(reply);
    }
    if (url->database) {
        snprintf(database, sizeof database, "%u", url->database);
        TRY(ask(redis, 2, (const char *[]){"SELECT", database}, NULL, &reply, fault));
        freeReplyObject(reply);
    }
    return OK;
}

static enum status open_connection(void *owner, void **out, struct fault *fault)
{
    const struct redis_url *url = &((struct hot_redis *)owner)->url;
    redisContext *redis =
        url->port ? redisConnectWithTimeout(url->host, url->port, timeval_of(CONNECT_MS))
                  : redisConnectUnixWithTimeout(url->host, timeval_of(CONNECT_MS));
    if (!redis) return fault_set(fault, STATUS_NO_MEMORY, "no memory for a connection");
    enum status status = OK;
    if (redis->err) status = unreachable(redis->errstr, fault);
    if (status == OK && redisSetTimeout(redis, timeval_of(ANSWER_MS)) != REDIS_OK)
        status = unreachable(redis->errstr, fault);
    if (status == OK) status = introduce(url, redis, fault);
    if (status == OK)
        *out = redis;
    else
        redisFree(redis);
    return status;
}

static void close_connection(void *connection)
{
    redisFree(connection);
}

static bool is_broken(const void *connection)
{
    return ((const redisContext *)connection)->err != 0;
}

static const struct connection_kind redis_kind = {
    .server = "Redis",
    .open = open_connection,
    .close = close_connection,
    .is_broken = is_broken,
};

static void redis_close(struct hot_state *state)
{
    struct hot_redis *self = (struct hot_redis *)state;
    connection_pool_deinit(&self->pool);
    explicit_bzero(&self->url, sizeof self->url);
    free(self);
}

static const struct hot_ops redis_ops = {
    .put = redis_put,
    .get = redis_get,
    .delete = redis_delete,
    .claim = redis_claim,
    .count = redis_count,
    .spend = redis_spend,
    .check = redis_check,
    .close = redis_close,
};

enum status hot_redis_open(struct hot_state **out, const struct hot_redis_options *options,
                           struct fault *fault)
{
    const char *prefix = options->prefix ? options->prefix : "liminal:";
    if (strlen(prefix) >= PREFIX_BYTES)
        return fault_set(fault, STATUS_INVALID, "Redis's key prefix is longer than %d bytes",
                         PREFIX_BYTES - 1);
    struct hot_redis *self = calloc(1, sizeof *self);
    if (!self) return fault_set(fault, STATUS_NO_MEMORY, "no memory for the hot state");
    self->state.ops = &redis_ops;
    snprintf(self->prefix, sizeof self->prefix, "%s", prefix);
    unsigned count = options->connections ? options->connections : DEFAULT_CONNECTIONS;
    enum status status = redis_url_parse(options->url, &self->url, fault);
    if (status == OK)
        status =
            connection_pool_init(&self->pool, &redis_kind, self,
                                 count < CONNECTIONS_MAX ? count : CONNECTIONS_MAX, WAIT_MS, fault);
    if (status != OK) {
        redis_close(&self->state);
        return status;
    }
    *out = &self->state;
    return OK;
}
