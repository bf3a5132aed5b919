"""What kind of fact is asked for and held."""

from __future__ import annotations

import numpy as np
import pytest

from lokbot.understanding.kinds import Kind, alike, asked, bits, held
from lokbot.understanding.normalize import words


def kinds_of(question: str) -> set[Kind]:
    assert asked(" ".join(words(question))) == asked(question)
    return set(asked(question))


@pytest.mark.parametrize(
    ("question", "kinds"),
    [
        ("Hur mycket kan vi få?", {Kind.AMOUNT}),
        ("vad kostar det", {Kind.AMOUNT}),
        ("Is there a fee?", {Kind.AMOUNT}),
        ("När är sista dagen?", {Kind.DATE}),
        ("deadline projektstöd", {Kind.DATE}),
        ("When is the conference?", {Kind.DATE}),
        ("När antogs överenskommelsen?", {Kind.PAST}),
        ("Vad händer när vi ansluter oss?", set()),
        ("Hur når man en person?", set()),
        ("What happens when we join?", set()),
        ("Vem är ordförande?", {Kind.PERSON}),
        ("Vem kan söka?", set()),
        ("Hur många är med?", {Kind.COUNT}),
        ("Hur lång tid tar det?", {Kind.DURATION}),
        ("Hur ofta träffas ni?", {Kind.FREQUENCY}),
        ("Vilka föreningar är med?", {Kind.LIST}),
        ("Vad har ni för telefonnummer?", {Kind.CONTACT}),
        ("Var ligger rådhuset?", {Kind.PLACE}),
        ("Vem sitter i styrgruppen just nu?", {Kind.NOW, Kind.PERSON}),
        ("Vem är det som beslutar om bidrag?", set()),
        ("Vad heter stödet för nya föreningar?", set()),
        ("Vad heter handläggaren?", {Kind.PERSON}),
        ("Hur såg reglerna ut före 2020?", {Kind.NOW}),
        ("Är 15 år för ungt?", {Kind.DURATION}),
        ("Har någon förening nekats stöd?", {Kind.LIST}),
        ("Vilka skolor som verkligen kom i gång?", {Kind.LIST}),
        ("Var är listan på vilka skolor som kan vara med?", set()),
        ("Vad heter de sju områdena?", {Kind.LIST}),
        ("Kan vi använda bidraget när kommunen har sagt ja?", set()),
        ("när startar nätverket", {Kind.DATE}),
        ("nar startar natverket", {Kind.DATE}),
        ("Var hittar vi hela texten?", set()),
        ("I vilken lokal hålls konferensen?", {Kind.PLACE}),
        ("brevadress till styrgruppen", {Kind.PLACE}),
        ("Vilken e-postadress har ni?", {Kind.CONTACT}),
        ("Hur snabbt svarar ni?", {Kind.DURATION}),
        ("Hur många dagar tar det?", {Kind.DURATION}),
        ("Hur stor andel är kvinnor?", {Kind.COUNT}),
        ("Vad är skillnaden på stöden?", {Kind.DIFFERENCE}),
        ("Vi hjälper till utan ersättning.", set()),
        ("Vem i vår förening ska skriva under?", set()),
        ("Blir det någon konferens i vår?", {Kind.NOW}),
        ("Blir det någon konferens i höst?", {Kind.NOW}),
        ("Vi behöver en lokal i vinter. Vem frågar vi?", set()),
        ("Varför heter det så?", {Kind.REASON}),
        ("Hur kommer det sig?", {Kind.REASON}),
        ("Vilken förening är störst?", {Kind.RANK}),
        ("Enligt vilken lag?", {Kind.LAW}),
        ("Hur följs planen upp?", {Kind.CHECK}),
        ("Vad händer om vi bryter mot villkoren?", {Kind.CONSEQUENCE}),
        ("Finns den på punktskrift?", {Kind.SHAPE}),
        ("Hur ska vi tolka ordet?", set()),
        ("Vilka papper ska vi skicka?", {Kind.FORM}),
        ("Hur mycket folk kom?", set()),
        ("Vad är medlemsavgiften?", {Kind.AMOUNT}),
        ("Vi har betalt avgiften.", set()),
        ("Vi planerar nästa termin.", set()),
        ("Hur går vi med?", set()),
    ],
)
def test_asked(question: str, kinds: set[Kind]) -> None:
    assert kinds_of(question) == kinds


