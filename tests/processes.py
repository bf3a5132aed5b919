"""lokbot as it runs in life: processes of its own on real servers, watched by what they store, send and log."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sqlalchemy import NullPool, create_engine, inspect, text

from lokbot.channels.imap import MailboxSettings
from tests import small_content
from tests.servers import wait_until
from tests.smtp_sink import SmtpSink

LOKBOT = Path(sys.executable).with_name("lokbot")
COORDINATOR = "samordnare@stad.example"
DEADLINE_SECONDS = 40.0  # two busy cores; what takes so long has failed


class Process:
    """One running ``lokbot ...``. What it writes is in ``log()``, also after its end."""

    def __init__(self, arguments: Sequence[str], environment: dict[str, str], directory: Path, log: Path) -> None:
        self._log = log
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [str(LOKBOT), *arguments],
                cwd=directory,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    def log(self) -> str:
        """Standard output and standard error so far."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def kill(self) -> None:
        """As ``kill -9``: it gets no chance to say or do anything more."""
        self._process.kill()
        self._process.wait(DEADLINE_SECONDS)

    def stop(self) -> int:
        """Ask it to end, as an administrator would; its exit code."""
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(DEADLINE_SECONDS)


class Installation:
    """One lokbot with settings, content and store of its own; a context manager that leaves no process behind.

    ``settings`` are settings by name, as in the environment but without ``LOKBOT_``: ``outbox__lease_seconds="2"``.
    """

    def __init__(self, directory: Path, mailbox: MailboxSettings, sink: SmtpSink, **settings: str) -> None:
        self.directory = directory
        self.processes: list[Process] = []
        self.sink = sink
        self.settings = {
            "var_dir": str(directory / "var"),
            "knowledge_dir": str(directory / "knowledge"),
            "intents_dir": str(directory / "intents"),
            "coordinators": COORDINATOR,
            "answering__topics": '{"anslutning": "send", "odling": "send"}',
            "imap__host": mailbox.host,
            "imap__port": str(mailbox.port),
            "imap__user": mailbox.user,
            "imap__password": mailbox.password,
            "imap__tls": "none",
            "smtp__host": sink.settings.host,
            "smtp__port": str(sink.settings.port),
            "smtp__tls": "none",
            "smtp__from_address": sink.settings.from_address,
            "outbox__retry_seconds": "0.2",
            "web__port": "0",
            **settings,
        }
        small_content.write(directory)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self.processes:
            process.kill()

    # ---- processes

    def start(self, *arguments: str, **settings: str) -> Process:
        """Start ``lokbot ARGUMENTS`` and do not wait for anything."""
        log = self.directory / f"{len(self.processes)}.log"
        process = Process(arguments, self._environment(settings), self.directory, log)
        self.processes.append(process)
        return process

    def run(self, **settings: str) -> Process:
        """``lokbot run`` for the first time, with its content read: mail from now on is new mail."""
        process = self.start("run", **settings)
        self.until(lambda: self.is_watching() and bool(self.rows("SELECT 1 FROM article_imports")), "lokbot is at work")
        return process

    def is_watching(self) -> bool:
        """Whether some reader has set its mark in the mailbox."""
        return bool(self.rows("SELECT 1 FROM mailboxes"))

    def command(self, *arguments: str, stdin: str = "", **settings: str) -> subprocess.CompletedProcess[str]:
        """``lokbot ARGUMENTS`` to its end."""
        return subprocess.run(
            [str(LOKBOT), *arguments],
            cwd=self.directory,
            env=self._environment(settings),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=DEADLINE_SECONDS,
            check=False,
        )

    def must(self, *arguments: str, stdin: str = "") -> str:
        """What ``lokbot ARGUMENTS`` says; it has to succeed."""
        done = self.command(*arguments, stdin=stdin)
        assert done.returncode == 0, f"lokbot {' '.join(arguments)}: {done.stdout}{done.stderr}"
        return done.stdout

    def _environment(self, settings: dict[str, str]) -> dict[str, str]:
        chosen = self.settings | settings
        return {"PATH": os.environ["PATH"], "HOME": str(self.directory), "LC_ALL": "C.UTF-8"} | {
            f"LOKBOT_{name.upper()}": value for name, value in chosen.items()
        }

    # ---- what has come of it

    @property
    def database(self) -> Path:
        """The SQLite file, where ``database_url`` names no other store."""
        return self.directory / "var" / "lokbot.db"

    def log(self) -> str:
        """All that its processes have written."""
        return "\n".join(process.log() for process in self.processes)

    def until(self, condition: Callable[[], bool], what: str) -> None:
        """Wait until ``condition`` holds. Raises ``TimeoutError`` with all logs."""
        try:
            wait_until(condition, what, DEADLINE_SECONDS)
        except TimeoutError as error:
            raise TimeoutError(f"{error}\n{self.log()}") from None

    def site(self) -> str:
        """Where the desk of the newest process listens."""
        newest = self.processes[-1]
        self.until(lambda: "listening on" in newest.log(), "the desk listens")
        return f"http://localhost:{re.findall(r'listening on [^:]+:([0-9]+)', newest.log())[-1]}"

    def until_logged(self, words: str) -> None:
        self.until(lambda: words in self.log(), f"the log says {words!r}")

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What the store answers; nothing while it has no tables yet. Takes no lock that lokbot could wait for."""
        # Not lokbot's own connections: those begin every transaction as a writer.
        url = self.settings.get("database_url")
        if not url and not self.database.exists():
            return []
        with create_engine(url or f"sqlite:///{self.database}", poolclass=NullPool).connect() as connection:
            if not inspect(connection).has_table("mailboxes"):
                return []
            return [tuple(row) for row in connection.execute(text(query))]

    def until_settled(self, messages: int) -> None:
        """Wait until so many messages are stored, every one is handled and nothing is about to be sent."""

        def is_settled() -> bool:
            states = self.rows("SELECT state FROM messages")
            going = self.rows("SELECT 1 FROM outbox WHERE status IN ('queued', 'claimed')")
            return len(states) == messages and ("stored",) not in states and not going

        self.until(is_settled, f"{messages} messages are handled and all is sent")

    def mails_to(self, address: str) -> list[EmailMessage]:
        """What was sent to ``address``, in order."""
        return [
            message_from_bytes(mail.raw, policy=policy.default)
            for mail in list(self.sink.accepted)
            if address in mail.recipients
        ]

    def mail_to(self, address: str, number: int = 1) -> EmailMessage:
        """The ``number``th mail to ``address``, waited for."""
        self.until(lambda: len(self.mails_to(address)) >= number, f"mail {number} to {address}")
        return self.mails_to(address)[number - 1]


def body(mail: EmailMessage) -> str:
    """The plain text of a mail, without its line ends."""
    part = mail.get_body(("plain",))
    assert part is not None
    return " ".join(str(part.get_content()).split())


def case_number(mail: EmailMessage) -> str:
    """The case number that a mail of ours tells."""
    found = re.search(r"LOK-\d{4}-\d{5}", f"{mail['Subject']} {body(mail)}")
    assert found is not None, body(mail)
    return found.group()
