"""A message is stored once, whole, in the conversation it belongs to."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, event, func, select

from lokbot.conversation import intake, outbox
from lokbot.conversation.intake import Received
from lokbot.model import (
    Address,
    Automatic,
    Bounce,
    ChannelName,
    ConversationStatus,
    IncomingMessage,
    MessageState,
    OutboxKind,
    Reply,
)
from lokbot.store import queries
from lokbot.store.schema import AttachmentContent, Base, Contact, Conversation, Message
from lokbot.store.session import Sessions, session_factory
from tests.integration.together import in_threads, waits_for_a_lock
from tests.integration.world import SEND
from tests.sample_mails import ANNA, LOK, NOW, STRANGER, attachment, mail
from tests.servers import wait_until


def receive(sessions: Sessions, incoming: IncomingMessage, *, now: datetime = NOW) -> Received:
    with sessions.begin() as session:
        return intake.receive(session, incoming, now=now)


def count(sessions: Sessions, table: type[Base]) -> int:
    with sessions.begin() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def told(sessions: Sessions, received: Received, kind: OutboxKind = OutboxKind.REPLY) -> str:
    """Put a mail of ours in the conversation; gives its Message-ID."""
    with sessions.begin() as session:
        message = session.get_one(Message, received.message_id)
        item = outbox.enqueue(
            session,
            message.conversation,
            Reply("SV: Fråga", "Svar", None, "sv"),
            kind=kind,
            to=(ANNA,),
            settings=SEND,
            answers=message,
            now=NOW,
        )
        return item.external_id


# ------------------------------------------------------------------ storing


def test_a_new_message_is_stored_whole(sessions: Sessions) -> None:
    incoming = mail(
        "Hej!\nHur gör vi?\n-- \nAnna",
        new_text="Hur gör vi?",
        subject="Fråga om å, ä och ö",
        cc=(Address("Bo", "bo@forening.example"),),
        date=datetime(2026, 3, 1, 12, 0, tzinfo=UTC),
        in_reply_to=("far@annan.example",),
        references=("farfar@annan.example", "far@annan.example"),
        warnings=("charset",),
        attachments=(attachment(),),
    )
    received = receive(sessions, incoming, now=NOW + timedelta(seconds=3))
    assert received.is_new
    with sessions.begin() as session:
        message = session.get_one(Message, received.message_id)
        assert message.raw == incoming.raw
        assert (message.text, message.new_text, message.subject) == (
            incoming.text,
            incoming.new_text,
            incoming.subject,
        )
        assert (message.sender_name, message.sender_email) == ("Anna Prov", "anna@forening.example")
        assert (queries.addresses(message.to), queries.addresses(message.cc)) == (incoming.to, incoming.cc)
        assert (message.message_id, message.external_id) == (incoming.message_id, incoming.external_id)
        assert (message.in_reply_to, message.references) == (
            ["far@annan.example"],
            ["farfar@annan.example", "far@annan.example"],
        )
        assert (message.received_at, message.stored_at) == (NOW, NOW + timedelta(seconds=3))
        assert message.claimed_date == incoming.date
        assert (message.state, message.attempts, message.failure) == (MessageState.STORED, 0, None)
        assert (message.is_readable, message.warnings, message.automatic_kind, message.bounce) == (
            True,
            ["charset"],
            None,
            None,
        )
        assert [(each.name, each.content_type, each.size) for each in message.attachments] == [
            ("protokoll.pdf", "application/pdf", 8)
        ]
        conversation = message.conversation
        assert (conversation.case_number, conversation.status) == ("LOK-2026-00001", ConversationStatus.BOT)
        assert (conversation.contact.address, conversation.contact.name) == ("anna@forening.example", "Anna Prov")
        event = queries.events_of(session, conversation)[0]
        assert (event.verb, event.actor, event.detail) == ("received", "mail", {}), "what cannot be erased is not kept"


def test_what_comes_together_is_placed_as_if_it_came_one_by_one(sessions: Sessions) -> None:
    known = mail("Förr")
    first = receive(sessions, known)
    ours = told(sessions, first)
    new, other = mail("Nytt"), mail("Annat")
    together = [
        known,
        new,
        mail("Svar på ert", in_reply_to=(ours,)),
        mail("Mer om det nya", in_reply_to=(new.message_id or "",)),
        mail("Främmande", sender=STRANGER, in_reply_to=(known.message_id or "",)),
        other,
        new,
    ]
    with sessions.begin() as session:
        received = intake.receive_all(session, together, now=NOW)
        cases = [session.get_one(Conversation, each.conversation_id) for each in received]
        numbers = [int(case.case_number[-5:]) for case in cases]
        assert numbers == [1, 2, 1, 2, 3, 4, 2]
        assert cases[4].related_to_id == first.conversation_id
        assert [case.contact.address for case in cases] == [ANNA.email] * 4 + [STRANGER.email] + [ANNA.email] * 2
    assert [each.is_new for each in received] == [False, True, True, True, True, True, False]
    assert received[0] == replace(first, is_new=False)
    assert received[6].message_id == received[1].message_id
    assert count(sessions, Contact) == 2


def test_what_is_written_in_a_new_chat_at_once_is_one_case(sessions: Sessions) -> None:
    chat = [
        mail(text, channel=ChannelName.WEBCHAT, sender=Address("", "kanal-1"), message_id=None)
        for text in ("Hej", "Hur blir vi med?")
    ]
    with sessions.begin() as session:
        received = intake.receive_all(session, chat, now=NOW)
    assert [each.is_new for each in received] == [True, True]
    assert len({each.conversation_id for each in received}) == 1


def test_about_many_new_mails_the_store_is_asked_as_often_as_about_one(sessions: Sessions) -> None:
    def asked(*texts: str) -> int:
        found: list[str] = []

        def note(*given: Any) -> None:
            found.append(given[2])

        mails = [mail(text, references=(f"far.{text}@annan.example",)) for text in texts]
        with sessions.begin() as session:
            engine = session.get_bind()
            event.listen(engine, "before_cursor_execute", note)
            intake.receive_all(session, mails, now=NOW)
            event.remove(engine, "before_cursor_execute", note)
        return sum(statement.startswith(("SELECT", "UPDATE")) for statement in found)

    assert asked("Den första") > 0
    one = asked("En")
    thirty = asked(*(f"Fråga {number}" for number in range(30)))
    # What a mail names is looked for by itself (by two statements); all else is asked of the whole group.
    assert thirty - one == 29 * 2


def test_machines_and_bounces_are_stored_as_such(sessions: Sessions) -> None:
    received = receive(
        sessions,
        mail(
            automatic=Automatic(True, "bounce", "Content-Type: multipart/report"),
            bounce=Bounce(True, ("bo@forening.example",), True, "borta@stad.example"),
        ),
    )
    with sessions.begin() as session:
        message = session.get_one(Message, received.message_id)
        assert (message.automatic_kind, message.automatic_reason) == ("bounce", "Content-Type: multipart/report")
        assert message.bounce == {
            "recipients": ["bo@forening.example"],
            "permanent": True,
            "original_message_id": "borta@stad.example",
        }


def test_a_machine_of_no_known_kind_is_a_machine(sessions: Sessions) -> None:
    received = receive(sessions, mail(automatic=Automatic(True)))
    with sessions.begin() as session:
        assert session.get_one(Message, received.message_id).automatic_kind == "automatic"


def test_a_message_that_came_before_is_not_stored_again(sessions: Sessions) -> None:
    first = receive(sessions, mail())
    again = receive(sessions, replace(mail(), received_at=NOW + timedelta(hours=1)))
    assert again == replace(first, is_new=False)
    assert (count(sessions, Message), count(sessions, Conversation)) == (1, 1)


def test_the_same_message_id_with_other_words_is_another_message(sessions: Sessions) -> None:
    first = receive(sessions, mail("Ett", message_id="samma@forening.example"))
    second = receive(sessions, mail("Två", message_id="samma@forening.example"))
    assert second.is_new
    assert second.message_id != first.message_id


def test_the_same_id_in_another_channel_is_another_message(sessions: Sessions) -> None:
    first = receive(sessions, mail(external_id="7"))
    second = receive(sessions, mail(external_id="7", channel=ChannelName.TELEGRAM))
    assert second.is_new
    assert second.conversation_id != first.conversation_id


def test_nothing_is_stored_unless_the_caller_commits(sessions: Sessions) -> None:
    with sessions() as session:
        intake.receive(session, mail(), now=NOW)
        session.rollback()
    assert count(sessions, Message) == count(sessions, Contact) == 0


def test_two_readers_with_the_same_message_store_it_once(sessions: Sessions) -> None:
    results = in_threads(4, lambda _: receive(sessions, mail(attachments=(attachment(),))))
    assert sorted(result.is_new for result in results) == [False, False, False, True]
    assert len({result.message_id for result in results}) == 1
    assert count(sessions, Message) == count(sessions, Conversation) == count(sessions, Contact) == 1


def test_two_readers_with_two_messages_of_one_new_sender_lose_neither(sessions: Sessions) -> None:
    """They want the same contact, the same attachment and the first case number of the year."""
    results = in_threads(4, lambda number: receive(sessions, mail(f"Fråga {number}?", attachments=(attachment(),))))
    assert all(result.is_new for result in results)
    assert count(sessions, Message) == count(sessions, Conversation) == 4
    assert count(sessions, Contact) == count(sessions, AttachmentContent) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (mail("Ett"), mail("Ett")),
        (mail("Ett"), mail("Två")),
        (
            mail("Ett", attachments=(attachment(),)),
            mail("Två", sender=STRANGER, attachments=(attachment(name="annat namn.pdf"),)),
        ),
    ],
    ids=["the same message", "the same new contact", "the same new attachment"],
)
def test_who_waited_for_the_other_finds_what_it_stored(
    postgres: Engine, one: IncomingMessage, other: IncomingMessage
) -> None:
    """Both look before either has stored."""
    sessions = session_factory(postgres)
    with ThreadPoolExecutor(1) as pool:
        with sessions.begin() as session:
            first = intake.receive(session, one, now=NOW)
            second = pool.submit(receive, sessions, other)
            wait_until(lambda: waits_for_a_lock(postgres), "the second waits for the first")
        assert second.result().is_new == (one.external_id != other.external_id)
        assert (second.result().message_id == first.message_id) == (one.external_id == other.external_id)


def test_attachments_are_kept_once_by_their_content(sessions: Sessions) -> None:
    logo, minutes = attachment(b"logo", "a.png", "image/png"), attachment(b"minutes")
    receive(sessions, mail("Ett", attachments=(logo, minutes, replace(logo, name="b.png"))))
    receive(sessions, mail("Två", attachments=(logo,)))
    with sessions.begin() as session:
        assert {row.content for row in session.scalars(select(AttachmentContent))} == {b"logo", b"minutes"}
        names = [[each.name for each in message.attachments] for message in session.scalars(select(Message))]
    assert names == [["a.png", "protokoll.pdf", "b.png"], ["a.png"]]


# ------------------------------------------------------------------ whatever a stranger may write


def test_what_a_database_cannot_hold_is_left_out_and_stays_in_the_original(sessions: Sessions) -> None:
    nasty = "före\x00efter\ud800slut"
    incoming = mail(
        nasty,
        subject=nasty,
        sender=Address(nasty, "anna@forening.example"),
        cc=(Address(nasty, "a\x00@forening.example"),),
        references=(f"{nasty}@x.example",),
        attachments=(attachment(name=nasty),),
        automatic=Automatic(True, "auto", nasty),
    )
    received = receive(sessions, incoming)
    with sessions.begin() as session:
        message = session.get_one(Message, received.message_id)
        assert (message.text, message.subject, message.sender_name) == ("föreefterslut",) * 3
        assert message.conversation.subject == message.conversation.contact.name == "föreefterslut"
        assert [each.name for each in message.attachments] == ["föreefterslut"]
        assert message.raw == incoming.raw
    assert not receive(sessions, incoming).is_new


def test_what_is_very_long_is_stored(sessions: Sessions) -> None:
    long = "å" * 5000
    incoming = mail(
        long,
        subject=long,
        sender=Address(long, f"{long}@forening.example"),
        message_id=f"{long}@forening.example",
        external_id=f"{long}#1",
        in_reply_to=(f"{long}@far.example",),
        references=tuple(f"{number}@x.example" for number in range(20_000)),
        attachments=(attachment(name=long, kind=f"application/{long}"),),
        automatic=Automatic(True, long, long),
        bounce=Bounce(True, (long,), None, long),
        warnings=(long,),
    )
    assert receive(sessions, incoming).is_new
    assert not receive(sessions, incoming).is_new
    with sessions.begin() as session:
        message = session.scalars(select(Message)).one()
        assert (message.text, message.subject) == (long, long)


def test_two_long_ids_that_begin_alike_are_two(sessions: Sessions) -> None:
    long = "a" * 600
    assert receive(sessions, mail("Ett", external_id=f"{long}1")).is_new
    assert receive(sessions, mail("Ett", external_id=f"{long}2")).is_new


ANYTHING = st.text(max_size=30)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    words=ANYTHING,
    name=ANYTHING,
    email=st.just("") | ANYTHING,
    identity=st.none() | st.text(min_size=1, max_size=30),
    number=st.integers(0, 10**9),
)
def test_any_text_is_stored(
    sessions: Sessions, words: str, name: str, email: str, identity: str | None, number: int
) -> None:
    incoming = mail(
        words,
        subject=words,
        sender=Address(name, email),
        message_id=identity,
        external_id=f"{identity}#{number}",
        in_reply_to=(name,) if name else (),
        references=(words,) if words else (),
        reply_to=(Address(words, name),),
    )
    received = receive(sessions, incoming)
    assert receive(sessions, incoming) == replace(received, is_new=False)


# ------------------------------------------------------------------ threading


def threads(sessions: Sessions, incoming: IncomingMessage) -> int:
    return receive(sessions, incoming).conversation_id


def test_a_reply_to_our_mail_belongs_to_its_conversation(sessions: Sessions) -> None:
    first = receive(sessions, mail("Ett"))
    ours = told(sessions, first)
    by_reply = mail("Två", in_reply_to=(ours,))
    by_reference = mail("Tre", references=("annat@x.example", ours, "mer@x.example"))
    from_home = mail("Fyra", sender=Address("Anna", "anna@hemma.example"), in_reply_to=(ours,))
    for incoming in (by_reply, by_reference, from_home):
        assert threads(sessions, incoming) == first.conversation_id


def test_the_message_answered_wins_over_older_references(sessions: Sessions) -> None:
    first, second = receive(sessions, mail("Ett")), receive(sessions, mail("Två"))
    ours_first, ours_second = told(sessions, first), told(sessions, second)
    assert second.conversation_id != first.conversation_id
    both = mail("Tre", in_reply_to=(ours_first,), references=(ours_second,))
    assert threads(sessions, both) == first.conversation_id
    newest = mail("Fyra", references=(ours_first, ours_second))
    assert threads(sessions, newest) == second.conversation_id


def test_a_bounce_belongs_to_the_mail_that_did_not_arrive(sessions: Sessions) -> None:
    first = receive(sessions, mail("Ett"))
    bounce = mail(
        "Borta",
        sender=Address("", "mailer-daemon@annan.example"),
        bounce=Bounce(True, ("anna@forening.example",), True, told(sessions, first)),
    )
    assert threads(sessions, bounce) == first.conversation_id


def test_those_who_wrote_or_received_a_message_go_on_in_its_conversation(sessions: Sessions) -> None:
    bo = Address("Bo", "bo@forening.example")
    first = receive(sessions, mail("Ett", message_id="ett@forening.example", cc=(bo,)))
    for sender in (ANNA, bo, LOK):
        more = mail(f"Mer av {sender}", sender=sender, in_reply_to=("ett@forening.example",))
        assert threads(sessions, more) == first.conversation_id


def test_a_stranger_who_quotes_an_id_gets_a_conversation_of_their_own(sessions: Sessions) -> None:
    first = receive(sessions, mail("Ett", message_id="ett@forening.example"))
    quoting = mail("Två", sender=STRANGER, in_reply_to=("ett@forening.example",), references=("ett@forening.example",))
    assert threads(sessions, quoting) != first.conversation_id


def test_a_copied_message_id_does_not_hide_the_real_conversation(sessions: Sessions) -> None:
    """A stranger sends a mail with Anna's Message-ID first; Anna's own reply still finds Anna's conversation."""
    receive(sessions, mail("Fälla", sender=STRANGER, message_id="ett@forening.example"))
    first = receive(sessions, mail("Ett", message_id="ett@forening.example"))
    assert threads(sessions, mail("Två", in_reply_to=("ett@forening.example",))) == first.conversation_id


