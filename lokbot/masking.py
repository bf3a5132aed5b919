"""Personal data out of texts that people and logs will see.

``mask_personal_numbers`` takes out what identifies for certain, and stands before every terminal and log.
``mask_personal_data`` also takes addresses, telephone numbers and signatures, for what leaves its case;
``mask_writer`` also the name of whoever wrote it.

A personal number (personnummer) is a date, three digits and a check digit; a co-ordination number
(samordningsnummer) has 60 added to the day. Rules: folkbokföringslagen (1991:481) 18 §, lagen (2022:1697) om
samordningsnummer, and Skatteverket's SKV 704 (personal numbers) and SKV 707 (co-ordination numbers): the check
digit is Luhn's over the nine digits before it, "-" becomes "+" in the year the person turns 100.
"""

from __future__ import annotations

import re
from datetime import date

MASK = "[personnummer]"

_DAY_OFFSET = 60  # added to the day of birth in a co-ordination number
_FIRST_CENTURY = 18
_LAST_YEAR = 2099

# A date written with dashes ("1985-02-14-1236") is read only with the century, else too much looks like one.
# Digits on either side, or joined to it by a dash or a dot, make it part of something longer (an account).
_CANDIDATE = re.compile(
    r"(?<![\d+])(?<!\d[-–.])"
    r"(?P<century>\d{2})?(?P<year>\d{2})(?(century)-?)(?P<month>\d{2})(?(century)-?)(?P<day>\d{2})"
    r"(?P<separator>[ \t\xa0]?[-+–‐‑−][ \t\xa0]?|[ \t\xa0])?(?P<number>\d{3})(?P<check>\d)(?!\d)(?![-–]\d)",
    re.ASCII,
)
# Ten digits in a row may be a mobile or an office number (Post- och telestyrelsen's numbering plan: 070, 072, 073,
# 076, 079, 010, 020) as well as somebody born 2001-2007. Written so, it is taken for the telephone.
_TELEPHONE = re.compile(r"07[02369]|0[12]0", re.ASCII)


def mask_personal_numbers(text: str) -> str:
    """``text`` with every valid personal or co-ordination number replaced by ``[personnummer]``.

    Ten or twelve digits, with "-", "+", a space or nothing before the last four; valid by date and check digit.
    An organisation number (third digit 2 or more, so no month) is never one. Never raises.
    """
    return _CANDIDATE.sub(lambda found: MASK if _is_valid(found) else found.group(), text)


def has_personal_number(text: str) -> bool:
    """Whether ``text`` holds a number that ``mask_personal_numbers`` would mask."""
    return any(_is_valid(found) for found in _CANDIDATE.finditer(text))


_MAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
# A number that begins as one is dialled, with what people write between its digits.
_PHONE = re.compile(r"(?<![\w+-])(?:\+|00)?\d(?:[ \t\xa0()/–-]{0,2}\d){6,14}(?![\w-])")
_SWITCHBOARD = "042105000"  # the contact centre's is nobody's own
_NAME = r"[^\W\d_][^\W\d_.'’-]*(?:[-'’][^\W\d_]+)*\.?"
_SIGN_OFF = re.compile(
    r"(?P<before>(?:^|(?<=[\s.,!?]))(?:(?:med\s+)?(?:vänlig|bäst|varm|hjärtlig)(?:a|aste)?\s+hälsning(?:ar)?|hälsningar|hälsning"
    r"|m\.?\s?v\.?\s?h\.?|v\.?h\.?|(?:best|kind|warm)\s+(?:regards|wishes)|regards|sincerely|yours\s+(?:sincerely|truly))"
    rf"(?:\s+(?:från|from))?[\s,.!–-]*)(?P<name>{_NAME}(?:[ \t]+(?:och|o|&|and)?[ \t]*{_NAME}){{0,3}})",
    re.IGNORECASE | re.MULTILINE,
)
_SLASH = re.compile(rf"(?P<before>(?:^|\s)/\s?)(?P<name>{_NAME}(?:[ \t]+{_NAME}){{0,3}})(?=\s*$)", re.MULTILINE)
_INTRODUCTION = re.compile(
    r"(?P<before>\b(?:(?i:jag\s+heter|mitt\s+namn\s+är|my\s+name\s+is)|(?:hälsar|undrar|frågar)(?=\s+[A-ZÅÄÖ]))\s+)"
    rf"(?P<name>{_NAME}(?:\s+[A-ZÅÄÖ][^\W\d_]+){{0,2}})",
)


