"""A message to its questions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lokbot.understanding.split import MOST_QUESTIONS, split, subject_matter


def texts(message: str, subject: str = "") -> list[str]:
    return [part.text for part in split(message, subject)]


def test_a_statement_stays_with_the_question_it_leads_to() -> None:
    (part,) = split("Hej!\n\nVi är en kulturförening. Får vi söka projektstöd?\n\nMvh\nAnna Test\n0700-00 00 00")
    assert part.text == "Vi är en kulturförening. Får vi söka projektstöd?"
    assert part.focus == "Får vi söka projektstöd?"
    assert part.background == "Vi är en kulturförening."


def test_a_question_without_a_matter_of_its_own_takes_what_was_said_before() -> None:
    (part,) = split("Vi vill gå med i överenskommelsen. Hur gör vi?")
    assert part.focus == "Vi vill gå med i överenskommelsen. Hur gör vi?"


def test_a_pronoun_takes_what_it_points_back_to() -> None:
    first, second = split("Var hittar vi handlingsplanen? Hur ofta revideras den?")
    assert first.focus == "Var hittar vi handlingsplanen?"
    assert second.focus == "Var hittar vi handlingsplanen? Hur ofta revideras den?"


def test_a_statement_after_the_question_is_background() -> None:
    (part,) = split("Kan vi låna en lokal? Vi är tolv personer som spelar schack.")
    assert part.focus == "Kan vi låna en lokal?"
    assert part.background == "Vi är tolv personer som spelar schack."


def test_what_else_is_asked_is_no_background() -> None:
    first, second = split("Hur ansluter vi oss? Kan vi hyra en idrottshall?")
    assert (first.background, second.background) == ("", "")


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (
            "Hej! Två frågor: hur ansluter man sig till överenskommelsen och när är nästa konferens? /Bo",
            ["Två frågor: hur ansluter man sig till överenskommelsen", "när är nästa konferens?"],
        ),
        (
            "Vad kostar medlemskapet samt vilka blanketter behövs?",
            ["Vad kostar medlemskapet", "vilka blanketter behövs?"],
        ),
        ("Hur ansluter vi oss och dessutom var finns lokaler?", ["Hur ansluter vi oss", "var finns lokaler?"]),
        ("- Hur ansluter vi oss?\n- Måste vi ha stadgar?", ["Hur ansluter vi oss?", "Måste vi ha stadgar?"]),
        (
            "Vi undrar följande:\n1. lokaler på kvällar\n2) bidrag till kör\n\nTack på förhand\nKalle",
            ["Vi undrar följande: lokaler på kvällar", "bidrag till kör"],
        ),
        ("Can we join the agreement? Also, where can we find a room?", None),
        ("كيف يمكننا الانضمام إلى الاتفاقية؟ وكم تكلف؟", None),
    ],
)
def test_several_questions(message: str, expected: list[str] | None) -> None:
    found = texts(message)
    assert len(found) == 2
    assert expected is None or found == expected


@pytest.mark.parametrize(
    "message",
    [
        "Vem kan söka och hur gör man?",
        "kan vi få bidrag och hur mycket",
        "Vi ska ha loppis på torget, behöver vi tillstånd?",
        "Vi funderar på t.ex. en kör el. dyl. som leds av fil. dr. Test. Går det?",
        "Kan man ringa eller kan man mejla",
        "Hej vi vill söka bidrag till vår kulturförening hur gör man",
        "Ni har inte svarat på tre veckor! Det är under all kritik.",
    ],
)
def test_one_question_is_not_torn_apart(message: str) -> None:
    assert len(split(message)) == 1


@pytest.mark.parametrize("message", ["tack", "Tack för svaret!", "Hej!", "Mvh Anna", "👍👍", "Thanks!", "", "...", "?"])
def test_a_message_of_nothing_else_is_one_part(message: str) -> None:
    assert texts(message) == [message]


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("Hej Anna! Hur ansluter vi oss?", "Hur ansluter vi oss?"),
        ("Hejsan, hur ansluter vi oss?", "hur ansluter vi oss?"),
        ("Good morning, can we join the agreement?", "can we join the agreement?"),
        (
            "Hur ansluter vi oss?\nTack på förhand!\nMed vänliga hälsningar\nStyrelsen\nTestklubben",
            "Hur ansluter vi oss?",
        ),
        ("Hur ansluter vi oss? Skickat från min iPhone", "Hur ansluter vi oss?"),
        ("Hur ansluter vi oss?\n/Bo\n+46 700 00 00 00", "Hur ansluter vi oss?"),
    ],
)
def test_greeting_and_goodbye_are_left_out(message: str, expected: str) -> None:
    assert texts(message) == [expected]


def test_a_question_after_the_goodbye_is_kept() -> None:
    assert texts("Hur ansluter vi oss?\nMvh Bo\nPS. Finns det lokaler också?")[-1].endswith("Finns det lokaler också?")


def test_a_line_broken_by_the_mail_program_is_one_sentence() -> None:
    message = (
        "Vi är en ny förening i Helsingborg som arbetar med barn och unga, och\n"
        "vi skulle vilja veta hur vi kan gå med i den lokala överenskommelsen."
    )
    assert texts(message) == [" ".join(message.split("\n"))]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("Hur blir vår förening\nmedlem i samverkan?", 1),
        ("Var söker man\nbidrag till ett läger\nför barn?", 1),
        ("Vem kan söka bidrag\nvad kostar lokalen", 2),
        ("vem kan söka bidrag\nvad kostar lokalen", 2),
        ("Vem kan söka bidrag\nVad kostar lokalen", 2),
        ("Vem kan söka bidrag?\nlokaler, vad kostar de?", 2),
    ],
)
def test_a_line_that_its_writer_broke_amid_a_sentence_goes_on(text: str, parts: int) -> None:
    assert len(split(text)) == parts


def test_a_goodbye_after_a_broken_line_is_still_a_goodbye() -> None:
    message = "Vi undrar om det finns någon lokal som vi kan låna på kvällarna i höst\nMvh Bo"
    assert texts(message) == [message.splitlines()[0]]


def test_chat_lines_are_sentences_of_their_own() -> None:
    assert texts("Finns det lokaler\noch hur bokar man") == ["Finns det lokaler", "och hur bokar man"]


def test_a_telling_subject_is_used_and_an_empty_one_is_not() -> None:
    (part,) = split("Hej, hur gör vi?", "SV: Fråga om att ansluta sig")
    assert part.text == "hur gör vi?"
    assert part.focus == "Fråga om att ansluta sig hur gör vi?"
    assert split("Hur ansluter vi oss?", "Fråga")[0].background == ""
    assert split("Hur ansluter vi oss?", "Överenskommelsen")[0].background == "Överenskommelsen"


def test_an_empty_mail_asks_what_its_subject_asks() -> None:
    assert texts(" \n", "Re: [LOK-2026-00012] Bidrag till kör") == ["Bidrag till kör"]


@pytest.mark.parametrize(
    "subject", ["", "Fråga", "Hej!", "SV: VB: Re: ", "Förening", "Ärende LOK-2026-00012", "Viktigt"]
)
def test_a_subject_that_says_nothing(subject: str) -> None:
    assert subject_matter(subject) == ""


def test_a_long_message_without_a_question_mark_is_asked_by_its_wishes() -> None:
    story = "Klubben bildades av några grannar en regnig höst. " * 12
    (part,) = split(story + "Vi önskar hjälp med föreningsregistret.")
    assert part.focus == "Vi önskar hjälp med föreningsregistret."


def test_no_more_than_eight_questions_and_none_is_lost() -> None:
    message = " ".join(f"Får vi söka stöd nummer{number}?" for number in range(12))
    parts = split(message)
    assert len(parts) == MOST_QUESTIONS
    assert all(f"nummer{number}?" in " ".join(part.text for part in parts) for number in range(12))


def test_a_focus_is_never_a_whole_book() -> None:
    (part,) = split("ord " * 30_000)
    assert len(part.focus.split()) <= 60


@given(st.text(max_size=400), st.text(max_size=60))
def test_any_text_gives_one_to_eight_parts(message: str, subject: str) -> None:
    assert 1 <= len(split(message, subject)) <= MOST_QUESTIONS


@given(
    st.lists(
        st.sampled_from(["Hej!", "Hur går vi med?", "Vi är en kör.", "- a", "1. b", "Tack!", "\n", "Mvh Bo", "och"])
    )
)
def test_any_order_of_sentences_gives_parts(pieces: list[str]) -> None:
    assert 1 <= len(split(" ".join(pieces))) <= MOST_QUESTIONS
