"""Which language a message is written in, right also on a chat line of two words.

Three witnesses: the script, small words and letters that give a language away (and, for Swedish and English, the
knowledge's own words), and CLD3 (Google's Compact Language Detector 3, a kept library) for the rest.
Measured on the list in ``tests/unit/understanding/language_samples.py``; see the test for the floors.
"""

from __future__ import annotations

import re
from collections.abc import Container, Mapping

import gcld3  # type: ignore[import-untyped]

from lokbot.understanding.function_words import ENGLISH_EVERYDAY_WORDS, FUNCTION_WORDS
from lokbot.understanding.normalize import clean, fold, without_links, words

UNKNOWN = "und"

_ENOUGH = 600  # characters: more text does not change the answer, only the time it takes
_LATIN = re.compile(r"[a-z\u00df-\u024f]")
_ARABIC = re.compile(r"[\u0600-\u06ff]")
_CYRILLIC = re.compile(r"[\u0400-\u04ff]")

# Letters that one of the languages has and the others of its script have not.
_ARABIC_LETTERS = {"ckb": "ێۆڕڵە", "ur": "ٹڈڑےں", "fa": "پچژگکی"}
_ETHIOPIC_LETTERS = {"ti": "ኣኸኽኹኺቐ"}  # Tigrinya, which CLD3 takes for Amharic
_CYRILLIC_LETTERS = {"be": "ў", "uk": "іїєґ", "sr": "ђјљњћџ", "ru": "ыэъё"}
_LATIN_LETTERS = {
    "sv": "åäö", "fi": "äö", "da": "æøå", "no": "æøå", "de": "äöüß", "es": "ñ¿¡áéíóú", "fr": "àâçéèêîôùœ",
    "pl": "ąćęłńóśźż", "bs": "čćđšž", "tr": "ğışçöü",
}  # fmt: skip

# What CLD3 may answer by itself on a short line, by script. It knows a hundred languages and on two words
# often picks one that nobody here writes (Maltese, Esperanto, Chichewa); those guesses count only on long text.
_LIKELY = {
    "latin": frozenset("sv en da no fi de nl fr es pt it pl cs sk bs sl hu ro sq et lv lt tr so ku vi".split()),
    "arabic": frozenset("ar fa".split()),
    "cyrillic": frozenset("ru uk be bg sr mk".split()),
}
_LONG = 60  # characters

# CLD3 takes a Swedish line without å ä ö for Danish or Norwegian more often than anybody writes those here.
_NEIGHBOURS = frozenset({"da", "no"})
_DANISH_LETTERS = frozenset("æø")

# One language, several names: what is written in Latin letters in Sarajevo, Zagreb or Belgrade cannot be told
# apart in a line, and the asker can read the answer in any of them. Galician and Catalan are how CLD3 hears
# short Spanish. Two-letter codes where CLD3 gives others.
_SAME = {"hr": "bs", "gl": "es", "ca": "es", "nb": "no", "nn": "no", "iw": "he"}

_CLD3 = gcld3.NNetLanguageIdentifier(0, 2000)


def detect(text: str, vocabularies: Mapping[str, Container[str]] | None = None) -> str:
    """The language of ``text``: "sv", "en", another ISO 639-1 code (639-3 where there is none), or "und".

    ``vocabularies`` holds the knowledge's own words (folded) by language, "sv" and "en": they decide where a
    line has no small words ("lok stod?"). In doubt between Scandinavian languages, or where nothing speaks for
    any language, a text with letters is Swedish: the asker writes to a Swedish city, and "und" would keep the
    knowledge from being searched at all.
    """
    cleaned = clean(without_links(text[: 4 * _ENOUGH]))[:_ENOUGH]
    letters = sum(c.isalpha() for c in cleaned)
    if not letters:
        return UNKNOWN
    if 2 * len(_LATIN.findall(cleaned)) >= letters:
        return _latin(cleaned, vocabularies or {})
    if 2 * len(_ARABIC.findall(cleaned)) >= letters:
        return _by_letters(cleaned, _ARABIC_LETTERS) or _by_cld3(cleaned, "arabic", "ar")
    if 2 * len(_CYRILLIC.findall(cleaned)) >= letters:
        return (
            _by_letters(cleaned, _CYRILLIC_LETTERS)
            or _by_words(cleaned, ("ru", "uk"))
            or _by_cld3(cleaned, "cyrillic", "ru")
        )
    return _by_letters(cleaned, _ETHIOPIC_LETTERS) or _cld3(cleaned)[0]


def _by_letters(text: str, alphabets: dict[str, str]) -> str:
    return next((language for language, own in alphabets.items() if any(c in text for c in own)), "")


def _by_words(text: str, languages: tuple[str, ...]) -> str:
    """The one language whose small words are most; empty where none is or two have as many."""
    tokens = words(text)
    counts = sorted((sum(token in FUNCTION_WORDS[code] for token in tokens), code) for code in languages)
    return counts[-1][1] if counts[-1][0] > counts[-2][0] else ""


def _cld3(text: str) -> tuple[str, float]:
    # Half a surrogate pair, from a broken mail, cannot be given to a C++ library.
    guess = _CLD3.FindLanguage(text.encode("utf-8", "replace").decode("utf-8"))
    code = str(guess.language).partition("-")[0]  # "ru-Latn" is Russian all the same
    return _SAME.get(code, code), float(guess.probability)


def _by_cld3(text: str, script: str, otherwise: str) -> str:
    language, _ = _cld3(text)
    return language if language in _LIKELY[script] else otherwise


def _latin(text: str, vocabularies: Mapping[str, Container[str]]) -> str:
    """The language with most points. Ties go to the first, and Swedish is first, with half a point to begin with."""
    points = dict.fromkeys(FUNCTION_WORDS, 0.0)
    points["sv"] = 0.5
    for token in words(text):
        speakers = _SPEAKERS.get(token, ())
        for language in speakers:
            points[language] += 1.0 / len(speakers) ** 0.5
        if not speakers and token in ENGLISH_EVERYDAY_WORDS:
            points["en"] += 0.8
        folded = fold(token)
        for language, known in vocabularies.items():
            if not speakers and len(token) > 2 and folded in known:
                points[language] += 0.7
    special = {c for c in text if c.isalpha() and not c.isascii()}
    for language, own in _LATIN_LETTERS.items():
        points[language] += sum(0.4 if c in own else -0.5 for c in special)
    most = min(3.0, len(text) / 12)
    second, first = sorted(points.values())[-2:]
    if first - second <= most:  # else CLD3, which takes longer than all the rest, could not change it
        guess, probability = _cld3(text)
        if guess in _LIKELY["latin"] or len(text) >= _LONG:
            trust = 0.3 if guess in _NEIGHBOURS and not special & _DANISH_LETTERS else 1.0
            points[guess] = points.get(guess, 0.0) + trust * most * probability**2
    return max(points.items(), key=lambda item: item[1])[0]


def _by_word() -> dict[str, tuple[str, ...]]:
    speakers: dict[str, set[str]] = {}
    for language, listed in FUNCTION_WORDS.items():
        for word in listed:
            speakers.setdefault(word, set()).add(language)
            if language == "sv":
                speakers.setdefault(fold(word), set()).add(language)
    return {word: tuple(sorted(languages)) for word, languages in speakers.items()}


_SPEAKERS = _by_word()
