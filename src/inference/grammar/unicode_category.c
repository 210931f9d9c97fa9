/* unicode_category.c - see unicode_category.h. */
#include "inference/grammar/unicode_category.h"

#include "inference/grammar/unicode_category_data.h"

#define BIT(category) (1u << CATEGORY_##category)
#define CASED         (BIT(LU) | BIT(LL) | BIT(LT))
#define LETTER        (CASED | BIT(LM) | BIT(LO))
#define MARK          (BIT(MN) | BIT(MC) | BIT(ME))
#define NUMBER        (BIT(ND) | BIT(NL) | BIT(NO))
#define PUNCTUATION   (BIT(PC) | BIT(PD) | BIT(PS) | BIT(PE) | BIT(PI) | BIT(PF) | BIT(PO))
#define SYMBOL        (BIT(SM) | BIT(SC) | BIT(SK) | BIT(SO))
#define SEPARATOR     (BIT(ZS) | BIT(ZL) | BIT(ZP))
#define OTHER         (BIT(CC) | BIT(CF) | BIT(CO) | BIT(CN))

static const struct {
    const char *brief, *name;
    unsigned categories;
} NAMES[] = {
    {"L", "Letter", LETTER},
    {"LC", "Cased_Letter", CASED},
    {"Lu", "Uppercase_Letter", BIT(LU)},
    {"Ll", "Lowercase_Letter", BIT(LL)},
    {"Lt", "Titlecase_Letter", BIT(LT)},
    {"Lm", "Modifier_Letter", BIT(LM)},
    {"Lo", "Other_Letter", BIT(LO)},
    {"M", "Mark", MARK},
    {"Mn", "Nonspacing_Mark", BIT(MN)},
    {"Mc", "Spacing_Mark", BIT(MC)},
    {"Me", "Enclosing_Mark", BIT(ME)},
    {"N", "Number", NUMBER},
    {"Nd", "Decimal_Number", BIT(ND)},
    {"Nl", "Letter_Number", BIT(NL)},
    {"No", "Other_Number", BIT(NO)},
    {"P", "Punctuation", PUNCTUATION},
    {"Pc", "Connector_Punctuation", BIT(PC)},
    {"Pd", "Dash_Punctuation", BIT(PD)},
    {"Ps", "Open_Punctuation", BIT(PS)},
    {"Pe", "Close_Punctuation", BIT(PE)},
    {"Pi", "Initial_Punctuation", BIT(PI)},
    {"Pf", "Final_Punctuation", BIT(PF)},
    {"Po", "Other_Punctuation", BIT(PO)},
    {"S", "Symbol", SYMBOL},
    {"Sm", "Math_Symbol", BIT(SM)},
    {"Sc", "Currency_Symbol", BIT(SC)},
    {"Sk", "Modifier_Symbol", BIT(SK)},
    {"So", "Other_Symbol", BIT(SO)},
    {"Z", "Separator", SEPARATOR},
    {"Zs", "Space_Separator", BIT(ZS)},
    {"Zl", "Line_Separator", BIT(ZL)},
    {"Zp", "Paragraph_Separator", BIT(ZP)},
    {"C", "Other", OTHER},
    {"Cc", "Control", BIT(CC)},
    {"Cf", "Format", BIT(CF)},
    {"Co", "Private_Use", BIT(CO)},
    {"Cn", "Unassigned", BIT(CN)},
};

unsigned unicode_categories(struct text name)
{
    for (size_t i = 0; i < ARRAY_COUNT(NAMES); i++)
        if (text_equal(name, text_of(NAMES[i].brief)) || text_equal(name, text_of(NAMES[i].name)))
            return NAMES[i].categories;
    return 0;
}

bool unicode_category_range(unsigned categories, uint32_t from, uint32_t *first, uint32_t *last)
{
    size_t low = 0, high = ARRAY_COUNT(UNICODE_RUNS); /* the first run that begins beyond `from` */
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (UNICODE_RUNS[middle] >> 5 <= from)
            low = middle + 1;
        else
            high = middle;
    }
    for (size_t i = low - 1; i < ARRAY_COUNT(UNICODE_RUNS); i++) {
        if (!(categories >> (UNICODE_RUNS[i] & 31) & 1)) continue;
        *first = UNICODE_RUNS[i] >> 5;
        *last = i + 1 < ARRAY_COUNT(UNICODE_RUNS) ? (UNICODE_RUNS[i + 1] >> 5) - 1 : 0x10FFFF;
        return from <= 0x10FFFF;
    }
    return false;
}
