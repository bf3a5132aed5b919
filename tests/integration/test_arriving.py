"""Browsers: which are logged in, which are new, what is told of them; and the way in that the server always has."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from lokbot import accounts, audit
from lokbot.config import LoginSettings, SsoSettings
from lokbot.model import Role
from lokbot.store.schema import KnownDevice, StaffMail
from lokbot.store.session import Sessions
from lokbot.web.arriving import DEVICE, browser_of
from tests.integration.browser import PASSWORD, DeskWorld, Person
from tests.integration.test_second_factor import KIM, half_way, set_up
from tests.integration.world import World

FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0"


@pytest.fixture
def desk(sessions: Sessions) -> DeskWorld:
    return DeskWorld(World(sessions))


def mails(desk: DeskWorld) -> list[StaffMail]:
    with desk.world.sessions() as session:
        return list(session.scalars(select(StaffMail).where(StaffMail.to == KIM).order_by(StaffMail.id)))


def with_firefox(desk: DeskWorld) -> Person:
    person = desk.stranger()
    person.client.headers["user-agent"] = FIREFOX
    return person


# ------------------------------------------------------------------ new browsers


def test_a_log_in_from_a_new_browser_is_told_by_mail_once(desk: DeskWorld) -> None:
    desk.person()
    assert mails(desk) == [], "the first browser of all is nobody's surprise"
    other = with_firefox(desk)
    other.log_in(KIM)
    (mail,) = mails(desk)
    assert mail.subject == "Ny inloggning på ditt konto i lokbot"
    assert mail.text is not None
    assert "Firefox, Windows" in mail.text
    assert "http://localhost:8080/konto" in mail.text
    assert not re.search(r"testclient|Mozilla|145|\d+\.\d+\.\d+\.\d+", mail.text), "its kind, and no more of it"
    other.do("/logga-ut")
    other.log_in(KIM)
    assert len(mails(desk)) == 1, "it is known now"


def test_half_a_log_in_makes_no_browser_known(desk: DeskWorld) -> None:
    set_up(desk, desk.person())
    half_way(desk)
    assert mails(desk) == []
    with desk.world.sessions() as session:
        assert len(session.scalars(select(KnownDevice)).all()) == 1


def test_a_browser_known_for_one_is_new_for_another(desk: DeskWorld) -> None:
    kim, alex = desk.person(), desk.person("alex@stad.example", "Alex Berg")
    device = alex.client.cookies[DEVICE]
    kim.do("/logga-ut")
    kim.client.cookies.set(DEVICE, device, domain="localhost.local", path="/")
    kim.log_in(KIM)
    assert len(mails(desk)) == 1
    with desk.world.sessions() as session:
        assert not any(device in one.id for one in session.scalars(select(KnownDevice)))


def test_a_browser_not_used_for_a_year_is_forgotten(desk: DeskWorld) -> None:
    kim = desk.person()
    desk.world.now += accounts.DEVICE_KNOWN_FOR + timedelta(days=1)
    kim.log_in(KIM)
    with desk.world.sessions() as session:
        (device,) = session.scalars(select(KnownDevice))
        assert device.seen_at == desk.world.now


@pytest.mark.parametrize(
    ("agent", "told"),
    [
        (FIREFOX, "Firefox, Windows"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/142.0 Safari/537.36 Edg/142.0", "Edge, Windows"),
        ("Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/142.0 Mobile Safari/537.36", "Chrome, Android"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19.0 Safari/604.1", "Safari, iPhone"),
        ("curl/8", "Okänd webbläsare"),
        ("", "Okänd webbläsare"),
    ],
)
def test_a_browser_in_words(agent: str, told: str) -> None:
    assert browser_of(agent, "sv") == told


# ------------------------------------------------------------------ browsers that are logged in


def test_one_browser_is_logged_out_from_the_list(desk: DeskWorld) -> None:
    kim, library, alex = desk.person(), with_firefox(desk), desk.person("alex@stad.example", "Alex Berg")
    library.log_in(KIM)
    page = kim.see("/konto")
    assert "Firefox, Windows" in page
    (listed,) = re.findall(r'name="browser" value="(\w+)"', page)
    assert alex.do("/konto/logga-ut-en", browser=listed)[0] == 303
    assert library.client.get("/arenden").status_code == 200, "nobody logs out somebody else's"
    assert kim.do("/konto/logga-ut-en", browser=listed) == (303, "/konto?klart=browser-out")
    assert library.client.get("/arenden").status_code == 303
    assert kim.client.get("/arenden").status_code == 200


# ------------------------------------------------------------------ links end at once


def test_an_invitation_ends_with_its_account_and_with_the_next_one(desk: DeskWorld) -> None:
    admin = desk.person("chef@stad.example", "Chefen", (Role.ADMIN,))
    with desk.world.sessions.begin() as session:
        user, first = accounts.invite(session, KIM, "Kim", (Role.COORDINATOR,), actor="test", now=desk.world.now)
        number = user.id
    stranger = desk.stranger()
    assert stranger.client.get(f"/valkommen/{first}").status_code == 200
    admin.do(f"/personer/{number}", role="coordinator")
    assert stranger.client.get(f"/valkommen/{first}").status_code == 404
    assert stranger.do(f"/valkommen/{first}", password=PASSWORD, again=PASSWORD)[0] == 404
    admin.do(f"/personer/{number}", role="coordinator", active="1")
    assert stranger.client.get(f"/valkommen/{first}").status_code == 200
    admin.do(f"/personer/{number}/lank")
    assert stranger.client.get(f"/valkommen/{first}").status_code == 404


def test_a_link_to_the_statistics_ends_with_the_role(desk: DeskWorld) -> None:
    admin = desk.person("chef@stad.example", "Chefen", (Role.ADMIN,))
    member = desk.account("styr@stad.example", "Styr", (Role.STEERING,))
    with desk.world.sessions.begin() as session:
        user = accounts.find(session, member.email)
        assert user is not None
        token = accounts.reading_link(session, user, actor="test", now=desk.world.now)
    stranger = desk.stranger()
    assert stranger.client.get(f"/lasa/{token}").status_code == 200
    admin.do(f"/personer/{member.id}", role="registrator", active="1")
    assert stranger.client.get(f"/lasa/{token}").status_code == 404


# ------------------------------------------------------------------ the way in from the server


def test_the_server_lets_somebody_in_who_lost_everything(desk: DeskWorld) -> None:
    kim = desk.person()
    set_up(desk, kim)
    with desk.world.sessions.begin() as session:
        user = accounts.find(session, KIM)
        assert user is not None
        user.is_active = False
        token = accounts.let_in(session, KIM, make_admin=False, actor="root", now=desk.world.now)
    assert kim.client.get("/arenden").status_code == 303
    person, new = desk.stranger(), "ett helt annat lösenord"
    assert person.do(f"/valkommen/{token}", password=new, again=new) == (303, "/")
    assert person.client.get("/arenden").status_code == 200
    assert person.do(f"/valkommen/{token}", password=new, again=new)[0] == 404
    with desk.world.sessions() as session:
        (entry,) = audit.search(session, act="let-in").entries
        assert (entry.actor, entry.source, entry.detail) == ("root", "cli", {"user": user.id, "admin": False})


def test_the_servers_link_lasts_an_hour_and_makes_admins_only_when_told(desk: DeskWorld) -> None:
    with desk.world.sessions.begin() as session:
        with pytest.raises(accounts.NotAllowed, match="har inget konto"):
            accounts.let_in(session, KIM, make_admin=False, actor="root", now=desk.world.now)
        token = accounts.let_in(session, KIM, make_admin=True, actor="root", now=desk.world.now)
    person = desk.stranger()
    assert person.client.get(f"/valkommen/{token}").status_code == 200
    desk.world.now += accounts.ON_SERVER_FOR
    assert person.client.get(f"/valkommen/{token}").status_code == 404
    assert desk.user(KIM).roles == [Role.ADMIN]


def test_without_passwords_only_the_servers_link_opens(desk: DeskWorld) -> None:
    desk.account()
    login, sso = LoginSettings(password=False), SsoSettings(issuer="https://city.example", client_id="x")
    desk.world.settings = desk.service.settings.model_copy(update={"login": login, "sso": sso})
    desk = DeskWorld(desk.world)
    person = desk.stranger()
    assert person.log_in(KIM) == 403
    assert 'name="password"' not in person.see("/logga-in")
    assert person.client.get("/glomt-losenord").headers["location"] == "/logga-in"
    assert person.do("/glomt-losenord", email=KIM)[0] == 303
    assert mails(desk) == []
    with desk.world.sessions.begin() as session:
        user = accounts.find(session, KIM)
        assert user is not None
        invited = accounts.reset_link(session, user, actor="reset", now=desk.world.now)
    assert person.client.get(f"/valkommen/{invited}").status_code == 404
    with desk.world.sessions.begin() as session:
        token = accounts.let_in(session, KIM, make_admin=True, actor="root", now=desk.world.now)
    new = "ett helt annat lösenord"
    assert person.do(f"/valkommen/{token}", password=new, again=new) == (303, "/")
    assert person.client.get("/personer").status_code == 200
