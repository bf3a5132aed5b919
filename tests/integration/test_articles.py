"""The FAQ in the desk: a draft is written, checked, approved, told, and taken back; two at once; who may."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, timedelta
from html import unescape
from pathlib import Path

import pytest
from sqlalchemy import select

from lokbot import audit, editing, promoting
from lokbot.knowledge import publishing
from lokbot.knowledge.loading import with_digest
from lokbot.model import Address, GoldenQuestion, OutboxKind, Outcome, Role
from lokbot.store.schema import Correction
from lokbot.store.session import Sessions
from tests import sample_knowledge as sample
from tests import small_content
from tests.integration.browser import DeskWorld, Person, hidden
from tests.integration.world import SUGGEST, World

NEW_ANSWER = "Styrelsen skriver under ett nytt papper. Det skickas till samordnarna."


@pytest.fixture
def desk(sessions: Sessions) -> DeskWorld:
    return DeskWorld(World(sessions))


def renew(desk: DeskWorld) -> None:
    """What ``content.Content`` does within a second: what the store holds by now answers."""
    desk.world.publish(desk.world.knowledge)


def form(desk: DeskWorld, name: str = "ga-med", **changed: str) -> dict[str, str]:
    with desk.world.sessions() as session:
        knowledge = editing.newest(session, desk.world.active)
    fields = editing.as_form(knowledge.articles[name], "sv")
    return {**{key: value for key, value in fields.items() if value}, "text": "sv", "article": name, **changed}


def write(person: Person, desk: DeskWorld, **changed: str) -> tuple[int, str]:
    page = person.see("/kunskap/ga-med/andra")
    stamps = {name: changed.pop(name, "") or hidden(page, name) for name in ("seen", "cared")}
    return person.do("/kunskap/ga-med/andra", **stamps, **form(desk, **changed))


def answer_to(desk: DeskWorld, text: str = sample.JOIN) -> str:
    desk.world.later(minutes=1)
    return desk.world.write(text).told()[-1].text


def test_a_draft_is_told_to_nobody_until_it_is_approved_and_can_be_taken_back(desk: DeskWorld) -> None:
    kim = desk.person()
    old = answer_to(desk)
    status, where = write(kim, desk, answer=NEW_ANSWER)
    assert (status, where.split("?")[0]) == (303, "/kunskap/ga-med/kontroll")
    renew(desk)
    assert NEW_ANSWER.split(".")[0] not in answer_to(desk)
    page = kim.see(where)
    assert "Godkänn och börja använda" in page
    assert kim.do("/kunskap/ga-med/godkann", text="sv", seen=hidden(page, "seen"))[0] == 303
    renew(desk)
    assert NEW_ANSWER.split(".")[0] in answer_to(desk)
    page = kim.see("/kunskap/ga-med")
    assert "Godkänd av Kim Sand" in page
    assert "<del>Svar:" in page
    status, _ = kim.do("/kunskap/ga-med/tillbaka", revision=hidden(page, "revision"), seen=hidden(page, "seen"))
    assert status == 303
    renew(desk)
    assert answer_to(desk).split("LOK-")[0] == old.split("LOK-")[0]
    with desk.world.sessions() as session:
        acts = {entry.act for entry in audit.search(session, actor="kim@stad.example").entries}
    assert {"wrote", "approved", "rolled-back"} <= acts


def test_another_edit_meanwhile_is_shown_and_nothing_is_lost(desk: DeskWorld) -> None:
    kim, alex = desk.person(), desk.person("alex@stad.example", "Alex Berg")
    seen = hidden(kim.see("/kunskap/ga-med/andra"), "seen")
    assert write(alex, desk, answer="Alex svar är här.", seen=seen)[0] == 303
    status, page = write(kim, desk, answer="Kims svar är här.", seen=seen)
    assert status == 409
    assert "Alex Berg har sparat version" in page
    assert "<ins>Svar: Alex svar är här.</ins>" in page
    assert "Kims svar är här." in page
    assert write(kim, desk, answer="Kims svar är här.", seen=hidden(page, "seen"))[0] == 303


def test_a_date_that_another_has_set_meanwhile_is_not_written_over(desk: DeskWorld) -> None:
    kim, alex = desk.person(), desk.person("alex@stad.example", "Alex Berg")
    cared = hidden(kim.see("/kunskap/ga-med/andra"), "cared")
    assert write(alex, desk, review_by="2027-05-01")[0] == 303
    status, page = write(kim, desk, cared=cared, review_by="2027-02-01")
    assert status == 409
    assert "Alex Berg ändrade något medan du skrev." in page
    assert "Ses över senast: 2027-05-01" in page
    assert 'value="2027-02-01"' in page
    assert write(kim, desk, cared=hidden(page, "cared"), review_by="2027-02-01")[0] == 303
    assert "2027-02-01" in kim.see("/kunskap/ga-med")


def test_a_files_new_date_holds_beside_what_the_desk_has_set(desk: DeskWorld) -> None:
    kim = desk.person()
    write(kim, desk, review_by="2027-05-01")
    base = desk.world.knowledge
    file = replace(base.articles["ga-med"], link_checked_on=date(2026, 11, 1))
    later = replace(base, articles={**base.articles, "ga-med": file})
    with desk.world.sessions.begin() as session:
        found = publishing.active(session, later, prefer_approved=False).articles["ga-med"]
        assert (found.review_by, found.link_checked_on) == (date(2027, 5, 1), date(2026, 11, 1))
        newer = {**base.articles, "ga-med": replace(file, review_by=date(2028, 1, 1))}
        found = publishing.active(session, replace(base, articles=newer), prefer_approved=False).articles["ga-med"]
        assert found.review_by == date(2028, 1, 1), "the file has said something else since"


def test_an_approval_is_of_the_version_that_was_read(desk: DeskWorld) -> None:
    kim = desk.person()
    write(kim, desk, answer="Ett första utkast.")
    seen = hidden(kim.see("/kunskap/ga-med/kontroll"), "seen")
    write(kim, desk, answer="Ett andra utkast.")
    assert kim.do("/kunskap/ga-med/godkann", text="sv", seen=seen)[0] == 409


def test_a_second_person_approves_where_that_is_demanded(sessions: Sessions) -> None:
    texts = SUGGEST.texts.model_copy(update={"second_person": True})
    desk = DeskWorld(World(sessions, SUGGEST.model_copy(update={"texts": texts})))
    kim, alex = desk.person(), desk.person("alex@stad.example", "Alex Berg")
    write(kim, desk, answer=NEW_ANSWER)
    page = kim.see("/kunskap/ga-med/kontroll")
    assert "Godkänn och börja använda" not in page
    seen = hidden(alex.see("/kunskap/ga-med/kontroll"), "seen")
    assert kim.do("/kunskap/ga-med/godkann", text="sv", seen=seen)[0] == 409
    assert alex.do("/kunskap/ga-med/godkann", text="sv", seen=seen)[0] == 303


def test_a_wording_of_another_article_is_named_and_stops_the_approval(desk: DeskWorld) -> None:
    kim = desk.person()
    other = desk.world.knowledge.articles["lana-lokal"].texts["sv"].questions[0]
    _, where = write(kim, desk, questions=f"{sample.JOIN}\n{other}")
    page = kim.see(where)
    assert "finns också i artikeln »lana-lokal»" in page
    assert "Godkänn och börja använda" not in page
    seen = hidden(kim.see("/kunskap/ga-med/andra"), "seen")
    assert kim.do("/kunskap/ga-med/godkann", text="sv", seen=seen)[0] == 409


def test_golden_questions_that_change_are_named_and_unseen_ones_never_asked(sessions: Sessions) -> None:
    wanted = GoldenQuestion(
        "g1", "Vem målar vår ryttarstaty turkos?", "sv", "plain", frozenset({Outcome.ANSWER}), ("ga-med",), None
    )
    golden = (wanted, replace(wanted, id="g2", text="Ryttarstaty turkos, en gång till?", is_unseen=True))
    desk = DeskWorld(World(sessions, knowledge=with_digest(replace(sample.knowledge(), golden=golden))))
    kim = desk.person()
    questions = f"{sample.JOIN}\nVem målar ryttarstaty turkos hos oss?\nVem målar vår ryttarstaty turkos nu?"
    where = write(kim, desk, questions=questions)[1]
    assert 'data-fragment="/kunskap/ga-med/facit?text=sv"' in kim.see(where)
    page = kim.see("/kunskap/ga-med/facit?text=sv")
    assert "1 av 1 facitfrågor får ett annat utfall" in page
    assert "Vem målar vår ryttarstaty turkos?" in page
    assert "en gång till" not in page


def test_the_preview_is_the_reply_as_it_would_be_sent(desk: DeskWorld) -> None:
    kim = desk.person()
    fields = form(desk, answer="En helt ny mening.")
    response = kim.client.post("/kunskap/forhandsvisa", data={"csrf": kim.csrf, **fields}, headers={"x-live": "1"})
    assert response.status_code == 200
    assert "En helt ny mening." in response.text
    assert "Källa: Provsidan" in response.text
    assert "LIX" in response.text
    assert "<html" not in response.text
    assert "Förhandsvisa" in kim.do("/kunskap/forhandsvisa", **fields)[1]


def test_a_faq_is_made_of_an_answer_without_personal_data(desk: DeskWorld) -> None:
    kim = desk.person()
    case = desk.world.write("Vem målar elefanten? Ring mig på 070-123 45 67. Mvh Anna")
    path = f"/arenden/{case.conversation.case_number}"
    kim.do(
        f"{path}/svara",
        seen=hidden(kim.see(path), "seen"),
        answer="Hej Anna!\n\nMålaren målar den.\n\nMed vänliga hälsningar\nKim",
    )
    status, page = kim.do(f"{path}/faq")
    assert status == 200
    assert "Målaren målar den." in page
    assert "070-123" not in page
    shown = page[page.index('name="questions"') : page.index('name="short"')]
    assert "Anna" not in shown
    fields = {
        "questions": "Vem målar elefanten?",
        "answer": "Målaren målar den.",
        "id": "elefanten",
        "topic": "anslutning",
    }
    more = {
        "administration": "samordnare",
        "responsible": "samordnare",
        "sources": "Handboken",
        "text": "sv",
        "seen": "0",
    }
    topic, owner = next(iter(desk.world.knowledge.topics)), next(iter(desk.world.knowledge.administrations))
    status, where = kim.do("/kunskap/ny", **{**fields, **more, "topic": topic, "administration": owner})
    assert (status, where.split("?")[0]) == (303, "/kunskap/elefanten/kontroll")
    assert kim.do("/kunskap/elefanten/godkann", text="sv", seen="1")[0] == 303
    renew(desk)
    assert "Målaren målar den." in answer_to(desk, "Vem målar elefanten?")


def test_a_correction_becomes_a_wording_by_one_click(desk: DeskWorld) -> None:
    kim = desk.person()
    case = desk.world.write(sample.NONSENSE)
    path = f"/arenden/{case.conversation.case_number}"
    question = case.conversation.messages[0].questions[0].id
    kim.do(f"{path}/ratta", seen=hidden(kim.see(path), "seen"), question=str(question), article="ga-med")
    with desk.world.sessions() as session:
        identity = session.scalars(select(Correction.id)).one()
    assert sample.NONSENSE in kim.see("/kunskap/luckor")
    assert kim.do(f"/kunskap/rattelse/{identity}", wording=sample.NONSENSE, becomes="wording")[0] == 303
    assert sample.NONSENSE in kim.see("/kunskap/ga-med")
    assert "Inga rättelser väntar" in kim.see("/kunskap/luckor")


def test_a_correction_becomes_a_golden_question_in_the_files(sessions: Sessions, tmp_path: Path) -> None:
    small_content.write(tmp_path)
    folder = tmp_path / "knowledge"
    files = SUGGEST.model_copy(update={"knowledge_dir": folder, "intents_dir": tmp_path / "intents"})
    desk = DeskWorld(World(sessions, files))
    kim = desk.person()
    case = desk.world.write(sample.NONSENSE)
    path = f"/arenden/{case.conversation.case_number}"
    question = case.conversation.messages[0].questions[0].id
    kim.do(f"{path}/ratta", seen=hidden(kim.see(path), "seen"), question=str(question), article="-")
    with desk.world.sessions() as session:
        identity = session.scalars(select(Correction.id)).one()
    page = kim.see("/kunskap/luckor")
    assert "Spara som facitfråga" in page
    assert "Lägg till som fråga" not in page, "no article answers it"
    refused = kim.do(f"/kunskap/rattelse/{identity}", wording="Ring 070-123 45 67", becomes="golden")
    assert refused[0] == 409
    assert kim.do(f"/kunskap/rattelse/{identity}", wording=sample.NONSENSE, becomes="golden")[0] == 303
    assert sample.NONSENSE in (folder / promoting.FROM_PEOPLE).read_text("utf-8")
    assert kim.do(f"/kunskap/rattelse/{identity}", wording="Igen?", becomes="golden")[0] == 409


def test_a_theme_fills_a_draft(desk: DeskWorld) -> None:
    kim = desk.person()
    desk.world.write(sample.NONSENSE)
    theme = hidden(kim.see("/kunskap/luckor"), "tema")
    assert sample.NONSENSE in kim.client.get("/kunskap/ny", params={"tema": theme}).text


def test_what_the_desk_wrote_survives_an_export_and_a_new_import(desk: DeskWorld) -> None:
    kim = desk.person()
    write(kim, desk, answer=NEW_ANSWER, review_by="2027-05-01", near_misses="Hur går vi ur?")
    with desk.world.sessions.begin() as session:
        exported = publishing.active(session, desk.world.knowledge, prefer_approved=False)
        found = exported.articles["ga-med"]
        assert (str(found.review_by), found.near_misses) == ("2027-05-01", ("Hur går vi ur?",))
        assert found.texts["sv"].answer == NEW_ANSWER
        imported = publishing.import_knowledge(session, exported, now=desk.world.now)
        assert (imported.new, imported.changed, imported.conflicts) == ((), (), ())
        assert publishing.active(session, exported, prefer_approved=False).articles == exported.articles


def test_only_those_who_keep_the_texts_reach_them(desk: DeskWorld) -> None:
    for role in (Role.REGISTRATOR, Role.STEERING):
        person = desk.person(f"{role}@stad.example", role, (role,))
        assert person.client.get("/kunskap").status_code == 403
        assert person.do("/kunskap/ga-med/godkann", text="sv", seen="1")[0] == 403
    assert "Kunskap" in desk.person("admin@stad.example", "Ada", (Role.ADMIN,)).see("/kunskap")


def test_the_list_is_searched_and_narrowed(desk: DeskWorld) -> None:
    kim = desk.person()
    assert 'href="/kunskap/ga-med"' in kim.client.get("/kunskap", params={"q": "medlem samverkan"}).text
    assert 'href="/kunskap/lana-lokal"' not in kim.client.get("/kunskap", params={"q": "medlem samverkan"}).text
    assert 'href="/kunskap/valberedning"' in kim.see("/kunskap?lage=draft")
    assert 'href="/kunskap/ga-med"' in kim.see("/kunskap?lage=unused")
    case = desk.world.write(sample.JOIN)
    desk.world.deliver()
    assert case.items(OutboxKind.ANSWER) or case.told()
    assert 'href="/kunskap/ga-med"' not in kim.see("/kunskap?lage=unused")
    page = kim.see("/kunskap/ga-med")
    assert "Vilka fick den (1)" in page
    assert case.conversation.case_number in kim.see(re.findall(r'href="(/version/\d+)"', page)[0])


def listed(person: Person, state: str) -> list[str]:
    """The articles that the list shows for a state, in its order."""
    return list(dict.fromkeys(re.findall(r'href="/kunskap/([a-z-]+)"', person.see(f"/kunskap?lage={state}"))))


def test_what_expired_what_soon_will_and_what_was_corrected_most_is_listed(desk: DeskWorld) -> None:
    kim, today = desk.person(), desk.world.now.date()
    assert "ga-med" not in listed(kim, "expired") + listed(kim, "soon") + listed(kim, "corrected")
    for state, other, days in (("soon", "expired", 30), ("expired", "soon", -1)):
        assert write(kim, desk, review_by=str(today + timedelta(days=days)))[0] == 303
        assert "ga-med" in listed(kim, state)
        assert "ga-med" not in listed(kim, other)
    assert write(kim, desk, review_by=str(today + timedelta(days=31)))[0] == 303
    assert "ga-med" not in listed(kim, "expired") + listed(kim, "soon")

    hall = desk.world.knowledge.articles["lana-lokal"].texts["sv"].questions[0]
    for text, right, times in ((sample.JOIN, "lana-lokal", 2), (hall, "ga-med", 1)):
        for _ in range(times):
            desk.world.later(minutes=1)
            case = desk.world.write(text)
            path = f"/arenden/{case.conversation.case_number}"
            question = case.conversation.messages[0].questions[0].id
            corrected = kim.do(
                f"{path}/ratta", seen=hidden(kim.see(path), "seen"), question=str(question), article=right
            )
            assert corrected[0] == 303
    assert [one for one in listed(kim, "corrected") if one in ("ga-med", "lana-lokal")] == ["ga-med", "lana-lokal"]


def test_a_translation_is_written_beside_the_swedish_and_approved_by_itself(desk: DeskWorld) -> None:
    kim, name = desk.person(), "lana-lokal"
    assert "en" not in desk.world.knowledge.articles[name].texts
    assert f'href="/kunskap/{name}/andra?text=en"' in kim.see(f"/kunskap/{name}")
    page = kim.see(f"/kunskap/{name}/andra?text=en")
    swedish = desk.world.knowledge.articles[name].texts["sv"]
    beside = page[page.index('id="svenska"') :]
    assert swedish.questions[0] in beside
    assert swedish.answer.strip().split("\n")[0] in unescape(beside)
    fields = {"questions": "How do we borrow a hall?", "answer": "Ask the city for the key of the hall.", "short": ""}
    stamps = {one: hidden(page, one) for one in ("seen", "cared")}
    status, where = kim.do(f"/kunskap/{name}/andra", text="en", article=name, **stamps, **fields)
    assert (status, where.split("?")[0]) == (303, f"/kunskap/{name}/kontroll")
    renew(desk)
    assert "Ask the city for the key" not in answer_to(desk, "How do we borrow a hall?")
    seen = hidden(kim.see(f"/kunskap/{name}/kontroll?text=en"), "seen")
    assert kim.do(f"/kunskap/{name}/godkann", text="en", seen=seen)[0] == 303
    renew(desk)
    assert "Ask the city for the key" in answer_to(desk, "How do we borrow a hall?")
    page = kim.see(f"/kunskap/{name}")
    assert page.index('id="tsv"') < page.index('id="ten"'), "both beside each other"


def test_a_faq_names_nobody_who_took_part(desk: DeskWorld) -> None:
    kim = desk.person()
    siv, bo = Address("Siv Ek", "siv@forening.example"), Address("Bo Alm", "bo@forening.example")
    case = desk.world.write("Vem målar Sivs och Bos elefant?", sender=siv, cc=(bo,))
    path = f"/arenden/{case.conversation.case_number}"
    answer = "Målaren målar Alms elefant, och Siv väntar."
    kim.do(f"{path}/svara", seen=hidden(kim.see(path), "seen"), answer=answer)
    page = kim.do(f"{path}/faq")[1]
    shown = page[page.index('name="questions"') : page.index('name="short"')]
    assert "Målaren målar [namn] elefant, och [namn] väntar." in shown
    assert not re.search(r"\b(Siv|Bo|Alm)s?\b", shown)