def mask_personal_data(text: str) -> str:
    """``text`` without personal numbers, mail addresses, telephone numbers, and names where a sign-off or "jag heter"
    says that they are one. A name in the middle of a sentence stays: a person has to read before anything is published.
    Never raises.
    """
    masked = _MAIL.sub("[mejladress]", mask_personal_numbers(text))
    masked = _PHONE.sub(_masked_phone, masked)
    for pattern in (_SIGN_OFF, _SLASH, _INTRODUCTION):
        masked = pattern.sub(lambda found: f"{found['before']}[namn]", masked)
    return masked


_LAST_WORDS = re.compile(rf"(?P<before>[.?!…][\"'”’)]*\s+[-–—/~]*\s*)(?P<name>{_NAME}(?:[ \t]+{_NAME}){{0,2}})\s*$")


def mask_writer(text: str, name: str) -> str:
    """``text`` by somebody called ``name`` ("" where nobody knows), for those who are to know the matter and not who
    asks: as ``mask_personal_data``, without that name, and without what stands last as a name under a letter does.
    Rather a place too many is masked ("Vilken hall? Olympia") than a name told. Never raises.
    """
    masked = mask_personal_data(text)
    parts = [part for part in re.split(r"[\s,;]+", name) if len(part) > 1]
    if parts:
        whole = r"[\s,]+".join(map(re.escape, parts))
        masked = re.sub(rf"(?<!\w){whole}(?!\w)", "[namn]", masked, flags=re.IGNORECASE)
        either = "|".join(map(re.escape, parts))
        last = rf"(?<!\w)(?:{either})(?:[\s-]+(?:{either}|[A-ZÅÄÖ]))*\.?(?=\s*$)"
        masked = re.sub(last, "[namn]", masked, flags=re.IGNORECASE | re.MULTILINE)
    return _LAST_WORDS.sub(_masked_last, masked)


def _masked_last(found: re.Match[str]) -> str:
    words = found["name"].split()
    is_name = all(word[0].isupper() for word in words) and words[0].casefold() not in ("tack", "thanks", "hej")
    return f"{found['before']}[namn]" if is_name else found.group()


def _masked_phone(found: re.Match[str]) -> str:
    digits = re.sub(r"\D", "", found.group())
    is_dialled = found.group().startswith(("0", "+")) and len(digits) >= 8
    is_ours = digits.removeprefix("0046").removeprefix("46").lstrip("0") == _SWITCHBOARD.lstrip("0")
    return "[telefonnummer]" if is_dialled and not is_ours else found.group()


def _is_valid(found: re.Match[str]) -> bool:
    century, year, month, day = (found[name] for name in ("century", "year", "month", "day"))
    if not (century or found["separator"]) and _TELEPHONE.match(year + month):
        return False
    if not _is_luhn(year + month + day + found["number"] + found["check"]):
        return False
    centuries = (int(century),) if century else (19, 20)
    return any(_is_date(100 * each + int(year), int(month), int(day)) for each in centuries)


def _is_date(year: int, month: int, day: int) -> bool:
    if not 100 * _FIRST_CENTURY <= year <= _LAST_YEAR:
        return False
    try:
        date(year, month, day - _DAY_OFFSET if day > _DAY_OFFSET else day)
    except ValueError:
        return False
    return True


def _is_luhn(digits: str) -> bool:
    """Luhn's check (ISO/IEC 7812-1): every second digit doubled from the left, digit sums divisible by ten."""
    doubled = (int(digit) * (2 - place % 2) for place, digit in enumerate(digits))
    return sum(value // 10 + value % 10 for value in doubled) % 10 == 0
