"""The FAQ in the hands of those who keep it: list, read, write, check, approve, roll back, what is missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import Response

from lokbot import audit, editing, gaps, promoting
from lokbot.conversation import corrections
from lokbot.conversation.escalation import NotPossible
from lokbot.conversation.working_days import SWEDEN
from lokbot.editing import ArticleState, NotReadable
from lokbot.model import Article, ChannelName, Knowledge, Outcome, UserError
from lokbot.store import queries
from lokbot.store.schema import ArticleRevision, Correction
from lokbot.web import thread
from lokbot.web.cases import names
from lokbot.web.visit import Visit

STATES = {
    ArticleState.DRAFT: "Utkast",
    ArticleState.APPROVED: "Godkänd",
    ArticleState.EXPIRED: "Gick ut",
    ArticleState.SOON: "Går snart ut",
    ArticleState.UNUSED: "Aldrig använd",
    ArticleState.CORRECTED: "Mest rättad",
}
LANGUAGES = {"sv": "Svenska", "en": "Engelska"}
OUTCOMES = {
    Outcome.ANSWER: "boten svarar",
    Outcome.CLARIFY: "boten frågar tillbaka",
    Outcome.ROUTE: "boten visar vidare",
    Outcome.ESCALATE: "en person svarar",
    Outcome.IGNORE: "inget svar",
}
GAPS_SINCE = timedelta(days=90)
MOST_THEMES = 20


def _today(visit: Visit) -> date:
    return visit.now.astimezone(SWEDEN).date()


def _newest(visit: Visit) -> Knowledge:
    return editing.newest(visit.session, visit.active)


def _article(visit: Visit, knowledge: Knowledge) -> Article:
    article = knowledge.articles.get(visit.path("article"))
    if article is None:
        raise HTTPException(404)
    return article


def _language(asked: str) -> str:
    """The language of the text that is meant, not of the page."""
    if asked and (len(asked) != 2 or not asked.isascii() or not asked.isalpha()):
        raise HTTPException(404)
    return asked.lower() or "sv"


def _noted(visit: Visit, act: str, article: str, **detail: Any) -> None:
    audit.record(visit.session, act, actor=visit.actor, source="web", now=visit.now, article=article, **detail)


# ------------------------------------------------------------------ list and article


def listed(visit: Visit) -> Response:
    """All articles, or those that a search, a topic or a state asks for."""
    knowledge, asked = _newest(visit), visit.query("lage")
    state = ArticleState(asked) if asked in set(ArticleState) else None
    found = editing.listing(
        visit.session,
        knowledge,
        today=_today(visit),
        wanted=visit.query("q")[:200],
        topic=visit.query("rubrik"),
        state=state,
    )
    return visit.page(
        "articles.html",
        found=found,
        states=STATES,
        state=state,
        topics={key: topic.name.get(visit.language) for key, topic in knowledge.topics.items()},
        conflicts=editing.conflicts(visit.session),
    )


def article(visit: Visit) -> Response:
    """One article: its texts side by side, what is kept of it, its history with differences, and who got what."""
    return _article_page(visit)


def _article_page(visit: Visit, *, status: int = 200, error: str = "") -> Response:
    knowledge = _newest(visit)
    found = _article(visit, knowledge)
    revisions = editing.history(visit.session, found.id)
    told = editing.told_in(visit.session, found.id)
    before: dict[tuple[str, int], ArticleRevision] = {(one.language, one.version): one for one in revisions}
    history = [
        (
            one,
            editing.compared(earlier.content, one.content)
            if (earlier := before.get((one.language, one.version - 1)))
            else [],
            told.get(one.id, 0),
        )
        for one in reversed(revisions)
    ]
    answering = visit.knowledge.articles.get(found.id)
    return visit.page(
        "article.html",
        status=status,
        error=error,
        article=found,
        name=found.texts["sv"].questions[0],
        owner=knowledge.administrations[found.administration].name.get(visit.language),
        topic=knowledge.topics[found.topic].name.get(visit.language),
        history=history,
        answers_with={code: text.version for code, text in answering.texts.items()} if answering else {},
        people=names(visit),
        languages=LANGUAGES,
        lix={code: editing.reads_as(text.answer) for code, text in found.texts.items()},
        perishable=[editing.PERISHABLE[kind] for kind in sorted(found.perishable)],
        conflicts=[
            (one, editing.compared(newest.content if newest else {}, one.conflict))
            for one in editing.conflicts(visit.session)
            if one.article == found.id and one.conflict is not None
            for newest in [editing.newest_of(visit.session, one.article, one.language)]
        ],
        cared=editing.last_care(visit.session, found.id),
        today=_today(visit),
    )


# ------------------------------------------------------------------ writing


def new_page(visit: Visit) -> Response:
    """An empty form, or one filled from a theme of unanswered questions."""
    knowledge = _newest(visit)
    form = editing.blank(knowledge, "", ())
    if wanted := visit.query("tema"):
        theme = next((one for one in _themes(visit) if ",".join(one.words) == wanted), None)
        if theme is None:
            raise NotPossible("Temat finns inte längre. Börja från kunskapsluckorna.")
        form = editing.from_theme(theme, knowledge)
    return _form(visit, knowledge, None, "sv", form, seen=0)


def new_from_case(visit: Visit) -> Response:
    """A draft from what was asked and answered in a case, shown before anything is saved."""
    conversation, knowledge = thread.find(visit), _newest(visit)
    audit.record(
        visit.session,
        "made-faq",
        actor=visit.actor,
        source="web",
        now=visit.now,
        conversation=conversation,
        contact=conversation.contact,
    )
    form = editing.from_case(conversation, knowledge, visit.settings)
    return _form(visit, knowledge, None, "sv", form, seen=0, case=conversation.case_number)


def edit_page(visit: Visit) -> Response:
    knowledge, language = _newest(visit), _language(visit.query("text"))
    found = _article(visit, knowledge)
    text = found.texts.get(language)
    form = editing.as_form(found, language)
    shown = _shown(visit, found, language, knowledge) if text is not None else {}
    return _form(visit, knowledge, found, language, form, seen=_version(text), shown=shown)


def _shown(visit: Visit, article: Article, language: str, knowledge: Knowledge) -> dict[str, str]:
    """The reply by each kind of door."""
    doors = (ChannelName.MAIL, ChannelName.TELEGRAM)
    return {str(door): editing.preview(article, language, knowledge, door, now=visit.now) for door in doors}


def _version(text: Any) -> int:
    return (text.version or 0) if text else 0


def _form(
    visit: Visit,
    knowledge: Knowledge,
    found: Article | None,
    language: str,
    form: Mapping[str, str],
    *,
    seen: int,
    status: int = 200,
    faults: Sequence[str] = (),
    theirs: ArticleRevision | None = None,
    theirs_changed: Sequence[tuple[str, str]] = (),
    case: str = "",
    shown: Mapping[str, str] | None = None,
) -> Response:
    return visit.page(
        "article_edit.html",
        status=status,
        article=found,
        text=language,
        form=form,
        seen=seen,
        cared=editing.stamp_of_care(found),
        faults=faults,
        theirs=theirs,
        theirs_changed=theirs_changed,
        case=case,
        people=names(visit),
        fields=editing.FIELDS,
        languages=LANGUAGES,
        perishable=editing.PERISHABLE,
        topics={key: topic.name.get(visit.language) for key, topic in knowledge.topics.items()},
        owners={key: owner.name.get(visit.language) for key, owner in knowledge.administrations.items()},
        reads=editing.reads_as(form["answer"]),
        shown=shown or {},
    )


def _typed(visit: Visit) -> dict[str, str]:
    form = {name: visit.form[name].replace("\r\n", "\n")[:50_000] for name in editing.FIELDS}
    return form | {"perishable": ",".join(visit.form.all("perishable"))}


def _seen(visit: Visit) -> int:
    return queries.row_number(visit.form["seen"]) or 0


def preview(visit: Visit) -> Response:
    """How a form's text would read as a mail and in a chat, and how heavy it is. With a script only that part."""
    knowledge, language = _newest(visit), _language(visit.form["text"])
    found, form = knowledge.articles.get(visit.form["article"]), _typed(visit)
    faults: Sequence[str] = ()
    shown: dict[str, str] = {}
    try:
        written = editing.read_form(form, found, language)
        if written.administration not in knowledge.administrations or written.topic not in knowledge.topics:
            raise NotReadable([visit.say("Välj rubrik och vems fråga det är.")])
        shown = _shown(visit, written, language, knowledge)
    except NotReadable as error:
        faults = error.faults
    if visit.request.headers.get("x-live") is not None:
        return visit.page(
            "article_preview.html", shown=shown, faults=faults, reads=editing.reads_as(form["answer"]), text=language
        )
    return _form(visit, knowledge, found, language, form, seen=_seen(visit), faults=faults, shown=shown)


