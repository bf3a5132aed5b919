"""An article in the hands of those who keep it: listed, read from a form, shown as a reply, and what it would change.

Nothing here stores anything but through ``knowledge.publishing``; the desk's pages and the tests call it alike.
"""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lokbot import gaps, promoting, understanding
from lokbot.asking import CASE_NUMBER, decided
from lokbot.config import Settings
from lokbot.conversation import corrections, parties
from lokbot.conversation.decision import overall
from lokbot.conversation.reply import ReplyContext, compose
from lokbot.conversation.working_days import SWEDEN
from lokbot.evaluation.grading import GOOD, grade
from lokbot.knowledge import checks, publishing, readability
from lokbot.knowledge.explain import explain
from lokbot.knowledge.positions import Position, Positions, Trail
from lokbot.knowledge.problems import Severity
from lokbot.knowledge.schemas import ArticleSchema
from lokbot.masking import mask_personal_data
from lokbot.model import (
    Article,
    ArticleText,
    ChannelName,
    Decision,
    GoldenQuestion,
    Knowledge,
    NotPossible,
    OutboxKind,
    OutboxStatus,
    Outcome,
    Perishable,
    Question,
    UserError,
)
from lokbot.store.schema import (
    ArticleImport,
    ArticleRevision,
    Conversation,
    Correction,
    DecisionRecord,
    OutboxItem,
    QuestionRecord,
)
from lokbot.understanding import Active
from lokbot.understanding.normalize import fold, words
from lokbot.vectors import CachedEncoder

# What is done with a stored text, for the desk, which knows nothing else of ``lokbot.knowledge``.
ChangedMeanwhile = publishing.ChangedMeanwhile
approve = publishing.approve
roll_back = publishing.roll_back
history = publishing.history
newest_of = publishing.newest_of
last_care = publishing.last_care
settle_conflict = publishing.settle
ADMINISTRATION = publishing.ADMINISTRATION

SOON = timedelta(days=30)
"""A text whose review date is nearer than this is listed as soon expiring."""

EASY, HEAVY = 40, 45
"""LIX below which a text is easy to read, and above which ``lokbot check`` warns."""


VERDICTS = {
    "easy": "Lätt att läsa.",
    "fair": "Går an. Korta gärna en mening.",
    "heavy": "Tung. Dela upp meningarna.",
}


class ArticleState(StrEnum):
    DRAFT = "draft"
    APPROVED = "approved"
    EXPIRED = "expired"
    SOON = "soon"
    UNUSED = "unused"
    CORRECTED = "corrected"


class NotReadable(UserError):
    """What a form says makes no article. ``faults`` are the sentences, for whoever wrote it."""

    exit_code = 4

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__(" ".join(faults))
        self.faults = tuple(faults)


# ------------------------------------------------------------------ the list


@dataclass(frozen=True, slots=True)
class Listed:
    """An article as the list shows it. ``used`` counts what was sent, ``corrected`` how often that was not right."""

    article: Article
    states: frozenset[ArticleState]
    used: int
    corrected: int

    @property
    def name(self) -> str:
        return self.article.texts["sv"].questions[0]


def newest(session: Session, active: Active) -> Knowledge:
    """What the desk edits: each text in its newest version, approved or not."""
    return publishing.active(session, active.knowledge, prefer_approved=False)


def listing(
    session: Session,
    knowledge: Knowledge,
    *,
    today: date,
    wanted: str = "",
    topic: str = "",
    state: ArticleState | None = None,
) -> Sequence[Listed]:
    """The articles that hold every word of ``wanted``, by name; the most corrected first where they are asked for."""
    used, corrected = _counts(session)
    sought = [fold(word) for word in words(wanted)]
    found = []
    for article in knowledge.articles.values():
        one = Listed(
            article, _states(article, used, corrected, today), used.get(article.id, 0), corrected.get(article.id, 0)
        )
        if (topic and article.topic != topic) or (state is not None and state not in one.states):
            continue
        if sought:
            text = fold(" ".join(_all_words(article, knowledge)).casefold())
            if not all(word in text for word in sought):
                continue
        found.append(one)
    by_name = sorted(found, key=lambda one: fold(one.name.casefold()))
    return sorted(by_name, key=lambda one: -one.corrected) if state is ArticleState.CORRECTED else by_name


