"""Real servers for tests: Dovecot and PostgreSQL from Debian, unprivileged, on loopback, each with its own directory.

Both refuse to run as root. There they are started as an ordinary user that every Debian has, in a directory that
this user owns.
"""

from __future__ import annotations

import grp
import os
import pwd
import re
import shutil
import signal
import smtplib
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg

from lokbot.channels.imap import MailboxSettings

HOST = "127.0.0.1"
START_SECONDS = 20.0
STOP_SECONDS = 10.0

_DOVECOT = Path("/usr/sbin/dovecot")
_DOVECOT_PARTS = (_DOVECOT, Path("/usr/lib/dovecot/imap"), Path("/usr/lib/dovecot/lmtp"))
# The first settings in a file for 2.4, whose configuration language is another than that of 2.3.
_VERSION_2_4 = "dovecot_config_version = 2.4.0\ndovecot_storage_version = 2.4.0"
_CAPABILITIES = "IMAP4rev1 LITERAL+ UIDPLUS SPECIAL-USE"
_SPECIAL_FOLDERS = """
  mailbox Sent {
    special_use = \\Sent
    auto = create
  }
  mailbox Junk {
    special_use = \\Junk
    auto = create
  }"""
_ACTIVE = "active_attribute = active\nactive_value = true\n"
_ORDINARY_USERS = ("nobody", "www-data", "daemon")


class MissingServerError(Exception):
    """A server that the tests need is not installed. The message says how to install it."""


def free_port() -> int:
    """A loopback port that nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until(condition: Callable[[], bool], what: str, seconds: float = START_SECONDS) -> None:
    """Ask until ``condition`` holds. Raises ``TimeoutError`` naming ``what`` after ``seconds``."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds:g} s: {what}")
        time.sleep(0.01)


@dataclass(frozen=True, slots=True)
class Certificate:
    """A self-signed certificate, as PEM files."""

    certificate: Path
    key: Path


def make_certificate(directory: Path, names: str = f"DNS:localhost,IP:{HOST}") -> Certificate:
    """Make one with openssl, valid for a day and for ``names``."""
    if shutil.which("openssl") is None:
        raise MissingServerError("openssl is missing: apt-get install --no-install-recommends openssl")
    made = Certificate(directory / "certificate.pem", directory / "key.pem")
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
            *("-days", "1", "-subj", "/CN=localhost", "-addext", f"subjectAltName={names}"),
            *("-keyout", str(made.key), "-out", str(made.certificate)),
        ],
        check=True,
        capture_output=True,
    )
    made.key.chmod(0o644)  # a throw-away key, read by a server that runs as another user
    return made


