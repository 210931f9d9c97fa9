/* client_name.h - what a person calls the program that sent a User-Agent. Pure. */
#ifndef LIMINAL_ACCOUNTS_CLIENT_NAME_H
#define LIMINAL_ACCOUNTS_CLIENT_NAME_H

#include "base/text.h"

enum { CLIENT_NAME_BYTES = 48 };

/* "Firefox on Windows"; of a program its own word for itself, "curl/7.88.1"; "unknown". */
void client_name(struct text user_agent, char out[CLIENT_NAME_BYTES]);

#endif
