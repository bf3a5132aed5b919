"""What the command line shows of cases, decisions and settings, in Swedish. Pure: text from what is given.

The caller masks personal numbers before anything reaches a terminal.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from lokbot import vectors
from lokbot.asking import Asked
from lokbot.channels import mime
from lokbot.config import Settings
from lokbot.conversation.working_days import SWEDEN
from lokbot.model import (
    NOT_FETCHED,
    AnsweringMode,
    Authentication,
    ChannelName,
    Decision,
    Knowledge,
    LocalText,
    OutboxStatus,
    Outcome,
    RecordClass,
)

if TYPE_CHECKING:
    from lokbot.balance import Balance
    from lokbot.conversation.recalling import Receiver
    from lokbot.store.schema import (
        ArticleRevision,
        Conversation,
        Correction,
        DecisionRecord,
        Event,
        Message,
        OutboxItem,
        Pause,
        SteeringMatter,
    )

OUTCOMES = {
    Outcome.ANSWER: "svar",
    Outcome.CLARIFY: "motfråga",
    Outcome.ROUTE: "hänvisning",
    Outcome.ESCALATE: "till en person",
    Outcome.IGNORE: "inget svar behövs",
}

# What the choices of a decision are, by its outcome.
_MEANWHILE = "erbjuder under tiden"
CHOICES = {Outcome.CLARIFY: "frågar vilken", Outcome.ROUTE: _MEANWHILE, Outcome.ESCALATE: _MEANWHILE}

STATUSES = {
    "bot": "hos boten",
    "waiting": "väntar på en person",
    "taken": "taget",
    "with_administration": "hos förvaltning",
    "resolved": "klart",
}

CLASSES = {
    RecordClass.NOT_ASSESSED: "ej bedömd",
    RecordClass.MINOR: "ringa betydelse",
    RecordClass.REGISTER: "registreras",
    RecordClass.SECRECY: "möjlig sekretess",
}

SENDING = {
    OutboxStatus.HELD: "förslag, inte skickat",
    OutboxStatus.QUEUED: "i kö",
    OutboxStatus.CLAIMED: "skickas nu",
    OutboxStatus.SENT: "skickat",
    OutboxStatus.FAILED: "gick inte att skicka",
    OutboxStatus.CANCELLED: "draget tillbaka",
}


WARNINGS: Mapping[str, LocalText] = {
    **mime.WARNINGS,
    NOT_FETCHED: LocalText(
        "Det som skickades togs inte emot: för stort eller av fel sort.", "What was sent was not taken."
    ),
}

SETTLED = {"wording": "blev en fråga i artikeln", "golden": "blev en facitfråga", "rejected": "avvisat"}


def moment(at: datetime) -> str:
    """``2026-11-24 18.42``, in Sweden."""
    return f"{at.astimezone(SWEDEN):%Y-%m-%d %H.%M}"


def asked(asked: Asked, knowledge: Knowledge) -> str:
    """What the bot would do with a question, and why."""
    lines = [f"Språk: {asked.understanding.language}"]
    for decision in asked.decisions:
        lines += ["", f"Fråga: {decision.question.text or '(inga ord)'}", *decided(decision, knowledge)]
    lines += ["", "Svar (utkast, ej godkända texter):" if asked.reply else "Inget svar skickas."]
    if asked.reply:
        lines.append(textwrap.indent(asked.reply, "  | ", lambda _: True))
    return "\n".join(lines)


def decided(decision: Decision, knowledge: Knowledge) -> list[str]:
    """One decision and its reasons, a line each."""
    say = knowledge.phrases["sv"]
    lines = [f"  Beslut: {OUTCOMES[decision.outcome]}, {_target(decision, knowledge)}".rstrip(", ")]
    if f"reason.{decision.reason}" in say:
        lines.append(f"  Varför: {say[f'reason.{decision.reason}'].format(kind='')}")
    lines.append(f"  Regel: {decision.rule}" + (f" ({decision.intent})" if decision.intent else ""))
    for evidence in decision.evidence:
        lines.append(f"  Stöd: {evidence.matcher}: {evidence.detail} ({evidence.score:.2f})")
    if decision.choices:
        lines.append(f"  {CHOICES[decision.outcome].capitalize()}: {', '.join(decision.choices)}")
    candidates = [f"{match.article} {match.confidence:.2f}" for match in decision.question.matches[:3]]
    if candidates:
        lines.append(f"  Kandidater: {', '.join(candidates)}")
    return lines


def _target(decision: Decision, knowledge: Knowledge) -> str:
    parts = []
    if decision.article:
        parts.append(f"artikel {decision.article} ({decision.confidence:.2f})")
    if owner := knowledge.administrations.get(decision.administration or ""):
        parts.append(f"hör till {owner.name.sv}")
    if decision.is_urgent:
        parts.append("brådskande")
    return ", ".join(parts)


def cases(conversations: Sequence[Conversation], *, now: datetime) -> str:
    """A list of cases, one line each."""
    if not conversations:
        return "Inga ärenden."
    lines = []
    for conversation in conversations:
        waited = f", väntat {_waited(conversation.waiting_since, now)}" if conversation.waiting_since else ""
        by = f", svar senast {conversation.answer_by}" if conversation.answer_by else ""
        rests = f", vilar till {conversation.snoozed_until}" if conversation.snoozed_until else ""
        urgent = "BRÅDSKANDE " if conversation.is_urgent else ""
        who = f" av {conversation.taken_by}" if conversation.taken_by else ""
        lines.append(
            f"{conversation.case_number}  {urgent}{STATUSES[conversation.status]}{who}{waited}{by}{rests}  "
            f"{conversation.contact.address}: {conversation.subject or '(inget ämne)'}"
        )
    return "\n".join(lines)


def _waited(since: datetime, now: datetime) -> str:
    hours = int((now - since).total_seconds() // 3600)
    return f"{hours // 24} d {hours % 24} h" if hours >= 24 else f"{hours} h"


LOGGED = {ChannelName.PHONE: "samtal", ChannelName.VISIT: "besök"}

VERDICTS = {"right": "rätt", "wrong": "fel", "partly": "delvis rätt"}


def sample(decisions: Sequence[DecisionRecord]) -> str:
    """Automatic answers to review: the number to review each by, the question, what was told."""
    if not decisions:
        return "Inget att granska."
    lines = []
    for decision in decisions:
        case = decision.question.message.conversation.case_number
        if decision.revision is not None:
            told = f"{decision.revision.article} ({decision.revision.language}) version {decision.revision.version}"
        else:
            told = f"hör till {decision.administration}"
        lines += [f"{decision.id}  {case}  {told}", f"    {' '.join(decision.question.text.split())}"]
    return "\n".join(lines)


def receivers(revision: ArticleRevision, found: Sequence[Receiver]) -> str:
    """Who got a version of an article."""
    lines = [f"{revision.article} ({revision.language}) version {revision.version} har gått till {len(found)} ärenden:"]
    for receiver in found:
        to = ", ".join(one.email for one in receiver.addresses)
        lines.append(
            f"{receiver.conversation.case_number}  {moment(receiver.item.sent_at or receiver.item.created_at)}  {to}"
        )
    return "\n".join(lines) if found else lines[0].removesuffix(":") + "."


def matters(found: Sequence[SteeringMatter]) -> str:
    """What the steering group is to hear of."""
    lines = [f"{matter.conversation.case_number}  {matter.line}" for matter in found]
    return "\n".join(lines) or "Inget är samlat till styrgruppen."


def failures(messages: Sequence[Message], items: Sequence[OutboxItem]) -> str:
    """What failed, one line each."""
    lines = [
        f"{message.conversation.case_number}  meddelande {message.id} gick inte att hantera: {message.failure}"
        for message in messages
    ]
    lines += [
        f"{item.conversation.case_number}  mejl {item.id} kom i retur {moment(item.bounced_at)}"
        if item.bounced_at
        else f"{item.conversation.case_number}  mejl {item.id} gick inte att skicka: {item.last_error}"
        for item in items
    ]
    return "\n".join(lines) or "Inget har misslyckats."


# What became of a mail in the mailbox, by the words of store/mailboxes.py.
FATES = {
    "stored": "sparade",
    "duplicate": "dubbletter",
    "old": "äldre än lokbot",
    "vanished": "borta innan de lästes",
    "failed": "gick inte att spara",
    "sent": "skrivna av en person",
    "own": "skrivna av lokbot",
    "automatic": "automatiska",
    "internal": "interna",
}


def balance(found: Balance) -> str:
    """What is in the mailbox and what became of it, a line for each folder."""
    lines = []
    for folder, one in found.folders.items():
        parts = [f"{number} {FATES[fate]}" for fate, number in sorted(one.fates.items())]
        parts += [f"{one.missing} saknas"] if one.missing else []
        parts += [f"{one.lost} borta ur databasen"] if one.lost else []
        there = sum(one.fates.values()) + one.missing + one.lost
        lines.append(f"{folder}: {there} mejl" + (f" ({', '.join(parts)})" if parts else ""))
    lines.append("Allt stämmer." if found.adds_up else f"Det stämmer inte. {found.difference}")
    return "\n".join(lines)


def pauses(standing: Sequence[Pause]) -> str:
    """What is paused, one line each."""
    lines = [
        f"{pause.scope} {pause.value}".strip() + f"  av {pause.paused_by} {moment(pause.paused_at)}"
        for pause in standing
    ]
    return "\n".join(lines) or "Inget är pausat."


def case(conversation: Conversation, events: Sequence[Event], *, with_reasons: bool) -> str:
    """A whole case by time: messages, what we sent, and (asked for) why."""
    parts: list[tuple[datetime, str]] = []
    for message in conversation.messages:
        parts.append((message.received_at, _message(message, with_reasons=with_reasons)))
    for item in conversation.outbox:
        parts.append((item.created_at, _item(item)))
    head = [
        f"{conversation.case_number}  {conversation.subject or '(inget ämne)'}",
        f"Status: {STATUSES[conversation.status]}" + (" (brådskande)" if conversation.is_urgent else ""),
        f"Kontakt: {conversation.contact.name} <{conversation.contact.address}>".replace("  ", " "),
    ]
    if conversation.erased_at:
        head.append(f"Raderat {moment(conversation.erased_at)}.")
    if conversation.record_class is not RecordClass.NOT_ASSESSED or conversation.diary_number:
        diary = f", diarienummer {conversation.diary_number}" if conversation.diary_number else ""
        head.append(f"Klass: {CLASSES[conversation.record_class]}{diary}")
    if conversation.contact.channel is ChannelName.TELEGRAM:
        head.append("Telegram: skriv inget känsligt. Be om mejl eller telefon när det behövs.")
    if conversation.moved_to:
        head.append(f"Flyttat till: {conversation.moved_to}")
    if conversation.reach_by:
        head.append(f"Nås på: {conversation.reach_by}")
    if conversation.hidden_at:
        head.append(f"Den som skrev har dolt chatten för sig {moment(conversation.hidden_at)}. Inget är borttaget.")
    if conversation.contact.undeliverable_at:
        what = (
            "Chatten tar inte emot meddelanden"
            if conversation.contact.channel.is_chat
            else "Adressen tar inte emot mejl"
        )
        head.append(f"{what} sedan {moment(conversation.contact.undeliverable_at)}.")
    if conversation.answer_by:
        head.append(f"Svar utlovat senast: {conversation.answer_by}")
    body = [text for _, text in sorted(parts, key=lambda part: part[0])]
    if with_reasons:
        body.append("Händelser:\n" + "\n".join(_event(event) for event in events))
    return "\n\n".join(["\n".join(head), *body])


def _message(message: Message, *, with_reasons: bool) -> str:
    sender = f"{message.sender_name} <{message.sender_email}>".strip()
    if message.channel in LOGGED:
        sender = f"{message.sender_name or 'någon'} ({LOGGED[message.channel]})"
    lines = [f"--- {moment(message.received_at)}  från {sender}"]
    if message.authentication:
        lines.append(f"(avsändaren enligt {_authentication(Authentication(**message.authentication))})")
    if message.automatic_kind:
        lines.append(f"(automatiskt mejl: {message.automatic_kind}, {message.automatic_reason})")
    for warning in message.warnings:
        lines.append(f"(varning: {WARNINGS[warning].sv if warning in WARNINGS else warning})")
    lines += [f"(bilaga: {attachment.name}, {attachment.size} byte)" for attachment in message.attachments]
    if message.command:
        lines.append("(tryckte på en knapp eller skrev ett kommando)")
    if message.replaces_id:
        lines.append("(ändring av ett tidigare meddelande)")
    if message.read_with_id:
        lines.append("(läst ihop med nästa meddelande)")
    lines.append(textwrap.indent(message.text.strip() or "(ingen text)", "  "))
    if message.failure:
        lines.append(f"(gick inte att hantera: {message.failure})")
    if with_reasons:
        for question in message.questions:
            for decision in question.decisions:
                lines += _decision(question.text, decision)
            lines += [_correction(correction) for correction in question.corrections]
    return "\n".join(lines)


def _decision(question: str, decision: DecisionRecord) -> list[str]:
    lines = [f"  ? {' '.join(question.split()) or '(inga ord)'}", f"    beslut: {OUTCOMES[decision.outcome]}"]
    if decision.revision is not None:
        revision = decision.revision
        approval = f"godkänd av {revision.approved_by} {revision.approved_on}" if revision.approved_by else "ej godkänd"
        lines.append(
            f"    artikel: {revision.article} ({revision.language}) version {revision.version}, {approval}; "
            f"säkerhet {decision.confidence:.2f}"
        )
    if decision.choices:
        lines.append(f"    {CHOICES[decision.outcome]}: {', '.join(decision.choices)}")
    if decision.administration:
        lines.append(f"    hör till: {decision.administration}")
    lines.append(f"    regel: {decision.rule} ({decision.reason}); frågade före utan åsikt: {len(decision.missed)}")
    for evidence in decision.evidence:
        lines.append(f"    stöd: {evidence['matcher']}: {evidence['detail']} ({evidence['score']:.2f})")
    if decision.held_because:
        lines.append(f"    hölls inne: {decision.held_because}")
    if decision.outbox_id:
        lines.append(f"    sades i: mejl {decision.outbox_id}")
    return lines


def _authentication(found: Authentication) -> str:
    results = {"DMARC": found.dmarc, "SPF": found.spf, "DKIM": found.dkim, "Microsoft": found.composite}
    said = ", ".join(f"{method} {result}" for method, result in results.items() if result)
    return f"{found.server}: {said or 'inget'}"


def _correction(correction: Correction) -> str:
    at = moment(correction.made_at)
    return f"    rättat av {correction.made_by} {at}: {corrected(correction)}{_settled(correction)}"


def corrected(correction: Correction) -> str:
    """What a correction says is right."""
    parts = (
        ("artikel", correction.article),
        ("rubrik", correction.topic),
        ("hör till", correction.administration),
    )
    said = [f"{what} {name}" for what, name in parts if name]
    return ", ".join([*said, "inget svar finns"] if correction.is_nothing else said)


def _settled(correction: Correction) -> str:
    if correction.settled_as is None:
        return ""
    return f" ({SETTLED[correction.settled_as]} av {correction.settled_by})"


def _item(item: OutboxItem) -> str:
    to = ", ".join(address["email"] for address in item.to)
    if item.cc:
        to += f", kopia till {', '.join(address['email'] for address in item.cc)}"
    who = "automatiskt" if item.is_automatic else f"av {item.created_by}"
    at = moment(item.sent_at or item.created_at)
    lines = [f"--- {at}  mejl {item.id} till {to} ({item.kind}, {who}, {SENDING[item.status]})"]
    if item.bounced_at:
        lines.append(f"(kom i retur {moment(item.bounced_at)})")
    if item.last_error:
        lines.append(f"(fel: {item.last_error})")
    lines += [f"(bilaga: {attachment.name}, {attachment.size} byte)" for attachment in item.attachments]
    lines.append(textwrap.indent(item.text.strip(), "  "))
    return "\n".join(lines)


def _event(event: Event) -> str:
    detail = ", ".join(f"{key}={value}" for key, value in event.detail.items())
    return f"  {moment(event.at)}  {event.actor}: {event.verb}" + (f" ({detail})" if detail else "")


def setup(settings: Settings) -> str:
    """What the settings mean for the asker, in a few lines."""
    lines = [
        f"Brevlåda: {settings.imap.user or '-'} på {settings.imap.host}" if settings.imap.host else "Brevlåda: ingen",
        f"Skickar genom: {settings.smtp.host or 'inget'}",
        f"Samordnare: {len(settings.coordinators)}",
    ]
    if settings.telegram.token.get_secret_value():
        lines.append(f"Telegram: {_telegram(settings)}")
    mode = settings.answering.default
    lines.append(
        "Svar: boten skickar själv det som är godkänt"
        if mode is AnsweringMode.SEND
        else "Svar: boten föreslår, en samordnare skickar"
    )
    lines.append(f"Vektorer: {_vectors(settings)}")
    lines.append(f"Skrivbordet: {settings.web.public_url}")
    if empty := _left_empty(settings):
        lines.append(f"Varning: de öppna sidorna saknar uppgifter som lagen kräver. Fyll i: {', '.join(empty)}")
    return "\n".join(lines)


def _left_empty(settings: Settings) -> list[str]:
    """What the public pages must say (GDPR art. 13, lag 2018:1937) and nobody has filled in."""
    return [
        f"public.{name}"
        for name, value in settings.public
        if not value and name != "accessibility_known_faults"  # none is a good answer
    ]


def _telegram(settings: Settings) -> str:
    decision, assessment = settings.telegram.decision.strip(), settings.telegram.assessment.strip()
    if not (decision and assessment):
        return "startar inte förrän telegram.decision och telegram.assessment är satta"
    return f"beslut {decision}, dataskyddsbedömning {assessment}"


def _vectors(settings: Settings) -> str:
    if settings.semantic == "off":
        return "av, boten jämför ord"
    if not vectors.is_installed():
        return "inte installerade på den här datorn, boten jämför ord"
    return "på, och ord när de inte hinner"