class Cable:
    """A TCP connection to ``port`` by way of ``self.port``, which can be cut so that neither end is told."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._is_cut = threading.Event()
        self._listener = socket.create_server((HOST, 0))
        self._ends: list[socket.socket] = []
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, name="cable", daemon=True).start()

    def cut(self) -> None:
        """Nothing gets through any more, and both ends stay open."""
        self._is_cut.set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # A thread that waits in accept or recv is woken by shutdown, not by close.
        for end in (self._listener, *self._ends):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection((HOST, self._target))
                self._ends += (near, far)
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=self._carry, args=(source, sink), daemon=True).start()

    def _carry(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if not self._is_cut.is_set():
                    sink.sendall(data)


class _Unprivileged:
    """A directory outside the reach of others, and processes in it that do not run as root."""

    def __init__(self, prefix: str) -> None:
        self._user = _ordinary_user() if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
        # Short, since a Unix socket's path holds 107 characters, and not below pytest's directory, which only
        # its owner may enter.
        self.directory = Path(tempfile.mkdtemp(prefix=prefix, dir="/tmp"))
        self.own(self.directory)

    @property
    def user(self) -> str:
        return self._user.pw_name

    def own(self, path: Path) -> None:
        """Make the servers' user its owner."""
        os.chown(path, self._user.pw_uid, self._user.pw_gid)

    def write(self, name: str, text: str) -> Path:
        path = self.directory / name
        path.write_text(text, encoding="utf-8")
        self.own(path)
        return path

    def make(self, name: str) -> Path:
        path = self.directory / name
        path.mkdir(exist_ok=True)
        self.own(path)
        return path

    def spawn(self, command: Sequence[str | Path], log: str) -> subprocess.Popen[bytes]:
        """Start in a process group of its own, so that a signal to the group reaches its children and nobody else."""
        identity = (
            {"user": self._user.pw_uid, "group": self._user.pw_gid, "extra_groups": []} if os.geteuid() == 0 else {}
        )
        with (self.directory / log).open("ab") as output:
            process: subprocess.Popen[bytes] = subprocess.Popen(
                [str(part) for part in command],
                cwd=self.directory,
                env={"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "HOME": str(self.directory), "LC_ALL": "C.UTF-8"},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                **identity,  # type: ignore[call-overload]
            )
        return process

    def remove(self) -> None:
        shutil.rmtree(self.directory, ignore_errors=True)


def _ordinary_user() -> pwd.struct_passwd:
    for name in _ORDINARY_USERS:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise MissingServerError(f"none of the users {', '.join(_ORDINARY_USERS)} exists to run a server as")


def _end(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """Signal the main process, which ends its children. What is left of them then, or after a while, is killed:
    Dovecot's master sometimes ends before a child that has a client."""
    process.send_signal(number)
    with suppress(subprocess.TimeoutExpired):
        process.wait(STOP_SECONDS)
    _kill_group(process)


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(STOP_SECONDS)


class DovecotServer:
    """Dovecot 2.3 or 2.4 with one user; a context manager. The mail survives ``stop``, ``kill`` and ``start``.

    ``settings`` is appended to its configuration. With a ``certificate`` it also speaks TLS and STARTTLS. Without
    ``marks_folders`` there is nothing but the INBOX. With an ``introspection`` URL it also takes tokens (XOAUTH2) that
    the server there knows (RFC 7662).
    """

    address = "lok@test.example"

    def __init__(
        self,
        *,
        password: str = "hemligt",
        settings: str = "",
        has_idle: bool = True,
        has_move: bool = True,
        marks_folders: bool = True,
        introspection: str | None = None,
        certificate: Certificate | None = None,
    ) -> None:
        self._has = {"IDLE": has_idle, "MOVE": has_move}
        self._marks_folders = marks_folders
        self._introspection = introspection
        self._is_2_3 = _dovecot_version().startswith("2.3.")
        self._password = password
        self._home = _Unprivileged("lokbot-dovecot-")
        self._imap_port, self._imaps_port, self._lmtp_port = free_port(), free_port(), free_port()
        self._process: subprocess.Popen[bytes] | None = None
        for name in ("run", "state", "mail"):
            self._home.make(name)
        self._home.write("users", f"{self.address}:{{PLAIN}}{password}::::::\n")
        self._configuration = self._home.write("dovecot.conf", self._configure(certificate) + settings + "\n")

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self._home.remove()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        self._home.remove()

    @property
    def mailbox(self) -> MailboxSettings:
        return MailboxSettings(HOST, self._imap_port, self.address, self._password, tls="none")

    @property
    def mailbox_over_tls(self) -> MailboxSettings:
        return MailboxSettings("localhost", self._imaps_port, self.address, self._password, tls="tls")

    @property
    def mailbox_over_starttls(self) -> MailboxSettings:
        return MailboxSettings("localhost", self._imap_port, self.address, self._password, tls="starttls")

    def start(self) -> None:
        """Start, on the same mail and the same ports as before; returns when it greets."""
        process = self._home.spawn([_DOVECOT, "-F", "-c", self._configuration], "dovecot.out")
        self._process = process

        def greets() -> bool:
            if process.poll() is not None:
                raise RuntimeError(f"Dovecot ended at once: {self.log()}")
            return _greeting(self._imap_port).startswith(b"* OK") and _greeting(self._lmtp_port).startswith(b"220")

        wait_until(greets, "Dovecot greets")

    def stop(self) -> None:
        """End as an administrator would: clients are told BYE."""
        if self._process is not None:
            _end(self._process, signal.SIGTERM)
            self._process = None

    def kill(self) -> None:
        """End every one of its processes at once, as a power cut would."""
        if self._process is not None:
            _kill_group(self._process)
            self._process = None

    def renumber(self) -> None:
        """Give the INBOX a new UIDVALIDITY and all its mails new UIDs, as a restored backup does. Restarts."""
        self.stop()
        for path in (self._home.directory / "mail" / self.address / "Maildir").iterdir():
            if path.name == "dovecot-uidlist" or path.name.startswith("dovecot.index"):
                path.unlink()
        self.start()

    def damage(self, index: int) -> None:
        """Make one mail of the INBOX unreadable for the server, counted from 0 in the order of arrival."""
        maildir = self._home.directory / "mail" / self.address / "Maildir"
        # A name begins with seconds and microseconds: .M99999 came before .M100000.
        mails = sorted(
            (path for folder in ("cur", "new") for path in (maildir / folder).iterdir()),
            key=lambda path: [int(digits) for digits in re.findall(r"\d+", path.name)[:2]],
        )
        mails[index].chmod(0)

    def forbid_writing(self, folder: str) -> None:
        """Let nobody put a mail into a folder."""
        maildir = self._home.directory / "mail" / self.address / "Maildir" / f".{folder}"
        for name in ("tmp", "new", "cur"):
            (maildir / name).chmod(0o500)

    def fill(self, mails: Iterable[bytes], *, arrived: datetime) -> None:
        """Lay mails into the INBOX as files, all of one arrival: quicker than any protocol for tens of thousands."""
        maildir = self._home.directory / "mail" / self.address / "Maildir"
        self.deliver(b"Subject: the first mail makes the directories\r\n\r\n")
        seconds = arrived.timestamp()
        for path in (maildir / "new").iterdir():
            os.utime(path, (seconds, seconds))
        for number, raw in enumerate(mails):
            path = maildir / "cur" / f"{int(seconds)}.M{number}P1.test:2,S"
            path.write_bytes(raw)
            os.utime(path, (seconds, seconds))
            self._home.own(path)

    def deliver(self, raw: bytes, *, sender: str = "anna@forening.example") -> None:
        """Deliver over LMTP, as the city's mail server would; returns when the mail is in the mailbox."""
        with smtplib.LMTP(HOST, self._lmtp_port) as lmtp:
            lmtp.sendmail(sender, [self.address], raw)

    def log(self) -> str:
        """What it has said, for the message of a failed test."""
        paths = [self._home.directory / name for name in ("dovecot.log", "dovecot.out")]
        return "\n".join(path.read_text(encoding="utf-8", errors="replace") for path in paths if path.exists())

    def _configure(self, certificate: Certificate | None) -> str:
        home, user = self._home.directory, self._home.user
        group = grp.getgrgid(pwd.getpwnam(user).pw_gid).gr_name
        return f"""{"" if self._is_2_3 else _VERSION_2_4}
base_dir = {home}/run
state_dir = {home}/state
log_path = {home}/dovecot.log
protocols = imap lmtp
listen = {HOST}
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
auth_mechanisms = plain login{" xoauth2" if self._introspection else ""}
auth_failure_delay = 0
first_valid_uid = 1
mail_uid = {user}
mail_gid = {group}
mail_max_userip_connections = 200
mail_fsync = never
namespace inbox {{
  inbox = yes
  separator = /
{_SPECIAL_FOLDERS if self._marks_folders else ""}
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {self._imap_port}
  }}
  inet_listener imaps {{
    port = {self._imaps_port if certificate else 0}
    ssl = yes
  }}
}}
service lmtp {{
  chroot =
  inet_listener lmtp {{
    port = {self._lmtp_port}
  }}
}}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  chroot =
}}
ssl = {"yes" if certificate else "no"}
{self._in_2_3(certificate) if self._is_2_3 else self._in_2_4(certificate)}
"""

    def _in_2_3(self, certificate: Certificate | None) -> str:
        home = self._home.directory
        tls = (
            f"ssl_cert = <{self._readable(certificate.certificate)}\nssl_key = <{self._readable(certificate.key)}"
            if certificate
            else ""
        )
        tokens = ""
        if self._introspection:
            asked = f"introspection_mode = post\nintrospection_url = {self._introspection}\n"
            file = self._home.write("oauth2.conf", f"{asked}username_attribute = username\n{_ACTIVE}")
            tokens = f"passdb {{\n  driver = oauth2\n  mechanisms = xoauth2\n  args = {file}\n}}"
        capabilities = [name for name, is_there in self._has.items() if is_there]
        return f"""
disable_plaintext_auth = no
mail_home = {home}/mail/%u
mail_location = maildir:~/Maildir
passdb {{
  driver = passwd-file
  args = scheme=plain username_format=%u {home}/users
}}
userdb {{
  driver = static
  args = uid={self._home.user} home={home}/mail/%u
}}
{tokens}
{tls}
{"" if len(capabilities) == len(self._has) else f"imap_capability = {_CAPABILITIES} {' '.join(capabilities)}"}
"""

    def _in_2_4(self, certificate: Certificate | None) -> str:
        home = self._home.directory
        tls = (
            f"ssl_server_cert_file = {self._readable(certificate.certificate)}\n"
            f"ssl_server_key_file = {self._readable(certificate.key)}"
            if certificate
            else ""
        )
        tokens = (
            f"oauth2 {{\n  introspection_mode = post\n  introspection_url = {self._introspection}\n"
            "  username_attribute = username\n  active_attribute = active\n  active_value = true\n}"
            if self._introspection
            else ""
        )
        return f"""
auth_allow_cleartext = yes
mail_home = {home}/mail/%{{user}}
mail_driver = maildir
mail_path = ~/Maildir
passdb passwd-file {{
  passwd_file_path = {home}/users
  default_password_scheme = plain
}}
userdb static {{
  fields {{
    uid = {self._home.user}
    home = {home}/mail/%{{user}}
  }}
}}
{tokens}
{tls}
imap_capability {{
  IDLE = {"yes" if self._has["IDLE"] else "no"}
  MOVE = {"yes" if self._has["MOVE"] else "no"}
}}
"""

    def _readable(self, path: Path) -> Path:
        """A copy where Dovecot's user may read it."""
        return self._home.write(path.name, path.read_text(encoding="ascii"))


def _dovecot_version() -> str:
    if not all(path.exists() for path in _DOVECOT_PARTS):
        raise MissingServerError(
            "Dovecot is missing: apt-get install --no-install-recommends dovecot-imapd dovecot-lmtpd"
        )
    return subprocess.run([_DOVECOT, "--version"], check=True, capture_output=True, text=True).stdout.strip()


def _greeting(port: int) -> bytes:
    try:
        with socket.create_connection((HOST, port), timeout=START_SECONDS) as connection:
            return connection.recv(512)
    except ConnectionError:
        return b""


class PostgresCluster:
    """A PostgreSQL of its own, empty and without durability; a context manager."""

    def __init__(self) -> None:
        self._programs = _postgres_programs()
        self._home = _Unprivileged("lokbot-postgres-")
        self._port = free_port()
        self._databases = 0
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def create_database(self) -> str:
        """An empty database; gives its URL. In SQLAlchemy 2.1 ``postgresql://`` means psycopg 3."""
        self._databases += 1
        name = f"lokbot_{self._databases}"
        self._execute(f"CREATE DATABASE {name}")
        return self._url(name)

    def drop_database(self, url: str) -> None:
        """Remove it, together with connections that somebody left open."""
        self._execute(f"DROP DATABASE {url.rpartition('/')[2]} WITH (FORCE)")

    def _url(self, database: str) -> str:
        return f"postgresql://lokbot@{HOST}:{self._port}/{database}"

    def _execute(self, statement: str) -> None:
        with psycopg.connect(self._url("postgres"), autocommit=True) as connection:
            connection.execute(statement.encode())

    def _start(self) -> None:
        data = self._home.directory / "data"
        made = self._home.spawn(
            [
                *(self._programs / "initdb", "--pgdata", data, "--username", "lokbot", "--auth", "trust"),
                *("--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync", "--no-instructions"),
            ],
            "initdb.log",
        )
        if made.wait(START_SECONDS) != 0:
            raise RuntimeError(f"initdb failed: {self._log('initdb.log')}")
        options = {
            "listen_addresses": HOST,
            "port": str(self._port),
            "unix_socket_directories": "",
            "fsync": "off",
            "synchronous_commit": "off",
            "full_page_writes": "off",
        }
        process = self._process = self._home.spawn(
            [self._programs / "postgres", "-D", data, *(f"--{name}={value}" for name, value in options.items())],
            "postgres.log",
        )

        def answers() -> bool:
            if process.poll() is not None:
                raise RuntimeError(f"PostgreSQL ended at once: {self._log('postgres.log')}")
            try:
                self._execute("SELECT 1")
            except psycopg.OperationalError:
                return False
            return True

        wait_until(answers, "PostgreSQL answers")

    def _stop(self) -> None:
        if self._process is not None:
            _end(self._process, signal.SIGQUIT)  # its "immediate" shutdown: nothing here needs saving
        self._home.remove()

    def _log(self, name: str) -> str:
        return (self._home.directory / name).read_text(encoding="utf-8", errors="replace")


def _postgres_programs() -> Path:
    """Debian keeps them per version, outside PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    if on_path is None:
        raise MissingServerError("PostgreSQL is missing: apt-get install --no-install-recommends postgresql")
    return Path(on_path).resolve().parent
