"""The fixtures themselves: what they promise to the tests that build on them."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from tests.conftest import do_without
from tests.servers import MissingServerError, PostgresCluster


@pytest.fixture
def two_databases(postgres_cluster: PostgresCluster) -> Iterator[tuple[str, str]]:
    urls = postgres_cluster.create_database(), postgres_cluster.create_database()
    yield urls
    for url in urls:
        postgres_cluster.drop_database(url)


def test_each_test_has_a_database_of_its_own(two_databases: tuple[str, str], postgres_url: str) -> None:
    one, other = two_databases
    with psycopg.connect(one) as connection:
        connection.execute("CREATE TABLE note (text text)")
    for url in (other, postgres_url):
        with psycopg.connect(url) as connection:
            found = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone()
        assert found == (0,)


def test_a_database_goes_away_even_where_a_connection_was_left_open(postgres_cluster: PostgresCluster) -> None:
    url = postgres_cluster.create_database()
    with psycopg.connect(url) as left_open:
        postgres_cluster.drop_database(url)
        with pytest.raises(psycopg.OperationalError):
            left_open.execute("SELECT 1")


def test_text_is_utf8_and_sorted_the_same_everywhere(postgres_url: str) -> None:
    with psycopg.connect(postgres_url) as connection:
        found = connection.execute("SELECT current_setting('server_encoding'), 'å' < 'z'").fetchone()
    assert found == ("UTF8", False)  # by code point, as in SQLite


@pytest.mark.parametrize(("ci", "outcome"), [("true", pytest.fail.Exception), ("", pytest.skip.Exception)])
def test_a_missing_server_is_a_failure_in_ci_only(
    ci: str, outcome: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", ci)
    with pytest.raises(outcome, match="apt-get install"):
        do_without(MissingServerError("It is missing: apt-get install it"))
