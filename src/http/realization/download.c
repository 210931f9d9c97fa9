/* download.c - http_download: attempts, one after the other, until the file is whole.
 *
 * PATH.part grows; PATH.part.from keeps the validator (ETag or Last-Modified) of what it is a part
 * of, so that a later run can tell whether it may continue. The part is locked, because two
 * processes appending to it would ruin it. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "http/download_plan.h"
#include "http/http_client.h"
#include "http/realization/curl_parts.h"
#include "platform/platform.h"

enum {
    DEFAULT_ATTEMPTS = 6,
    UNREACHED_ATTEMPTS = 2, /* a host that never answered is not waited for */
    LONGEST_DELAY_MS = 15 * 1000,
    RETRY_AFTER_LIMIT_S = 60,
    PROGRESS_EVERY_MS = 200,
    HASH_STEP_BYTES = 1 << 20,
};

struct fetch {
    struct http_download wish; /* defaults filled in */
    char part_path[PATH_MAX], from_path[PATH_MAX];
    int part;
    struct download_state state;
    bool resumed;      /* the part began in an earlier run */
    bool reached;      /* the server has answered once */
    uint64_t farthest; /* most bytes the part ever had */
    uint64_t told_ms;  /* progress */
    unsigned delay_s;  /* that the server asked for */
    CURL *curl;        /* of the attempt at hand */
    bool judged;       /* its answer was */
    enum download_step step;
    struct download_answer answer;
    enum status ended; /* not OK: the attempt ended itself, and `fault` says why */
    struct fault *fault;
};

enum outcome { OUTCOME_WHOLE, OUTCOME_RETRY, OUTCOME_FAIL };

static uint64_t now_ms(void)
{
    return clock_monotonic_ns() / 1000000;
}

static enum status disk_fault(const struct fetch *fetch, const char *what)
{
    int error = errno;
    if (error == ENOSPC || error == EDQUOT)
        return fault_set(fetch->fault, STATUS_IO,
                         "the disk is full: cannot %s %s; free some space and try again, what is "
                         "here already will be used",
                         what, fetch->part_path);
    return fault_set(fetch->fault, STATUS_IO, "cannot %s %s: %s", what, fetch->part_path,
                     strerror(error));
}

/* ---- the part ---- */

