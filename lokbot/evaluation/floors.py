"""How good the bot must stay: floors on the dev split, kept in a file beside the tests.

A coordinator's edit that makes the bot worse fails on them, and the message names the questions that changed. The file
also lists the mistakes known when it was written, so that what is new can be told from what is old.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from lokbot.evaluation.figures import Figures
from lokbot.evaluation.grading import GOOD, Grade, Graded
from lokbot.evaluation.text import GRADES, mistake, percent
from lokbot.model import UserError

_KNOWN = "known_mistakes:"


class FloorsError(UserError):
    """The file of floors cannot be read."""


class Floors(BaseModel):
    """Shares from 0 to 1. ``known_mistakes`` gives the grade of each question that is known to end wrongly."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    right_at_least: float
    wrong_at_most: float
    near_misses_wrong_at_most: float
    never_answered_at_most: float
    urgent_marked_at_least: float
    owner_right_at_least: float
    calibration_error_at_most: float
    known_mistakes: Mapping[str, Grade] = {}


def read(file: Path) -> Floors:
    """The floors of a file. Raises FloorsError."""
    try:
        return Floors.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")))
    except (OSError, ValidationError, yaml.YAMLError) as error:
        raise FloorsError(f"{file}: {error}") from None


def broken(floors: Floors, found: Figures) -> tuple[str, ...]:
    """Which floors do not hold, a sentence in Swedish each."""
    least = (
        ("besvarade rätt", found.right.share, floors.right_at_least),
        ("brådskande som märks så", found.urgent.share, floors.urgent_marked_at_least),
        ("rätt ägare", found.owner.share, floors.owner_right_at_least),
    )
    most = (
        ("besvarade fel", found.wrong.share, floors.wrong_at_most),
        ("nästan rätt fråga, besvarad fel", found.near_wrong.share, floors.near_misses_wrong_at_most),
        ("sådant som bara en person får svara på", found.never.share, floors.never_answered_at_most),
        ("kalibreringsfel (ECE)", found.calibration_error, floors.calibration_error_at_most),
    )
    return (
        *(f"{name}: {percent(share)}, minst {percent(floor)}" for name, share, floor in least if share < floor),
        *(f"{name}: {percent(share)}, högst {percent(floor)}" for name, share, floor in most if share > floor),
    )


def changed(floors: Floors, graded: Sequence[Graded]) -> tuple[str, ...]:
    """The questions that end otherwise than the file knows: first those that are mistakes now, then those mended."""
    known = floors.known_mistakes
    worse = [f"ny: {mistake(one)}" for one in graded if one.grade not in GOOD and known.get(one.golden.id) != one.grade]
    mended = [
        f"rättad: {one.golden.id} (var: {GRADES[known[one.golden.id]]})"
        for one in graded
        if one.grade in GOOD and one.golden.id in known
    ]
    return (*worse, *mended)


def renew(file: Path, graded: Sequence[Graded]) -> None:
    """Write the list of known mistakes anew; the floors and their comments stay as they are."""
    head, found, _ = file.read_text(encoding="utf-8").partition(_KNOWN)
    if not found:
        raise FloorsError(f"{file}: {_KNOWN} saknas")
    lines = [f"  {one.golden.id}: {one.grade}" for one in graded if one.grade not in GOOD]
    file.write_text(f"{head}{_KNOWN}{'' if lines else ' {}'}\n" + "".join(f"{line}\n" for line in lines), "utf-8")
