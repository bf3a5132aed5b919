"""New words and old: rules that no single mail under tests/eml shows by itself."""

from __future__ import annotations

import pytest

from lokbot.channels import quotes
from lokbot.channels.quotes import new_words


@pytest.mark.parametrize(
    "introduction",
    [
        "Den mån 3 feb. 2025 kl 16:02 skrev Anna <a@example.org>:",
        "Den mån 3 feb. 2025 kl 16:02 skrev Anna <\na@example.org>:",
        "Den måndag 3 februari 2025\n16:02:11 CET, Anna\n<a@example.org> skrev:",
        "Den 2023-11-14 kl. 16:50, skrev Anna:",
        "ons 4 dec. 2024 kl. 20:42 skrev Anna:",
        "Den fre 28 feb. 2025 10:15Anna Ek <a@example.org> skrev:",
        "3 feb 2025 kl. 16:02 skrev Anna <a@example.org>:",
        "Anna Ek <a@example.org> skrev den 3 feb. 2025 kl. 16:02:",
        "On Mon, Feb 3, 2025 at 4:02 PM Anna <a@example.org> wrote:",
        "On 3 Feb 2025, at 16:02, Anna wrote:",
        "tir. 10. mar. 2020 kl. 14:28 skrev Anna",
        "tir. 10. mar. 2020 kl. 14:28 skrev Anna <a@example.org>:",
        "Den 24. nov. 2025 kl. 10.00 skrev Anna <a@example.org>:",
        "ke, 2024-01-01 kello 10:11 +0200, Anna kirjoitti:",
        "Anna (a@example.org) kirjoitti 3.2.2025 kello 10.15:",
        "Am 03.02.2025 um 16:02 schrieb Anna <a@example.org>:",
        "Anna <a@example.org> schrieb am Mo., 3. Feb. 2025, 16:02:",
        "2025-02-03 16:02 GMT+01:00 Anna <a@example.org>:",
        "-----Ursprungligt meddelande-----",
        "-------- Originalmeddelande --------",
        "---------- Forwarded message ---------",
        "Vidarebefordrat mejl:",
        "Från: Anna\nSkickat: den 3 februari 2025 16:02",
        "*Från:* Anna <a@example.org> *På uppdrag av* LÖK\n*Skickat:* den 3 februari 2025\n*Till:* x; y\n*Ämne:* z",
        "________________________________\nFrom: Anna <a@example.org>\nDate: x\nTo: y\nSubject: z",
        ">>> Anna Ek <a@example.org> 2009-03-12 08:13 >>>",
        "-----Anna Ek/Org skrev: -----",
    ],
)
def test_introductions(introduction: str) -> None:
    old = "\n".join(f"> {line}" for line in ("Hej!", "", "Detta är gammalt."))
    assert new_words(f"Nytt svar.\n\n{introduction}\n\n{old}\n") == "Nytt svar."
    if not introduction.endswith("skrev Anna"):  # without a colon only the marked quote tells
        assert new_words(f"Nytt svar.\n\n{introduction}\n\nDetta är gammalt.") == "Nytt svar."


@pytest.mark.parametrize(
    "words",
    [
        "Den 3 februari skrev vi till er, och frågan var:\n\nNär får vi svar?",
        "På mötet kl 18:00 sa ordföranden:\n\nVi väntar.",
        "Från: Ödåkra\nTill: Sofiero\nDatum: 3 maj kl 10",
        "Följande gäller:\n- ett\n- två",
        "Vi ses kl. 10:15, hälsningar till alla i styrelsen och valberedningen som inte kunde komma i dag.",
        "Skickat från vårt kansli i går, har ni fått det?",
        "-- ni som läser detta, hör av er",
    ],
)
def test_own_words_stay(words: str) -> None:
    assert new_words(words) == words


@pytest.mark.parametrize(
    ("signature", "kept"),
    [
        ("Mvh Anna", ""),
        ("MVH/Anna", ""),
        ("M.v.h.\nAnna Ek\nKassör", ""),
        ("Med vänlig hälsning,\nAnna", ""),
        ("Bästa hälsningar från Anna och Bo", ""),
        ("Hälsningar\nAnna\n\nTel 042-00 00 00\nwww.example.org", ""),
        ("/Anna", ""),
        ("// Anna & Bo", ""),
        ("Vennlig hilsen\nKari", ""),
        ("Venlig hilsen\nMette", ""),
        ("Terveisin\nPekka", ""),
        ("Mit freundlichen Grüßen\nUwe", ""),
        ("Kind regards,\nTom", ""),
        ("-- \nAnna", ""),
        ("--\nAnna", ""),
        ("Skickat från min iPhone", ""),
        ("Sent from Outlook for iOS<https://aka.ms/o0ukef>", ""),
        ("Mvh\nAnna\n\nPS: Vi har bytt nummer.", "\n\nPS: Vi har bytt nummer."),
        ("Mvh\nAnna\n\nTänk på miljön innan du skriver ut detta mejl.", ""),
    ],
)
def test_signatures(signature: str, kept: str) -> None:
    assert new_words(f"När öppnar ni?\n\n{signature}") == f"När öppnar ni?{kept}"


def test_answers_between_quotes_are_kept_and_a_torn_line_is_not_one() -> None:
    torn = "> En lång rad som ett program mellan oss bröt mitt i utan att upprepa tecknet,\noch här är resten\n> slut"
    assert new_words(f"> Fråga?\nJa.\n> Mer?\nNej.\n{torn}") == "Ja.\n\nNej."


def test_the_programs_own_mark_wins_but_never_empties() -> None:
    assert new_words("nytt\nFrån: X\ngammalt", history_at=5) == "nytt"
    assert new_words("Från: X\ngammalt", history_at=0) == "Från: X\ngammalt"


@pytest.mark.parametrize("text", ["> bara citat", "Mvh\nAnna", "-- \nAnna", "Skickat från min iPhone", "hej"])
def test_words_are_never_stripped_to_nothing(text: str) -> None:
    assert new_words(text).strip()


def test_nothing_stays_nothing() -> None:
    assert new_words("") == ""
    assert new_words(" \n\t\n") == ""


def test_has_history() -> None:
    assert quotes.has_history("a\n> b")
    assert quotes.has_history("a\n\nDen 3 feb. 2025 kl. 10:15 skrev X <x@example.org>:\nb")
    assert not quotes.has_history("a\nb: c")
