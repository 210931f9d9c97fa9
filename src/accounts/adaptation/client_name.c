/* client_name.c - see client_name.h. */
#include "accounts/adaptation/client_name.h"

#include <stdio.h>

struct mark {
    const char *part, *name;
};

/* The first that is found: browsers name those before them that they want to be taken for. */
static const struct mark BROWSERS[] = {
    {"Edg/", "Edge"},      {"OPR/", "Opera"},     {"Firefox/", "Firefox"},
    {"Chrome/", "Chrome"}, {"Safari/", "Safari"},
};
static const struct mark SYSTEMS[] = {
    {"iPhone", "iPhone"},   {"iPad", "iPad"},      {"Android", "Android"},
    {"Windows", "Windows"}, {"Mac OS X", "macOS"}, {"Linux", "Linux"},
};

static const char *find(struct text user_agent, const struct mark *marks, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (text_find(user_agent, text_of(marks[i].part)) != SIZE_MAX) return marks[i].name;
    return NULL;
}

void client_name(struct text user_agent, char out[CLIENT_NAME_BYTES])
{
    const char *browser = find(user_agent, BROWSERS, ARRAY_COUNT(BROWSERS));
    const char *system = find(user_agent, SYSTEMS, ARRAY_COUNT(SYSTEMS));
    struct text word = text_trim(user_agent);
    size_t end = text_find(word, TEXT(" "));
    if (end != SIZE_MAX) word = text_slice(word, 0, end);
    if (browser && system)
        snprintf(out, CLIENT_NAME_BYTES, "%s on %s", browser, system);
    else if (browser || system)
        snprintf(out, CLIENT_NAME_BYTES, "%s", browser ? browser : system);
    else if (word.length)
        snprintf(out, CLIENT_NAME_BYTES, "%.*s", TEXT_FORMAT(word));
    else
        snprintf(out, CLIENT_NAME_BYTES, "unknown");
}
