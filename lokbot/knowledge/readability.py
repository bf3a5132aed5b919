"""How heavy a text is to read: its sentences and their LIX."""

from __future__ import annotations

import re

ADDRESS = re.compile(r"(?:https?://|www\.)\S+|\S+@\S+\.\w+")
LIST_MARK = re.compile(r"^\s*(?:[-•]|\d+[.)])\s+", re.MULTILINE)
BLOCK_END = re.compile(r"\n\s*\n|\n(?=\s*(?:[-•]|\d+[.)])\s)")
SENTENCE_END = re.compile(r"(?<=[.!?:])[\"”»)]*\s+(?=[\"”»(]*[A-ZÅÄÖÉ\d])")
ABBREVIATION = re.compile(
    r"\b(?:t\.?ex|bl\.?a|m\.?m|m\.?fl|o\.?s\.?v|d\.?v\.?s|s\.?k|f\.?d|fr\.o\.m|t\.o\.m|kl|ca|nr|tel|e\.g|i\.e)\.",
    re.IGNORECASE,
)
WORD = re.compile(r"[^\W_]+(?:[-'’][^\W_]+|(?<=\d)[.,:]\d+)*")
LONG_WORD = 6


def sentences(text: str) -> tuple[tuple[str, ...], ...]:
    """The words of each sentence. A list item and a paragraph end a sentence; web and mail addresses are no words."""
    found: list[tuple[str, ...]] = []
    for block in BLOCK_END.split(ADDRESS.sub(" ", text)):
        line = ABBREVIATION.sub(lambda short: short[0].replace(".", ""), LIST_MARK.sub("", block))
        found.extend(tuple(WORD.findall(sentence)) for sentence in SENTENCE_END.split(line))
    return tuple(words for words in found if words)


def mean_sentence(text: str) -> float:
    """Words per sentence; 0 for a text without words."""
    spoken = sentences(text)
    return sum(map(len, spoken)) / len(spoken) if spoken else 0.0


def lix(text: str) -> float:
    """Björnsson's index of readability (C.-H. Björnsson, Läsbarhet, 1968): below 40 easy, above 50 official prose.

    Words per sentence plus the percentage of words with more than six letters; 0 for a text without words.
    """
    words = [word for sentence in sentences(text) for word in sentence]
    if not words:
        return 0.0
    long_words = sum(1 for word in words if sum(map(str.isalpha, word)) > LONG_WORD)
    return mean_sentence(text) + 100 * long_words / len(words)
