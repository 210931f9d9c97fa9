/* kv_store.c - see kv_store.h.
 *
 * The engine's thread owns the index (what is in which slot), the store's thread the file. A job
 * carries one page between them: it goes out through one inbox and comes back through another.
 *
 * A slot is written in this order: its record is emptied, then its page, then its record. So a
 * record that can be read tells of a page that was written whole, as far as the kernel lived; what
 * is lost with the power shows when the page's bytes are checked. */
#include "inference/realization/kv_store.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "platform/platform.h"

enum { NONE = UINT32_MAX, RECORDS_AT_ONCE = 512, COMPLAINT_PAUSE_S = 60 };

enum slot_state { SLOT_EMPTY, SLOT_WRITING, SLOT_STORED, SLOT_READING };

struct slot {
    struct kv_store_record record;
    enum slot_state state;
    uint32_t next_named;   /* of all but empty ones */
    uint32_t older, newer; /* of the stored ones; of empty ones, older is the next empty one */
};

struct job {
    struct inbox_item item;
    bool is_save, is_done_well;
    uint32_t slot;
    void *page;                    /* of a save, the job's own */
    void *ticket;                  /* of a read */
    struct kv_store_record record; /* of a save, its check is still to come */
    struct job *next_free;
};

struct kv_store {
    int file;
    char *path;
    struct kv_store_header header;
    struct doorbell *done_bell;

    /* the engine's thread */
    struct slot *slots;
    uint32_t *named;
    uint32_t bucket_mask;
    uint32_t oldest, newest, first_empty;
    uint64_t clock;
    struct job jobs[KV_STORE_SAVES + KV_STORE_READS];
    struct job *free_saves, *free_reads;
    struct inbox_item *collected; /* not looked at yet */
    uint32_t on_their_way;
    struct kv_store_counters counters;

    /* the way to the store's thread and back */
    pthread_t thread;
    bool has_thread;
    struct inbox asked, done;
    struct doorbell bell;
    atomic_bool is_closing;

    uint64_t complained_ns; /* the store's thread; 0: never */
};

/* ---- the file: the store's thread, and whoever opens ---- */

static bool write_at(const struct kv_store *store, const void *bytes, size_t length, uint64_t at)
{
    const char *from = bytes;
    while (length > 0) {
        ssize_t written = pwrite(store->file, from, length, (off_t)at);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return false;
        from += written;
        at += (uint64_t)written;
        length -= (size_t)written;
    }
    return true;
}

/* False also when the file ends before. */
static bool read_at(const struct kv_store *store, void *bytes, size_t length, uint64_t at)
{
    char *to = bytes;
    while (length > 0) {
        ssize_t got = pread(store->file, to, length, (off_t)at);
        if (got < 0 && errno == EINTR) continue;
        if (got == 0) errno = 0; /* no error of the disk */
        if (got <= 0) return false;
        to += got;
        at += (uint64_t)got;
        length -= (size_t)got;
    }
    return true;
}

static bool write_record(const struct kv_store *store, uint32_t slot,
                         const struct kv_store_record *record)
{
    unsigned char bytes[KV_STORE_RECORD_BYTES] = {0};
    if (record) kv_store_record_write(record, &store->header.key, bytes);
    return write_at(store, bytes, sizeof bytes, kv_store_record_at(slot));
}

/* Once in a while: a full disk would fill the log, too. */
static void complain(struct kv_store *store, const char *what, int error)
{
    uint64_t now_ns = clock_monotonic_ns();
    if (store->complained_ns && now_ns - store->complained_ns < COMPLAINT_PAUSE_S * 1000000000ull)
        return;
    store->complained_ns = now_ns;
    log_write("inference", LOG_WARN, NULL, "%s: %s%s%s; it will be computed again when needed",
              store->path, what, error ? ": " : "", error ? strerror(error) : "");
}