def _all_words(article: Article, knowledge: Knowledge) -> Iterable[str]:
    topic = knowledge.topics.get(article.topic)
    yield from (article.id, article.responsible, topic.name.sv if topic else article.topic)
    for text in article.texts.values():
        yield from (*text.questions, text.answer, text.short)
    for found in article.wordings.values():
        yield from found


def _states(
    article: Article, used: Mapping[str, int], corrected: Mapping[str, int], today: date
) -> frozenset[ArticleState]:
    is_draft = any(text.approved_by is None for text in article.texts.values())
    states = {ArticleState.DRAFT if is_draft else ArticleState.APPROVED}
    if article.review_by is not None and article.review_by < today:
        states.add(ArticleState.EXPIRED)
    elif article.review_by is not None and article.review_by <= today + SOON:
        states.add(ArticleState.SOON)
    if not used.get(article.id):
        states.add(ArticleState.UNUSED)
    if corrected.get(article.id):
        states.add(ArticleState.CORRECTED)
    return frozenset(states)


def told_in(session: Session, article: str) -> Mapping[int, int]:
    """In how many cases each version (``article_revisions.id``) of an article was sent."""
    query = (
        select(DecisionRecord.revision_id, func.count(func.distinct(OutboxItem.conversation_id)))
        .join(OutboxItem, OutboxItem.id == DecisionRecord.outbox_id)
        .where(
            DecisionRecord.article == article,
            DecisionRecord.revision_id.is_not(None),
            OutboxItem.status == OutboxStatus.SENT,
            OutboxItem.bounced_at.is_(None),
        )
        .group_by(DecisionRecord.revision_id)
    )
    return {number: count for number, count in session.execute(query) if number is not None}


def _counts(session: Session) -> tuple[Mapping[str, int], Mapping[str, int]]:
    """How often each article was sent, and how often a person said that it was not the right one."""
    told = (
        select(DecisionRecord.article, func.count())
        .join(OutboxItem, OutboxItem.id == DecisionRecord.outbox_id)
        .where(DecisionRecord.article.is_not(None), OutboxItem.status == OutboxStatus.SENT)
        .group_by(DecisionRecord.article)
    )
    wrong = (
        select(DecisionRecord.article, func.count(func.distinct(Correction.question_id)))
        .join(Correction, Correction.question_id == DecisionRecord.question_id)
        .where(
            DecisionRecord.article.is_not(None),
            (Correction.article != DecisionRecord.article) | Correction.is_nothing,
        )
        .group_by(DecisionRecord.article)
    )
    return tuple({str(name): count for name, count in session.execute(query)} for query in (told, wrong))  # type: ignore[return-value]


# ------------------------------------------------------------------ a form


def as_form(article: Article, language: str) -> dict[str, str]:
    """The fields of the form: lists one to a line, sources as ``titel | adress | datum``."""
    text = article.texts.get(language) or ArticleText(language, (), "")
    care = publishing.care_of(article)
    return {
        "id": article.id,
        "topic": article.topic,
        "administration": article.administration,
        "responsible": article.responsible,
        "sources": "\n".join(_source_line(one.title, one.url, one.date) for one in article.sources),
        "as_of": article.as_of or "",
        "perishable": ",".join(sorted(article.perishable)),
        "checked_on": care["checked_on"] or "",
        "link_checked_on": care["link_checked_on"] or "",
        "review_by": care["review_by"] or "",
        "wordings": "\n".join(f"{code}: {one}" for code, found in care["wordings"].items() for one in found),
        "near_misses": "\n".join(article.near_misses),
        "questions": "\n".join(text.questions),
        "answer": text.answer.strip(),
        "short": text.short.strip(),
    }


def _source_line(title: str, url: str | None, day: str | None) -> str:
    return " | ".join((title, url or "", day or "")).rstrip(" |")


