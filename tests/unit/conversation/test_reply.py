"""What the asker reads: the shape of DESIGN section 5, in plain text and in HTML."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lokbot.conversation.reply import QUOTE_LENGTH, ReplyContext, as_html, compose, quoted, reply_subject
from lokbot.model import ChannelName, Decision, Evidence, Outcome, Question
from tests import sample_knowledge as sample

KNOWLEDGE = sample.knowledge()
SV, EN = KNOWLEDGE.phrases["sv"], KNOWLEDGE.phrases["en"]
RECEIVED = datetime(2026, 11, 20, 17, 42, tzinfo=UTC)  # a Friday, 18.42 in Sweden
ANSWER_BY = date(2026, 11, 24)


def decision(text: str = "Hur gör vi?", **values: Any) -> Decision:
    defaults: dict[str, Any] = {"outcome": Outcome.ANSWER, "rule": "regel", "reason": "sure", "article": "ga-med"}
    return Decision(question=Question(text, "sv"), **{**defaults, **values})


JOIN = decision("Hur går vi med?")
PREMISES = decision("Hur lånar vi en lokal?", article="lana-lokal")
OWN = decision("Har ni fått vår ansökan?", outcome=Outcome.ESCALATE, reason="own-matter", article=None)


def route(administration: str, *words: str) -> Decision:
    evidence = tuple(Evidence("rule", word, 1.0) for word in words)
    return decision(outcome=Outcome.ROUTE, article=None, administration=administration, evidence=evidence)


def context(**values: Any) -> ReplyContext:
    defaults: dict[str, Any] = {
        "knowledge": KNOWLEDGE,
        "subject": "Fråga om samverkan",
        "language": "sv",
        "case_number": "LOK-2026-00123",
        "received_at": RECEIVED,
    }
    return ReplyContext(**{**defaults, **values})


def blocks(*telling: Decision, rest: tuple[Decision, ...] = (), **values: Any) -> list[str]:
    return compose(telling, rest, context(**values)).text.split("\n\n")


# ------------------------------------------------------------------ an answer


def test_an_answer_has_the_shape_of_the_content_rules() -> None:
    assert blocks(JOIN) == [
        SV["opening.automatic"],
        "Styrelsen fattar ett beslut.",
        "- Skicka beslutet till oss.\n- Läs mer på https://example.org/ga-med.",
        "Källa: Provsidan (december 2020), https://example.org/prov\n" + SV["as-of"].format(as_of="2021"),
        SV["contact.mail"],
        SV["case"].format(case="LOK-2026-00123"),
    ]


def test_the_answer_is_verbatim() -> None:
    article = sample.rewritten("ga-med", "  Behåll {allt} & 100 % som det står.  \n", by=sample.APPROVER)
    assert (
        "\n\nBehåll {allt} & 100 % som det står.\n\n"
        in compose([JOIN], [], context(knowledge=sample.with_article(article))).text
    )


def test_the_date_of_the_facts_is_not_said_twice() -> None:
    same = replace(KNOWLEDGE.articles["ga-med"], as_of="2020-12")
    found = blocks(JOIN, knowledge=sample.with_article(same))
    assert "Källa: Provsidan (december 2020), https://example.org/prov" in found


def test_a_source_without_address_keeps_its_full_stop() -> None:
    assert "Källa: Lokaler & salar <prov> (2021)." in blocks(PREMISES)


def test_several_sources_stand_on_one_line() -> None:
    assert "Källa: Idrottsförbundet, https://example.org/idrott; Provboken (2019)." in blocks(
        decision(article="idrottens-stod")
    )


def test_an_english_answer_is_english_throughout() -> None:
    found = blocks(decision(language="en"), language="en")
    assert found[0] == EN["opening.automatic"]
    assert found[1] == KNOWLEDGE.articles["ga-med"].texts["en"].answer
    assert found[2].startswith("Source: Provsidan (December 2020)")
    assert found[-2:] == [EN["contact.mail"], EN["case"].format(case="LOK-2026-00123")]


def test_an_english_question_in_a_swedish_message_gets_its_own_language() -> None:
    text = compose([decision(language="en")], [], context()).text
    assert text.startswith(SV["opening.automatic"])
    assert KNOWLEDGE.articles["ga-med"].texts["en"].answer in text


def test_a_draft_says_that_nobody_has_approved_it() -> None:
    draft = decision(article="valberedning")
    assert blocks(draft)[1] == SV["draft"]
    assert SV["draft"] in blocks(JOIN, draft)
    assert blocks(route("miljo"))[1] == SV["draft"]
    assert SV["draft"] not in blocks(JOIN)
    assert SV["draft"] not in blocks(route("kultur"))


def test_a_released_suggestion_says_that_a_person_has_read_it() -> None:
    found = blocks(JOIN, opening="released")
    assert found[0] == SV["opening.released"]
    assert SV["opening.automatic"] not in found


# ------------------------------------------------------------------ pointers


def test_a_pointer_in_the_city_says_whose_why_and_where() -> None:
    found = blocks(route("kultur", "konserter", "konserter", "teater"))
    assert found[1] == (
        SV["route.city"].format(name="kulturförvaltningen", matters="konserter och teater")
        + " "
        + SV["route.because"].format(words="konserter, teater")
    )
    assert found[2] == KNOWLEDGE.administrations["kultur"].contact.sv


def test_a_pointer_outside_the_city_gives_the_address_of_its_page() -> None:
    found = blocks(route("polisen"))
    assert found[1] == SV["route.outside"].format(name="Polisen", matters="belastningsregistret")
    assert found[2] == "Läs mer på Polisens webbplats.\nhttps://polisen.example/register"


def test_an_address_is_not_said_twice() -> None:
    text = compose([route("idrottsforbundet")], [], context()).text
    assert text.count("https://example.org/idrott") == 1


def test_where_to_forward_is_never_shown() -> None:
    reply = compose([route("fritid")], [], context())
    assert "fritid@stad.example" not in f"{reply.text}{reply.html}"


def test_an_owner_without_contact_gets_no_empty_paragraph() -> None:
    owner = KNOWLEDGE.administrations["kultur"]
    bare = replace(owner, contact=replace(owner.contact, sv="", en=""))
    knowledge = replace(KNOWLEDGE, administrations={"kultur": bare})
    assert "" not in blocks(route("kultur"), knowledge=knowledge)


# ------------------------------------------------------------------ several questions, receipts


def test_several_questions_get_one_reply_with_each_question_said() -> None:
    found = blocks(JOIN, PREMISES)
    assert found[1] == SV["question"].format(number=1, question="Hur går vi med?")
    assert SV["question"].format(number=2, question="Hur lånar vi en lokal?") in found
    assert found.count(SV["opening.automatic"]) == found.count(SV["contact.mail"]) == 1


def test_what_is_left_is_named_with_the_day_somebody_answers() -> None:
    found = blocks(JOIN, rest=(OWN,), answer_by=ANSWER_BY)
    assert found[1] == SV["question"].format(number=1, question="Hur går vi med?")
    assert found[5] == (
        SV["receipt.arrived"].format(day="fredag den 20 november 2026", time="klockan 18.42")
        + " "
        + SV["receipt.rest"].format(answer_by="tisdag den 24 november 2026")
    )
    assert found[6:] == [
        "- ”Har ni fått vår ansökan?”",
        SV["receipt.phone"],
        SV["contact.add.mail"],
        SV["case"].format(case="LOK-2026-00123"),
    ]


def test_a_receipt_says_when_it_came_the_next_step_the_day_and_the_telephone() -> None:
    assert blocks(rest=(OWN,), answer_by=ANSWER_BY) == [
        SV["opening.automatic"],
        SV["receipt.arrived"].format(day="fredag den 20 november 2026", time="klockan 18.42")
        + " "
        + SV["receipt.next"].format(answer_by="tisdag den 24 november 2026"),
        SV["receipt.phone"],
        SV["contact.add.mail"],
        SV["case"].format(case="LOK-2026-00123"),
    ]
    assert "042-10 50 00" in SV["receipt.phone"]


def test_a_receipt_offers_what_they_may_have_asked() -> None:
    unsure = replace(OWN, reason="not-sure", choices=("ga-med",))
    found = blocks(rest=(unsure,), answer_by=ANSWER_BY)
    at = found.index(SV["offer.which"])
    assert found[at : at + 3] == [SV["offer.which"], f"1. {sample.JOIN}", SV["offer.how.mail"]]
    assert any("tisdag den 24 november 2026" in block for block in found[:at])
    assert found[at + 3] == SV["receipt.phone"]


def test_several_are_numbered_and_in_the_language_of_the_reader() -> None:
    unsure = replace(OWN, reason="not-sure", choices=("ga-med", "lana-lokal"))
    found = blocks(rest=(unsure,), answer_by=ANSWER_BY, language="uk")
    assert f"1. {sample.JOIN}\n2. {sample.PREMISES}" in found
    assert any(block.startswith(f"1. {sample.JOIN_EN}\n2. ") for block in found)
    assert SV["offer.which.several"] in found
    assert EN["offer.which.several"] in found


def test_what_is_offered_for_several_questions_is_numbered_through() -> None:
    first, second = (replace(OWN, reason="not-sure", choices=(article,)) for article in ("ga-med", "lana-lokal"))
    assert f"1. {sample.JOIN}\n2. {sample.PREMISES}" in blocks(rest=(first, second), answer_by=ANSWER_BY)


@pytest.mark.parametrize("channel", [ChannelName.MAIL, ChannelName.WEBCHAT])
def test_who_is_pointed_on_is_offered_what_they_may_have_asked_after_what_happens_next(channel: ChannelName) -> None:
    pointed = replace(route("kultur"), choices=("ga-med",))
    found = blocks(pointed, answer_by=ANSWER_BY, channel=channel)
    at = found.index(SV["offer.which"])
    assert found[at + 1] == f"1. {sample.JOIN}"
    assert "tisdag den 24 november 2026" in found[at - 1]
    reply = compose((pointed,), (), context(channel=channel, answer_by=ANSWER_BY))
    pressed = [(button.label, button.command) for button in reply.buttons]
    assert pressed == ([(f"1. {sample.JOIN}", "1")] if channel.is_chat else [])


def test_an_offer_in_a_chat_may_be_pressed() -> None:
    unsure = replace(OWN, reason="not-sure", choices=("ga-med", "lana-lokal"))
    reply = compose((), (unsure,), context(channel=ChannelName.WEBCHAT, answer_by=ANSWER_BY))
    assert [(button.label, button.command) for button in reply.buttons] == [
        (f"1. {sample.JOIN}", "1"),
        (f"2. {sample.PREMISES}", "2"),
    ]
    assert SV["offer.how.chat"] in reply.text


@pytest.mark.parametrize("door", ["mail", "chat"])
def test_who_waits_and_has_chosen_is_asked_whether_that_was_it(door: str) -> None:
    channel = ChannelName.WEBCHAT if door == "chat" else ChannelName.MAIL
    chosen = replace(JOIN, reason="chosen")
    reply = compose((chosen,), (), context(channel=channel, answer_by=ANSWER_BY, ends_by_choice=True))
    assert SV[f"offer.solved.{door}"].format(answer_by="tisdag den 24 november 2026") in reply.text
    assert SV["receipt.phone"] not in reply.text
    assert [button.command for button in reply.buttons][:1] == (["yes"] if door == "chat" else [])
    for waiting in ({}, {"answer_by": ANSWER_BY}):  # for nobody, or for more than this
        assert "avslutar vi ärendet" not in compose((chosen,), (), context(channel=channel, **waiting)).text


def test_an_english_receipt() -> None:
    text = "\n".join(blocks(rest=(OWN,), answer_by=ANSWER_BY, language="en"))
    assert EN["receipt.arrived"].format(day="Friday 20 November 2026", time="18:42") in text
    assert EN["receipt.next"].format(answer_by="Tuesday 24 November 2026") in text


def test_an_urgent_receipt_with_the_number_to_call_in_danger() -> None:
    danger = decision(outcome=Outcome.ESCALATE, article=None, reason="urgent", intent="fara", is_urgent=True)
    found = blocks(rest=(danger, replace(danger, question=Question("Hjälp", "sv"))), answer_by=ANSWER_BY)
    assert SV["receipt.urgent"].format(answer_by="tisdag den 24 november 2026") in found[1]
    assert found.count(SV["receipt.emergency"]) == 1
    records = replace(danger, intent="begaran-handling")
    assert SV["receipt.emergency"] not in blocks(rest=(records,), answer_by=ANSWER_BY)


def test_without_a_promised_day_there_is_no_receipt() -> None:
    assert SV["receipt.phone"] not in blocks(JOIN)


def test_a_pointer_in_the_city_says_when_a_person_answers() -> None:
    found = blocks(route("kultur"), answer_by=ANSWER_BY)
    assert any(SV["receipt.next"].format(answer_by="tisdag den 24 november 2026") in block for block in found)


@pytest.mark.parametrize("language", ["ar", "fi", "so"])
def test_another_language_gets_swedish_and_english_and_may_go_on(language: str) -> None:
    reply = compose([], [OWN], context(language=language, answer_by=ANSWER_BY))
    swedish, english = reply.text.split("\n\n* * *\n\n")
    assert swedish.startswith(f"{SV['opening.automatic']}\n{SV['english-below']}\n\n")
    assert english.startswith(EN["opening.automatic"])
    assert SV["receipt.other-language"] in swedish
    assert EN["receipt.other-language"] in english
    assert reply.language == "sv"
    assert reply.html is not None
    assert reply.html.count("<hr>") == 1


@pytest.mark.parametrize("language", ["und", "no", "da"])
def test_what_a_swede_reads_gets_swedish_alone(language: str) -> None:
    assert "* * *" not in compose([], [OWN], context(language=language, answer_by=ANSWER_BY)).text


@given(text=st.text(max_size=400))
def test_a_quoted_question_is_one_line_that_fits(text: str) -> None:
    line = quoted(text)
    assert "\n" not in line
    assert len(line) <= QUOTE_LENGTH + len(" …")


def test_a_long_question_is_cut_at_a_word() -> None:
    assert quoted("ord " * 50) == ("ord " * 35).strip() + " …"
    assert quoted("kort\n  fråga?") == "kort fråga?"


# ------------------------------------------------------------------ the subject


@pytest.mark.parametrize(
    ("subject", "language", "expected"),
    [
        ("Fråga", "sv", "SV: Fråga"),
        ("Question", "en", "Re: Question"),
        ("SV: Fråga", "sv", "SV: Fråga"),
        ("Re: Fråga", "sv", "Re: Fråga"),
        ("RE:Fråga", "en", "RE:Fråga"),
        ("sv : Fråga", "sv", "sv : Fråga"),
        ("Re[2]: Fråga", "sv", "Re[2]: Fråga"),
        ("AW: Frage", "sv", "AW: Frage"),
        ("Svar: ja", "sv", "SV: Svar: ja"),
        ("Rekrytering", "sv", "SV: Rekrytering"),
        ("två\r\n rader\tav ämne", "sv", "SV: två rader av ämne"),
        ("", "sv", "SV: Tomt"),
        ("  ", "en", "Re: Tomt"),
    ],
)
def test_the_subject_is_kept_with_one_prefix(subject: str, language: str, expected: str) -> None:
    assert reply_subject(subject, language, empty="Tomt") == expected


@given(subject=st.text(max_size=60), language=st.sampled_from(["sv", "en"]))
def test_a_subject_answered_twice_has_one_prefix(subject: str, language: str) -> None:
    once = reply_subject(subject, language, empty="x")
    assert reply_subject(once, language, empty="x") == once
    assert once.splitlines() == [once]


def test_a_mail_without_subject_gets_one() -> None:
    assert compose([JOIN], [], context(subject="")).subject == f"SV: {SV['subject.empty']}"
    english = compose([], [OWN], context(subject="", language="en", answer_by=ANSWER_BY))
    assert english.subject == f"Re: {EN['subject.empty']}"


# ------------------------------------------------------------------ HTML


class _Reader(HTMLParser):
    """The elements, attributes and text of a page; fails on one that is not closed in its turn."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.names: set[str] = set()
        self.links: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        if tag not in ("meta", "br", "hr"):
            self.open.append(tag)
        self.links += [value or "" for name, value in attrs if name == "href"]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def read(html: str | None) -> _Reader:
    assert html is not None
    reader = _Reader()
    reader.feed(html)
    reader.close()
    assert reader.open == []
    return reader


