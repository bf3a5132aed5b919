"""What the command line shows, in Swedish."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from lokbot import asking, describing
from lokbot.channels.mime import WARNINGS
from lokbot.config import Answering, ImapSettings, Settings, SmtpSettings, TelegramSettings
from lokbot.model import (
    AnsweringMode,
    ChannelName,
    ConversationStatus,
    MessageState,
    OutboxKind,
    OutboxStatus,
    Outcome,
    RecordClass,
)
from lokbot.store.schema import (
    ArticleRevision,
    Contact,
    Conversation,
    DecisionRecord,
    Event,
    Message,
    MessageAttachment,
    OutboxItem,
    Pause,
    QuestionRecord,
)
from tests import sample_knowledge as sample

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
KNOWLEDGE = sample.knowledge()


def conversation(**values: Any) -> Conversation:
    defaults: dict[str, Any] = {
        "case_number": "LOK-2026-00007",
        "contact": Contact(channel=ChannelName.MAIL, address="anna@forening.example", name="Anna Prov"),
        "subject": "Om medlemskap",
        "status": ConversationStatus.WAITING,
        "is_urgent": False,
        "taken_by": None,
        "waiting_since": None,
        "answer_by": None,
        "record_class": RecordClass.NOT_ASSESSED,
    }
    return Conversation(**{**defaults, **values})


def message(**values: Any) -> Message:
    defaults: dict[str, Any] = {
        "id": 3,
        "sender_name": "Anna Prov",
        "sender_email": "anna@forening.example",
        "text": "Hej!\n\nHur går vi med?\n",
        "received_at": NOW,
        "warnings": [],
        "state": MessageState.HANDLED,
    }
    return Message(**{**defaults, **values})


def item(**values: Any) -> OutboxItem:
    defaults: dict[str, Any] = {
        "id": 11,
        "kind": OutboxKind.REPLY,
        "to": [{"name": "", "email": "anna@forening.example"}],
        "text": "Svaret.",
        "is_automatic": True,
        "status": OutboxStatus.SENT,
        "created_by": "bot",
        "created_at": NOW + timedelta(minutes=1),
        "sent_at": NOW + timedelta(minutes=2),
    }
    return OutboxItem(**{**defaults, **values})


# ------------------------------------------------------------------ a question


def asked(text: str) -> str:
    settings = Settings()
    return describing.asked(asking.ask(text, sample.active(), settings, now=NOW), KNOWLEDGE)


def test_an_answer_is_shown_with_its_article_rule_and_evidence() -> None:
    text = asked(sample.JOIN)
    assert "Språk: sv" in text
    assert f"Fråga: {sample.JOIN}" in text
    assert "Beslut: svar, artikel ga-med (0." in text
    assert "hör till föreningssamordnarna" in text
    assert "Regel: answer_when_sure" in text
    assert "Stöd: " in text
    assert "Kandidater: ga-med 0." in text
    assert "Svar (utkast, ej godkända texter):\n  | Det här är ett automatiskt svar" in text
    assert "  | Styrelsen fattar ett beslut." in text


def test_what_is_not_answered_says_why() -> None:
    text = asked(sample.DANGER)
    assert "Beslut: till en person, brådskande" in text
    assert f"Varför: {KNOWLEDGE.phrases['sv']['reason.urgent']}" in text
    assert "Regel: alarm_for_the_urgent (fara)" in text
    assert "Stöd: " in text


def test_what_gets_no_answer_says_so() -> None:
    assert asked(sample.THANKS).endswith("Inget svar skickas.")
    assert "Fråga: (inga ord)" in asked("")


def test_each_question_is_shown() -> None:
    text = asked(f"{sample.JOIN}\n\n{sample.POLICE}")
    assert text.count("\nFråga: ") == 2
    assert "Beslut: hänvisning, hör till Polisen" in text


# ------------------------------------------------------------------ lists


def test_no_cases() -> None:
    assert describing.cases([], now=NOW) == "Inga ärenden."


def test_a_case_stands_on_one_line() -> None:
    line = describing.cases(
        [conversation(is_urgent=True, waiting_since=NOW - timedelta(hours=5), answer_by=date(2026, 3, 3))], now=NOW
    )
    assert line == (
        "LOK-2026-00007  BRÅDSKANDE väntar på en person, väntat 5 h, svar senast 2026-03-03  "
        "anna@forening.example: Om medlemskap"
    )


@pytest.mark.parametrize(
    ("waited", "shown"),
    [
        (timedelta(minutes=59), "0 h"),
        (timedelta(hours=23, minutes=59), "23 h"),
        (timedelta(hours=24), "1 d 0 h"),
        (timedelta(days=3, hours=4), "3 d 4 h"),
    ],
)
def test_how_long_somebody_has_waited(waited: timedelta, shown: str) -> None:
    assert f"väntat {shown}" in describing.cases([conversation(waiting_since=NOW - waited)], now=NOW)


def test_who_has_a_case_and_one_without_subject() -> None:
    line = describing.cases([conversation(status=ConversationStatus.TAKEN, taken_by="Kim", subject="")], now=NOW)
    assert line == "LOK-2026-00007  taget av Kim  anna@forening.example: (inget ämne)"


def test_failures_stand_on_one_line_each() -> None:
    case = conversation()
    text = describing.failures(
        [message(conversation=case, failure="KeyError in x line 3")],
        [item(conversation=case, status=OutboxStatus.FAILED, last_error="550 nej")],
    )
    assert text.split("\n") == [
        "LOK-2026-00007  meddelande 3 gick inte att hantera: KeyError in x line 3",
        "LOK-2026-00007  mejl 11 gick inte att skicka: 550 nej",
    ]
    assert describing.failures([], []) == "Inget har misslyckats."


def test_what_came_back_and_who_cannot_be_written_to_are_shown() -> None:
    returned = item(bounced_at=NOW + timedelta(hours=1), conversation=conversation())
    assert "mejl 11 kom i retur 2026-03-02 11.30" in describing.failures([], [returned])
    contact = Contact(channel=ChannelName.MAIL, address="anna@forening.example", name="", undeliverable_at=NOW)
    shown = describing.case(conversation(contact=contact, outbox=[returned]), [], with_reasons=False)
    assert "Adressen tar inte emot mejl sedan 2026-03-02 10.30." in shown
    assert "(kom i retur 2026-03-02 11.30)" in shown


def test_a_chat_says_what_must_not_be_written_there_and_what_became_of_each_message() -> None:
    contact = Contact(channel=ChannelName.TELEGRAM, address="7001", name="Anna", undeliverable_at=NOW)
    pressed = message(command="yes", warnings=["not-fetched"])
    edited = message(replaces_id=3, read_with_id=5)
    whole = conversation(contact=contact, messages=[pressed, edited], hidden_at=NOW)
    shown = describing.case(whole, [], with_reasons=False)
    for words in (
        "Telegram: skriv inget känsligt.",
        "Chatten tar inte emot meddelanden sedan 2026-03-02 10.30.",
        "har dolt chatten för sig 2026-03-02 10.30. Inget är borttaget.",
        "(tryckte på en knapp eller skrev ett kommando)",
        "(varning: Det som skickades togs inte emot",
        "(ändring av ett tidigare meddelande)",
        "(läst ihop med nästa meddelande)",
    ):
        assert words in shown


@pytest.mark.parametrize(
    ("decision", "shown"),
    [
        ("", "Telegram: startar inte förrän telegram.decision och telegram.assessment är satta"),
        ("KS 1", "Telegram: beslut KS 1, dataskyddsbedömning KS 2"),
    ],
)
def test_the_setup_says_whether_the_bot_may_be_in_telegram(decision: str, shown: str) -> None:
    settings = Settings(telegram=TelegramSettings(token=SecretStr("1:x"), decision=decision, assessment="KS 2"))
    assert shown in describing.setup(settings)
    assert "Telegram" not in describing.setup(Settings())


@pytest.mark.parametrize(
    ("found", "shown"),
    [
        ({"server": "mx.stad.example", "dmarc": "fail", "spf": "pass"}, "mx.stad.example: DMARC fail, SPF pass"),
        ({"server": "none", "composite": "pass"}, "none: Microsoft pass"),
        ({"server": "mx.stad.example"}, "mx.stad.example: inget"),
    ],
)
def test_what_our_server_found_of_the_sender_is_shown(found: dict[str, str], shown: str) -> None:
    whole = conversation(messages=[message(authentication=found)])
    assert f"(avsändaren enligt {shown})" in describing.case(whole, [], with_reasons=False)


def test_pauses_stand_on_one_line_each() -> None:
    standing = [
        Pause(scope="all", value="", paused_by="Kim", paused_at=NOW),
        Pause(scope="topic", value="bidrag", paused_by="Lo", paused_at=NOW),
    ]
    assert describing.pauses(standing).split("\n") == [
        "all  av Kim 2026-03-02 10.30",
        "topic bidrag  av Lo 2026-03-02 10.30",
    ]
    assert describing.pauses([]) == "Inget är pausat."


# ------------------------------------------------------------------ a case


def decision(**values: Any) -> DecisionRecord:
    defaults: dict[str, Any] = {
        "outcome": Outcome.ANSWER,
        "rule": "answer_when_sure",
        "reason": "sure",
        "missed": ["a", "b"],
        "evidence": [{"matcher": "lexical", "detail": "går med", "score": 3.14159}],
        "confidence": 0.987,
        "administration": "samordnare",
        "revision": ArticleRevision(
            article="ga-med", language="sv", version=2, approved_by="Kim Prov", approved_on=date(2026, 2, 1)
        ),
        "held_because": None,
        "outbox_id": 11,
    }
    return DecisionRecord(**{**defaults, **values})


def test_a_case_is_told_by_time_with_what_was_sent() -> None:
    case = conversation(answer_by=date(2026, 3, 3), is_urgent=True)
    case.messages = [
        message(),
        message(id=4, received_at=NOW + timedelta(hours=1), text="  ", failure="trasigt", warnings=["charset", "ny"]),
    ]
    case.outbox = [item(last_error="451 vänta")]
    text = describing.case(case, [], with_reasons=False)
    assert text.split("\n\n")[0].split("\n") == [
        "LOK-2026-00007  Om medlemskap",
        "Status: väntar på en person (brådskande)",
        "Kontakt: Anna Prov <anna@forening.example>",
        "Svar utlovat senast: 2026-03-03",
    ]
    places = [
        text.index(part)
        for part in (
            "--- 2026-03-02 10.30  från Anna Prov <anna@forening.example>",
            "  Hur går vi med?",
            "--- 2026-03-02 10.32  mejl 11 till anna@forening.example (reply, automatiskt, skickat)",
            "(fel: 451 vänta)\n  Svaret.",
            "--- 2026-03-02 11.30",
            f"(varning: {WARNINGS['charset'].sv})\n(varning: ny)\n  (ingen text)\n(gick inte att hantera: trasigt)",
        )
    ]
    assert places == sorted(places)
    assert "regel" not in text


def test_machines_attachments_and_people_are_named() -> None:
    case = conversation(subject="")
    case.messages = [message(automatic_kind="auto", automatic_reason="Auto-Submitted")]
    case.messages[0].attachments = [MessageAttachment(name="protokoll.pdf", size=1234)]
    case.outbox = [
        item(is_automatic=False, created_by="Kim", kind=OutboxKind.ANSWER, status=OutboxStatus.QUEUED, sent_at=None)
    ]
    text = describing.case(case, [], with_reasons=False)
    assert text.startswith("LOK-2026-00007  (inget ämne)")
    assert "(automatiskt mejl: auto, Auto-Submitted)" in text
    assert "(bilaga: protokoll.pdf, 1234 byte)" in text
    assert "mejl 11 till anna@forening.example (answer, av Kim, i kö)" in text


def test_why_names_the_version_its_approval_the_rule_and_the_mail() -> None:
    case = conversation()
    case.messages = [message()]
    case.outbox = [item()]
    question = QuestionRecord(text="Hur går\nvi med?", decisions=[decision()])
    case.messages[0].questions = [question]
    event = Event(at=NOW, actor="bot", verb="decided", detail={"outcomes": ["answer"]})
    text = describing.case(case, [event, Event(at=NOW, actor="Kim", verb="resolved", detail={})], with_reasons=True)
    for line in (
        "  ? Hur går vi med?",
        "    beslut: svar",
        "    artikel: ga-med (sv) version 2, godkänd av Kim Prov 2026-02-01; säkerhet 0.99",
        "    hör till: samordnare",
        "    stöd: lexical: går med (3.14)",
        "    sades i: mejl 11",
        "  2026-03-02 10.30  bot: decided (outcomes=['answer'])",
        "  2026-03-02 10.30  Kim: resolved",
    ):
        assert line in text.split("\n"), line
    assert "answer_when_sure" in text


def test_why_of_what_was_held_and_of_a_draft() -> None:
    case = conversation()
    case.outbox = []
    case.messages = [message()]
    draft = ArticleRevision(article="utkast", language="en", version=1, approved_by=None)
    case.messages[0].questions = [
        QuestionRecord(text="", decisions=[decision(revision=draft, held_because="not-approved", outbox_id=None)]),
        QuestionRecord(
            text="Två",
            decisions=[
                decision(revision=None, outcome=Outcome.ESCALATE, administration=None, evidence=[], outbox_id=None)
            ],
        ),
    ]
    text = describing.case(case, [], with_reasons=True)
    assert "  ? (inga ord)" in text
    assert "artikel: utkast (en) version 1, ej godkänd" in text
    assert "hölls inne: not-approved" in text
    assert "beslut: till en person" in text
    assert "sades i" not in text


# ------------------------------------------------------------------ settings, and every word


def test_what_the_settings_mean() -> None:
    text = describing.setup(Settings())
    assert "Varning: de öppna sidorna saknar uppgifter som lagen kräver. Fyll i: public." in text
    assert "public.accessibility_contact" in text
    assert "Brevlåda: ingen" in text
    assert "Skickar genom: inget" in text
    assert "boten föreslår, en samordnare skickar" in text
    settings = Settings(
        imap=ImapSettings(host="imap.example.org", user="lok"),
        smtp=SmtpSettings(host="smtp.example.org"),
        coordinators=("a@stad.example",),
        answering=Answering(default=AnsweringMode.SEND),
    )
    text = describing.setup(settings)
    assert "Brevlåda: lok på imap.example.org" in text
    assert "Skickar genom: smtp.example.org" in text
    assert "Samordnare: 1" in text
    assert "boten skickar själv det som är godkänt" in text


def test_every_state_has_a_word() -> None:
    assert set(describing.OUTCOMES) == set(Outcome)
    assert set(describing.SENDING) == set(OutboxStatus)
    assert set(describing.STATUSES) == {str(status) for status in ConversationStatus}


# ------------------------------------------------------------------ asking


def test_what_is_asked_becomes_a_line_of_json() -> None:
    found = asking.as_json(asking.ask(sample.JOIN, sample.active(), Settings(), now=NOW), "7")
    assert (found["id"], found["language"], found["outcome"]) == ("7", "sv", "answer")
    (question,) = found["questions"]
    assert (question["text"], question["article"], question["topic"], question["administration"]) == (
        sample.JOIN,
        "ga-med",
        "anslutning",
        "samordnare",
    )
    assert question["evidence"]
    assert "Styrelsen fattar ett beslut." in found["reply"]


@pytest.mark.parametrize(
    ("text", "outcome", "has_reply"),
    [
        (sample.OWN, "escalate", True),
        (sample.CULTURE, "route", True),
        (sample.POLICE, "route", True),
        (sample.THANKS, "ignore", False),
        ("", "escalate", True),
        (f"{sample.JOIN}\n\n{sample.OWN}", "escalate", True),
    ],
)
def test_asking_gives_the_outcome_and_the_reply_that_a_mail_would_get(text: str, outcome: str, has_reply: bool) -> None:
    found = asking.as_json(asking.ask(text, sample.active(), Settings(), now=NOW), None)
    assert found["outcome"] == outcome
    assert (found["reply"] is not None) == has_reply
