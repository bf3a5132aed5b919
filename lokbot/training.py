"""Fit the numbers that understanding weighs by, and prove them by cross-validation: what `lokbot train` does.

Deterministic: the same knowledge gives the same file. SciPy is needed here and nowhere else.

What is learnt from: the golden questions, those without an answer too, and the articles' own wordings with less
weight, each hidden in turn in one of five folds with every tenth article hidden whole. What the figures and thresholds
rest on: golden questions alone, each judged by numbers fitted without it and without the others on its article.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lokbot.conversation.decision import DISPUTED
from lokbot.evaluation.splits import Split, of_split
from lokbot.knowledge.loading import with_digest
from lokbot.model import Article, GoldenQuestion, IntentAction, Knowledge, Outcome, Question
from lokbot.understanding import DECIDING, LEXICAL, SEMANTIC, Encoder, Meanings, Understander, confidence
from lokbot.understanding.confidence import RANK_SIGNALS, TRUST_SIGNALS, Circumstances, Line, Model, Signals
from lokbot.understanding.language import detect
from lokbot.understanding.split import Part, split

FOLDS = 5
RATES = (0.0025, 0.005, 0.0075, 0.01, 0.0125, 0.015, 0.02, 0.025, 0.03, 0.04, 0.05, 0.1)
BINS = 10
_HIDDEN_FOLDS = 2  # more of the wordings add nothing but time
_WORDING_WEIGHT = 0.03  # of a wording beside a golden question: wordings are alike, and nobody wrote them to the city
_HIDDEN_ARTICLES = 10  # every tenth is hidden whole
_PENALTY = 1.0  # L2, on standardised signals; a third or three times as much changes little
_RANK_PENALTY = 3.0
# An answer that does not hold the amount or the name asked for is no answer: in trust this may not weigh less. Few of
# the examples show it. From -4 to -8 cross-validation hardly differs, and -3 lets strong near misses through.
_KIND_IS_MISSING = -5.0
# Who wrote the wordings and the patterns could see many of the questions that are judged here: six tenths of what
# may go wrong are left to questions that nobody saw.
_MARGIN = 0.4
# And of the articles' own near misses, hidden in turn, at most so many times the rate may pass. People's are slyer than
# these: on questions that nobody had seen, what passed was twice that (docs/understanding.md).
_NEAR_MISSES = 2
_AGAINST = frozenset(
    {
        *("missing", "is_kind_missing", "is_pointed_elsewhere"),
        *("near_miss", "meant_near_miss", "votes_for_none", "meant_votes_for_none", "for_a_person"),
    }
)
_EITHER = frozenset({"is_english", "is_other", "length"})
# What sounds like an article is at least near it: this speaks against trust, but not for another article.
_EITHER_IN_RANK = frozenset({"near_miss", "meant_near_miss"})
# Signals that only vectors give.
_BY_MEANING = frozenset({"meant_votes", "meant_whole_votes", "meant_votes_for_none", "meant_near_miss", "for_a_person"})

# The share of questions that may be taken for such a matter by meaning and are none: a false alarm wakes people up, and
# what a text would have answered waits for a person.
_MISHEARD = {
    IntentAction.URGENT: 0.015,
    IntentAction.PERSON: 0.01,
    IntentAction.OWN_MATTER: 0.01,
    IntentAction.HAND_IN: 0.01,
    IntentAction.ROUTE: 0.01,
}
_FEWEST_VOTES = 0.3  # less is no hearing

_NO_WEIGHTS = Model(Line(0.0, {}), Line(0.0, {}), (), ())
_BLANK = {LEXICAL: _NO_WEIGHTS, SEMANTIC: _NO_WEIGHTS}


@dataclass(frozen=True, slots=True)
class Example:
    """One question with its candidates. ``right`` are the articles that answer it, perhaps none."""

    id: str
    group: str
    language: str
    style: str
    right: frozenset[str]
    articles: tuple[str, ...]
    signals: tuple[Signals, ...]
    circumstances: Circumstances
    weight: float = 1.0
    is_decided_by_rule: bool = False


@dataclass(frozen=True, slots=True)
class Judged:
    """A golden question judged by numbers that were fitted without it."""

    example: Example
    article: str
    confidence: float
    is_pointed_elsewhere: bool = False

    @property
    def is_right(self) -> bool:
        return self.article in self.example.right

    @property
    def is_vetoed(self) -> bool:
        return self.example.circumstances.is_vetoed

    @property
    def is_open(self) -> bool:
        """Whether the threshold has a say: no rule decides it, nor points elsewhere and asks for ``DISPUTED``."""
        is_left = self.is_pointed_elsewhere and self.confidence < DISPUTED
        return not (self.example.is_decided_by_rule or is_left)


@dataclass(frozen=True, slots=True)
class Fitted:
    """A model for each calibration with what cross-validation said of it."""

    models: Mapping[str, Model]
    judged: Mapping[str, tuple[Judged, ...]]


# ------------------------------------------------------------------ examples


def golden_examples(knowledge: Knowledge, understander: Understander, encoder: Encoder | None) -> list[Example]:
    """An example for each question of each golden message."""
    found = []
    asked = golden_parts(knowledge)
    several = Counter(golden.id for golden, *_ in asked)
    vectors = _meanings(understander, [(part, question.language) for _, _, part, question in asked], encoder)
    for (golden, number, part, question), vector in zip(asked, vectors, strict=True):
        weighed = understander.weigh(part, question.language, vector, hits=question.intents)
        found.append(
            Example(
                id=f"{golden.id}.{number}",
                group=golden.articles[0] if golden.articles else golden.id,
                language=question.language,
                style=golden.style,
                right=frozenset(golden.articles),
                articles=tuple(each.article for each in weighed.candidates),
                signals=tuple(each.signals for each in weighed.candidates),
                circumstances=weighed.circumstances,
                weight=1 / several[golden.id],
                is_decided_by_rule=any(hit.intent.action in DECIDING for hit in weighed.hits),
            )
        )
    return found


def golden_parts(knowledge: Knowledge) -> list[tuple[GoldenQuestion, int, Part, Question]]:
    """The questions of each golden message, numbered, as they are understood by words."""
    # Rules and languages are the same without vectors, which would be computed one by one.
    by_words = Understander(knowledge, None, _BLANK)
    return [
        (golden, number, part, question)
        for golden in of_split(knowledge.golden, Split.TRAIN, Split.DEV)
        for number, (part, question) in enumerate(
            zip(split(golden.text), by_words.understand(golden.text).questions, strict=True)
        )
    ]


def least_votes(knowledge: Knowledge, encoder: Encoder) -> dict[str, float]:
    """For each action the least votes to hear it by, so that few golden questions are heard wrongly (``_MISHEARD``)."""
    understander = Understander(knowledge, encoder, _BLANK)
    asked = golden_parts(knowledge)
    vectors = _meanings(understander, [(part, question.language) for _, _, part, question in asked], encoder)
    told: dict[IntentAction, dict[str, float]] = {action: {} for action in _MISHEARD}
    for (golden, *_), vector in zip(asked, vectors, strict=True):
        heard = understander.heard(vector).votes
        for action in _MISHEARD:
            if not _is_heard_rightly(action, golden):
                told[action][golden.id] = max(told[action].get(golden.id, 0.0), heard.get(action, 0.0))
    return {action.value: _least(told[action].values(), rate) for action, rate in _MISHEARD.items()}


def _is_heard_rightly(action: IntentAction, golden: GoldenQuestion) -> bool:
    """Whether no harm is done by taking the question for such a matter."""
    if action is IntentAction.URGENT:
        return golden.is_urgent
    return (Outcome.ROUTE if action is IntentAction.ROUTE else Outcome.ESCALATE) in golden.outcomes


def _least(votes: Collection[float], rate: float) -> float:
    """What no more than ``rate`` (a share of 1) of ``votes`` reach."""
    ordered = sorted(votes, reverse=True)
    return round(min(1.0, max(_FEWEST_VOTES, ordered[int(rate * len(ordered))] + 0.001)), 3)


def _meanings(
    understander: Understander, asked: Sequence[tuple[Part, str]], encoder: Encoder | None
) -> Sequence[Meanings | None]:
    """The vectors of each question in its language, computed in one go for each language."""
    found: list[Meanings | None] = [None] * len(asked)
    if encoder is None:
        return found
    for language in {language for _, language in asked}:
        places = [place for place, (_, own) in enumerate(asked) if own == language]
        meanings = understander.meanings([asked[place][0] for place in places], language, encoder.wordings)
        if None in meanings:
            raise LookupError("no vectors")
        for place, meaning in zip(places, meanings, strict=True):
            found[place] = meaning
    return found


def content_examples(knowledge: Knowledge, encoder: Encoder | None) -> list[Example]:
    """What the articles themselves teach: an example for each of a part of their wordings and near misses, hidden from
    the knowledge that is searched for it; some articles are hidden whole.

    With vectors, one in a further language is looked for among Swedish and English alone: its translations would give
    it away.
    """
    found = []
    for fold in range(_HIDDEN_FOLDS):
        kept = {id: each for id, each in knowledge.articles.items() if _share(id, _HIDDEN_ARTICLES) != fold}
        known: list[_Asked] = []
        others: list[_Asked] = []
        for article in knowledge.articles.values():
            asked = [
                _Asked(text, code, article.id, frozenset({article.id} & kept.keys()), "wording")
                for code, text in _wordings(article)
            ]
            asked += [_Asked(text, detect(text), article.id, frozenset(), "near-miss") for text in article.near_misses]
            for each in asked:
                if _share(each.text, FOLDS) == fold:
                    (known if each.language in article.texts or encoder is None else others).append(each)
        searched = {id: _without(article, fold) for id, article in kept.items()}
        found += _hidden(with_digest(replace(knowledge, articles=searched)), known, encoder)
        if others:
            plain = {id: replace(article, wordings={}, near_misses=_known(article)) for id, article in kept.items()}
            found += _hidden(with_digest(replace(knowledge, articles=plain)), others, encoder)
    return found


def _known(article: Article) -> tuple[str, ...]:
    """Its near misses in the languages that it is written in."""
    return tuple(text for text in article.near_misses if detect(text) in article.texts)


@dataclass(frozen=True, slots=True)
class _Asked:
    """A question that the articles themselves hold."""

    text: str
    language: str
    group: str
    right: frozenset[str]
    style: str


def _hidden(searched: Knowledge, hidden: Sequence[_Asked], encoder: Encoder | None) -> list[Example]:
    understander = Understander(searched, encoder, _BLANK)
    parts = [split(each.text)[0] for each in hidden]
    vectors = _meanings(
        understander, [(part, each.language) for part, each in zip(parts, hidden, strict=True)], encoder
    )
    found = []
    for asked, part, vector in zip(hidden, parts, vectors, strict=True):
        weighed = understander.weigh(part, asked.language, vector)
        found.append(
            Example(
                id=asked.text,
                group=asked.group,
                language=asked.language,
                style=asked.style,
                right=asked.right,
                articles=tuple(each.article for each in weighed.candidates),
                signals=tuple(each.signals for each in weighed.candidates),
                circumstances=weighed.circumstances,
                weight=_WORDING_WEIGHT,
            )
        )
    return found


def _wordings(article: Article) -> Iterable[tuple[str, str]]:
    for language, text in article.texts.items():
        yield from ((language, question) for question in text.questions)
    for language, questions in article.wordings.items():
        yield from ((language, question) for question in questions)


def _without(article: Article, fold: int) -> Article:
    def kept(questions: Iterable[str]) -> tuple[str, ...]:
        return tuple(question for question in questions if _share(question, FOLDS) != fold)

    return replace(
        article,
        texts={code: replace(text, questions=kept(text.questions)) for code, text in article.texts.items()},
        wordings={code: kept(questions) for code, questions in article.wordings.items()},
        near_misses=kept(article.near_misses),
    )


def _share(text: str, shares: int) -> int:
    """The same share for the same text, always and everywhere."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") % shares


