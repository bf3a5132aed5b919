"""Which conversation a mail belongs to: what proves it, what does not, and what is linked instead."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from lokbot.conversation import intake, outbox, threads, tokens
from lokbot.model import Address, Authentication, Automatic, Bounce, OutboxKind, Reply
from lokbot.store import queries
from lokbot.store.schema import Conversation, OutboxItem
from lokbot.store.session import Sessions
from tests.integration.world import SEND, edited
from tests.sample_mails import ANNA, LOK, NOW, STRANGER, mail

BO = Address("Bo", "bo@forening.example")
FAILED = Authentication("mx.stad.example", dmarc="fail")


def receive(sessions: Sessions, text: str = "Fråga", **values: Any) -> int:
    """Store a mail; gives the id of its conversation."""
    with sessions.begin() as session:
        return intake.receive(session, mail(text, **values), now=NOW).conversation_id


def answer(sessions: Sessions, conversation: int, separator: str = "", to: Address = ANNA) -> OutboxItem:
    """We answer in a conversation."""
    settings = edited(SEND, smtp=SEND.smtp.model_copy(update={"reply_separator": separator}))
    with sessions.begin() as session:
        return outbox.enqueue(
            session,
            session.get_one(Conversation, conversation),
            Reply("SV: Fråga", "Svar", None, "sv"),
            kind=OutboxKind.REPLY,
            to=(to,),
            settings=settings,
            now=NOW,
        )


def related(sessions: Sessions, conversation: int) -> int | None:
    with sessions.begin() as session:
        return session.get_one(Conversation, conversation).related_to_id


def case_number(sessions: Sessions, conversation: int) -> str:
    with sessions.begin() as session:
        return session.get_one(Conversation, conversation).case_number


# ------------------------------------------------------------------ signed


def test_an_answer_to_our_mail_finds_its_conversation(sessions: Sessions) -> None:
    first = receive(sessions)
    item = answer(sessions, first)
    assert receive(sessions, "Tack", in_reply_to=(item.external_id,)) == first
    assert receive(sessions, "Och?", references=("x@y.example", item.external_id), sender=STRANGER) == first


def test_the_signature_holds_where_the_row_is_gone(sessions: Sessions) -> None:
    """As after a backup was put back, or for what another process has not committed."""
    first = receive(sessions)
    item = answer(sessions, first)
    with sessions.begin() as session:
        session.delete(session.get_one(OutboxItem, item.id))
    assert receive(sessions, "Tack", in_reply_to=(item.external_id,)) == first


def test_a_forged_id_leads_nowhere(sessions: Sessions) -> None:
    first = receive(sessions)
    forged = tokens.message_id(b"f" * 32, first, "stad.example")
    assert receive(sessions, "Tack", in_reply_to=(forged,), sender=STRANGER) != first


@pytest.mark.parametrize("separator", ["+", "."])
@pytest.mark.parametrize("field", ["to", "cc", "delivered_to"])
def test_an_answer_to_a_signed_address_finds_its_conversation(sessions: Sessions, separator: str, field: str) -> None:
    first = receive(sessions)
    item = answer(sessions, first, separator)
    assert item.reply_to is not None
    assert item.reply_to.startswith(f"lok{separator}")
    # A program that forgets In-Reply-To, from an address that we never saw.
    assert receive(sessions, "Tack", sender=STRANGER, **{field: (Address("", item.reply_to),)}) == first
    forged = Address("", f"lok+{first}-aaaaaaaaaaaaaaaa@stad.example")
    assert receive(sessions, "Annat", sender=STRANGER, **{field: (forged,)}) != first


def test_without_a_separator_answers_go_to_the_address_itself(sessions: Sessions) -> None:
    assert answer(sessions, receive(sessions)).reply_to is None


def test_a_signed_id_wins_over_a_number(sessions: Sessions) -> None:
    first, second = receive(sessions, "Ett"), receive(sessions, "Två")
    item = answer(sessions, first)
    text = f"Se även {case_number(sessions, second)}"
    assert receive(sessions, text, in_reply_to=(item.external_id,)) == first


# ------------------------------------------------------------------ by what others wrote


def test_an_answer_to_a_mail_that_we_got_a_copy_of_joins_it(sessions: Sessions) -> None:
    first = receive(sessions, message_id="ett@forening.example", cc=(BO,))
    assert receive(sessions, "Jag håller med", sender=BO, in_reply_to=("ett@forening.example",)) == first


def test_two_that_share_an_ancestor_we_never_saw_belong_together(sessions: Sessions) -> None:
    """They wrote to each other first, and put us in copy later."""
    first = receive(sessions, "Ett", cc=(BO,), references=("osedd@forening.example", "med@forening.example"))
    assert receive(sessions, "Två", sender=BO, references=("osedd@forening.example",)) == first


def test_an_answer_that_overtook_its_question_is_joined_by_it(sessions: Sessions) -> None:
    first = receive(sessions, "Svaret", sender=BO, to=(LOK, ANNA), in_reply_to=("sen@forening.example",))
    assert receive(sessions, "Frågan", message_id="sen@forening.example") == first


@pytest.mark.parametrize(
    "values",
    [
        {"in_reply_to": ("ett@forening.example",)},
        {"references": ("osedd@forening.example",)},
    ],
)
def test_a_stranger_who_refers_to_it_gets_a_linked_one(sessions: Sessions, values: dict[str, Any]) -> None:
    first = receive(sessions, message_id="ett@forening.example", references=("osedd@forening.example",))
    other = receive(sessions, "Jag då?", sender=STRANGER, **values)
    assert other != first
    assert related(sessions, other) == first


def test_empty_and_missing_ids_join_nothing(sessions: Sessions) -> None:
    first = receive(sessions, "Ett", message_id=None)
    second = receive(sessions, "Två", message_id=None)
    assert first != second
    assert related(sessions, second) is None


# ------------------------------------------------------------------ by number


@pytest.mark.parametrize("where", ["subject", "new_text"])
def test_a_participant_who_names_the_case_comes_back_to_it(sessions: Sessions, where: str) -> None:
    first = receive(sessions)
    number = case_number(sessions, first)
    assert receive(sessions, f"Nytt {where}", **{where: f"Om {number.lower()}: en sak till"}) == first


def test_a_number_in_what_is_quoted_counts_for_nothing(sessions: Sessions) -> None:
    first = receive(sessions)
    number = case_number(sessions, first)
    assert receive(sessions, f"Ny fråga\n> {number}", new_text="Ny fråga") != first


def test_a_stranger_who_quotes_a_number_gets_a_linked_one(sessions: Sessions) -> None:
    first = receive(sessions)
    other = receive(sessions, "Hej", sender=STRANGER, subject=f"SV: {case_number(sessions, first)}")
    assert other != first
    assert related(sessions, other) == first


def test_whoever_we_forwarded_to_takes_part(sessions: Sessions) -> None:
    first = receive(sessions)
    answer(sessions, first, to=Address("Kultur", "Kultur@stad.example"))
    kultur = Address("", "kultur@stad.example")
    assert receive(sessions, "Vårt svar", sender=kultur, subject=f"[{case_number(sessions, first)}]") == first


def test_two_numbers_are_unclear_and_merge_nothing(sessions: Sessions) -> None:
    first, second = receive(sessions, "Ett"), receive(sessions, "Två")
    text = f"Gäller {case_number(sessions, second)} och {case_number(sessions, first)}"
    third = receive(sessions, text)
    assert third not in (first, second)
    assert related(sessions, third) == second


def test_a_number_that_nobody_has_is_no_number(sessions: Sessions) -> None:
    conversation = receive(sessions, "Gäller LOK-2026-99999")
    assert related(sessions, conversation) is None


# ------------------------------------------------------------------ who cannot be believed


def test_a_mail_that_its_domain_disowns_joins_by_signature_only(sessions: Sessions) -> None:
    first = receive(sessions, message_id="ett@forening.example")
    item = answer(sessions, first)
    number = case_number(sessions, first)
    forged = receive(sessions, "Ge mig svaret", subject=number, authentication=FAILED)
    assert (forged != first, related(sessions, forged)) == (True, first)
    quoting = receive(sessions, "Och detta", in_reply_to=("ett@forening.example",), authentication=FAILED)
    assert (quoting != first, related(sessions, quoting)) == (True, first)
    assert receive(sessions, "Svar", in_reply_to=(item.external_id,), authentication=FAILED) == first


def test_what_our_own_server_says_is_kept(sessions: Sessions) -> None:
    conversation = receive(sessions, authentication=FAILED)
    with sessions.begin() as session:
        (message,) = session.get_one(Conversation, conversation).messages
        assert Authentication(**(message.authentication or {})) == FAILED


# ------------------------------------------------------------------ our own, and bounces


def test_our_own_mail_that_comes_back_is_a_machines(sessions: Sessions) -> None:
    first = receive(sessions)
    item = answer(sessions, first)
    with sessions.begin() as session:
        received = intake.receive(session, mail("Svar", message_id=item.external_id, sender=LOK), now=NOW)
        (own,) = session.get_one(Conversation, received.conversation_id).messages
        assert own.automatic_kind == "own"


def test_another_lokbots_mail_may_be_a_machines(sessions: Sessions) -> None:
    theirs = tokens.message_id(b"t" * 32, 1, "annan.example")
    with sessions.begin() as session:
        received = intake.receive(session, mail("Svar", message_id=theirs, sender=STRANGER), now=NOW)
        (message,) = session.get_one(Conversation, received.conversation_id).messages
        assert (message.automatic_kind, message.warnings) == (None, ["perhaps-automatic"])


def test_a_bounce_finds_the_mail_that_it_returns(sessions: Sessions) -> None:
    first = receive(sessions)
    item = answer(sessions, first)
    bounce = Bounce(True, (ANNA.email,), True, item.external_id)
    daemon = Address("", "mailer-daemon@annan.example")
    assert receive(sessions, "Gick inte", sender=daemon, bounce=bounce, automatic=Automatic(True, "bounce")) == first


def test_participants_before_a_message_are_those_of_the_earlier_ones(sessions: Sessions) -> None:
    first = receive(sessions, message_id="ett@forening.example")
    with sessions.begin() as session:
        incoming = replace(mail("Två", in_reply_to=("ett@forening.example",)), cc=(BO,))
        received = intake.receive(session, incoming, now=NOW)
        conversation = session.get_one(Conversation, first)
        assert BO.email in threads.participants(session, conversation)
        assert BO.email not in threads.participants(session, conversation, before=received.message_id)


def test_the_key_is_made_once(sessions: Sessions) -> None:
    with sessions.begin() as session:
        first = queries.signing_key(session, now=NOW)
    with sessions.begin() as session:
        assert queries.signing_key(session, now=NOW) == first
        assert queries.signing_key(session, "annan", now=NOW) != first
