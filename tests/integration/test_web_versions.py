"""An answer was wrong: its page shows everybody who got it, and corrects all of them once."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from lokbot import audit
from lokbot.knowledge import publishing
from lokbot.model import Address
from lokbot.store.schema import ArticleRevision
from lokbot.store.session import Sessions
from tests import sample_knowledge as sample
from tests.integration.browser import DeskWorld, Person
from tests.integration.world import World

RIGHT = "Årsmötet fattar beslutet, inte styrelsen."


@pytest.fixture
def desk(sessions: Sessions) -> DeskWorld:
    return DeskWorld(World(sessions))


def ask(desk: DeskWorld, *senders: str) -> str:
    """Each gets the bot's answer; gives the address of the page of the version that they got."""
    for number, name in enumerate(senders):
        sender = Address("", f"{name}@forening.example")
        case = desk.world.write(sample.JOIN, sender=sender, subject=f"Fråga {number}")
    desk.world.deliver()
    return f"/version/{case.conversation.messages[0].questions[0].decisions[0].revision_id}"


def shown(kim: Person, page: str, text: str = RIGHT) -> str:
    status, preview = kim.do(f"{page}/rattelse", text=text)
    assert status == 200
    return preview


def test_a_wrong_answer_is_paused_seen_and_corrected_once_for_each(desk: DeskWorld) -> None:
    names = [f"f{number:02}" for number in range(14)]
    path, kim = ask(desk, *names, "f03"), desk.person()
    case = kim.see("/arenden?mapp=alla").split('href="/arenden/LOK-')[1][:10]
    assert f'href="{path}"' in kim.see(f"/arenden/LOK-{case}")
    assert f'href="{path}"' in kim.see("/botens-svar")
    page = kim.see(path)
    assert "14 har fått texten." in page
    assert "f13@forening.example" in page
    assert "Visa rättelsen först" not in page, "it may still go out"
    assert kim.do("/paus", what="article:ga-med", back=path.rpartition("/")[2]) == (303, f"{path}?klart=paused")

    preview = shown(kim, path)
    assert "Skicka rättelsen till 14" in preview
    assert "Vi rättar ett svar som du fick av oss måndag den 2 mars 2026." in preview
    desk.world.later(hours=1)
    assert not desk.world.deliver(), "showing sends nothing"

    assert kim.do(f"{path}/rattelse", text=RIGHT, sure="1", count="14")[0] == 303
    assert "Rättelser som väntar på att skickas: 14." in kim.see(path)
    assert not desk.world.deliver(), "it can be stopped for a while"
    desk.world.later(minutes=10)
    sent = desk.world.deliver()
    assert sorted(mail.to[0].email for mail in sent) == [f"{name}@forening.example" for name in names]
    assert all(RIGHT in mail.text for mail in sent)
    assert "Utan rättelse: 0." in kim.see(path)


def test_what_was_seen_must_still_hold(desk: DeskWorld) -> None:
    path, kim = ask(desk, "anna", "bo"), desk.person()
    kim.do("/paus", what="article:ga-med")
    status, page = kim.do(f"{path}/rattelse", text=RIGHT, sure="1", count="1")
    assert status == 200
    assert "Antalet har ändrats" in page
    assert "Skicka rättelsen till 2" in page
    desk.world.later(hours=1)
    assert not desk.world.deliver()


def test_corrections_that_have_not_left_are_stopped(desk: DeskWorld) -> None:
    path, kim = ask(desk, "anna", "bo"), desk.person()
    kim.do("/paus", what="all")
    kim.do(f"{path}/rattelse", text="Fel igen.", sure="1", count="2")
    assert kim.do(f"{path}/stoppa") == (303, f"{path}?klart=stopped-all")
    assert kim.do(f"{path}/stoppa")[0] == 409
    desk.world.later(hours=1)
    assert not desk.world.deliver()
    assert "Skicka rättelsen till 2" in shown(kim, path)


def test_what_is_no_answer_has_no_page_of_versions(desk: DeskWorld) -> None:
    kim = desk.person()
    with desk.world.sessions() as session:
        is_pointer = ArticleRevision.article.startswith(publishing.ADMINISTRATION)
        pointer = session.scalars(select(ArticleRevision.id).where(is_pointer)).first()
    for path in (f"/version/{pointer}", "/version/99"):
        assert kim.client.get(path).status_code == 404
        assert kim.do(f"{path}/rattelse", text=RIGHT)[0] == kim.do(f"{path}/stoppa")[0] == 404


def test_without_words_or_a_pause_nobody_is_corrected(desk: DeskWorld) -> None:
    path, kim = ask(desk, "anna"), desk.person()
    assert kim.do(f"{path}/rattelse", text=RIGHT, sure="1", count="1")[0] == 409
    kim.do("/paus", what="all")
    assert kim.do(f"{path}/rattelse", text=" \r\n ")[0] == 409
    assert kim.do("/version/999/rattelse", text=RIGHT)[0] == kim.client.get("/version/999").status_code == 404


def test_outside_words_are_text_here_too_and_looking_is_written_down(desk: DeskWorld) -> None:
    path, kim = ask(desk, "anna"), desk.person()
    kim.do("/paus", what="all")
    assert "<script>" not in shown(kim, path, "<script>alert(1)</script>")
    kim.see(path)
    with desk.world.sessions() as session:
        (entry,) = audit.search(session, act="listed-receivers").entries
        assert (entry.actor, entry.article) == ("kim@stad.example", "ga-med")
