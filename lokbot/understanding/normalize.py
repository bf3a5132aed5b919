"""Text to comparable words: case, Unicode forms, punctuation, accents, stems, character 4-grams.

Pure functions over text alone; what needs the knowledge's own vocabulary (compounds, spelling,
synonyms) is in ``vocabulary``.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

import Stemmer

_LINK = re.compile(r"(?:https?://|www\.)\S+|\S+@\S+\.\S+", re.IGNORECASE)
_WORD = re.compile(r"[^\W_]+")
_APOSTROPHES = str.maketrans("", "", "'’‘´`")
# Zero-width and direction marks; the short vowels and the drawn-out line of Arabic, which few write.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u0640\u064b-\u065f\u0670\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]"
)
_DOTTED_I = "i\u0307"  # what casefold makes of the Turkish İ
# The commonest, and those that NFKD leaves whole: æ and ø are what a Dane or a Norwegian types for ä and ö.
_PLAIN_LETTERS = str.maketrans("åäöéèüæøđłı", "aaoeeuaodli")
_GRAM = 4

_STEMMERS = {
    "sv": Stemmer.Stemmer("swedish"),
    "en": Stemmer.Stemmer("english"),
}


def clean(text: str) -> str:
    """``text`` in lower case and one Unicode form (NFKC), without invisible characters and apostrophes.

    Zero-width and direction marks go: they hide words from every comparison.
    """
    if text.isascii():  # most words; nothing of it needs more than this
        return text.lower().replace("'", "").replace("`", "")
    # Half a surrogate pair, as broken JSON gives, is no letter and can be encoded by nobody.
    text = text.encode("utf-8", "replace").decode("utf-8")
    text = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text))
    return text.casefold().replace(_DOTTED_I, "i").translate(_APOSTROPHES)


def fold(text: str) -> str:
    """``text`` with å ä ö, é and their like as plain letters: how people write without a Swedish keyboard."""
    if text.isascii() or (text := text.translate(_PLAIN_LETTERS)).isascii():
        return text
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))


@lru_cache(maxsize=64)  # many look at the same question
def words(text: str) -> tuple[str, ...]:
    """The words of ``text``, cleaned, accents kept; a hyphen parts two words ("LOK-stöd": lok, stöd)."""
    return tuple(_WORD.findall(clean(text)))


def without_links(text: str) -> str:
    """``text`` without web and mail addresses, whose parts are no words."""
    return _LINK.sub(" ", text) if ("@" in text or "www" in text or "://" in text) else text


@lru_cache(maxsize=50_000)
def stem(word: str, language: str) -> str:
    """The Snowball stem of a folded ``word``; the word itself where ``language`` has no stemmer here.

    The Swedish algorithm runs on folded words too (å ä ö become the vowels a and o, and no ending of the
    algorithm holds one), so that "föreningar" and "foreningar" have one stem.
    """
    stemmer = _STEMMERS.get(language)
    return str(stemmer.stemWord(word)) if stemmer else word


def grams(folded_words: tuple[str, ...]) -> tuple[str, ...]:
    """Character 4-grams of each word with a space at both ends, so that word starts and ends count.

    Grams within words see through compounds ("bidrag" in "föreningsbidrag") and typing errors.
    """
    found: list[str] = []
    for word in folded_words:
        padded = f" {word} "
        found.extend(padded[i : i + _GRAM] for i in range(max(1, len(padded) - _GRAM + 1)))
    return tuple(found)