def test_the_page_says_its_language_and_holds_no_more_than_is_needed() -> None:
    html = compose([JOIN, PREMISES], [OWN], context(answer_by=ANSWER_BY)).html
    assert html is not None
    assert html.startswith('<!DOCTYPE html><html lang="sv">')
    reader = read(html)
    assert reader.names == {"html", "head", "meta", "body", "p", "ul", "li", "br", "a"}
    assert "Lokaler & salar <prov>" in reader.text


def test_lists_are_lists() -> None:
    html = as_html("- ett\n- två\n\n1. först\n2. sedan\n\nföre\nlistan\n- ett\nefter", "sv")
    assert "<ul><li>ett</li><li>två</li></ul>" in html
    assert "<ol><li>först</li><li>sedan</li></ol>" in html
    assert "<p>före<br>listan</p><ul><li>ett</li></ul><p>efter</p>" in html


@pytest.mark.parametrize(
    ("text", "link"),
    [
        ("Se https://example.org/a.", "https://example.org/a"),
        ("(https://example.org/a)", "https://example.org/a"),
        ("(se https://example.org/a).", "https://example.org/a"),
        ("https://example.org/a, och", "https://example.org/a"),
        ("”https://example.org/a”", "https://example.org/a"),
        ("’https://example.org/a’;", "https://example.org/a"),
        ("»https://example.org/a»", "https://example.org/a"),
        ("[https://example.org/a]", "https://example.org/a"),
        ("'https://example.org/a'", "https://example.org/a"),
        ("https://example.org/a?b=1&c=2", "https://example.org/a?b=1&c=2"),
        ("https://example.org/å/ä-ö_2#del", "https://example.org/å/ä-ö_2#del"),
        ("https://example.org/", "https://example.org/"),
        ("x https://example.org y", "https://example.org"),
    ],
)
def test_a_link_ends_before_the_punctuation(text: str, link: str) -> None:
    reader = read(as_html(text, "sv"))
    assert reader.links == [link]
    assert reader.text == text


