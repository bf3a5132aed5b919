"""The articles of one language, searched."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lokbot.conversation.decision import DISPUTED
from lokbot.model import Article, Match
from lokbot.understanding import build, matching
from lokbot.understanding.confidence import LEXICAL, fitted
from lokbot.understanding.matching import Matcher
from lokbot.understanding.split import Part
from tests.unit.understanding.knowledge_sample import ARTICLES, GLOSSARY, KNOWLEDGE

MATCHER = Matcher(ARTICLES, GLOSSARY, "sv")
UNDERSTANDER = build(KNOWLEDGE)
THRESHOLD = fitted()[LEXICAL].threshold(0.01)


def ask(question: str) -> tuple[Match, ...]:
    return UNDERSTANDER.understand(question).questions[0].matches


@pytest.mark.parametrize(
    ("question", "article"),
    [
        ("Hur går vi med i den lokala överenskommelsen?", "ansluta-forening"),
        ("hur gar foreningen med i overenskommelsen", "ansluta-forening"),
        ("hur ansluter vi föreningen till överenskomelsen", "ansluta-forening"),
        ("Kan ett förbund som är en paraply organisation ansluta sig?", "paraply-ansluta"),
        ("När är nästa förenings konferens?", "nasta-konferens"),
        ("Finns det en sal för föreningar?", "lokaler"),
        ("Hur mycket pengar kan man få i en snabb slant?", "en-snabb-slant"),
        ("Vilka är ledamöter i styrgruppen?", "styrgruppen-vilka"),
        ("Hur startar vi en ny förening?", "starta-forening"),
    ],
)
def test_the_right_article_comes_first_and_is_likely(question: str, article: str) -> None:
    best, *others = ask(question)
    assert best.article == article
    assert best.confidence > 0.5
    assert all(best.confidence > other.confidence for other in others)


@pytest.mark.parametrize(
    "question",
    [
        "Hur mycket får man i projektstöd för kultur?",  # no amount in the article
        "När är sista dagen för projektstöd kultur?",  # no date
        "Vem är handläggare för kulturstöd och vad heter hon?",  # no name
        "Hur anmäler jag mig till simskolan i badhuset?",  # nothing of ours
        "Kan ni klippa gräset på lekplatsen?",
        "Hur gör man?",  # too little
        "Vad kostar det?",
        "Kan en paraplyorganisation få kulturstöd till badminton i Lund?",
        "🙂",
        "",
    ],
)
def test_what_the_knowledge_does_not_hold_is_left_to_a_person(question: str) -> None:
    assert all(match.confidence < THRESHOLD for match in ask(question))


def test_a_question_of_nothing_known_has_no_match() -> None:
    assert ask("xqzw") == ()


def test_what_was_said_before_tips_the_scales() -> None:
    alone = UNDERSTANDER.weigh(Part("", "Vilket stöd finns?"), "sv", None)
    with_background = UNDERSTANDER.weigh(
        Part("", "Vilket stöd finns?", "Vi är en kulturförening som spelar teater."), "sv", None
    )
    assert with_background.candidates[0].article == "kulturstod"
    ranks = dict(zip((each.article for each in alone.candidates), alone.ranks, strict=True))
    assert with_background.ranks[0] > ranks["kulturstod"]


def test_the_evidence_names_words_wording_and_what_is_missing() -> None:
    articles = {each.id: each for each in ARTICLES}
    asked = "Hur mycket kan kulturföreningar få i projektstöd till badminton?"
    best = MATCHER.candidates(Part(asked, asked))[0]
    evidence = {each.matcher: each for each in best.evidence}
    assert "projektstod" in evidence["lexical"].detail
    assert evidence["fuzzy"].detail in articles[best.article].texts["sv"].questions
    assert "badminton" in evidence["missing"].detail
    assert evidence["kind"].detail == "amount"


def test_an_article_without_a_text_in_the_language_is_searched_by_its_swedish_one_and_never_sure() -> None:
    english = Matcher(ARTICLES, GLOSSARY, "en")
    assert english.candidates(Part("", "How do we join the agreement?"))[0].article == "ansluta-forening"
    found = {each.article: each for each in english.candidates(Part("", "paraplyorganisation"))}
    assert not found["paraply-ansluta"].is_whole


def test_in_another_language_an_article_is_searched_by_its_wordings() -> None:
    joining = replace(ARTICLES[0], wordings={"so": ("Sideen ku biirnaa heshiiska?",)})
    somali = Matcher((joining, *ARTICLES[1:]), GLOSSARY, "so")
    (found, *_) = somali.candidates(Part("", "sideen heshiiska ku biirnaa"))
    assert found.article == joining.id
    assert found.signals.ratio > 0.9
    assert found.signals.missing == 0.0


def test_in_another_language_a_kind_of_fact_is_looked_for_in_the_swedish_answer() -> None:
    def lacks(question: str, answer: str) -> bool:
        swedish = replace(ARTICLES[0].texts["sv"], answer=answer)
        wording = "Wie viel kostet es, dem Abkommen beizutreten?"
        joining = replace(ARTICLES[0], texts={"sv": swedish}, wordings={"de": (wording,)})
        (found, *_) = Matcher((joining, *ARTICLES[1:]), GLOSSARY, "de").candidates(Part("", question))
        assert found.article == joining.id
        return found.signals.is_kind_missing

    assert lacks("was kostet es beizutreten", "Läs överenskommelsen i styrelsen.")
    assert not lacks("was kostet es beizutreten", "Att gå med kostar 100 kr.")
    assert not lacks("wie kann man beitreten", "Läs överenskommelsen i styrelsen.")
    assert lacks("wann kann man beitreten", "Läs överenskommelsen i styrelsen.")
    assert not lacks("wann kann man beitreten", "Den skrevs i september 2017."), "the past is not told apart"


def test_confidence_is_shared_among_the_candidates() -> None:
    for question in ("förening", "överenskommelsen", "Hur går vi med?"):
        assert sum(match.confidence for match in ask(question)) <= 1.0


def test_no_articles_at_all() -> None:
    assert Matcher((), (), "sv").candidates(Part("hej", "hej", "hej")) == ()


def test_a_wording_word_for_word_is_as_good_as_certain() -> None:
    for article in ARTICLES:
        for question in article.texts["sv"].questions:
            written = MATCHER.written(Part(question.upper(), question.upper()))
            assert written is not None
            assert written.article == article.id
            assert written.confidence >= DISPUTED, "it answers even where a rule points to another owner"
            matches = UNDERSTANDER.understand(question.upper()).questions[0].matches
            assert sum(match.confidence for match in matches) <= 1.0001


def test_of_several_articles_with_the_same_wording_the_last_is_meant() -> None:
    same = "Var står cykelpumpen?"

    def asked_so(article: Article) -> Article:
        text = article.texts["sv"]
        return replace(article, texts={**article.texts, "sv": replace(text, questions=(*text.questions, same))})

    first, second, *rest = ARTICLES
    matcher = Matcher((asked_so(first), asked_so(second), *rest), GLOSSARY, "sv")
    written = matcher.written(Part(same, same))
    assert written is not None
    assert written.article == second.id
    for other in ("Var står pumpen?", "Cykelpumpen", "hej", "bidrag", ""):  # wherever their hashes fall
        assert matcher.written(Part(other, other)) is None


def test_what_only_sounds_like_an_article_is_told_apart() -> None:
    near = "Hur stor är salen i kvadratmeter?"
    known = tuple(replace(article, near_misses=(near,)) if article.id == "lokaler" else article for article in ARTICLES)
    matcher = Matcher(known, GLOSSARY, "sv")

    def signal(text: str, article: str = "lokaler", among: Matcher = matcher) -> float:
        found = {each.article: each.signals.near_miss for each in among.candidates(Part(text, text))}
        return found.get(article, 0.0)

    assert signal(near) > 0.3  # nearer to it than to any wording
    assert signal(known_wording()) < -0.3
    assert signal(near, among=MATCHER) == 0.0  # nobody has said what it is


def test_wordings_that_ask_for_the_same_kind_of_fact_speak_louder() -> None:
    def asking(article: Article, question: str) -> Article:
        return replace(article, texts={"sv": replace(article.texts["sv"], questions=(question,))}, near_misses=())

    named, dated = ARTICLES[:2]
    known = (asking(named, "Vem betalar stödet?"), asking(dated, "När betalas stödet ut?"))
    seen = Matcher(known, GLOSSARY, "sv").candidates(Part("", "Datum stödet"))
    votes = {each.article: each.signals.votes for each in seen}
    assert votes[dated.id] > votes[named.id], "by their words alone it would be the other way round"


@pytest.mark.parametrize("compared", [1, len(ARTICLES)])
def test_where_there_are_thousands_of_wordings_those_of_articles_near_in_words_are_compared(
    monkeypatch: pytest.MonkeyPatch, compared: int
) -> None:
    part = Part("Vi är en kör.", "hur ansluter vi oss")
    among_all = {each.article: each for each in MATCHER.candidates(part)}
    monkeypatch.setattr(matching, "_ALL_COMPARED", 0)
    monkeypatch.setattr(matching, "_COMPARED", compared)
    nearest, *rest = Matcher(ARTICLES, GLOSSARY, "sv").candidates(part)
    if compared == 1:
        assert nearest.signals.votes > 0.2
        assert [each.signals.votes for each in rest] == [0.0] * len(rest)
    else:  # all of them after all
        for each in (nearest, *rest):
            assert each.signals.votes == pytest.approx(among_all[each.article].signals.votes, abs=1e-4)
            assert each.signals.near_miss == pytest.approx(among_all[each.article].signals.near_miss, abs=1e-4)


def known_wording() -> str:
    return next(article for article in ARTICLES if article.id == "lokaler").texts["sv"].questions[0]
