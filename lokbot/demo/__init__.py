"""The demo: the real reader, path and sender on embedded servers, with invented mails, told in the terminal.

Nothing leaves the machine and no real mailbox is read.
"""

from __future__ import annotations

import shutil
import socket
import threading
from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path

import click
from pydantic import SecretStr

from lokbot import config, service
from lokbot.channels.embedded import EmbeddedServers, start
from lokbot.config import Answering, ImapSettings, Settings, SmtpSettings, StatisticsSettings, WebSettings
from lokbot.conversation.working_days import SWEDEN
from lokbot.demo.mails import samples
from lokbot.demo.stage import Stage
from lokbot.knowledge import loading
from lokbot.loops import clock
from lokbot.model import AnsweringMode

ADDRESS = "lok@demo.example"
COORDINATOR = "samordnare@demo.example"
SUGGESTED = "evenemang"
"""The topic in which the demo's bot only suggests, so that there is something to release at the desk."""


def run(*, once: bool, stop: threading.Event) -> int:
    """Run the demo; 0 when every sample ended as it should. Without ``once`` it goes on until ``stop`` is set."""
    base = config.load()
    folder = base.var_dir / "demo"
    shutil.rmtree(folder, ignore_errors=True)
    with start(ADDRESS, "demo") as servers:
        settings = demo_settings(base, servers, folder)
        stage = Stage(settings, loading.load(settings.knowledge_dir, settings.intents_dir), servers)
        if not once:
            stage.invent_a_year()
        with service.running(stage.service, ("mail", "worker") if once else ("mail", "worker", "web")):
            stage.wait_until_watched()
            click.secho("lokbot: demo på inbyggda mejlservrar. Inget lämnar den här datorn.", bold=True)
            is_as_expected = stage.play(samples(), stop)
            if not once and not stop.is_set():
                _invite(servers, folder, stage)
                stage.listen(stop)
    return 0 if is_as_expected or not once else 1


def demo_settings(base: Settings, servers: EmbeddedServers, folder: Path) -> Settings:
    """The settings as they are, but on the embedded servers, with a store of its own and drafts sent."""
    box = servers.mailbox
    return base.model_copy(
        update={
            "database_url": "",
            "var_dir": folder,
            "imap": ImapSettings(
                host=box.host,
                port=box.port,
                user=box.user,
                password=SecretStr(box.password),
                tls="none",
                idle_seconds=box.idle_seconds,
            ),
            "smtp": SmtpSettings(
                host=servers.smtp.host,
                port=servers.smtp.port,
                tls="none",
                from_address=ADDRESS,
                from_name="Helsingborgs stad, lokal överenskommelse (demo)",
            ),
            "web": WebSettings(port=(port := _free_port(base.web.port)), public_url=f"http://localhost:{port}"),
            "coordinators": (COORDINATOR,),
            "answering": Answering(default=AnsweringMode.SEND, topics={SUGGESTED: AnsweringMode.SUGGEST}),
            "drafts_allowed": True,
            "statistics": _meetings(clock().astimezone(SWEDEN).date()),
        }
    )


def _meetings(today: date) -> StatisticsSettings:
    """The last was three months ago, the next is in some weeks."""
    return StatisticsSettings(meetings=(today - timedelta(days=95), today + timedelta(days=20)))


def _free_port(wanted: int) -> int:
    """``wanted``, or another where something else has it."""
    for port in (wanted, 0):
        with suppress(OSError), socket.create_server(("127.0.0.1", port)) as found:
            number: int = found.getsockname()[1]
            return number
    return wanted


def _invite(servers: EmbeddedServers, folder: Path, stage: Stage) -> None:
    click.secho("\nNu är det din tur.", bold=True)
    click.echo(
        f"Skriv en fråga här och tryck Enter: den skickas som ett mejl. Eller skicka med ett mejlprogram till\n"
        f"{servers.address} genom SMTP {servers.smtp.host}:{servers.smtp.port} (ingen inloggning, ingen kryptering).\n"
        f"Brevlådan: IMAP {servers.mailbox.host}:{servers.mailbox.port}, {servers.address}, lösenord demo.\n\n"
        f"Webbchatten:     {stage.service.settings.web.public_url}/chatt (i en annan sida: se README, Web chat)\n\n"
        f"Skrivbordet, där samordnarna arbetar: gör ett konto på\n{service.first_account(stage.service)}\n\n"
        f"Statistiken, med ett helt år påhittade siffror: {stage.service.settings.web.public_url}/statistik\n\n"
        f"Läs ett ärende:  LOKBOT_VAR_DIR={folder} .venv/bin/lokbot case 1 --why\n"
        f"Riktig brevlåda: kopiera lokbot.example.yaml till lokbot.yaml, fyll i den, kör .venv/bin/lokbot check\n"
        f"                 och sedan .venv/bin/lokbot run. Boten föreslår då bara; ni skickar.\n"
        f"Telegram:        skaffa en token hos @BotFather, lägg den i LOKBOT_TELEGRAM__TOKEN och skriv stadens\n"
        f"                 beslut och dataskyddsbedömning i lokbot.yaml; utan dem startar boten inte där.\n"
        f"                 Steg för steg: docs/operations.md, Telegram.\n"
        f"Avsluta med Ctrl-C."
    )
