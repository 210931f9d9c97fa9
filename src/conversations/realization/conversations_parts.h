/* conversations_parts.h - what the files of the service share. */
#ifndef LIMINAL_CONVERSATIONS_PARTS_H
#define LIMINAL_CONVERSATIONS_PARTS_H

#include <pthread.h>

#include "conversations/conversations.h"
#include "conversations/realization/conversation_store.h"

struct conversations {
    struct conversations_options options;
    struct turn_saver {
        pthread_t thread;
        pthread_mutex_t mutex;
        pthread_cond_t changed;
        struct turn *turns; /* a list of all that are not done with */
        bool has_ended;     /* some of them, since the thread looked */
        bool stopping;      /* so far under the mutex */
        bool is_last_round; /* the thread's own, also below */
        uint64_t next_sweep_ns;
        struct batch *batch;
        uint64_t next_save_ns; /* under the mutex */
    } saver;
};

int64_t conversations_now_us(const struct conversations *conversations);
struct uuid conversations_new_id(const struct conversations *conversations);

/* Number the messages, append them to their conversation and give it a title where it has none, in
 * the caller's transaction. */
enum status messages_append(struct conversations *conversations, struct transaction *t,
                            struct uuid user, struct message *messages, size_t count,
                            int64_t writing_until_us, struct fault *fault) MUST_USE;

/* ---- turn_saver.c ---- */
enum status turn_saver_start(struct conversations *conversations, struct fault *fault) MUST_USE;
void turn_saver_stop(struct conversations *conversations);

#endif
