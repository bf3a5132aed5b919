"""One message after another its whole way: answered, pointed on, with a person, or visibly failed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from datetime import date, datetime
from typing import Any

import pytest
from sqlalchemy import Engine, event, select

from lokbot import describing
from lokbot.config import Answering, Caps
from lokbot.conversation import corrections, escalation, pipeline
from lokbot.model import (
    LEFT_ON_SERVER,
    Address,
    AnsweringMode,
    Authentication,
    Automatic,
    Bounce,
    ConversationStatus,
    Match,
    MessageState,
    OutboxKind,
    OutboxStatus,
    Outcome,
    Owner,
    Understanding,
)
from lokbot.store import queries
from lokbot.store.schema import Conversation, Message, OutboxItem, QuestionRecord
from lokbot.store.session import ANSWERING, Sessions, session_factory, share_turns
from lokbot.understanding import Understander
from tests import sample_knowledge as sample
from tests.integration.together import waits_for_a_lock
from tests.integration.world import COORDINATORS, SEND, SUGGEST, Case, World, edited
from tests.sample_mails import ANNA, LOK, STRANGER, attachment
from tests.servers import wait_until

SV = sample.phrases()["sv"]
MACHINE = Automatic(True, "out-of-office", "Auto-Submitted: auto-replied")


@pytest.fixture
def world(sessions: Sessions) -> World:
    return World(sessions)


def state(case: Case) -> tuple[ConversationStatus, str | None]:
    return case.conversation.status, case.conversation.reason


def only(case: Case, kind: OutboxKind) -> str:
    """The text of the one thing that the asker is told."""
    told = case.told()
    assert [item.kind for item in told] == [kind]
    return told[0].text


def is_with_a_person(case: Case, reason: str, *, has_receipt: bool) -> None:
    """The case waits, the coordinators know why, and the asker has a receipt or not; no answer was given."""
    assert state(case) == (ConversationStatus.WAITING, reason)
    assert [item.to[0]["email"] for item in case.notified()] == list(COORDINATORS)
    assert all(SV[f"reason.{reason}"].split("{")[0] in item.text for item in case.notified())
    assert [item.kind for item in case.told()] == [OutboxKind.RECEIPT] * has_receipt
    assert all((SV["notify.no-receipt"] in item.text) != has_receipt for item in case.notified())


# ------------------------------------------------------------------ what the bot answers


def test_an_approved_answer_goes_out_in_the_same_thread(world: World) -> None:
    case = world.write(sample.JOIN, message_id="fraga@forening.example", subject="Om medlemskap")
    assert [decision.outcome for decision in case.plan.decisions] == [Outcome.ANSWER]
    assert case.message.state is MessageState.HANDLED
    assert case.message.handled_at == world.now
    assert case.conversation.status is ConversationStatus.BOT
    assert case.conversation.topic == "anslutning"
    assert case.notified() == []
    (mail_out,) = world.deliver()
    assert mail_out.to == (ANNA,)
    assert (mail_out.subject, mail_out.in_reply_to) == ("SV: Om medlemskap", "fraga@forening.example")
    assert mail_out.is_automatic
    assert sample.knowledge().articles["ga-med"].texts["sv"].answer in mail_out.text
    assert case.conversation.case_number in mail_out.text


def test_an_english_question_gets_the_english_answer(world: World) -> None:
    case = world.write(sample.JOIN_EN)
    assert sample.knowledge().articles["ga-med"].texts["en"].answer in only(case, OutboxKind.REPLY)
    assert case.conversation.language == case.message.language == "en"


def test_several_questions_get_one_reply(world: World) -> None:
    case = world.write(f"{sample.JOIN}\n\n{sample.PREMISES}")
    text = only(case, OutboxKind.REPLY)
    for article in ("ga-med", "lana-lokal"):
        assert sample.knowledge().articles[article].texts["sv"].answer in text
    assert case.notified() == []


def test_what_is_known_is_answered_and_the_rest_goes_to_a_person(world: World) -> None:
    case = world.write(f"{sample.JOIN}\n\n{sample.OWN}")
    text = only(case, OutboxKind.REPLY)
    assert sample.knowledge().articles["ga-med"].texts["sv"].answer in text
    assert f"- ”{sample.OWN}”" in text
    assert "tisdag den 3 mars 2026" in text
    assert state(case) == (ConversationStatus.WAITING, "own-matter")
    assert len(case.notified()) == len(COORDINATORS)


def test_a_pointer_outside_the_city_ends_the_matter(world: World) -> None:
    case = world.write(sample.POLICE)
    assert "https://polisen.example/register" in only(case, OutboxKind.REPLY)
    assert case.conversation.status is ConversationStatus.RESOLVED
    assert case.notified() == []
    assert case.items(OutboxKind.FORWARD) == []


def test_a_pointer_in_the_city_waits_for_a_person_with_its_owner_proposed(world: World) -> None:
    case = world.write(sample.CULTURE)
    assert "kulturförvaltningen" in only(case, OutboxKind.REPLY)
    assert state(case) == (ConversationStatus.WAITING, "rule")
    assert case.conversation.administration == "kultur"
    assert SV["notify.owner"].format(name="kulturförvaltningen") in case.notified()[0].text
    assert case.items(OutboxKind.FORWARD) == []


def test_thanks_are_not_answered(world: World) -> None:
    case = world.write(sample.THANKS)
    assert case.conversation.outbox == []
    assert case.conversation.status is ConversationStatus.RESOLVED
    assert case.message.state is MessageState.HANDLED


def test_thanks_for_an_answer_close_the_matter(world: World) -> None:
    first = world.write(sample.JOIN)
    thanks = world.write(sample.THANKS, in_reply_to=(first.told()[0].external_id,))
    assert thanks.conversation.id == first.conversation.id
    assert len(thanks.told()) == 1
    assert thanks.conversation.status is ConversationStatus.RESOLVED


def test_thanks_while_a_person_has_the_case_change_nothing(world: World) -> None:
    first = world.write(sample.OWN)
    thanks = world.write(sample.THANKS, in_reply_to=(first.told()[0].external_id,))
    assert state(thanks) == (ConversationStatus.WAITING, "own-matter")
    assert len(thanks.notified()) == len(COORDINATORS)


# ------------------------------------------------------------------ suggestions


def test_in_suggest_mode_the_asker_gets_a_receipt_and_the_coordinator_the_draft(sessions: Sessions) -> None:
    world = World(sessions, SUGGEST)
    case = world.write(sample.JOIN)
    answer = sample.knowledge().articles["ga-med"].texts["sv"].answer
    receipt = only(case, OutboxKind.RECEIPT)
    assert answer not in receipt
    (draft,) = case.items(OutboxKind.REPLY, status=OutboxStatus.HELD)
    assert answer in draft.text
    assert draft.text.startswith(SV["opening.released"])
    assert state(case) == (ConversationStatus.WAITING, "sure")
    for item in case.notified():
        assert SV["notify.held"].format(held=SV["held.suggest-mode"]) in item.text
        assert "> Styrelsen fattar ett beslut." in item.text
    assert {message.to[0].email for message in world.deliver()} == {
        "anna@forening.example",
        *(address for address in COORDINATORS),
    }
    assert draft.id not in {item.id for item in case.items(status=OutboxStatus.SENT)}


@pytest.mark.parametrize(
    ("question", "held"),
    [(sample.DRAFT, "not-approved"), (sample.OLD, "review-passed"), (sample.AMOUNT, "not-checked")],
)
def test_what_may_not_go_by_itself_is_suggested(sessions: Sessions, question: str, held: str) -> None:
    world = World(sessions)
    world.now = world.now.replace(year=2027, month=4)
    case = world.write(question)
    assert only(case, OutboxKind.RECEIPT)
    assert [item.status for item in case.items(OutboxKind.REPLY)] == [OutboxStatus.HELD]
    assert SV["notify.held"].format(held=SV[f"held.{held}"]) in case.notified()[0].text
    decision = case.conversation.messages[0].questions[0].decisions[0]
    assert (decision.held_because, decision.outbox_id) == (held, case.items(OutboxKind.REPLY)[0].id)


def test_drafts_go_in_the_demo_marked_as_such(sessions: Sessions) -> None:
    case = World(sessions, edited(SEND, drafts_allowed=True)).write(sample.DRAFT)
    assert SV["draft"] in only(case, OutboxKind.REPLY)


def test_one_topic_may_be_suggested_and_the_rest_sent(sessions: Sessions) -> None:
    answering = Answering(default=AnsweringMode.SEND, topics={"lokaler": AnsweringMode.SUGGEST})
    case = World(sessions, edited(SEND, answering=answering)).write(f"{sample.JOIN}\n\n{sample.PREMISES}")
    told = only(case, OutboxKind.REPLY)
    articles = sample.knowledge().articles
    assert articles["ga-med"].texts["sv"].answer in told
    assert articles["lana-lokal"].texts["sv"].answer not in told
    assert f"- ”{sample.PREMISES}”" in told
    (draft,) = case.items(OutboxKind.REPLY, status=OutboxStatus.HELD)
    assert articles["lana-lokal"].texts["sv"].answer in draft.text
    assert articles["ga-med"].texts["sv"].answer not in draft.text


@pytest.mark.parametrize(("scope", "value"), [("all", ""), ("topic", "anslutning"), ("article", "ga-med")])
def test_a_paused_answer_is_suggested(world: World, scope: escalation.PauseScope, value: str) -> None:
    with world.sessions.begin() as session:
        escalation.pause(
            session, scope, value, actor="Kim", settings=world.settings, knowledge=world.knowledge, now=world.now
        )
    case = world.write(sample.JOIN)
    assert only(case, OutboxKind.RECEIPT)
    assert SV["held.paused"] in case.notified()[0].text
    assert [message.to[0].email for message in world.deliver()].count("anna@forening.example") == 1


# ------------------------------------------------------------------ to a person


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (sample.OWN, "own-matter"),
        (sample.HAND_IN, "hand-in"),
        (sample.PERSON, "person-wanted"),
        (sample.NONSENSE, "nothing-found"),
        ("Wir möchten gerne wissen, wie unser Verein Mitglied werden kann und was das kostet.", "other-language"),
        ("", "no-words"),
    ],
)
def test_a_person_answers_and_the_asker_gets_a_receipt(world: World, text: str, reason: str) -> None:
    case = world.write(text)
    is_with_a_person(case, reason, has_receipt=True)
    assert case.conversation.answer_by == date(2026, 3, 3)
    assert case.conversation.waiting_since == world.now
    assert "klockan 10.30" in case.told()[0].text


@pytest.mark.parametrize(("text", "has_number"), [(sample.RECORDS, False), (sample.DANGER, True)])
def test_the_urgent_goes_to_a_person_at_once(world: World, text: str, has_number: bool) -> None:
    case = world.write(f"{sample.JOIN}\n\n{text}")
    is_with_a_person(case, "urgent", has_receipt=True)
    assert case.conversation.is_urgent
    assert (SV["receipt.emergency"] in case.told()[0].text) == has_number
    assert all("BRÅDSKANDE" in item.subject for item in case.notified())
    assert sample.knowledge().articles["ga-med"].texts["sv"].answer not in case.told()[0].text


def test_an_attachment_goes_to_a_person_and_a_drawn_logotype_does_not(world: World) -> None:
    is_with_a_person(world.write(sample.JOIN, attachments=(attachment(),)), "attachment", has_receipt=True)
    logo = attachment(b"x" * 49_999, "logo.png", "image/png")
    assert only(world.write(sample.PREMISES, attachments=(logo,)), OutboxKind.REPLY)
    photo = attachment(b"x" * 50_000, "foto.jpg", "image/jpeg")
    is_with_a_person(world.write("Titta!", attachments=(photo,)), "attachment", has_receipt=True)


def test_what_cannot_be_read_goes_to_a_person(world: World) -> None:
    is_with_a_person(world.write("?", is_readable=False), "unreadable", has_receipt=True)


@pytest.mark.parametrize("text", [sample.JOIN, sample.OWN, sample.RECORDS, sample.CULTURE])
@pytest.mark.parametrize("settings", [SEND, SUGGEST])
def test_without_an_address_a_person_sees_the_message_whatever_it_asks(
    sessions: Sessions, text: str, settings: Any
) -> None:
    case = World(sessions, settings).write(text, sender=Address("Någon", ""))
    assert case.conversation.status is ConversationStatus.WAITING
    assert case.told() == []
    assert len(case.notified()) == len(COORDINATORS)
    assert SV["notify.no-receipt"] in case.notified()[0].text


def test_a_reply_to_an_automatic_answer_goes_to_a_person(world: World) -> None:
    first = world.write(sample.JOIN)
    again = world.write("Det där förstod vi inte.", in_reply_to=(first.told()[0].external_id,))
    assert again.conversation.id == first.conversation.id
    assert state(again) == (ConversationStatus.WAITING, "reply-to-answer")
    assert [item.kind for item in again.told()] == [OutboxKind.REPLY, OutboxKind.RECEIPT]
    assert "Tidigare i ärendet" in again.notified()[0].text


def test_a_new_question_in_reply_to_an_answer_is_answered(world: World) -> None:
    first = world.write(sample.JOIN)
    again = world.write(sample.PREMISES, in_reply_to=(first.told()[0].external_id,))
    assert [item.kind for item in again.told()] == [OutboxKind.REPLY, OutboxKind.REPLY]
    same = world.write(sample.JOIN, in_reply_to=(first.told()[0].external_id,))
    assert state(same) == (ConversationStatus.WAITING, "reply-to-answer")


def test_more_from_the_asker_while_a_person_has_the_case(world: World) -> None:
    first = world.write(sample.OWN)
    more = world.write(sample.JOIN, in_reply_to=(first.told()[0].external_id,))
    assert state(more) == (ConversationStatus.WAITING, "own-matter")
    assert len(more.told()) == 1, "they have a receipt already"
    assert len(more.notified()) == 2 * len(COORDINATORS)


def test_a_new_message_opens_a_resolved_case(world: World) -> None:
    first = world.write(sample.OWN)
    with world.sessions.begin() as session:
        found = queries.conversation_for(session, first.conversation.id)
        assert found is not None
        escalation.resolve(session, found, actor="Kim", now=world.now)
    more = world.write(sample.OWN + " Igen.", in_reply_to=(first.told()[0].external_id,))
    assert state(more) == (ConversationStatus.WAITING, "own-matter")
    assert len(more.told()) == 2


def test_a_reply_address_in_another_domain_is_not_answered(world: World) -> None:
    case = world.write(sample.JOIN, reply_to=(STRANGER,))
    is_with_a_person(case, "reply-elsewhere", has_receipt=False)
    same = world.write(sample.PREMISES, reply_to=(Address("Kassör", "kassor@forening.example"),))
    assert [item.to[0]["email"] for item in same.told()] == ["kassor@forening.example"]


def test_over_the_cap_of_a_sender_a_person_decides(sessions: Sessions) -> None:
    world = World(sessions, edited(SEND, caps=Caps(per_sender_per_day=2)))
    for question in (sample.JOIN, sample.PREMISES):
        assert only(world.write(question), OutboxKind.REPLY)
    is_with_a_person(world.write(sample.SPORTS), "over-cap", has_receipt=False)
    world.later(days=1, seconds=1)
    assert only(world.write(sample.JOIN + " Ny dag."), OutboxKind.REPLY)


def test_the_cap_of_one_sender_is_not_that_of_another(sessions: Sessions) -> None:
    world = World(sessions, edited(SEND, caps=Caps(per_sender_per_day=1)))
    world.write(sample.JOIN)
    assert only(world.write(sample.JOIN, sender=STRANGER), OutboxKind.REPLY)


# ------------------------------------------------------------------ machines


@pytest.mark.parametrize("text", [sample.JOIN, sample.DANGER, sample.OWN])
def test_automatic_mail_is_stored_and_never_answered(world: World, text: str) -> None:
    case = world.write(text, automatic=MACHINE)
    assert case.conversation.outbox == []
    assert case.conversation.status is ConversationStatus.RESOLVED
    assert case.message.state is MessageState.HANDLED
    assert case.plan.decisions[0].reason == "automatic"


def test_an_autosvar_to_our_answer_changes_nothing_for_a_waiting_case(world: World) -> None:
    first = world.write(sample.OWN)
    auto = world.write("Jag är på semester.", in_reply_to=(first.told()[0].external_id,), automatic=MACHINE)
    assert state(auto) == (ConversationStatus.WAITING, "own-matter")
    assert len(auto.notified()) == len(COORDINATORS)


def bounce_of(world: World, item_id: str, recipient: str) -> Case:
    return world.write(
        "Ert mejl kom inte fram.",
        sender=Address("", "mailer-daemon@annan.example"),
        automatic=Automatic(True, "bounce", "multipart/report"),
        bounce=Bounce(True, (recipient,), True, item_id),
    )


def test_a_bounce_of_our_answer_is_shown_to_a_person(world: World) -> None:
    first = world.write(sample.JOIN)
    world.deliver()
    bounce = bounce_of(world, first.told()[0].external_id, "anna@forening.example")
    assert bounce.conversation.id == first.conversation.id
    assert state(bounce) == (ConversationStatus.WAITING, "bounce")
    assert len(bounce.told()) == 1, "nobody answers a bounce"
    assert len(bounce.notified()) == len(COORDINATORS)


def test_a_bounce_of_a_notification_makes_no_storm(world: World) -> None:
    """A coordinator's mailbox is full: telling them so by mail would bounce again, for ever."""
    first = world.write(sample.OWN)
    bounce = bounce_of(world, first.notified()[0].external_id, COORDINATORS[0])
    assert bounce.conversation.id == first.conversation.id
    assert len(bounce.notified()) == len(COORDINATORS)
    assert state(bounce) == (ConversationStatus.WAITING, "own-matter")


