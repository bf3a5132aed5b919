"""The nouns of lokbot: frozen values that every room talks about.

Standard library only, and nothing of ours is imported here, so that any room may import it.
Times are aware datetimes in UTC unless a name says otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from types import MappingProxyType

# --------------------------------------------------------------------------- what comes in


class ChannelName(StrEnum):
    """How people reach us. The value is what the store and the settings call it."""

    MAIL = "mail"
    TELEGRAM = "telegram"
    WEBCHAT = "webchat"
    PHONE = "phone"
    VISIT = "visit"

    @property
    def is_logged(self) -> bool:
        """Whether a coordinator writes down what was said: there is no door to answer through but mail."""
        return self in (ChannelName.PHONE, ChannelName.VISIT)

    @property
    def is_chat(self) -> bool:
        """Whether people write there in short turns, see buttons, and have one conversation going at a time."""
        return self in CHATS


CHATS = (ChannelName.TELEGRAM, ChannelName.WEBCHAT)

FROM_GROUP = "coordinator"
"""The command of what somebody wrote in the coordinators' group: it is read by itself, and never as the asker's."""


class UserError(Exception):
    """Something that a person can mend: the message names the place and the remedy, and is shown as it is.

    ``words`` fill the braces of ``sentence``, so that the desk can say it in English. ``terminal`` is what helps at a
    command line only, and is said there.
    """

    exit_code = 2

    def __init__(self, sentence: str, /, *, terminal: str = "", **words: object) -> None:
        self.sentence, self.terminal, self.words = sentence, terminal, words
        super().__init__(f"{self.told} {terminal}".strip())

    @property
    def told(self) -> str:
        """What it says to whoever sits at no command line, in Swedish."""
        return self.sentence.format(**self.words) if self.words else self.sentence


class NotPossible(UserError):
    """What somebody wants to do in a case cannot be done; the message says why, in words for a coordinator."""

    exit_code = 4


class ChannelError(Exception):
    """A door could not do its work.

    ``permanent`` is True where trying again cannot help (the address does not exist, the message
    is too large), False where it may (the server is down, the network broke). ``in_doubt`` is True
    when the counterpart may have accepted the message although we never heard so (RFC 5321 4.2.5:
    the connection broke after the final dot). ``refused`` names the addresses that were turned away
    while every other recipient did get the message, so that it is never sent to those again; it is
    empty when nobody got it. ``raw`` is then what the others got. ``retry_after`` is how many seconds the counterpart
    asks to be left alone.
    """

    def __init__(
        self,
        message: str,
        *,
        permanent: bool,
        in_doubt: bool = False,
        refused: tuple[str, ...] = (),
        raw: bytes | None = None,
        retry_after: float = 0.0,
    ) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.in_doubt = in_doubt
        self.refused = refused
        self.raw = raw
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Address:
    """A mail address as written; ``email`` is lower case and may be empty when unreadable."""

    name: str
    email: str

    def __str__(self) -> str:
        return f"{self.name} <{self.email}>" if self.name else self.email


@dataclass(frozen=True, slots=True)
class Attachment:
    """A part that is not the message's own text. ``content`` is never executed and never shown inline."""

    name: str
    content_type: str
    size: int
    sha256: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Automatic:
    """Whether a machine wrote the message, what kind of machine, and the rule that says so (RFC 3834)."""

    is_automatic: bool
    kind: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Bounce:
    """A delivery report (RFC 3464). ``permanent`` is None when the report does not say."""

    is_bounce: bool
    recipients: tuple[str, ...] = ()
    permanent: bool | None = None
    original_message_id: str | None = None


@dataclass(frozen=True, slots=True)
class Authentication:
    """What our own mail server found of a sender (RFC 8601): "pass", "fail", "none" ..., None where it says nothing.

    ``server`` is the authserv-id that said so, None where nothing of ours was found. ``composite`` is Microsoft's own
    verdict (compauth), which also weighs what it knows of the sender.
    """

    server: str | None = None
    dmarc: str | None = None
    spf: str | None = None
    dkim: str | None = None
    composite: str | None = None

    @property
    def is_failed(self) -> bool:
        """Whether the sender's domain says that mail in its name does not look like this (RFC 7489 6.6.2)."""
        return "fail" in (self.dmarc, self.composite)