/* Open and lock PATH.part. It may be renamed away between the two: then try again. */
static enum status open_part(struct fetch *fetch)
{
    for (;;) {
        struct stat opened, named;
        fetch->part = open(fetch->part_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
        if (fetch->part < 0) return disk_fault(fetch, "create");
        if (flock(fetch->part, LOCK_EX | LOCK_NB) != 0)
            return fault_set(fetch->fault, STATUS_CONFLICT,
                             "another process is fetching %s: wait for it, or stop it",
                             fetch->wish.path);
        if (fstat(fetch->part, &opened) != 0) return disk_fault(fetch, "read");
        if (stat(fetch->part_path, &named) == 0 && named.st_ino == opened.st_ino) {
            fetch->state.have_bytes = (uint64_t)opened.st_size;
            return OK;
        }
        close(fetch->part);
    }
}

static enum status drop_part(struct fetch *fetch)
{
    if (ftruncate(fetch->part, 0) != 0) return disk_fault(fetch, "truncate");
    unlink(fetch->from_path);
    fetch->state = (struct download_state){0};
    fetch->resumed = false;
    return OK;
}

/* What an earlier run has left. */
static void find_earlier(struct fetch *fetch)
{
    struct buffer from;
    buffer_init(&from);
    if (file_exists(fetch->from_path) &&
        file_read(fetch->from_path, VALIDATOR_BYTES - 1, &from, NULL) == OK)
        snprintf(fetch->state.validator, sizeof fetch->state.validator, "%.*s",
                 TEXT_FORMAT(text_trim(buffer_text(&from))));
    buffer_deinit(&from);
    fetch->resumed = fetch->state.have_bytes > 0;
    fetch->farthest = fetch->state.have_bytes;
}

/* What is here can be continued when a validator can prove that it is of the same file, or when
 * the digest will show it in the end. */
static enum status keep_if_provable(struct fetch *fetch)
{
    bool provable = fetch->state.validator[0] || fetch->wish.sha256;
    return fetch->state.have_bytes > 0 && !provable ? drop_part(fetch) : OK;
}

static enum status keep_validator(struct fetch *fetch)
{
    const char *validator = fetch->state.validator;
    if (validator[0])
        return file_write_atomic(fetch->from_path, validator, strlen(validator), 0644,
                                 fetch->fault);
    unlink(fetch->from_path);
    return OK;
}

/* ---- one attempt ---- */

static enum status check_length(struct fetch *fetch)
{
    uint64_t total = fetch->state.total_bytes;
    const struct http_download *wish = &fetch->wish;
    struct statvfs disk;
    if (total == 0) return OK;
    if (wish->size_bytes && total != wish->size_bytes)
        return fault_set(fetch->fault, STATUS_CORRUPT,
                         "%s is %llu bytes long, not %llu as it should be", wish->url,
                         (unsigned long long)total, (unsigned long long)wish->size_bytes);
    if (wish->limit_bytes && total > wish->limit_bytes)
        return fault_set(fetch->fault, STATUS_TOO_LARGE,
                         "%s is %llu bytes long, more than the %llu allowed", wish->url,
                         (unsigned long long)total, (unsigned long long)wish->limit_bytes);
    if (fstatvfs(fetch->part, &disk) != 0) return OK;
    uint64_t missing = total - fetch->state.have_bytes;
    uint64_t room = (uint64_t)disk.f_bavail * disk.f_frsize;
    if (missing > room)
        return fault_set(fetch->fault, STATUS_IO,
                         "the disk is too full for %s: %llu MB are missing, %llu MB are free",
                         wish->path, (unsigned long long)(missing / 1000000),
                         (unsigned long long)(room / 1000000));
    return OK;
}

/* Once per attempt, when the final answer's headers are known. */
static void judge(struct fetch *fetch)
{
    long code = 0;
    curl_off_t length = -1;
    if (fetch->judged) return;
    fetch->judged = fetch->reached = true;
    curl_easy_getinfo(fetch->curl, CURLINFO_RESPONSE_CODE, &code);
    curl_easy_getinfo(fetch->curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    fetch->answer.http_code = (int)code;
    fetch->answer.length_bytes = length > 0 ? (uint64_t)length : 0;

    struct download_state next = fetch->state;
    fetch->step = download_judge(&next, &fetch->answer);
    if (fetch->step == DOWNLOAD_REPLACE || fetch->step == DOWNLOAD_RESTART)
        fetch->ended = drop_part(fetch);
    if (fetch->ended != OK || fetch->step == DOWNLOAD_RESTART) return;
    next.have_bytes = fetch->state.have_bytes;
    fetch->state = next;
    if (fetch->state.have_bytes == 0) fetch->ended = keep_validator(fetch);
    if (fetch->ended == OK) fetch->ended = check_length(fetch);
}

static enum status write_part(struct fetch *fetch, const char *bytes, size_t length)
{
    const struct http_download *wish = &fetch->wish;
    uint64_t have = fetch->state.have_bytes + length;
    uint64_t promised = fetch->state.total_bytes ? fetch->state.total_bytes : wish->size_bytes;
    if (promised && have > promised)
        return fault_set(fetch->fault, STATUS_CORRUPT, "%s sends more than the %llu bytes expected",
                         wish->url, (unsigned long long)promised);
    if (wish->limit_bytes && have > wish->limit_bytes)
        return fault_set(fetch->fault, STATUS_TOO_LARGE, "%s is longer than the %llu bytes allowed",
                         wish->url, (unsigned long long)wish->limit_bytes);
    while (length > 0) {
        ssize_t written = pwrite(fetch->part, bytes, length, (off_t)fetch->state.have_bytes);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return disk_fault(fetch, "write to");
        bytes += written;
        length -= (size_t)written;
        fetch->state.have_bytes += (uint64_t)written;
    }
    return OK;
}

static size_t on_bytes(char *bytes, size_t size, size_t count, void *argument)
{
    struct fetch *fetch = argument;
    size_t length = size * count;
    judge(fetch);
    if (fetch->ended != OK) return 0;
    if (fetch->step == DOWNLOAD_APPEND || fetch->step == DOWNLOAD_REPLACE) {
        fetch->ended = write_part(fetch, bytes, length);
        return fetch->ended == OK ? length : 0;
    }
    return 0; /* the page that comes with an error: not for us */
}

static size_t on_header(char *bytes, size_t size, size_t count, void *argument)
{
    struct fetch *fetch = argument;
    struct text line = text_trim((struct text){bytes, size * count});
    if (text_starts_with(line, TEXT("HTTP/"))) /* another answer: of a redirect, or after 100 */
        fetch->answer = (struct download_answer){0};
    else
        download_answer_header(&fetch->answer, line);
    return size * count;
}

/* Tell how far we are, now and then; false when the caller wants to stop. */
static bool tell_progress(struct fetch *fetch, bool always)
{
    const struct http_download *wish = &fetch->wish;
    if (!wish->progress || (!always && now_ms() - fetch->told_ms < PROGRESS_EVERY_MS)) return true;
    fetch->told_ms = now_ms();
    uint64_t total = fetch->state.total_bytes ? fetch->state.total_bytes : wish->size_bytes;
    return wish->progress(wish->argument, fetch->state.have_bytes, total);
}

static enum status cancelled(struct fetch *fetch)
{
    return fault_set(fetch->fault, STATUS_CANCELLED,
                     "stopped: what is here already will be used next time");
}

static int on_transfer(void *argument, curl_off_t total, curl_off_t done, curl_off_t total_up,
                       curl_off_t done_up)
{
    struct fetch *fetch = argument;
    if (tell_progress(fetch, false)) return 0;
    fetch->ended = cancelled(fetch);
    return 1;
}

static bool add_headers(const struct fetch *fetch, struct curl_slist **headers)
{
    char line[VALIDATOR_BYTES + 16];
    if (!curl_add_headers(headers, fetch->wish.headers)) return false;
    if (fetch->state.have_bytes == 0 || !fetch->state.validator[0]) return true;
    snprintf(line, sizeof line, "If-Range: %s", fetch->state.validator);
    return curl_add_header(headers, line);
}

static void prepare(struct fetch *fetch, struct curl_slist *headers, char range[24])
{
    CURL *curl = fetch->curl;
    if (fetch->state.have_bytes > 0) {
        snprintf(range, 24, "%llu-", (unsigned long long)fetch->state.have_bytes);
        curl_easy_setopt(curl, CURLOPT_RANGE, range);
    }
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME,
                     (long)((fetch->wish.stall_deadline_ms + 999) / 1000));
    curl_easy_setopt(curl, CURLOPT_BUFFERSIZE, 256 * 1024L);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, fetch);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_bytes);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, fetch);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_transfer);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, fetch);
}

