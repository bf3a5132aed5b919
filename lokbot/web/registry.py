"""For registrator and admin: the daily list, class and diarienummer, taking a case out, erasing it, the audit log."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime, time, timedelta
from urllib.parse import quote

from starlette.responses import Response

from lokbot import audit, records
from lokbot.conversation.escalation import NotPossible
from lokbot.conversation.working_days import SWEDEN
from lokbot.model import RecordClass, Role, UserError
from lokbot.store import queries
from lokbot.web import thread
from lokbot.web.cases import STATUSES, names
from lokbot.web.visit import Visit

LONGEST_DECISION = 500


def daily_page(visit: Visit) -> Response:
    """What is new since a day (yesterday), open, or to be registered without a number."""
    since = _since(visit)
    return visit.page(
        "registry.html",
        rows=records.daily(visit.session, since=_midnight(since)),
        since=since,
        classes=records.CLASSES,
        statuses=STATUSES,
    )


def daily_file(visit: Visit) -> Response:
    """The same as a table for a spreadsheet."""
    since = _since(visit)
    audit.record(visit.session, "listed", actor=visit.actor, source="web", now=visit.now, since=since.isoformat())
    text = records.as_csv(records.daily(visit.session, since=_midnight(since)))
    return _file(text.encode(), f"lokbot-{since}.csv", "text/csv; charset=utf-8")


def classify(visit: Visit) -> Response:
    conversation = thread.find(visit)
    wanted = visit.form["class"]
    if wanted not in set(RecordClass):
        raise NotPossible("Välj vad ärendet är.")
    records.classify(
        visit.session,
        conversation,
        RecordClass(wanted),
        actor=visit.actor,
        source="web",
        now=visit.now,
        diary_number=visit.form["diary"].strip(),
    )
    return visit.to(f"/arenden/{conversation.case_number}", klart="classed")


def export(visit: Visit) -> Response:
    """All that is kept of a case, as it came and went, in one file."""
    conversation = thread.find(visit)
    file = io.BytesIO()
    records.export(
        visit.session, conversation, file, knowledge=visit.knowledge, actor=visit.actor, source="web", now=visit.now
    )
    return _file(file.getvalue(), records.file_name(conversation), "application/zip")


def erasure_page(visit: Visit) -> Response:
    """Which case, what would go and what would stay; nothing happens here."""
    wanted = visit.query("arende").strip()
    if case := queries.conversation_for(visit.session, wanted) if wanted else None:
        audit.record(visit.session, audit.LOOKED_AT, actor=visit.actor, source="web", now=visit.now, conversation=case)
    return _erasure(visit, wanted, error=visit.say("Det finns inget sådant ärende.") if wanted else "")


def erase(visit: Visit) -> Response:
    """Erase the case that was shown, by the cited decision, where its number was written once more."""
    wanted = visit.form["case"]
    conversation = queries.conversation_for(visit.session, wanted)
    if conversation is None:
        return _erasure(visit, wanted, status=409, error=visit.say("Det finns inget sådant ärende."))
    if visit.form["again"].strip().upper() != conversation.case_number:
        said = visit.say("Skriv ärendets nummer en gång till, så att rätt ärende raderas.")
        return _erasure(visit, wanted, status=409, error=said)
    try:
        records.erase(
            visit.session,
            conversation,
            decision=visit.form["decision"][:LONGEST_DECISION],
            actor=visit.actor,
            source="web",
            now=visit.now,
        )
    except UserError as error:
        visit.session.rollback()
        return _erasure(visit, wanted, status=409, error=visit.told(error))
    # What SQLite's file still holds of it is scrubbed by a worker (service.every_minute), since that takes a while.
    return visit.to("/radera", klart="erased")


def _erasure(visit: Visit, wanted: str, *, error: str = "", status: int = 200) -> Response:
    conversation = queries.conversation_for(visit.session, wanted) if wanted else None
    is_shown = conversation is not None and status == 200
    return visit.page(
        "erasure.html",
        status=status,
        wanted=wanted,
        case=conversation,
        foreseen=records.foresee(visit.session, conversation, now=visit.now) if conversation else None,
        error="" if is_shown else error,
        classes=records.CLASSES,
        statuses=STATUSES,
        may_export=visit.has(Role.COORDINATOR, Role.REGISTRATOR),
        form=visit.form,
    )


ACTS = {
    "looked-at": "såg",
    "listed": "såg listan för registrering",
    "listed-receivers": "såg vilka som fick ett svar",
    "exported": "hämtade som fil",
    "classified": "bedömde",
    "erased": "raderade",
    "linked": "kopplade till en förening",
    "unlinked": "kopplade bort från en förening",
    "added-association": "lade till en förening",
    "changed-association": "ändrade en förening",
    "made-faq": "gjorde en FAQ av svaret",
    "wrote": "skrev en artikel",
    "approved": "godkände en artikel",
    "rolled-back": "tog tillbaka en artikel",
    "settled-import": "valde text efter en import",
    "set": "ändrade en inställning",
    "value-again": "tog tillbaka en inställning",
    "let-in": "släppte in någon",
    "linked-telegram": "kopplade sitt Telegram",
    "unlinked-telegram": "tog bort någons Telegram",
    "second-factor-reset": "tog bort någons engångskoder",
}
SOURCES = {"web": "skrivbordet", "mail": "mejl", "cli": "kommandoraden", "telegram": "Telegram"}


def audit_page(visit: Visit) -> Response:
    """Who looked at or did what with personal data."""
    case = queries.conversation_for(visit.session, visit.query("arende")) if visit.query("arende") else None
    page = audit.search(
        visit.session,
        actor=visit.query("vem") or None,
        act=visit.query("vad") or None,
        conversation=case,
        before=queries.row_number(visit.query("fore")),
    )
    numbers = {}
    for entry in page.entries:
        if entry.conversation_id is not None and entry.conversation_id not in numbers:
            found = queries.conversation_for(visit.session, entry.conversation_id)
            numbers[entry.conversation_id] = found.case_number if found else ""
    return visit.page(
        "audit.html",
        page=page,
        numbers=numbers,
        people=names(visit),
        actors=audit.actors(visit.session),
        acts=audit.acts(visit.session),
        said=ACTS,
        sources=SOURCES,
    )


def _since(visit: Visit) -> date:
    try:
        return date.fromisoformat(visit.query("fran"))
    except ValueError:
        return visit.now.astimezone(SWEDEN).date() - timedelta(days=1)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), SWEDEN).astimezone(UTC)


def _file(content: bytes, name: str, kind: str) -> Response:
    return Response(
        content,
        media_type=kind,
        headers={"content-disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}"},
    )
