"""The log of looks at the test split: a test that is looked at often is none, so each look is written down."""

from __future__ import annotations

import subprocess
from datetime import datetime
from pathlib import Path

from lokbot.conversation.working_days import SWEDEN
from lokbot.evaluation.figures import Figures
from lokbot.evaluation.text import percent

HEAD = """\
# Runs of the test split

Written by `lokbot evaluate --split test`, a line for each look, so that everybody sees how unseen the unseen questions
are. Intervals of 95 % in parentheses. The questions themselves are never shown here.

| date | revision | knowledge | questions | right | wrong | near misses wrong | never | right owner | ECE |
|---|---|---|---|---|---|---|---|---|---|
"""


def log(file: Path, found: Figures, *, digest: str, revision: str, now: datetime) -> None:
    """Append a line to ``file``, which is made where it is missing."""
    near, never = f"{found.near_wrong.hits}/{found.near_wrong.total}", f"{found.never.hits}/{found.never.total}"
    cells = (
        f"{now.astimezone(SWEDEN):%Y-%m-%d %H.%M}",
        revision,
        digest[:12],
        str(found.questions),
        f"{percent(found.right.share)} ({percent(found.right.low)} - {percent(found.right.high)})",
        f"{percent(found.wrong.share)} ({percent(found.wrong.low)} - {percent(found.wrong.high)})",
        near,
        never,
        percent(found.owner.share),
        f"{found.calibration_error:.3f}",
    )
    file.parent.mkdir(parents=True, exist_ok=True)
    is_new = not file.exists()
    with file.open("a", encoding="utf-8") as stream:
        stream.write((HEAD if is_new else "") + f"| {' | '.join(cells)} |\n")


def revision_of(folder: Path) -> str:
    """The git revision of ``folder``, with ``+`` where files differ from it; ``-`` where there is none."""

    def git(*arguments: str) -> str | None:
        try:
            done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=False)
        except OSError:
            return None
        return done.stdout.strip() if done.returncode == 0 else None

    revision = git("rev-parse", "--short=12", "HEAD")
    if not revision:
        return "-"
    return revision + ("+" if git("status", "--porcelain", "--untracked-files=no") else "")