def read_form(form: Mapping[str, str], base: Article | None, language: str) -> Article:
    """The article as the form says, all else as in ``base``. Raises NotReadable with every fault."""
    raw: dict[str, Any] = _raw(base) if base else {"id": form.get("id", "").strip()}
    if language == "sv":
        wordings: dict[str, list[str]] = {}
        for line in _lines(form.get("wordings", "")):
            code, _, wording = line.partition(":")
            wordings.setdefault(code.strip(), []).append(wording.strip())
        raw |= {
            "topic": form.get("topic", ""),
            "administration": form.get("administration", ""),
            "responsible": form.get("responsible", ""),
            "sources": [_source(line) for line in _lines(form.get("sources", ""))],
            "as_of": form.get("as_of", "").strip() or None,
            "perishable": [one for one in form.get("perishable", "").split(",") if one],
            "near_misses": _lines(form.get("near_misses", "")),
            "wordings": wordings,
        }
        for field in ("checked_on", "link_checked_on", "review_by"):
            raw[field] = form.get(field, "").strip() or None
    raw[language] = {
        "questions": _lines(form.get("questions", "")),
        "answer": _text(form.get("answer", "")),
        "short": _text(form.get("short", "")) or None,
    }
    try:
        article = ArticleSchema.model_validate(raw).value()
    except ValidationError as invalid:
        raise NotReadable([_fault(error) for error in invalid.errors(include_url=False)]) from None
    if base is None:
        return article
    # Approval, version and number belong to the stored text, and stay with the languages that were not edited.
    kept = {code: text for code, text in base.texts.items() if code != language}
    return replace(article, texts={**article.texts, **kept}, approve_first=base.approve_first)


FIELDS = {
    "id": "Namn i adressen",
    "topic": "Rubrik",
    "administration": "Vems fråga",
    "responsible": "Vem som håller texten",
    "sources": "Källor",
    "as_of": "Uppgifterna gäller per",
    "checked_on": "Uppgifterna kontrollerade",
    "link_checked_on": "Länken kontrollerad",
    "review_by": "Ses över senast",
    "wordings": "Frågor på andra språk",
    "near_misses": "Liknande frågor som texten inte svarar på",
    "questions": "Frågor",
    "answer": "Svar",
    "short": "Kort svar i chatten",
}


def _fault(error: Any) -> str:
    trail: Trail = tuple(step for step in error["loc"] if step != "[key]")
    named = next((FIELDS[str(step)] for step in reversed(trail) if str(step) in FIELDS), "")
    message, remedy = explain(error, trail, str(error.get("input", "")))
    return _for_the_form(f"{named}: {message}. {remedy}".strip())


def _for_the_form(sentence: str) -> str:
    """What is said of a file, to somebody who has a form: fields have other names, and no lines to take away."""
    sentence = re.sub(r"»(?:answer|short|questions|title|url|date)» (?=saknar)", "", sentence)
    sentence = sentence.replace(", eller ta bort raden", "")
    return re.sub(r"\b(?:[a-z]+_)+[a-z]+\b", lambda found: f"”{FIELDS.get(found[0], found[0])}”", sentence)


def _raw(article: Article) -> dict[str, Any]:
    """The article as its file would give it."""
    care = publishing.care_of(article)
    texts = {
        code: {"questions": list(text.questions), "answer": text.answer, "short": text.short or None}
        for code, text in article.texts.items()
    }
    return {
        "id": article.id,
        "topic": article.topic,
        "administration": article.administration,
        "responsible": article.responsible,
        "sources": [{"title": one.title, "url": one.url, "date": one.date} for one in article.sources],
        "as_of": article.as_of,
        "perishable": sorted(article.perishable),
        **care,
        **texts,
    }


def _lines(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.splitlines() if line.strip()]


def _text(text: str) -> str:
    return text.replace("\r\n", "\n").strip()


def _source(line: str) -> dict[str, str | None]:
    title, url, day, *_ = [*(part.strip() for part in line.split("|")), "", ""]
    return {"title": title, "url": url or None, "date": day or None}


