"""The second factor: set up, asked for, used once, demanded by role, recovered from, reset by an admin."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import pyotp
import pytest
from sqlalchemy import select, text

from lokbot import accounts, audit
from lokbot.config import LoginSettings
from lokbot.model import Role
from lokbot.store.schema import RecoveryCode
from lokbot.store.session import Sessions
from tests.integration.browser import PASSWORD, DeskWorld, Person, hidden
from tests.integration.together import in_threads
from tests.integration.world import World

KIM = "kim@stad.example"
SETUP = "/konto/engangskod"


@pytest.fixture
def desk(sessions: Sessions) -> DeskWorld:
    return DeskWorld(World(sessions))


def demanding(desk: DeskWorld, *roles: Role) -> DeskWorld:
    desk.world.settings = desk.service.settings.model_copy(update={"login": LoginSettings(second_factor_for=roles)})
    return DeskWorld(desk.world)


def code_of(secret: str, at: datetime) -> str:
    return pyotp.TOTP(secret).at(at)


def set_up(desk: DeskWorld, person: Person) -> tuple[str, list[str]]:
    """Gives the app's secret and the recovery codes that are shown."""
    secret = shown_secret(person.see(SETUP))
    status, page = person.do(SETUP, code=code_of(secret, desk.world.now))
    assert status == 200
    return secret, re.findall(r"<code>([a-z2-7-]{19})</code>", page)


def shown_secret(page: str) -> str:
    found = re.search(r"<code>([A-Z2-7 ]+)</code>", page)
    assert found is not None
    return found[1].replace(" ", "")