def create(visit: Visit) -> Response:
    return _save(visit, None)


def edit(visit: Visit) -> Response:
    return _save(visit, visit.path("article"))


def _save(visit: Visit, name: str | None) -> Response:
    """Keep a draft. What cannot be kept, and what somebody else saved meanwhile, is shown with all that was written."""
    knowledge, language = _newest(visit), _language(visit.form["text"])
    found = _article(visit, knowledge) if name is not None else None
    form, seen = _typed(visit), _seen(visit)
    try:
        written = editing.read_form(form, found, language)
        if written.administration not in knowledge.administrations or written.topic not in knowledge.topics:
            raise NotReadable([visit.say("Välj rubrik och vems fråga det är.")])
        if found is not None and language == "sv" and visit.form["cared"] != editing.stamp_of_care(found):
            raise NotReadable(_changed_beside(visit, found, form))
        revision = editing.save(visit.session, found, written, language, seen=seen, by=visit.actor, now=visit.now)
    except editing.ChangedMeanwhile as error:
        theirs = error.newest
        before = next(
            (
                one
                for one in editing.history(visit.session, theirs.article)
                if one.language == language and one.version == seen
            ),
            None,
        )
        return _form(
            visit,
            knowledge,
            found,
            language,
            form,
            seen=theirs.version,
            status=409,
            theirs=theirs,
            theirs_changed=editing.compared(before.content if before else {}, theirs.content),
        )
    except UserError as error:
        visit.session.rollback()
        faults = error.faults if isinstance(error, NotReadable) else (visit.told(error),)
        return _form(visit, knowledge, found, language, form, seen=seen, status=409, faults=faults)
    _noted(visit, "wrote", written.id, language=language, version=revision.version)
    return visit.to(f"/kunskap/{written.id}/kontroll", text=language, klart="text-saved")