def test_a_bounce_of_a_forward_is_shown_to_a_person(world: World) -> None:
    first = world.write(sample.GARDEN)
    world.deliver()
    (forward,) = first.items(OutboxKind.FORWARD)
    bounce = bounce_of(world, forward.external_id, "fritid@stad.example")
    assert len(bounce.notified()) == 2 * len(COORDINATORS)


def test_a_bounce_of_somebody_elses_mail_is_only_stored(world: World) -> None:
    case = bounce_of(world, "annans@x.example", "bo@x.example")
    assert case.conversation.outbox == []


# ------------------------------------------------------------------ our own people


def test_a_coordinators_own_mail_is_kept_and_its_writer_told(world: World) -> None:
    first = world.write(sample.OWN)
    note = world.write(
        "Jag ringer dem. Hur går vi med i samverkan?",
        sender=Address("Vik", "vikarie@stad.example"),
        in_reply_to=(first.notified()[1].external_id,),
    )
    assert note.conversation.id == first.conversation.id
    assert len(note.told()) == 1
    new = note.notified()[len(COORDINATORS) :]
    assert [item.to[0]["email"] for item in new] == ["vikarie@stad.example"]
    assert SV["notify.mail.kept"].partition("{why}")[0].format(case=first.conversation.case_number) in new[0].text