static enum status code_fault(struct fetch *fetch)
{
    const char *url = fetch->wish.url;
    struct fault *fault = fetch->fault;
    int code = fetch->answer.http_code;
    switch (code) {
    case 401:
        return fault_set(fault, STATUS_UNAUTHORIZED,
                         "%s wants to know who asks (401): give an access token", url);
    case 403: return fault_set(fault, STATUS_FORBIDDEN, "%s may not be read (403)", url);
    case 404:
    case 410:
        return fault_set(fault, STATUS_NOT_FOUND, "there is no %s (%d): check the name", url, code);
    default:
        return fault_set(fault, STATUS_UNAVAILABLE, "the server of %s answered with code %d", url,
                         code);
    }
}

/* Is trying again of use after curl failed like this? */
static bool passes(CURLcode code)
{
    switch (code) {
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_TOO_MANY_REDIRECTS:
    case CURLE_OUT_OF_MEMORY: return false;
    default: return true;
    }
}

static enum outcome conclude(struct fetch *fetch, CURLcode result, const char *error_text)
{
    long code = 0;
    curl_easy_getinfo(fetch->curl, CURLINFO_RESPONSE_CODE, &code);
    if (result == CURLE_OK && code != 0) judge(fetch); /* an answer without a body */
    if (fetch->ended != OK) return OUTCOME_FAIL;
    if (fetch->judged && fetch->step == DOWNLOAD_WHOLE) return OUTCOME_WHOLE;
    if (fetch->judged && fetch->step == DOWNLOAD_FAIL) {
        fetch->ended = code_fault(fetch);
        return OUTCOME_FAIL;
    }
    if (fetch->judged && fetch->step == DOWNLOAD_RETRY) {
        fetch->delay_s = fetch->answer.retry_after_s;
        (void)code_fault(fetch);
        return OUTCOME_RETRY;
    }
    if (fetch->judged && fetch->step == DOWNLOAD_RESTART) {
        fault_set(fetch->fault, STATUS_UNAVAILABLE,
                  "%s changes, or its server cannot continue a download", fetch->wish.url);
        return OUTCOME_RETRY;
    }
    if (result != CURLE_OK) {
        enum status status = curl_fault(result, fetch->wish.url, error_text, fetch->fault);
        if (passes(result)) return OUTCOME_RETRY;
        fetch->ended = status;
        return OUTCOME_FAIL;
    }
    uint64_t total = fetch->state.total_bytes;
    if (total == 0 || fetch->state.have_bytes == total) return OUTCOME_WHOLE;
    fault_set(fetch->fault, STATUS_UNAVAILABLE,
              "the server of %s promised %llu bytes and sent %llu", fetch->wish.url,
              (unsigned long long)total, (unsigned long long)fetch->state.have_bytes);
    return OUTCOME_RETRY;
}

