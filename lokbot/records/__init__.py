"""Conversations as public documents: their class, taking them out, the registrator's list, erasing by decision.

Every act takes ``actor`` (who does it) and ``source`` (from where), writes an event of the case and a line of the audit
log, and leaves the commit to the caller. Nothing is ever erased by age.
"""

from __future__ import annotations

from lokbot.describing import CLASSES
from lokbot.records.classes import classify
from lokbot.records.daily import Row, as_csv, as_text, daily
from lokbot.records.erasing import Erased, Foreseen, erase, foresee, sweep
from lokbot.records.exporting import export, file_name

__all__ = [
    "CLASSES",
    "Erased",
    "Foreseen",
    "Row",
    "as_csv",
    "as_text",
    "classify",
    "daily",
    "erase",
    "export",
    "file_name",
    "foresee",
    "sweep",
]
