"""What is to be sent goes out once, later if need be, and nothing automatic after a person has taken over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from lokbot.config import OutboxSettings, Settings, SmtpSettings
from lokbot.conversation import delivery, escalation, intake, outbox
from lokbot.model import (
    Address,
    ChannelError,
    ChannelName,
    ConversationStatus,
    OutboxKind,
    OutboxStatus,
    OutgoingMessage,
    Reply,
)
from lokbot.store import queries
from lokbot.store.schema import Conversation, Message, OutboxItem
from lokbot.store.session import Sessions, session_factory
from tests import sample_knowledge as sample
from tests.integration.together import in_threads
from tests.integration.world import SEND
from tests.sample_mails import ANNA, NOW, mail

LEASE = timedelta(minutes=15)
MAIL = (ChannelName.MAIL,)
COORDINATOR = "samordnare@stad.example"
SETTINGS = Settings(
    coordinators=(COORDINATOR,),
    smtp=SmtpSettings(from_address="lok@stad.example"),
    outbox=OutboxSettings(retry_seconds=(10, 60), give_up_hours=48, lease_seconds=LEASE.total_seconds()),
)


class Door:
    """A door that notes what it was given, and fails as told."""

    def __init__(self, *errors: Exception | None) -> None:
        self.sent: list[OutgoingMessage] = []
        self._errors = list(errors)

    def send(self, message: OutgoingMessage) -> None:
        self.sent.append(message)
        if self._errors and (error := self._errors.pop(0)):
            raise error


@pytest.fixture
def case(sessions: Sessions) -> int:
    """A conversation with one message."""
    with sessions.begin() as session:
        return intake.receive(session, mail("Fråga"), now=NOW).conversation_id


def put(sessions: Sessions, case: int, text: str = "Svar", **values: Any) -> int:
    with sessions.begin() as session:
        conversation = session.get_one(Conversation, case)
        defaults: dict[str, Any] = {"kind": OutboxKind.REPLY, "to": (ANNA,), "settings": SEND, "now": NOW}
        item = outbox.enqueue(session, conversation, Reply("SV: Fråga", text, None, "sv"), **{**defaults, **values})
        session.flush()
        return item.id


def claim(sessions: Sessions, *, worker: str = "a", after: timedelta = timedelta(0)) -> int | None:
    with sessions.begin() as session:
        item = outbox.claim(session, worker=worker, channels=MAIL, lease=LEASE, now=NOW + after)
        return item.id if item else None


def item(sessions: Sessions, identity: int) -> OutboxItem:
    with sessions.begin() as session:
        return session.get_one(OutboxItem, identity)


def set_status(sessions: Sessions, case: int, status: ConversationStatus) -> None:
    with sessions.begin() as session:
        session.get_one(Conversation, case).status = status


def deliver(sessions: Sessions, door: Door, *, worker: str = "a", after: timedelta = timedelta(0)) -> OutboxItem | None:
    doors: Mapping[ChannelName, delivery.Sender] = {ChannelName.MAIL: door}
    return delivery.deliver_next(sessions, doors, SETTINGS, sample.knowledge(), worker=worker, now=NOW + after)


# ------------------------------------------------------------------ what is put in


def test_an_answer_carries_the_thread_of_its_message(sessions: Sessions) -> None:
    with sessions.begin() as session:
        incoming = mail(
            "Fråga", message_id="ny@x.example", in_reply_to=("far@x.example",), references=("ur@x.example",)
        )
        message = session.get_one(Message, intake.receive(session, incoming, now=NOW).message_id)
        put_in = outbox.enqueue(
            session,
            message.conversation,
            Reply("SV: Fråga", "Svar", "<p>Svar</p>", "sv"),
            kind=OutboxKind.REPLY,
            to=(ANNA,),
            settings=SEND,
            answers=message,
            now=NOW,
        )
        sent = outbox.outgoing(put_in)
    assert (sent.in_reply_to, sent.references) == ("ny@x.example", ("ur@x.example", "far@x.example", "ny@x.example"))
    assert sent.external_id.endswith("@stad.example")
    assert (sent.to, sent.subject, sent.text, sent.html) == ((ANNA,), "SV: Fråga", "Svar", "<p>Svar</p>")
    assert sent.is_automatic


def test_long_threads_keep_their_first_and_their_latest_ids(sessions: Sessions) -> None:
    with sessions.begin() as session:
        incoming = mail("Fråga", message_id="ny@x.example", references=tuple(f"{n}@x.example" for n in range(50)))
        message = session.get_one(Message, intake.receive(session, incoming, now=NOW).message_id)
        found = outbox.enqueue(
            session,
            message.conversation,
            Reply("", "", None, "sv"),
            kind=OutboxKind.REPLY,
            to=(ANNA,),
            settings=SEND,
            answers=message,
            now=NOW,
        ).references
    assert len(found) == outbox.MAX_REFERENCES
    assert (found[0], found[-2:]) == ("0@x.example", ["49@x.example", "ny@x.example"])


def test_an_answer_to_a_message_without_an_id_starts_a_thread(sessions: Sessions) -> None:
    with sessions.begin() as session:
        message = session.get_one(Message, intake.receive(session, mail(message_id=None), now=NOW).message_id)
    identity = put(sessions, message.conversation_id, answers=message)
    assert (item(sessions, identity).in_reply_to, item(sessions, identity).references) == (None, [])


# ------------------------------------------------------------------ claiming


def test_the_oldest_that_is_due_comes_first(sessions: Sessions, case: int) -> None:
    later = put(sessions, case, not_before=NOW + timedelta(minutes=1))
    first, second = put(sessions, case), put(sessions, case)
    held = put(sessions, case, is_held=True)
    assert [claim(sessions) for _ in range(3)] == [first, second, None]
    assert claim(sessions, after=timedelta(minutes=1)) == later
    assert item(sessions, held).status is OutboxStatus.HELD


def test_two_workers_never_get_the_same(sessions: Sessions, case: int) -> None:
    put_in = [put(sessions, case) for _ in range(20)]

    def take(number: int) -> list[int]:
        found = []
        while (identity := claim(sessions, worker=str(number))) is not None:
            found.append(identity)
        return found

    claimed = Counter(identity for found in in_threads(4, take) for identity in found)
    assert claimed == Counter(put_in)


def test_only_what_has_a_door_is_claimed(sessions: Sessions, case: int) -> None:
    put(sessions, case, channel=ChannelName.TELEGRAM)
    assert claim(sessions) is None
    with sessions.begin() as session:
        assert outbox.claim(session, worker="a", channels=(), lease=LEASE, now=NOW) is None


def test_what_a_dead_sender_held_goes_out_again_as_the_same_mail(sessions: Sessions, case: int) -> None:
    identity = put(sessions, case)
    before = item(sessions, identity).external_id
    assert claim(sessions, worker="dead") == identity
    assert claim(sessions, worker="b", after=LEASE - timedelta(seconds=1)) is None
    assert claim(sessions, worker="b", after=LEASE) == identity
    again = item(sessions, identity)
    assert (again.external_id, again.claimed_by, again.attempts) == (before, "b", 2)


@pytest.mark.parametrize("status", [ConversationStatus.TAKEN, ConversationStatus.WITH_ADMINISTRATION])
@pytest.mark.parametrize("kind", [OutboxKind.REPLY, OutboxKind.RECEIPT])
def test_nothing_automatic_goes_after_a_person_took_over(
    sessions: Sessions, case: int, status: ConversationStatus, kind: OutboxKind
) -> None:
    """Even if it was queued before, and nobody took it back."""
    put(sessions, case, kind=kind)
    set_status(sessions, case, status)
    assert claim(sessions) is None


def test_a_dead_senders_answer_does_not_go_either_after_a_person_took_over(sessions: Sessions, case: int) -> None:
    put(sessions, case)
    claim(sessions, worker="dead")
    set_status(sessions, case, ConversationStatus.TAKEN)
    assert claim(sessions, after=LEASE * 2) is None


@pytest.mark.parametrize(
    "values",
    [
        {"kind": OutboxKind.ANSWER, "is_automatic": False},
        {"kind": OutboxKind.REPLY, "is_automatic": False},
        {"kind": OutboxKind.NOTIFICATION},
        {"kind": OutboxKind.FORWARD},
    ],
)
def test_what_a_person_says_and_what_people_are_told_goes_on(
    sessions: Sessions, case: int, values: dict[str, Any]
) -> None:
    identity = put(sessions, case, **values)
    set_status(sessions, case, ConversationStatus.TAKEN)
    with sessions.begin() as session:
        escalation.pause(session, "all", "", actor="Kim", settings=SETTINGS, knowledge=sample.knowledge(), now=NOW)
    assert claim(sessions) == identity


@pytest.mark.parametrize(("scope", "value"), [("all", ""), ("channel", "mail")])
def test_a_pause_holds_what_is_queued_while_it_is_being_set(
    sessions: Sessions, case: int, scope: escalation.PauseScope, value: str
) -> None:
    with sessions.begin() as session:
        escalation.pause(session, scope, value, actor="Kim", settings=SETTINGS, knowledge=sample.knowledge(), now=NOW)
    put(sessions, case)
    receipt = put(sessions, case, kind=OutboxKind.RECEIPT)
    assert claim(sessions) == receipt
    assert claim(sessions) is None


def test_a_pause_of_another_channel_holds_nothing_here(sessions: Sessions, case: int) -> None:
    with sessions.begin() as session:
        escalation.pause(
            session, "channel", "telegram", actor="Kim", settings=SETTINGS, knowledge=sample.knowledge(), now=NOW
        )
    identity = put(sessions, case)
    assert claim(sessions) == identity


# ------------------------------------------------------------------ sending


def test_what_the_door_took_is_sent(sessions: Sessions, case: int) -> None:
    identity = put(sessions, case, "Svaret")
    door = Door()
    delivered = deliver(sessions, door)
    assert delivered is not None
    assert [message.text for message in door.sent] == ["Svaret"]
    sent = item(sessions, identity)
    assert (sent.status, sent.sent_at, sent.lease_until, sent.attempts) == (OutboxStatus.SENT, NOW, None, 1)
    assert deliver(sessions, door, after=timedelta(days=1)) is None
    with sessions.begin() as session:
        events = queries.events_of(session, session.get_one(Conversation, case))
        assert (events[-1].verb, events[-1].outbox_id) == ("sent", identity)


def test_what_may_work_later_is_tried_later_and_later(sessions: Sessions, case: int) -> None:
    identity = put(sessions, case)
    down = ChannelError("the server is down", permanent=False)
    door = Door(*[down] * 4)
    after = timedelta(0)
    for wait in (10, 60, 60):
        assert deliver(sessions, door, after=after) is not None
        waiting = item(sessions, identity)
        assert (waiting.status, waiting.last_error) == (OutboxStatus.QUEUED, "the server is down")
        assert deliver(sessions, door, after=after + timedelta(seconds=wait - 1)) is None
        after += timedelta(seconds=wait)
    assert len({message.external_id for message in door.sent}) == 1
    assert len(door.sent) == 3


def test_after_two_days_it_is_given_up_and_shown(sessions: Sessions, case: int) -> None:
    identity = put(sessions, case)
    door = Door(ChannelError("still down", permanent=False))
    deliver(sessions, door, after=timedelta(hours=48))
    given_up(sessions, case, identity, "still down")


def test_what_can_never_work_is_given_up_at_once_and_shown(sessions: Sessions, case: int) -> None:
    identity = put(sessions, case)
    deliver(sessions, Door(ChannelError("550 no such user", permanent=True)))
    given_up(sessions, case, identity, "550 no such user")


def test_a_fault_of_ours_in_the_door_is_shown_and_stops_nobody(sessions: Sessions, case: int) -> None:
    """The error's own words may hold what somebody wrote, so only its kind is kept."""
    identity, other = put(sessions, case), put(sessions, case)
    door = Door(ValueError("secret words"))
    assert deliver(sessions, door) is not None
    given_up(sessions, case, identity, "ValueError")
    assert "secret" not in (item(sessions, identity).last_error or "")
    deliver(sessions, door)
    assert item(sessions, other).status is OutboxStatus.SENT