# The warning of a message that was too large to fetch, or that the server does not hand out.
LEFT_ON_SERVER = "left-on-server"
# And of one that a filter had put aside.
JUNK = "junk"
# The warning of a chat message whose file was left where it is: too large, of a kind we do not take, or not to be had.
NOT_FETCHED = "not-fetched"


@dataclass(frozen=True, slots=True)
class IncomingMessage:
    """What a door hands to ``intake.receive``.

    ``external_id`` is unique within the channel: the same message seen twice has the same one.
    ``received_at`` is the server's time of arrival, never the sender's Date header.
    ``text`` is everything that was written, ``new_text`` what was written now (no quotes, no signature).
    ``message_id`` and the ids in ``references`` carry no angle brackets; an empty id is None, never "".
    ``delivered_to`` holds the addresses that servers on the way delivered it to (Delivered-To, X-Original-To).

    In a chat the sender's ``email`` is the chat's id there. ``command`` is what a button or a command asks for (see
    ``Button``), ``replaces`` the external id of the message that this one is an edit of, ``language`` what the
    sender's program is set to; ``in_reply_to`` names the message of ours that a button stood under.
    """

    channel: ChannelName
    external_id: str
    received_at: datetime
    raw: bytes = field(repr=False)
    sender: Address
    subject: str
    text: str
    new_text: str
    reply_to: tuple[Address, ...] = ()
    to: tuple[Address, ...] = ()
    cc: tuple[Address, ...] = ()
    delivered_to: tuple[Address, ...] = ()
    authentication: Authentication = Authentication()
    date: datetime | None = None
    message_id: str | None = None
    in_reply_to: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    automatic: Automatic = Automatic(False)
    bounce: Bounce = Bounce(False)
    attachments: tuple[Attachment, ...] = ()
    warnings: tuple[str, ...] = ()
    is_readable: bool = True
    command: str | None = None
    replaces: str | None = None
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Button:
    """What can be pressed under a message of ours instead of writing.

    ``command`` is what pressing it asks for: ``person``, ``yes`` and ``no`` (was it solved?), ``more-1`` (the whole of
    the first answer), ``2`` (the second choice), ``none`` (of the choices), ``help``, ``language``, ``lang-en``,
    ``hide``.
    """

    label: str
    command: str


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """What the outbox hands to a door. ``external_id`` is the stable id (for mail the Message-ID without brackets).

    ``reference`` is a short one, by which a pressed button of ``buttons`` finds the message it stood under.
    ``images`` of ours are shown by ``html``, each by ``cid:`` and its name, ``this@that``.
    """

    channel: ChannelName
    external_id: str
    to: tuple[Address, ...]
    subject: str
    text: str
    html: str | None = None
    cc: tuple[Address, ...] = ()
    reply_to: Address | None = None
    in_reply_to: str | None = None
    references: tuple[str, ...] = ()
    is_automatic: bool = True
    attachments: tuple[Attachment, ...] = ()
    buttons: tuple[Button, ...] = ()
    reference: str = ""
    images: tuple[Attachment, ...] = ()


# --------------------------------------------------------------------------- what we know


@dataclass(frozen=True, slots=True)
class LocalText:
    """One text in Swedish with its English beside it. ``en`` may be empty."""

    sv: str
    en: str = ""

    def get(self, language: str) -> str:
        """The text in ``language``; Swedish where there is no such translation."""
        return self.en if language == "en" and self.en else self.sv


@dataclass(frozen=True, slots=True)
class Source:
    """Where a fact stands. ``date`` is what the source shows (``2017-03-14``, ``2020-12``, ``2020``) or None."""

    title: str
    url: str | None = None
    date: str | None = None


