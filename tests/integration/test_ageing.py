"""Texts whose review date comes are told by mail: once when it is near, once when it has passed, to who keeps them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import select

from lokbot import ageing
from lokbot.config import Settings
from lokbot.conversation.working_days import SWEDEN
from lokbot.model import Knowledge
from lokbot.store.schema import StaffMail
from lokbot.store.session import Sessions
from tests import sample_knowledge as sample
from tests.integration.world import SUGGEST

MORNING = datetime(2026, 11, 25, 8, 0, tzinfo=SWEDEN)  # a Wednesday
KIM, ALEX = "kim@stad.example", "alex@stad.example"


def settings(**texts: object) -> Settings:
    return SUGGEST.model_copy(
        update={"coordinators": (KIM, ALEX), "texts": SUGGEST.texts.model_copy(update=dict(texts))}
    )


def dated(**days: date) -> Knowledge:
    """The sample with review dates by article; no other has one."""
    base = sample.knowledge()
    articles = {name: replace(one, review_by=days.get(name.replace("-", "_"))) for name, one in base.articles.items()}
    return replace(base, articles=articles)


def send(sessions: Sessions, knowledge: Knowledge, now: datetime = MORNING, **texts: object) -> dict[str, str]:
    """What this call puts in line, by address."""
    with sessions.begin() as session:
        before = len(session.scalars(select(StaffMail)).all())
        ageing.send_due(session, settings=settings(**texts), knowledge=knowledge, now=now)
        return {one.to: one.text for one in session.scalars(select(StaffMail).order_by(StaffMail.id)).all()[before:]}


def test_a_text_is_told_when_its_date_is_near_and_once_more_when_it_has_passed(sessions: Sessions) -> None:
    knowledge = dated(ga_med=date(2026, 12, 10), lana_lokal=date(2027, 5, 1))
    first = send(sessions, knowledge)
    assert set(first) == {KIM, ALEX}
    assert "går ut torsdag den 10 december 2026" in first[KIM]
    assert "/kunskap/ga-med" in first[KIM]
    assert "lana-lokal" not in first[KIM]
    assert send(sessions, knowledge, MORNING + timedelta(days=1)) == {}
    assert "gick ut" in send(sessions, knowledge, MORNING + timedelta(days=16))[KIM]
    assert send(sessions, knowledge, MORNING + timedelta(days=19)) == {}


def test_a_new_date_is_told_anew(sessions: Sessions) -> None:
    assert send(sessions, dated(ga_med=date(2026, 12, 10)))
    assert "28 december" in send(sessions, dated(ga_med=date(2026, 12, 28)), MORNING + timedelta(days=6))[KIM]


def test_whoever_keeps_a_text_is_told_where_they_have_an_address(sessions: Sessions) -> None:
    knowledge = dated(ga_med=date(2026, 12, 10))
    keepers = {knowledge.articles["ga-med"].responsible: "enheten@stad.example"}
    assert set(send(sessions, knowledge, keepers=keepers)) == {"enheten@stad.example"}


@pytest.mark.parametrize(
    "now",
    [datetime(2026, 11, 28, 8, 0, tzinfo=SWEDEN), datetime(2026, 11, 25, 7, 0, tzinfo=SWEDEN)],
    ids=["on a Saturday", "in the night"],
)
def test_nobody_is_told_outside_office_hours(sessions: Sessions, now: datetime) -> None:
    assert send(sessions, dated(ga_med=date(2026, 12, 1)), now) == {}


def test_reminders_can_be_turned_off(sessions: Sessions) -> None:
    assert send(sessions, dated(ga_med=date(2026, 11, 1)), remind_days_before=0) == {}
