"""How fast and how small understanding is: start-up, each question, memory; by words alone and with vectors.

    taskset -c 0 python benchmarks/ask_speed.py [--vectors] [--articles 5000]

Bars on one core, warm: by words p99 under 5 ms; with vectors, each computed anew, median under 45 ms and memory under
400 MB with the child process; 1,000 questions under 20 s and start-up under 2 s. Questions are the wordings of all
articles with a word added, so that none is found word for word and none is in a cache. ``--articles`` fills up with
synthetic ones: each a shipped article whose words are shuffled among all of them, with as many wordings and near misses
as people write by hand (articles' vectors are then random).
"""

from __future__ import annotations

import argparse
import gc
import random
import resource
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from itertools import cycle, islice
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lokbot.model import Article
    from lokbot.understanding.semantic import Vectors
    from lokbot.vectors import CachedEncoder

ROOT = Path(__file__).resolve().parent.parent
QUESTIONS = 1000
VECTOR_QUESTIONS = 300
WORDINGS, NEAR_MISSES = 12, 4  # of a synthetic article


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    options.add_argument("--vectors", action="store_true", help="with sentence vectors")
    options.add_argument("--articles", type=int, default=0, help="fill up to so many")
    arguments = options.parse_args()
    start = time.perf_counter()
    from lokbot import config, vectors
    from lokbot.knowledge.loading import load, with_digest
    from lokbot.understanding import build

    say("import", time.perf_counter() - start, "s")
    start = time.perf_counter()
    knowledge = load(ROOT / "knowledge", ROOT / "intents")
    say("load the YAML", time.perf_counter() - start, "s")
    shipped = list(knowledge.articles.values())
    if arguments.articles > len(shipped):
        more = synthetic(shipped, arguments.articles - len(shipped))
        knowledge = with_digest(replace(knowledge, articles={each.id: each for each in (*shipped, *more)}))
    encoder = vectors.for_settings(config.load(environ={})) if arguments.vectors else None
    if arguments.vectors and encoder is None:
        sys.exit("No sentence vectors are installed here.")
    if encoder is not None:
        encoder.start()
    start = time.perf_counter()
    given = RandomWordings(encoder) if encoder is not None and arguments.articles else encoder
    understander = build(knowledge, given)
    gc.collect()
    gc.freeze()  # as the service does
    say(f"build the index of {len(knowledge.articles)} articles", time.perf_counter() - start, "s")

    wordings = [question for article in shipped for question in article.texts["sv"].questions]
    number = VECTOR_QUESTIONS if encoder is not None else QUESTIONS
    asked = [f"{question.rstrip('?')} egentligen {n}?" for n, question in enumerate(islice(cycle(wordings), number))]
    for question in wordings[:50]:
        understander.understand(question)
    times = []
    for question in asked:
        before = time.perf_counter()
        understander.understand(question)
        times.append(time.perf_counter() - before)
    if encoder is not None and not understander.is_semantic:
        sys.exit("The vectors failed.")
    times.sort()
    say(f"{number} questions, warm", sum(times), "s")
    say("one question, median", 1000 * times[len(times) // 2], "ms")
    say("one question, p99", 1000 * times[int(0.99 * len(times))], "ms")
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    say("memory at most", own, "MB")
    if encoder is not None:
        child = most_memory(encoder.pid)
        encoder.close()
        say("memory at most, the child", child, "MB")
        say("memory at most, both", own + child, "MB")


def most_memory(pid: int | None) -> float:
    """The most memory that a running process has had, in megabytes.

    What the system adds up of children (RUSAGE_CHILDREN) is no help: it holds what the parent had when the child was
    started, before the child became a program of its own.
    """
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:")) / 1024


class RandomWordings:
    """Real vectors for what is asked, random unit vectors for synthetic articles: those would take hours."""

    def __init__(self, encoder: CachedEncoder) -> None:
        self._encoder = encoder

    def questions(self, texts: Sequence[str]) -> Vectors | None:
        return self._encoder.questions(texts)

    def wordings(self, texts: Sequence[str]) -> Vectors:
        import numpy as np

        found = np.random.default_rng(1).standard_normal((len(texts), 384), dtype=np.float32)
        found /= np.linalg.norm(found, axis=1, keepdims=True)
        return found

    passages = wordings


def synthetic(shipped: Sequence[Article], count: int) -> list[Article]:
    """Articles of the same lengths and words as those that are shipped."""
    chance = random.Random(1)
    words = [word for each in shipped for word in each.texts["sv"].answer.split()]
    others = sorted(set(words))

    def shuffled(text: str) -> str:
        # Half of what is said is common to all articles, half is rare: as in a real knowledge.
        return " ".join(chance.choice(words if chance.random() < 0.5 else others) for _ in text.split())

    found = []
    for number, article in enumerate(islice(cycle(shipped), count)):
        texts = {
            code: replace(text, questions=tuple(map(shuffled, text.questions[:WORDINGS])), answer=shuffled(text.answer))
            for code, text in article.texts.items()
        }
        missed = tuple(map(shuffled, article.near_misses[:NEAR_MISSES]))
        found.append(replace(article, id=f"synthetic-{number}", texts=texts, wordings={}, near_misses=missed))
    return found


def say(what: str, figure: float, unit: str) -> None:
    sys.stdout.write(f"{what:55} {figure:8.3f} {unit}\n")


if __name__ == "__main__":
    main()
