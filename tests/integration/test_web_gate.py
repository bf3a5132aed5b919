"""The gate: who gets in, what each role may, where forms come from, what every answer carries."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

import pytest
from argon2 import PasswordHasher

from lokbot import accounts
from lokbot.model import Role
from lokbot.statistics import printing
from lokbot.store.schema import StaffMail, WebSession
from lokbot.store.session import Sessions
from lokbot.web import acts
from lokbot.web.pages import PAGES, Page
from tests import sample_knowledge as sample
from tests.integration.browser import PASSWORD, SITE, DeskWorld
from tests.integration.world import World


@pytest.fixture
def desk(sessions: Sessions) -> DeskWorld:
    return DeskWorld(World(sessions))


def address_of(page: Page, case: str) -> str:
    """An address that the page answers to, with what there is."""
    path = page.path.replace("{case}", case).replace("{act}", "ta").replace("{token}", "x")
    return (
        path.replace("{attachment:number}", "1")
        .replace("{message:number}", "1")
        .replace("{user:number}", "1")
        .replace("{decision:number}", "1")
        .replace("{correction:number}", "1")
        .replace("{article}", "ga-med")
        .replace("{ending}", "csv")
        .replace("{name}", "day-ends")
        .replace("{revision:number}", "1")
    )


def test_every_page_is_closed_to_whoever_lacks_its_role(desk: DeskWorld) -> None:
    case = desk.world.write(sample.OWN).conversation.case_number
    people = {role: desk.person(f"{role}@stad.example", role, (role,)) for role in Role}
    nobody = desk.stranger()
    wrong: list[str] = []
    for page in PAGES:
        if page.roles is None or page.path == "/logga-ut":
            continue
        path = address_of(page, case)
        response = nobody.client.request(page.method, path, data={"csrf": "x"})
        if (response.status_code, response.headers.get("location", "")[:9]) != (303, "/logga-in"):
            wrong.append(f"{page.method} {path} without log-in: {response.status_code}")
        for role, person in people.items():
            if role in page.roles:
                continue
            response = person.client.request(page.method, path, data={"csrf": person.csrf})
            if response.status_code != 403:
                wrong.append(f"{page.method} {path} as {role}: {response.status_code}")
    assert not wrong


def test_every_role_reaches_the_pages_that_are_its_own(desk: DeskWorld) -> None:
    case = desk.world.write(sample.OWN).conversation.case_number
    people = {role: desk.person(f"{role}@stad.example", role, (role,)) for role in Role}
    for page in PAGES:
        if page.method == "GET" and page.roles is not None:
            for role in page.roles:
                status = people[role].client.get(address_of(page, case)).status_code
                # There is no attachment; that is known only to who may ask.
                is_missing = "attachment" in page.path or (page.path.endswith(".pdf") and not printing.is_there())
                expected = 404 if is_missing else 200
                assert status == expected, f"{page.path} as {role}"


@pytest.mark.parametrize("page", [page for page in PAGES if page.method == "POST"], ids=lambda page: page.path)
def test_a_form_from_elsewhere_changes_nothing(desk: DeskWorld, page: Page) -> None:
    case = desk.world.write(sample.OWN).conversation.case_number
    person = desk.person(roles=tuple(Role))
    path = address_of(page, case)
    elsewhere = person.client.post(path, data={"csrf": person.csrf}, headers={"origin": "https://annan.example"})
    told_by_browser = person.client.post(path, data={"csrf": person.csrf}, headers={"sec-fetch-site": "cross-site"})
    assert (elsewhere.status_code, told_by_browser.status_code) == (403, 403)
    if page.roles is not None:
        assert person.client.post(path, data={"csrf": "fel"}).status_code == 403
        assert person.client.post(path, data={}).status_code == 403


def test_a_nul_breaks_nothing_anywhere(desk: DeskWorld) -> None:
    """PostgreSQL refuses a text that holds one."""
    case = desk.world.write(sample.OWN).conversation.case_number
    kim = desk.person(roles=tuple(Role))
    assert kim.client.get("/arenden?q=%00").status_code == kim.client.get("/kunskap/a%00b").status_code == 400
    fields = (
        "answer",
        "note",
        "text",
        "name",
        "email",
        "password",
        "case",
        "what",
        "value",
        "line",
        "sv",
        "association",
    )
    for page in PAGES:
        if page.method == "POST" and page.path not in ("/logga-ut", "/personer/{user:number}"):
            form = {**dict.fromkeys(fields, "a\x00b"), "csrf": kim.csrf}
            for act in acts.ACTS if "{act}" in page.path else ("",):
                path = address_of(page, case).replace("/ta", f"/{act}") if act else address_of(page, case)
                assert kim.client.post(path, data=form).status_code < 500, path
    assert desk.stranger().do("/logga-in", email="a\x00b", password="\x00")[0] == 401


def test_every_answer_carries_the_headers_that_protect_it(desk: DeskWorld) -> None:
    person = desk.person()
    for path in ("/arenden", "/logga-in", "/finns-inte", "/static/desk.css", "/halsa"):
        headers = person.client.get(path).headers
        assert "script-src 'self'; style-src 'self'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["cache-control"] == ("public, max-age=31536000, immutable" if "static" in path else "no-store")


def test_another_host_name_is_refused(desk: DeskWorld) -> None:
    assert desk.stranger().client.get("/logga-in", headers={"host": "ond.example"}).status_code == 400


def test_a_session_is_new_at_every_log_in_and_dies_at_log_out(desk: DeskWorld) -> None:
    desk.account()
    person = desk.stranger()
    person.client.cookies.set("lokbot", "planted", domain="localhost.local")
    person.log_in("kim@stad.example")
    cookie = person.client.cookies["lokbot"]
    assert cookie != "planted"
    assert person.do("/logga-ut")[0] == 303
    other = desk.stranger()
    other.client.cookies.set("lokbot", cookie)
    assert other.client.get("/arenden").status_code == 303


def test_the_cookie_is_for_no_script_and_no_other_site(desk: DeskWorld) -> None:
    desk.account()
    cookie = (
        desk.stranger()
        .client.post("/logga-in", data={"email": "kim@stad.example", "password": PASSWORD})
        .headers["set-cookie"]
    )
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    with desk.world.sessions() as session:
        stored = session.query(WebSession).one()
        assert stored.id not in cookie


@pytest.mark.parametrize(
    ("wanted", "goes_to"),
    [
        ("/arenden?mapp=mina", "/arenden?mapp=mina"),
        ("https://ond.example/", "/"),
        ("//ond.example/", "/"),
        ("/\\ond.example", "/"),
        ("javascript:alert(1)", "/"),
        ("/x\r\nset-cookie: a=b", "/"),
    ],
)
def test_logging_in_leads_to_no_other_site(desk: DeskWorld, wanted: str, goes_to: str) -> None:
    desk.account()
    answer = desk.stranger().client.post(
        "/logga-in", data={"email": "kim@stad.example", "password": PASSWORD, "next": wanted}
    )
    assert answer.headers["location"] == goes_to


def test_too_many_wrong_passwords_lock_the_account_for_a_while(desk: DeskWorld) -> None:
    desk.account()
    person = desk.stranger()
    statuses = [person.log_in("kim@stad.example", "fel fel fel fel fel") for _ in range(accounts.FOR_ONE_ACCOUNT)]
    assert statuses == [401] * accounts.FOR_ONE_ACCOUNT
    assert person.log_in("kim@stad.example") == 429
    desk.world.now += accounts.WINDOW + timedelta(seconds=1)
    assert person.log_in("kim@stad.example") == 303


def test_an_unknown_address_reads_the_same_and_costs_a_hash_too(
    desk: DeskWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.account()
    known = desk.stranger().client.post("/logga-in", data={"email": "kim@stad.example", "password": "fel"})
    checked: list[str] = []

    class Counting(PasswordHasher):
        def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:
            checked.append("one")
            return super().verify(hash, password)

    monkeypatch.setattr(accounts, "_hasher", Counting)
    unknown = desk.stranger().client.post("/logga-in", data={"email": "ingen@stad.example", "password": "fel"})
    assert checked == ["one"]
    assert unknown.status_code == known.status_code == 401
    assert unknown.text.replace("ingen@", "kim@") == known.text


def test_who_is_shut_out_is_out_at_once(desk: DeskWorld) -> None:
    admin, kim = desk.person("chef@stad.example", "Chefen", (Role.ADMIN,)), desk.person()
    assert kim.client.get("/arenden").status_code == 200
    user = desk.user("kim@stad.example")
    assert admin.do(f"/personer/{user.id}", role="coordinator")[0] == 303
    assert kim.client.get("/arenden").status_code == 303
    assert desk.stranger().log_in("kim@stad.example") == 401


def test_a_role_that_was_taken_away_is_gone_at_the_next_page(desk: DeskWorld) -> None:
    admin, kim = desk.person("chef@stad.example", "Chefen", (Role.ADMIN,)), desk.person()
    user = desk.user("kim@stad.example")
    assert admin.do(f"/personer/{user.id}", role="steering", active="1")[0] == 303
    assert kim.client.get("/arenden").status_code == 403


def test_the_last_admin_stays(desk: DeskWorld) -> None:
    admin = desk.person("chef@stad.example", "Chefen", (Role.ADMIN,))
    user = desk.user("chef@stad.example")
    status, page = admin.do(f"/personer/{user.id}", role="coordinator", active="1")
    assert status == 409
    assert "administratör" in page
    assert admin.client.get("/personer").status_code == 200


def test_an_idle_browser_is_logged_out(desk: DeskWorld) -> None:
    kim = desk.person()
    desk.world.now += accounts.IDLE - timedelta(minutes=1)
    assert kim.client.get("/arenden").status_code == 200  # which counts as use
    desk.world.now += accounts.IDLE - timedelta(minutes=1)
    assert kim.client.get("/arenden").status_code == 200
    desk.world.now += accounts.IDLE + timedelta(minutes=1)
    assert kim.client.get("/arenden").status_code == 303


def test_the_first_account_is_made_by_a_link_that_works_once(desk: DeskWorld) -> None:
    with desk.world.sessions.begin() as session:
        token = accounts.first_link(session, now=desk.world.now)
    person, path = desk.stranger(), f"/valkommen/{token}"
    fields = {"name": "Kim Sand", "email": "Kim@Stad.example", "password": PASSWORD, "again": PASSWORD}
    assert "första kontot" in person.see(path)
    assert person.do(path, **{**fields, "again": "något annat"})[0] == 409
    assert person.do(path, **{**fields, "password": "kort", "again": "kort"})[0] == 409
    assert person.do(path, **fields) == (303, "/")
    assert person.client.get("/personer").status_code == 200
    assert desk.stranger().do(path, **fields)[0] == 404
    with desk.world.sessions.begin() as session:
        assert accounts.first_link(session, now=desk.world.now) is None


def test_a_fault_of_accessibility_is_reported_without_a_mail_program(desk: DeskWorld) -> None:
    desk.account()
    person = desk.stranger()
    assert person.do("/tillganglighet", what=" ")[0] == 409
    assert person.do("/tillganglighet", what="Knappen syns inte.", answer_to="070-1") == (
        303,
        "/tillganglighet?klart=reported",
    )
    assert "Vi har fått din rapport" in person.see("/tillganglighet?klart=reported")
    with desk.world.sessions() as session:
        mails = session.query(StaffMail).all()
        assert {mail.to for mail in mails} == {"samordnare@stad.example", "vikarie@stad.example", "kim@stad.example"}
        assert all("Knappen syns inte." in mail.text for mail in mails)
    statuses = {person.do("/tillganglighet", what="Igen.")[0] for _ in range(accounts.FROM_ONE_PLACE + 1)}
    assert 429 in statuses
    assert person.log_in("kim@stad.example") == 303, "whoever reports much still gets in"


def test_an_invitation_goes_by_mail_and_a_forgotten_password_too(desk: DeskWorld) -> None:
    desk.world.settings = desk.service.settings.model_copy(
        update={"smtp": desk.service.settings.smtp.model_copy(update={"host": "smtp.stad.example"})}
    )
    desk = DeskWorld(desk.world)
    admin = desk.person("chef@stad.example", "Chefen", (Role.ADMIN,))
    assert admin.do("/personer", name="Ny Person", email="ny@stad.example", role="coordinator")[0] == 303
    mail = deliver_staff_mail(desk)
    assert "Chefen har gett dig ett konto" in mail
    path = mail.split(SITE)[1].split()[0]
    person = desk.stranger()
    assert person.do(path, password=PASSWORD, again=PASSWORD) == (303, "/")
    assert person.client.get("/arenden").status_code == 200

    assert desk.stranger().do("/glomt-losenord", email="ny@stad.example")[0] == 303
    assert desk.stranger().do("/glomt-losenord", email="okand@stad.example")[0] == 303
    path = deliver_staff_mail(desk).split(SITE)[1].split()[0]
    assert desk.stranger().do(path, password="ett helt annat lösenord", again="ett helt annat lösenord")[0] == 303
    assert person.client.get("/arenden").status_code == 303  # logged out everywhere
    assert desk.stranger().log_in("ny@stad.example", "ett helt annat lösenord") == 303


def deliver_staff_mail(desk: DeskWorld) -> str:
    """The one mail to staff that is due, as it was sent; its secret is in the store no more."""
    from lokbot.conversation import staff_mail
    from lokbot.store.schema import StaffMail

    before = len(desk.world.sent)
    while staff_mail.deliver_next(desk.world.sessions, desk.world, desk.service.settings, now=desk.world.now):
        pass
    (sent,) = desk.world.sent[before:]
    with desk.world.sessions() as session:
        assert all(mail.text == "" for mail in session.query(StaffMail))
    return sent.text
