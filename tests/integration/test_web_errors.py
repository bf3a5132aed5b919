"""What is said where a page cannot be had: in the reader's language, with the headers, without a traceback."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from httpx2 import Response

from lokbot.model import OutboxKind, Role
from lokbot.store import queries
from lokbot.store.session import Sessions
from lokbot.web import app, live, rendering
from tests import sample_knowledge as sample
from tests.integration.browser import DeskWorld, Person, hidden
from tests.integration.world import World


@pytest.fixture
def desk(sessions: Sessions) -> DeskWorld:
    return DeskWorld(World(sessions))


@dataclass(frozen=True)
class Seen:
    """Where an answer of ours is no page that was asked for."""

    title: str
    ask: Callable[[Person, str], Response]
    status: int


def _conflict(kim: Person, case: str) -> Response:
    return kim.client.post("/kunskap/ga-med/tillbaka", data={"csrf": kim.csrf, "revision": ""})


def _locked(kim: Person, case: str) -> Response:
    wrong = {"email": "bo@stad.example", "password": "fel"}
    return [kim.client.post("/logga-in", data=wrong) for _ in range(20)][-1]


def _late(kim: Person, case: str) -> Response:
    return kim.client.post(f"{case}/svara", data={"csrf": "gammal", "answer": "Hej!"})


def _foreign(kim: Person, case: str) -> Response:
    form = {"csrf": kim.csrf, "answer": "Hej!"}
    return kim.client.post(f"{case}/svara", data=form, headers={"sec-fetch-site": "cross-site"})


def _large(kim: Person, case: str) -> Response:
    return kim.client.post(f"{case}/anteckna", data={"csrf": kim.csrf, "note": "x" * 13_000_000})


def _endless(kim: Person, case: str) -> Response:
    return kim.client.post(f"{case}/anteckna", content=iter([b"note=x"]))


PAGES = {
    "400": Seen("Det gick inte att läsa", lambda kim, _: kim.client.get("/arenden?q=%00"), 400),
    "403 role": Seen("Du får inte se den här sidan", lambda kim, _: kim.client.get("/personer"), 403),
    "403 form from elsewhere": Seen("Formuläret kom inte från den här sidan", _foreign, 403),
    "403 old form": Seen("Sidan har blivit för gammal", _late, 403),
    "404": Seen("Sidan finns inte", lambda kim, _: kim.client.get("/finns-inte"), 404),
    "404 case": Seen("Sidan finns inte", lambda kim, _: kim.client.get("/arenden/LOK-2026-99999"), 404),
    "404 link": Seen("Länken gäller inte längre", lambda kim, _: kim.client.get("/valkommen/gammal"), 404),
    "405": Seen("Sidan finns inte", lambda kim, _: kim.client.put("/arenden"), 405),
    "409": Seen("Det gick inte", _conflict, 409),
    "411": Seen("Det gick inte att läsa", _endless, 411),
    "413": Seen("Filen är för stor", _large, 413),
    "429": Seen("För många försök. Vänta en kvart och försök igen.", _locked, 429),
}


def speak(kim: Person, language: str) -> None:
    """Choose the language of the pages, as one does under one's name."""
    seen = hidden(kim.see("/konto"), "seen")
    assert kim.do("/konto", name="Kim Sand", language=language, seen=seen)[0] == 303


def said(response: Response, title: str, language: str) -> None:
    """The page is whole, in one language, and protected as any other."""
    assert f'<html lang="{language}">' in response.text
    assert rendering.say(title, language) in response.text
    assert ("Till förstasidan" in response.text) <= (language == "sv")
    assert "Traceback" not in response.text
    assert "default-src 'none'" in response.headers["content-security-policy"]
    assert response.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("language", ["sv", "en"])
@pytest.mark.parametrize("name", PAGES)
def test_what_cannot_be_had_is_told_in_the_readers_language(desk: DeskWorld, name: str, language: str) -> None:
    kim, case = desk.person(), desk.world.write(sample.OWN).conversation.case_number
    speak(kim, language)
    # Their own choice goes before the browser's.
    kim.client.headers["accept-language"] = "sv" if language == "en" else "en"
    response = PAGES[name].ask(kim, f"/arenden/{case}")
    assert response.status_code == PAGES[name].status
    said(response, PAGES[name].title, language)


@pytest.mark.parametrize("language", ["sv", "en"])
def test_a_stranger_reads_it_in_the_browsers_language(desk: DeskWorld, language: str) -> None:
    response = desk.stranger().client.get("/finns-inte", headers={"accept-language": f"{language}-X,de;q=0.5"})
    assert response.status_code == 404
    said(response, "Sidan finns inte", language)


@pytest.mark.parametrize("language", ["sv", "en"])
def test_an_error_of_ours_shows_and_logs_nobodys_words(
    desk: DeskWorld, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, language: str
) -> None:
    kim, case = desk.person(), desk.world.write(sample.OWN).conversation.case_number
    speak(kim, language)

    def fail(*_: object) -> None:
        raise RuntimeError("Anna Holm 070-123 45 67")

    monkeypatch.setattr(queries, "conversation_for", fail)
    with caplog.at_level(logging.DEBUG):
        response = kim.client.get(f"/arenden/{case}")
    assert response.status_code == 500
    said(response, "Något gick fel hos oss", language)
    assert "Anna Holm" not in response.text + caplog.text
    assert "RuntimeError in fail" in caplog.text


def test_where_not_even_a_page_can_be_made_both_languages_are_there(
    desk: DeskWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    kim = desk.person()

    def fail(*_: object) -> None:
        raise RuntimeError("Anna Holm")

    monkeypatch.setattr(live, "newest", fail)
    response = kim.client.get("/arenden")
    assert response.status_code == 500
    assert response.headers["content-type"].startswith("text/plain")
    for sentence in app.REFUSALS[500]:
        assert sentence in response.text
        assert rendering.say(sentence, "en") in response.text
    assert "Anna" not in response.text
    assert "default-src 'none'" in response.headers["content-security-policy"]


def test_who_was_logged_out_while_writing_hears_that_nothing_was_sent(desk: DeskWorld) -> None:
    kim, case = desk.person(), desk.world.write(sample.OWN)
    kim.client.cookies.clear()
    path = f"/arenden/{case.conversation.case_number}"
    response = kim.client.post(f"{path}/svara", data={"csrf": kim.csrf, "answer": "Hej!"}, follow_redirects=True)
    assert "Du hade blivit utloggad. Inget är skickat eller ändrat." in response.text
    assert f'name="next" value="{path}"' in response.text, "and comes back to the case"
    assert not case.items(OutboxKind.ANSWER)


@pytest.mark.parametrize("role", list(Role))
def test_an_error_page_leads_on_for_everybody(desk: DeskWorld, role: Role) -> None:
    person = desk.person(roles=(role,))
    assert '<a href="/">' in person.client.get("/finns-inte").text
    assert person.client.get("/", follow_redirects=True).status_code == 200
