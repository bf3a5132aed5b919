"""A coordinator answers from Outlook: what acts, what only becomes a note, and that nothing leaves unseen."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lokbot.conversation import coordinator_mail, tokens
from lokbot.conversation.coordinator_mail import Request
from lokbot.model import Address, Authentication, Automatic, ConversationStatus, OutboxKind, OutboxStatus
from lokbot.store import queries
from lokbot.store.session import Sessions
from tests import sample_knowledge as sample
from tests.integration.world import COORDINATORS, SEND, SUGGEST, Case, World, edited
from tests.sample_mails import ANNA, LOK, STRANGER, attachment

SV = sample.phrases()["sv"]
KIM, VIK = (Address("", address.lower()) for address in COORDINATORS)
PROVEN = Authentication("mx.stad.example", dmarc="pass")
ANSWER = "Ni är välkomna på torsdag."


@pytest.fixture
def world(sessions: Sessions) -> World:
    return World(sessions, with_server(SEND))


def with_server(settings: Any) -> Any:
    """Our own mail server vouches for senders, and delivers lok+anything@ to lok@."""
    return edited(
        settings,
        imap=settings.imap.model_copy(update={"authserv_ids": ("mx.stad.example",)}),
        smtp=settings.smtp.model_copy(update={"reply_separator": "+"}),
    )


def reply(world: World, case: Case, text: str = ANSWER, *, sender: Address = KIM, **values: Any) -> Case:
    """The coordinator replies to the mail about the case that they got."""
    theirs = [item for item in case.notified() if item.to[0]["email"].lower() == sender.email]
    defaults = {"authentication": PROVEN, "in_reply_to": (theirs[-1].external_id,)}
    return world.write(text, sender=sender, **{**defaults, **values})


def said(case: Case) -> str:
    """What the writer of the latest mail was told."""
    (item,) = [item for item in case.notified() if item.message_id == case.message_id]
    return item.text


def to_asker(world: World) -> list[str]:
    """The words of people that have gone to the asker."""
    return [message.text for message in world.deliver() if message.to == (ANNA,) and not message.is_automatic]


# ------------------------------------------------------------------ reading


@pytest.mark.parametrize(
    ("text", "request_"),
    [
        ("Hej!\nVälkomna.", Request((), "Hej!\nVälkomna.")),
        ("#klar", Request(("klar",), "")),
        ("  #Klar.\n\nVälkomna.", Request(("klar",), "Välkomna.")),
        ("\n# ta\n", Request(("ta",), "")),
        ("#ta #klar", Request(("ta", "klar"), "")),
        ("Välkomna.\n#klar", Request((), "Välkomna.\n#klar")),
        ("#", Request((), "")),
        ("", Request((), "")),
    ],
)
def test_the_words_at_the_top_are_read(text: str, request_: Request) -> None:
    assert coordinator_mail.read(text) == request_


@pytest.mark.parametrize(
    ("text", "is_stop"),
    [("STOPP", True), ("stop!", True), ("Stopp\nMvh Kim", True), ("Stoppa pressarna", False), ("#klar\nstopp", False)],
)
def test_stop_is_a_line_of_its_own(text: str, is_stop: bool) -> None:
    assert coordinator_mail.read(text).is_stop == is_stop


@given(st.text(alphabet="#klar \n.å", max_size=40))
def test_no_words_are_lost_in_reading(text: str) -> None:
    read = coordinator_mail.read(text)
    assert "".join(read.text.split()) in "".join(text.split())
    assert all(word and "#" not in word for word in read.commands)


# ------------------------------------------------------------------ answering


def test_a_reply_becomes_the_answer_after_the_undo_time(world: World) -> None:
    case = world.write(sample.OWN, message_id="fraga@forening.example")
    world.deliver()
    answered = reply(world, case)
    assert SV["notify.mail.leaves"].format(time="klockan 10.40", to=ANNA.email) in said(answered)
    assert f"> {ANSWER}" in said(answered)
    assert (answered.conversation.status, answered.conversation.taken_by) == (ConversationStatus.TAKEN, KIM.email)
    assert to_asker(world) == []
    world.later(minutes=10)
    (sent,) = [message for message in world.deliver() if message.to == (ANNA,)]
    assert (sent.text, sent.in_reply_to, sent.is_automatic) == (ANSWER, "fraga@forening.example", False)
    assert case.conversation.status is ConversationStatus.RESOLVED


def test_the_mail_about_a_case_says_how_to_answer_it(world: World, sessions: Sessions) -> None:
    case = world.write(sample.OWN)
    assert all(SV["notify.answer-here"].format(minutes=10) in item.text for item in case.notified())
    assert all(SV["notify.reply-here"] not in item.text for item in case.notified())
    without = World(sessions, SEND).write(sample.OWN + " Va?")
    assert all(SV["notify.reply-here"] in item.text for item in without.notified())


def test_a_signed_address_is_enough(world: World) -> None:
    """A phone's program that forgets In-Reply-To."""
    case = world.write(sample.OWN)
    address = case.notified()[0].reply_to
    assert address is not None
    answered = reply(world, case, in_reply_to=(), to=(Address("", address),))
    assert answered.conversation.id == case.conversation.id
    world.later(minutes=10)
    assert to_asker(world) == [ANSWER]


