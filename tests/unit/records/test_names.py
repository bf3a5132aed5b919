"""File names out of hostile names: one part, whole, visible, none like another on any computer."""

from __future__ import annotations

import zipfile
from io import BytesIO
from pathlib import Path, PurePosixPath, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lokbot.records.names import apart, safe

HOSTILE = (
    "../../etc/passwd",
    "..\\..\\windows\\system32\\config",
    "/etc/passwd",
    "C:\\autoexec.bat",
    "..",
    ".",
    "...",
    "",
    " ",
    ".bashrc",
    "con",
    "NUL.txt",
    "com1.pdf",
    "a\x00b.pdf",
    "rad\nbrytning\r.pdf",
    "exe\u202egpj.exe",
    "namn\ud800.pdf",
    "fil:ström.txt",
    'a<b>|"c"?*.pdf',
    "å" * 400 + ".pdf",
    "x." + "y" * 400,
    "\u200b\u200b",
    "slut. . .",
    "~$tmp.docx",
)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_becomes_one_harmless_part(name: str) -> None:
    check(safe(name))


@given(st.text(max_size=300))
def test_any_name_becomes_one_harmless_part(name: str) -> None:
    check(safe(name))


def check(made: str) -> None:
    for kind in (PurePosixPath, PureWindowsPath):
        path = kind(made)
        assert (len(path.parts), path.name) == (1, made)
        assert not path.is_absolute()
    assert made not in (".", "..")
    assert not made.startswith(".")
    assert made == made.strip()
    assert not made.endswith(".")
    assert made.isprintable()
    assert len(made.encode()) <= 140
    assert not PureWindowsPath(made).is_reserved()


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("Protokoll årsmöte.pdf", "Protokoll årsmöte.pdf"),
        ("../../etc/passwd", "_._etc_passwd"),
        ("faktura\u202efdp.exe", "fakturafdp.exe"),
        ("NUL.txt", "_NUL.txt"),
        ("", "bilaga"),
        ("a\u030a.pdf", "å.pdf"),
    ],
)
def test_what_can_be_read_stays(name: str, made: str) -> None:
    assert safe(name) == made


def test_a_long_name_keeps_its_ending() -> None:
    assert safe("å" * 400 + ".pdf").endswith("å.pdf")


def test_names_that_a_file_system_takes_for_the_same_are_told_apart() -> None:
    taken: set[str] = set()
    made = [apart(name, taken) for name in ("Å.pdf", "å.pdf", "a\u030a.PDF", "Å.pdf", "å (2).pdf", "utan", "UTAN")]
    assert made == ["Å.pdf", "å (2).pdf", "a\u030a (3).PDF", "Å (4).pdf", "å (2) (2).pdf", "utan", "UTAN (2)"]


@given(st.lists(st.sampled_from([*HOSTILE, "a.pdf", "A.PDF", "a (2).pdf"]), max_size=40))
def test_all_of_them_unpack_into_one_folder(names: list[str]) -> None:
    taken: set[str] = set()
    made = [apart(safe(name), taken) for name in names]
    assert len({name.casefold() for name in made}) == len(names)
    file = BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in made:
            archive.writestr(f"mapp/{name}", b"")
    with zipfile.ZipFile(file) as archive:
        assert all(Path(name).parent == Path("mapp") for name in archive.namelist())
