"""The city's own log-in against a real OpenID Connect provider: who gets in, with which roles, and what is refused."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx2
import pytest
from pydantic import SecretStr
from sqlalchemy import func, select

from lokbot import accounts, city_accounts, openid
from lokbot.config import LoginSettings, SsoSettings
from lokbot.model import Role
from lokbot.store.schema import CitySignIn, StaffMail, User
from lokbot.store.session import Sessions
from lokbot.web.city import BACK
from tests.integration.browser import PASSWORD, DeskWorld, Person, hidden
from tests.integration.world import World
from tests.openid_provider import CLIENT_ID, CLIENT_SECRET

KIM = "kim@stad.example"
COORDINATORS, ADMINS = "g-samordnare", "g-admin"
ROLES = {Role.COORDINATOR: (COORDINATORS,), Role.ADMIN: (ADMINS, "g-drift"), Role.STEERING: ("g-styr",)}


@dataclass
class City:
    """The desk, with a provider to log in by."""

    desk: DeskWorld
    issuer: str

    def is_about(self, *groups: str, sub: str = "kim-1", email: str | None = KIM, **how: Any) -> list[dict[str, str]]:
        """Who logs in next at the provider, and how it misbehaves. Gives the log-outs that it has seen."""
        claims = {"sub": sub, "email": email, "name": "Kim Sand", "groups": list(groups)} | how.pop("claims", {})
        site = "{0.scheme}://{0.netloc}".format(urlsplit(self.issuer))
        ended: list[dict[str, str]] = httpx2.post(f"{site}/person", json={"claims": claims, **how}).json()["ended"]
        return ended

    def answer(self, person: Person, to: str = "/konto") -> str:
        """Go to the provider and log in there; gives the query that the browser comes back with."""
        there = person.client.get("/logga-in/staden", params={"vidare": to})
        assert there.status_code == 303
        back = httpx2.get(there.headers["location"]).headers["location"]
        assert back.startswith(f"http://localhost:8080{BACK}?")
        return urlsplit(back).query

    def come_in(self, person: Person, to: str = "/konto") -> int:
        """All the way; gives the status of the last page."""
        return self.give(person, self.answer(person, to))

    def give(self, person: Person, query: str) -> int:
        answer = person.client.get(f"{BACK}?{query}")
        if answer.status_code == 303:
            person.csrf = hidden(person.client.get("/konto").text, "csrf")
        return answer.status_code

    def in_as(self, *groups: str, **who: Any) -> Person:
        self.is_about(*groups, **who)
        person = self.desk.stranger()
        assert self.come_in(person) == 303
        return person


@pytest.fixture
def city(sessions: Sessions, openid_issuer: str) -> City:
    return with_settings(DeskWorld(World(sessions)), openid_issuer)


def with_settings(desk: DeskWorld, issuer: str, login: LoginSettings | None = None, **sso: Any) -> City:
    settings = SsoSettings(
        issuer=issuer, client_id=CLIENT_ID, client_secret=SecretStr(CLIENT_SECRET), **{"roles": ROLES, **sso}
    )
    update = {"sso": settings, "login": login or LoginSettings()}
    desk.world.settings = desk.service.settings.model_copy(update=update)
    openid.provider.cache_clear()
    return City(DeskWorld(desk.world), issuer)


# ------------------------------------------------------------------ who gets in


def test_a_coordinator_comes_in_by_their_group_and_an_account_is_made(city: City) -> None:
    kim = city.in_as(COORDINATORS, "g-something-else")
    assert kim.client.get("/arenden").status_code == 200
    assert kim.client.get("/personer").status_code == 403
    user = city.desk.user(KIM)
    assert (user.roles, user.name, user.password_hash) == ([Role.COORDINATOR], "Kim Sand", None)
    assert user.city_account is not None
    assert "kim-1" not in user.city_account
    assert "Lösenord och engångskoder ändrar du där" in kim.see("/konto")


def test_one_goes_on_to_the_page_one_came_for_and_to_no_other_site(city: City) -> None:
    city.is_about(COORDINATORS)
    person = city.desk.stranger()
    for wanted, where in (("/arenden?mapp=mina", "/arenden?mapp=mina"), ("//evil.example", "/")):
        answer = person.client.get(f"{BACK}?{city.answer(person, wanted)}")
        assert answer.headers["location"] == where


def test_the_same_person_keeps_their_account_when_their_address_changes(city: City) -> None:
    city.in_as(COORDINATORS)
    city.in_as(COORDINATORS, email="kim.berg@stad.example")
    assert [user.email for user in everybody(city)] == [KIM]


def test_an_account_with_a_password_becomes_the_citys_and_the_password_ends(city: City) -> None:
    old = city.desk.person()
    kim = city.in_as(COORDINATORS)
    assert old.client.get("/arenden").status_code == 303
    assert city.desk.stranger().log_in(KIM) == 401
    city.desk.stranger().do("/glomt-losenord", email=KIM)
    assert [mail for mail in staff_mails(city) if "/valkommen/" in (mail.text or "")] == []
    status, page = kim.do("/konto/losenord", old=PASSWORD, password="ett helt annat lösenord")
    assert status == 409
    assert "konto hos staden" in page


def test_whoever_is_in_no_group_of_ours_gets_no_account(city: City) -> None:
    city.is_about("g-something-else")
    assert city.come_in(city.desk.stranger()) == 403
    assert everybody(city) == []


def test_app_roles_serve_as_well_as_groups(city: City) -> None:
    city = with_settings(city.desk, city.issuer, groups_claim="roles", roles={Role.ADMIN: ("Lokbot.Admin",)})
    city.is_about(COORDINATORS, claims={"roles": ["Lokbot.Admin"]})
    assert city.come_in(city.desk.stranger()) == 303
    assert city.desk.user(KIM).roles == [Role.ADMIN]


def test_without_a_mapping_only_the_invited_come_in_with_the_roles_of_the_desk(city: City) -> None:
    city = with_settings(city.desk, city.issuer, roles={})
    city.is_about()
    assert city.come_in(city.desk.stranger()) == 403
    city.desk.account(roles=(Role.REGISTRATOR,))
    assert city.come_in(city.desk.stranger()) == 303
    assert city.desk.user(KIM).roles == [Role.REGISTRATOR]


def test_the_citys_own_second_factor_will_do(city: City) -> None:
    login = LoginSettings(second_factor_for=(Role.COORDINATOR,))
    city = with_settings(city.desk, city.issuer, login)
    assert city.in_as(COORDINATORS).client.get("/arenden").status_code == 200


def test_without_passwords_the_city_is_the_way_in(city: City) -> None:
    city = with_settings(city.desk, city.issuer, LoginSettings(password=False))
    page = city.desk.stranger().see("/logga-in?vidare=/arenden%3Fmapp%3Dmina")
    assert 'href="/logga-in/staden?vidare=/arenden%3Fmapp%3Dmina"' in page
    assert 'name="password"' not in page
    admin = city.in_as(ADMINS)
    _, shown = admin.do("/personer", email="ny@stad.example", name="Ny", role="coordinator")
    assert "<code>http://localhost:8080/logga-in</code>" in shown, "no mail server is set: the address is shown"
    new = city.desk.user("ny@stad.example")
    status, said = admin.do(f"/personer/{new.id}/lank")
    assert status == 409
    assert "konto hos staden" in said


# ------------------------------------------------------------------ roles are the city's, each time


def test_a_role_that_was_taken_is_gone_at_the_next_log_in(city: City) -> None:
    first = city.in_as(COORDINATORS, ADMINS)
    assert first.client.get("/personer").status_code == 200
    city.in_as(COORDINATORS)
    assert city.desk.user(KIM).roles == [Role.COORDINATOR]
    assert first.client.get("/personer").status_code == 403, "in the other browser too"


def test_whoever_lost_every_role_is_refused_and_logged_out(city: City) -> None:
    first = city.in_as("g-styr")
    with city.desk.world.sessions.begin() as session:
        user = accounts.find(session, KIM)
        assert user is not None
        link = accounts.reading_link(session, user, actor="test", now=city.desk.world.now)
    assert city.desk.stranger().client.get(f"/lasa/{link}").status_code == 200
    city.is_about("g-something-else")
    assert city.come_in(city.desk.stranger()) == 403
    assert first.client.get("/konto").status_code == 303
    assert city.desk.user(KIM).roles == []
    assert city.desk.stranger().client.get(f"/lasa/{link}").status_code == 404
    assert city.in_as(COORDINATORS).client.get("/arenden").status_code == 200, "and back when the city says so"


def test_a_closed_account_stays_closed(city: City) -> None:
    city.in_as(COORDINATORS)
    with city.desk.world.sessions.begin() as session:
        user = accounts.find(session, KIM)
        assert user is not None
        user.is_active = False
    assert city.come_in(city.desk.stranger()) == 403


def test_the_city_is_asked_again_each_day(city: City) -> None:
    kim = city.in_as(COORDINATORS)
    city.desk.world.now += accounts.LONGEST_BY_CITY - timedelta(minutes=1)
    assert kim.client.get("/arenden").status_code == 200
    city.desk.world.now += timedelta(minutes=1)
    assert kim.client.get("/arenden").status_code == 303


def test_an_address_of_somebody_elses_account_opens_nothing(city: City) -> None:
    city.in_as(COORDINATORS)
    city.is_about(COORDINATORS, sub="somebody-else")
    assert city.come_in(city.desk.stranger()) == 403


# ------------------------------------------------------------------ what is refused


def refused(city: City, caplog: pytest.LogCaptureFixture, why: str) -> None:
    person = city.desk.stranger()
    with caplog.at_level(logging.WARNING):
        assert city.come_in(person) == 401
    assert person.client.get("/konto").status_code == 303
    assert why in caplog.text
    assert KIM not in caplog.text
    assert everybody(city) == []


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ({"claims": {"nonce": "another"}}, "nonce"),
        ({"claims": {"nonce": None}}, "nonce"),
        ({"claims": {"aud": "another-client"}}, "aud"),
        ({"claims": {"aud": "another-client", "azp": CLIENT_ID}}, "aud"),
        ({"claims": {"aud": [CLIENT_ID, "another-client"]}}, "azp"),
        ({"claims": {"aud": None}}, "aud"),
        ({"claims": {"iss": "https://another.example/v2.0"}}, "iss"),
        ({"claims": {"iss": None}}, "iss"),
        ({"relative": {"exp": -300, "iat": -600}}, "expired"),
        ({"claims": {"exp": None}}, "exp"),
        ({"relative": {"nbf": 3600}}, "token"),
        ({"relative": {"iat": 3600}}, "token"),
        ({"claims": {"sub": None}}, "sub"),
        ({"claims": {"email": None}}, "mail address"),
        ({"claims": {"email_verified": False}}, "not verified"),
        ({"claims": {"groups": None, "_claim_names": {"groups": "src1"}}}, "too many groups"),
        ({"signed": "unsigned"}, "id_token"),
        ({"signed": "with another key"}, "signature"),
        ({"no_id_token": True}, "no id_token"),
        ({"answer": {"iss": "https://another.example/v2.0"}}, "another issuer"),
        ({"answer": {"code": "forged"}}, "invalid_grant"),
        ({"error": "access_denied"}, "access_denied"),
    ],
    ids=str,
)
def test_a_token_that_does_not_hold_opens_nothing(
    city: City, caplog: pytest.LogCaptureFixture, how: dict[str, Any], why: str
) -> None:
    city.is_about(COORDINATORS, **how)
    refused(city, caplog, why)


def test_a_secret_that_has_ended_is_named_in_the_log(city: City, caplog: pytest.LogCaptureFixture) -> None:
    city = with_settings(city.desk, city.issuer)
    settings = city.desk.service.settings
    sso = settings.sso.model_copy(update={"client_secret": SecretStr("old")})
    city.desk.world.settings = settings.model_copy(update={"sso": sso})
    city = City(DeskWorld(city.desk.world), city.issuer)
    city.is_about(COORDINATORS)
    refused(city, caplog, "invalid_client")


def test_a_forged_state_opens_nothing(city: City) -> None:
    city.is_about(COORDINATORS)
    person = city.desk.stranger()
    query = parse_qs(city.answer(person))
    assert city.give(person, urlencode({"code": query["code"][0], "state": "forged"})) == 401
    assert city.give(person, urlencode({"code": query["code"][0]})) == 401
    assert everybody(city) == []


def test_an_answer_in_another_browser_opens_nothing(city: City) -> None:
    """Else somebody could be logged in to another's account without knowing."""
    city.is_about(COORDINATORS)
    answer = city.answer(city.desk.stranger())
    other = city.desk.stranger()
    assert city.give(other, answer) == 401
    city.answer(other)
    assert city.give(other, answer) == 401


