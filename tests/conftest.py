"""Fixtures: the real servers of tests/servers.py. Where one is missing the test is skipped; in CI it fails."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import hypothesis
import pytest
from playwright.sync_api import Browser, sync_playwright

from lokbot.channels import embedded
from tests.servers import Certificate, DovecotServer, MissingServerError, PostgresCluster, make_certificate
from tests.smtp_sink import SmtpSink

# How long an example takes says how busy the machine is: timing belongs in the benchmarks.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")


def do_without(missing: MissingServerError) -> NoReturn:
    """Skip for want of a server, in words that say how to get it. CI has them all, so there it is a failure."""
    if os.environ.get("CI") == "true":
        pytest.fail(str(missing), pytrace=False)
    pytest.skip(str(missing))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What uses Chromium runs last: from its start on, Playwright's event loop counts as running in this process, and
    no other can (the Telegram door has one of its own)."""
    items.sort(key=uses_chromium)


def uses_chromium(item: pytest.Item) -> bool:
    return "browser" in getattr(item, "fixturenames", ())


@pytest.fixture
def dovecot() -> Iterator[DovecotServer]:
    """A Dovecot with an empty mailbox, running."""
    try:
        server = DovecotServer()
    except MissingServerError as missing:
        do_without(missing)
    with server:
        yield server


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A real Chromium, one for all: a second one of Playwright's in the same process would not start."""
    executable = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if executable is None:
        do_without(MissingServerError("Chromium is missing. Type: sudo apt-get install chromium"))
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-background-networking"]
        chromium = playwright.chromium.launch(executable_path=executable, args=arguments)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def openid_issuer() -> Iterator[str]:
    """An OpenID Connect provider in a process of its own; gives its issuer."""
    command = [sys.executable, "-m", "tests.openid_provider"]
    with subprocess.Popen(command, cwd=Path(__file__).parents[1], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.kill()


@pytest.fixture
def smtp_sink() -> Iterator[SmtpSink]:
    """An SMTP server that accepts everything until told otherwise."""
    with SmtpSink() as sink:
        yield sink


@pytest.fixture
def embedded_servers() -> Iterator[embedded.EmbeddedServers]:
    """The demo's IMAP and SMTP servers, in this process."""
    with embedded.start() as servers:
        yield servers


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """A self-signed certificate for localhost."""
    try:
        return make_certificate(tmp_path_factory.mktemp("certificate"))
    except MissingServerError as missing:
        do_without(missing)


@pytest.fixture(scope="session")
def postgres_cluster() -> Iterator[PostgresCluster]:
    try:
        cluster = PostgresCluster()
    except MissingServerError as missing:
        do_without(missing)
    with cluster:
        yield cluster


@pytest.fixture
def postgres_url(postgres_cluster: PostgresCluster) -> Iterator[str]:
    """The URL of an empty PostgreSQL database of the test's own."""
    url = postgres_cluster.create_database()
    yield url
    postgres_cluster.drop_database(url)