def test_stop_takes_it_back(world: World) -> None:
    case = world.write(sample.OWN)
    answered = reply(world, case)
    stopped = reply(world, answered, "STOPP")
    assert said(stopped) == SV["notify.mail.stopped"].format(case=case.conversation.case_number)
    world.later(hours=1)
    assert to_asker(world) == []
    assert (case.conversation.status, case.conversation.taken_by) == (ConversationStatus.TAKEN, KIM.email)


def test_stop_after_it_left_says_so(world: World) -> None:
    case = world.write(sample.OWN)
    answered = reply(world, case)
    world.later(minutes=10)
    assert to_asker(world) == [ANSWER]
    assert said(reply(world, answered, "stopp")) == SV["notify.mail.too-late"].format(
        case=case.conversation.case_number
    )


def test_nobody_stops_what_another_sends(world: World) -> None:
    case = world.write(sample.OWN)
    reply(world, case)
    assert SV["notify.mail.too-late"].partition("{")[0] in said(reply(world, case, "STOPP", sender=VIK))
    world.later(minutes=10)
    assert to_asker(world) == [ANSWER]


def test_what_the_asker_writes_meanwhile_keeps_the_case(world: World) -> None:
    case = world.write(sample.OWN)
    receipt = case.told()[0].external_id
    reply(world, case)
    world.later(minutes=5)
    more = world.write("Vi har en fråga till: " + sample.JOIN, in_reply_to=(receipt,))
    assert [item.kind for item in more.told()] == [OutboxKind.RECEIPT, OutboxKind.ANSWER]  # the bot is silent
    world.later(minutes=5)
    assert to_asker(world) == [ANSWER]
    assert more.conversation.status is ConversationStatus.TAKEN


# ------------------------------------------------------------------ the other acts


def test_words_at_the_top_act(world: World) -> None:
    case = world.write(sample.OWN)
    assert reply(world, case, "#ta").conversation.taken_by == KIM.email
    assert reply(world, case, "#tillbaka").conversation.status is ConversationStatus.WAITING
    noted = reply(world, case, "#not\nDe ringde igår.")
    assert SV["notify.mail.why.asked"] in said(noted)
    assert noted.conversation.status is ConversationStatus.WAITING
    world.later(days=1, seconds=1)
    done = reply(world, case, "#klar")
    assert said(done) == SV["notify.mail.done"].format(act="#klar", case=case.conversation.case_number)
    assert done.conversation.status is ConversationStatus.RESOLVED
    assert to_asker(world) == []


def test_resolved_with_words_is_an_answer(world: World) -> None:
    case = world.write(sample.OWN)
    reply(world, case, f"#klar\n{ANSWER}")
    world.later(minutes=10)
    assert to_asker(world) == [ANSWER]
    assert case.conversation.status is ConversationStatus.RESOLVED


def test_a_suggestion_is_sent_as_it_is(sessions: Sessions) -> None:
    world = World(sessions, with_server(SUGGEST))
    case = world.write(sample.JOIN)
    released = reply(world, case, "#skicka")
    assert "> Styrelsen fattar ett beslut." in said(released)
    assert to_asker(world) == []
    world.later(minutes=10)
    assert ["Styrelsen fattar ett beslut." in text for text in to_asker(world)] == [True]
    assert case.conversation.status is ConversationStatus.RESOLVED


def test_a_suggestion_that_is_not_there_is_said(world: World) -> None:
    case = world.write(sample.OWN)
    assert "har inget förslag att skicka" in said(reply(world, case, "#skicka"))


def test_an_administrations_name_forwards(world: World) -> None:
    owner = replace(world.active.knowledge.administrations["fritid"], address="fritid@stad.example")
    known = replace(world.active.knowledge, administrations={**world.active.knowledge.administrations, "fritid": owner})
    world.active = replace(world.active, knowledge=known)
    case = world.write(sample.OWN)
    world.deliver()
    reply(world, case, "#fritid")
    world.later(minutes=10)
    sent = world.deliver()
    assert next(message.to[0].email for message in sent if not message.is_automatic) == "fritid@stad.example"
    assert case.conversation.status is ConversationStatus.WITH_ADMINISTRATION