static void save(struct kv_store *store, struct job *job)
{
    uint64_t at = kv_store_page_at(&store->header, job->slot);
    job->record.check = keyed_hash(&store->header.key, job->page, store->header.page_bytes);
    job->is_done_well = write_record(store, job->slot, NULL) &&
                        write_at(store, job->page, store->header.page_bytes, at) &&
                        write_record(store, job->slot, &job->record);
    if (!job->is_done_well) complain(store, "a page of the cache cannot be kept", errno);
}

static void read_page(struct kv_store *store, struct job *job)
{
    uint64_t at = kv_store_page_at(&store->header, job->slot);
    errno = 0;
    bool is_read = read_at(store, job->page, store->header.page_bytes, at);
    int error = errno;
    job->is_done_well =
        is_read && hash128_equal(job->record.check, keyed_hash(&store->header.key, job->page,
                                                               store->header.page_bytes));
    if (!job->is_done_well) complain(store, "a page of the cache is damaged", error);
    /* When it was used; or that it is no use. What fails here shows at the next look. */
    bool is_noted = write_record(store, job->slot, job->is_done_well ? &job->record : NULL);
    (void)is_noted;
}

static void *work(void *argument)
{
    struct kv_store *store = argument;
    for (;;) {
        bool is_last = atomic_load(&store->is_closing);
        struct inbox_item *item = inbox_take(&store->asked);
        while (item) {
            struct job *job = (struct job *)item;
            item = item->next; /* the job goes back before the next one is looked at */
            if (job->is_save)
                save(store, job);
            else
                read_page(store, job);
            inbox_put(&store->done, &job->item);
            doorbell_ring(store->done_bell);
        }
        if (is_last) return NULL;
        doorbell_await(&store->bell);
    }
}

/* ---- the index ---- */

static uint32_t *bucket(const struct kv_store *store, struct hash128 name)
{
    return &store->named[name.words[0] & store->bucket_mask];
}

static uint32_t lookup(const struct kv_store *store, const struct page_label *label)
{
    uint32_t number = *bucket(store, label->name);
    while (number != NONE && memcmp(&store->slots[number].record.label, label, sizeof *label) != 0)
        number = store->slots[number].next_named;
    return number;
}

static void name_slot(struct kv_store *store, uint32_t number)
{
    uint32_t *first = bucket(store, store->slots[number].record.label.name);
    store->slots[number].next_named = *first;
    *first = number;
}

static void unname_slot(struct kv_store *store, uint32_t number)
{
    uint32_t *link = bucket(store, store->slots[number].record.label.name);
    while (*link != number) link = &store->slots[*link].next_named;
    *link = store->slots[number].next_named;
}

static void make_empty(struct kv_store *store, uint32_t number)
{
    store->slots[number].state = SLOT_EMPTY;
    store->slots[number].older = store->first_empty;
    store->first_empty = number;
}

/* As the one used last. */
static void make_stored(struct kv_store *store, uint32_t number)
{
    struct slot *slot = &store->slots[number];
    slot->state = SLOT_STORED;
    slot->older = store->newest;
    slot->newer = NONE;
    *(store->newest == NONE ? &store->oldest : &store->slots[store->newest].newer) = number;
    store->newest = number;
    store->counters.stored++;
}

static void leave_line(struct kv_store *store, uint32_t number)
{
    struct slot *slot = &store->slots[number];
    assert(slot->state == SLOT_STORED);
    *(slot->older == NONE ? &store->oldest : &store->slots[slot->older].newer) = slot->newer;
    *(slot->newer == NONE ? &store->newest : &store->slots[slot->newer].older) = slot->older;
    store->counters.stored--;
}

static void touch(struct kv_store *store, uint32_t number)
{
    store->slots[number].record.used = store->clock++;
    leave_line(store, number);
    make_stored(store, number);
}

