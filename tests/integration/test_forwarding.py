"""A question goes to an administration and comes back: what goes along, what is passed on, what is returned."""

from __future__ import annotations

import re
from typing import Any

import pytest
from sqlalchemy import select

from lokbot.conversation import administration_mail, escalation, tokens, uploads
from lokbot.conversation.forwarding import concerned
from lokbot.model import (
    Address,
    Authentication,
    Automatic,
    ConversationStatus,
    NotPossible,
    OutboxKind,
    OutboxStatus,
    OutgoingMessage,
)
from lokbot.store import inbox, queries
from lokbot.store.inbox import Filters, Folder
from lokbot.store.schema import Conversation, Event, Forward, OutboxItem
from lokbot.store.session import Sessions
from tests import sample_knowledge as sample
from tests.integration.test_coordinator_mail import KIM, PROVEN, with_server
from tests.integration.test_coordinator_mail import reply as mail_reply
from tests.integration.test_escalation import act
from tests.integration.world import COORDINATORS, SEND, Case, World, edited
from tests.sample_mails import ANNA, LOK, STRANGER, attachment

SV = sample.phrases()["sv"]
OFFICE = Address("Fritid", "fritid@stad.example")
ANSWER = "Lotten är ledig från maj."


@pytest.fixture
def world(sessions: Sessions) -> World:
    return World(sessions, with_server(SEND))


def forward(case: Case, to: str = "fritid", **values: Any) -> OutboxItem:
    """Kim sends it on, and it leaves."""
    world = case.world
    item = act(
        case,
        escalation.forward,
        to,
        settings=world.settings,
        knowledge=world.active.knowledge,
        **{"actor": KIM.email, **values},
    )
    world.deliver()
    return item


def answer(case: Case, text: str = ANSWER, *, sender: Address = OFFICE, **values: Any) -> Case:
    """The administration replies to the mail that it got."""
    sent = case.items(OutboxKind.FORWARD)[-1]
    defaults = {"authentication": PROVEN, "in_reply_to": (sent.external_id,)}
    return case.world.write(text, sender=sender, **{**defaults, **values})


def to_asker(world: World) -> list[OutgoingMessage]:
    return [message for message in world.deliver() if message.to == (ANNA,) and not message.is_automatic]


def proposed(case: Case) -> str:
    """What goes along where the coordinator says nothing else."""
    with case.world.sessions.begin() as session:
        return concerned(session.get_one(Conversation, case.conversation.id))


def status(case: Case) -> ConversationStatus:
    return case.conversation.status


def latest(case: Case) -> OutboxItem:
    return case.notified()[-1]


# ------------------------------------------------------------------ what goes along


def test_only_the_question_that_nobody_answered_goes_along(world: World) -> None:
    case = world.write(f"Hej! Vi heter Provarna och finns sedan 1950.\n\n{sample.JOIN}\n\n{sample.OWN}")
    world.deliver()
    assert proposed(case) == case.plan.rest[0].question.text
    item = forward(case)
    assert sample.OWN in item.text
    assert sample.JOIN not in item.text
    assert "anna@forening.example" not in item.text
    assert SV["forward.answer"] in item.text
    assert SV["forward.not-yours"] in item.text


def test_where_nothing_is_open_the_latest_words_go_along(world: World) -> None:
    case = world.write(sample.JOIN)
    world.deliver()
    assert proposed(case) == sample.JOIN


def test_the_coordinator_says_what_goes_along(world: World) -> None:
    case = world.write(sample.OWN)
    item = forward(case, text="Är lotten ledig?", names_asker=True)
    assert "> Är lotten ledig?" in item.text
    assert sample.OWN not in item.text
    assert SV["forward.sender"].format(sender=ANNA) in item.text
    with pytest.raises(NotPossible, match="Det står inget att skicka vidare"):
        forward(case, text="  \n")


def test_a_whole_message_and_its_files_go_along_where_they_are_ticked(world: World) -> None:
    case = world.write(f"Anna Holm här, 070-123 45 67.\n\n{sample.OWN}", sender=Address("Anna Holm", ANNA.email))
    later = world.write("Och en sak till.", in_reply_to=(case.message.message_id,))
    pdf = uploads.read("karta.pdf", b"%PDF-1.7", "application/pdf")
    item = forward(case, text="Är lotten ledig?", messages=(case.message_id,), attachments=(pdf,))
    heading = SV["forward.whole"].format(day=r"\w+ den \d+ \w+ \d{4}", time=r"\d\d\.\d\d")
    assert re.search(f"{heading}\n\n> ", item.text)
    assert sample.OWN in item.text
    assert "Och en sak till" not in item.text
    assert "Anna" not in item.text, "who asks is a tick of its own"
    assert "070-123" not in item.text
    assert [(one.name, one.sha256) for one in item.attachments] == [("karta.pdf", pdf.sha256)]
    named = forward(case, messages=(later.message_id, case.message_id), names_asker=True)
    assert "070-123 45 67" in named.text
    assert named.text.index(sample.OWN) < named.text.index("Och en sak till")