# ------------------------------------------------------------------ fitting


def train(knowledge: Knowledge, encoder: Encoder | None, *, without: frozenset[str] = frozenset()) -> Fitted:
    """Fit both calibrations (the lexical one alone without an encoder). ``without`` leaves signals out, to ablate."""
    models, judged = {}, {}
    for name in (LEXICAL, SEMANTIC) if encoder is not None else (LEXICAL,):
        vectors = encoder if name == SEMANTIC else None
        golden, content, heard = examples(knowledge, vectors)
        model, judged[name] = fit(golden, content, is_semantic=name == SEMANTIC, without=without)
        models[name] = replace(model, heard=heard)
    return Fitted(models, judged)


def examples(knowledge: Knowledge, encoder: Encoder | None) -> tuple[list[Example], list[Example], Mapping[str, float]]:
    """All that is learnt from: golden questions, what the articles teach, and the least votes to hear an action by."""
    heard = least_votes(knowledge, encoder) if encoder is not None else {}
    blank = {LEXICAL: _NO_WEIGHTS, SEMANTIC: replace(_NO_WEIGHTS, heard=heard)}
    golden = golden_examples(knowledge, Understander(knowledge, encoder, blank), encoder)
    return golden, content_examples(knowledge, encoder), heard


def fit(
    golden: Sequence[Example],
    wordings: Sequence[Example],
    *,
    is_semantic: bool,
    without: frozenset[str] = frozenset(),
) -> tuple[Model, tuple[Judged, ...]]:
    """The model of one calibration, and each golden question judged by one fitted without its article."""
    leaving = without if is_semantic else without | _BY_MEANING
    misses = [each for each in wordings if each.style == "near-miss" and not each.circumstances.is_other]
    judged: list[Judged] = []
    missed: list[Judged] = []
    for fold in range(FOLDS):
        kept = [each for each in (*golden, *wordings) if _share(each.group, FOLDS) != fold]
        model = _fit(kept, leaving)
        judged += [judge(each, model) for each in golden if _share(each.group, FOLDS) == fold and each.signals]
        missed += [judge(each, model) for each in misses if _share(each.group, FOLDS) == fold and each.signals]
    judged.sort(key=lambda each: each.example.id)
    line = _told_as_it_was(judged)
    judged = [_recalibrated(each, line) for each in judged]
    missed = [_recalibrated(each, line) for each in missed]
    known = [each for each in judged if not each.example.circumstances.is_other]
    others = [each for each in judged if each.example.circumstances.is_other]
    model = _fit([*golden, *wordings], leaving)
    slope = line.weights["log_odds"]
    trust = Line(
        _short(slope * model.trust.constant + line.constant),
        {name: _short(slope * weight) for name, weight in model.trust.weights.items()},
    )
    final = replace(
        model,
        trust=trust,
        thresholds=stricter(
            thresholds(known, int(_MARGIN * _messages(golden))), thresholds(missed, _NEAR_MISSES * len(missed))
        ),
        # They are few, and hidden wordings, which are translations, would flatter them. By words alone even less is
        # known: a few wordings do not tell which words of a language weigh nothing.
        thresholds_other=thresholds(others, len(others) if is_semantic else int(_MARGIN * len(others))),
    )
    return final, tuple(judged)