class Perishable(StrEnum):
    """Kinds of fact that age: sent in ``run`` only if checked within twelve months (DESIGN section 5)."""

    AMOUNT = "amount"
    DEADLINE = "deadline"
    ELIGIBILITY = "eligibility"
    PERSON = "person"


@dataclass(frozen=True, slots=True)
class ArticleText:
    """An article in one language, with its own wordings, version and approval.

    ``version`` and ``revision_id`` are None for a text straight from YAML; the store gives them.
    """

    language: str
    questions: tuple[str, ...]
    answer: str
    short: str = ""
    approved_by: str | None = None
    approved_on: date | None = None
    version: int | None = None
    revision_id: int | None = None


@dataclass(frozen=True, slots=True)
class Article:
    """One answer. ``administration`` is whose matter it is, ``responsible`` the city role that keeps the text.

    ``wordings`` are further questions by language, also in languages that the answer is not written in. ``near_misses``
    are questions that sound like the article's and are not answered by it (Swedish), so that they can be told apart.
    """

    id: str
    topic: str
    administration: str
    responsible: str
    texts: Mapping[str, ArticleText]
    sources: tuple[Source, ...]
    as_of: str | None = None
    perishable: frozenset[Perishable] = frozenset()
    checked_on: date | None = None
    link_checked_on: date | None = None
    review_by: date | None = None
    approve_first: str | None = None
    wordings: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    near_misses: tuple[str, ...] = ()

    def text(self, language: str) -> ArticleText | None:
        return self.texts.get(language)


class IntentAction(StrEnum):
    """What a rule in ``intents/`` leads to, from the strongest veto to the weakest hint."""

    URGENT = "urgent"  # to a person at once, never answered by the bot, alarmed
    PERSON = "person"  # the asker wants a person
    OWN_MATTER = "own-matter"  # their own case: application, payment, missing answer
    HAND_IN = "hand-in"  # they hand something in
    ANSWER = "answer"  # an article answers it (look-alikes, matters of other bodies)
    ROUTE = "route"  # whose matter it is
    IGNORE = "ignore"  # thanks, greeting alone: stored, needs no answer


@dataclass(frozen=True, slots=True)
class Rule:
    """One way to hit an intent, on normalised words.

    A term is one or more words in a row; ``*`` at a word's start or end stands for any letters there.
    The rule hits when every term of ``all`` and (if there are any) one of ``any`` occur, none of ``none`` does,
    and the question has at most ``max_words`` words.
    """

    all: tuple[str, ...] = ()
    any: tuple[str, ...] = ()
    none: tuple[str, ...] = ()
    max_words: int | None = None


@dataclass(frozen=True, slots=True)
class Intent:
    """What somebody wants, recognised by rules or by its meaning. ``topic`` is the heading it is counted under.

    ``sounds_like`` are messages to compare meanings with; no rule has to hit them, while one hits every example.
    ``phrase`` names a sentence (``receipt.<phrase>``) that the receipt adds, such as whom to call in danger.
    """

    id: str
    action: IntentAction
    topic: str
    rules: tuple[Rule, ...]
    administration: str | None = None
    article: str | None = None
    phrase: str | None = None
    examples: tuple[str, ...] = ()
    counterexamples: tuple[str, ...] = ()
    sounds_like: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Topic:
    """A heading of the statistics."""

    id: str
    name: LocalText
    definition: str
    elsewhere: tuple[str, ...] = ()


class AdministrationKind(StrEnum):
    CITY = "city"
    COORDINATORS = "coordinators"
    CONTACT_CENTRE = "contact-centre"
    OUTSIDE = "outside"