/* A slot to write to: an empty one, else the longest unused one. */
static uint32_t take_slot(struct kv_store *store)
{
    uint32_t number = store->first_empty;
    if (number != NONE) {
        store->first_empty = store->slots[number].older;
    } else if (store->oldest != NONE) {
        number = store->oldest;
        leave_line(store, number);
        unname_slot(store, number);
    }
    return number;
}

/* ---- asking ---- */

static void ask(struct kv_store *store, struct job *job)
{
    store->on_their_way++;
    inbox_put(&store->asked, &job->item);
    doorbell_ring(&store->bell);
}

enum kv_store_state kv_store_find(struct kv_store *store, const struct page_label *label)
{
    uint32_t number = lookup(store, label);
    if (number == NONE || store->slots[number].state == SLOT_WRITING) return KV_ABSENT;
    if (store->slots[number].state == SLOT_READING) return KV_COMING;
    touch(store, number);
    return KV_STORED;
}

bool kv_store_save(struct kv_store *store, const struct page_label *label, const void *page)
{
    uint32_t number = lookup(store, label);
    if (number != NONE) {
        if (store->slots[number].state == SLOT_STORED) touch(store, number);
        return true;
    }
    struct job *job = store->free_saves;
    if (!job || (number = take_slot(store)) == NONE) return false;
    store->free_saves = job->next_free;
    struct slot *slot = &store->slots[number];
    slot->state = SLOT_WRITING;
    slot->record = (struct kv_store_record){.label = *label, .used = store->clock++};
    name_slot(store, number);
    job->slot = number;
    job->record = slot->record;
    memcpy(job->page, page, store->header.page_bytes);
    ask(store, job);
    return true;
}

bool kv_store_read(struct kv_store *store, const struct page_label *label, void *page, void *ticket)
{
    uint32_t number = lookup(store, label);
    struct job *job = store->free_reads;
    assert(number != NONE);
    if (!job) return false;
    store->free_reads = job->next_free;
    leave_line(store, number);
    store->slots[number].state = SLOT_READING;
    job->slot = number;
    job->record = store->slots[number].record;
    job->page = page;
    job->ticket = ticket;
    ask(store, job);
    return true;
}

/* What became of the slot. */
static void settle(struct kv_store *store, const struct job *job)
{
    store->on_their_way--;
    if (job->is_done_well) {
        store->slots[job->slot].record.check = job->record.check;
        make_stored(store, job->slot);
        ++*(job->is_save ? &store->counters.saved : &store->counters.restored);
    } else {
        unname_slot(store, job->slot);
        make_empty(store, job->slot);
        store->counters.failed++;
    }
}

bool kv_store_collect(struct kv_store *store, struct kv_store_read *read)
{
    for (;;) {
        if (!store->collected) store->collected = inbox_take(&store->done);
        struct job *job = (struct job *)store->collected;
        if (!job) return false;
        store->collected = job->item.next;
        settle(store, job);
        struct job **list = job->is_save ? &store->free_saves : &store->free_reads;
        job->next_free = *list;
        *list = job;
        if (job->is_save) continue;
        *read = (struct kv_store_read){job->ticket, job->page, job->is_done_well};
        return true;
    }
}

bool kv_store_is_busy(const struct kv_store *store)
{
    return store->on_their_way > 0;
}

bool kv_store_has_room(const struct kv_store *store)
{
    return store->free_saves != NULL;
}

const struct hash_key *kv_store_key(const struct kv_store *store)
{
    return &store->header.key;
}

void kv_store_counters(const struct kv_store *store, struct kv_store_counters *counters)
{
    *counters = store->counters;
}

/* ---- opening ---- */

static enum status io_fault(const struct kv_store *store, const char *what, struct fault *fault)
{
    return fault_set(fault, STATUS_IO, "cannot %s %s: %s", what, store->path, strerror(errno));
}