def _told_as_it_was(judged: Sequence[Judged]) -> Line:
    """What makes of the log-odds told those that golden questions show (Platt 1999).

    Of what the articles teach more are near misses than of what the bot is asked.
    """
    open_to_score = [each for each in judged if not (each.example.is_decided_by_rule or each.is_vetoed)]
    rows = [{"log_odds": confidence.log_odds(each.confidence)} for each in open_to_score]
    return _regression(["log_odds"], rows, [each.is_right for each in open_to_score], [1.0] * len(rows))


def _recalibrated(judged: Judged, line: Line) -> Judged:
    if judged.is_vetoed:
        return judged
    told = line.value({"log_odds": confidence.log_odds(judged.confidence)})
    return replace(judged, confidence=confidence.chance(told))


def _messages(golden: Sequence[Example]) -> int:
    return len({each.id.partition(".")[0] for each in golden if not each.circumstances.is_other})


def _fit(examples: Sequence[Example], leaving: frozenset[str]) -> Model:
    seen = [each for each in examples if each.signals]
    names = [name for name in RANK_SIGNALS if name not in leaving]
    rank = _choice(names, [each for each in seen if each.right.intersection(each.articles)])
    model = Model(rank, Line(0.0, {}), (), ())
    rows, hits, weights = [], [], []
    for each in seen:
        article, trusted = ranked(each, model)
        rows.append(trusted)
        hits.append(article in each.right)
        weights.append(each.weight)
    names = [name for name in TRUST_SIGNALS if name not in leaving]
    return replace(model, trust=_regression(names, rows, hits, weights))


