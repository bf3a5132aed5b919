"""The desk at work: folders, a case, what is done in it, two coordinators at once, what outside words can do."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from lokbot import audit, desk_settings
from lokbot.config import Settings
from lokbot.model import (
    Address,
    Authentication,
    Automatic,
    ConversationStatus,
    MessageState,
    OutboxKind,
    OutboxStatus,
    Role,
)
from lokbot.store.schema import Correction, DecisionRecord, Draft, Message, Note
from lokbot.store.session import Sessions
from tests import sample_knowledge as sample
from tests.integration.browser import DeskWorld, Person, hidden
from tests.integration.world import SUGGEST, Case, World
from tests.sample_mails import NOW, attachment


@pytest.fixture
def desk(sessions: Sessions) -> DeskWorld:
    return DeskWorld(World(sessions))


@pytest.fixture
def suggesting(sessions: Sessions) -> DeskWorld:
    """A desk where the bot may only suggest."""
    return DeskWorld(World(sessions, SUGGEST))


def path_of(case: Case) -> str:
    return f"/arenden/{case.conversation.case_number}"


def act(person: Person, case: Case, name: str, **fields: str) -> tuple[int, str]:
    """What a coordinator does after having opened the case."""
    fields.setdefault("seen", hidden(person.see(path_of(case)), "seen"))
    return person.do(f"{path_of(case)}/{name}", **fields)


# ------------------------------------------------------------------ folders and search


def test_the_inbox_opens_where_there_is_something_to_do(desk: DeskWorld) -> None:
    kim = desk.person()
    assert "<h1>Väntar på svar</h1>" in kim.see("/arenden")
    case = desk.world.write("Jag begär en allmän handling.", sender=Address("", "x@post.example"))
    page = kim.see("/arenden")
    assert "<h1>Brådskande</h1>" in page
    assert case.conversation.case_number in page
    assert 'Brådskande <span class="count">1</span>' in page


def test_each_folder_holds_its_cases(suggesting: DeskWorld) -> None:
    world, kim = suggesting.world, suggesting.person()
    suggestion = world.write(sample.JOIN).conversation.case_number
    own = world.write(sample.OWN, sender=Address("", "b@post.example"))
    taken = world.write("Har ni fått min rapport?", sender=Address("", "c@post.example"))
    act(kim, taken, "ta")
    done = world.write("Vad hände med vår ansökan?", sender=Address("", "d@post.example"))
    act(kim, done, "klar")

    def holds(folder: str) -> set[str]:
        page = kim.see(f"/arenden?mapp={folder}")
        numbers = {c.conversation.case_number for c in (own, taken, done)} | {suggestion}
        return {number for number in numbers if f'href="/arenden/{number}"' in page}

    own_, taken_, done_ = (one.conversation.case_number for one in (own, taken, done))
    assert holds("forslag") == {suggestion}
    assert holds("vantar") == {suggestion, own_}
    assert holds("mina") == {taken_}
    assert holds("klara") == {done_}
    assert holds("alla") == {suggestion, own_, taken_, done_}
    assert holds("misslyckade") == holds("bradskande") == set()


def test_the_other_folders_hold_theirs(desk: DeskWorld) -> None:
    world, kim = desk.world, desk.person()

    def from_another(text: str, **values: Any) -> Case:
        return world.write(text, sender=Address("", f"{len(cases)}@post.example"), **values)

    cases: dict[str, Case] = {}
    cases["bradskande"] = from_another("Jag begär en allmän handling.")
    cases["forvaltning"] = from_another(sample.OWN)
    act(kim, cases["forvaltning"], "skicka-vidare", administration="kultur", address="kultur@stad.example")
    cases["vilar"] = from_another(sample.OWN)
    act(kim, cases["vilar"], "vila", until=str(world.now.date() + timedelta(days=7)))
    cases["boten"] = from_another(sample.JOIN)
    cases["automatiska"] = from_another("Jag är borta.", automatic=Automatic(True, "auto-reply", "Auto-Submitted"))
    world.deliver()
    cases["misslyckade"] = from_another(sample.OWN)
    with world.sessions.begin() as session:
        message = session.get_one(Message, cases["misslyckade"].message_id)
        message.state, message.failure = MessageState.FAILED, "RuntimeError"
    numbers = {folder: case.conversation.case_number for folder, case in cases.items()}
    for folder, number in numbers.items():
        page = kim.see(f"/arenden?mapp={folder}")
        assert [one for one in numbers.values() if f'href="/arenden/{one}"' in page] == [number], folder


def test_what_waits_longest_stands_first_and_what_is_urgent_before_it(desk: DeskWorld) -> None:
    world, kim = desk.world, desk.person()
    first = world.write(sample.OWN)
    world.later(hours=1)
    second = world.write(sample.OWN, sender=Address("", "b@post.example"))
    world.later(hours=1)
    urgent = world.write("Jag begär en allmän handling.", sender=Address("", "c@post.example"))
    page = kim.see("/arenden?mapp=vantar")
    places = [page.index(case.conversation.case_number) for case in (urgent, first, second)]
    assert places == sorted(places)


@pytest.mark.parametrize(
    "words",
    ["flöjt", "FLÖJT", "flojt", "flöjtorke", "Anna Prov", "anna@forening", "LOK-2026-00001", "instrument flöjt"],
)
def test_a_case_is_found_by_what_people_remember_of_it(desk: DeskWorld, words: str) -> None:
    world, kim = desk.world, desk.person()
    wanted = world.write("Har ni fått vår ansökan om flöjtorkesterns instrument?").conversation.case_number
    other = world.write(sample.OWN, sender=Address("Bo Ek", "b@post.example")).conversation.case_number
    page = kim.client.get("/arenden", params={"mapp": "alla", "q": words}).text
    assert wanted in page
    assert f'href="/arenden/{other}"' not in page


def test_notes_and_answers_are_searched_too(desk: DeskWorld) -> None:
    kim, case = desk.person(), desk.world.write(sample.OWN)
    act(kim, case, "anteckna", note="Ring kassören om trombonen.")
    act(kim, case, "svara", answer="Vi återkommer om klarinetten.")
    for words in ("trombonen", "klarinetten"):
        assert case.conversation.case_number in kim.client.get("/arenden", params={"mapp": "alla", "q": words}).text


@pytest.mark.parametrize("words", ['"', "'", "*", "AND OR NOT", "a:b", "%", "\\", "') --", "å" * 3000])
def test_odd_searches_find_nothing_and_break_nothing(desk: DeskWorld, words: str) -> None:
    desk.world.write(sample.OWN)
    kim = desk.person()
    assert kim.client.get("/arenden", params={"mapp": "alla", "q": words}).status_code == 200


def test_filters_narrow_a_folder(desk: DeskWorld) -> None:
    kim, case = desk.person(), desk.world.write(sample.OWN)
    number, day = case.conversation.case_number, NOW.date()
    assert number in kim.see(f"/arenden?mapp=alla&kanal=mail&fran={day}&till={day}")
    for other in ("kanal=telegram", f"fran={day + timedelta(days=1)}", f"till={day - timedelta(days=1)}", "rubrik=x"):
        assert number not in kim.see(f"/arenden?mapp=alla&{other}")
    assert number in kim.see("/arenden?mapp=alla&fran=igår&sida=x")
    assert number in kim.see("/arenden?mapp=alla&status=waiting")
    assert number not in kim.see("/arenden?mapp=alla&status=resolved")
    act(kim, case, "skicka-vidare", administration="kultur", address="kultur@stad.example")
    assert number in kim.see("/arenden?mapp=alla&forvaltning=kultur")
    assert number not in kim.see("/arenden?mapp=alla&forvaltning=fritid")


def test_an_associations_cases_are_found_by_its_name(desk: DeskWorld) -> None:
    kim, case = desk.person(), desk.world.write(sample.OWN)
    other = desk.world.write(sample.OWN, sender=Address("", "b@post.example")).conversation.case_number
    act(kim, case, "hor-till", association="Råå hembygdslag")
    number = case.conversation.case_number
    for name in ("Råå hembygdslag", "raa hembygdslag"):
        page = kim.client.get("/arenden", params={"mapp": "alla", "forening": name}).text
        assert f'href="/arenden/{number}"' in page
        assert f'href="/arenden/{other}"' not in page
    assert number not in kim.client.get("/arenden", params={"mapp": "alla", "forening": "Seglarna"}).text
    assert 'forening=R%C3%A5%C3%A5%20hembygdslag"' in kim.see(path_of(case))


# ------------------------------------------------------------------ a case


def test_what_only_sounds_alike_is_not_told_as_the_askers_words(desk: DeskWorld) -> None:
    case = desk.world.write(sample.OWN)
    with desk.world.sessions.begin() as session:
        for decision in session.scalars(select(DecisionRecord)):
            decision.evidence = [
                {"matcher": "semantic", "detail": "Har ni läst vårt brev?", "score": 0.9},
                {"matcher": "kind", "detail": "amount date", "score": 0.0},
            ]
    page = desk.person().see(path_of(case))
    assert "<dt>Betyder ungefär som</dt><dd>”Har ni läst vårt brev?”</dd>" in page
    assert "<dt>Uppgift som svaret saknar</dt><dd>belopp, datum</dd>" in page
    assert "Ord som avgjorde" not in page


def test_a_case_tells_what_happened_and_why(desk: DeskWorld) -> None:
    case = desk.world.write(sample.JOIN)
    desk.world.deliver()
    page = desk.person().see(path_of(case))
    assert sample.JOIN in page
    assert "Varför: boten kom fram till ett svar" in page
    assert "version 1" in page
    assert "Botens svar" in page
    for ground in ("Hur säker", "Rubrik", "Vems fråga", "Regel", "Svar som låg närmast:"):
        assert ground in page, ground
    assert re.search(r"<dd>\d+ %</dd>", page)


@pytest.mark.parametrize(
    ("found", "said"),
    [("pass", "Vår mejlserver intygar avsändaren."), ("fail", "Varning: avsändarens domän står inte för mejlet.")],
)
def test_how_the_sender_was_proven_stands_with_the_mail(desk: DeskWorld, found: str, said: str) -> None:
    case = desk.world.write(sample.OWN, authentication=Authentication("mx.stad.example", dmarc=found))
    assert said in desk.person().see(path_of(case))


def test_what_was_quoted_is_folded(desk: DeskWorld) -> None:
    quoted = "> Det här stod i det gamla mejlet."
    case = desk.world.write(f"{sample.OWN}\n\nDen 1 mars 2026 skrev staden:\n{quoted}", new_text=sample.OWN)
    before, _, after = desk.person().see(path_of(case)).partition("Visa hela mejlet med citat")
    assert sample.OWN in before
    assert "gamla mejlet" not in before
    assert "gamla mejlet" in after


def test_an_answer_leaves_after_the_undo_time_and_settles_the_case(desk: DeskWorld) -> None:
    kim, case = desk.person(), desk.world.write(sample.OWN)
    desk.world.deliver()
    status, where = act(kim, case, "svara", answer="Hej!\r\n\r\nVi har fått den.")
    assert (status, where) == (303, f"{path_of(case)}?klart=answered&kl=10.40")
    page = kim.see(where)
    assert "Svaret skickas klockan 10.40." in page
    assert "Ångra" in page
    assert not desk.world.deliver()
    desk.world.later(minutes=10)
    (sent,) = desk.world.deliver()
    assert (sent.text, sent.to[0].email) == ("Hej!\n\nVi har fått den.", "anna@forening.example")
    assert case.conversation.status is ConversationStatus.RESOLVED


def test_what_is_undone_never_leaves_and_stands_in_the_field_again(desk: DeskWorld) -> None:
    kim, case = desk.person(), desk.world.write(sample.OWN)
    desk.world.deliver()
    act(kim, case, "svara", answer="Fel svar.")
    assert act(kim, case, "stoppa")[1].endswith("klart=stopped")
    desk.world.later(hours=1)
    assert not desk.world.deliver()
    assert "Fel svar.</textarea>" in kim.see(path_of(case))
    assert case.conversation.taken_by == "kim@stad.example"


def test_a_note_is_read_by_colleagues_and_goes_nowhere(desk: DeskWorld) -> None:
    kim, case = desk.person(), desk.world.write(sample.OWN)
    desk.world.deliver()
    before = len(case.conversation.outbox)
    assert act(kim, case, "anteckna", note="Hon ringde i går.")[0] == 303
    assert "Hon ringde i går." in desk.person("alex@stad.example", "Alex Berg").see(path_of(case))
    assert len(case.conversation.outbox) == before
    desk.world.later(hours=1)
    assert not desk.world.deliver()


def test_a_suggestion_is_sent_with_one_click(suggesting: DeskWorld) -> None:
    kim, case = suggesting.person(), suggesting.world.write(sample.JOIN)
    suggesting.world.deliver()
    assert "Botens förslag" in kim.see(path_of(case))
    assert act(kim, case, "skicka-forslag")[0] == 303
    suggesting.world.later(minutes=10)
    (sent,) = suggesting.world.deliver()
    assert "Styrelsen fattar ett beslut" in sent.text or sent.text
    assert case.items(OutboxKind.REPLY)[0].created_by == "kim@stad.example"


def test_a_suggestion_may_be_changed_first(suggesting: DeskWorld) -> None:
    kim, case = suggesting.person(), suggesting.world.write(sample.JOIN)
    (held,) = case.items(OutboxKind.REPLY, status=OutboxStatus.HELD)
    act(kim, case, "andra-forslag")
    page = kim.see(path_of(case))
    assert held.text.split("\n")[0] in page.split('<textarea id="answer"')[1]
    act(kim, case, "svara", answer="Med egna ord.")
    assert [item.status for item in case.items(OutboxKind.REPLY)] == [OutboxStatus.CANCELLED]


def test_a_suggestion_may_be_refused(suggesting: DeskWorld) -> None:
    kim, case = suggesting.person(), suggesting.world.write(sample.JOIN)
    act(kim, case, "avsla-forslag")
    assert [item.status for item in case.items(OutboxKind.REPLY)] == [OutboxStatus.CANCELLED]
    assert case.conversation.status is ConversationStatus.WAITING
    assert act(kim, case, "skicka-forslag")[0] == 409


def test_the_bot_is_silent_once_a_case_is_taken(desk: DeskWorld) -> None:
    case = desk.world.write(sample.JOIN)  # queued, not sent
    kim = desk.person()
    act(kim, case, "ta")
    assert not desk.world.deliver()
    assert [item.status for item in case.told()] == [OutboxStatus.CANCELLED]


def test_forwarding_tells_the_asker_only_when_it_has_gone(desk: DeskWorld) -> None:
    kim, case = desk.person(), desk.world.write(sample.OWN)
    desk.world.deliver()
    assert act(kim, case, "skicka-vidare", administration="kultur", address="kultur@stad.example")[0] == 303
    assert not desk.world.deliver()
    desk.world.later(minutes=10)
    assert [mail.to[0].email for mail in desk.world.deliver()] == ["kultur@stad.example", "anna@forening.example"]
    assert act(kim, case, "skicka-vidare", administration="kultur", address="ingen adress")[0] == 409


def test_a_case_is_handed_over_and_back(desk: DeskWorld) -> None:
    kim, case = desk.person(), desk.world.write(sample.OWN)
    desk.account("alex@stad.example", "Alex Berg")
    assert act(kim, case, "tilldela", to="alex@stad.example")[0] == 303
    assert case.conversation.taken_by == "alex@stad.example"
    assert act(kim, case, "tilldela", to="ingen@stad.example")[0] == 409
    assert act(kim, case, "lamna-tillbaka")[0] == 303
    assert case.conversation.status is ConversationStatus.WAITING


def test_a_case_that_is_done_may_be_opened_again(desk: DeskWorld) -> None:
    kim, case = desk.person(), desk.world.write(sample.OWN)
    act(kim, case, "klar")
    assert act(kim, case, "oppna")[0] == 303
    assert case.conversation.taken_by == "kim@stad.example"
    assert act(kim, case, "oppna")[0] == 409


def test_what_the_bot_understood_is_corrected_in_one_go(desk: DeskWorld) -> None:
    kim, case = desk.person(), desk.world.write(sample.OWN)
    question = case.conversation.messages[0].questions[0].id
    assert act(kim, case, "ratta", question=str(question), article="lana-lokal", topic="")[0] == 303
    assert act(kim, case, "ratta", question="999", article="lana-lokal")[0] == 409
    with desk.world.sessions() as session:
        (correction,) = session.scalars(select(Correction)).all()
        assert (correction.article, correction.made_by) == ("lana-lokal", "kim@stad.example")
    assert "Vems fråga:" not in kim.see(path_of(case))
    assert act(kim, case, "ratta", question=str(question), administration="kultur")[0] == 303
    assert "Vems fråga: kulturförvaltningen" in kim.see(path_of(case))
    assert case.conversation.case_number in kim.see("/arenden?mapp=alla&forvaltning=kultur")
    assert case.conversation.case_number not in kim.see("/arenden?mapp=alla&forvaltning=fritid")


def test_a_question_of_another_case_cannot_be_corrected_from_here(desk: DeskWorld) -> None:
    kim, case = desk.person(), desk.world.write(sample.OWN)
    other = desk.world.write(sample.OWN, sender=Address("", "b@post.example"))
    assert (
        act(kim, case, "ratta", question=str(other.conversation.messages[0].questions[0].id), article="lana-lokal")[0]
        == 409
    )


def test_an_unknown_case_act_or_file_is_not_there(desk: DeskWorld) -> None:
    kim, case = desk.person(), desk.world.write(sample.OWN)
    assert kim.client.get("/arenden/LOK-2026-99999").status_code == 404
    assert kim.do(f"{path_of(case)}/spring")[0] == 404
    assert kim.client.get("/bilaga/99").status_code == kim.client.get("/original/99").status_code == 404


# ------------------------------------------------------------------ drafts, and two at once


def test_a_draft_is_kept_and_is_ones_own(desk: DeskWorld) -> None:
    kim, alex, case = desk.person(), desk.person("alex@stad.example", "Alex Berg"), desk.world.write(sample.OWN)
    kim.do(f"{path_of(case)}/utkast", answer="Halvt om halvt")
    assert "Halvt om halvt</textarea>" in kim.see(path_of(case))
    assert "Halvt om halvt" not in alex.see(path_of(case))
    act(kim, case, "svara", answer="Klart.")
    with desk.world.sessions() as session:
        assert not session.scalars(select(Draft)).all()


def test_an_article_is_put_into_the_draft_before_the_greeting(desk: DeskWorld) -> None:
    kim, case = desk.person(), desk.world.write(sample.OWN)
    kim.do(f"{path_of(case)}/utkast", answer="Hej!\r\n\r\nVänliga hälsningar\r\nKim", insert="lana-lokal")
    page = kim.see(path_of(case))
    assert "Hej!\n\nNi bokar möteslokalen på stadens webbplats.\n\nVänliga hälsningar\nKim</textarea>" in page


def test_two_at_once_get_a_clear_word_and_nothing_is_sent_or_lost(desk: DeskWorld) -> None:
    kim, alex, case = desk.person(), desk.person("alex@stad.example", "Alex Berg"), desk.world.write(sample.OWN)
    desk.world.deliver()
    seen = hidden(kim.see(path_of(case)), "seen")
    act(alex, case, "svara", answer="Alex svar.")
    status, page = act(kim, case, "svara", answer="Kims svar.", seen=seen)
    assert status == 409
    assert "Alex Berg svarade" in page
    assert "Kims svar.</textarea>" in page
    assert [item.text for item in case.items(OutboxKind.ANSWER)] == ["Alex svar."]
    # Having read it, Kim may still want it.
    assert act(kim, case, "svara", answer="Kims svar.", seen=hidden(page, "seen"))[0] == 303


def test_a_new_message_stops_an_answer_that_was_written_without_it(desk: DeskWorld) -> None:
    kim, case = desk.person(), desk.world.write(sample.OWN)
    seen = hidden(kim.see(path_of(case)), "seen")
    desk.world.later(minutes=1)
    desk.world.write("Glöm det, vi fick svar.", in_reply_to=(case.message.message_id,))
    status, page = act(kim, case, "svara", answer="Svar på det gamla.", seen=seen)
    assert status == 409
    assert "Det har kommit ett nytt meddelande" in page
    assert not case.items(OutboxKind.ANSWER)


def test_who_else_is_here_is_shown_for_a_while(desk: DeskWorld) -> None:
    kim, alex, case = desk.person(), desk.person("alex@stad.example", "Alex Berg"), desk.world.write(sample.OWN)
    kim.see(path_of(case))
    assert "Kim Sand har ärendet öppet" in alex.see(path_of(case))
    assert "Alex Berg har ärendet öppet" in kim.do(f"{path_of(case)}/har", writing="1")[1]
    assert "Kim Sand skriver i ärendet" in alex.do(f"{path_of(case)}/har", writing="0")[1]
    desk.world.later(minutes=1)
    assert "Kim Sand" not in alex.do(f"{path_of(case)}/har", writing="0")[1]


def test_looking_is_written_down_once_and_is_no_conflict(desk: DeskWorld) -> None:
    kim, alex, case = desk.person(), desk.person("alex@stad.example", "Alex Berg"), desk.world.write(sample.OWN)
    seen = hidden(kim.see(path_of(case)), "seen")
    alex.see(path_of(case))
    kim.client.get(path_of(case), headers={"x-live": "1"})
    with desk.world.sessions() as session:
        looks = audit.search(session, act=audit.LOOKED_AT).entries
    assert [one.actor for one in looks] == ["alex@stad.example", "kim@stad.example"]
    assert act(kim, case, "ta", seen=seen)[0] == 303


# ------------------------------------------------------------------ outside words and files

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)>\"' {{ 7*7 }} {% raw %}"


def test_outside_words_are_text_wherever_they_are_shown(desk: DeskWorld) -> None:
    kim = desk.person()
    bad = attachment(name=f"../../{HOSTILE}.pdf")
    case = desk.world.write(
        f"{sample.OWN} {HOSTILE}",
        sender=Address(HOSTILE, "x@post.example"),
        subject=HOSTILE,
        cc=(Address(HOSTILE, "c@post.example"),),
        reply_to=(Address(HOSTILE, "x@post.example"),),
        attachments=(bad,),
    )
    act(kim, case, "anteckna", note=HOSTILE)
    kim.do(f"{path_of(case)}/utkast", answer=HOSTILE)
    for path in (path_of(case), "/arenden?mapp=alla", f"/arenden?mapp=alla&q={HOSTILE}"):
        page = kim.client.get(path).text
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        # What may hold the digits by chance goes: a file's address, a key of the form.
        assert "49" not in re.sub(r"""1249|[?]v=[0-9a-f]+|name="csrf" value="[^"]+\"""", "", page)


def test_a_file_is_a_download_whatever_it_calls_itself(desk: DeskWorld) -> None:
    bad = attachment(b"<script>alert(1)</script>", "../../etc/passwd\r\nx: y.html", "text/html")
    case = desk.world.write("Här är protokollet.", attachments=(bad,))
    response = desk.person().client.get(f"/bilaga/{case.conversation.messages[0].attachments[0].id}")
    assert response.content == bad.content
    assert response.headers["content-type"] == "application/octet-stream"
    assert response.headers["content-disposition"].startswith("attachment; ")
    assert "sandbox" in response.headers["content-security-policy"]
    assert "\n" not in response.headers["content-disposition"]
    assert "x" not in response.headers


def test_the_original_is_the_bytes_that_came(desk: DeskWorld) -> None:
    case = desk.world.write(sample.OWN)
    with desk.world.sessions() as session:
        raw = session.get_one(Message, case.message_id).raw
    assert desk.person().client.get(f"/original/{case.message_id}").content == raw


def test_a_request_that_is_too_large_is_refused_unread(desk: DeskWorld) -> None:
    kim, case = desk.person(), desk.world.write(sample.OWN)
    assert kim.do(f"{path_of(case)}/anteckna", note="x" * 13_000_000)[0] == 413


def test_a_text_without_end_is_cut_not_refused(desk: DeskWorld) -> None:
    kim, case = desk.person(), desk.world.write(sample.OWN)
    act(kim, case, "anteckna", note="x" * 150_000)
    with desk.world.sessions() as session:
        assert len(session.scalars(select(Note)).one().text) == 100_000


# ------------------------------------------------------------------ the pause, and who hears


def test_a_pause_holds_what_is_queued_and_ends(desk: DeskWorld) -> None:
    case, kim = desk.world.write(sample.JOIN), desk.person()
    assert kim.do("/paus", what="all") == (303, "/paus?klart=paused")
    assert "Boten är pausad" in kim.see("/arenden")
    kinds = [mail.subject for mail in desk.world.deliver()]
    assert case.items(OutboxKind.REPLY, status=OutboxStatus.HELD)
    assert len(kinds) == 4  # a receipt, and three coordinators told: two of the settings, Kim by her account
    assert kim.do("/paus/upphav", what="all")[0] == 303
    assert kim.do("/paus/upphav", what="all")[0] == 409
    assert kim.do("/paus", what="article:finns-inte")[0] == 409


def test_coordinators_with_an_account_hear_of_cases(desk: DeskWorld) -> None:
    desk.account()
    desk.account("chef@stad.example", "Chefen", (Role.ADMIN,))
    with desk.world.sessions() as session:
        told = desk_settings.current(session, Settings(coordinators=("Vikarie@stad.example",))).coordinators
    assert told == ("vikarie@stad.example", "kim@stad.example")


def test_an_english_desk_is_english(desk: DeskWorld) -> None:
    kim, case = desk.person(), desk.world.write(sample.OWN, warnings=("bad-date",))
    kim.do("/konto", name="Kim Sand", language="en", seen=hidden(kim.see("/konto"), "seen"))
    assert "The date in the mail is absurd." in kim.see(path_of(case))
    for path in ("/arenden", path_of(case), "/paus", "/installningar", "/konto"):
        page = kim.see(path)
        assert '<html lang="en">' in page
    assert "Waiting for an answer" in kim.see("/arenden?mapp=vantar")


# ------------------------------------------------------------------ what lies beside


@pytest.mark.parametrize(("language", "name"), [("sv", "Lokaler"), ("en", "On lokaler")])
def test_a_topic_is_called_by_its_name_never_by_its_key(suggesting: DeskWorld, language: str, name: str) -> None:
    kim, case = suggesting.person(roles=tuple(Role)), suggesting.world.write("Kan vi låna en lokal gratis?")
    suggesting.world.deliver()
    kim.do("/konto", name="Kim Sand", language=language, seen=hidden(kim.see("/konto"), "seen"))
    kim.do("/paus", what="topic:lokaler")
    act(kim, case, "ratta", question=str(case.conversation.messages[0].questions[0].id), topic="lokaler")
    seen = {
        path: kim.see(path) for path in ("/arenden?mapp=alla", path_of(case), "/paus", "/kunskap", "/installningar")
    }
    for path, page in {**seen, "rubrik": kim.see("/arenden?mapp=alla&rubrik=lokaler")}.items():
        assert f">{name}<" in page or f": {name}<" in page, path
        for key in suggesting.current().knowledge.topics:
            assert not re.search(rf">[\s:·,]*{key}[\s.]*<", page), (path, key)
    for path in ("/statistik", "/statistik/fragor", "/botens-svar", "/kunskap/luckor", "/logg", "/styrgruppen"):
        page = kim.see(path)
        assert not re.search(r">[\s:·,]*lokaler[\s.]*<", page), path


def test_a_case_rests_until_a_day_and_comes_back_by_hand(desk: DeskWorld) -> None:
    kim, case = desk.person(), desk.world.write(sample.OWN)
    number = case.conversation.case_number
    assert act(kim, case, "vila", until="2026-03-09")[0] == 303
    assert number not in kim.see("/arenden?mapp=vantar")
    assert number in kim.see("/arenden?mapp=vilar")
    assert act(kim, case, "vack")[0] == 303
    assert number in kim.see("/arenden?mapp=vantar")
    assert act(kim, case, "vila", until="aldrig")[0] == 409


def test_a_forward_carries_what_was_chosen_and_no_more(desk: DeskWorld) -> None:
    kim = desk.person()
    case = desk.world.write(f"Jag heter Anna och är sjuk. {sample.OWN}")
    desk.world.deliver()
    act(kim, case, "skicka-vidare", administration="kultur", address="kultur@stad.example", text="Har ansökan kommit?")
    desk.world.later(minutes=10)
    mail = next(mail for mail in desk.world.deliver() if mail.to[0].email == "kultur@stad.example")
    assert "Har ansökan kommit?" in mail.text
    assert "sjuk" not in mail.text


def test_what_is_ticked_goes_along_to_an_administration(desk: DeskWorld) -> None:
    kim = desk.person()
    files = (attachment(), attachment(b"MZ\x90", "program.exe", "application/octet-stream"))
    case = desk.world.write(f"Vi är trettio. {sample.OWN}", attachments=files)
    desk.world.deliver()
    form = kim.see(path_of(case)).split('/skicka-vidare"')[1].split("</form>")[0]
    assert 'value="1" checked' not in form
    (whole,) = re.findall(r'name="whole" value="(\d+)"> Hela meddelandet, i dag', form)
    good, bad = re.findall(r'name="enclosed" value="(\d+)"> Filen', form)
    to = {"administration": "kultur", "address": "kultur@stad.example", "text": "Har ansökan kommit?"}
    status, page = act(kim, case, "skicka-vidare", **to, whole=whole, enclosed=bad)
    assert (status, "Filen program.exe kan inte skickas." in page) == (409, True)
    assert f'name="whole" value="{whole}" checked' in page
    assert act(kim, case, "skicka-vidare", **to, whole=whole, enclosed=good)[0] == 303
    desk.world.later(minutes=10)
    mail = next(mail for mail in desk.world.deliver() if mail.to[0].email == "kultur@stad.example")
    assert "Vi är trettio." in mail.text
    assert [(one.name, one.content) for one in mail.attachments] == [(files[0].name, files[0].content)]


def test_what_was_written_to_an_administration_is_not_lost(desk: DeskWorld) -> None:
    kim, case = desk.person(), desk.world.write(sample.OWN)
    status, page = act(kim, case, "skicka-vidare", administration="kultur", text="Har ansökan kommit?", names_asker="1")
    assert status == 409
    assert "Kunskapen har ingen mejladress till kulturförvaltningen. Skriv en i fältet Mejladress" in page
    form = page.split('/skicka-vidare"')[1].split("</form>")[0]
    assert "Har ansökan kommit?</textarea>" in form
    assert '<option value="kultur" selected>' in form
    assert 'name="names_asker" value="1" checked' in form


def test_the_choice_of_administrations_leaves_ourselves_out_and_marks_who_has_no_address(desk: DeskWorld) -> None:
    kim, case = desk.person(), desk.world.write(sample.OWN)
    form = kim.see(path_of(case)).split('/skicka-vidare"')[1].split("</form>")[0]
    shown = dict(re.findall(r'<option value="(\w+)"[^>]*>([^<]+)</option>', form))
    assert "samordnare" not in shown
    assert shown["kultur"] == "kulturförvaltningen (ingen mejladress)"
    assert shown["fritid"] == "fritidsförvaltningen"


def test_why_a_known_answer_was_held_is_told(suggesting: DeskWorld) -> None:
    case = suggesting.world.write(sample.JOIN)
    page = suggesting.person().see(path_of(case))
    assert "Ärendet gick till en person: boten får bara föreslå svar här" in " ".join(page.split())


def test_who_writes_in_another_language_can_be_told_so_in_it(desk: DeskWorld) -> None:
    kim, case = desk.person(), desk.world.write("Як вступити до вашої спілки?")
    assert case.conversation.language == "uk"
    line = sample.phrases()["uk"]["other-language.line"]
    assert '<option value="other-language.line">' in kim.see(path_of(case))
    assert "Ingen läser språket? Telefontolk kan bokas." in kim.see(path_of(case))
    assert ">ukrainska</" in kim.see("/arenden?mapp=alla")
    kim.do(f"{path_of(case)}/utkast", answer="Hej!", insert="other-language.line")
    assert line in kim.see(path_of(case))
    assert "other-language.line" not in kim.see(path_of(desk.world.write(sample.OWN)))


def test_a_call_becomes_a_case_of_whoever_wrote_it_down(desk: DeskWorld) -> None:
    kim = desk.person()
    status, where = kim.do("/nytt-samtal", channel="phone", name="Bo Ek", phone="042-10 50 00", text="Vill låna lokal.")
    assert status == 303
    page = kim.see(where)
    assert "Vill låna lokal." in page
    assert "Telefon" in page
    assert kim.do("/nytt-samtal", channel="phone", text=" ")[0] == 409


def test_what_the_bot_answered_is_reviewed(desk: DeskWorld) -> None:
    kim, case = desk.person(), desk.world.write(sample.JOIN)
    desk.world.deliver()
    decision = case.conversation.messages[0].questions[0].decisions[0].id
    assert sample.JOIN in kim.see("/botens-svar")
    assert kim.do(f"/botens-svar/{decision}", verdict="right")[0] == 303
    assert sample.JOIN not in kim.see("/botens-svar")
    assert kim.do(f"/botens-svar/{decision}", verdict="kanske")[0] == 409
    assert kim.do("/botens-svar/999", verdict="right")[0] == 404


def test_matters_are_collected_for_the_steering_group(desk: DeskWorld) -> None:
    kim, case = desk.person(), desk.world.write(sample.OWN)
    assert act(kim, case, "till-styrgruppen", line="Många väntar på besked.")[0] == 303
    assert "Många väntar på besked." in kim.see("/styrgruppen")
    assert act(kim, case, "till-styrgruppen", line="Ring 070-123 45 67")[0] == 409
    assert kim.do("/styrgruppen", on="2026-03-04")[0] == 303
    assert "Många väntar" not in kim.see("/styrgruppen")


def test_a_contact_belongs_to_an_association_by_one_click(desk: DeskWorld) -> None:
    kim, case = desk.person(), desk.world.write(sample.OWN)
    assert act(kim, case, "hor-till", association="Flöjtorkestern")[0] == 303
    assert "<strong>Flöjtorkestern</strong>" in kim.see(path_of(case))
    assert case.conversation.case_number in kim.client.get("/arenden", params={"mapp": "alla", "q": "flöjt"}).text
    assert act(kim, case, "hor-inte-till")[0] == 303
    assert act(kim, case, "hor-inte-till")[0] == 409


def test_associations_that_may_fit_are_shown_with_why(desk: DeskWorld) -> None:
    kim, case = desk.person(), desk.world.write(sample.OWN)
    act(kim, case, "hor-till", association="Flöjtorkestern")
    text = f"{sample.OWN}\n\nMed vänlig hälsning\nBo Ek\nordförande i Flöjtorkestern"
    other = desk.world.write(text, sender=Address("Bo Ek", "bo@post.example"))
    assert f'data-fragment="{path_of(other)}/forening"' in kim.see(path_of(other))
    assert f'data-fragment="{path_of(case)}/forening"' not in kim.see(path_of(case)), "it is known"
    page = kim.see(f"{path_of(other)}/forening")
    assert "Hör till Flöjtorkestern</button>" in page
    assert "Flöjtorkestern”" in page
    third = desk.world.write("Hej!", sender=Address("", "c@post.example"))
    assert "Inget i ärendet pekar på en förening." in kim.see(f"{path_of(third)}/forening")


def test_a_name_that_is_nearly_known_is_asked_about_first(desk: DeskWorld) -> None:
    kim, case = desk.person(), desk.world.write(sample.OWN)
    second = desk.world.write(sample.OWN, sender=Address("", "b@post.example"))
    act(kim, case, "hor-till", association="Flöjtorkestern")
    status, page = act(kim, second, "hor-till", association="Flöjtorkester")
    assert status == 200
    assert "Ingen förening heter precis ”Flöjtorkester”. Menar du någon av dem?" in page
    assert second.conversation.contact.association_id is None
    assert act(kim, second, "hor-till", association="Flöjtorkestern")[0] == 303
    assert second.conversation.contact.association_id == case.conversation.contact.association_id
    act(kim, second, "hor-inte-till")
    assert act(kim, second, "hor-till", association="Flöjtorkester", new="1")[0] == 303
    assert second.conversation.contact.association_id != case.conversation.contact.association_id


def test_the_registrator_classes_a_case_and_takes_it_out(desk: DeskWorld) -> None:
    case = desk.world.write(sample.OWN)
    robin = desk.person("robin@stad.example", "Robin", (Role.REGISTRATOR,))
    number = case.conversation.case_number
    assert number in robin.see("/registrator?fran=2026-03-01")
    assert robin.do(f"{path_of(case)}/diariet", **{"class": "register", "diary": "2026/12"})[0] == 303
    assert "2026/12" in robin.see(path_of(case))
    assert robin.do(f"{path_of(case)}/diariet", **{"class": "hemligt", "diary": ""})[0] == 409
    assert robin.client.get(f"{path_of(case)}/export").content.startswith(b"PK")
    assert number in robin.client.get("/registrator.csv?fran=2026-03-01").text
    assert robin.do(f"{path_of(case)}/ta")[0] == 403
    admin = desk.person("chef@stad.example", "Chefen", (Role.ADMIN,))
    page = admin.see(f"/logg?arende={number}")
    assert "Robin" in page
    assert "<td>hämtade som fil</td>" in page
    assert "<td>såg</td>" not in admin.see("/logg?vad=exported")
    assert "<td>" not in admin.see("/logg?vem=kim@stad.example").replace('<td colspan="5">', "")


def test_earlier_cases_of_the_contact_stand_beside_the_case(desk: DeskWorld) -> None:
    first = desk.world.write(sample.OWN, subject="Vår ansökan")
    desk.world.resolve(first)
    desk.world.later(days=1)
    kim, second = desk.person(), desk.world.write(sample.JOIN, subject="Gå med")
    aside = kim.see(path_of(second)).partition("Tidigare ärenden")[2]
    assert f'<a href="{path_of(first)}">Vår ansökan</a>' in aside
    assert "Tidigare ärenden" not in kim.see(
        path_of(desk.world.write(sample.OWN, sender=Address("", "b@post.example")))
    )