def test_subjects_and_case_numbers_alone_never_thread(sessions: Sessions) -> None:
    first = receive(sessions, mail("Ett", subject="Fråga"))
    assert threads(sessions, mail("Två", subject="SV: Fråga")) != first.conversation_id
    assert threads(sessions, mail("Tre", subject="LOK-2026-00001", sender=STRANGER)) != first.conversation_id


def test_empty_ids_never_match(sessions: Sessions) -> None:
    nobody = Address("", "")
    found = {
        threads(sessions, mail(words, sender=nobody, message_id=None, in_reply_to=ids, references=ids))
        for words, ids in (("Ett", ()), ("Två", ()), ("Tre", ("",)), ("Fyra", ("",)))
    }
    assert len(found) == 4
    assert threads(sessions, mail("Fem", message_id=None)) not in found


def test_a_sender_without_address_is_nobodys_participant(sessions: Sessions) -> None:
    nobody = Address("", "")
    first = receive(sessions, mail("Ett", sender=nobody, message_id="ett@x.example", to=(nobody,)))
    assert threads(sessions, mail("Två", sender=nobody, in_reply_to=("ett@x.example",))) != first.conversation_id


def test_a_long_id_of_ours_never_exists_and_a_long_one_of_theirs_is_found(sessions: Sessions) -> None:
    long = f"{'a' * 700}@forening.example"
    first = receive(sessions, mail("Ett", message_id=long))
    assert threads(sessions, mail("Två", in_reply_to=(long,))) == first.conversation_id