def test_an_answer_works_once(city: City) -> None:
    city.is_about(COORDINATORS)
    person = city.desk.stranger()
    answer = city.answer(person)
    assert city.give(person, answer) == 303
    assert city.give(person, answer) == 401
    with city.desk.world.sessions() as session:
        assert session.scalar(select(func.count(CitySignIn.id))) == 0


def test_a_code_with_another_state_of_the_same_browser_opens_nothing(city: City) -> None:
    """Its verifier (PKCE) is another way's."""
    city.is_about(COORDINATORS)
    person = city.desk.stranger()
    first, second = parse_qs(city.answer(person)), parse_qs(city.answer(person))
    assert city.give(person, urlencode({"code": first["code"][0], "state": second["state"][0]})) == 401


def test_an_answer_must_come_in_time(city: City) -> None:
    city.is_about(COORDINATORS)
    person = city.desk.stranger()
    answer = city.answer(person)
    city.desk.world.now += city_accounts.AWAY_FOR
    assert city.give(person, answer) == 401


def test_two_tabs_do_not_spoil_each_others_way(city: City) -> None:
    city.is_about(COORDINATORS)
    person = city.desk.stranger()
    first, second = city.answer(person), city.answer(person)
    assert city.give(person, first) == 303
    assert city.give(person, second) == 303