def _changed_beside(visit: Visit, found: Article, form: Mapping[str, str]) -> list[str]:
    """What somebody else has set meanwhile of what holds at once, where the form says something else."""
    row, now_set = editing.last_care(visit.session, found.id), editing.as_form(found, "sv")
    name = names(visit).get(row.changed_by, row.changed_by) if row else visit.say("Filerna")
    told = [
        f"{visit.say(editing.FIELDS[field])}: {now_set[field] or '–'}"
        for field in ("checked_on", "link_checked_on", "review_by", "near_misses", "wordings")
        if now_set[field] != form[field].strip()
    ]
    head = visit.say("{name} ändrade något medan du skrev. Spara igen om ditt ska gälla. Nu står där:", name=name)
    return [head, *told]


# ------------------------------------------------------------------ check, approve, roll back


def check_page(visit: Visit) -> Response:
    """What a draft would change, before somebody approves it."""
    knowledge, language = _newest(visit), _language(visit.query("text"))
    found = _article(visit, knowledge)
    text = found.texts.get(language)
    if text is None:
        raise HTTPException(404)
    faults = editing.faults_of(found, knowledge, today=_today(visit))
    revision = editing.newest_of(visit.session, found.id, language)
    return visit.page(
        "article_check.html",
        article=found,
        text=text,
        name=found.texts["sv"].questions[0],
        errors=faults.errors,
        warnings=faults.warnings,
        seen=_version(text),
        languages=LANGUAGES,
        shown=_shown(visit, found, language, knowledge),
        reads=editing.reads_as(text.answer),
        faults=(),
        is_own=visit.settings.texts.second_person and revision is not None and revision.created_by == visit.actor,
    )


def rehearsal(visit: Visit) -> Response:
    """Which golden questions a draft would change. A page of its own, as it asks them all: the check's fetches it."""
    knowledge = _newest(visit)
    found = _article(visit, knowledge)
    return visit.page(
        "article_rehearsal.html",
        article=found,
        text=_language(visit.query("text")),
        rehearsed=editing.rehearse(found, visit.active, visit.settings),
        outcome=lambda told: _outcome(visit, knowledge, told),
    )


def _outcome(visit: Visit, knowledge: Knowledge, told: str) -> str:
    """``answer: x, y`` in words."""
    kind, _, articles = told.partition(": ")
    said = visit.say(OUTCOMES[Outcome(kind)])
    named = [
        knowledge.articles[one].texts["sv"].questions[0] for one in articles.split(", ") if one in knowledge.articles
    ]
    return f"{said} ”{'”, ”'.join(named)}”" if named else said


