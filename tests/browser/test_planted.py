"""Hostile markup in every column of the store that holds words, and every page read as Chromium reads it."""

from __future__ import annotations

import io
import re
import shutil
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser
from sqlalchemy import JSON, Engine, String, select, text, update
from sqlalchemy.orm import Session
from starlette.routing import compile_path

from lokbot.knowledge import publishing
from lokbot.model import Address, Automatic, Bounce, ChannelName, Role
from lokbot.statistics import facts
from lokbot.store.schema import (
    ArticleImport,
    ArticleRevision,
    Base,
    ChatKey,
    Contact,
    Conversation,
    Correction,
    DecisionRecord,
    Message,
    MessageAttachment,
    OutboxAttachment,
    TelegramLink,
    User,
)
from lokbot.store.session import Sessions, connect, session_factory
from lokbot.understanding import Active
from lokbot.web import rendering
from lokbot.web.pages import PAGES, Page
from tests import sample_knowledge as sample
from tests.integration.browser import DeskWorld, Person, hidden
from tests.integration.chatting import Chat
from tests.integration.web_chat import PDF, Surfer
from tests.integration.world import SUGGEST, Case, World
from tests.sample_mails import attachment

HOSTILE = (
    "</textarea></title></select></script></style>--><x-planted></x-planted>"
    "\"'` onfocus=planted() data-planted=\"'><script>planted()</script><img src=x onerror=planted()>"
    "<svg onload=planted()><a href='javascript:planted()'>{{ 191*191 }}{% raw %}{0.__class__}{who}%s"
)
LINK = "javascript:planted()"
# What must be seen on some page, else nothing was planted in it.
SHOWN = {
    *("messages.sender_name", "messages.sender_email", "messages.reply_to", "messages.cc", "messages.subject"),
    *("messages.text", "messages.new_text", "messages.failure", "message_attachments.name", "questions.text"),
    *("questions.understanding", "contacts.name", "contacts.address", "conversations.subject", "events.detail"),
    *("conversations.reach_by", "conversations.taken_by", "associations.name", "decisions.evidence", "notes.text"),
    *("drafts.text", "outbox.to", "outbox.cc", "outbox.subject", "outbox.text", "outbox.last_error", "outbox.buttons"),
    *("outbox_attachments.name", "article_revisions.content", "article_imports.conflict", "desk_settings.value"),
    *("steering_matters.line", "telegram_links.telegram_name", "users.name", "users.email", "audit_log.actor"),
}

# Columns that nobody outside fills in, and that the code reads as a word of its own: a page could not be found by
# another one. A new column is planted in unless it is put here.
OUR_WORDS = {
    *("conversations.case_number", "conversations.reason", "decisions.reason", "decisions.held_because"),
    *("events.verb", "events.detail.reason", "messages.warnings", "outbox.language"),
    *("article_revisions.article", "article_revisions.language", "article_revisions.content.perishable"),
    *("article_revisions.content.topic", "article_revisions.content.administration"),
    *("article_imports.conflict.perishable", "article_care.content", "article_care.seen"),
    *("users.roles", "users.language", "users.password_hash", "users.totp_secret", "users.city_account"),
    *("web_sessions.csrf", "chat_keys.kind"),
    *("facts.language", "facts.month", "facts.topic", "facts.intent", "facts.administration", "facts.article"),
}


APPEND_ONLY = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name IN ('events', 'audit_log')"


def plant(engine: Engine, hostile: str, *, instead: bool) -> None:
    """``hostile`` behind every word in the store, or ``instead`` of it, each with the name of its column."""
    with engine.begin() as connection:
        # Events and the audit log can only be added to, and whoever plants here has the file.
        for trigger in connection.scalars(text(APPEND_ONLY)).all():
            connection.execute(text(f"DROP TRIGGER {trigger}"))
        for table in Base.metadata.sorted_tables:
            keys = list(table.primary_key.columns)
            for column in table.columns:
                name = f"{table.name}.{column.name}"
                is_word = isinstance(column.type, String | JSON) and not getattr(column.type, "enums", None)
                if not is_word or name in OUR_WORDS or column.primary_key or column.foreign_keys:
                    continue
                for row in connection.execute(select(*keys, column)).all():
                    *identity, value = row
                    mark = f"[[{name}]]{'-'.join(map(str, identity))}"  # some may not be the same twice
                    grown = _grown(value, name, f"{hostile}{mark}", instead=instead)
                    where = [key == part for key, part in zip(keys, identity, strict=True)]
                    connection.execute(update(table).where(*where).values({column.name: grown}))
        # A browser still finds its chat.
        chat = select(Contact.address).where(Contact.channel == ChannelName.WEBCHAT).scalar_subquery()
        connection.execute(update(ChatKey).values(address=chat))