def stamp_of_care(article: Article | None) -> str:
    """Tells what stands beside an article's texts from what stood there before, so that no form writes over it."""
    return hashlib.sha256(repr(publishing.care_of(article)).encode()).hexdigest()[:16] if article else ""


def save(
    session: Session, before: Article | None, after: Article, language: str, *, seen: int, by: str, now: datetime
) -> ArticleRevision:
    """Keep what was edited: the text as a draft, what stands beside it at once. Raises publishing.ChangedMeanwhile."""
    if before is None and publishing.newest_of(session, after.id, language) is not None:
        raise NotPossible("Det finns redan en artikel ”{name}”. Välj ett annat namn i adressen.", name=after.id)
    revision = publishing.save_draft(session, after, language, seen=seen, by=by, now=now)
    publishing.save_care(session, before, after, by=by, now=now)
    return revision


# ------------------------------------------------------------------ how it reads


@dataclass(frozen=True, slots=True)
class Readability:
    """LIX, words a sentence, and the sentence about both."""

    lix: int
    words: int
    verdict: str


def reads_as(text: str) -> Readability:
    lix = round(readability.lix(text))
    verdict = VERDICTS["easy" if lix < EASY else "fair" if lix <= HEAVY else "heavy"]
    return Readability(lix, round(readability.mean_sentence(text)), verdict)


_SOMEBODY = "somebody"  # who approves; a reply does not name them


def preview(article: Article, language: str, knowledge: Knowledge, channel: ChannelName, *, now: datetime) -> str:
    """The reply that somebody gets who asks the article's first question once it is approved, by the code that writes
    replies.
    """
    text = replace(article.texts[language], approved_by=article.texts[language].approved_by or _SOMEBODY)
    approved = replace(article, texts={**article.texts, language: text})
    shown = replace(knowledge, articles={**knowledge.articles, article.id: approved})
    question = Question(text.questions[0], language)
    decision = Decision(Outcome.ANSWER, "preview", "sure", question, article=article.id, language=language)
    context = ReplyContext(shown, text.questions[0], language, CASE_NUMBER, now, channel=channel)
    return compose([decision], [], context).text