@pytest.mark.parametrize(
    ("question", "kinds"),
    [
        ("كم مبلغ الدعم؟", {Kind.AMOUNT}),
        ("متى آخر موعد؟", {Kind.DATE}),
        ("چند هفته باید صبر کنیم؟", {Kind.DURATION}),
        ("Скільки коштує ділянка?", {Kind.AMOUNT}),
        ("Сколько человек пришло?", {Kind.COUNT}),
        ("Koliko dugo čekamo?", {Kind.DURATION}),
        ("Колика је такса?", {Kind.AMOUNT}),
        ("Montako yhdistystä on mukana?", {Kind.COUNT}),
        ("Wann ist die Konferenz?", {Kind.DATE}),
        ("Warum gerade Malmö?", {Kind.REASON, Kind.ELSEWHERE}),
        ("Ile to kosztuje, jaka opłata?", {Kind.AMOUNT}),
        ("¿Cuánto cuesta?", {Kind.AMOUNT}),
        ("Immisa lacag ah?", {Kind.AMOUNT}),
        ("Ne zaman?", {Kind.DATE}),
        ("Hvor mange er med?", {Kind.COUNT}),
        ("Wie können wir beitreten?", set()),
        ("На чому стоїть угода?", set()),
    ],
)
def test_asked_in_other_languages(question: str, kinds: set[Kind]) -> None:
    assert kinds_of(question) == kinds


@pytest.mark.parametrize(
    ("answer", "kind", "is_held"),
    [
        ("Ni kan få 10 000 kr.", Kind.AMOUNT, True),
        ("Ring 042-10 50 00.", Kind.AMOUNT, False),
        ("Sök senast den 31 mars.", Kind.DATE, True),
        ("Reglerna är från den 14 januari 2019.", Kind.DATE, False),
        ("Reglerna är från den 14 januari 2019.", Kind.PAST, True),
        ("Öppet 8-17.", Kind.DATE, True),
        ("Ring 042-10 50 00.", Kind.DATE, False),
        ("Ordförande var Karin Exempel.", Kind.PERSON, True),
        ("Kulturförvaltningen svarar. En snabb slant finns.", Kind.PERSON, False),
        ("Skriv till lok@example.org.", Kind.CONTACT, True),
        ("Skriv till oss.", Kind.CONTACT, False),
        ("Det är sex principer.", Kind.COUNT, True),
        ("1. Läs.\n2. Skriv.", Kind.COUNT, False),
        ("Det var år 2017.", Kind.COUNT, False),
        ("Det tar fem arbetsdagar.", Kind.DURATION, True),
        ("Gruppen träffas varje månad.", Kind.FREQUENCY, True),
        ("- Ettan\n- Tvåan\n- Trean\n", Kind.LIST, True),
        ("1. Ettan\n2. Tvåan\n3. Trean", Kind.LIST, True),
        ("Stortorget 17", Kind.PLACE, True),
        ("Det ena är statens, medan det andra är stadens.", Kind.DIFFERENCE, True),
        ("Så är det i år, just nu.", Kind.NOW, False),
    ],
)
def test_held(answer: str, kind: Kind, is_held: bool) -> None:
    assert (kind in held(answer)) is is_held


def test_questions_keep_all_of_their_likeness_only_where_they_ask_for_the_same() -> None:
    asked_for = np.array(
        [bits(frozenset(each)) for each in ((), {Kind.DATE}, {Kind.AMOUNT}, {Kind.DATE, Kind.AMOUNT})], dtype=np.uint32
    )
    kept = alike(asked_for[:, None], asked_for[None, :])
    assert np.diagonal(kept).tolist() == [1.0] * 4
    assert kept[1, 2] == kept[0, 1] == pytest.approx(0.7)  # another kind, or none at all
    assert kept[1, 2] < kept[1, 3] < 1  # one of two
    assert np.array_equal(kept, kept.T)
