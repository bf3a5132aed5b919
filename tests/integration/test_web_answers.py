"""An answer from the desk with files and copies, templates to begin with, and what is put back when it is undone."""

from __future__ import annotations

import re
from html import unescape

import pytest

from lokbot import audit, desk_settings
from lokbot.config import WebSettings
from lokbot.conversation import uploads
from lokbot.model import Address, OutboxKind, OutboxStatus, Role
from lokbot.store.session import Sessions
from tests import sample_knowledge as sample
from tests.integration.browser import DeskWorld, Person, hidden
from tests.integration.test_coordinator_mail import with_server
from tests.integration.test_forwarding import ANSWER, forward
from tests.integration.test_forwarding import answer as office_answers
from tests.integration.world import SEND, SUGGEST, Case, World
from tests.sample_mails import ANNA

PDF = ("blankett.pdf", b"%PDF-1.7 blankett", "application/pdf")
BO = Address("Bo Ek", "bo@forening.example")


@pytest.fixture
def desk(sessions: Sessions) -> DeskWorld:
    return DeskWorld(World(sessions))


def path_of(case: Case) -> str:
    return f"/arenden/{case.conversation.case_number}"


def answer(
    person: Person, case: Case, text: str, *files: tuple[str, bytes, str], **fields: str | list[str]
) -> tuple[int, str]:
    """Send the form as a browser does, with files."""
    seen = hidden(person.see(path_of(case)), "seen")
    response = person.client.post(
        f"{path_of(case)}/svara",
        data={"csrf": person.csrf, "seen": seen, "answer": text, **fields},
        files=[("file", file) for file in files] or [("file", ("", b"", "application/octet-stream"))],
    )
    return response.status_code, response.headers.get("location", unescape(response.text))


def field(page: str) -> str:
    """What stands in the answer's field."""
    found = re.search(r'<textarea id="answer"[^>]*>\n(.*?)</textarea>', page, re.DOTALL)
    assert found is not None
    return unescape(found[1])


# ------------------------------------------------------------------ files and copies


def test_files_and_copies_go_along_and_are_shown(desk: DeskWorld) -> None:
    case, kim = desk.world.write(sample.OWN, cc=(BO,)), desk.person()
    desk.world.deliver()
    assert "Bo Ek &lt;bo@forening.example&gt;" in kim.see(path_of(case))
    other = ("bild.png", b"\x89PNG\r\n\x1a\n", "image/png")
    assert answer(kim, case, "Se bilagorna.", PDF, other, cc=BO.email)[0] == 303
    page = kim.see(path_of(case))
    assert "kopia till bo@forening.example, med blankett.pdf, bild.png." in " ".join(page.split())
    desk.world.later(minutes=10)
    (sent,) = desk.world.deliver()
    assert ([one.email for one in sent.to], [one.email for one in sent.cc]) == ([ANNA.email], [BO.email])
    assert [(one.name, one.content_type, one.content) for one in sent.attachments] == [
        ("blankett.pdf", "application/pdf", PDF[1]),
        ("bild.png", "image/png", other[1]),
    ]
    (link,) = set(re.findall(r"/skickad-bilaga/\d+(?=\">blankett)", kim.see(path_of(case))))
    file = kim.client.get(link)
    assert file.content == PDF[1]
    assert file.headers["content-type"] == "application/octet-stream"
    assert file.headers["content-disposition"].startswith("attachment; ")
    assert kim.client.get("/skickad-bilaga/999").status_code == 404
    with desk.world.sessions() as session:
        looks = audit.search(session, act=audit.LOOKED_AT).entries
        assert [one.detail for one in looks if one.detail] == [{"sent_attachment": int(link.rpartition("/")[2])}]


def test_nobody_gets_a_copy_unasked_and_a_stranger_never(desk: DeskWorld) -> None:
    case, kim = desk.world.write(sample.OWN, cc=(BO,)), desk.person()
    desk.world.deliver()
    status, page = answer(kim, case, "Hemligt.", cc="okand@annan.example")
    assert (status, "okand@annan.example är inte med" in page) == (409, True)
    assert field(page) == "Hemligt."
    answer(kim, case, "Till Anna.")
    desk.world.later(minutes=10)
    (sent,) = desk.world.deliver()
    assert sent.cc == ()


