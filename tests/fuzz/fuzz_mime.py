"""Fuzzes the mail parser for as long as asked: no exception, nothing over two seconds. Not run in CI.

Coverage-guided with atheris (``pip install atheris``), from the mails of tests/eml and the corpus beside this
file: ``python tests/fuzz/fuzz_mime.py -max_total_time=1800 -timeout=2 NEW_CORPUS tests/fuzz/corpus tests/eml``.
What it finds goes into ``corpus/``, which the unit tests replay.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime

import atheris  # type: ignore[import-not-found,import-untyped,unused-ignore]

with atheris.instrument_imports(include=["lokbot.channels"]):
    from lokbot.channels import mime

NOW = datetime(2025, 2, 3, 15, 2, 30, tzinfo=UTC)


def one_mail(raw: bytes) -> None:
    """Reads ``raw`` without the net that ``parse`` spreads under our own faults."""
    message = mime._read(raw, NOW)
    json.dumps(mime.to_json("", message, "sv")).encode()
    message.text.encode()
    assert bool(message.new_text.strip()) == bool(message.text.strip())


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_mail)
    atheris.Fuzz()