def given_up(sessions: Sessions, case: int, identity: int, error: str) -> None:
    failed = item(sessions, identity)
    assert failed.status is OutboxStatus.FAILED
    assert error in (failed.last_error or "")
    with sessions.begin() as session:
        conversation = session.get_one(Conversation, case)
        assert conversation.status is ConversationStatus.WAITING
        assert [each.id for each in queries.failed_outbox(session)] == [identity]
        told = [each for each in conversation.outbox if each.kind is OutboxKind.NOTIFICATION]
        assert [each.to[0]["email"] for each in told] == [COORDINATOR]
        assert "anna@forening.example" in told[0].text
        assert error in told[0].text


def test_a_notification_that_cannot_be_sent_makes_no_further_ones(sessions: Sessions, case: int) -> None:
    identity = put(sessions, case, kind=OutboxKind.NOTIFICATION, to=(Address("", COORDINATOR),))
    deliver(sessions, Door(ChannelError("550", permanent=True)))
    assert item(sessions, identity).status is OutboxStatus.FAILED
    with sessions.begin() as session:
        conversation = session.get_one(Conversation, case)
        assert len(conversation.outbox) == 1
        assert conversation.status is ConversationStatus.BOT


def test_that_a_mail_may_have_arrived_is_remembered(sessions: Sessions, case: int) -> None:
    identity = put(sessions, case)
    deliver(sessions, Door(ChannelError("broke after the dot", permanent=False, in_doubt=True)))
    assert item(sessions, identity).was_in_doubt
    deliver(sessions, Door(), after=timedelta(seconds=10))
    assert (item(sessions, identity).status, item(sessions, identity).was_in_doubt) == (OutboxStatus.SENT, True)


