"""Whether a password is too easy to guess: its length, and how soon whoever knows common passwords finds it. Pure.

NIST SP 800-63B-4 3.1.1.2: length counts, composition rules do not; 15 characters where the password is the only factor,
and never one that is common, expected or breached. The lists of those are zxcvbn's: tens of thousands of passwords out
of breaches, names and words, seen through swapped letters, keyboard rows, dates and repetition.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal

SHORTEST, LONGEST = 15, 1000
# zxcvbn's highest score, 10^10 guesses: enough even where the hashes were stolen.
ENOUGH = 4
# Its time grows with the square of the length; what is strong enough is so within its own limit.
LOOKED_AT = 72
# Its lists are English: what Swedes and this city's own choose.
LOCAL_WORDS = (
    *("lokbot", "helsingborg", "helsingborgs", "stad", "staden", "kommun", "förening", "föreningar", "skåne"),
    *("lösenord", "losenord", "hemligt", "välkommen", "sommar", "höst", "vinter", "vår", "sverige"),
)


def weakness(password: str, about: Iterable[str]) -> Literal["short", "long", "guessable"] | None:
    """What is wrong with a password; None where nothing is. ``about`` is what is known of its owner: names, address."""
    if len(password) < SHORTEST:
        return "short"
    if len(password) > LONGEST:
        return "long"
    from zxcvbn import zxcvbn  # its lists take megabytes, and a password is set once in a while

    own = [word for text in about for word in (text, *re.findall(r"\w{3,}", text))]
    result = zxcvbn(password[:LOOKED_AT], user_inputs=[*own, *LOCAL_WORDS])
    return None if result["score"] >= ENOUGH else "guessable"
