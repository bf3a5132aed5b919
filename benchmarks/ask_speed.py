"""How fast and how small understanding is: start-up, questions a second, memory; and the retriever on SweFAQ.

    python benchmarks/ask_speed.py [--swefaq FILE]

Bars (issue 2): 1,000 questions in one warm process under 20 s on one core, start-up under 2 s, memory under 250 MB.
Questions are the wordings of all articles, in turn, until there are a thousand.
"""

from __future__ import annotations

import argparse
import json
import math
import resource
import sys
import time
from itertools import cycle, islice
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
QUESTIONS = 1000


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    options.add_argument("--swefaq", type=Path, help="swefaq_dev.jsonl of the Superlim collection")
    arguments = options.parse_args()
    measure_understanding()
    if arguments.swefaq:
        measure_retriever(arguments.swefaq)


def measure_understanding() -> None:
    start = time.perf_counter()
    from lokbot.knowledge.loading import load
    from lokbot.understanding import build

    imported = time.perf_counter()
    knowledge = load(ROOT / "knowledge", ROOT / "intents")
    loaded = time.perf_counter()
    understander = build(knowledge)
    built = time.perf_counter()
    say("import", imported - start, "s")
    say("load the YAML", loaded - imported, "s")
    say(f"build the index of {len(knowledge.articles)} articles", built - loaded, "s")

    wordings = [question for article in knowledge.articles.values() for question in article.texts["sv"].questions]
    asked = list(islice(cycle(wordings), QUESTIONS))
    for question in asked[:50]:
        understander.understand(question)
    times = []
    for question in asked:
        before = time.process_time()
        understander.understand(question)
        times.append(time.process_time() - before)
    times.sort()
    say(f"{QUESTIONS} questions, warm", sum(times), "s of processor")
    say("one question, median", 1000 * times[len(times) // 2], "ms")
    say("one question, p99", 1000 * times[int(0.99 * len(times))], "ms")
    say("memory at most", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, "MB")


def measure_retriever(file: Path) -> None:
    """R@1 and nDCG@10 of the lexical retriever: the answers of all categories pooled, ties at the mean rank."""
    from lokbot.model import Article, ArticleText
    from lokbot.understanding.matching import Matcher

    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    pool = dict.fromkeys((row["category_id"], answer) for row in rows for answer in row["candidate_answers"])
    names = {key: f"a{number}" for number, key in enumerate(pool)}
    articles = [
        Article(name, "", "", "", {"sv": ArticleText("sv", (), answer)}, ()) for (_, answer), name in names.items()
    ]
    matcher = Matcher(articles, (), "sv")
    first = gain = 0.0
    for row in rows:
        scores = matcher.lexical(row["question"])
        right = scores[names[row["category_id"], row["candidate_answers"][row["label"]]]]
        better = sum(score > right for score in scores.values())
        rank = better + (sum(score == right for score in scores.values()) + 1) / 2
        first += rank == 1
        gain += 1 / math.log2(rank + 1) if rank <= 10 else 0.0
    say(f"SweFAQ R@1, {len(rows)} questions, {len(pool)} answers", first / len(rows), "")
    say("SweFAQ nDCG@10", gain / len(rows), "")


def say(what: str, figure: float, unit: str) -> None:
    sys.stdout.write(f"{what:55} {figure:8.3f} {unit}\n")


if __name__ == "__main__":
    main()
