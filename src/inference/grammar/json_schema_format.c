/* json_schema_format.c - the formats of strings, as patterns.
 *
 * Each is a part of what its standard allows: whatever is written is valid, rare forms are left out
 * (leap seconds, comments in mail addresses, addresses of IPv6 with a zone). Formats that nobody
 * defined are hints without a meaning, as JSON Schema says. */
#include "inference/grammar/json_schema_private.h"

#define DATE                                                                                \
    "(?:[0-9]{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-"           \
    "(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))|(?:[0-9]{2}(?:0[48]|[2468][048]|" \
    "[13579][26])|(?:[02468][048]|[13579][26])00)-02-29)"
#define TIME                                                       \
    "(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\\.[0-9]{1,9})?" \
    "(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
#define COUNT "[0-9]{1,4}"
#define DURATION_TIME \
    "T(?:" COUNT "H(?:" COUNT "M(?:" COUNT "S)?)?|" COUNT "M(?:" COUNT "S)?|" COUNT "S)"
#define DURATION_DATE \
    "(?:" COUNT "Y(?:" COUNT "M(?:" COUNT "D)?)?|" COUNT "M(?:" COUNT "D)?|" COUNT "D)"
#define ATOM  "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
#define LABEL "[A-Za-z0-9](?:[A-Za-z0-9-]{0,30}[A-Za-z0-9])?"
#define BYTE  "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
#define IPV4  "(?:" BYTE "\\.){3}" BYTE
#define H16   "[0-9a-fA-F]{1,4}"
#define IPV6                                                                                     \
    "(?:(?:" H16 ":){7}" H16 "|::(?:" H16 ":){0,6}" H16 "|" H16 "::(?:" H16 ":){0,5}" H16        \
    "|(?:" H16 ":){2}(?::" H16 "){1,5}|(?:" H16 ":){3}(?::" H16 "){1,4}|(?:" H16 ":){4}(?::" H16 \
    "){1,3}|(?:" H16 ":){5}(?::" H16 "){1,2}|(?:" H16 ":){1,7}:|::)"
#define HEX_PAIR       "%[0-9A-Fa-f]{2}"
#define PCHAR          "(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|" HEX_PAIR ")"
#define PCHAR_NO_COLON "(?:[A-Za-z0-9._~!$&'()*+,;=@-]|" HEX_PAIR ")"
#define AFTER_PATH     "(?:\\?(?:" PCHAR "|[/?])*)?(?:#(?:" PCHAR "|[/?])*)?"
#define HOST           "(?:(?:[A-Za-z0-9._~-]|" HEX_PAIR ")+)(?::[0-9]{1,5})?"
#define URI \
    "[A-Za-z][A-Za-z0-9+.-]*:(?://" HOST "(?:/" PCHAR "*)*|" PCHAR "+(?:/" PCHAR "*)*)" AFTER_PATH
#define RELATIVE \
    "(?:/(?:" PCHAR "+(?:/" PCHAR "*)*)?|" PCHAR_NO_COLON "+(?:/" PCHAR "*)*)?" AFTER_PATH
#define WEB \
    "https?://(?:" LABEL "\\.){1,4}[A-Za-z]{2,10}(?::[0-9]{2,4})?(?:/" PCHAR "*)*" AFTER_PATH
#define POINTER        "(?:/(?:[^~/]|~[01])*)*"
/* What ECMAScript reads with the flag u, without back references, look-around and properties, and
 * with groups up to two deep, as more would be no regular language. */
#define RE_PLAIN       "[ !\"#%&',/0-9:;<=>@A-Z_a-z~\\u00a0-\\ud7ff-]"
#define RE_ESCAPE      "\\\\[dDwWsS./*+?()[\\]{}|^$nrt\\\\]"
#define RE_CLASS       "\\[\\^?(?:[ !\"#$%&'()*+,./0-9:;<=>?@A-Z_a-z|~]|" RE_ESCAPE "|a-z|A-Z|0-9)+\\]"
#define RE_REPEATED    "(?:[*+?]\\??|\\{[0-9]{1,3},?\\})?"
#define RE_ATOM        RE_PLAIN "|\\.|" RE_ESCAPE "|" RE_CLASS
#define RE_OF(atom)    "(?:(?:" atom ")" RE_REPEATED "|[$^|])*"
#define RE_GROUP(text) "\\((?:\\?:)?" text "\\)"
#define RE_INNER       RE_OF(RE_ATOM)
#define RE_MIDDLE      RE_OF(RE_ATOM "|" RE_GROUP(RE_INNER))
#define RE_OUTER       RE_OF(RE_ATOM "|" RE_GROUP(RE_MIDDLE))

static const struct {
    const char *name, *pattern;
} FORMATS[] = {
    {"date", "^" DATE "$"},
    {"time", "^" TIME "$"},
    {"date-time", "^" DATE "T" TIME "$"},
    {"iso-time", "^" TIME "$"},
    {"iso-date-time", "^" DATE "T" TIME "$"},
    {"duration", "^P(?:" DURATION_DATE "(?:" DURATION_TIME ")?|" DURATION_TIME "|" COUNT "W)$"},
    {"uuid", "^[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$"},
    {"email", "^" ATOM "(?:\\." ATOM ")*@(?:" LABEL "\\.){1,4}" LABEL "$"},
    {"idn-email", "^" ATOM "(?:\\." ATOM ")*@(?:" LABEL "\\.){1,4}" LABEL "$"},
    {"hostname", "^(?:" LABEL "\\.){0,4}" LABEL "$"},
    {"idn-hostname", "^(?:" LABEL "\\.){0,4}" LABEL "$"},
    {"ipv4", "^" IPV4 "$"},
    {"ipv6", "^" IPV6 "$"},
    {"uri", "^" URI "$"},
    {"iri", "^" URI "$"},
    {"url", "^" WEB "$"},
    {"uri-reference", "^(?:" URI "|" RELATIVE ")$"},
    {"iri-reference", "^(?:" URI "|" RELATIVE ")$"},
    {"uri-template", "^(?:[A-Za-z0-9._~!$&()*+,;=:@/?#-]|" HEX_PAIR
                     "|\\{[+#./;?&]?[A-Za-z0-9_]+(?:,[A-Za-z0-9_]+)*\\})*$"},
    {"json-pointer", "^" POINTER "$"},
    {"relative-json-pointer", "^(?:0|[1-9][0-9]{0,8})(?:#|" POINTER ")$"},
    {"regex", "^" RE_OUTER "$"},
    {"byte", "^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$"},
};

enum status schema_format(struct schema_reader *reader, const json_t *schema, struct text format,
                          const struct regular **out)
{
    *out = NULL;
    for (size_t i = 0; i < ARRAY_COUNT(FORMATS); i++)
        if (text_equal(format, text_of(FORMATS[i].name)))
            return schema_pattern(reader, schema, "format", text_of(FORMATS[i].pattern), out);
    return OK;
}