class SlowDoor(Door):
    """While it sends, its lease runs out and ``meanwhile`` happens; then it fails."""

    def __init__(self, sessions: Sessions, meanwhile: Door) -> None:
        super().__init__(ChannelError("too slow", permanent=False))
        self._sessions, self._meanwhile = sessions, meanwhile

    def send(self, message: OutgoingMessage) -> None:
        deliver(self._sessions, self._meanwhile, worker="b", after=LEASE)
        super().send(message)


def test_a_sender_whose_lease_ran_out_does_not_undo_what_another_did(sessions: Sessions, case: int) -> None:
    identity = put(sessions, case)
    meanwhile = Door()
    deliver(sessions, SlowDoor(sessions, meanwhile), worker="a")
    assert len(meanwhile.sent) == 1
    assert item(sessions, identity).status is OutboxStatus.SENT
    assert deliver(sessions, meanwhile, after=timedelta(days=1)) is None


def test_nothing_to_send(sessions: Sessions, case: int) -> None:
    assert deliver(sessions, Door()) is None


# ------------------------------------------------------------------ taking back


def test_what_waits_is_taken_back_and_what_is_on_its_way_is_not(sessions: Sessions, case: int) -> None:
    on_its_way = put(sessions, case)
    assert claim(sessions) == on_its_way
    queued, held = put(sessions, case), put(sessions, case, is_held=True)
    words = put(sessions, case, kind=OutboxKind.ANSWER, is_automatic=False)
    note = put(sessions, case, kind=OutboxKind.NOTIFICATION)
    with sessions.begin() as session:
        assert outbox.cancel_automatic(session, session.get_one(Conversation, case), now=NOW) == 2
    statuses = {name: item(sessions, identity).status for name, identity in (("queued", queued), ("held", held))}
    assert statuses == {"queued": OutboxStatus.CANCELLED, "held": OutboxStatus.CANCELLED}
    assert item(sessions, on_its_way).status is OutboxStatus.CLAIMED
    assert item(sessions, words).status is item(sessions, note).status is OutboxStatus.QUEUED


def test_what_a_dead_sender_held_is_taken_back_too(sessions: Sessions, case: int) -> None:
    identity = put(sessions, case)
    claim(sessions)
    with sessions.begin() as session:
        conversation = session.get_one(Conversation, case)
        assert outbox.cancel_automatic(session, conversation, now=NOW + LEASE) == 1
    assert item(sessions, identity).status is OutboxStatus.CANCELLED


def test_taking_back_sees_what_another_has_sent_since(postgres: Engine) -> None:
    """Who takes a case over may have read it a while ago."""
    sessions = session_factory(postgres)
    with sessions.begin() as session:
        case = intake.receive(session, mail("Fråga"), now=NOW).conversation_id
    identity = put(sessions, case)
    with sessions.begin() as session:
        conversation = session.get_one(Conversation, case)
        assert conversation.outbox[0].status is OutboxStatus.QUEUED
        deliver(sessions, Door())
        assert outbox.cancel_automatic(session, conversation, now=NOW) == 0
    assert item(sessions, identity).status is OutboxStatus.SENT