def test_a_file_that_may_not_go_is_told_in_words_and_nothing_leaves(desk: DeskWorld) -> None:
    case, kim = desk.world.write(sample.OWN, cc=(BO,)), desk.person()
    status, page = answer(kim, case, "Kör den här.", PDF, ("../kör.exe", b"MZ\x90", ""), cc=BO.email)
    assert status == 409
    assert "Filen kör.exe kan inte skickas. Det här går att bifoga: PDF, bilder, Word" in page
    assert "Välj filerna igen om de ska med: blankett.pdf, kör.exe" in page
    assert field(page) == "Kör den här."
    assert 'value="bo@forening.example" checked' in page
    assert not case.items(OutboxKind.ANSWER)


def test_too_much_is_told_in_words(sessions: Sessions) -> None:
    settings = SEND.model_copy(update={"web": WebSettings(max_upload_bytes=100_000)})
    desk = DeskWorld(World(sessions, settings))
    case, kim = desk.world.write(sample.OWN), desk.person()
    assert "Högst 0.1 MB tillsammans." in kim.see(path_of(case))
    status, page = answer(kim, case, "Stor.", ("stor.pdf", b"%PDF-" + b"x" * 150_000, "application/pdf"))
    assert status == 409
    assert "Bilagorna är 0,2 MB. Högst 0,1 MB kan skickas." in re.findall(r"id=\"fel\">(.*?)</p>", page)


def test_a_conflict_says_that_the_files_must_be_chosen_again(desk: DeskWorld) -> None:
    case, kim, alex = desk.world.write(sample.OWN), desk.person(), desk.person("alex@stad.example", "Alex Berg")
    seen = hidden(kim.see(path_of(case)), "seen")
    alex.do(f"{path_of(case)}/ta", seen=hidden(alex.see(path_of(case)), "seen"))
    response = kim.client.post(
        f"{path_of(case)}/svara", data={"csrf": kim.csrf, "seen": seen, "answer": "Se filen."}, files=[("file", PDF)]
    )
    assert response.status_code == 409
    assert "Välj filerna igen om de ska med: blankett.pdf" in response.text


# ------------------------------------------------------------------ what is undone is put back


def undone(person: Person, case: Case) -> str:
    assert person.do(f"{path_of(case)}/stoppa", seen=hidden(person.see(path_of(case)), "seen"))[0] == 303
    return person.see(path_of(case))


def test_an_answer_that_is_undone_comes_back_with_its_files(desk: DeskWorld) -> None:
    case, kim = desk.world.write(sample.OWN), desk.person()
    desk.world.deliver()
    answer(kim, case, "Se bilagan.", PDF)
    page = undone(kim, case)
    assert field(page) == "Se bilagan."
    along = hidden(page, "along")
    assert f'value="{along}" checked> Skicka med blankett.pdf' in page
    alex = desk.person("alex@stad.example", "Alex Berg")
    assert f'value="{along}"> Skicka med blankett.pdf' in alex.see(path_of(case)), "another has not chosen it"
    answer(kim, case, "Se bilagan, igen.", along=along)
    desk.world.later(minutes=10)
    (sent,) = desk.world.deliver()
    assert [one.name for one in sent.attachments] == ["blankett.pdf"]
    assert "Skicka med blankett.pdf" not in kim.see(path_of(case))


def test_a_suggestion_that_is_undone_comes_back_as_a_draft(sessions: Sessions) -> None:
    desk = DeskWorld(World(sessions, SUGGEST))
    case, kim = desk.world.write(sample.JOIN), desk.person()
    (held,) = case.items(OutboxKind.REPLY, status=OutboxStatus.HELD)
    kim.do(f"{path_of(case)}/skicka-forslag", seen=hidden(kim.see(path_of(case)), "seen"))
    assert field(undone(kim, case)) == held.text


