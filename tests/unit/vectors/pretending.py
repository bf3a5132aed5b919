"""A child that pretends: the protocol of ``lokbot.vectors.child`` without its model, and with its failures on demand.

``python -m tests.unit.vectors.pretending``: a text's vector is (its length, 1 for a question or 2 for a passage).
"""

from __future__ import annotations

import os
import signal
import sys

import numpy as np

from lokbot.vectors.child import serve

CRASH, HANG, NONSENSE = "crash!", "hang!", "nonsense!"


class Model:
    def token_count(self, text: str, *, is_query: bool) -> int:  # noqa: ARG002
        return len(text.split())

    def encode(self, text: str, *, is_query: bool) -> list[float]:
        if text == CRASH:
            os.kill(os.getpid(), signal.SIGKILL)
        if text == HANG:
            os.kill(os.getpid(), signal.SIGSTOP)
        if text == NONSENSE:
            return [float(np.nan), 0.0]
        return [float(len(text)), 1.0 if is_query else 2.0]


if __name__ == "__main__":
    serve(sys.stdin.buffer, sys.stdout.buffer, Model())