def half_way(desk: DeskWorld, email: str = KIM) -> Person:
    """A browser that has given the password only."""
    person = desk.stranger()
    answer = person.client.post("/logga-in", data={"email": email, "password": PASSWORD, "next": "/konto"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/logga-in/kod?vidare=%2Fkonto")
    return person


def give(person: Person, code: str, to: str = "/konto") -> int:
    answer = person.client.post("/logga-in/kod", data={"code": code, "next": to})
    if answer.status_code == 303:
        assert answer.headers["location"] == to
        person.csrf = hidden(person.client.get("/konto").text, "csrf")
    return answer.status_code


def test_with_a_second_factor_the_password_alone_opens_nothing(desk: DeskWorld) -> None:
    secret, _ = set_up(desk, desk.person())
    desk.world.now += timedelta(minutes=1)
    person = half_way(desk)
    for path in ("/arenden", "/konto", SETUP):
        assert person.client.get(path).headers["location"].startswith("/logga-in")
    assert person.client.get("/handelser").status_code == 204
    before = person.client.cookies["lokbot"]
    assert "sex siffrorna" in person.see("/logga-in/kod")
    assert give(person, code_of(secret, desk.world.now)) == 303
    assert person.client.cookies["lokbot"] != before
    assert person.client.get("/arenden").status_code == 200


def test_a_code_works_once_and_only_near_its_time(desk: DeskWorld) -> None:
    secret, _ = set_up(desk, desk.person())
    used_in_setup = code_of(secret, desk.world.now)
    assert give(half_way(desk), used_in_setup) == 401
    desk.world.now += timedelta(minutes=5)
    now = desk.world.now
    assert give(half_way(desk), code_of(secret, now - timedelta(seconds=60))) == 401
    assert give(half_way(desk), code_of(secret, now + timedelta(seconds=60))) == 401
    assert give(half_way(desk), f" {code_of(secret, now)[:3]} {code_of(secret, now)[3:]} ") == 303
    assert give(half_way(desk), code_of(secret, now)) == 401
    # The step before has its time still, and is older than what was used: somebody read it over a shoulder.
    assert give(half_way(desk), code_of(secret, now - timedelta(seconds=30))) == 401


def test_of_two_with_the_same_code_one_gets_in(desk: DeskWorld) -> None:
    secret, _ = set_up(desk, desk.person())
    desk.world.now += timedelta(minutes=5)
    people = [half_way(desk), half_way(desk)]
    code = code_of(secret, desk.world.now)
    statuses = in_threads(2, lambda number: give(people[number], code))
    assert sorted(statuses) == [303, 401]


def test_a_recovery_code_stands_in_once_and_only_its_hash_is_kept(desk: DeskWorld) -> None:
    kim = desk.person()
    _, codes = set_up(desk, kim)
    assert len(set(codes)) == 10
    assert not any(code in kim.see(SETUP) for code in codes)
    with desk.world.sessions() as session:
        stored = session.execute(text("SELECT id FROM recovery_codes")).scalars().all()
        assert not set(stored) & {form for code in codes for form in (code, code.replace("-", ""))}
    assert give(half_way(desk), codes[0].upper().replace("-", "")) == 303
    assert give(half_way(desk), codes[0]) == 401
    assert "9 reservkoder kvar" in kim.see(SETUP)


def test_anothers_recovery_code_is_no_use(desk: DeskWorld) -> None:
    set_up(desk, desk.person())
    _, codes = set_up(desk, desk.person("alex@stad.example", "Alex Berg"))
    assert give(half_way(desk), codes[0]) == 401


def test_wrong_codes_lock_the_account_and_the_right_password_does_not_unlock_it(desk: DeskWorld) -> None:
    secret, _ = set_up(desk, desk.person())
    desk.world.now += timedelta(minutes=5)
    person = half_way(desk)
    statuses = [give(person, "000000x") for _ in range(accounts.FOR_ONE_ACCOUNT - 1)]
    assert statuses == [401] * (accounts.FOR_ONE_ACCOUNT - 1)
    person = half_way(desk)
    assert give(person, "000000x") == 401
    assert give(person, code_of(secret, desk.world.now)) == 429
    assert desk.stranger().log_in(KIM) == 429


def test_the_code_must_come_soon_after_the_password(desk: DeskWorld) -> None:
    secret, _ = set_up(desk, desk.person())
    person = half_way(desk)
    desk.world.now += accounts.CODE_WITHIN
    answer = person.client.post("/logga-in/kod", data={"code": code_of(secret, desk.world.now), "next": "/"})
    assert answer.headers["location"] == "/logga-in"
    assert person.client.get("/konto").status_code == 303


def test_a_wrong_code_sets_nothing_up(desk: DeskWorld) -> None:
    kim = desk.person()
    secret = shown_secret(kim.see(SETUP))
    status, page = kim.do(SETUP, code="000000x")
    assert (status, shown_secret(page)) == (409, secret)
    assert desk.stranger().log_in(KIM) == 303


def test_setting_it_up_logs_out_the_other_browsers(desk: DeskWorld) -> None:
    kim, other = desk.person(), desk.stranger()
    other.log_in(KIM)
    set_up(desk, kim)
    assert other.client.get("/arenden").status_code == 303
    assert kim.client.get("/arenden").status_code == 200


def test_a_role_that_demands_it_sees_nothing_before(desk: DeskWorld) -> None:
    desk = demanding(desk, Role.COORDINATOR, Role.ADMIN)
    kim = desk.stranger()
    desk.account()
    assert kim.client.post("/logga-in", data={"email": KIM, "password": PASSWORD}).status_code == 303
    for path in ("/arenden", "/konto", "/paus"):
        assert kim.client.get(path).headers["location"] == SETUP
    assert kim.client.get("/handelser").status_code == 204
    page = kim.see(SETUP)
    assert "Din roll kräver engångskoder" in page
    kim.csrf = hidden(page, "csrf")
    set_up(desk, kim)
    assert kim.client.get("/arenden").status_code == 200
    steering = desk.person("styr@stad.example", "Styr", (Role.STEERING,))
    assert steering.client.get("/konto").status_code == 200


def test_an_invitation_leads_past_no_second_factor(desk: DeskWorld) -> None:
    set_up(desk, desk.person())
    with desk.world.sessions.begin() as session:
        user = accounts.find(session, KIM)
        assert user is not None
        token = accounts.reset_link(session, user, actor="reset", now=desk.world.now)
    person = desk.stranger()
    new = "ett helt annat lösenord"
    assert person.do(f"/valkommen/{token}", password=new, again=new) == (303, "/logga-in/kod?vidare=%2F")
    assert person.client.get("/arenden").status_code == 303


def test_new_recovery_codes_and_another_app_want_a_code(desk: DeskWorld) -> None:
    kim = desk.person()
    secret, old = set_up(desk, kim)
    desk.world.now += timedelta(minutes=1)
    assert kim.do(f"{SETUP}/reservkoder", code="000000x")[0] == 409
    assert kim.do(f"{SETUP}/ta-bort", code="")[0] == 409
    status, page = kim.do(f"{SETUP}/reservkoder", code=code_of(secret, desk.world.now))
    new = re.findall(r"<code>([a-z2-7-]{19})</code>", page)
    assert (status, len(new)) == (200, 10)
    assert give(half_way(desk), old[0]) == 401
    assert kim.do(f"{SETUP}/ta-bort", code=new[0]) == (303, f"{SETUP}?klart=factor-removed")
    assert shown_secret(kim.see(SETUP)) != secret
    assert desk.stranger().log_in(KIM) == 303


def test_an_admin_resets_it_for_somebody_and_the_log_says_so(desk: DeskWorld) -> None:
    kim, admin = desk.person(), desk.person("chef@stad.example", "Chefen", (Role.ADMIN,))
    set_up(desk, kim)
    user = desk.user(KIM)
    assert "Ta bort engångskoder" in admin.see("/personer")
    assert admin.do(f"/personer/{user.id}/engangskod") == (303, "/personer?klart=factor-reset")
    assert kim.client.get("/arenden").status_code == 303
    assert desk.stranger().log_in(KIM) == 303
    with desk.world.sessions() as session:
        assert session.scalars(select(RecoveryCode)).all() == []
        (entry,) = audit.search(session, act="second-factor-reset").entries
        assert (entry.actor, entry.detail) == ("chef@stad.example", {"user": user.id})
    assert admin.do("/personer/99/engangskod")[0] == 404


def test_the_picture_holds_what_the_strict_policy_allows(desk: DeskWorld) -> None:
    answer = desk.person().client.get(SETUP)
    assert "style-src 'self'" in answer.headers["content-security-policy"]
    (picture,) = re.findall(r"<svg.*?</svg>", answer.text, re.DOTALL)
    assert not re.search(r"style|script|href|xlink|on\w+=", picture)
    assert "viewBox" in picture