def administration_answered(sessions: Sessions, *, directly: bool) -> tuple[DeskWorld, Case]:
    """Fritid was asked and has answered: with a file, or directly, which nothing with a file goes."""
    world = World(sessions, with_server(SEND))
    case = world.write(sample.OWN)
    world.deliver()
    forward(case, directly=directly)
    world.deliver()
    office_answers(case, attachments=() if directly else (uploads.read(*PDF),))
    return DeskWorld(world), case


def test_what_an_administration_wrote_says_so_and_shows_its_file(sessions: Sessions) -> None:
    desk, case = administration_answered(sessions, directly=False)
    page = desk.person().see(path_of(case))
    assert "<h2>Svar från fritidsförvaltningen</h2>" in page
    assert "fritidsförvaltningen har skrivit det här, inte boten." in page
    assert "<h2>Botens förslag</h2>" not in page
    assert "blankett.pdf</a>" in page.split('class="suggestion"')[1]
    assert "administration:fritid" not in page


def test_an_administrations_answer_is_changed_first_with_its_file(sessions: Sessions) -> None:
    desk, case = administration_answered(sessions, directly=False)
    kim = desk.person()
    kim.do(f"{path_of(case)}/andra-forslag", seen=hidden(kim.see(path_of(case)), "seen"))
    page = kim.see(path_of(case))
    assert field(page).startswith("Svar från fritidsförvaltningen:")
    along = hidden(page, "along")
    assert f'value="{along}"> Skicka med blankett.pdf' in page, "nothing goes along that nobody chose"
    answer(kim, case, f"Med mina ord. {ANSWER}", along=along)
    desk.world.later(minutes=10)
    (sent,) = [mail for mail in desk.world.deliver() if mail.to == (ANNA,)]
    assert [one.name for one in sent.attachments] == ["blankett.pdf"]


def test_an_administrations_answer_that_was_released_and_undone_comes_back(sessions: Sessions) -> None:
    desk, case = administration_answered(sessions, directly=False)
    kim = desk.person()
    kim.do(f"{path_of(case)}/skicka-forslag", seen=hidden(kim.see(path_of(case)), "seen"))
    page = undone(kim, case)
    assert ANSWER in field(page)
    assert "checked> Skicka med blankett.pdf" in page


def test_an_administrations_answer_that_goes_directly_and_is_undone_comes_back(sessions: Sessions) -> None:
    desk, case = administration_answered(sessions, directly=True)
    kim = desk.person()
    assert "fritidsförvaltningen" in kim.see(path_of(case)).split('id="handelser"')[1]
    assert ANSWER in field(undone(kim, case))
    desk.world.later(hours=1)
    assert not [mail for mail in desk.world.deliver() if mail.to == (ANNA,)]
    assert case.conversation.taken_by == "kim@stad.example"


# ------------------------------------------------------------------ templates

TERM = "Vi svarar efter nämndens möte."


def template(person: Person, **fields: str) -> tuple[int, str]:
    """Send a template's form as the page gives it now."""
    key = fields.get("key", "")
    stamp = re.search(
        f'name="key" value="{key}"><input type="hidden" name="seen" value="([^"]*)"', person.see("/mallar")
    )
    seen = stamp[1] if stamp else ""
    return person.do("/mallar", **{"key": "", "seen": seen, "name": "Efter mötet", "sv": TERM, "en": "", **fields})


def key_of(person: Person) -> str:
    found = re.search(r'name="key" value="(template-[0-9a-f]+)"', person.see("/mallar"))
    assert found is not None
    return found[1]


def insert(person: Person, case: Case, key: str) -> str:
    person.do(f"{path_of(case)}/utkast", answer="Hej!\r\n\r\nVänliga hälsningar\r\nKim", insert=key)
    return field(person.see(path_of(case)))