@dataclass(frozen=True, slots=True)
class Administration:
    """Whose matter it is. ``contact`` may be given out; ``address`` is for forwarding and never shown to an asker.

    ``words`` are terms that point here, in the form of ``Rule`` terms.
    """

    id: str
    name: LocalText
    kind: AdministrationKind
    matters: LocalText
    contact: LocalText
    words: tuple[str, ...] = ()
    url: str | None = None
    address: str | None = None
    auto_forward: bool = False
    as_of: str | None = None
    source: Source | None = None
    approved_by: str | None = None
    approved_on: date | None = None

    @property
    def automatic_address(self) -> str | None:
        """Where what is its own is forwarded without a person; None where a person forwards it."""
        return self.address if self.auto_forward else None


@dataclass(frozen=True, slots=True)
class GlossaryEntry:
    """An official word and what people say for it."""

    term: str
    synonyms: tuple[str, ...]
    explanation: LocalText | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """A member of the steering group of 2020, for suggestions to coordinators only."""

    name: str
    represents: str
    interests: tuple[str, ...]
    as_of: str


@dataclass(frozen=True, slots=True)
class GoldenQuestion:
    """A question with its right outcome, written apart from the wordings: what understanding is measured on.

    Any of ``outcomes`` and any of ``articles`` is right. ``is_unseen``: of the pool that nobody who tunes reads.
    """

    id: str
    text: str
    language: str
    style: str
    outcomes: frozenset[Outcome]
    articles: tuple[str, ...] = ()
    administration: str | None = None
    is_urgent: bool = False
    is_unseen: bool = False


@dataclass(frozen=True, slots=True)
class Knowledge:
    """All that lokbot knows, validated. ``digest`` changes when any content does."""

    articles: Mapping[str, Article]
    topics: Mapping[str, Topic]
    intents: tuple[Intent, ...]
    administrations: Mapping[str, Administration]
    phrases: Mapping[str, Mapping[str, str]]
    glossary: tuple[GlossaryEntry, ...]
    digest: str
    people: tuple[Person, ...] = ()
    golden: tuple[GoldenQuestion, ...] = ()


# --------------------------------------------------------------------------- what was understood


@dataclass(frozen=True, slots=True)
class Evidence:
    """Why something was believed: which matcher, which words, which score (in the matcher's own unit)."""

    matcher: str
    detail: str
    score: float


