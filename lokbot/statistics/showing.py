"""The tables and pictures of the statistics, made of what was read."""

from __future__ import annotations

from collections.abc import Sequence

from lokbot.conversation.working_days import loosely_dated
from lokbot.model import FactOutcome, Knowledge, LocalText
from lokbot.statistics import cells, months, wording
from lokbot.statistics.reading import Read, Sum, change, dash, number, share
from lokbot.statistics.shapes import Cell, Chart, Row, Table, View

MOST_TOPICS = 6
"""Lines that a picture can bear; the rest are one more, ``Övrigt``."""

KNOWN_ENOUGH = 70
"""Percent of the questions whose association must be known before kinds of association are compared."""

NEAR_ENOUGH = 90
"""Percent that must be known to be answered before that is told as the least share."""

OUTCOMES = [str(one) for one in FactOutcome if one is not FactOutcome.AUTOMATIC]

_MONTH = LocalText("Månad", "Month")
_QUESTIONS = LocalText("Frågor", "Questions")
_SHARE = LocalText("Andel", "Share")
_WHAT = LocalText("Vad", "What")
_HEADS = {
    "administration": LocalText("Vems fråga", "Whose matter"),
    "channel": LocalText("Väg in", "Way in"),
    "language": LocalText("Språk", "Language"),
    "outcome": LocalText("Utfall", "Outcome"),
}


