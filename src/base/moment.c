/* moment.c - see moment.h. Days and civil dates: the algorithms of Howard Hinnant,
 * "chrono-Compatible Low-Level Date Algorithms". */
#include "base/moment.h"

#include <stdio.h>

enum { US_PER_SECOND = 1000000, SECONDS_PER_DAY = 86400 };

struct civil {
    int64_t year;
    unsigned month, day;
};

static int64_t days_of_civil(struct civil date)
{
    int64_t year = date.year - (date.month <= 2);
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    unsigned year_of_era = (unsigned)(year - era * 400);
    unsigned day_of_year =
        (153 * (date.month > 2 ? date.month - 3 : date.month + 9) + 2) / 5 + date.day - 1;
    unsigned day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + (int64_t)day_of_era - 719468;
}

static struct civil civil_of_days(int64_t days)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    unsigned day_of_era = (unsigned)(days - era * 146097);
    unsigned year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    unsigned day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    unsigned shifted = (5 * day_of_year + 2) / 153;
    unsigned month = shifted < 10 ? shifted + 3 : shifted - 9;
    return (struct civil){(int64_t)year_of_era + era * 400 + (month <= 2), month,
                          day_of_year - (153 * shifted + 2) / 5 + 1};
}

void moment_format(int64_t unix_us, char out[MOMENT_TEXT_BYTES])
{
    if (unix_us < MOMENT_FIRST_US) unix_us = MOMENT_FIRST_US;
    if (unix_us > MOMENT_LAST_US) unix_us = MOMENT_LAST_US;
    int64_t us = unix_us % US_PER_SECOND, seconds = unix_us / US_PER_SECOND;
    if (us < 0) us += US_PER_SECOND, seconds--;
    int64_t second = seconds % SECONDS_PER_DAY, days = seconds / SECONDS_PER_DAY;
    if (second < 0) second += SECONDS_PER_DAY, days--;
    struct civil date = civil_of_days(days);
    snprintf(out, MOMENT_TEXT_BYTES, "%04u-%02u-%02uT%02u:%02u:%02u.%06uZ",
             (unsigned)date.year % 10000, date.month % 100, date.day % 100,
             (unsigned)(second / 3600) % 100, (unsigned)(second / 60 % 60), (unsigned)(second % 60),
             (unsigned)us % US_PER_SECOND);
}

/* ---- parsing ---- */

struct reader {
    struct text t;
    size_t at;
};

static bool read_digits(struct reader *r, unsigned count, unsigned *value)
{
    *value = 0;
    for (unsigned i = 0; i < count; i++, r->at++) {
        if (r->at >= r->t.length || r->t.data[r->at] < '0' || r->t.data[r->at] > '9') return false;
        *value = *value * 10 + (unsigned)(r->t.data[r->at] - '0');
    }
    return true;
}

static bool read_one_of(struct reader *r, char a, char b)
{
    if (r->at >= r->t.length || (r->t.data[r->at] != a && r->t.data[r->at] != b)) return false;
    r->at++;
    return true;
}

static bool read_fraction(struct reader *r, int64_t *us)
{
    *us = 0;
    if (!read_one_of(r, '.', '.')) return true;
    int digits = 0;
    for (unsigned digit; digits < 9 && read_digits(r, 1, &digit); digits++)
        if (digits < 6) *us = *us * 10 + digit;
    for (int i = digits; i < 6; i++) *us *= 10;
    return digits > 0;
}

static bool read_offset(struct reader *r, int64_t *seconds)
{
    *seconds = 0;
    if (read_one_of(r, 'Z', 'z')) return true;
    bool west = r->at < r->t.length && r->t.data[r->at] == '-';
    unsigned hours, minutes;
    if (!read_one_of(r, '+', '-') || !read_digits(r, 2, &hours) || !read_one_of(r, ':', ':') ||
        !read_digits(r, 2, &minutes) || hours > 23 || minutes > 59)
        return false;
    *seconds = (int64_t)hours * 3600 + minutes * 60;
    if (west) *seconds = -*seconds;
    return true;
}

static unsigned days_in(unsigned year, unsigned month)
{
    static const unsigned char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return days[month - 1] + (month == 2 && leap);
}

bool moment_parse(struct text t, int64_t *unix_us)
{
    struct reader r = {t, 0};
    unsigned year, month, day, hour, minute, second;
    int64_t us, offset;
    bool well_formed =
        read_digits(&r, 4, &year) && read_one_of(&r, '-', '-') && read_digits(&r, 2, &month) &&
        read_one_of(&r, '-', '-') && read_digits(&r, 2, &day) && read_one_of(&r, 'T', 't') &&
        read_digits(&r, 2, &hour) && read_one_of(&r, ':', ':') && read_digits(&r, 2, &minute) &&
        read_one_of(&r, ':', ':') && read_digits(&r, 2, &second) && read_fraction(&r, &us) &&
        read_offset(&r, &offset) && r.at == t.length;
    if (!well_formed || year < 1 || month < 1 || month > 12 || day < 1 ||
        day > days_in(year, month) || hour > 23 || minute > 59 || second > 60)
        return false;
    int64_t days = days_of_civil((struct civil){year, month, day});
    int64_t seconds = days * SECONDS_PER_DAY + hour * 3600 + minute * 60 + second - offset;
    *unix_us = seconds * US_PER_SECOND + us;
    return true;
}