def approve(visit: Visit) -> Response:
    """Approved by whoever is logged in, by name; told from now on. What does not hold together is not approved."""
    knowledge, language = _newest(visit), _language(visit.form["text"])
    found = _article(visit, knowledge)
    try:
        editing.refuse_errors(found, knowledge, today=_today(visit))
        revision = editing.approve(
            visit.session,
            found.id,
            by=visit.user.name,
            language=language,
            now=visit.now,
            today=_today(visit),
            seen=_seen(visit),
            not_by_writer=visit.actor if visit.settings.texts.second_person else None,
        )
    except UserError as error:
        visit.session.rollback()
        return _article_page(visit, status=409, error=visit.told(error))
    _noted(visit, "approved", found.id, language=language, version=revision.version)
    return visit.to(f"/kunskap/{found.id}", klart="text-approved")


def roll_back(visit: Visit) -> Response:
    """An earlier version again."""
    number = queries.row_number(visit.form["revision"])
    revision = visit.session.get(ArticleRevision, number) if number else None
    if revision is None or revision.article != visit.path("article"):
        raise NotPossible("Välj en version.")
    try:
        restored = editing.roll_back(
            visit.session,
            revision,
            seen=_seen(visit),
            by=visit.actor,
            name=visit.user.name,
            now=visit.now,
            today=_today(visit),
        )
    except UserError as error:
        visit.session.rollback()
        return _article_page(visit, status=409, error=visit.told(error))
    _noted(visit, "rolled-back", revision.article, language=revision.language, to=revision.version)
    key = "text-back" if restored.approved_by else "text-back-draft"
    return visit.to(f"/kunskap/{revision.article}", klart=key)


def settle(visit: Visit) -> Response:
    """A text that both its file and the desk have changed: which one stays."""
    name, language, take = visit.path("article"), _language(visit.form["text"]), visit.form["take"] == "1"
    editing.settle_conflict(visit.session, name, language, take=take, by=visit.actor, now=visit.now)
    _noted(visit, "settled-import", name, language=language, take=take)
    return visit.to(f"/kunskap/{name}", klart="saved")


# ------------------------------------------------------------------ what is missing


def gaps_page(visit: Visit) -> Response:
    """Themes of what nobody could answer, and corrections that wait to become wordings or golden questions."""
    knowledge = _newest(visit)
    return visit.page(
        "gaps.html",
        themes=[(one, gaps.examples(one), ",".join(one.words)) for one in _themes(visit)[:MOST_THEMES]],
        waiting=promoting.proposals(visit.session),
        people=names(visit),
        days=GAPS_SINCE.days,
        articles={key: one.texts["sv"].questions[0] for key, one in knowledge.articles.items()},
        topics={key: topic.name.get(visit.language) for key, topic in knowledge.topics.items()},
        owners={key: owner.name.get(visit.language) for key, owner in knowledge.administrations.items()},
    )


def _themes(visit: Visit) -> Sequence[gaps.Theme]:
    found = gaps.unanswered(visit.session, since=visit.now - GAPS_SINCE, until=visit.now + timedelta(seconds=1))
    return gaps.themes(found)


def accept(visit: Visit) -> Response:
    """A correction becomes a wording of its article, a golden question in the files, or is turned down."""
    correction = visit.session.get(Correction, visit.request.path_params["correction"])
    if correction is None:
        raise HTTPException(404)
    if correction.settled_as is not None:
        raise NotPossible("Rättelsen är redan avgjord.")
    wanted, text = visit.form["becomes"], visit.form["wording"][:1000]
    if wanted == "rejected":
        corrections.settle(visit.session, correction, "rejected", actor=visit.actor, now=visit.now)
        return visit.to("/kunskap/luckor", klart="saved")
    if wanted == "golden":
        promoting.promote(
            visit.session,
            correction,
            "golden",
            settings=visit.settings,
            actor=visit.actor,
            now=visit.now,
            today=_today(visit),
            text=text,
        )
        return visit.to("/kunskap/luckor", klart="golden-saved")
    revision = editing.accept_wording(visit.session, correction, text, _newest(visit), by=visit.actor, now=visit.now)
    _noted(visit, "wrote", revision.article, language=revision.language, version=revision.version)
    return visit.to(f"/kunskap/{revision.article}/kontroll", text=revision.language, klart="text-saved")