class Shown:
    """What is shown of what was read."""

    def __init__(self, read: Read, knowledge: Knowledge) -> None:
        self._read, self._knowledge = read, knowledge

    def _name(self, dimension: str, category: str) -> LocalText:
        return wording.first_upper(wording.name(dimension, category, self._knowledge))

    def table(self) -> Table:
        """The main table: questions by topic, now and in the period before."""
        read = self._read
        if self._read.is_narrowed or (read.filter and read.filter.dimension == "topic"):
            return self._by(
                "outcomes-in-all", LocalText("Vad hände med frågorna", "What became of the questions"), "outcome"
            )
        rows = []
        shown = {"now": 0, "before": 0}
        whole = read.total.number
        for category in read.categories("topic"):
            now, before = read.sum("topic", category), read.sum("topic", category, over=read.before)
            shown["now"] += now.shown
            shown["before"] += before.shown
            rows.append(
                Row(
                    category,
                    self._name("topic", category),
                    (
                        now.cell(),
                        share(now.number, whole),
                        before.cell() if read.before else dash(),
                        change(now, before),
                    ),
                )
            )
        total, earlier = self._read.total, read.sum("question", over=read.before)
        rest = self._rest(total, shown["now"])
        if rest:
            others = self._rest(earlier, shown["before"]) if read.before else None
            rows.append(Row("", wording.REST, (number(rest), share(rest, whole), number(others), dash())))
        rows.append(
            Row(
                "",
                LocalText("Alla frågor", "All questions"),
                (
                    total.cell(),
                    share(total.number, whole),
                    earlier.cell() if read.before else dash(),
                    change(total, earlier) if read.before else dash(),
                ),
            )
        )
        columns = (
            LocalText("Rubrik", "Heading"),
            _QUESTIONS,
            _SHARE,
            LocalText("Perioden före", "Period before"),
            LocalText("Skillnad", "Difference"),
        )
        return Table("topics", LocalText("Frågor per rubrik", "Questions by heading"), columns, tuple(rows), "topic")

    def _rest(self, total: Sum, shown: int) -> int | None:
        """What is not in any category that is shown; None where the total is not shown either."""
        return None if total.number is None else total.number - shown

    def _by(self, identity: str, title: LocalText, dimension: str) -> Table:
        """Questions and shares of each category that has something to show, and of all others together."""
        read = self._read
        sums = {category: read.sum(dimension, category) for category in read.categories(dimension)}
        whole = read.total.number
        rows = [
            Row(category, self._name(dimension, category), (one.cell(), share(one.number, whole)))
            for category, one in sums.items()
        ]
        if rest := self._rest(read.total, sum(one.shown for one in sums.values())):
            rows.append(Row("", wording.REST, (number(rest), share(rest, whole))))
        return Table(identity, title, (_HEADS[dimension], _QUESTIONS, _SHARE), tuple(rows), dimension)

    def _among(self, identity: str, title: LocalText, dimension: str, categories: Sequence[str]) -> Table:
        """Questions of each of these categories, hidden or not, and shares of them together."""
        sums = [self._read.sum(dimension, category) for category in categories]
        numbers = [one.number for one in sums if one.number is not None]
        whole = sum(numbers) if len(numbers) == len(sums) else None
        rows = [
            Row(category, self._name(dimension, category), (one.cell(), share(one.number, whole)))
            for category, one in zip(categories, sums, strict=True)
        ]
        return Table(identity, title, (_WHAT, _QUESTIONS, _SHARE), tuple(rows), dimension)

    def charts(self) -> list[Chart]:
        """The pictures, in the order of the page."""
        if not self._read.months:
            return []
        if self._read.is_narrowed:
            return [self._outcomes()]
        read = self._read
        charts = [
            self._topic_shares(),
            Chart(
                "bars",
                self._by(
                    "administrations",
                    LocalText("Frågor per förvaltning", "Questions by administration"),
                    "administration",
                ),
                LocalText(
                    "En stapel för varje förvaltning eller annan part som frågorna hör till.",
                    "A bar for each administration or other body whose matter it is.",
                ),
            ),
            Chart(
                "bars",
                self._by("channels", LocalText("Hur frågorna kom in", "How questions came in"), "channel"),
                LocalText("En stapel för varje väg in.", "A bar for each way in."),
            ),
            Chart(
                "bars",
                self._by("languages", LocalText("Frågor per språk", "Questions by language"), "language"),
                LocalText("En stapel för varje språk.", "A bar for each language."),
            ),
            self._outcomes(),
            self._waiting(),
            self._open(),
            Chart(
                "bars",
                self._among(
                    "forwarded", LocalText("Skickade vidare", "Sent on"), "forwarded", ("1", "2", cells.RETURNED)
                ),
                LocalText(
                    "Frågor som skickades vidare: en gång, flera gånger, eller så att de kom tillbaka.",
                    "Questions that were sent on: once, several times, or so that they came back.",
                ),
            ),
            self._themes(),
            self._articles(),
            Chart(
                "bars",
                self._among(
                    "feedback", LocalText("Hjälpte svaret?", "Did the answer help?"), "feedback", ("yes", "no")
                ),
                LocalText("Vad de som frågade sade om svaren.", "What those who asked said of the answers."),
            ),
            Chart(
                "bars",
                self._among(
                    "reviewed",
                    LocalText("Granskade svar från boten", "Reviewed answers of the bot"),
                    "verdict",
                    ("right", "partly", "wrong"),
                ),
                LocalText(
                    "Samordnarna granskar ett urval av botens svar. Staplarna visar vad de fann.",
                    "Coordinators review a sample of the bot's answers. The bars show what they found.",
                ),
            ),
        ]
        if terms := self._equal_terms():
            charts.append(terms)
        if read.filter:
            # Counted among all only.
            charts = [chart for chart in charts if chart.table.id not in ("articles", "unanswered")]
        return [chart for chart in charts if chart.table.rows or read.view is View.COORDINATORS]

    def _topic_shares(self) -> Chart:
        """The share of each month's questions: at most six headings, and all others together."""
        read = self._read
        top = [category for category in read.categories("topic") if category][:MOST_TOPICS]
        rows = []
        left = {month: read.sum("question", over=(month,)).number for month in read.months}
        for category in top:
            found = []
            for month in read.months:
                one, whole = read.sum("topic", category, over=(month,)), read.sum("question", over=(month,))
                if one.number is None or whole.number is None:
                    found.append(one.cell() if one.number is None else dash())
                    continue
                left[month] = (left[month] or 0) - one.number
                found.append(share(one.number, whole.number))
            rows.append(Row(category, self._name("topic", category), tuple(found)))
        others = []
        for month in read.months:
            all_of_it, rest = read.sum("question", over=(month,)).number, left[month]
            others.append(dash() if all_of_it is None or rest is None else share(rest, all_of_it))
        rows.append(Row("", wording.OTHERS, tuple(others)))
        return Chart(
            "panels",
            Table(
                "topic-shares",
                LocalText("Rubrikernas andel per månad", "Share of each heading by month"),
                (LocalText("Rubrik", "Heading"), *map(months.short_name, read.months)),
                tuple(rows),
                "topic",
            ),
            LocalText(
                "Hur stor del av månadens frågor som gällde de vanligaste rubrikerna, i procent.",
                "How large a part of each month's questions was about the commonest headings, in percent.",
            ),
            "%",
        )

    def _outcomes(self) -> Chart:
        read = self._read
        rows = tuple(
            Row(
                outcome,
                self._name("outcome", outcome),
                tuple(read.sum("outcome", outcome, over=(month,)).cell() for month in read.months),
            )
            for outcome in OUTCOMES
        )
        return Chart(
            "stack",
            Table(
                "outcomes",
                LocalText("Vad hände med frågorna, månad för månad", "What became of the questions, month by month"),
                (LocalText("Utfall", "Outcome"), *map(months.short_name, read.months)),
                rows,
                "outcome",
            ),
            LocalText(
                "En stapel för varje månad, delad efter vad som hände med frågorna.",
                "A bar for each month, divided by what became of the questions.",
            ),
        )

    def _waiting(self) -> Chart:
        """The middle wait of each month, as the category it falls into."""
        rows = []
        for month in self._read.months:
            bound = self._read.wait(self._read.scope, (month,))
            if bound is None and self._read.view is View.COORDINATORS:
                cell = Cell(LocalText("ingen fick det", "nobody was"), 0)
            elif bound is None:
                cell = Cell(wording.hidden(self._read.least, 1))
            else:
                # Longer than all categories is drawn as twice the longest.
                cell = Cell(wording.wait(bound), (bound or 2 * cells.WAITS[-1][1]) // 60)
            rows.append(Row("", months.name(month), (cell,)))
        return Chart(
            "bars",
            Table(
                "waiting",
                LocalText("Så länge dröjde svar av en människa", "How long people took to answer"),
                (_MONTH, LocalText("Hälften fick svar", "Half were answered")),
                tuple(rows),
            ),
            LocalText(
                "Av dem som en människa svarade hade hälften sitt svar inom den här tiden. Bara arbetstid räknas.",
                "Of those whom a person answered, half had their answer within this time. Only working time counts.",
            ),
        )

    def _open(self) -> Chart:
        waits, weeks = self._read.sum("outcome", "open"), self._read.weeks()
        title = LocalText("Frågor utan svar", "Questions without an answer")
        rows = [Row("open", title, (waits.cell(),))]
        if weeks is not None:
            label = LocalText("Den äldsta har väntat högst", "The oldest has waited at most")
            rows.append(Row("", label, (Cell(wording.of("week", wording.plain(weeks)), weeks),)))
        return Chart(
            "none",
            Table("open", title, (_WHAT, LocalText("Antal", "Number")), tuple(rows), "outcome"),
            LocalText("Hur många frågor som väntar, och hur länge.", "How many questions wait, and for how long."),
        )

    def _themes(self) -> Chart:
        read = self._read
        rows = [
            Row(theme, self._name("theme", theme), (read.sum("theme", theme).cell(),))
            for theme in read.categories("theme")
            if theme
        ]
        if read.view is View.COORDINATORS:
            label = LocalText("Alla som inget svar fanns till", "All that there was no answer to")
            rows.append(Row("", label, (read.sum("unknown", "yes").cell(),)))
        return Chart(
            "bars",
            Table(
                "unanswered",
                LocalText("Frågor som inget svar finns till", "Questions that no answer exists to"),
                (LocalText("Tema", "Theme"), _QUESTIONS),
                tuple(rows),
                "theme",
            ),
            LocalText(
                "Vad boten inte kunde svara på, samlat i teman när månaden stängdes.",
                "What the bot could not answer, in themes as of when the month was closed.",
            ),
        )

    def _articles(self) -> Chart:
        """Every answer, sent or not: that nobody got it and that few did reads the same where it is hidden.

        Print and mail have those that were sent and those that someone has to look over, and how many others there are.
        """
        read = self._read
        used = [category for category in read.categories("article") if category]
        others = sorted(
            set(self._knowledge.articles) - set(used),
            # What is wanted back first, then as they are looked for.
            key=lambda one: (not self._has_expired(one), self._name("article", one).sv.casefold()),
        )
        rows = []
        for one in used + others:
            state = self._state(one)
            is_aside = state == dash() and not read.sum("article", one).shown
            rows.append(Row(one, self._name("article", one), (read.sum("article", one).cell(), state), is_aside))
        aside = sum(row.is_aside for row in rows)
        pattern = wording.NEVER_SENT if read.view is View.COORDINATORS else wording.SELDOM_SENT
        return Chart(
            "none",
            Table(
                "articles",
                LocalText("Svaren, och hur ofta de skickades", "The answers, and how often they were sent"),
                (LocalText("Svar", "Answer"), LocalText("Gånger", "Times"), LocalText("Läge", "State")),
                tuple(rows),
                "article",
                wording.say(pattern, answers=wording.plain(aside)) if aside else None,
            ),
            LocalText(
                "Svaren, de som skickades oftast först. Ett svar som har gått ut skickas inte av sig själv förrän "
                "någon har sett över det.",
                "The answers, those that were sent most often first. An answer that has expired is not sent by itself "
                "until somebody has looked it over.",
            ),
        )

    def _has_expired(self, article: str) -> bool:
        review_by = self._knowledge.articles[article].review_by
        return review_by is not None and review_by < self._read.today

    def _state(self, article: str) -> Cell:
        """What keeps the bot from sending it by itself."""
        found = self._knowledge.articles.get(article)
        if found is None:
            return Cell(LocalText("finns inte längre", "no longer there"))
        if found.review_by is not None and self._has_expired(article):
            day = found.review_by.isoformat()
            return Cell(LocalText(f"gick ut {loosely_dated(day, 'sv')}", f"expired {loosely_dated(day, 'en')}"))
        if not any(text.approved_by for text in found.texts.values()):
            return Cell(LocalText("inte godkänt än", "not approved yet"))
        return dash()

    def _equal_terms(self) -> Chart | None:
        """Answer rate and waiting by kind of association, where enough associations are known to compare."""
        read = self._read
        unknown = read.sum("kind", cells.KIND_UNKNOWN)
        if read.filter or not self._read.total.number or unknown.number is None:
            return None
        if 100 * (self._read.total.number - unknown.number) < KNOWN_ENOUGH * self._read.total.number:
            return None
        rows = []
        for kind in read.kinds():
            scope = cells.scope_of("kind", kind)
            whole = read.sum("kind", kind, scope="")
            if kind == cells.KIND_UNKNOWN or not whole.shown:
                continue
            answered = [read.sum("outcome", one, scope=scope) for one in ("bot", "suggestion", "person", "pointed")]
            bound = self._read.wait(scope, read.months)
            rows.append(
                Row(
                    kind,
                    self._name("kind", kind),
                    (
                        whole.cell(),
                        _answered(answered, whole),
                        Cell(wording.NOT_SHOWN if bound is None else wording.wait(bound)),
                    ),
                )
            )
        if not rows:
            return None
        columns = (
            LocalText("Slag av förening", "Kind of association"),
            _QUESTIONS,
            LocalText("Andel som fått svar", "Share answered"),
            LocalText("Hälften fick svar av en människa", "Half were answered by a person"),
        )
        return Chart(
            "none",
            Table("equal-terms", LocalText("Lika villkor", "Equal terms"), columns, tuple(rows), "kind"),
            LocalText(
                "Om olika slags föreningar får svar lika ofta och lika snabbt.",
                "Whether different kinds of associations get answers equally often and equally fast.",
            ),
        )


def _answered(parts: Sequence[Sum], whole: Sum) -> Cell:
    """The share that was answered; where some of it is hidden, what it is at least."""
    known = sum(part.shown for part in parts)
    if whole.number is None or not known:
        return Cell(wording.NOT_SHOWN)
    if any(part.hidden for part in parts):
        # A least share far below the true one would read as if some were answered less than others.
        is_near = 100 * known >= NEAR_ENOUGH * whole.number
        return Cell(wording.at_least(wording.percent(known, whole.number)) if is_near else wording.NOT_SHOWN)
    return share(known, whole.number)