def test_an_administration_without_address_is_said(world: World) -> None:
    owner = replace(world.active.knowledge.administrations["fritid"], address=None)
    known = replace(world.active.knowledge, administrations={**world.active.knowledge.administrations, "fritid": owner})
    world.active = replace(world.active, knowledge=known)
    assert "har ingen mejladress till" in said(reply(world, world.write(sample.OWN), "#fritid"))


# ------------------------------------------------------------------ what never leaves


@pytest.mark.parametrize(
    ("text", "values", "why"),
    [
        (ANSWER, {"authentication": Authentication()}, "not-proven"),
        (ANSWER, {"authentication": Authentication("mx.stad.example", dmarc="none")}, "not-proven"),
        (ANSWER, {"cc": (STRANGER,)}, "others"),
        (ANSWER, {"to": (LOK, ANNA)}, "others"),
        ("#kultr\nVälkomna.", {}, "unknown"),
        ("#ta #klar", {}, "several"),
        (ANSWER, {"attachments": (attachment(),)}, "attachment"),
        ("", {}, "empty"),
    ],
)
def test_a_slip_stays_a_note_and_is_reported(world: World, text: str, values: dict[str, Any], why: str) -> None:
    case = world.write(sample.OWN)
    world.deliver()
    kept = reply(world, case, text, **values)
    words = SV[f"notify.mail.why.{why}"].partition("{")[0]
    assert words in said(kept)
    assert kept.conversation.status is ConversationStatus.WAITING
    world.later(hours=1)
    assert to_asker(world) == []
    assert [event.verb for event in kept.events()].count("noted") == 1


def test_a_forged_coordinator_gets_nothing_done(world: World) -> None:
    """The sender's domain disowns the mail: it is not even believed to be from a coordinator of the case."""
    case = world.write(sample.OWN)
    forged = reply(world, case, authentication=Authentication("mx.stad.example", dmarc="fail"))
    assert SV["notify.mail.why.not-proven"] in said(forged)
    world.later(hours=1)
    assert to_asker(world) == []


def test_what_another_coordinator_got_answers_nothing(world: World) -> None:
    case = world.write(sample.OWN)
    theirs = case.notified()[1]
    assert theirs.to[0]["email"] == COORDINATORS[1]
    kept = reply(world, case, in_reply_to=(theirs.external_id,))
    assert SV["notify.mail.why.not-yours"] in said(kept)
    assert theirs.reply_to is not None
    by_address = reply(world, case, in_reply_to=(theirs.external_id,), to=(Address("", theirs.reply_to),))
    assert SV["notify.mail.why.not-yours"] in said(by_address)
    world.later(hours=1)
    assert to_asker(world) == []


def test_a_coordinators_autosvar_is_no_answer(world: World) -> None:
    case = world.write(sample.OWN)
    ignored = reply(world, case, "Jag är ledig.", automatic=Automatic(True, "auto-reply", "Auto-Submitted"))
    assert [item for item in ignored.notified() if item.message_id == ignored.message_id] == []
    world.later(hours=1)
    assert to_asker(world) == []
    assert case.conversation.status is ConversationStatus.WAITING


def test_a_mail_of_its_own_is_a_case_for_somebody(world: World) -> None:
    case = world.write("Kan boten svara om parkering?", sender=KIM, authentication=PROVEN)
    assert SV["notify.mail.why.no-case"] in said(case)
    assert case.conversation.status is ConversationStatus.WAITING


def test_the_signature_of_one_coordinator_is_not_that_of_another() -> None:
    key = b"k" * 32
    address = tokens.answer_address(key, 7, "Kim@stad.example", "lok@stad.example", "+")
    assert tokens.answered_at(key, address.upper(), "kim@stad.example") == 7
    assert tokens.answered_at(key, address, "vik@stad.example") is None
    assert tokens.answered_at(b"o" * 32, address, "kim@stad.example") is None
    assert tokens.conversation_at(key, address) is None


def test_a_stranger_with_a_coordinators_address_token_is_a_stranger(world: World) -> None:
    case = world.write(sample.OWN)
    address = case.notified()[0].reply_to
    assert address is not None
    other = world.write("Hej", sender=STRANGER, to=(Address("", address),), authentication=PROVEN)
    assert other.conversation.id != case.conversation.id


def test_the_outbox_holds_what_was_stopped(world: World) -> None:
    case = world.write(sample.OWN)
    reply(world, reply(world, case), "STOPP")
    with world.sessions.begin() as session:
        found = queries.conversation_for(session, case.conversation.id)
        assert found is not None
        assert [item.status for item in found.outbox if item.kind is OutboxKind.ANSWER] == [OutboxStatus.CANCELLED]
