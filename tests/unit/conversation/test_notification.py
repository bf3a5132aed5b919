"""What coordinators and administrations read of a case."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from lokbot.conversation import notification
from lokbot.conversation.notification import Line, Notice
from lokbot.masking import MASK
from tests import sample_knowledge as sample

KNOWLEDGE = sample.knowledge()
SAY = KNOWLEDGE.phrases["sv"]
RECEIVED = datetime(2026, 7, 3, 22, 30, tzinfo=UTC)  # 00.30 on Saturday in Sweden
NUMBER = "19121212-1212"  # Skatteverket's example


def notice(**values: Any) -> Notice:
    defaults: dict[str, Any] = {
        "case_number": "LOK-2026-00007",
        "subject": "Vår ansökan",
        "sender": "Anna Prov <anna@forening.example>",
        "received_at": RECEIVED,
        "reason": "own-matter",
        "text": "Hej!\n\nHar ni fått vår ansökan?",
        "answer_by": date(2026, 7, 6),
    }
    return Notice(**{**defaults, **values})


def waiting(**values: Any) -> str:
    return notification.waiting(notice(**values), KNOWLEDGE).text


def test_it_tells_whose_when_why_and_how_to_act() -> None:
    reply = notification.waiting(notice(owner="kultur"), KNOWLEDGE)
    assert reply.subject == "[LOK-2026-00007] Väntar på svar: Vår ansökan"
    assert (reply.html, reply.language) == (None, "sv")
    assert reply.text.split("\n\n") == [
        "\n".join(
            (
                "Ärende LOK-2026-00007 från Anna Prov <anna@forening.example> "
                "kom in lördag den 4 juli 2026 klockan 00.30.",
                SAY["notify.why"].format(reason=SAY["reason.own-matter"]),
                SAY["notify.owner"].format(name="kulturförvaltningen"),
                SAY["notify.answer-by"].format(answer_by="måndag den 6 juli 2026"),
            )
        ),
        SAY["notify.message"],
        "> Hej!\n>\n> Har ni fått vår ansökan?",
        SAY["notify.acts"].format(case="LOK-2026-00007"),
        SAY["notify.reply-here"],
    ]


def test_what_is_urgent_says_so_in_its_subject() -> None:
    assert notification.waiting(notice(is_urgent=True), KNOWLEDGE).subject == (
        "[LOK-2026-00007] BRÅDSKANDE: Vår ansökan"
    )


def test_a_suggestion_is_quoted_with_how_to_send_it_and_why_it_was_held() -> None:
    text = waiting(suggestion="Första raden.\n\nAndra raden.", held="suggest-mode")
    assert "> Första raden.\n>\n> Andra raden.\n\n" + SAY["notify.release"].format(case="LOK-2026-00007") in text
    assert SAY["notify.held"].format(held=SAY["held.suggest-mode"]) in text


def test_files_are_named() -> None:
    assert SAY["notify.files"].format(names="protokoll.pdf, plats.geojson") in waiting(
        text="", files=("protokoll.pdf", "plats.geojson")
    )


def test_without_a_suggestion_nothing_is_said_of_one() -> None:
    text = waiting()
    assert SAY["notify.suggestion"] not in text
    assert "release" not in text


def test_it_says_when_the_asker_got_no_receipt() -> None:
    assert SAY["notify.no-receipt"] in waiting(answer_by=None)


def test_a_message_without_words_is_not_quoted() -> None:
    assert SAY["notify.message"] not in waiting(text=" \n ")


def test_the_kind_of_machine_is_part_of_the_reason() -> None:
    assert SAY["reason.automatic"].format(kind="bounce") in waiting(reason="automatic", reason_detail="bounce")


@pytest.mark.parametrize("key", [key.removeprefix("reason.") for key in SAY if key.startswith("reason.")])
def test_every_reason_can_be_said(key: str) -> None:
    assert "{" not in waiting(reason=key, reason_detail="x")


def test_the_thread_before_is_told_a_line_each() -> None:
    earlier = (
        Line(datetime(2026, 7, 1, 8, 0, tzinfo=UTC), is_ours=False, text="Vår första\nfråga"),
        Line(datetime(2026, 7, 1, 9, 0, tzinfo=UTC), is_ours=True, text="ord " * 100),
    )
    last = waiting(earlier=earlier).split("\n\n")[-1].split("\n")
    assert last[0] == "onsdag den 1 juli 2026, den som skrev: Vår första fråga"
    assert last[1].startswith("onsdag den 1 juli 2026, vi: ord ord")
    assert last[1].endswith("ord …")
    assert len(last[1]) < notification.EARLIER_LENGTH + 60


def test_personal_numbers_are_masked_wherever_they_stand() -> None:
    reply = notification.waiting(
        notice(
            subject=f"Om {NUMBER}",
            sender=f"{NUMBER} <anna@forening.example>",
            text=f"Mitt nummer är {NUMBER}.",
            suggestion=f"Tack, {NUMBER}.",
            earlier=[Line(RECEIVED, is_ours=False, text=f"{NUMBER}")],
        ),
        KNOWLEDGE,
    )
    everything = f"{reply.subject}\n{reply.text}"
    assert NUMBER not in everything
    assert everything.count(MASK) == 5


def test_a_fixed_sentence_about_a_case() -> None:
    reply = notification.plain(
        "notify.not-sent",
        "LOK-2026-00007",
        f"Ämne\r\n med rader {NUMBER}",
        KNOWLEDGE,
        subject_key="notify.subject.failed",
        to="anna@forening.example",
        error="550 nej",
    )
    assert reply.subject == f"[LOK-2026-00007] Något gick fel: Ämne med rader {MASK}"
    assert reply.text == SAY["notify.not-sent"].format(
        case="LOK-2026-00007", to="anna@forening.example", error="550 nej"
    )


def test_a_forward_gives_the_administration_the_words_and_how_to_answer() -> None:
    reply = notification.forwarded("LOK-2026-00007", "Två\r\n rader", RECEIVED, "Vi vill ha {en} lott.", KNOWLEDGE)
    assert reply.subject == SAY["forward.subject"].format(case="LOK-2026-00007", subject="Två rader")
    assert "lördag den 4 juli 2026" in reply.text
    assert "> Vi vill ha {en} lott." in reply.text
    assert SAY["forward.answer"] in reply.text
    assert "anna@forening.example" not in reply.text


def test_a_forward_may_name_the_asker_and_ask_for_a_direct_answer() -> None:
    reply = notification.forwarded(
        "LOK-2026-00007", "", RECEIVED, "?", KNOWLEDGE, sender="Anna <anna@forening.example>", is_direct=True
    )
    assert "Anna <anna@forening.example>" in reply.text
    assert SAY["forward.answer-directly"] in reply.text


def test_braces_of_strangers_are_not_filled_in() -> None:
    assert "{case} {0}" in waiting(text="{case} {0}")
    assert notification.waiting(notice(subject="{case}"), KNOWLEDGE).subject.endswith("{case}")
