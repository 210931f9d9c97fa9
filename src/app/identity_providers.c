/* identity_providers.c - see identity_providers.h. */
#include "app/identity_providers.h"

#include <string.h>

/* Cuts the next word off `rest`. */
static struct text next_word(struct text *rest)
{
    *rest = text_trim(*rest);
    size_t end = text_find(*rest, TEXT(" "));
    if (end == SIZE_MAX) end = rest->length;
    struct text word = text_slice(*rest, 0, end);
    *rest = text_slice(*rest, end, rest->length);
    return word;
}

static enum status keep(struct arena *arena, struct text text, const char **copy,
                        struct fault *fault)
{
    *copy = arena_copy(arena, text.data, text.length);
    return *copy ? OK : fault_set(fault, STATUS_NO_MEMORY, "out of memory");
}

static enum status read_one(struct text setting, struct arena *arena,
                            struct identity_provider *provider, struct fault *fault)
{
    const struct {
        struct text key;
        const char **value;
    } members[] = {
        {TEXT("issuer="), &provider->issuer},
        {TEXT("id="), &provider->client_id},
        {TEXT("secret="), &provider->client_secret},
        {TEXT("label="), &provider->label},
    };
    struct text rest = setting;
    *provider = (struct identity_provider){.kind = PROVIDER_OIDC};
    TRY(keep(arena, next_word(&rest), &provider->name, fault));
    while (text_trim(rest).length) {
        struct text at = text_trim(rest), word = next_word(&rest);
        size_t i = 0;
        while (i < ARRAY_COUNT(members) && !text_starts_with(word, members[i].key)) i++;
        if (i == ARRAY_COUNT(members))
            return fault_set(fault, STATUS_INVALID,
                             "%s: only issuer=, id=, secret= and label= can be said",
                             provider->name);
        bool is_label = members[i].value == &provider->label;
        struct text whole = is_label ? at : word;
        TRY(keep(arena, text_slice(whole, members[i].key.length, whole.length), members[i].value,
                 fault));
        if (is_label) break;
    }
    return identity_provider_complete(provider, fault);
}

enum status identity_providers_read(const struct option_list *settings, struct arena *arena,
                                    struct identity_provider **providers, struct fault *fault)
{
    *providers = arena_alloc_array(arena, settings->count + 1, sizeof **providers);
    if (!*providers) return fault_set(fault, STATUS_NO_MEMORY, "out of memory");
    for (size_t i = 0; i < settings->count; i++) {
        enum status status = read_one(text_of(settings->items[i]), arena, &(*providers)[i], fault);
        if (status == OK) continue;
        fault_prefix(fault, "--sign-in-with");
        return status;
    }
    return OK;
}