def test_after_a_note_the_answer_still_goes_to_the_asker(world: World) -> None:
    first = world.write(sample.OWN, message_id="fraga@forening.example")
    world.write(
        "Jag ringer.",
        sender=Address("", "samordnare@stad.example"),
        in_reply_to=(first.notified()[0].external_id,),
    )
    world.write("Semester.", in_reply_to=(first.told()[0].external_id,), automatic=MACHINE)
    bounce_of(world, first.told()[0].external_id, "anna@forening.example")
    with world.sessions.begin() as session:
        found = queries.conversation_for(session, first.conversation.id)
        assert found is not None
        item = escalation.coordinator_reply(session, found, "Ja.", actor="Kim", settings=world.settings, now=world.now)
        assert item.to == [{"name": "Anna Prov", "email": "anna@forening.example"}]
        assert item.in_reply_to == "fraga@forening.example"


def test_an_administrations_answer_is_for_people_and_gets_no_receipt(world: World) -> None:
    first = world.write(sample.GARDEN)
    world.deliver()
    (forward,) = first.items(OutboxKind.FORWARD)
    with world.sessions.begin() as session:
        found = queries.conversation_for(session, first.conversation.id)
        assert found is not None
        escalation.resolve(session, found, actor="Kim", now=world.now)
    before = len(first.told())
    answer = world.write(
        f"Vi svarar dem. {sample.PREMISES}",
        sender=Address("Fri Tid", "fri.tid@stad.example"),
        in_reply_to=(forward.external_id,),
    )
    assert answer.conversation.id == first.conversation.id
    assert len(answer.told()) == before
    assert answer.conversation.status is ConversationStatus.WAITING
    assert "Vi svarar dem." in answer.notified()[-1].text
    with world.sessions.begin() as session:
        found = queries.conversation_for(session, first.conversation.id)
        assert found is not None
        assert escalation.asker(found) == ANNA


# ------------------------------------------------------------------ forwarding by itself


def test_what_an_administration_takes_itself_is_forwarded_and_then_told(world: World) -> None:
    case = world.write(sample.GARDEN)
    assert state(case) == (ConversationStatus.WAITING, "rule")
    assert [item.kind for item in case.told()] == [OutboxKind.REPLY]
    sent = world.deliver()
    by_address = {message.to[0].email: message for message in sent if message.to[0].email != "anna@forening.example"}
    assert sample.GARDEN in by_address["fritid@stad.example"].text
    to_anna = [message.text for message in sent if message.to[0].email == "anna@forening.example"]
    assert len(to_anna) == 2
    assert SV["forwarded"].format(name="fritidsförvaltningen") in to_anna[1]
    assert "vidare till" not in to_anna[0]
    assert case.conversation.status is ConversationStatus.WITH_ADMINISTRATION


@pytest.mark.parametrize("ending", ["\nAnna", "\n-Anna P", "\nTack!\nAnna Prov\n070-123 45 67"])
def test_what_is_forwarded_by_itself_does_not_tell_who_asks(world: World, ending: str) -> None:
    """Boards are authorities of their own: the question goes along, and nothing that nobody has chosen to send."""
    world.write(f"{sample.GARDEN}{ending}", subject="Odlingslott, Anna Prov")
    (sent,) = [message for message in world.deliver() if message.to[0].email == "fritid@stad.example"]
    assert sample.GARDEN in sent.text
    assert "Odlingslott" in sent.subject
    for told in ("Anna", "Prov", "123 45"):
        assert told not in f"{sent.subject} {sent.text}"