def test_a_template_is_written_once_and_put_into_answers(desk: DeskWorld) -> None:
    kim, alex = desk.person(), desk.person("alex@stad.example", "Alex Berg")
    assert template(kim, en="We answer after the meeting.") == (303, "/mallar?klart=saved")
    case = desk.world.write(sample.OWN)
    assert '<optgroup label="Mallar">' in alex.see(path_of(case))
    assert insert(alex, case, key_of(alex)) == f"Hej!\n\n{TERM}\n\nVänliga hälsningar\nKim"
    english = desk.world.write("When do we get the money that we applied for?", sender=Address("", "e@post.example"))
    assert english.conversation.language == "en"
    assert "We answer after the meeting." in insert(alex, english, key_of(alex))


def test_a_template_has_a_history_and_comes_back_from_it(desk: DeskWorld) -> None:
    kim, alex = desk.person(), desk.person("alex@stad.example", "Alex Berg")
    template(kim)
    key = key_of(kim)
    desk.world.later(minutes=5)
    assert template(alex, key=key, sv="Något annat.")[0] == 303
    assert template(alex, key=key, remove="1") == (303, "/mallar?klart=template-removed")
    page = kim.see("/mallar")
    assert "Det finns inga mallar än." in page
    lines = [" ".join(line.split()) for line in re.findall(r"<summary>(i dag .*?)</summary>", page)]
    assert lines == [
        "i dag 10.35, Alex Berg: tog bort mallen",
        "i dag 10.35, Alex Berg: skrev ”Efter mötet”",
        "i dag 10.30, Kim Sand: skrev ”Efter mötet”",
    ]
    assert template(kim, key=key)[0] == 303  # what the button beside the oldest line sends
    assert TERM in insert(kim, desk.world.write(sample.OWN), key)


def to_put_back(page: str, text: str) -> dict[str, str]:
    """What the button beside the newest line of the history with this text sends."""
    forms = re.findall(r'<form method="post" action="/mallar">(.*?)<button>Lägg tillbaka', page, re.DOTALL)
    sent = [dict(re.findall(r'name="(\w+)" value="([^"]*)"', form)) for form in forms]
    return next(
        {name: unescape(value) for name, value in one.items() if name != "csrf"}
        for one in sent
        if unescape(one["sv"]) == text
    )


def changed(desk: DeskWorld) -> list[tuple[str, str | None]]:
    """Who did what to the templates, oldest first: the Swedish text, None where it was taken away."""
    with desk.world.sessions() as session:
        return [
            (one.actor, one.after["texts"]["sv"] if one.after else None)
            for one in reversed(desk_settings.template_history(session))
        ]


@pytest.mark.parametrize("is_gone", [False, True], ids=["changed", "taken away"])
def test_a_template_is_put_back_by_the_button_as_it_was(desk: DeskWorld, is_gone: bool) -> None:
    kim, alex = desk.person(), desk.person("alex@stad.example", "Alex Berg")
    template(kim, name="Efter <mötet>", sv='Vi "svarar"\r\n\r\nefter mötet.', en="We answer\r\nlater.")
    key, written = key_of(kim), 'Vi "svarar"\n\nefter mötet.'
    template(alex, key=key, name="Snart", sv="Något annat.")
    if is_gone:
        template(alex, key=key, remove="1")
    assert kim.do("/mallar", **to_put_back(kim.see("/mallar"), written)) == (303, "/mallar?klart=saved")
    with desk.world.sessions() as session:
        (one,) = desk_settings.templates(session)
    assert (one.key, one.name, one.changed_by) == (key, "Efter <mötet>", "kim@stad.example")
    assert one.texts == {"sv": written, "en": "We answer\nlater."}
    taken = [("alex@stad.example", None)] if is_gone else []
    assert changed(desk) == [
        ("kim@stad.example", written),
        ("alex@stad.example", "Något annat."),
        *taken,
        ("kim@stad.example", written),
    ]
    newest = re.findall(r"<summary>(i dag .*?)</summary>", alex.see("/mallar"))[0]
    assert unescape(newest) == "i dag 10.30, Kim Sand: skrev ”Efter <mötet>”"