@pytest.mark.parametrize("text", ["http://example.org", "javascript:alert(1)", "https://", "mailto:a@example.org"])
def test_nothing_else_is_a_link(text: str) -> None:
    assert read(as_html(text, "sv")).links == []


ANY_TEXT = st.text(alphabet=st.characters(exclude_categories=["Cc", "Cs"]) | st.sampled_from("\n- 1.<>&\"'"))


@given(text=ANY_TEXT)
def test_everything_is_escaped(text: str) -> None:
    html = as_html(text, "sv")
    assert read(html).names <= {"html", "head", "meta", "body", "p", "ul", "ol", "li", "br", "hr", "a"}
    body = html.split('line-height:1.5;color:#2d2d2d">', 1)[1].removesuffix("</body></html>")
    ours = re.sub(r'</?(?:p|ul|ol|li|br|hr)>|<a href="https://[^"<>]*">|</a>', "", body)
    assert "<" not in ours
    assert ">" not in ours
    assert not re.search(r"&(?!(?:amp|lt|gt|quot|#x27);)", ours)


@given(question=st.text(max_size=200), subject=st.text(max_size=80))
def test_what_the_asker_wrote_stays_words(question: str, subject: str) -> None:
    """A question with braces, tags or line breaks is quoted, never filled in or shown as a page."""
    own = replace(OWN, question=Question(question + "{case}<b>", "sv"))
    reply = compose([JOIN], [own], context(subject=subject, answer_by=ANSWER_BY))
    assert "<b>" not in (reply.html or "")
    assert reply.text.split("\n\n")[0] == SV["opening.automatic"]
    assert len(reply.subject.splitlines()) == 1
