"""The audit log: written with the act or not at all, never changed, searchable page by page."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from lokbot import audit
from lokbot.audit import LOOKED_AT
from lokbot.store.schema import Conversation
from lokbot.store.session import Sessions
from tests import sample_knowledge as sample
from tests.integration.world import World
from tests.sample_mails import NOW


def test_a_line_can_only_be_added(engine: Engine, sessions: Sessions) -> None:
    with sessions.begin() as session:
        audit.record(session, LOOKED_AT, actor="Kim", source="web", now=NOW)
    for statement in (
        "UPDATE audit_log SET actor = 'someone else'",
        "DELETE FROM audit_log",
        "DELETE FROM audit_log WHERE id = 1",
    ):
        with pytest.raises(DBAPIError, match="append-only"), engine.begin() as connection:
            connection.execute(text(statement))
    with sessions.begin() as session:
        assert [entry.actor for entry in audit.search(session).entries] == ["Kim"]


def test_an_act_that_fails_leaves_no_line(sessions: Sessions) -> None:
    with sessions() as session:
        audit.record(session, "exported", actor="Kim", source="cli", now=NOW)
        session.rollback()
    with sessions.begin() as session:
        assert audit.search(session).entries == []


def test_it_is_searched_by_person_act_case_contact_and_period(sessions: Sessions) -> None:
    world = World(sessions)
    case = world.write(sample.OWN)
    with sessions.begin() as session:
        conversation = session.get_one(Conversation, case.conversation.id)
        for minute, (actor, act, here) in enumerate(
            [("Kim", LOOKED_AT, True), ("Robin", LOOKED_AT, True), ("Kim", "exported", True), ("Kim", LOOKED_AT, False)]
        ):
            audit.record(
                session,
                act,
                actor=actor,
                source="web",
                now=NOW + timedelta(minutes=minute),
                conversation=conversation if here else None,
                contact=None if here else conversation.contact,
                article="ga-med" if minute == 3 else None,
                size=minute,
            )

    def found(**wanted: object) -> list[int]:
        with sessions.begin() as session:
            conversation = session.get_one(Conversation, case.conversation.id)
            here = {"conversation": conversation} if wanted.pop("here", False) else {}
            them = {"contact": conversation.contact} if wanted.pop("them", False) else {}
            page = audit.search(session, **here, **them, **wanted)  # type: ignore[arg-type]
            return [entry.detail["size"] for entry in page.entries]

    assert found() == [3, 2, 1, 0], "the newest first"
    assert found(actor="Kim") == [3, 2, 0]
    assert found(act=LOOKED_AT) == [3, 1, 0]
    assert found(here=True) == [2, 1, 0]
    assert found(them=True) == [3]
    assert found(since=NOW + timedelta(minutes=1), until=NOW + timedelta(minutes=3)) == [2, 1]
    assert found(actor="Kim", act=LOOKED_AT, here=True) == [0]
    assert found(actor="Nobody") == []
    with sessions.begin() as session:
        assert (audit.actors(session), audit.acts(session)) == (["Kim", "Robin"], ["exported", LOOKED_AT])


def test_pages_hold_every_line_once(sessions: Sessions) -> None:
    with sessions.begin() as session:
        for number in range(7):
            audit.record(session, LOOKED_AT, actor="Kim", source="web", now=NOW, number=number)
    seen: list[int] = []
    before: int | None = None
    sizes = []
    with sessions.begin() as session:
        while True:
            page = audit.search(session, before=before, limit=3)
            seen += [entry.detail["number"] for entry in page.entries]
            sizes.append(len(page.entries))
            # What is written meanwhile moves nothing.
            audit.record(session, LOOKED_AT, actor="Robin", source="web", now=NOW, number=99)
            before = page.older
            if before is None:
                break
    assert (seen, sizes) == ([6, 5, 4, 3, 2, 1, 0], [3, 3, 1])