def _grown(value: Any, name: str, more: str, *, instead: bool) -> Any:
    if name in OUR_WORDS:
        return value
    if isinstance(value, str):
        return more if instead and value else f"{value}{more}"
    if isinstance(value, list):
        return [_grown(each, name, more, instead=instead) for each in value]
    if isinstance(value, dict):
        return {key: _grown(each, f"{name}.{key}", more, instead=instead) for key, each in value.items()}
    return value


# ------------------------------------------------------------------ a desk where everything has happened


def _path(case: Case) -> str:
    return f"/arenden/{case.conversation.case_number}"


def _act(person: Person, path: str, name: str, **fields: str) -> None:
    fields.setdefault("seen", hidden(person.see(path), "seen"))
    status, _ = person.do(f"{path}/{name}", **fields)
    assert status == 303, f"{name}: {status}"


def live(desk: DeskWorld, kim: Person) -> Surfer:
    """Something of everything that a page can show; gives somebody who chats in the web."""
    world = desk.world
    desk.account("alex@stad.example", "Alex Berg")
    bo = Address("Bo Ek", "bo@post.example")
    world.write("Jag begär en allmän handling.", sender=Address("", "x@post.example"))
    world.write("Як вступити?", sender=Address("Олена", "o@post.example"), subject="Питання")
    world.write(sample.JOIN, attachments=(attachment(),), cc=(bo,), reply_to=(bo,))  # a suggestion waits
    told = world.write(sample.JOIN, sender=Address("Siv Ek", "siv@post.example"))
    _act(kim, _path(told), "skicka-forslag")
    wrong = world.write(sample.JOIN, sender=Address("Eva Ek", "eva@post.example"))
    _act(kim, _path(wrong), "skicka-forslag")
    world.later(hours=1)
    world.deliver()
    _act(kim, _path(wrong), "oppna")
    bounced = Bounce(True, ("siv@post.example",), True, told.items()[-1].external_id)
    world.write(
        "", sender=Address("", "mailer-daemon@post.example"), automatic=Automatic(True, "bounce"), bounce=bounced
    )

    own = world.write(f"{sample.OWN} Mvh Råå IF", sender=Address("Per Ek", "per@raa.example"), cc=(bo,))
    _act(kim, _path(own), "ta")
    _act(kim, _path(own), "anteckna", note="Ring kassören.")
    question = str(own.conversation.messages[0].questions[0].id)
    _act(kim, _path(own), "ratta", question=question, article="lana-lokal")
    _act(kim, _path(own), "hor-till", association="Råå IF")
    _act(kim, _path(own), "till-styrgruppen", line="Lokaler saknas.")
    kim.do(f"{_path(own)}/diariet", **{"class": "registered", "diary": "2026/1"})
    seen = hidden(kim.see(_path(own)), "seen")
    form = {"csrf": kim.csrf, "seen": seen, "answer": "Hej!", "cc": bo.email}
    assert kim.client.post(f"{_path(own)}/svara", data=form, files={"file": ("svar.pdf", PDF)}).status_code == 303
    kim.do(f"{_path(own)}/utkast", answer="Halvt", note="Halvt")

    sent_on = world.write(sample.GARDEN, sender=Address("Lo Ek", "lo@post.example"))
    _act(kim, _path(sent_on), "skicka-vidare", administration="fritid")
    broken = world.write(sample.OWN, sender=Address("Ola Ek", "ola@post.example"))
    world.refuses = {"ola@post.example"}
    _act(kim, _path(broken), "svara", answer="Hej Ola!")
    world.later(hours=1)
    world.deliver()
    forwarded = next(item for item in sent_on.items() if item.kind == "forward")
    world.write("Ja.", sender=Address("Fritid", "fritid@stad.example"), in_reply_to=(forwarded.external_id,))
    first, second, third = (
        world.write(f"{sample.OWN} {number}", sender=Address("", f"{number}@post.example"))
        for number in ("a", "b", "c")
    )
    merging = kim.see(f"{_path(first)}/sla-ihop?med={second.conversation.case_number}")
    known = {name: hidden(merging, name) for name in ("seen", "seen_part", "part")}
    assert kim.do(f"{_path(first)}/sla-ihop", strangers="1", **known)[0] == 303
    _act(kim, _path(first), "lanka", other=third.conversation.case_number)
    _act(kim, _path(third), "vila", until="2026-04-01")
    erased = _number(world.write(sample.OWN))
    kim.do("/radera", case=erased, again=erased, decision="§ 14")
    kim.do("/nytt-samtal", text=sample.JOIN, name="Ria Ek", phone="042-10", mail="", subject="Ringde", channel="phone")
    while world.handle_next():
        pass

    decision = told.conversation.messages[0].questions[0].decisions[0].id
    kim.do(f"/botens-svar/{decision}", verdict="wrong", comment="Stämmer inte.")
    kim.do("/paus", what="article:ga-med")
    kim.do("/mallar", key="", name="Efter mötet", sv="Vi svarar sen.", en="Later.", seen="")
    with world.sessions.begin() as session:
        user = session.scalars(select(User).where(User.email == "kim@stad.example")).one()
        session.add(TelegramLink(user_id=user.id, telegram_id=1, telegram_name="Kim", linked_at=world.now))
        last = session.scalars(select(ArticleImport)).first()
        assert last is not None
        newest = session.scalars(select(ArticleRevision).where(ArticleRevision.article == last.article)).first()
        assert newest is not None
        last.conflict = {**newest.content, "answer": "Filens nya svar."}
        failed = session.get_one(Message, third.message_id)
        failed.failure = "ValueError"
    Chat(world).write(sample.OWN)
    surfer = Surfer(desk)
    surfer.see()
    surfer.write(sample.OWN)
    surfer.send("/chatt/na-mig", reach_by="surf@post.example")
    surfer.pause()
    return surfer