def ranked(example: Example, model: Model) -> tuple[str, dict[str, float]]:
    """The best candidate and what it is trusted by."""
    ranks = sorted(
        (
            (confidence.rank(signals, model), article, signals)
            for article, signals in zip(example.articles, example.signals, strict=True)
        ),
        key=lambda each: (-each[0], each[1]),
    )
    values = [value for value, _, _ in ranks]
    return ranks[0][1], confidence.trust_signals(ranks[0][2], example.circumstances, values)


def judge(example: Example, model: Model) -> Judged:
    """What the model makes of an example."""
    article, signals = ranked(example, model)
    share = confidence.HINT_ONLY if example.circumstances.is_vetoed else 1.0
    told = share * confidence.chance(model.trust.value(signals))
    return Judged(example, article, told, bool(signals["is_pointed_elsewhere"]))


def _choice(names: Sequence[str], examples: Sequence[Example]) -> Line:
    """The weights that bring a right candidate first (conditional logit, McFadden 1974), on the sides of ``_bounds``.

    What is common to all candidates of a question cannot matter, so that nothing but their order is learnt.
    """
    from scipy.optimize import minimize

    values = np.array([[float(getattr(s, name)) for name in names] for each in examples for s in each.signals])
    sizes = [len(each.articles) for each in examples]
    right = np.array([article in each.right for each in examples for article in each.articles], dtype=float)
    heavy = np.array([each.weight for each in examples])
    starts, owner = np.cumsum([0, *sizes[:-1]]), np.repeat(np.arange(len(sizes)), sizes)
    spread = values.std(axis=0)
    spread[spread == 0] = 1.0
    scaled = values / spread

    only_right = np.where(right > 0, 0.0, -np.inf)

    def shares(scores: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The share of each candidate among those of its question, and the log of their sum."""
        most = np.maximum.reduceat(scores, starts)
        likely = np.exp(scores - most[owner])
        whole = np.add.reduceat(likely, starts)
        return likely / whole[owner], np.log(whole) + most

    def loss(found: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        scores = scaled @ found
        among_all, whole = shares(scores)
        among_right, hit = shares(scores + only_right)
        cost = float((heavy * (whole - hit)).sum() + _RANK_PENALTY * (found @ found) / 2)
        return cost, _RANK_PENALTY * found - (heavy[owner] * (among_right - among_all)) @ scaled

    bounds = [(None, None) if name in _EITHER_IN_RANK else _bounds(name) for name in names]
    fitted = minimize(loss, np.zeros(len(names)), jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 5000})
    return Line(0.0, {name: _short(weight) for name, weight in zip(names, (fitted.x / spread).tolist(), strict=True)})


def _regression(
    names: Sequence[str],
    rows: Sequence[Mapping[str, float]],
    hits: Sequence[bool],
    weights: Sequence[float],
) -> Line:
    """A logistic regression on standardised signals, its weights told for the signals as they are.

    Weights are kept to the side that makes sense (``_bounds``): of two signals that say much the same, an unbounded
    fit sets one against the other, and nobody could read the file.
    """
    from scipy.optimize import minimize

    values = np.array([[row[name] for name in names] for row in rows])
    heavy = np.array(weights)
    mean = np.average(values, axis=0, weights=heavy)
    spread = np.sqrt(np.average((values - mean) ** 2, axis=0, weights=heavy))
    spread[spread == 0] = 1.0
    scaled = (values - mean) / spread
    sides = np.where(np.array(hits), 1.0, -1.0)

    def loss(found: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        margins = sides * (scaled @ found[:-1] + found[-1])
        pull = heavy * sides / (1 + np.exp(margins))
        penalty = found[:-1] * _PENALTY
        cost = float((heavy * np.logaddexp(0, -margins)).sum() + (found[:-1] @ penalty) / 2)
        return cost, np.append(penalty - pull @ scaled, -pull.sum())

    bounds = [*(_bounds(name) for name in names), (None, None)]
    if "is_kind_missing" in names:
        place = names.index("is_kind_missing")
        bounds[place] = (None, _KIND_IS_MISSING * float(spread[place]))
    start = np.array([min(0.0, 0.0 if high is None else high) for _, high in bounds])
    fitted = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 5000})
    own = fitted.x[:-1] / spread
    constant = float(fitted.x[-1] - own @ mean)
    return Line(_short(constant), {name: _short(float(weight)) for name, weight in zip(names, own, strict=True)})


def _bounds(name: str) -> tuple[float | None, float | None]:
    if name in _AGAINST:
        return None, 0.0
    return (None, None) if name in _EITHER else (0.0, None)


def _short(value: float) -> float:
    """Few enough digits to read, and to be the same on every machine."""
    return round(value, 3)


# ------------------------------------------------------------------ what it is worth


def thresholds(judged: Iterable[Judged], asked: int) -> tuple[tuple[float, float], ...]:
    """For each rate the least confidence at and above which no more of ``asked`` questions are answered wrongly."""
    wrong = sorted((each.confidence for each in judged if not each.is_right and each.is_open), reverse=True)
    found = []
    for rate in RATES:
        allowed = int(rate * asked)
        least = wrong[allowed] if allowed < len(wrong) else 0.0
        found.append((rate, min(1.0, round(least + 0.0005, 3) + 0.001)))
    return tuple((rate, round(max(0.3, least), 3)) for rate, least in found)


def stricter(
    one: tuple[tuple[float, float], ...], other: tuple[tuple[float, float], ...]
) -> tuple[tuple[float, float], ...]:
    """Two tables of thresholds for the same rates, of each the stricter."""
    return tuple((rate, max(least, least_too)) for (rate, least), (_, least_too) in zip(one, other, strict=True))


def calibration_error(judged: Sequence[Judged]) -> float:
    """Expected calibration error over ten bins with equally many questions (Naeini et al. 2015)."""
    ordered = sorted(judged, key=lambda each: each.confidence)
    bins: list[NDArray[np.int64]] = [each for each in np.array_split(np.arange(len(ordered)), BINS) if len(each)]
    error = 0.0
    for places in bins:
        told = np.mean([ordered[n].confidence for n in places])
        was = np.mean([ordered[n].is_right for n in places])
        error += len(places) / len(ordered) * abs(float(told - was))
    return error


def as_text(fitted: Fitted, previous: Mapping[str, Model]) -> str:
    """The fitted file. A calibration that was not fitted anew (no encoder here) is kept as it was."""
    models = {
        name: {
            part: {"constant": line.constant, "weights": dict(line.weights)}
            for part, line in (("rank", model.rank), ("trust", model.trust))
        }
        | {
            "thresholds": {str(rate): least for rate, least in model.thresholds},
            "thresholds_other": {str(rate): least for rate, least in model.thresholds_other},
            "heard": dict(model.heard),
        }
        for name, model in sorted({**previous, **fitted.models}.items())
    }
    return json.dumps({"models": models}, indent=1) + "\n"


def report(knowledge: Knowledge, fitted: Fitted) -> str:
    """What cross-validation says of each calibration, in Swedish."""
    lines = []
    for name, judged in fitted.judged.items():
        model = fitted.models[name]
        least, other = model.threshold(0.01), model.threshold(0.01, is_other=True)
        sure = f"högst 1 % fel svar från {least:.3f} (andra språk {other:.3f})"
        lines.append(f"{_NAMES[name]}: {sure}, kalibreringsfel {calibration_error(judged):.3f}")
        lines += [f"  {figure}" for figure in figures(knowledge, judged, model)]
    return "\n".join(lines)


def figures(knowledge: Knowledge, judged: Sequence[Judged], model: Model) -> list[str]:
    """Answered right and wrongly among the golden questions that no rule decides, by kind of question."""
    right: set[str] = set()
    wrong: set[str] = set()
    decided: set[str] = set()
    for each in judged:
        id = each.example.id.partition(".")[0]
        if each.example.is_decided_by_rule:
            decided.add(id)
        elif each.is_open and each.confidence >= model.threshold(0.01, is_other=each.example.circumstances.is_other):
            (right if each.is_right else wrong).add(id)
    lines = []
    for name, kind in _KINDS.items():
        asked = {golden.id for golden in of_split(knowledge.golden, Split.TRAIN, Split.DEV) if kind(golden)} - decided
        lines.append(
            f"{name}: {len((right - wrong) & asked)} rätt, {len(wrong & asked)} fel av {len(asked)} utan regel"
        )
    return lines


_NAMES = {LEXICAL: "Utan vektorer", SEMANTIC: "Med vektorer"}


def _is_answerable(golden: GoldenQuestion) -> bool:
    return golden.outcomes == {Outcome.ANSWER}


_KINDS: Mapping[str, Callable[[GoldenQuestion], bool]] = {
    "Svenska med svar": lambda golden: golden.language == "sv" and _is_answerable(golden),
    "Engelska med svar": lambda golden: golden.language == "en" and _is_answerable(golden),
    "Andra språk med svar": lambda golden: golden.language not in ("sv", "en") and _is_answerable(golden),
    "Nästan-träffar": lambda golden: golden.style == "near-miss",
    "Alla": lambda _: True,
}

# What is turned off in turn: a name, the signals that it gives.
PARTS = {
    "allt": frozenset[str](),
    "utan ord och 4-gram mot hela artikeln": frozenset({"lexical", "background"}),
    "utan röster av formuleringar, i ord": frozenset({"votes", "whole_votes"}),
    "utan röster av formuleringar, i mening": frozenset({"meant_votes", "meant_whole_votes"}),
    "utan det som sagts omkring": frozenset({"background", "whole_votes", "meant_whole_votes"}),
    "utan nästan-träffar": frozenset({"near_miss", "meant_near_miss", "votes_for_none", "meant_votes_for_none"}),
    "utan rapidfuzz": frozenset({"ratio"}),
    "utan saknade ord": frozenset({"missing"}),
    "utan efterfrågat slag": frozenset({"is_kind_missing"}),
    "utan det som bara en person får svara på, i mening": frozenset({"for_a_person"}),
    "utan regler om ägare": frozenset({"is_pointed_to", "is_pointed_elsewhere"}),
    "utan försprång": frozenset({"gap", "share"}),
    "utan frågans längd": frozenset({"length"}),
}


def ablation(knowledge: Knowledge, encoder: Encoder | None) -> str:
    """What each part adds: the figures with each turned off in turn, fitted anew and cross-validated."""
    lines = []
    for name in (LEXICAL, SEMANTIC) if encoder is not None else (LEXICAL,):
        vectors = encoder if name == SEMANTIC else None
        golden, wordings, _ = examples(knowledge, vectors)
        lines.append(f"{_NAMES[name]} (rätta svar när 0,5 / 1 / 2 % av alla frågor får fel svar; AUC; kalibreringsfel)")
        for part, without in PARTS.items():
            if name == LEXICAL and without and without <= _BY_MEANING:
                continue
            model, judged = fit(golden, wordings, is_semantic=name == SEMANTIC, without=without)
            open_to_score = [each for each in judged if not each.example.is_decided_by_rule]
            found = [
                sum(
                    each.is_right
                    and each.is_open
                    and each.confidence >= model.threshold(rate, is_other=each.example.circumstances.is_other)
                    for each in open_to_score
                )
                for rate in (0.005, 0.01, 0.02)
            ]
            lines.append(
                f"  {part:<40}{found[0]:>5}{found[1]:>5}{found[2]:>5}"
                f"  {area(open_to_score):.3f}  {calibration_error(open_to_score):.3f}"
            )
    return "\n".join(lines)


def area(judged: Sequence[Judged]) -> float:
    """How often a right best candidate is trusted more than a wrong one (area under the ROC curve)."""
    right = np.array([each.confidence for each in judged if each.is_right])
    wrong = np.array([each.confidence for each in judged if not each.is_right])
    if not len(right) or not len(wrong):
        return 1.0
    above = (right[:, None] > wrong[None, :]).mean() + (right[:, None] == wrong[None, :]).mean() / 2
    return float(above)
