"""Merging, splitting and linking in the desk; the same act in several cases at once; what a search shows."""

from __future__ import annotations

import pytest

from lokbot.conversation import escalation
from lokbot.model import Address, ConversationStatus, OutboxKind, OutboxStatus, Role
from lokbot.store.schema import Conversation
from lokbot.store.session import Sessions
from tests import sample_knowledge as sample
from tests.integration.browser import DeskWorld, Person, hidden
from tests.integration.world import SUGGEST, Case, World
from tests.sample_mails import attachment

BO = Address("Bo Ek", "bo@annan.example")


@pytest.fixture
def desk(sessions: Sessions) -> DeskWorld:
    return DeskWorld(World(sessions, SUGGEST))


def number(case: Case) -> str:
    return case.conversation.case_number


def two(desk: DeskWorld) -> tuple[str, str]:
    first = number(desk.world.write(sample.OWN))
    desk.world.later(hours=1)
    return first, number(desk.world.write(f"{sample.OWN} Från min andra adress.", sender=BO))


def merge(person: Person, whole: str, part: str, **fields: str) -> tuple[int, str]:
    page = person.see(f"/arenden/{whole}/sla-ihop?med={part}")
    known = {name: hidden(page, name) for name in ("seen", "seen_part", "part")}
    return person.do(f"/arenden/{whole}/sla-ihop", **{**known, **fields})


def test_two_cases_are_seen_side_by_side_before_they_are_one(desk: DeskWorld) -> None:
    first, second = two(desk)
    kim = desk.person()
    page = kim.see(f"/arenden/{first}/sla-ihop?med={second}")
    for word in (
        "Från min andra adress",
        "bo@annan.example",
        "Jag har sett båda kontakterna",
        "Nästa svar går till Bo Ek",
    ):
        assert word in page
    status, why = merge(kim, first, second)
    assert status == 409
    assert "olika kontakter" in why
    assert merge(kim, first, second, strangers="1") == (303, f"/arenden/{first}?klart=merged")
    response = kim.client.get(f"/arenden/{second}")
    assert (response.status_code, response.headers["location"]) == (303, f"/arenden/{first}?klart=part")
    page = kim.see(f"/arenden/{first}")
    assert f"slog ihop ärendet med {second}" in page
    assert "Från min andra adress" in page
    assert f"Ta ut {second} igen" in page
    assert f'href="/arenden/{second}"' not in kim.see("/arenden?mapp=alla")
    assert f'href="/arenden/{first}"' in kim.see(f"/arenden?mapp=alla&q={second}")
    assert kim.do(f"/arenden/{first}/ta-isar", part=second, seen=hidden(page, "seen"))[0] == 303
    assert "Från min andra adress" in kim.see(f"/arenden/{second}")
    assert "Från min andra adress" not in kim.see(f"/arenden/{first}")


def test_what_happened_in_either_meanwhile_is_shown_before_they_are_one(desk: DeskWorld) -> None:
    first, second = two(desk)
    kim, alex = desk.person(), desk.person("alex@stad.example", "Alex Berg")
    page = kim.see(f"/arenden/{first}/sla-ihop?med={second}")
    known = {name: hidden(page, name) for name in ("seen", "seen_part", "part")}
    alex.do(f"/arenden/{second}/ta", seen=hidden(alex.see(f"/arenden/{second}"), "seen"))
    status, page = kim.do(f"/arenden/{first}/sla-ihop", strangers="1", **known)
    assert status == 409
    assert "Alex Berg tog ärendet" in page


def test_an_answer_in_what_became_a_part_meanwhile_is_kept_and_not_sent(desk: DeskWorld) -> None:
    first, second = two(desk)
    kim, alex = desk.person(), desk.person("alex@stad.example", "Alex Berg")
    seen = hidden(alex.see(f"/arenden/{second}"), "seen")
    assert merge(kim, first, second, strangers="1")[0] == 303
    status, page = alex.do(f"/arenden/{second}/svara", answer="Mitt svar till Bo", seen=seen)
    assert status == 409
    assert "Kim Sand slog ihop ärendet med ett annat" in page
    assert "Mitt svar till Bo" in page