@dataclass(frozen=True, slots=True)
class Match:
    """One candidate article. ``confidence`` (0-1) is the probability that it answers the question."""

    article: str
    confidence: float
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class IntentHit:
    """An intent that was recognised, and the words of its rule or the nearest example that did it."""

    intent: Intent
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose matter a question seems to be, from names and words."""

    administration: str
    confidence: float
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """One question in a message with all that was understood of it. Lists are ranked, best first.

    ``calibration`` names what the confidences were calibrated on: ``lexical``, or ``semantic`` with sentence vectors.
    """

    text: str
    language: str
    intents: tuple[IntentHit, ...] = ()
    matches: tuple[Match, ...] = ()
    owners: tuple[Owner, ...] = ()
    calibration: str = "lexical"

    def best(self) -> Match | None:
        return self.matches[0] if self.matches else None

    def hit(self, *actions: IntentAction) -> IntentHit | None:
        """The first intent hit whose action is one of ``actions``."""
        return next((hit for hit in self.intents if hit.intent.action in actions), None)


@dataclass(frozen=True, slots=True)
class Understanding:
    """All questions of a message. ``language`` is "sv", "en" or another ISO 639-1 code; "und" when unknown."""

    language: str
    questions: tuple[Question, ...]


# --------------------------------------------------------------------------- what was decided


class Outcome(StrEnum):
    ANSWER = "answer"
    CLARIFY = "clarify"
    ROUTE = "route"
    ESCALATE = "escalate"
    IGNORE = "ignore"


@dataclass(frozen=True, slots=True)
class Decision:
    """What is done with one question, by which rule of the table, and why.

    ``reason`` is the key of a phrase (``reason.<key>``) shown to coordinators; ``missed`` names the rules asked before
    that had no opinion. ``topic`` and ``administration`` are set wherever they are known. ``choices`` are the articles
    that the asker is to choose between, for Clarify.
    """

    outcome: Outcome
    rule: str
    reason: str
    question: Question
    article: str | None = None
    language: str = "sv"
    topic: str | None = None
    administration: str | None = None
    confidence: float = 0.0
    evidence: tuple[Evidence, ...] = ()
    is_urgent: bool = False
    intent: str | None = None
    missed: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()


class AnsweringMode(StrEnum):
    """``suggest``: receipt to the asker, draft to the coordinator. ``send``: approved text goes out by itself."""

    SUGGEST = "suggest"
    SEND = "send"


class ConversationStatus(StrEnum):
    BOT = "bot"
    WAITING = "waiting"
    TAKEN = "taken"
    WITH_ADMINISTRATION = "with_administration"
    RESOLVED = "resolved"


class Role(StrEnum):
    """What somebody who logs in may do; one person may have several."""

    COORDINATOR = "coordinator"  # reads and answers
    REGISTRATOR = "registrator"  # reads what is to be registered
    STEERING = "steering"  # statistics only
    ADMIN = "admin"  # people, audit log, erasure


class MessageState(StrEnum):
    """Where a stored message is on its way."""

    STORED = "stored"
    HANDLED = "handled"
    FAILED = "failed"


class RecordClass(StrEnum):
    """What a conversation is as a public document (offentlighets- och sekretesslagen 2009:400, 5 kap. 1 §): everything
    is to be registered, or kept so that it can be found, unless it is plainly of minor importance (ringa betydelse).
    """

    NOT_ASSESSED = "not_assessed"
    MINOR = "minor"
    REGISTER = "register"
    SECRECY = "possible_secrecy"


class OutboxKind(StrEnum):
    REPLY = "reply"  # an automatic answer or pointer to the asker
    RECEIPT = "receipt"  # "we have got it, a person answers"
    INFORMATION = "information"  # what the bot says of itself in a chat: greeting, help
    ANSWER = "answer"  # a coordinator's own words to the asker
    CORRECTION = "correction"  # of a text that was wrong, to everybody who got it
    FORWARD = "forward"  # to an administration
    NOTIFICATION = "notification"  # to the coordinators


class OutboxStatus(StrEnum):
    HELD = "held"  # a suggestion: goes out only when a person releases it
    QUEUED = "queued"
    CLAIMED = "claimed"
    SENT = "sent"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Reply:
    """A composed text, ready for the outbox; in a chat with what may be pressed under it."""

    subject: str
    text: str
    html: str | None
    language: str
    buttons: tuple[Button, ...] = ()


# --------------------------------------------------------------------------- what is counted


class FactOutcome(StrEnum):
    """What became of a question: exactly one of these, so that shares add up to the whole."""

    BOT = "bot"  # the bot answered, or asked back, and that went out
    SUGGESTION = "suggestion"  # a person sent what the bot had suggested
    PERSON = "person"  # a person answered in their own words
    POINTED = "pointed"  # it was told whose matter it is, or sent on there
    OPEN = "open"
    WITHDRAWN = "withdrawn"  # settled without an answer
    AUTOMATIC = "automatic"  # no question: a machine's mail, thanks


ASSOCIATION_KINDS: Mapping[str, LocalText] = MappingProxyType(
    {
        "idrott": LocalText("Idrottsföreningar", "Sports associations"),
        "kultur": LocalText("Kulturföreningar", "Cultural associations"),
        "ungdom": LocalText("Barn- och ungdomsföreningar", "Children's and youth associations"),
        "etnisk": LocalText("Etniska föreningar", "Ethnic associations"),
        "funktionsratt": LocalText("Funktionsrättsföreningar", "Disability rights associations"),
        "social": LocalText("Sociala föreningar", "Social associations"),
        "pensionar": LocalText("Pensionärsföreningar", "Pensioners' associations"),
        "annan": LocalText("Andra föreningar", "Other kinds of associations"),
    }
)
"""The kinds of association that equal terms are compared between."""
