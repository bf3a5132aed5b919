"""How fast the desk's search is over 350,000 messages that came in and the answers to them, as a coordinator meets it:
the whole page, its excerpts with the words marked, in a mix of what people look for.

    python -m benchmarks.search_speed --url sqlite:////tmp/search.db [--conversations 146000] [--turns 600]
    python -m benchmarks.search_speed --url postgresql://lokbot@localhost/search

The store is generated once (some minutes) where ``--url`` says. Bar: p99 150 ms, on SQLite and on PostgreSQL.
"""

from __future__ import annotations

import argparse
import gc
import random
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from urllib.parse import urlencode

from sqlalchemy import Engine, func, select

from benchmarks import coordinator, desk_speed
from lokbot.config import Settings
from lokbot.store import schema
from lokbot.store.session import Sessions


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", required=True)
    parser.add_argument("--conversations", type=int, default=156_000)
    parser.add_argument("--turns", type=int, default=600)
    parser.add_argument("--only-generate", action="store_true")
    options = parser.parse_args()
    engine, sessions = desk_speed.prepare(options.url, options.conversations)
    if not options.only_generate:
        _measure(engine, sessions, options.turns)


def _asked(numbers: list[str], known: list[str], random_: random.Random) -> Mapping[str, Callable[[], dict[str, str]]]:
    """What people look for, by what it is called."""

    def one(values: list[str]) -> str:
        return random_.choice(values)

    def period() -> dict[str, str]:
        year = random_.randint(2022, 2026)
        return {"fran": f"{year}-02-01", "till": f"{year}-04-30"}

    return {
        "a rare word": lambda: {"q": one(desk_speed.RARE)},
        "a common word": lambda: {"q": one(desk_speed.WORDS)},
        "two common words": lambda: {"q": f"{one(desk_speed.WORDS)} {one(desk_speed.WORDS)}"},
        "a common and a rare word": lambda: {"q": f"{one(desk_speed.WORDS)} {one(desk_speed.RARE)}"},
        "the beginning of a word": lambda: {"q": one(desk_speed.WORDS)[:4]},
        "an inflected word": lambda: {"q": one(["bidragen", "föreningarnas", "lokalerna", "ansökningar", "mötets"])},
        "a sentence in quotation marks": lambda: {"q": f'"Anna Ek {one(desk_speed.PLACES)}"'},
        "a contact's name": lambda: {"q": f"Person {random_.randint(1, 150_000)}"},
        "an address": lambda: {"q": f"p{random_.randint(1, 150_000)}@forening.example"},
        "an association": lambda: {"q": one(known)},
        "the name of a file": lambda: {"q": f"Protokoll {random_.randint(1, 996)}.pdf"},
        "a case number": lambda: {"q": one(numbers)},
        "part of a case number": lambda: {"q": one(numbers)[-5:]},
        "a common word and a topic": lambda: {"q": one(desk_speed.WORDS), "rubrik": "lokaler"},
        "a common word in a period": lambda: {"q": one(desk_speed.WORDS), **period()},
        "a common word, an association": lambda: {"q": one(desk_speed.WORDS), "forening": one(known)},
        "a common word, what waits": lambda: {"q": one(desk_speed.WORDS), "mapp": "vantar"},
        "a common word, what is taken": lambda: {"q": one(desk_speed.WORDS), "status": "taken"},
        "a common word, the tenth page": lambda: {"q": one(desk_speed.WORDS), "sida": "10"},
        "a word that stands nowhere": lambda: {"q": f"{one(desk_speed.RARE)}zq"},
    }


def _measure(engine: Engine, sessions: Sessions, turns: int) -> None:
    client = coordinator.logged_in(engine, sessions, Settings(semantic="off"), desk_speed.NOW)
    with sessions() as session:
        numbers = list(session.scalars(select(schema.Conversation.case_number).limit(20_000)))
        known = list(session.scalars(select(schema.Association.name)))
        messages = session.scalar(select(func.count(schema.Message.id)))
        documents = session.scalar(select(func.count(schema.SearchDocument.id)))
    gc.freeze()  # as web.server does
    asked = _asked(numbers, known, random.Random(3))
    taken: dict[str, list[float]] = defaultdict(list)
    kinds = [kind for _ in range(-(-turns // len(asked))) for kind in asked]
    random.Random(4).shuffle(kinds)
    for kind in (*asked, *kinds):  # once each to warm up, which counts for nothing
        query = {"mapp": "alla", **asked[kind]()}
        began = time.perf_counter()
        response = client.get(f"/arenden?{urlencode(query)}")
        taken[kind].append((time.perf_counter() - began) * 1000)
        assert response.status_code == 200, query
    print(f"{engine.dialect.name}: {messages} messages, {documents} documents, {len(kinds)} searches")
    every = [time_ for times in taken.values() for time_ in times[1:]]
    for kind, times in {**{kind: times[1:] for kind, times in taken.items()}, "all of them": every}.items():
        print(f"{kind:34}p50 {statistics.median(times):6.1f}  p99 {_p99(times):6.1f}  most {max(times):6.1f} ms")


def _p99(values: list[float]) -> float:
    return sorted(values)[max(0, int(len(values) * 0.99) - 1)]


if __name__ == "__main__":
    main()
