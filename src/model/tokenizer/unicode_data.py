#!/usr/bin/env python3
"""Writes unicode_data.c: python3 unicode_data.py > unicode_data.c

The tables come from Python's unicodedata. Use a Python of Unicode 14.0 (3.11), the version that
PCRE2 10.42 knows, so that all parts of a tokenizer agree on what a letter is.
"""
import sys
import textwrap
import unicodedata

CHARACTERS = [c for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]
HANGUL = range(0xAC00, 0xAC00 + 11172)  # (de)composed by arithmetic in unicode.c


def table(declaration, rows):
    print(f"const {declaration} = {{")
    # A row must not be broken: its spaces are hidden from the wrapping.
    text = " ".join(row.replace(" ", "~") + "," for row in rows)
    for line in textwrap.wrap(text, 96, break_on_hyphens=False):
        print("    " + line.replace("~", " "))
    print("};")
    name = declaration.split()[-1].split("[")[0]
    print(f"const size_t {name}_count = {len(rows)};\n")


def ranges(wanted):
    found = []
    for c in CHARACTERS:
        if not wanted(c):
            continue
        if found and found[-1][1] == c - 1:
            found[-1][1] = c
        else:
            found.append([c, c])
    return [f"{{0x{first:X}, 0x{last:X}}}" for first, last in found]


def numbers(text):
    return ", ".join(f"0x{ord(c):X}" for c in text)


def category(c):
    return unicodedata.category(chr(c))


def decompositions():
    return [(c, unicodedata.normalize("NFD", chr(c))) for c in CHARACTERS
            if c not in HANGUL and unicodedata.normalize("NFD", chr(c)) != chr(c)]


def compositions():
    """Pairs that NFC puts together again: this leaves out the composition exclusions."""
    pairs = []
    for c in CHARACTERS:
        parts = unicodedata.decomposition(chr(c)).split()
        if c in HANGUL or len(parts) != 2 or parts[0].startswith("<"):
            continue
        first, second = (int(part, 16) for part in parts)
        if unicodedata.normalize("NFC", chr(first) + chr(second)) == chr(c):
            pairs.append((first, second, c))
    return sorted(pairs)


if not unicodedata.unidata_version.startswith("14."):
    sys.exit(f"needs Unicode 14, this Python has {unicodedata.unidata_version}")

print("/* unicode_data.c - tables of Unicode 14.0, written by unicode_data.py: do not\n * edit. Long because it is data: tables that only unicode.c searches. */")
print('#include "model/tokenizer/unicode_data.h"\n')
print("/* clang-format off */")
table("struct unicode_mapping unicode_decompositions[]",
      [f"{{0x{c:X}, {{{numbers(text)}}}}}" for c, text in decompositions()])
table("struct unicode_pair unicode_compositions[]",
      [f"{{0x{a:X}, 0x{b:X}, 0x{c:X}}}" for a, b, c in compositions()])
table("struct unicode_class unicode_classes[]",
      [f"{{0x{c:X}, {unicodedata.combining(chr(c))}}}" for c in CHARACTERS
       if unicodedata.combining(chr(c))])
table("struct unicode_mapping unicode_lowercase[]",
      [f"{{0x{c:X}, {{{numbers(chr(c).lower())}}}}}" for c in CHARACTERS
       if chr(c).lower() != chr(c)])
table("struct unicode_range unicode_nonspacing_marks[]", ranges(lambda c: category(c) == "Mn"))
table("struct unicode_range unicode_other_marks[]", ranges(lambda c: category(c) in ("Mc", "Me")))
table("struct unicode_range unicode_controls[]",
      ranges(lambda c: category(c) in ("Cc", "Cf", "Co")))