@pytest.mark.parametrize("meanwhile", [{"sv": "Alex text."}, {"remove": "1"}], ids=["changed", "taken away"])
def test_a_template_that_somebody_touched_meanwhile_is_not_put_back_unseen(
    desk: DeskWorld, meanwhile: dict[str, str]
) -> None:
    kim, alex = desk.person(), desk.person("alex@stad.example", "Alex Berg")
    template(kim)
    key = key_of(kim)
    template(kim, key=key, sv="Något annat.")
    button = to_put_back(kim.see("/mallar"), TERM)
    template(alex, key=key, **meanwhile)
    before = changed(desk)
    status, page = kim.do("/mallar", **button)
    assert status == 409
    assert "Någon annan ändrade samma sak" in page
    assert changed(desk) == before
    assert f"{TERM}</textarea>" in page, "what was wanted stands in the fields"
    assert kim.do("/mallar", **to_put_back(page, TERM))[0] == 303, "knowing of it, they may"
    assert changed(desk)[-1] == ("kim@stad.example", TERM)


def test_a_template_that_somebody_put_back_meanwhile_is_not_overwritten(desk: DeskWorld) -> None:
    kim, alex = desk.person(), desk.person("alex@stad.example", "Alex Berg")
    template(kim)
    key = key_of(kim)
    template(kim, key=key, sv="Något annat.")
    template(kim, key=key, remove="1")
    page = kim.see("/mallar")
    assert alex.do("/mallar", **to_put_back(page, "Något annat."))[0] == 303
    assert kim.do("/mallar", **to_put_back(page, TERM))[0] == 409
    assert changed(desk)[-1] == ("alex@stad.example", "Något annat.")


def test_what_was_written_in_a_template_that_is_gone_is_saved_by_the_form_that_shows_it(desk: DeskWorld) -> None:
    kim, alex = desk.person(), desk.person("alex@stad.example", "Alex Berg")
    template(kim)
    key = key_of(kim)
    seen = to_put_back(kim.see("/mallar"), TERM)["seen"]
    template(alex, key=key, remove="1")
    status, page = kim.do("/mallar", key=key, seen=seen, name="Efter mötet", sv="Långt arbete.", en="")
    assert status == 409
    new = page.split("<h2>Ny mall</h2>")[1].split("</form>")[0]
    assert "Långt arbete.</textarea>" in new
    assert (hidden(new, "key"), hidden(new, "seen")) == (key, "")
    assert kim.do("/mallar", key=key, seen="", name="Efter mötet", sv="Långt arbete.", en="")[0] == 303
    assert changed(desk)[-1] == ("kim@stad.example", "Långt arbete.")


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.COORDINATOR])
def test_only_coordinators_put_a_template_back(desk: DeskWorld, role: Role) -> None:
    kim = desk.person()
    template(kim)
    template(kim, key=key_of(kim), sv="Något annat.")
    button, before = to_put_back(kim.see("/mallar"), TERM), changed(desk)
    other = desk.person("annan@stad.example", "Någon Annan", (role,))
    assert other.do("/mallar", **button)[0] == 403
    assert other.client.get("/mallar").status_code == 403
    assert desk.stranger().do("/mallar", **button)[0] in (303, 403)
    assert changed(desk) == before


def test_a_template_that_cannot_be_kept_is_not_lost(desk: DeskWorld) -> None:
    kim = desk.person()
    template(kim)
    for fields in ({"name": " "}, {"sv": " "}, {"name": "efter  MÖTET"}, {"key": "template-0"}, {"key": "closed-days"}):
        status, page = template(kim, **{"en": "Kept words.", **fields})
        assert status == 409, fields
    status, page = template(kim, name="Efter mötet", en="Kept words.")
    assert "Kept words.</textarea>" in page
    assert template(kim, key="closed-days", remove="1")[0] == 409
    assert template(kim, name="<b>Fet</b>", sv="<script>alert(1)</script>")[0] == 303
    assert "<script>alert" not in kim.see("/mallar")