static enum outcome attempt(struct fetch *fetch)
{
    char error_text[CURL_ERROR_SIZE], range[24];
    struct curl_slist *headers = NULL;
    enum outcome outcome = OUTCOME_FAIL;
    fetch->judged = false;
    fetch->delay_s = 0;
    fetch->answer = (struct download_answer){0};
    fetch->curl = curl_handle_new(fetch->wish.url, fetch->wish.connect_deadline_ms, error_text);
    if (!fetch->curl || !add_headers(fetch, &headers)) {
        fetch->ended = fault_set(fetch->fault, STATUS_NO_MEMORY, "out of memory");
    } else {
        prepare(fetch, headers, range);
        outcome = conclude(fetch, curl_easy_perform(fetch->curl), error_text);
    }
    if (fetch->curl) curl_easy_cleanup(fetch->curl);
    curl_slist_free_all(headers);
    return outcome;
}

/* ---- all attempts ---- */

/* Wait before the next attempt, in small steps that the caller can stop. */
static enum status pause_before_retry(struct fetch *fetch, unsigned failures)
{
    uint64_t delay_ms = fetch->wish.retry_delay_ms << (failures < 16 ? failures - 1 : 15);
    if (delay_ms > LONGEST_DELAY_MS) delay_ms = LONGEST_DELAY_MS;
    unsigned asked_s = fetch->delay_s < RETRY_AFTER_LIMIT_S ? fetch->delay_s : RETRY_AFTER_LIMIT_S;
    if (delay_ms < asked_s * 1000ull) delay_ms = asked_s * 1000ull;
    for (uint64_t until = now_ms() + delay_ms; now_ms() < until;) {
        if (!tell_progress(fetch, false)) return cancelled(fetch);
        uint64_t left_ms = until - now_ms();
        uint64_t step_ms = left_ms < 100 ? left_ms : 100;
        nanosleep(&(struct timespec){0, (long)step_ms * 1000000}, NULL);
    }
    return OK;
}

static enum status fetch_all(struct fetch *fetch)
{
    unsigned failures = 0;
    for (;;) {
        TRY(keep_if_provable(fetch));
        switch (attempt(fetch)) {
        case OUTCOME_WHOLE: return OK;
        case OUTCOME_FAIL: return fetch->ended;
        case OUTCOME_RETRY: break;
        }
        bool farther = fetch->state.have_bytes > fetch->farthest;
        if (farther) fetch->farthest = fetch->state.have_bytes;
        failures = farther ? 1 : failures + 1;
        unsigned limit = fetch->reached ? fetch->wish.attempts : UNREACHED_ATTEMPTS;
        if (failures >= limit && !farther) {
            fault_prefix(fetch->fault, "given up after %u attempts", failures);
            return fetch->fault ? fetch->fault->status : STATUS_UNAVAILABLE;
        }
        TRY(pause_before_retry(fetch, failures));
    }
}