static enum status open_file(struct kv_store *store, struct fault *fault)
{
    store->file = open(store->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (store->file < 0) return io_fault(store, "open", fault);
    struct stat status;
    if (fstat(store->file, &status) != 0 || !S_ISREG(status.st_mode))
        return fault_set(fault, STATUS_INVALID, "%s is no file", store->path);
    if (flock(store->file, LOCK_EX | LOCK_NB) != 0)
        return fault_set(fault, STATUS_CONFLICT,
                         "%s is in use by another server: give each its own --kv-spill-dir",
                         store->path);
    if (fchmod(store->file, 0600) != 0) return io_fault(store, "protect", fault);
    return OK;
}

/* With a new key: whatever lies there is never found again. */
static enum status begin_anew(struct kv_store *store, struct fault *fault)
{
    unsigned char bytes[KV_STORE_HEADER_BYTES];
    entropy_fill(&store->header.key, sizeof store->header.key);
    kv_store_header_write(&store->header, bytes);
    if (ftruncate(store->file, 0) != 0 ||
        ftruncate(store->file, (off_t)kv_store_page_at(&store->header, 0)) != 0 ||
        !write_at(store, bytes, sizeof bytes, 0))
        return io_fault(store, "write", fault);
    return OK;
}

/* Take over what is there, if it is ours. */
static enum status read_header(struct kv_store *store, bool *is_ours, struct fault *fault)
{
    unsigned char bytes[KV_STORE_HEADER_BYTES];
    struct kv_store_header header;
    struct fault why;
    *is_ours = false;
    if (!read_at(store, bytes, sizeof bytes, 0)) return OK; /* new, or died at birth */
    enum status status = kv_store_header_read(&header, bytes, &why);
    if (status == STATUS_INVALID)
        return fault_set(fault, status, "%s: %s: remove it, or choose another folder", store->path,
                         why.message);
    if (status != OK) {
        log_write("inference", LOG_WARN, NULL, "%s: %s: begun anew", store->path, why.message);
        return OK;
    }
    *is_ours = header.page_bytes == store->header.page_bytes &&
               header.slots == store->header.slots &&
               memcmp(&header.identity, &store->header.identity, sizeof header.identity) == 0;
    if (*is_ours)
        store->header = header;
    else
        log_write("inference", LOG_INFO, NULL,
                  "%s is of another model, program or size: begun anew", store->path);
    return OK;
}

static void read_records(struct kv_store *store)
{
    unsigned char bytes[RECORDS_AT_ONCE * KV_STORE_RECORD_BYTES];
    for (uint32_t first = 0; first < store->header.slots; first += RECORDS_AT_ONCE) {
        uint32_t count = store->header.slots - first;
        if (count > RECORDS_AT_ONCE) count = RECORDS_AT_ONCE;
        if (!read_at(store, bytes, count * KV_STORE_RECORD_BYTES, kv_store_record_at(first)))
            return;
        for (uint32_t i = 0; i < count; i++) {
            struct slot *slot = &store->slots[first + i];
            if (!kv_store_record_read(&slot->record, &store->header.key,
                                      bytes + i * KV_STORE_RECORD_BYTES))
                continue;
            if (lookup(store, &slot->record.label) != NONE) continue; /* a copy somebody made */
            slot->state = SLOT_STORED;
            name_slot(store, first + i);
            if (slot->record.used >= store->clock) store->clock = slot->record.used + 1;
        }
    }
}

/* By last use. */
static int compare_use(const void *a, const void *b, void *argument)
{
    const struct slot *slots = argument;
    uint64_t first = slots[*(const uint32_t *)a].record.used;
    uint64_t second = slots[*(const uint32_t *)b].record.used;
    return (first > second) - (first < second);
}

static enum status line_up(struct kv_store *store, struct fault *fault)
{
    uint32_t *order = calloc(store->header.slots, sizeof *order), count = 0;
    if (!order) return fault_set(fault, STATUS_NO_MEMORY, "no memory for the index of a store");
    for (uint32_t i = store->header.slots; i-- > 0;) {
        if (store->slots[i].state == SLOT_STORED)
            order[count++] = i;
        else
            make_empty(store, i);
    }
    qsort_r(order, count, sizeof *order, compare_use, store->slots);
    for (uint32_t i = 0; i < count; i++) make_stored(store, order[i]);
    free(order);
    return OK;
}

static enum status make_index(struct kv_store *store, struct fault *fault)
{
    uint32_t buckets = 1;
    while (buckets < store->header.slots) buckets *= 2;
    store->bucket_mask = buckets - 1;
    store->slots = calloc(store->header.slots, sizeof *store->slots);
    store->named = malloc(buckets * sizeof *store->named);
    if (!store->slots || !store->named)
        return fault_set(fault, STATUS_NO_MEMORY, "no memory for a store of %u pages",
                         store->header.slots);
    memset(store->named, 0xFF, buckets * sizeof *store->named); /* all NONE */
    store->oldest = store->newest = store->first_empty = NONE;
    return OK;
}

static enum status make_jobs(struct kv_store *store, struct fault *fault)
{
    for (size_t i = 0; i < ARRAY_COUNT(store->jobs); i++) {
        struct job *job = &store->jobs[i];
        job->is_save = i < KV_STORE_SAVES;
        if (job->is_save && !(job->page = malloc(store->header.page_bytes)))
            return fault_set(fault, STATUS_NO_MEMORY, "no memory for pages on their way to disk");
        struct job **list = job->is_save ? &store->free_saves : &store->free_reads;
        job->next_free = *list;
        *list = job;
    }
    return OK;
}

static enum status open_store(struct kv_store *store, const struct kv_store_options *options,
                              struct fault *fault)
{
    store->path = strdup(options->path);
    if (!store->path) return fault_set(fault, STATUS_NO_MEMORY, "no memory for a store");
    store->header = (struct kv_store_header){
        .page_bytes = options->page_bytes,
        .slots = kv_store_slots_for(options->budget_bytes, options->page_bytes),
        .identity = options->identity,
    };
    if (store->header.slots == 0)
        return fault_set(
            fault, STATUS_INVALID, "a store of %llu bytes holds no page of %llu: allow it more",
            (unsigned long long)options->budget_bytes, (unsigned long long)options->page_bytes);
    TRY(open_file(store, fault));
    TRY(make_index(store, fault));
    TRY(make_jobs(store, fault));
    bool is_ours;
    TRY(read_header(store, &is_ours, fault));
    if (is_ours)
        read_records(store);
    else
        TRY(begin_anew(store, fault));
    TRY(line_up(store, fault));
    store->counters.slots = store->header.slots;
    store->has_thread = pthread_create(&store->thread, NULL, work, store) == 0;
    return store->has_thread ? OK : fault_set(fault, STATUS_NO_MEMORY, "cannot start a thread");
}

enum status kv_store_open(struct kv_store **out, const struct kv_store_options *options,
                          struct fault *fault)
{
    struct kv_store *store = calloc(1, sizeof *store);
    if (!store) return fault_set(fault, STATUS_NO_MEMORY, "no memory for a store");
    store->file = -1;
    store->done_bell = options->done;
    doorbell_init(&store->bell);
    enum status status = open_store(store, options, fault);
    if (status != OK) {
        kv_store_close(store);
        return status;
    }
    *out = store;
    return OK;
}

void kv_store_close(struct kv_store *store)
{
    if (!store) return;
    if (store->has_thread) {
        atomic_store(&store->is_closing, true);
        doorbell_ring(&store->bell);
        pthread_join(store->thread, NULL);
    }
    doorbell_deinit(&store->bell);
    for (size_t i = 0; i < KV_STORE_SAVES; i++) free(store->jobs[i].page);
    if (store->file >= 0) close(store->file);
    free(store->slots);
    free(store->named);
    free(store->path);
    free(store);
}