def test_what_is_anothers_or_too_large_does_not_go_along(world: World) -> None:
    case, other = world.write(sample.OWN), world.write(sample.OWN, sender=STRANGER)
    with pytest.raises(NotPossible, match="Ett meddelande som du valde finns inte i ärendet"):
        forward(case, messages=(other.message_id,))
    large = uploads.read("karta.pdf", b"%PDF-1.7" + b" " * world.settings.web.max_upload_bytes)
    with pytest.raises(NotPossible, match="Bilagorna är"):
        forward(case, attachments=(large,))
    assert not case.items(OutboxKind.FORWARD)


def test_the_answer_address_is_that_administrations_own(world: World) -> None:
    case = world.write(sample.OWN)
    item = forward(case)
    with world.sessions.begin() as session:
        key = queries.signing_key(session, now=world.now)
        stored = session.scalars(select(Forward)).one()
        assert (stored.administration, stored.is_direct, stored.outbox_id) == ("fritid", False, item.id)
    assert item.reply_to is not None
    assert tokens.answered_at(key, item.reply_to, OFFICE.email) == case.conversation.id
    assert tokens.answered_at(key, item.reply_to, KIM.email) is None


# ------------------------------------------------------------------ it answers


def test_an_answer_waits_for_the_coordinator_and_is_passed_on_with_a_word(world: World) -> None:
    case = world.write(sample.OWN, message_id="fraga@forening.example")
    forward(case)
    told = len(case.told())
    answered = answer(case, cc=(STRANGER,), authentication=Authentication())
    conversation = answered.conversation
    assert conversation.id == case.conversation.id
    assert (conversation.status, conversation.taken_by) == (ConversationStatus.TAKEN, KIM.email)
    assert answered.plan.decisions[0].reason == "from-administration"
    assert answered.plan.decisions[0].administration == "fritid"
    assert to_asker(world) == []
    assert len(case.told()) == told, "the bot is silent"
    notice = latest(case)
    assert [address["email"] for address in notice.to] == [KIM.email]
    assert "fritidsförvaltningen har svarat" in notice.subject
    assert f"> {ANSWER}" in notice.text
    released = mail_reply(world, case, "#skicka")
    world.later(minutes=10)
    (sent,) = to_asker(world)
    assert sent.text == f"{SV['passed-on'].format(name='fritidsförvaltningen')}\n\n{ANSWER}"
    assert sent.in_reply_to == "fraga@forening.example"
    assert released.conversation.status is ConversationStatus.RESOLVED


def test_a_coordinators_own_words_take_its_place(world: World) -> None:
    case = world.write(sample.OWN)
    forward(case)
    answer(case)
    act(case, escalation.coordinator_reply, "Ja, från maj.", settings=world.settings)
    assert [message.text for message in to_asker(world)] == ["Ja, från maj."]
    assert [item.status for item in case.items(OutboxKind.ANSWER)] == [OutboxStatus.CANCELLED, OutboxStatus.SENT]


def test_the_bots_own_forward_is_answered_to_all(world: World) -> None:
    case = world.write(sample.GARDEN)
    world.deliver()
    assert status(case) is ConversationStatus.WITH_ADMINISTRATION
    before = len(case.notified())
    answer(case)
    assert status(case) is ConversationStatus.WAITING
    assert [item.to[0]["email"] for item in case.notified()[before:]] == list(COORDINATORS)
    with world.sessions.begin() as session:
        found = inbox.cases(session, Folder.SUGGESTIONS, Filters(), KIM.email).cases
    assert [one.id for one in found] == [case.conversation.id]


def test_a_colleague_at_the_administration_is_the_administration(world: World) -> None:
    case = world.write(sample.OWN)
    forward(case, directly=True)
    answered = answer(case, sender=Address("Lena", "lena@stad.example"))
    assert answered.plan.decisions[0].administration == "fritid"
    assert SV["notify.administration.why.not-them"].format(sender="lena@stad.example") in latest(case).text
    world.later(hours=1)
    assert to_asker(world) == []


def test_an_answer_after_the_case_was_closed_opens_it(world: World) -> None:
    case = world.write(sample.OWN)
    forward(case)
    world.resolve(case)
    answer(case)
    conversation = case.conversation
    assert (conversation.status, conversation.reason) == (ConversationStatus.WAITING, "from-administration")
    assert conversation.waiting_since == world.now
    assert conversation.answer_by is not None


