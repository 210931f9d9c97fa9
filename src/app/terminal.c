/* terminal.c - see terminal.h. */
#include "app/terminal.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "platform/platform.h"

static bool is_terminal(FILE *stream)
{
    int fd = fileno(stream); /* none for streams in memory */
    return fd >= 0 && isatty(fd);
}

bool terminal_is_live(FILE *stream)
{
    const char *term = getenv("TERM");
    return is_terminal(stream) && term && *term && strcmp(term, "dumb") != 0;
}

static bool is_harmless(uint32_t codepoint)
{
    if (codepoint == '\n' || codepoint == '\t') return true;
    return codepoint >= 0x20 && !(codepoint >= 0x7F && codepoint < 0xA0);
}

void terminal_write(FILE *out, struct text text)
{
    if (!is_terminal(out)) {
        fwrite(text.data, 1, text.length, out);
        return;
    }
    for (size_t i = 0; i < text.length;) {
        uint32_t codepoint = 0;
        size_t bytes = utf8_decode(text.data + i, text.length - i, &codepoint);
        if (bytes && is_harmless(codepoint))
            fwrite(text.data + i, 1, bytes, out);
        else
            fputs("\xEF\xBF\xBD", out);
        i += bytes ? bytes : 1;
    }
}

void size_text(uint64_t bytes, char out[SIZE_TEXT_BYTES])
{
    static const char *const UNITS[] = {"B", "kB", "MB", "GB", "TB"};
    double value = (double)bytes;
    size_t unit = 0;
    while (value >= 999.95 && unit + 1 < ARRAY_COUNT(UNITS)) {
        value /= 1000;
        unit++;
    }
    snprintf(out, SIZE_TEXT_BYTES, unit ? "%.1f %s" : "%.0f %s", value, UNITS[unit]);
}

enum status print_json_take(json_t *document, FILE *out, struct fault *fault)
{
    if (!document) return fault_set(fault, STATUS_NO_MEMORY, "out of memory");
    int failed =
        json_dumpf(document, out, JSON_INDENT(2) | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
    json_decref(document);
    if (failed) return fault_set(fault, STATUS_IO, "cannot write the JSON document");
    fputc('\n', out);
    return OK;
}

/* ---- progress ---- */

enum { BAR_CELLS = 30, REDRAW_NS = 100 * 1000 * 1000, QUIET_NS = 1000 * 1000 * 1000 };

void progress_bar_start(struct progress_bar *bar, const char *label)
{
    *bar = (struct progress_bar){
        .label = label,
        .live = terminal_is_live(stderr),
        .started_ns = clock_monotonic_ns(),
        .last_tenth = -1,
    };
}

/* Time to draw again? On a terminal ten times a second; elsewhere at every tenth of the whole, and
 * only for work that takes long enough for somebody to wonder. */
static bool is_due(struct progress_bar *bar, double done)
{
    uint64_t now = clock_monotonic_ns();
    if (bar->live) {
        if (bar->shown && done < 1 && now - bar->drawn_ns < REDRAW_NS) return false;
        bar->drawn_ns = now;
        return true;
    }
    int tenth = (int)(done * 10);
    if (tenth == bar->last_tenth || now - bar->started_ns < QUIET_NS) return false;
    bar->last_tenth = tenth;
    return true;
}

static void draw(struct progress_bar *bar, double done, const char *detail)
{
    char cells[BAR_CELLS + 1];
    int full = (int)(done * BAR_CELLS + 0.5);
    for (int i = 0; i < BAR_CELLS; i++) cells[i] = i < full ? '#' : '.';
    cells[BAR_CELLS] = '\0';
    if (bar->live)
        fprintf(stderr, "\r\033[K%s [%s] %3.0f%%%s", bar->label, cells, done * 100, detail);
    else
        fprintf(stderr, "%s: %3.0f%%%s\n", bar->label, done * 100, detail);
    fflush(stderr);
    bar->shown = true;
}

/* " 120.3 MB of 322.6 MB, 11.2 MB/s, 18 s left" */
static void describe_rate(struct progress_bar *bar, uint64_t done, uint64_t total, char *out,
                          size_t capacity)
{
    char done_text[SIZE_TEXT_BYTES], total_text[SIZE_TEXT_BYTES], rate_text[SIZE_TEXT_BYTES];
    double seconds = (double)(clock_monotonic_ns() - bar->started_ns) / 1e9;
    double rate = seconds > 0.2 ? (double)(done - bar->first_bytes) / seconds : 0;
    size_text(done, done_text);
    size_text(total, total_text);
    size_text((uint64_t)rate, rate_text);
    int used = snprintf(out, capacity, total ? " %s of %s" : " %s", done_text, total_text);
    if (rate < 1) return;
    used += snprintf(out + used, capacity - (size_t)used, ", %s/s", rate_text);
    if (total <= done) return;
    uint64_t left_s = (uint64_t)((double)(total - done) / rate + 0.5);
    if (left_s >= 120)
        snprintf(out + used, capacity - (size_t)used, ", %llu min left",
                 (unsigned long long)(left_s + 30) / 60);
    else
        snprintf(out + used, capacity - (size_t)used, ", %llu s left", (unsigned long long)left_s);
}

void progress_bar_bytes(struct progress_bar *bar, uint64_t done, uint64_t total)
{
    if (!bar->shown && !bar->first_bytes) bar->first_bytes = done;
    if (done < bar->first_bytes) bar->first_bytes = 0; /* it started again from the beginning */
    double share = total ? (double)done / (double)total : 0;
    if (!is_due(bar, share)) return;
    char detail[96];
    describe_rate(bar, done, total, detail, sizeof detail);
    draw(bar, share, detail);
}

void progress_bar_share(struct progress_bar *bar, double done)
{
    if (is_due(bar, done)) draw(bar, done, "");
}

void progress_bar_end(struct progress_bar *bar)
{
    if (bar->live && bar->shown) fputs("\r\033[K", stderr);
    bar->shown = false;
}
