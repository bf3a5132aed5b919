"""The inbox: folders with counts, the cases in one of them, filters, search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from urllib.parse import urlencode

from sqlalchemy import select
from starlette.responses import Response

from lokbot import accounts, register
from lokbot.conversation.corrections import ASKER
from lokbot.conversation.working_days import SWEDEN
from lokbot.model import ConversationStatus, Role
from lokbot.store import inbox as store
from lokbot.store import queries
from lokbot.store.inbox import Filters, Folder
from lokbot.store.schema import User
from lokbot.web.visit import Visit

NAMES = {
    Folder.URGENT: "Brådskande",
    Folder.WAITING: "Väntar på svar",
    Folder.SUGGESTIONS: "Förslag",
    Folder.MINE: "Mina",
    Folder.WITH_ADMINISTRATION: "Hos förvaltning",
    Folder.SNOOZED: "Vilar",
    Folder.BOT: "Botens svar",
    Folder.AUTOMATIC: "Automatiska",
    Folder.FAILED: "Misslyckade",
    Folder.RESOLVED: "Klara",
    Folder.ALL: "Alla",
}
EMPTY = {
    Folder.URGENT: "Inget brådskande. Bra!",
    Folder.WAITING: "Ingen väntar på svar.",
    Folder.SUGGESTIONS: "Inga förslag att titta på.",
    Folder.MINE: "Du har inga ärenden.",
    Folder.WITH_ADMINISTRATION: "Inget ligger hos en förvaltning.",
    Folder.SNOOZED: "Inget ärende vilar.",
    Folder.FAILED: "Ingenting har misslyckats.",
}
STATUSES = {
    ConversationStatus.BOT: "Hos boten",
    ConversationStatus.WAITING: "Väntar",
    ConversationStatus.TAKEN: "Taget",
    ConversationStatus.WITH_ADMINISTRATION: "Hos förvaltning",
    ConversationStatus.RESOLVED: "Klart",
}
# Languages that people in Helsingborg write in beside Swedish and English; another is shown by its code (ISO 639).
TONGUES = {
    "ar": ("arabiska", "Arabic"),
    "bs": ("bosniska", "Bosnian"),
    "da": ("danska", "Danish"),
    "de": ("tyska", "German"),
    "es": ("spanska", "Spanish"),
    "fa": ("persiska", "Persian"),
    "fi": ("finska", "Finnish"),
    "fr": ("franska", "French"),
    "hr": ("kroatiska", "Croatian"),
    "no": ("norska", "Norwegian"),
    "pl": ("polska", "Polish"),
    "ru": ("ryska", "Russian"),
    "so": ("somaliska", "Somali"),
    "sr": ("serbiska", "Serbian"),
    "tr": ("turkiska", "Turkish"),
    "uk": ("ukrainska", "Ukrainian"),
}
# Where a search found its words, by ``store.search.Excerpt.source``.
FOUND_IN = {
    "messages": "Kom in",
    "outbox": "Vi skrev",
    "notes": "Anteckning",
    "message_attachments": "Bilaga som kom in",
    "outbox_attachments": "Bilaga som vi skickade",
    "association": "Förening",
    "contact": "Adress",
}
CHANNELS = {"mail": "Mejl", "telegram": "Telegram", "webchat": "Webbchatt", "phone": "Telefon", "visit": "Besök"}


def inbox(visit: Visit) -> Response:
    """A folder's cases. Without one: what is urgent if there is anything, else what waits."""
    counts = store.counts(visit.session, visit.actor)
    asked = visit.query("mapp")
    folder = Folder(asked) if asked in set(Folder) else (Folder.URGENT if counts[Folder.URGENT] else Folder.WAITING)
    filters = filters_of(visit)
    if filters and not asked:
        folder = Folder.ALL
    number = min(queries.row_number(visit.query("sida")) or 1, 10_000)
    listed = store.cases(visit.session, folder, filters, visit.actor, page=number)
    return visit.page(
        "inbox.html",
        folder=folder,
        folders=NAMES,
        counts=counts,
        cases=listed.cases,
        excerpts=listed.excerpts,
        found_in=FOUND_IN,
        is_cut=listed.is_cut,
        people=names(visit),
        coordinators=colleagues(visit),
        filters=filters,
        empty=EMPTY.get(folder, "Här är det tomt."),
        statuses=STATUSES,
        channels=CHANNELS,
        tongue=lambda code: tongue(code, visit),
        today=visit.now.astimezone(SWEDEN).date(),
        number=number,
        has_more=listed.has_more,
        pauses=queries.pauses(visit.session),
        here=lambda **changed: _here(visit, changed),
    )


def tongue(code: str, visit: Visit) -> str:
    """What a language is called on the page."""
    return TONGUES.get(code, (code, code))[visit.language == "en"]


def names(visit: Visit) -> Mapping[str, str]:
    """How an act is signed -> a name: everybody who has an account by mail address, and the asker."""
    known = {user.email: user.name for user in accounts.everybody(visit.session)}
    return {ASKER: visit.say("den som frågade"), **known}


def colleagues(visit: Visit) -> Sequence[User]:
    """The coordinators, by name."""
    users = visit.session.scalars(select(User).where(User.is_active).order_by(User.name))
    return [user for user in users if Role.COORDINATOR in user.roles]


def filters_of(visit: Visit) -> Filters:
    """What the address asks for. A date that is none asks for nothing."""
    return Filters(
        topic=visit.query("rubrik"),
        administration=visit.query("forvaltning"),
        channel=visit.query("kanal"),
        status=visit.query("status"),
        association=_association(visit),
        since=_midnight(visit.query("fran")),
        until=_midnight(visit.query("till"), after=True),
        words=" ".join(visit.query("q").split())[:200],
    )


def _association(visit: Visit) -> int | None:
    """The one that is called as the address says, or most nearly so; nobody's cases where none is."""
    name = " ".join(visit.query("forening").split())[:300]
    if not name:
        return None
    found = register.search(visit.session, name, limit=1)
    return found[0].association.id if found else 0


def _midnight(value: str, *, after: bool = False) -> datetime | None:
    try:
        day = date.fromisoformat(value)
        day += timedelta(days=1) if after else timedelta()
        return datetime.combine(day, time(), SWEDEN).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _here(visit: Visit, changed: Mapping[str, str]) -> str:
    """This page's address with some of its questions changed; empty ones are left out."""
    query = {**dict(visit.request.query_params), **changed}
    query.pop("klart", None)
    return "/arenden?" + urlencode({name: value for name, value in query.items() if value})