@pytest.mark.parametrize("asked", ["LOK-2026-99999", "", "<script>"])
def test_a_number_that_is_none_is_said_to_be(desk: DeskWorld, asked: str) -> None:
    first, _ = two(desk)
    response = desk.person().client.get(f"/arenden/{first}/sla-ihop", params={"med": asked})
    assert response.status_code == 200
    assert "Det finns inget ärende med numret" in response.text
    assert "<script>" not in response.text.replace("<script src", "")


def test_messages_get_a_case_of_their_own(desk: DeskWorld) -> None:
    case = desk.world.write(sample.OWN)
    other = desk.world.write("Vad hände med tältet?", in_reply_to=(case.message.message_id,))
    kim, old = desk.person(), number(case)
    page = kim.see(f"/arenden/{old}/dela")
    status, where = kim.do(f"/arenden/{old}/dela", seen=hidden(page, "seen"), message=str(other.message_id))
    assert status == 303
    new = where.partition("?")[0].rpartition("/")[2]
    assert new not in (old, "")
    assert "Vad hände med tältet?" in kim.see(f"/arenden/{new}")
    assert f'href="/arenden/{old}"' in kim.see(f"/arenden/{new}")
    page = kim.see(f"/arenden/{old}")
    assert f'href="/arenden/{new}"' in page
    assert page.count('class="message in') == 1


def test_cases_are_linked_and_unlinked_from_either(desk: DeskWorld) -> None:
    first, second = two(desk)
    kim = desk.person()
    seen = hidden(kim.see(f"/arenden/{first}"), "seen")
    assert kim.do(f"/arenden/{first}/lanka", other=second, seen=seen)[0] == 303
    page = kim.see(f"/arenden/{second}")
    assert f"Ta bort länken till {first}" in page
    assert kim.do(f"/arenden/{second}/ta-bort-lank", other=first, seen=hidden(page, "seen"))[0] == 303
    assert f"Ta bort länken till {second}" not in kim.see(f"/arenden/{first}")


# ------------------------------------------------------------------ several at once


def chosen(person: Person, folder: str, *numbers: str) -> dict[str, str]:
    page = person.see(f"/arenden?mapp={folder}")
    return {f"seen-{one}": hidden(page, f"seen-{one}") for one in numbers}


def several(person: Person, numbers: list[str], known: dict[str, str], **fields: str) -> tuple[int, str]:
    response = person.client.post("/arenden/flera", data={"csrf": person.csrf, "case": numbers, **known, **fields})
    return response.status_code, response.text


def test_several_are_done_and_what_should_be_looked_at_is_not(desk: DeskWorld) -> None:
    world, kim = desk.world, desk.person()
    desk.account("alex@stad.example", "Alex Berg")
    plain, suggestion = number(world.write(sample.OWN)), world.write(sample.JOIN, sender=BO)
    urgent = number(world.write("Jag begär en allmän handling.", sender=Address("", "x@post.example")))
    theirs, changed = (
        world.write(sample.OWN, sender=Address("", f"{name}@post.example")) for name in ("alex", "changed")
    )
    with world.sessions.begin() as session:
        case = session.get_one(Conversation, 4)
        escalation.assign(session, case, "alex@stad.example", actor="kim@stad.example", now=world.now)
    numbers = [plain, number(suggestion), urgent, number(theirs), number(changed)]
    known = chosen(kim, "alla", *numbers)
    world.later(minutes=1)
    world.write("En sak till.", sender=Address("", "changed@post.example"), in_reply_to=(changed.message.message_id,))
    world.deliver()
    status, page = several(kim, [*numbers, "LOK-2026-99999"], known, act="klar")
    assert status == 200
    for words in ("Klart: 2", "Inte ändrat: 4", "brådskande", "Alex Berg har ärendet", "sedan listan visades"):
        assert words in page
    assert suggestion.conversation.status is ConversationStatus.RESOLVED
    assert suggestion.items(OutboxKind.REPLY, status=OutboxStatus.HELD) == []
    assert world.deliver() == []


