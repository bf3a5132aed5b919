"""The demo as somebody sees it who has just cloned this: in a terminal, on nothing but what is here."""

from __future__ import annotations

import os
import re
import shutil
import smtplib
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.processes import DEADLINE_SECONDS, LOKBOT, Process
from tests.servers import wait_until
from tests.small_content import letter

ROOT = Path(__file__).resolve().parents[2]
MARK = "demo, ej godkända texter"
PERSONAL_NUMBER = "811228-9874"  # stands in one of the samples


@pytest.fixture
def source(tmp_path: Path) -> Iterator[Path]:
    """The program and the content where nobody may write."""
    copy = tmp_path / "source"
    for folder in ("lokbot", "knowledge", "intents"):
        shutil.copytree(ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
    subprocess.run(["chmod", "-R", "a-w", copy], check=True)
    yield copy
    subprocess.run(["chmod", "-R", "u+w", copy], check=True)


@pytest.fixture
def environment(source: Path, tmp_path: Path) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "LC_ALL": "C.UTF-8",
        "PYTHONPATH": str(source),
        "PYTHONDONTWRITEBYTECODE": "1",  # root may write anywhere
        "LOKBOT_VAR_DIR": str(tmp_path / "var"),
        "LOKBOT_SEMANTIC": "off",  # the copy has no vectors yet, and computing them takes a minute or two
    }


def contents(folder: Path) -> dict[Path, int]:
    return {path: path.lstat().st_mtime_ns for path in folder.rglob("*")}


def test_every_sample_ends_as_it_should_and_the_source_is_left_alone(source: Path, environment: dict[str, str]) -> None:
    before = contents(source)
    done = subprocess.run(
        [LOKBOT, "demo", "--once"],
        cwd=source,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=2 * DEADLINE_SECONDS,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    count = re.search(r"^(\d+) av (\d+) mejl slutade som de skulle\.$", done.stdout, re.MULTILINE)
    assert count is not None
    assert count[1] == count[2]
    assert MARK in done.stdout
    assert PERSONAL_NUMBER not in done.stdout
    assert "Traceback" not in done.stderr
    assert contents(source) == before


def test_without_once_it_takes_mail_from_outside_until_told_to_end(
    source: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    process = Process(["demo"], environment, source, tmp_path / "log")

    def story() -> str:
        """What is told of our mail."""
        return process.log().partition("Ämne: Elefanten")[2]

    def until(has_come: Callable[[], bool], what: str, seconds: float = DEADLINE_SECONDS) -> None:
        wait_until(lambda: has_come() or not process.is_running, what, seconds)
        assert has_come(), process.log()

    try:
        until(lambda: "Avsluta med Ctrl-C" in process.log(), "it invites us", 2 * DEADLINE_SECONDS)
        address = re.search(r"(\S+) genom SMTP (\S+):(\d+)", process.log())
        assert address is not None
        mail = letter("Utifrån <utifran@forening.example>", "Vad väger en elefant?", subject="Elefanten")
        del mail["To"]
        mail["To"] = address[1]
        with smtplib.SMTP(address[2], int(address[3]), timeout=10) as server:
            server.send_message(mail)
        until(lambda: "Samordnarna har fått ett mejl om ärendet." in story(), "our mail is with a person")
        assert process.stop() == 0
    finally:
        process.kill()
    invitation = process.log().partition("Nu är det din tur.")[2]
    assert re.search(r"gör ett konto på\nhttp://localhost:\d+/valkommen/\S{20,}\n", invitation)
    assert re.search(r"Webbchatten: +http://localhost:\d+/chatt", invitation)
    for words in ("@BotFather", "LOKBOT_TELEGRAM__TOKEN", "dataskyddsbedömning", "utan dem startar boten inte där"):
        assert words in invitation
    assert "> Vad väger en elefant?" in story()
    assert f"Till den som skrev ({MARK}):" in story()
    assert "Traceback" not in process.log()
