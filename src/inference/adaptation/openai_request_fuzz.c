/* openai_request_fuzz.c - any bytes as the body of any request: a struct or a fault, never more.
 * The first byte chooses the request. */
#include "http/json_body.h"
#include "inference/adaptation/openai_request.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void read_as(int kind, const json_t *root, struct arena *job, struct fault *fault)
{
    struct chat_request chat;
    struct completion_request completion;
    struct embedding_request embedding;
    enum status status;
    switch (kind) {
    case 0:
        status = chat_request_read(&chat, root, job, fault);
        if (status == OK) chat_request_deinit(&chat);
        break;
    case 1: status = completion_request_read(&completion, root, job, fault); break;
    default: status = embedding_request_read(&embedding, root, job, fault); break;
    }
    if (status != OK && (fault->status != status || fault->message[0] == '\0')) __builtin_trap();
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    if (size == 0) return 0;
    struct fault fault = {.status = OK};
    json_t *root;
    struct text body = {(const char *)data + 1, size - 1};
    if (json_body_parse(body, &root, &fault) != OK) return 0;
    struct arena job;
    arena_init(&job, 1 << 24);
    read_as(data[0] % 3, root, &job, &fault);
    arena_deinit(&job);
    json_decref(root);
    return 0;
}
