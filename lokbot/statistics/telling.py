"""The sentences and notes of the statistics, made of what was read by fixed patterns."""

from __future__ import annotations

from lokbot.model import Knowledge, LocalText
from lokbot.statistics import wording
from lokbot.statistics.reading import Read
from lokbot.statistics.shapes import View


class Told:
    """What is said of what was read."""

    def __init__(self, read: Read, knowledge: Knowledge) -> None:
        self._read, self._knowledge = read, knowledge

    def sentences(self) -> tuple[LocalText, ...]:
        """Five; fewer where figures are narrowed, one where there are none."""
        if not self._read.months:
            return (self._nothing(),)
        if self._read.is_narrowed:
            return (self._volume(), self._what_became())
        rest = (self._what_became(), self._waited(), self._left())
        is_one_topic = self._read.filter is not None and self._read.filter.dimension == "topic"
        return (self._volume(), *rest) if is_one_topic else (self._volume(), self._about(), *rest)

    def _nothing(self) -> LocalText:
        return wording.say(wording.NOTHING, period=self._read.period.name())

    def _volume(self) -> LocalText:
        read = self._read
        questions = self._read.total.of("question")
        if read.filter is not None:
            chosen = self._name(read.filter.dimension, read.filter.category)
            return wording.say(
                wording.VOLUME_FILTERED, period=read.period.name(), questions=questions, filter=_quoted(chosen)
            )
        conversations = self._read.conversations().of("case")
        volume = wording.say(
            wording.VOLUME, period=read.period.name(), questions=questions, conversations=conversations
        )
        associations, share = self._read.associations(), self._read.unknown_share()
        if associations.number is None:
            return _and(volume, wording.ASSOCIATIONS_NOT_SHOWN)
        pattern = wording.ASSOCIATIONS if read.view is View.COORDINATORS else wording.ASSOCIATIONS_EACH_MONTH
        told = share.text if share.number is not None else wording.SOME
        return _and(volume, wording.say(pattern, associations=associations.text, share=told))

    def _about(self) -> LocalText:
        read = self._read
        top = [category for category in read.categories("topic") if category][:3]
        if not top:
            return wording.TOPICS_NOT_SHOWN
        named = [
            wording.say(
                LocalText("{name} ({count})", "{name} ({count})"),
                name=_quoted(self._name("topic", one)),
                count=read.sum("topic", one).text(),
            )
            for one in top
        ]
        first = wording.say(wording.TOPICS, topics=wording.joined(named))
        changes = [
            (now.shown - before.shown, category, now, before)
            for category in read.categories("topic")
            if category and read.before
            for now in (read.sum("topic", category),)
            for before in (read.sum("topic", category, over=read.before),)
            if not (now.hidden or before.hidden) and now.shown != before.shown
        ]
        if not changes:
            return _and(first, wording.UNCHANGED)
        by, category, now, before = max(changes, key=lambda change: (abs(change[0]), change[1]))
        return _and(
            first,
            wording.say(
                wording.GREW if by > 0 else wording.FELL,
                topic=_quoted(self._name("topic", category)),
                before=before.text(),
                after=now.text(),
                period=read.period.before().name(),
            ),
        )

    def _what_became(self) -> LocalText:
        told = {one: self._read.sum("outcome", one).text() for one in ("person", "suggestion", "pointed")}
        bot = self._read.sum("outcome", "bot").of("question")
        return wording.say(wording.OUTCOMES, bot=bot, **told)

    def _waited(self) -> LocalText:
        bound = self._read.wait(self._read.scope, self._read.months)
        if bound is None:
            is_raw = self._read.view is View.COORDINATORS
            return wording.NOBODY_WAITED if is_raw else wording.WAITED_NOT_SHOWN
        several = self._read.view is View.STEERING and len(self._read.months) > 1
        return wording.say(wording.WAITED_EACH_MONTH if several else wording.WAITED, wait=wording.wait(bound))

    def _left(self) -> LocalText:
        waits, weeks = self._read.sum("outcome", "open"), self._read.weeks()
        if waits.number == 0:
            first = wording.NONE_OPEN
        elif weeks is None:
            first = wording.say(wording.OPEN_SHORT, open=waits.of("question"))
        else:
            first = wording.say(
                wording.OPEN,
                open=waits.of("question"),
                weeks=wording.of("week", wording.plain(weeks)),
            )
        verdicts = [self._read.sum("verdict", one) for one in ("right", "partly", "wrong")]
        reviewed, wrong = sum(one.shown for one in verdicts), verdicts[-1]
        if not reviewed:
            return _and(first, wording.NOT_REVIEWED)
        if any(one.hidden for one in verdicts):
            return _and(first, wording.say(wording.WRONG_ONES, wrong=wrong.text()))
        return _and(first, wording.say(wording.REVIEWED, reviewed=wording.plain(reviewed), wrong=wrong.text()))

    def notes(self) -> list[LocalText]:
        read = self._read
        notes = [wording.THREE_FIGURES_NOTE]
        if read.view is View.COORDINATORS:
            notes.insert(0, wording.RAW_NOTE)
        else:
            least = wording.plain(read.least)
            notes += [wording.say(wording.HIDDEN_NOTE, least=least), wording.RECORDS_NOTE]
            if self._read.is_narrowed:
                notes.append(wording.FILTER_NOTE)
        automatic = read.sum("automatic")
        if not read.filter and automatic.shown:
            notes.append(wording.say(wording.ON_TOP_NOTE, automatic=automatic.text()))
        return notes

    def _name(self, dimension: str, category: str) -> LocalText:
        return wording.name(dimension, category, self._knowledge)


def _quoted(name: LocalText) -> LocalText:
    return LocalText(f"”{name.sv}”", f"“{name.get('en')}”")


def _and(first: LocalText, second: LocalText) -> LocalText:
    return LocalText(first.sv + second.sv, first.get("en") + second.get("en"))