# ------------------------------------------------------------------ who asks


@pytest.mark.parametrize(
    ("reply_to", "expected"),
    [
        ((), "anna@forening.example"),
        ((Address("Kassör", "kassor@forening.example"),), "kassor@forening.example"),
        ((Address("", ""),), "anna@forening.example"),
        ((Address("", "a@forening.example"), Address("", "b@forening.example")), "anna@forening.example"),
    ],
)
def test_who_gets_the_answer(sessions: Sessions, reply_to: tuple[Address, ...], expected: str) -> None:
    from lokbot.conversation import escalation

    incoming = mail(reply_to=reply_to)
    assert intake.asker(incoming).email == expected
    received = receive(sessions, incoming)
    with sessions.begin() as session:
        conversation = session.get_one(Conversation, received.conversation_id)
        assert conversation.contact.address == expected
        to = escalation.asker(conversation)
        assert to is not None
        assert to.email == expected


def test_one_contact_may_have_several_matters(sessions: Sessions) -> None:
    first, second = receive(sessions, mail("Ett")), receive(sessions, mail("Två"))
    assert first.conversation_id != second.conversation_id
    assert count(sessions, Contact) == 1


def test_a_new_case_is_numbered_by_its_year_in_sweden(sessions: Sessions) -> None:
    eve = datetime(2026, 12, 31, 23, 30, tzinfo=UTC)
    received = receive(sessions, mail(), now=eve)
    with sessions.begin() as session:
        assert session.get_one(Conversation, received.conversation_id).case_number == "LOK-2027-00001"