def compared(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Line by line what changed from one content of a revision to another: (``" "``, ``"-"`` or ``"+"``, the line),
    unchanged lines left out but for two.
    """
    old, new = _as_lines(before), _as_lines(after)
    found = difflib.unified_diff(old, new, lineterm="", n=2)
    return [(line[0], line[1:]) for line in found if not line.startswith(("---", "+++", "@@"))]


def _as_lines(content: Mapping[str, Any]) -> list[str]:
    lines: list[str] = []
    for name, value in content.items():
        label = FIELDS.get(name, name)
        for part in value if isinstance(value, list) else [value]:
            shown = ", ".join(filter(None, part.values())) if isinstance(part, dict) else part  # a source
            lines += [f"{label}: {line}" for line in str(shown or "–").splitlines()]
    return lines


# ------------------------------------------------------------------ what would change


@dataclass(frozen=True, slots=True)
class Changed:
    """A golden question whose outcome a draft changes. The outcomes are ``answer: ansluta-forening``, ``escalate``."""

    question: str
    before: str
    after: str
    was_right: bool
    is_right: bool


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """What a draft would change. ``asked`` golden questions were put to the bot with and without it."""

    changed: tuple[Changed, ...]
    asked: int

    @property
    def worse(self) -> int:
        return sum(one.was_right and not one.is_right for one in self.changed)

    @property
    def better(self) -> int:
        return sum(one.is_right and not one.was_right for one in self.changed)


@dataclass(frozen=True, slots=True)
class Faults:
    """What ``lokbot check`` says of an article, each with its remedy. With ``errors`` a text is not approved."""

    errors: tuple[str, ...]
    warnings: tuple[str, ...]


def faults_of(article: Article, knowledge: Knowledge, *, today: date) -> Faults:
    """The checks of this article among all the others."""
    # Whoever comes last is told of a wording that two articles hold.
    others = {name: one for name, one in knowledge.articles.items() if name != article.id}
    whole = replace(knowledge, articles={**others, article.id: article})
    here = Path(article.id)
    positions = Positions({(): Position(Path(), None), ("articles", article.id): Position(here, None)})
    found: dict[Severity, list[str]] = {severity: [] for severity in Severity}
    for one in checks.check(whole, positions, today=today, lix_limit=float(HEAVY)):
        if one.file == here:
            found[one.severity].append(_for_the_form(f"{one.message[:1].upper()}{one.message[1:]}. {one.remedy}"))
    return Faults(tuple(found[Severity.ERROR]), tuple(found[Severity.WARNING]))


def refuse_errors(article: Article, knowledge: Knowledge, *, today: date) -> None:
    """Raise NotReadable with the errors among ``faults_of``."""
    if wrong := faults_of(article, knowledge, today=today).errors:
        raise NotReadable(wrong)


def rehearse(article: Article, active: Active, settings: Settings) -> Rehearsed:
    """The real understanding over the golden questions for development, as if the article were approved.

    Takes as long as to ask the bot each of them: seconds, the first time with sentence vectors a minute.
    """
    # Those of the other pool stay unseen: a page shows the questions.
    golden = [one for one in active.knowledge.golden if not one.is_unseen]
    encoder = active.understander.encoder
    if isinstance(encoder, CachedEncoder):
        encoder.warm([one.text for one in golden])
    others = {name: one for name, one in active.knowledge.articles.items() if name != article.id}
    told = active.knowledge.articles.get(article.id)

    def asked(articles: Mapping[str, Article] | None, name: str) -> Sequence[tuple[str, bool]]:
        key = (active.knowledge.digest, active.understander.is_semantic, name)
        if key not in _ASKED:
            while len(_ASKED) >= _MOST_ASKED:
                _ASKED.pop(next(iter(_ASKED)), None)
            _ASKED[key] = _outcomes(golden, _trying(active, articles) if articles is not None else active, settings)
        return _ASKED[key]

    if told is not None and any(text.approved_by for text in told.texts.values()):
        before = asked(None, "")
    else:
        # What nobody has approved yet is told to nobody.
        before = asked(others, f"without {article.id}")
    after = asked({**others, article.id: article}, repr(article))
    changed = tuple(
        Changed(one.text, old, new, was_right, is_right)
        for one, (old, was_right), (new, is_right) in zip(golden, before, after, strict=True)
        if old != new
    )
    return Rehearsed(changed, len(golden))


def _trying(active: Active, articles: Mapping[str, Article]) -> Active:
    knowledge = replace(active.knowledge, articles=articles, digest="trial")
    return Active(knowledge, understanding.build(knowledge, active.understander.encoder))


# A draft is looked at more than once, and what answers now is compared with every draft.
_MOST_ASKED = 8
_ASKED: dict[tuple[str, bool, str], Sequence[tuple[str, bool]]] = {}


def _outcomes(golden: Sequence[GoldenQuestion], active: Active, settings: Settings) -> Sequence[tuple[str, bool]]:
    """What would become of each question, and whether that is right."""
    found = []
    for one in golden:
        _, decisions = decided(one.text, active, settings)
        outcome = overall(decisions)
        told = sorted({each.article for each in decisions if each.outcome is Outcome.ANSWER and each.article})
        is_right = grade(one, decisions, outcome)[0] in GOOD
        found.append((f"{outcome}: {', '.join(told)}" if told else str(outcome), is_right))
    return found


# ------------------------------------------------------------------ from a case, from a theme, from a correction

_GREETING = re.compile(r"\A(?:hej|hejsan|god (?:dag|morgon)|hello|hi|dear)\b[^\n]{0,60}\n+", re.IGNORECASE)
_SIGN_OFF = re.compile(
    r"\n+(?:(?:med )?vänliga? hälsning(?:ar)?|hälsningar|mvh|kind regards|best regards)\b.*\Z",
    re.IGNORECASE | re.DOTALL,
)


def blank(
    knowledge: Knowledge, name: str, questions: Sequence[str], answer: str = "", **known: str | None
) -> dict[str, str]:
    """The form of a new article, with guesses to look over."""
    form = dict.fromkeys(FIELDS, "")
    return form | {
        "perishable": "",
        "id": gaps.free_name(name.split()[:5], knowledge.articles),
        "topic": known.get("topic") if known.get("topic") in knowledge.topics else next(iter(knowledge.topics)),
        "administration": known.get("administration") or gaps.coordinators(knowledge),
        "responsible": "föreningssamordnare",
        "questions": "\n".join(questions),
        "answer": answer,
    }  # type: ignore[return-value]


def from_theme(theme: gaps.Theme, knowledge: Knowledge) -> dict[str, str]:
    """A draft that asks what a theme of unanswered questions asks, personal data masked, with its answer to write."""
    topic, owner = gaps.guessed(theme, knowledge)
    asked = gaps.examples(theme, most=8)
    return blank(knowledge, " ".join(theme.words), asked, topic=topic, administration=owner)


def from_case(conversation: Conversation, knowledge: Knowledge, settings: Settings) -> dict[str, str]:
    """A draft of what was asked and answered in a case, personal data masked; a person reads it before it is saved."""
    asked = list(
        dict.fromkeys(
            line for one in corrections.questions_of(conversation) if (line := promoting.publishable(one.text))
        )
    )
    answers = [
        item.text
        for item in conversation.outbox
        if item.kind is OutboxKind.ANSWER and item.created_by != "bot" and item.status is not OutboxStatus.CANCELLED
    ]
    names = [
        conversation.contact.name,
        *(message.sender_name for message in conversation.messages),
        *(other.name for other in parties.others(conversation, settings)),
    ]
    answer = _without_names(_SIGN_OFF.sub("", _GREETING.sub("", answers[-1].strip())) if answers else "", names)
    return blank(
        knowledge,
        asked[0] if asked else "",
        [_without_names(line, names) for line in asked],
        mask_personal_data(answer).strip(),
        topic=conversation.topic,
        administration=conversation.administration,
    )


def _without_names(text: str, names: Iterable[str | None]) -> str:
    """The words of the people's own names masked, where they stand as words, also as whose something is. A short one
    ("Bo") may be another word in lower case.
    """
    for part in {part for name in names if name for part in name.split() if len(part) > (1 if part.istitle() else 2)}:
        text = re.sub(rf"(?<!\w){re.escape(part)}s?(?!\w)", "[namn]", text)
    return text


def accept_wording(
    session: Session, correction: Correction, text: str, knowledge: Knowledge, *, by: str, now: datetime
) -> ArticleRevision:
    """A correction becomes a wording of its article: a new draft that waits for approval as every edit does."""
    article = knowledge.articles.get(correction.article or "")
    wording = promoting.clean(text)
    if article is None:
        raise NotPossible("Rättelsen nämner ingen artikel som finns. Avvisa den, eller rätta frågan på nytt.")
    if "[" in wording:
        raise NotPossible("Personuppgifter är maskerade i texten. Skriv om den utan dem.")
    question: QuestionRecord = correction.question
    language = question.language if question.language in article.texts else "sv"
    told = article.texts[language]
    if words(wording) not in map(words, told.questions):
        told = replace(told, questions=(*told.questions, wording))
    after = replace(article, texts={**article.texts, language: told})
    refuse_errors(after, knowledge, today=now.astimezone(SWEDEN).date())
    seen = told.version or 0
    revision = publishing.save_draft(session, after, language, seen=seen, by=by, now=now)
    corrections.settle(session, correction, "wording", actor=by, now=now)
    return revision


def conflicts(session: Session) -> Sequence[ArticleImport]:
    """Texts that both their file and the desk have changed."""
    return publishing.conflicts(session)


PERISHABLE = {
    Perishable.AMOUNT: "belopp",
    Perishable.DEADLINE: "sista dagar",
    Perishable.ELIGIBILITY: "villkor",
    Perishable.PERSON: "personer",
}