def test_new_keys_of_the_provider_are_fetched(city: City) -> None:
    city.in_as(COORDINATORS)
    city.in_as(COORDINATORS, new_key=True)


def test_a_provider_that_calls_itself_otherwise_is_not_asked(city: City, caplog: pytest.LogCaptureFixture) -> None:
    city.is_about(COORDINATORS, calls_itself="https://another.example")
    assert city.desk.stranger().client.get("/logga-in/staden").status_code == 502
    assert "calls itself" in caplog.text
    city.in_as(COORDINATORS)


def test_a_provider_that_is_down_is_said_and_passwords_still_work(city: City, caplog: pytest.LogCaptureFixture) -> None:
    city = with_settings(city.desk, "http://127.0.0.1:9/tenant")
    answer = city.desk.stranger().client.get("/logga-in/staden")
    assert answer.status_code == 502
    assert "svarar inte" in answer.text
    assert "cannot be reached" in caplog.text
    city.desk.person()


def test_without_a_provider_its_pages_do_not_exist(sessions: Sessions) -> None:
    person = DeskWorld(World(sessions)).stranger()
    for path in ("/logga-in/staden", f"{BACK}?state=x&code=y", "/logga-ut/staden"):
        assert person.client.get(path).status_code == 404
    assert "staden" not in person.see("/logga-in").partition("<form")[2]


# ------------------------------------------------------------------ out again


def test_one_logs_out_here_and_if_one_wishes_there(city: City) -> None:
    kim = city.in_as(COORDINATORS)
    assert kim.do("/logga-ut") == (303, "/logga-in?klart=logged-out")
    assert kim.client.get("/arenden").status_code == 303
    assert 'href="/logga-ut/staden"' in kim.see("/logga-in?klart=logged-out")
    there = kim.client.get("/logga-ut/staden").headers["location"]
    assert httpx2.get(there).headers["location"] == "http://localhost:8080/logga-in"
    assert city.is_about()[-1] == {
        "client_id": CLIENT_ID,
        "post_logout_redirect_uri": "http://localhost:8080/logga-in",
    }


def everybody(city: City) -> list[User]:
    with city.desk.world.sessions() as session:
        return list(session.scalars(select(User)))


def staff_mails(city: City) -> list[StaffMail]:
    with city.desk.world.sessions() as session:
        return list(session.scalars(select(StaffMail)))