def test_several_are_given_to_a_colleague(desk: DeskWorld) -> None:
    world, kim = desk.world, desk.person()
    desk.account("alex@stad.example", "Alex Berg")
    first, second = world.write(sample.OWN), world.write(sample.OWN, sender=BO)
    world.resolve(second)
    numbers = [number(first), number(second)]
    status, page = several(kim, numbers, chosen(kim, "alla", *numbers), act="tilldela", to="alex@stad.example")
    assert status == 200
    assert "Tilldelat Alex Berg: 1" in page
    assert "Ärendet är redan klart." in page
    assert first.conversation.taken_by == "alex@stad.example"


@pytest.mark.parametrize(
    ("numbers", "fields", "why"),
    [
        ([], {"act": "klar"}, "minst ett ärende"),
        (["LOK-2026-00001"], {"act": "radera"}, "vad som ska göras"),
        (["LOK-2026-00001"], {"act": "tilldela", "to": "chef@stad.example"}, "Välj en samordnare"),
    ],
)
def test_what_cannot_be_meant_changes_nothing(
    desk: DeskWorld, numbers: list[str], fields: dict[str, str], why: str
) -> None:
    case, kim = desk.world.write(sample.OWN), desk.person()
    desk.account("chef@stad.example", "Chefen", (Role.STEERING,))
    status, page = several(kim, numbers, {}, **fields)
    assert status == 409
    assert why in page
    assert case.conversation.status is ConversationStatus.WAITING


# ------------------------------------------------------------------ search


def found(person: Person, words: str, **more: str) -> str:
    return person.client.get("/arenden", params={"mapp": "alla", "q": words, **more}).text


def test_finds_are_marked_and_nothing_else_is_markup(desk: DeskWorld) -> None:
    kim = desk.person()
    case = number(desk.world.write("Vi har <b>fått</b> nya <mark>flöjter</mark> & en trumma."))
    page = found(kim, "flojterna")
    assert f'href="/arenden/{case}"' in page
    assert "&lt;mark&gt;<mark>flöjter</mark>&lt;/mark&gt;" in page
    assert "<b>" not in page


def test_endings_do_not_count_but_quoted_words_stand_as_written(desk: DeskWorld) -> None:
    kim = desk.person()
    case = number(desk.world.write("Har ni fått vår förenings ansökningar om lokalbidraget?"))
    for words in ("ansökningarna", "föreningarnas", "lokalbidrag", '"vår förenings ansökningar"'):
        assert f'href="/arenden/{case}"' in found(kim, words), words
    assert f'href="/arenden/{case}"' not in found(kim, '"förening ansökningar"')


def test_the_name_of_a_file_and_an_association_are_found(desk: DeskWorld) -> None:
    kim = desk.person()
    case = number(desk.world.write(sample.OWN, attachments=(attachment(b"x" * 100, "Årsmötesprotokoll 2025.pdf"),)))
    assert "<mark>Årsmötesprotokoll</mark>" in found(kim, "arsmotesprotokoll")
    page = kim.see(f"/arenden/{case}")
    kim.do(f"/arenden/{case}/hor-till", association="Råå Hembygdsförening", seen=hidden(page, "seen"))
    page = found(kim, "hembygdsföreningen raa")
    assert "<mark>Hembygdsförening</mark>" in page
    assert f'href="/arenden/{case}"' in page


def test_filters_are_looked_at_before_the_newest_finds_are_taken(desk: DeskWorld) -> None:
    world, kim = desk.world, desk.person()
    old = number(world.write(sample.OWN))
    day = world.now.date().isoformat()
    world.later(days=400)
    for one in range(60):
        world.write(sample.OWN, sender=Address("", f"p{one}@post.example"))
    kim.log_in("kim@stad.example")
    page = found(kim, "ansökan", fran=day, till=day)
    assert f'href="/arenden/{old}"' in page
    assert page.count('class="excerpt"') == 1


def test_pages_of_a_search_hold_each_find_once(desk: DeskWorld) -> None:
    world, kim = desk.world, desk.person()
    numbers = {number(world.write(sample.OWN, sender=Address("", f"p{one}@post.example"))) for one in range(55)}
    seen: list[str] = []
    for page in ("1", "2"):
        text = found(kim, "ansökan", sida=page)
        seen += [one for one in numbers if f'href="/arenden/{one}"' in text]
    assert len(seen) == len(set(seen)) == 55
