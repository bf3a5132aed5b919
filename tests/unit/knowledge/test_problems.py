"""What a coordinator reads on the terminal."""

from __future__ import annotations

from pathlib import Path

from lokbot.knowledge.problems import KnowledgeError, Problem, Severity, format_problem, in_order, quoted

ROOT = Path("/srv/lokbot")
FILE = ROOT / "knowledge/articles/x.yaml"


def test_a_problem_on_one_line() -> None:
    problem = Problem(FILE, 12, Severity.ERROR, "fältet saknas", "Lägg till det.")
    assert format_problem(problem, ROOT) == (
        "knowledge/articles/x.yaml:12: fel: fältet saknas  Gör så här: Lägg till det."
    )


def test_a_problem_of_a_whole_file_without_remedy_outside_the_root() -> None:
    problem = Problem(FILE, None, Severity.INFO, "median-LIX är 37")
    assert (
        format_problem(problem, Path("/home")) == "/srv/lokbot/knowledge/articles/x.yaml: upplysning: median-LIX är 37"
    )


def test_a_warning_says_so() -> None:
    assert ": varning: " in format_problem(Problem(FILE, 1, Severity.WARNING, "m", "r"), ROOT)


def test_nothing_from_a_file_steers_the_terminal() -> None:
    assert quoted("a\x1b[31m\nb\u202ec") == "»a [31m b c»"
    problem = Problem(ROOT / "a\x1b[2J\n.yaml", 1, Severity.ERROR, "m", "")
    assert format_problem(problem, ROOT) == "a [2J .yaml:1: fel: m"


def test_long_text_is_cut() -> None:
    assert quoted("x" * 60) == f"»{'x' * 60}»"
    assert quoted("x" * 61) == f"»{'x' * 59}…»"


def test_order_is_by_file_then_line_with_whole_files_first() -> None:
    def problem(name: str, line: int | None) -> Problem:
        return Problem(Path(name), line, Severity.ERROR, "m")

    assert in_order([problem("b", 1), problem("a", 10), problem("a", 9), problem("a", None)]) == (
        problem("a", None),
        problem("a", 9),
        problem("a", 10),
        problem("b", 1),
    )


def test_the_exception_counts_errors_only() -> None:
    problems = (Problem(FILE, 1, Severity.ERROR, "m"), Problem(FILE, 1, Severity.WARNING, "m"))
    assert "\n1 fel i kunskapsfilerna" in str(KnowledgeError(problems))
