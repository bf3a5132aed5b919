"""Names of files made to harm, at every door that takes a file from a browser: the desk's answer and the chat."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from lokbot.channels import attachments
from lokbot.store.schema import MessageAttachment, OutboxAttachment
from lokbot.store.session import Sessions
from lokbot.web import rendering
from tests import sample_knowledge as sample
from tests.integration.browser import DeskWorld, hidden
from tests.integration.web_chat import PDF, Surfer
from tests.integration.world import World

NAMES = {
    "up": "../../x.pdf",
    "root": "/etc/cron.d/x.pdf",
    "windows up": "..\\..\\x.pdf",
    "drive": "C:\\x.pdf",
    "device": "NUL.pdf",
    "nul": "a\x00b.pdf",
    "bell": "a\x07b.pdf",
    "long": "å" * 296 + ".pdf",
    "turned": "fdp\u202efdp.exe.pdf",
    "unseen": "a\u200b\u2066b.pdf",
    "markup": "<img src=x onerror=alert(1)>.pdf",
    "quotes": "\" onmouseover=alert(1) x='.pdf",
    "template": "{{ 7*7 }}{% raw %}.pdf",
    "formula": "=cmd|x.pdf",
    "lines": "a%0d%0aset-cookie: x=1.pdf",
    "dots": "...x.pdf",
}
_written: list[str] | None = None


def _hear(event: str, found: tuple[Any, ...]) -> None:
    if _written is not None and event == "open" and isinstance(found[2], int) and found[2] & (os.O_WRONLY | os.O_RDWR):
        _written.append(str(found[0]))
    elif _written is not None and event in ("os.rename", "os.mkdir", "os.symlink", "os.link", "subprocess.Popen"):
        _written.append(f"{event} {found[0]}")


sys.addaudithook(_hear)


@contextmanager
def nothing_written() -> Iterator[None]:
    """No file is opened for writing, moved or made, and no program started."""
    global _written  # a hook can never be taken away, only be made deaf
    _written = []
    try:
        yield
        assert _written == []
    finally:
        _written = None


def form(fields: Mapping[str, str], name: str, content: bytes = PDF) -> tuple[bytes, dict[str, str]]:
    """A form as a hostile program sends it. A client's library would take the sting out of the name."""
    quoted = name.replace('"', "%22")
    parts = [f'--b\r\ncontent-disposition: form-data; name="{key}"\r\n\r\n{fields[key]}\r\n' for key in fields]
    head = f'--b\r\ncontent-disposition: form-data; name="file"; filename="{quoted}"\r\n'
    body = "".join(parts).encode() + head.encode() + b"content-type: application/pdf\r\n\r\n" + content
    return body + b"\r\n--b--\r\n", {"content-type": "multipart/form-data; boundary=b"}


def check(name: str) -> None:
    """A name that any computer may show and save."""
    assert not re.search(r'[/\\\x00-\x1f\x7f<>"|:]', name)
    assert name.isprintable()
    assert name.strip(". ") == name
    assert 0 < len(name) <= 120


@pytest.fixture
def desk(sessions: Sessions) -> DeskWorld:
    return DeskWorld(World(sessions))


@pytest.mark.parametrize("name", NAMES)
def test_a_hostile_name_of_an_answers_file_does_nothing(
    desk: DeskWorld, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    case, kim = desk.world.write(sample.OWN), desk.person()
    path = f"/arenden/{case.conversation.case_number}"
    seen = hidden(kim.see(path), "seen")
    body, headers = form({"csrf": kim.csrf, "seen": seen, "answer": "Hej!"}, NAMES[name])
    with nothing_written():
        response = kim.client.post(f"{path}/svara", content=body, headers=headers)
    assert response.status_code == 303
    with desk.world.sessions() as session:
        file = session.scalars(select(OutboxAttachment)).one()
        check(file.name)
        assert file.content.content == PDF
    shown(kim.see(path))
    saved = kim.client.get(f"/skickad-bilaga/{file.id}")
    assert saved.content == PDF
    assert saved.headers["content-disposition"].isascii()
    assert "set-cookie" not in saved.headers


@pytest.mark.parametrize("name", NAMES)
def test_a_hostile_name_of_a_file_that_is_refused_is_shown_as_words(desk: DeskWorld, name: str) -> None:
    case, kim = desk.world.write(sample.OWN), desk.person()
    path = f"/arenden/{case.conversation.case_number}"
    seen = hidden(kim.see(path), "seen")
    body, headers = form({"csrf": kim.csrf, "seen": seen, "answer": "Hej!"}, NAMES[name], b"MZ\x90")
    with nothing_written():
        response = kim.client.post(f"{path}/svara", content=body, headers=headers)
    assert response.status_code == 409
    shown(response.text)


@pytest.mark.parametrize("name", NAMES)
def test_a_hostile_name_in_the_chat_does_nothing(
    desk: DeskWorld, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    anna = Surfer(desk)
    anna.see()
    fields = {one: anna.hidden(one) for one in ("csrf", "nonce")}
    body, headers = form({**fields, "text": sample.OWN}, NAMES[name])
    with nothing_written():
        response = anna.client.post("/chatt", content=body, headers=headers)
    assert response.status_code == 200
    with desk.world.sessions() as session:
        check(session.scalars(select(MessageAttachment)).one().name)
    anna.pause()
    shown(anna.see())


def shown(page: str) -> None:
    """Nothing of the names that were sent is more than words, or turns what stands beside it."""
    assert not re.search(r"<img|onmouseover=alert\(1\) x='|\.\./|C:\\\\|[\u200b\u202e\u2066\x00\x07]", page)


@pytest.mark.parametrize("name", NAMES.values())
def test_a_hostile_name_is_safe_by_itself(name: str) -> None:
    check(attachments.safe_name(name))


def test_no_other_form_takes_a_file() -> None:
    """A new one belongs in this test."""
    taking = {
        path.name
        for path in (rendering.HERE / "templates").glob("*.html")
        if re.search(r'type="file"|multipart/form-data', path.read_text(encoding="utf-8"))
    }
    assert taking == {"thread.html", "chat.html"}
