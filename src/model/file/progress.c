/* progress.c - see progress.h. */
#include "model/file/progress.h"

#include <stdio.h>

void progress_report(const struct progress *progress, double done)
{
    if (progress && progress->report) progress->report(progress->argument, done);
}

void progress_note(const struct progress *progress, const char *format, ...)
{
    if (!progress || !progress->note) return;
    char line[FAULT_MESSAGE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    progress->note(progress->argument, line);
}