def _number(case: Case) -> str:
    return case.conversation.case_number


# ------------------------------------------------------------------ what is read of a page

_READ = """html => {
  const page = new DOMParser().parseFromString(html, 'text/html');
  const wrong = [], said = [page.documentElement.textContent];
  const ours = /^\\/static\\/[a-z-]+[.]js[?]v=[0-9a-f]+$/;
  const addresses = ['href', 'src', 'action', 'formaction', 'xlink:href', 'data', 'poster', 'background', 'ping'];
  for (const one of page.querySelectorAll('*')) {
    if (/^(x-planted|iframe|object|embed|base|template|math)$/.test(one.localName)) wrong.push(one.outerHTML);
    if (one.localName === 'style' && one.textContent.includes('planted')) wrong.push(one.outerHTML);
    if (one.localName === 'script' && !(ours.test(one.getAttribute('src') || '') && !one.textContent))
      wrong.push(one.outerHTML);
    for (const {name, value} of one.attributes) {
      said.push(value);
      if (/^on/.test(name) || ['style', 'srcdoc', 'data-planted'].includes(name)) wrong.push(name + '=' + value);
      if (addresses.includes(name)) {
        const protocol = new URL(value, 'http://localhost/').protocol;
        if (!['http:', 'https:', 'mailto:', 'tel:'].includes(protocol)) wrong.push(name + '=' + value);
      }
    }
  }
  return [wrong, said.join(' ')];
}"""


class Reader:
    """Reads pages as a browser does, and remembers what was wrong in them and which columns they showed."""

    def __init__(self, browser: Browser) -> None:
        self.page = browser.new_page()
        self.wrong: list[str] = []
        self.shown: set[str] = set()
        self.pages: set[str] = set()

    def get(self, person: Person, page: Page, path: str, who: str, query: Mapping[str, str] | None = None) -> None:
        response = person.client.get(path, params=query)
        assert response.status_code in (200, 303, 404, 409), (path, response.status_code)
        kind = response.headers.get("content-type", "")
        if kind.startswith("text/html"):
            self.read(f"{page.path} for {who}", response.text)
            if response.status_code == 200:
                self.pages.add(page.path)
        elif kind == "application/zip":
            with zipfile.ZipFile(io.BytesIO(response.content)) as archive:
                (name,) = [one for one in archive.namelist() if one.endswith("arende.html")]
                self.read(f"{page.path} for {who}", archive.read(name).decode())

    def send(self, person: Person, page: Page, path: str, hostile: str) -> None:
        """Fill in every field that any form has; what cannot be done is said on a page that shows what was written."""
        fields = {**dict.fromkeys(FIELDS, hostile), "csrf": person.csrf}
        response = person.client.post(path, data=fields)
        assert response.status_code < 500, path
        if response.headers.get("content-type", "").startswith("text/html"):
            self.read(f"{page.path} sent", response.text)

    def read(self, name: str, html: str) -> None:
        wrong, said = self.page.evaluate(_READ, html)
        self.wrong += [f"{name}: {one[:200]}" for one in wrong]
        if "36481" in said:
            self.wrong.append(f"{name}: a template was filled in")
        self.shown.update(re.findall(r"\[\[([a-z_]+\.[a-z_0-9]+)\]\]", said))


def addresses(page: Page, known: Mapping[str, list[str]]) -> Iterator[str]:
    """The page's addresses: one for each thing that its path can name."""
    _, shape, _ = compile_path(page.path)
    found = [shape]
    for name, values in known.items():
        if f"{{{name}}}" in shape:
            found = [one.replace(f"{{{name}}}", value) for one in found for value in values]
    return iter(found)