def test_an_autosvar_from_an_administration_is_no_answer(world: World) -> None:
    case = world.write(sample.OWN)
    forward(case, directly=True)
    before = len(case.notified())
    answer(case, "Tack för ditt mejl!", automatic=Automatic(True, "auto-reply", "Auto-Submitted"))
    world.later(hours=1)
    assert to_asker(world) == []
    assert status(case) is ConversationStatus.WITH_ADMINISTRATION
    assert len(case.notified()) == before
    answer(case)
    world.later(minutes=10)
    assert len(to_asker(world)) == 1


def test_what_an_administration_writes_is_never_taken_for_the_askers(world: World) -> None:
    case = world.write(sample.OWN)
    forward(case)
    answer(case, sample.JOIN)
    assert case.items(OutboxKind.ANSWER)[0].to == queries.as_json((ANNA,))
    assert proposed(case) == sample.OWN


# ------------------------------------------------------------------ directly


def test_an_answer_goes_directly_where_the_coordinator_chose_so(world: World) -> None:
    case = world.write(sample.OWN)
    item = forward(case, directly=True)
    assert SV["forward.answer-directly"] in item.text
    answer(case)
    assert status(case) is ConversationStatus.WITH_ADMINISTRATION
    assert SV["notify.administration.leaves"].format(time="klockan 10.40", to=ANNA.email) in latest(case).text
    assert to_asker(world) == []
    world.later(minutes=10)
    (sent,) = to_asker(world)
    assert sent.text.endswith(ANSWER)
    assert sent.text.startswith("Svar från fritidsförvaltningen:")
    assert status(case) is ConversationStatus.RESOLVED


def test_without_an_undo_time_the_case_is_resolved_all_the_same(world: World) -> None:
    """What the coordinators are told of the answer leaves after it."""
    world.settings = edited(world.settings, answering=world.settings.answering.model_copy(update={"undo_minutes": 0}))
    case, other = world.write(sample.OWN), world.write(sample.OWN + " Va?")
    world.deliver()
    mail_reply(world, other, ANSWER)
    forward(case, directly=True)
    answer(case)
    assert len(to_asker(world)) == 1
    assert (status(case), status(other)) == (ConversationStatus.RESOLVED, ConversationStatus.RESOLVED)


def test_a_signed_address_alone_is_proof_enough(world: World) -> None:
    case = world.write(sample.OWN)
    item = forward(case, directly=True)
    assert item.reply_to is not None
    answer(case, in_reply_to=(), to=(Address("", item.reply_to),))
    world.later(minutes=10)
    assert len(to_asker(world)) == 1


@pytest.mark.parametrize(
    ("text", "values", "why"),
    [
        (ANSWER, {"authentication": Authentication()}, "not-proven"),
        (ANSWER, {"authentication": Authentication("mx.stad.example", dmarc="none")}, "not-proven"),
        (ANSWER, {"warnings": ("perhaps-automatic",)}, "machine"),
        (ANSWER, {"cc": (STRANGER,)}, "others"),
        (ANSWER, {"to": (LOK, ANNA)}, "others"),
        (ANSWER, {"attachments": (attachment(),)}, "attachment"),
    ],
)
def test_a_slip_never_goes_directly(world: World, text: str, values: dict[str, Any], why: str) -> None:
    case = world.write(sample.OWN)
    forward(case, directly=True)
    answer(case, text, **values)
    assert SV[f"notify.administration.why.{why}"].partition("{")[0] in latest(case).text
    assert status(case) is ConversationStatus.TAKEN
    world.later(hours=1)
    assert to_asker(world) == []
    assert [item.status for item in case.items(OutboxKind.ANSWER)] == [OutboxStatus.HELD]


def test_an_empty_answer_is_told_and_nothing_is_suggested(world: World) -> None:
    case = world.write(sample.OWN)
    forward(case, directly=True)
    answer(case, "")
    assert SV["notify.mail.why.empty"] in latest(case).text
    assert case.items(OutboxKind.ANSWER) == []


def test_a_mail_from_the_administration_that_answers_no_mail_of_ours_never_goes_directly(world: World) -> None:
    case = world.write(sample.OWN)
    forward(case, directly=True)
    told = answer(case, in_reply_to=(), subject=case.conversation.case_number)
    assert told.conversation.id == case.conversation.id
    assert SV["notify.administration.why.not-them"].format(sender=OFFICE.email) in latest(case).text


def test_the_second_answer_waits_for_a_person(world: World) -> None:
    case = world.write(sample.OWN)
    forward(case, directly=True)
    answer(case)
    answer(case, "Glömde: den kostar 200 kronor.")
    assert SV["notify.administration.why.moved"] in latest(case).text
    world.later(minutes=10)
    assert [message.text.split("\n\n")[-1] for message in to_asker(world)] == [ANSWER]
    assert status(case) is ConversationStatus.TAKEN