def test_a_forward_that_fails_is_not_told_of(world: World) -> None:
    world.refuses = {"fritid@stad.example"}
    case = world.write(sample.GARDEN)
    to_anna = [message.text for message in world.deliver() if message.to[0].email == "anna@forening.example"]
    assert len(to_anna) == 1
    assert "vidare till" not in to_anna[0]
    assert case.conversation.status is ConversationStatus.WAITING
    assert "fritid@stad.example" in case.notified()[-1].text


# ------------------------------------------------------------------ what is remembered


def test_what_was_told_from_which_version_and_why(world: World) -> None:
    """The question that the store exists to answer."""
    case = world.write(sample.JOIN)
    world.deliver()
    changed = sample.rewritten("ga-med", "En ny text.", by="Lo Prov")
    world.publish(sample.with_article(replace(changed, texts={**changed.texts})))
    conversation = case.conversation
    (question,) = conversation.messages[0].questions
    (decision,) = question.decisions
    assert question.text == sample.JOIN
    assert question.understanding["matches"][0]["article"] == "ga-med"
    assert (decision.outcome, decision.rule, decision.reason) == (Outcome.ANSWER, "answer_when_sure", "sure")
    assert decision.missed[0] == "leave_what_was_said_to_whoever_wrote_it_down"
    assert decision.evidence
    assert decision.confidence > 0.5
    assert decision.revision is not None
    assert (decision.revision.article, decision.revision.version) == ("ga-med", 1)
    assert decision.revision.content["answer"] == sample.knowledge().articles["ga-med"].texts["sv"].answer
    told = next(item for item in conversation.outbox if item.id == decision.outbox_id)
    assert told.status is OutboxStatus.SENT
    with world.sessions.begin() as session:
        found = queries.conversation_for(session, conversation.case_number)
        assert found is not None
        text = describing.case(found, queries.events_of(session, found), with_reasons=True)
    assert "ga-med (sv) version 1, godkänd av Kim Prov 2026-02-01" in text
    assert f"mejl {told.id}" in text
    assert "answer_when_sure" in text
    assert [event.verb for event in case.events()] == ["received", "decided", "sent"]


def test_events_hold_nothing_that_the_asker_wrote(world: World) -> None:
    case = world.write(f"{sample.OWN} Hemlig Person 0701234567", subject="Hemligt ämne")
    world.deliver()
    details = " ".join(str(event.detail) for event in case.events())
    for secret in ("Hemlig", "0701234567", "ansökan", "anna@"):
        assert secret not in details.replace(case.message.external_id, "")


# ------------------------------------------------------------------ what fails


class Failing(Understander):
    """Raises once for every message, with words of the asker in its error."""

    def understand(self, text: str, *, subject: str = "") -> Any:  # noqa: ARG002
        raise KeyError(text)


def broken(world: World) -> None:
    world.active = replace(world.active, understander=Failing(world.active.knowledge))


def test_a_failure_is_shown_and_nothing_is_sent_to_the_asker(world: World, caplog: pytest.LogCaptureFixture) -> None:
    broken(world)
    case = world.write(sample.JOIN)
    message = case.message
    assert message.state is MessageState.FAILED
    assert message.failure is not None
    assert message.failure.startswith("KeyError in Failing.understand line ")
    assert sample.JOIN not in message.failure + caplog.text
    assert case.told() == []
    assert state(case) == (ConversationStatus.WAITING, "failed")
    assert [item.subject.split("]")[1].split(":")[0].strip() for item in case.notified()] == ["Något gick fel"] * 2
    assert [event.verb for event in case.events()] == ["received", "escalated", "failed"]
    assert world.handle_next() is None, "a failed message is not tried again by itself"