/* ---- the end ---- */

static enum status hash_part(struct fetch *fetch, char hex[HTTP_SHA256_HEX_BYTES])
{
    unsigned char digest[32];
    char *bytes = malloc(HASH_STEP_BYTES);
    struct sha256 *sha = sha256_new();
    ssize_t length = -1;
    if (bytes && sha) {
        off_t at = 0;
        while ((length = pread(fetch->part, bytes, HASH_STEP_BYTES, at)) > 0) {
            sha256_update(sha, bytes, (size_t)length);
            at += length;
        }
    }
    enum status status = OK;
    if (!bytes || !sha)
        status = fault_set(fetch->fault, STATUS_NO_MEMORY, "out of memory");
    else if (length < 0)
        status = disk_fault(fetch, "read");
    if (sha) sha256_final_free(sha, digest);
    free(bytes);
    if (status == OK) hex_encode(digest, sizeof digest, hex);
    return status;
}

/* STATUS_CORRUPT when the part is not what was asked for. */
static enum status verify(struct fetch *fetch)
{
    const struct http_download *wish = &fetch->wish;
    char hex[HTTP_SHA256_HEX_BYTES];
    if (wish->size_bytes && fetch->state.have_bytes != wish->size_bytes)
        return fault_set(fetch->fault, STATUS_CORRUPT,
                         "%s is %llu bytes long, not %llu as it should be", wish->url,
                         (unsigned long long)fetch->state.have_bytes,
                         (unsigned long long)wish->size_bytes);
    if (!wish->sha256 && !wish->digest) return OK;
    TRY(hash_part(fetch, hex));
    if (wish->sha256 && !text_equal_ignore_case(text_of(wish->sha256), text_of(hex)))
        return fault_set(fetch->fault, STATUS_CORRUPT,
                         "%s is not the file it should be: its sha256 is %s, not %s", wish->url,
                         hex, wish->sha256);
    if (wish->digest) memcpy(wish->digest, hex, sizeof hex);
    return OK;
}

static enum status put_in_place(struct fetch *fetch)
{
    if (fsync(fetch->part) != 0) return disk_fault(fetch, "write to");
    if (rename(fetch->part_path, fetch->wish.path) != 0) return disk_fault(fetch, "rename");
    unlink(fetch->from_path);
    return OK;
}

static enum status run(struct fetch *fetch)
{
    find_earlier(fetch);
    for (;;) {
        TRY(fetch_all(fetch));
        bool resumed = fetch->resumed;
        enum status status = verify(fetch);
        if (status == OK) break;
        if (status != STATUS_CORRUPT) return status;
        if (!resumed) return status;
        TRY(drop_part(fetch)); /* the earlier run's part was of another file: all of it once more */
        fetch->farthest = 0;
    }
    if (!tell_progress(fetch, true)) return cancelled(fetch);
    return put_in_place(fetch);
}

static void fill_defaults(struct http_download *wish)
{
    if (!wish->attempts) wish->attempts = DEFAULT_ATTEMPTS;
    if (!wish->retry_delay_ms) wish->retry_delay_ms = 500;
    if (!wish->connect_deadline_ms) wish->connect_deadline_ms = 20 * 1000;
    if (!wish->stall_deadline_ms) wish->stall_deadline_ms = 30 * 1000;
}

enum status http_download(const struct http_download *download, struct fault *fault)
{
    struct fault unasked;
    struct fetch fetch = {.wish = *download, .part = -1, .fault = fault ? fault : &unasked};
    fill_defaults(&fetch.wish);
    if (strlen(download->path) + sizeof ".part.from" > PATH_MAX)
        return fault_set(fault, STATUS_INVALID, "the path %.100s... is too long", download->path);
    snprintf(fetch.part_path, PATH_MAX, "%s.part", download->path);
    snprintf(fetch.from_path, PATH_MAX, "%s.part.from", download->path);
    enum status status = open_part(&fetch);
    if (status == OK) {
        status = run(&fetch);
        if (status == STATUS_CORRUPT) {
            unlink(fetch.part_path);
            unlink(fetch.from_path);
        }
    }
    if (fetch.part >= 0) close(fetch.part);
    return status;
}