def test_any_coordinator_stops_what_goes_directly(world: World) -> None:
    case = world.write(sample.OWN)
    forward(case, directly=True)
    answer(case)
    mail_reply(world, case, "STOPP")
    world.later(hours=1)
    assert to_asker(world) == []
    assert status(case) is ConversationStatus.TAKEN


def test_nothing_goes_directly_after_a_take_over(world: World) -> None:
    case = world.write(sample.OWN)
    forward(case, directly=True)
    answer(case)
    act(case, escalation.take_over, actor=KIM.email)
    world.later(hours=1)
    assert to_asker(world) == []
    assert [item.status for item in case.items(OutboxKind.ANSWER)] == [OutboxStatus.CANCELLED]


def test_what_the_asker_writes_meanwhile_keeps_the_case_open(world: World) -> None:
    case = world.write(sample.OWN)
    forward(case, directly=True)
    answer(case)
    world.later(minutes=5)
    world.write("En sak till: när då?", in_reply_to=(case.told()[0].external_id,))
    world.later(minutes=5)
    assert len(to_asker(world)) == 1
    assert status(case) is ConversationStatus.WITH_ADMINISTRATION


def test_a_direct_answer_needs_a_server_that_vouches_and_somebody_to_answer(world: World, sessions: Sessions) -> None:
    with pytest.raises(NotPossible, match="ingen adress att svara till"):
        forward(world.write(sample.OWN, sender=Address("Någon", "")), directly=True)
    with pytest.raises(NotPossible, match="intygar inga avsändare"):
        forward(World(sessions, SEND).write(sample.OWN + " Va?"), directly=True)


# ------------------------------------------------------------------ not ours


@pytest.mark.parametrize(
    ("text", "is_return"),
    [
        ("#inte vårt", True),
        ("#inte vårt\nDet är kultur.", True),
        ("Hej!\n\nInte vår.\n\nMvh", True),
        ("NOT OURS", True),
        ("Inte vårt ansvar helt och hållet, men ni får boka.", False),
        ("Ja.\n#inte vårt", False),
        ("", False),
    ],
)
def test_not_ours_is_the_first_line(text: str, is_return: bool) -> None:
    assert administration_mail.is_return(text) == is_return


def test_what_is_not_theirs_waits_again(world: World) -> None:
    case = world.write(sample.OWN)
    since = case.conversation.waiting_since
    forward(case, directly=True)
    before = len(case.notified())
    answer(case, "#inte vårt\nDet är kultur.")
    conversation = case.conversation
    assert (conversation.status, conversation.taken_by) == (ConversationStatus.WAITING, None)
    assert (conversation.administration, conversation.waiting_since) == (None, since)
    told = case.notified()[before:]
    assert [item.to[0]["email"] for item in told] == list(COORDINATORS)
    assert "lämnar tillbaka" in told[0].subject
    assert "Det är kultur." in told[0].text
    assert "gånger" not in told[0].text
    world.later(hours=1)
    assert to_asker(world) == []
    assert "returned" in [event.verb for event in case.events()]


def test_who_returns_twice_is_warned_of(world: World) -> None:
    first, second = world.write(sample.OWN), world.write(sample.OWN + " Nå?", sender=STRANGER)
    for case in (first, second):
        forward(case)
        answer(case, "inte vår")
    often = SV["notify.administration.returns-often"].format(name="fritidsförvaltningen", count="2")
    assert often not in first.notified()[-1].text
    assert often in second.notified()[-1].text
    with world.sessions.begin() as session:
        assert administration_mail.returns(session, since=world.now) == {"fritid": 2}
        (event,) = session.scalars(select(Event).where(Event.verb == "returned-often"))
        assert event.detail == {"administration": "fritid", "by_administration": 2, "of_case": 1}


def test_a_case_that_wanders_is_warned_of(world: World) -> None:
    case = world.write(sample.OWN)
    forward(case)
    answer(case, "inte vår")
    forward(case, "kultur", address="kultur@stad.example")
    answer(case, "inte vår", sender=Address("", "kultur@stad.example"))
    assert SV["notify.administration.wanders"].format(count="2") in latest(case).text


def test_a_return_said_twice_counts_once(world: World) -> None:
    case = world.write(sample.OWN)
    forward(case)
    answer(case, "inte vår")
    answer(case, "Inte vår, som sagt.\n")
    answer(case, "inte vår!")
    with world.sessions.begin() as session:
        assert administration_mail.returns(session, since=world.now) == {"fritid": 1}