def test_what_was_written_before_a_failure_is_taken_back(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("late")

    with monkeypatch.context() as patched:
        patched.setattr(pipeline, "remember", fail)  # the last step: all before it has been done
        case = world.write(sample.JOIN)
    assert case.message.state is MessageState.FAILED
    assert case.told() == []
    assert case.conversation.messages[0].questions == []


def test_after_a_retry_the_message_goes_its_whole_way(world: World) -> None:
    healthy = world.active
    broken(world)
    case = world.write(sample.OWN)
    world.active = healthy
    with world.sessions.begin() as session:
        found = queries.conversation_for(session, case.conversation.id)
        assert found is not None
        assert escalation.retry(session, found, actor="Kim", now=world.now) == 1
    assert world.handle_next() is not None
    assert case.message.state is MessageState.HANDLED
    assert case.message.failure is None
    assert [item.kind for item in case.told()] == [OutboxKind.RECEIPT]
    assert state(case) == (ConversationStatus.WAITING, "own-matter")


def test_one_failure_does_not_hold_up_the_next(world: World) -> None:
    healthy = world.active
    broken(world)
    world.write(sample.JOIN)
    world.active = healthy
    assert only(world.write(sample.PREMISES), OutboxKind.REPLY)


def test_messages_that_are_begun_together_do_not_share_their_fate(world: World) -> None:
    """What one's failure takes back is nobody else's."""

    class FailingAtOne(Understander):
        def understand(self, text: str, *, subject: str = "") -> Understanding:
            if text == sample.POLICE:
                raise KeyError(text)
            return super().understand(text, subject=subject)

    world.active = replace(world.active, understander=FailingAtOne(world.active.knowledge))
    ids = [world.store(text) for text in (sample.JOIN, sample.POLICE, sample.PREMISES)]
    assert [number for number, _ in world.handle_waiting(most=10)] == ids
    with world.sessions() as session:
        messages = session.scalars(select(Message).order_by(Message.id)).all()
        assert [message.state for message in messages] == [
            MessageState.HANDLED,
            MessageState.FAILED,
            MessageState.HANDLED,
        ]
        assert [len(message.questions) for message in messages] == [1, 0, 1], "nothing is left of the first try"
    assert list(world.handle_waiting(most=10)) == []


def test_messages_that_are_handled_together_are_in_one_commit(world: World) -> None:
    for text in (sample.JOIN, sample.POLICE, sample.PREMISES):
        world.store(text)
    commits: list[str] = []
    engine = world.sessions.kw["bind"]
    event.listen(engine, "commit", lambda _: commits.append("commit"))
    assert len(world.handle_waiting(most=10)) == 3
    assert len(commits) == 2, "one that counts the tries, one for all that became of them"


def test_two_messages_of_one_case_handled_together_know_of_each_other(world: World) -> None:
    """The second sees what the first was told, though neither is committed."""
    caps = world.settings.caps.model_copy(update={"per_case_per_day": 1})
    world.settings = world.settings.model_copy(update={"caps": caps})
    first = world.store(sample.JOIN, message_id="a@x.example")
    second = world.store(sample.PREMISES, message_id="b@x.example", in_reply_to=("a@x.example",))
    plans = dict(world.handle_waiting(most=10))
    assert [each.outcome for each in plans[first].decisions] == [Outcome.ANSWER]
    assert [each.reason for each in plans[second].decisions] == ["over-cap"]


def test_the_caps_count_what_was_queued_in_the_same_commit(world: World) -> None:
    caps = world.settings.caps.model_copy(update={"outbox_per_hour": 2})
    world.settings = world.settings.model_copy(update={"caps": caps})
    for number in range(4):
        world.store(sample.JOIN, sender=Address("", f"nr{number}@forening.example"))
    plans = [plan for _, plan in world.handle_waiting(most=10)]
    assert [plan.decisions[0].reason == "over-cap" for plan in plans] == [False, False, True, True]


def test_no_more_are_begun_than_asked_for(world: World) -> None:
    ids = [world.store(text) for text in (sample.JOIN, sample.POLICE, sample.PREMISES)]
    assert [number for number, _ in world.handle_waiting(most=2)] == ids[:2]
    assert [number for number, _ in world.handle_waiting(most=2)] == ids[2:]


class Killed(BaseException):
    """What a kill looks like from inside: nothing after it runs."""


def test_a_message_that_stops_the_process_every_time_is_shown(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(*_: Any, **__: Any) -> None:
        raise Killed

    identity = world.store(sample.JOIN)
    with monkeypatch.context() as patched:
        patched.setattr(pipeline, "handle", die)
        for attempt in range(1, pipeline.MAX_ATTEMPTS + 1):
            with pytest.raises(Killed):
                world.handle_next()
            with world.sessions.begin() as session:
                message = session.get_one(Message, identity)
                assert (message.attempts, message.state) == (attempt, MessageState.STORED)
        assert world.handle_next() is None, "another worker may have just begun with it"
        world.later(minutes=1)
        assert world.handle_next() is not None
    case = Case(world, identity, pipeline.Plan((), (), (), ()))
    assert case.message.state is MessageState.FAILED
    assert state(case) == (ConversationStatus.WAITING, "failed")
    assert len(case.notified()) == len(COORDINATORS)
    assert case.told() == []
    assert world.handle_next() is None


def test_whoever_was_only_begun_beside_a_message_that_stops_the_process_is_handled(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    deadly, after = (world.store(text) for text in (sample.JOIN, sample.PREMISES))
    handle = pipeline.handle

    def die_at_it(session: Any, message: Message, *rest: Any, **values: Any) -> pipeline.Plan:
        if message.id == deadly:
            raise Killed
        return handle(session, message, *rest, **values)

    monkeypatch.setattr(pipeline, "handle", die_at_it)
    for _ in range(pipeline.MAX_ATTEMPTS):
        with pytest.raises(Killed):
            list(world.handle_waiting(most=10))
    assert [number for number, _ in world.handle_waiting(most=10)] == [after]
    world.later(minutes=1)
    assert [number for number, _ in world.handle_waiting(most=10)] == [deadly]
    with world.sessions.begin() as session:
        states = {m.id: (m.state, m.attempts) for m in session.scalars(select(Message))}
    assert states == {
        deadly: (MessageState.FAILED, pipeline.MAX_ATTEMPTS),
        after: (MessageState.HANDLED, 2),
    }


def test_nothing_to_handle(world: World) -> None:
    assert world.handle_next() is None


def test_what_was_understood_is_kept_whole(world: World) -> None:
    """The records are written by hand: a field that somebody adds must not be forgotten there."""

    def as_json(one: Match | Owner) -> dict[str, Any]:
        return {**asdict(one), "evidence": [asdict(each) for each in one.evidence]}

    (understood,) = world.active.understand(sample.POLICE).questions
    assert understood.matches
    assert understood.owners
    world.write(sample.POLICE)
    with world.sessions() as session:
        question = session.scalars(select(QuestionRecord)).one()
        kept = question.understanding
        assert kept["matches"] == [as_json(one) for one in understood.matches]
        assert kept["owners"] == [as_json(one) for one in understood.owners]
        assert question.decisions[0].evidence


# ------------------------------------------------------------------ two at once, on PostgreSQL


def test_who_takes_over_while_the_bot_decides_keeps_the_case(postgres: Engine) -> None:
    """The bot has looked and not yet committed; whoever takes over waits for it and takes back what it queued."""
    world = World(session_factory(postgres))
    first = world.write(sample.POLICE)
    world.deliver()
    identity = world.store(sample.JOIN, in_reply_to=(first.told()[0].external_id,))

    def take() -> int:
        with world.sessions.begin() as session:
            found = queries.conversation_for(session, first.conversation.id)
            assert found is not None
            return escalation.take_over(session, found, actor="Kim", now=world.now)

    with ThreadPoolExecutor(1) as pool:
        with world.sessions.begin() as session:
            (message,) = queries.take_up(session, [identity], is_waiting=True)
            pipeline.handle(session, message, world.active, world.settings, now=world.now)
            taken = pool.submit(take)
            wait_until(lambda: waits_for_a_lock(postgres), "who takes over waits for the bot")
        assert taken.result() == 1
    assert first.conversation.status is ConversationStatus.TAKEN
    assert first.conversation.taken_by == "Kim"
    assert [item.status for item in first.items(OutboxKind.REPLY)] == [OutboxStatus.SENT, OutboxStatus.CANCELLED]
    assert world.deliver() == []


def test_the_bot_waits_for_who_is_taking_over_and_is_then_silent(postgres: Engine) -> None:
    world = World(session_factory(postgres))
    first = world.write(sample.POLICE)
    world.deliver()
    world.store(sample.JOIN, in_reply_to=(first.told()[0].external_id,))
    with ThreadPoolExecutor(1) as pool:
        with world.sessions.begin() as session:
            found = queries.conversation_for(session, first.conversation.id)
            assert found is not None
            escalation.take_over(session, found, actor="Kim", now=world.now)
            handled = pool.submit(world.handle_next)
            wait_until(lambda: waits_for_a_lock(postgres), "the bot waits for who takes over")
        result = handled.result()
    assert result is not None
    assert [decision.reason for decision in result[1].decisions] == ["with-a-person"]
    assert (first.conversation.status, first.conversation.taken_by) == (ConversationStatus.TAKEN, "Kim")
    assert len(first.told()) == 1


def test_who_waited_for_a_case_sees_its_contact_as_it_stands_now(postgres: Engine) -> None:
    """Else two workers with a message each of a new chat would both greet whoever wrote them."""
    world = World(session_factory(postgres))
    identity = world.store(sample.JOIN)

    def seen() -> datetime | None:
        with world.sessions.begin() as session:
            (message,) = queries.take_up(session, [identity], is_waiting=True)
            return message.conversation.contact.greeted_at

    with ThreadPoolExecutor(1) as pool:
        with world.sessions.begin() as session:
            (message,) = queries.take_up(session, [identity], is_waiting=True)
            message.conversation.contact.greeted_at = world.now
            waiting = pool.submit(seen)
            wait_until(lambda: waits_for_a_lock(postgres), "the second waits for the first")
        assert waiting.result() == world.now


def test_a_pause_holds_what_was_being_decided_when_it_was_set(postgres: Engine) -> None:
    """The bot has asked what is paused and not yet committed: whoever pauses waits, and finds the answer queued."""
    world = World(session_factory(postgres))
    identity = world.store(sample.JOIN)
    (best,) = (question.best() for question in world.active.understand(sample.JOIN).questions)
    assert best is not None
    topic = world.active.knowledge.articles[best.article].topic

    def pause() -> int:
        with world.sessions.begin() as session:
            return escalation.pause(
                session,
                "topic",
                topic,
                actor="Kim",
                settings=world.settings,
                knowledge=world.active.knowledge,
                now=world.now,
            )

    with ThreadPoolExecutor(1) as pool:
        with world.sessions.begin() as session:
            share_turns(session, ANSWERING)
            (message,) = queries.take_up(session, [identity], is_waiting=True)
            pipeline.handle(session, message, world.active, world.settings, now=world.now)
            paused = pool.submit(pause)
            wait_until(lambda: waits_for_a_lock(postgres), "who pauses waits for the bot")
        assert paused.result() == 1
    with world.sessions() as session:
        replies = select(OutboxItem.status).where(OutboxItem.kind == OutboxKind.REPLY)
        assert session.scalars(replies).all() == [OutboxStatus.HELD]


def test_what_somebody_holds_is_left_while_others_wait(postgres: Engine) -> None:
    """Several messages are taken up at once: none waits for the case that a person just works in."""
    world = World(session_factory(postgres))
    first = world.write(sample.POLICE)
    world.deliver()
    world.store(sample.JOIN, in_reply_to=(first.told()[0].external_id,))
    other = world.store(sample.PREMISES, sender=Address("", "nr2@forening.example"))
    with world.sessions.begin() as session:
        queries.hold(session, session.get_one(Conversation, first.conversation.id))
        assert [number for number, _ in world.handle_waiting(most=10)] == [other]
    assert len(world.handle_waiting(most=10)) == 1


def test_two_workers_handle_each_message_once(sessions: Sessions) -> None:
    world = World(sessions)
    for number in range(6):
        world.store(f"{sample.OWN} {number}", sender=Address("", f"nr{number}@forening.example"))

    def work(_: int) -> None:
        while world.handle_next() is not None:
            pass

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(work, range(3)))
    with world.sessions.begin() as session:
        assert [(m.state, m.failure) for m in session.scalars(select(Message))] == [(MessageState.HANDLED, None)] * 6
    sent = world.deliver()
    to_askers = sorted(message.to[0].email for message in sent if message.to[0].email not in COORDINATORS)
    assert to_askers == [f"nr{number}@forening.example" for number in range(6)]


# ------------------------------------------------------------------ who may not be written to by a machine

UNPROVEN = Authentication("mx.stad.example", dmarc="fail")
TO_A_LIST = Address("", "alla@lista.example")
LIST = Automatic(True, "list", "List-Id")


@pytest.mark.parametrize("text", [sample.JOIN, sample.OWN, sample.RECORDS, sample.PERSON, "", "Löparskor?"])
@pytest.mark.parametrize(
    "values",
    [
        {"authentication": UNPROVEN},
        {"reply_to": (STRANGER,)},
        {"warnings": ("perhaps-automatic",)},
        {"automatic": LIST, "to": (LOK, TO_A_LIST)},
    ],
    ids=["disowned", "reply elsewhere", "perhaps a machine", "list"],
)
def test_whoever_may_be_somebody_else_gets_nothing_and_people_see_it(
    world: World, text: str, values: dict[str, Any]
) -> None:
    """Not even a receipt, however urgent: it would go to whomever a forger names. The clock runs all the same."""
    case = world.write(text, **values)
    assert case.told() == []
    assert case.notified()
    conversation = case.conversation
    assert conversation.status is ConversationStatus.WAITING
    assert conversation.answer_by is not None


@pytest.mark.parametrize("values", [{"authentication": UNPROVEN}, {"reply_to": (STRANGER,)}])
def test_what_is_urgent_alarms_whoever_sent_it(world: World, values: dict[str, Any]) -> None:
    case = world.write(sample.RECORDS, **values)
    assert case.conversation.is_urgent
    assert all("BRÅDSKANDE" in item.subject for item in case.notified())


def test_a_disowned_mail_is_shown_as_such(world: World) -> None:
    case = world.write(sample.JOIN, authentication=UNPROVEN)
    is_with_a_person(case, "unproven", has_receipt=False)
    assert all(SV["notify.sender.fail"] in item.text for item in case.notified())
    proven = world.write(sample.OWN, authentication=Authentication("mx.stad.example", dmarc="pass"))
    assert all(SV["notify.sender.pass"] in item.text for item in proven.notified())
    unknown = world.write(sample.OWN + " Va?").notified()
    assert not any(SV[f"notify.sender.{word}"] in item.text for item in unknown for word in ("pass", "fail"))


def test_thanks_that_may_be_forged_need_nothing_either(world: World) -> None:
    case = world.write(sample.THANKS, authentication=UNPROVEN)
    assert (case.told(), case.notified()) == ([], [])


def test_a_list_that_does_not_write_to_us_is_let_be(world: World) -> None:
    case = world.write(sample.JOIN, automatic=LIST, to=(TO_A_LIST,))
    assert (case.told(), case.notified()) == ([], [])
    assert case.conversation.status is ConversationStatus.RESOLVED


FORM = Address("Formulär", "formular@stad.example")
WITH_FORM = edited(SEND, form_senders=("Formular@stad.example",))


@pytest.mark.parametrize(
    "values", [{}, {"automatic": Automatic(True, "bulk", "Auto-Submitted")}, {"warnings": ("perhaps-automatic",)}]
)
def test_what_a_form_sends_is_a_persons_and_its_writer_gets_the_receipt(
    sessions: Sessions, values: dict[str, Any]
) -> None:
    case = World(sessions, WITH_FORM).write(sample.JOIN, sender=FORM, reply_to=(ANNA,), **values)
    is_with_a_person(case, "form", has_receipt=True)
    assert case.told()[0].to[0]["email"] == ANNA.email
    assert case.conversation.contact.address == ANNA.email


def test_a_form_that_names_nobody_gets_no_receipt(sessions: Sessions) -> None:
    is_with_a_person(World(sessions, WITH_FORM).write(sample.JOIN, sender=FORM), "form", has_receipt=False)


def test_a_forged_form_is_a_forgery(sessions: Sessions) -> None:
    world = World(sessions, WITH_FORM)
    case = world.write(sample.JOIN, sender=FORM, reply_to=(STRANGER,), authentication=UNPROVEN)
    is_with_a_person(case, "unproven", has_receipt=False)


def test_a_mail_that_stays_on_the_server_is_a_case_and_gets_a_receipt(world: World) -> None:
    case = world.write("", is_readable=False, warnings=(LEFT_ON_SERVER,))
    is_with_a_person(case, "too-large", has_receipt=True)


# ------------------------------------------------------------------ caps


def test_over_the_cap_of_the_outbox_nothing_goes_and_people_are_told_once(sessions: Sessions) -> None:
    world = World(sessions, edited(SEND, caps=Caps(outbox_per_hour=2)))
    for question in (sample.JOIN, sample.PREMISES):
        assert only(world.write(question), OutboxKind.REPLY)
    breaker = SV["notify.breaker"].partition("{")[0]
    for number, is_told in enumerate((True, False)):
        case = world.write(sample.SPORTS, sender=Address("", f"person{number}@forening.example"))
        assert (case.told(), state(case)) == ([], (ConversationStatus.WAITING, "over-cap"))
        assert any(breaker in item.text for item in case.notified()) == is_told
    world.later(hours=1, seconds=1)
    assert only(world.write(sample.JOIN + " Ny timme."), OutboxKind.REPLY)


def test_over_the_cap_of_a_sender_a_person_decides_until_a_day_has_gone(sessions: Sessions) -> None:
    world = World(sessions, edited(SEND, caps=Caps(per_sender_per_day=2)))
    for question in (sample.JOIN, sample.PREMISES):
        assert only(world.write(question), OutboxKind.REPLY)
    case = world.write(sample.SPORTS)
    assert (case.told(), state(case)) == ([], (ConversationStatus.WAITING, "over-cap"))
    assert only(world.write(sample.JOIN, sender=STRANGER), OutboxKind.REPLY), "others are answered"
    world.later(days=1, seconds=1)
    assert only(world.write(sample.JOIN + " Ny dag."), OutboxKind.REPLY)


def test_over_the_cap_of_a_case_a_person_decides(sessions: Sessions) -> None:
    world = World(sessions, edited(SEND, caps=Caps(per_case_per_day=1)))
    first = world.write(sample.JOIN, message_id="ett@forening.example")
    assert only(first, OutboxKind.REPLY)
    again = world.write(sample.PREMISES, in_reply_to=(first.told()[0].external_id,))
    assert [item.kind for item in again.told()] == [OutboxKind.REPLY]
    assert state(again) == (ConversationStatus.WAITING, "over-cap")
    assert only(world.write(sample.PREMISES), OutboxKind.REPLY)  # a case of its own


def test_a_case_gets_one_receipt_within_a_day(world: World) -> None:
    first = world.write(sample.OWN)
    receipt = first.told()[0].external_id
    world.deliver()
    world.resolve(first)
    again = world.write(sample.OWN + " Hallå?", in_reply_to=(receipt,))
    assert again.conversation.case_number == first.conversation.case_number
    assert [item.kind for item in again.told()] == [OutboxKind.RECEIPT]
    assert again.conversation.status is ConversationStatus.WAITING
    world.resolve(again)
    world.later(days=1, seconds=1)
    later = world.write(sample.OWN + " Hallå igen?", in_reply_to=(receipt,))
    assert [item.kind for item in later.told()] == [OutboxKind.RECEIPT] * 2


def test_the_coordinators_mailboxes_are_not_flooded(sessions: Sessions) -> None:
    world = World(sessions, edited(SEND, caps=Caps(notifications_per_hour=2)))
    notified = [
        [item.text for item in world.write(sample.OWN, sender=Address("", f"p{number}@x.example")).notified()]
        for number in range(5)
    ]
    assert [len(texts) for texts in notified] == [2, 2, 2, 0, 0]
    assert all(SV["notify.too-many"].partition(",")[2] in text for text in notified[2])
    urgent = world.write(sample.RECORDS, sender=STRANGER)
    assert len(urgent.notified()) == 2
    world.later(hours=1, seconds=1)
    assert len(world.write(sample.OWN, sender=Address("", "p9@x.example")).notified()) == 2


def test_a_coordinators_autosvar_without_any_sign_of_one_ends(world: World) -> None:
    """It answers our answer to its note, and that answer, and so on."""
    sender = Address("", COORDINATORS[0])
    answers = 0
    case = world.write("Jag är ledig.", sender=sender)
    for _ in range(10):
        mine = [item for item in case.notified() if item.message_id == case.message_id]
        answers += len(mine)
        if not mine:
            break
        case = world.write("Jag är ledig.", sender=sender, in_reply_to=(mine[0].external_id,))
    assert answers == 3


# ------------------------------------------------------------------ what came back


def bounced(world: World, original: str, *, permanent: bool | None, recipients: tuple[str, ...]) -> Case:
    return world.write(
        "Ditt mejl gick inte fram.",
        sender=Address("", "mailer-daemon@annan.example"),
        automatic=Automatic(True, "bounce", "RFC 3464"),
        bounce=Bounce(True, recipients, permanent, original),
    )


@pytest.mark.parametrize(
    ("permanent", "recipients", "is_dead"),
    [
        (True, (ANNA.email,), True),
        (True, ("okand@annan.example",), True),  # as the last server knew the address
        (False, (ANNA.email,), False),
        (None, (), False),
    ],
)
def test_a_bounce_marks_the_mail_and_for_good_the_contact(
    world: World, permanent: bool | None, recipients: tuple[str, ...], is_dead: bool
) -> None:
    case = world.write(sample.JOIN)
    back = bounced(world, case.told()[0].external_id, permanent=permanent, recipients=recipients)
    assert back.conversation.case_number == case.conversation.case_number
    assert case.told()[0].bounced_at == world.now
    assert (case.conversation.contact.undeliverable_at == world.now) == is_dead
    assert state(case) == (ConversationStatus.WAITING, "bounce")
    returned = case.told()[0].id
    with world.sessions.begin() as session:
        assert [item.id for item in queries.failed_outbox(session)] == [returned]


def test_who_writes_again_can_be_written_to_again(world: World) -> None:
    case = world.write(sample.JOIN)
    bounced(world, case.told()[0].external_id, permanent=True, recipients=(ANNA.email,))
    world.write(sample.PREMISES)
    assert case.conversation.contact.undeliverable_at is None


def test_a_forged_bounce_marks_nobody(world: World) -> None:
    case = world.write(sample.JOIN)
    forged = "lokbot.1.aaaaaaaaaaaaaaaa.aaaaaaaaaaaaaaaa@stad.example"
    bounced(world, forged, permanent=True, recipients=(ANNA.email,))
    assert case.conversation.contact.undeliverable_at is None


# ------------------------------------------------------------------ who is new in a thread


def test_a_new_sender_or_copy_in_a_thread_is_shown(world: World) -> None:
    first = world.write(sample.OWN)
    receipt = first.told()[0].external_id
    words = SV["notify.newcomers"].partition("{")[0]
    same = world.write("Och?", in_reply_to=(receipt,))
    assert not any(words in item.text for item in same.notified())
    copy = (Address("", "kassor@forening.example"),)
    other = world.write("Jag svarar åt Anna.", sender=STRANGER, cc=copy, in_reply_to=(receipt,))
    shown = [item.text for item in other.notified() if words in item.text]
    assert len(shown) == len(COORDINATORS)
    assert f"{words}{STRANGER.email}, kassor@forening.example." in shown[0]


def test_a_linked_case_is_named(world: World) -> None:
    first = world.write(sample.OWN)
    other = world.write(sample.OWN, sender=STRANGER, subject=f"Om {first.conversation.case_number}")
    words = SV["notify.related"].format(case=first.conversation.case_number)
    assert all(words in item.text for item in other.notified())


# ------------------------------------------------------------------ asking back


@pytest.fixture
def asked_back(world: World) -> tuple[World, Case]:
    """A case whose question lay between two articles."""
    world.finds("Samverkan eller lokal?", ("ga-med", 0.4), ("lana-lokal", 0.35))
    return world, world.write("Samverkan eller lokal?")


def test_a_question_between_two_answers_is_asked_back(asked_back: tuple[World, Case]) -> None:
    _, case = asked_back
    text = only(case, OutboxKind.REPLY)
    assert SV["clarify.which"] in text
    assert f"1. {sample.JOIN}\n2. {sample.PREMISES}" in text
    assert SV["clarify.how.mail"] in text
    assert SV["contact.mail"] not in text
    assert state(case) == (ConversationStatus.BOT, None)
    assert case.notified() == []


def test_the_number_is_answered_once(asked_back: tuple[World, Case]) -> None:
    world, case = asked_back
    reply = case.told()[0].external_id
    chosen = world.write("2", in_reply_to=(reply,), subject="SV: Fråga")
    assert chosen.conversation.case_number == case.conversation.case_number
    assert "Ni bokar möteslokalen" in chosen.told()[-1].text
    assert state(chosen) == (ConversationStatus.BOT, None)
    again = world.write("1", in_reply_to=(reply,), subject="SV: SV: Fråga")
    assert state(again) == (ConversationStatus.WAITING, "reply-to-answer")


def test_none_of_them_goes_to_a_person(asked_back: tuple[World, Case]) -> None:
    world, case = asked_back
    none = world.write("Ingen", in_reply_to=(case.told()[0].external_id,))
    assert state(none) == (ConversationStatus.WAITING, "none-of-these")
    assert none.notified()


def test_a_choice_told_by_a_person_in_between_is_open_no_more(asked_back: tuple[World, Case]) -> None:
    world, case = asked_back
    reply = case.told()[0].external_id
    with world.sessions.begin() as session:
        conversation = session.get_one(Conversation, case.conversation.id)
        escalation.take_over(session, conversation, actor="Kim", now=world.now)
    taken = world.write("2", in_reply_to=(reply,))
    assert taken.conversation.status is ConversationStatus.TAKEN
    assert not any("Ni bokar" in item.text for item in taken.told())


# ------------------------------------------------------------------ offered while they wait

UNSURE = "Undrar hur det är tänkt med oss i år"


@pytest.fixture
def offered(world: World) -> tuple[World, Case]:
    """A case that waits for a person, whose asker was offered two articles that it may be about."""
    world.finds(UNSURE, ("ga-med", 0.5), ("valberedning", 0.15))
    return world, world.write(UNSURE)


def answered(case: Case, text: str, **values: Any) -> Case:
    return case.world.write(
        text, in_reply_to=(case.told()[0].external_id,), subject="SV: Fråga om att gå med i LÖK", **values
    )


def test_who_waits_is_offered_an_approved_answer(offered: tuple[World, Case]) -> None:
    _, case = offered
    is_with_a_person(case, "not-sure", has_receipt=True)
    text = only(case, OutboxKind.RECEIPT)
    assert SV["offer.which"] in text  # one of the two: nobody has approved the other
    assert f"1. {sample.JOIN}" in text
    assert SV["receipt.next"].partition("{")[0] in text


def test_the_chosen_answer_comes_at_once_and_a_person_still_will(offered: tuple[World, Case]) -> None:
    _, case = offered
    chosen = answered(case, "1")
    assert chosen.conversation.case_number == case.conversation.case_number
    reply = chosen.told()[-1]
    assert (reply.kind, reply.is_automatic) == (OutboxKind.REPLY, True)
    assert sample.knowledge().articles["ga-med"].texts["sv"].answer in reply.text
    assert SV["offer.solved.mail"].partition("{")[0] in reply.text
    assert state(chosen) == (ConversationStatus.WAITING, "not-sure")
    assert chosen.conversation.answer_by is not None
    assert len(case.notified()) == len(COORDINATORS)  # told once


def test_the_second_offer_of_two_questions_is_the_second_questions(world: World) -> None:
    two = "Undrar hur det är tänkt med oss?\nOch hur blir det med rummet sen?"
    world.finds(two, ("ga-med", 0.5), ("lana-lokal", 0.5))
    case = world.write(two)
    assert f"1. {sample.JOIN}\n2. {sample.PREMISES}" in only(case, OutboxKind.RECEIPT)
    assert "Ni bokar möteslokalen" in answered(case, "2").told()[-1].text


def test_yes_closes_the_case(offered: tuple[World, Case]) -> None:
    _, case = offered
    answered(case, "1")
    yes = answered(case, "Ja tack!")
    assert yes.conversation.status is ConversationStatus.RESOLVED
    assert yes.conversation.answer_by is None
    assert [event.actor for event in yes.events() if event.verb == "resolved"] == [corrections.ASKER]
    assert len(yes.told()) == 2  # receipt and answer; a yes needs no reply
    with case.world.sessions() as session:
        (lesson,) = corrections.waiting(session)
        assert (lesson.question.text, lesson.article, lesson.made_by) == (UNSURE, "ga-med", corrections.ASKER)
    later = answered(case, "Men hur gör en ny förening egentligen?")
    assert later.conversation.status is ConversationStatus.WAITING


def test_yes_before_anything_was_chosen_closes_nothing(offered: tuple[World, Case]) -> None:
    _, case = offered
    assert state(answered(case, "Ja"))[0] is ConversationStatus.WAITING


def test_whatever_else_they_write_is_the_persons(offered: tuple[World, Case]) -> None:
    _, case = offered
    answered(case, "1")
    more = answered(case, "Nej, det var inte det vi menade")
    assert more.conversation.status is ConversationStatus.WAITING
    assert len(more.told()) == 2


def test_a_yes_after_something_new_closes_nothing(offered: tuple[World, Case]) -> None:
    _, case = offered
    answered(case, "1")
    answered(case, "En sak till: har ni fått vår ansökan?")
    assert answered(case, "Ja").conversation.status is ConversationStatus.WAITING


@pytest.mark.parametrize("is_answered", [False, True])
def test_when_a_person_has_it_a_number_is_theirs(offered: tuple[World, Case], is_answered: bool) -> None:
    world, case = offered
    with world.sessions.begin() as session:
        conversation = session.get_one(Conversation, case.conversation.id)
        escalation.take_over(session, conversation, actor="Kim", now=world.now)
        if is_answered:
            escalation.coordinator_reply(
                session, conversation, "Hur många är ni?", actor="Kim", settings=world.settings, now=world.now
            )
    number = answered(case, "1")
    assert not any(item.kind is OutboxKind.REPLY for item in number.told())
    assert number.conversation.status is not ConversationStatus.BOT


def test_where_the_bot_only_suggests_nothing_is_offered(sessions: Sessions) -> None:
    world = World(sessions, settings=SUGGEST)
    world.finds(UNSURE, ("ga-med", 0.5))
    assert SV["offer.which"] not in only(world.write(UNSURE), OutboxKind.RECEIPT)


def test_who_is_pointed_on_may_choose_and_close_the_case_too(world: World) -> None:
    world.finds(sample.CULTURE, ("ga-med", 0.5), ("valberedning", 0.15))
    case = world.write(sample.CULTURE)
    pointer = only(case, OutboxKind.REPLY)
    assert "kulturförvaltningen" in pointer
    assert f"{SV['offer.which']}\n\n1. {sample.JOIN}\n\n" in pointer
    assert case.conversation.administration == "kultur"
    chosen = answered(case, "1")
    assert sample.knowledge().articles["ga-med"].texts["sv"].answer in chosen.told()[-1].text
    assert SV["offer.solved.mail"].partition("{")[0] in chosen.told()[-1].text
    assert chosen.conversation.status is ConversationStatus.WAITING
    assert answered(case, "Ja").conversation.status is ConversationStatus.RESOLVED
    with world.sessions() as session:
        (lesson,) = corrections.waiting(session)
        assert (lesson.question.text, lesson.article) == (sample.CULTURE, "ga-med")


def test_a_pointer_that_is_only_suggested_offers_nothing(sessions: Sessions) -> None:
    world = World(sessions, settings=SUGGEST)
    world.finds(sample.CULTURE, ("ga-med", 0.5))
    case = world.write(sample.CULTURE)
    assert all(SV["offer.which"] not in item.text for item in case.conversation.outbox)
    assert answered(case, "1").told()[-1].kind is OutboxKind.RECEIPT


def test_what_waits_beside_is_not_ended_by_a_choice(offered: tuple[World, Case]) -> None:
    _, case = offered
    answered(case, "Har ni fått vår ansökan förresten?")
    chosen = answered(case, "1")
    assert sample.knowledge().articles["ga-med"].texts["sv"].answer in chosen.told()[-1].text
    assert SV["offer.solved.mail"].partition("{")[0] not in chosen.told()[-1].text
    assert answered(case, "Ja").conversation.status is ConversationStatus.WAITING


def test_in_another_language_the_chosen_answer_comes_in_both_of_ours(world: World) -> None:
    asked = "Як наше товариство може приєднатися до угоди та що для цього потрібно?"
    world.finds(asked, ("ga-med", 0.5))
    case = world.write(asked)
    assert (case.conversation.language, state(case)[1]) == ("uk", "other-language")
    chosen = answered(case, "1")
    texts = sample.knowledge().articles["ga-med"].texts
    assert texts["sv"].answer in chosen.told()[-1].text
    assert texts["en"].answer in chosen.told()[-1].text
    assert chosen.conversation.language == "uk"
