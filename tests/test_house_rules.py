"""The rules of the house that no single test would notice: who imports whom, what no file may hold."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import uses_chromium

ROOT = Path(__file__).resolve().parents[1]

# Every other part is given the time.
ASKS_THE_TIME = {
    "lokbot/loops.py",
    "lokbot/cli/common.py",
    "lokbot/channels/embedded.py",  # a mail server stamps what it delivers
    "lokbot/channels/imap.py",  # where the server tells no time of arrival
    "lokbot/channels/smtp.py",  # the Date header
}
_CLOCKS = {("datetime", "now"), ("datetime", "utcnow"), ("datetime", "today"), ("date", "today"), ("time", "time")}

# Written so that this file does not hold what it looks for.
UNFINISHED = re.compile(r"\b(?:TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b|@@\w+@@")
OF_ONE_MACHINE = re.compile(
    r"(?<![\w.])/wo" r"rk/|/ho" r"me/\w+|pythonho" r"sted\.org|pypi\.or" r"g/simple|index-url[= ]+http"
)


def tracked() -> list[Path]:
    """Every file that is or would be in git."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [ROOT / name for name in sorted(listed.stdout.split("\0")) if name and (ROOT / name).is_file()]


def modules(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def calls(path: Path) -> Iterator[ast.Call]:
    return (node for node in ast.walk(ast.parse(path.read_bytes())) if isinstance(node, ast.Call))


def test_imports_run_the_way_the_architecture_says() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [linter, "--config", ".importlinter", "--no-cache", "--no-logo"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", modules("lokbot"), ids=name_of)
def test_a_module_says_what_it_is_for_and_asks_no_clock(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_bytes()))
    if name_of(path) in ASKS_THE_TIME:
        return
    asked = [
        call.lineno
        for call in calls(path)
        if isinstance(call.func, ast.Attribute)
        and isinstance(call.func.value, ast.Name)
        and (call.func.value.id, call.func.attr) in _CLOCKS
    ]
    assert asked == [], "the time is passed in"


@pytest.mark.parametrize("path", modules("lokbot", "tests"), ids=name_of)
def test_nothing_is_printed_and_nothing_is_patched(path: Path) -> None:
    """Terminals are written to by click, in Swedish and masked; fakes arrive as arguments."""
    assert [call.lineno for call in calls(path) if isinstance(call.func, ast.Name) and call.func.id == "print"] == []
    imported = [
        alias.name if isinstance(node, ast.Import) else f"{node.module}.{alias.name}"
        for node in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    ]
    assert [name for name in imported if name.startswith("unittest.mock")] == []


def test_nothing_unfinished_and_nothing_of_one_machine_is_kept() -> None:
    found = []
    for path in tracked():
        if path.suffix == ".png":  # its bytes may spell anything
            continue
        text = path.read_bytes().decode("utf-8", "replace")
        for number, line in enumerate(text.splitlines(), start=1):
            if UNFINISHED.search(line) or OF_ONE_MACHINE.search(line):
                found.append(f"{name_of(path)}:{number}: {line.strip()[:100]}")
    assert found == []


def test_tests_wait_for_conditions_and_never_for_time() -> None:
    """The one pause stands in the function that asks for a condition again and again."""
    sleeping = {
        name_of(path)
        for path in modules("tests")
        for call in calls(path)
        if isinstance(call.func, ast.Attribute) and call.func.attr == "sleep"
    }
    assert sleeping <= {"tests/servers.py"}


def test_what_uses_chromium_runs_last(request: pytest.FixtureRequest) -> None:
    """Whatever runs an event loop of its own must run before it, in each process."""
    order = [uses_chromium(item) for item in request.session.items]
    assert order == sorted(order)
