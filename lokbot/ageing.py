"""Texts whose review date draws near or has passed, told by mail to whoever keeps them, once for each date."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from lokbot.config import Settings
from lokbot.conversation import staff_mail
from lokbot.conversation.working_days import SWEDEN, is_working_day, written_out
from lokbot.model import Article, Knowledge, LocalText
from lokbot.store import queries
from lokbot.store.schema import Event
from lokbot.store.session import take_turns

_TOLD = "text-reminded"
_NOT_BEFORE = time(7, 30)

SUBJECT = LocalText("Texter att se över: {count}", "Texts to look over: {count}")
OPENING = LocalText(
    "De här svaren ska ses över. Ett svar som har gått ut skickas inte längre av sig själv. "
    "Läs texten. Stämmer den, flytta datumet. Stämmer den inte, ändra den.",
    "These answers are to be looked over. An answer that has expired is not sent by itself any more. "
    "Read the text. If it is right, move the date. If it is not, change it.",
)
ENDS = LocalText("går ut {day}", "expires {day}")
ENDED = LocalText("gick ut {day}", "expired {day}")


@dataclass(frozen=True, slots=True)
class Ageing:
    """An article that is to be looked over by a day; ``has_expired`` where that day has passed."""

    article: Article
    review_by: date
    has_expired: bool

    @property
    def key(self) -> str:
        return f"{self.article.id} {self.review_by.isoformat()} {'expired' if self.has_expired else 'soon'}"


def ageing(articles: Iterable[Article], *, today: date, within: timedelta) -> Sequence[Ageing]:
    """The articles whose review date has passed or comes ``within`` that time, the oldest date first. Pure."""
    found = [
        Ageing(one, one.review_by, one.review_by < today)
        for one in articles
        if one.review_by is not None and one.review_by <= today + within
    ]
    return sorted(found, key=lambda one: (one.review_by, one.article.id))


def send_due(session: Session, *, settings: Settings, knowledge: Knowledge, now: datetime) -> int:
    """Mail what is due, in the caller's transaction; returns how many mails were put in line.

    Each text is told twice: when its date comes near, and when it has passed. It goes to the address that
    ``texts.keepers`` gives for the city role that keeps it, else to every coordinator who is not away. Several workers
    may call it at once. Without anybody to send to it stays due.
    """
    local = now.astimezone(SWEDEN)
    today, within = local.date(), settings.texts.remind_days_before
    if within == 0 or local.time() < _NOT_BEFORE or not is_working_day(today, settings.promise.closed_days):
        return 0
    found = ageing(knowledge.articles.values(), today=today, within=timedelta(days=within))
    if not found:
        return 0
    take_turns(session, "ageing")
    told = {detail.get("text") for detail in session.scalars(select(Event.detail).where(Event.verb == _TOLD))}
    away = queries.away(session, today)
    here = [one for one in dict.fromkeys(map(str.lower, settings.coordinators)) if one not in away]
    letters: dict[str, list[Ageing]] = {}
    for one in found:
        keeper = settings.texts.keepers.get(one.article.responsible)
        receivers = [keeper] if keeper else here
        if one.key in told or not receivers:
            continue
        for address in receivers:
            letters.setdefault(address, []).append(one)
        queries.record(session, _TOLD, actor="bot", now=now, text=one.key)
    for address, texts in letters.items():
        user = queries.user_at(session, address)
        subject, text = compose(texts, user.language if user else "sv", settings.web.public_url)
        staff_mail.enqueue(session, address, subject, text, settings=settings, now=now)
    return len(letters)


def compose(texts: Sequence[Ageing], language: str, url: str) -> tuple[str, str]:
    """Subject and text. Pure."""
    blocks = [OPENING.get(language)]
    for one in texts:
        name = one.article.texts["sv"].questions[0]
        says = (ENDED if one.has_expired else ENDS).get(language).format(day=written_out(one.review_by, language))
        blocks.append(f"{name}\n{says}. {one.article.responsible}.\n{url}/kunskap/{one.article.id}")
    return SUBJECT.get(language).format(count=len(texts)), "\n\n".join(blocks)