def known_in(session: Session, tokens: list[str]) -> dict[str, list[str]]:
    def numbers(column: Any) -> list[str]:
        return [str(one) for one in session.scalars(select(column).where(column.is_not(None)).distinct())]

    return {
        "case": numbers(Conversation.case_number),
        "act": ["svara"],
        "article": list(sample.knowledge().articles),
        "revision": numbers(DecisionRecord.revision_id),
        "user": numbers(User.id)[-1:],
        "decision": numbers(DecisionRecord.id)[-1:],
        "correction": numbers(Correction.id),
        "attachment": [*numbers(MessageAttachment.id), *numbers(OutboxAttachment.id)],
        "message": numbers(Message.id)[:3],
        "name": ["fraser", "day-ends", "closed-days", "mode", "administration-kultur", "phrase-sv-case"],
        "token": tokens,
        "ending": ["csv"],
    }


def _names_in(pattern: str, folder: Path, ending: str) -> list[str]:
    """Every name that the web's files use so."""
    texts = (path.read_text(encoding="utf-8") for path in sorted(folder.rglob(f"*.{ending}")))
    return sorted({name for text in texts for name in re.findall(pattern, text)})


WEB = rendering.HERE
QUERIES = _names_in(r'query(?:_params\.get)?\("([a-z_]+)"', WEB, "py")
FIELDS = [one for one in _names_in(r'name="([a-z_]+)"', WEB / "templates", "html") if one not in ("csrf", "seen")]
# Files, which are downloads, ways on to somewhere else, and what shows nothing but a form.
NO_PAGES = {
    *("/", "/halsa", "/chat.js", "/logga-in/kod", "/logga-in/staden", "/logga-in/staden/svar", "/logga-ut/staden"),
    *("/registrator.csv", "/statistik.csv", "/statistik.xlsx", "/statistik.pdf", "/lasa/{token}/statistik.{ending}"),
    *("/bilaga/{attachment:number}", "/skickad-bilaga/{attachment:number}", "/original/{message:number}"),
    *("/arenden/{case}/export", "/chatt/fil/{attachment:number}"),
}
# They end what the test still needs.
NOT_SENT = {"/logga-ut", "/konto/logga-ut-alla", "/konto/logga-ut-en", "/personer/{user:number}", "/konto/losenord"}


@pytest.fixture
def desk(tmp_path: Path, migrated: Path) -> Iterator[DeskWorld]:
    engine = connect(f"sqlite:///{shutil.copy(migrated, tmp_path / 'lokbot.db')}")
    sessions: Sessions = facts.follow(session_factory(engine), lambda _: SUGGEST.promise)
    yield DeskWorld(World(sessions, SUGGEST))
    engine.dispose()


@pytest.mark.parametrize(("hostile", "instead"), [(HOSTILE, False), (LINK, True)], ids=["markup", "link"])
def test_no_column_of_the_store_reaches_a_page_as_more_than_text(
    desk: DeskWorld, browser: Browser, hostile: str, instead: bool
) -> None:
    world = desk.world
    kim = desk.person(roles=tuple(Role))
    surfer = live(desk, kim)
    registrator = desk.person("reg@stad.example", "Reg Ek", (Role.REGISTRATOR,))
    registrator.do("/konto", name="Reg Ek", language="en", seen=hidden(registrator.see("/konto"), "seen"))
    # Without a mail server a link is shown.
    _, invited = kim.do("/personer", name="Nya Ek", email="nya@stad.example", role="steering")
    _, reading = kim.do(f"/personer/{desk.user('nya@stad.example').id}/statistik")
    tokens = re.findall(r"/(?:valkommen|lasa)/([\w-]+)", invited + reading)
    people = {"all roles": kim, "the registrator": registrator, "nobody": desk.stranger()}
    plant(world.sessions.kw["bind"], hostile, instead=instead)
    with world.sessions.begin() as session:
        known = known_in(session, tokens)
        found = publishing.active(session, world.knowledge, prefer_approved=True)
    world.active = Active(found, world.active.understander)

    reader = Reader(browser)
    for who, person in people.items():
        for page in PAGES:
            if page.method != "GET" or (person is registrator and Role.REGISTRATOR not in (page.roles or Role)):
                continue
            paths = list(addresses(page, known))
            for path in paths:
                reader.get(person, page, path, who)
            reader.get(person, page, paths[0], who, dict.fromkeys(QUERIES, hostile))
    surfer.client.headers["accept-language"] = "sv"
    reader.read("/chatt for surfer", surfer.see())
    for page in PAGES:
        if page.method == "POST" and page.path not in NOT_SENT:
            for path in list(addresses(page, known))[-2:]:
                reader.send(kim, page, path, hostile)
    assert reader.wrong == []
    assert {page.path for page in PAGES if page.method == "GET"} - reader.pages == NO_PAGES
    assert SHOWN - reader.shown == set(), "the plant did not come as far as to be shown"
