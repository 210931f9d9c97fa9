/* name_list.h - "these exist: a, b, c" for messages. */
#ifndef LIMINAL_MODEL_NAME_LIST_H
#define LIMINAL_MODEL_NAME_LIST_H

#include <stdio.h>
#include <string.h>

struct name_list {
    char text[512];
};

static inline void name_list_add(struct name_list *list, const char *name)
{
    size_t used = strlen(list->text);
    snprintf(list->text + used, sizeof list->text - used, "%s%s", used ? ", " : "", name);
}

#endif
