"""Authentication-Results: only our own servers' word counts, in every shape that servers write it."""

from __future__ import annotations

import pytest

from lokbot.channels import authentication, headers
from lokbot.model import Authentication


def found(*values: str, servers: tuple[str, ...] = ("mx.stad.example",)) -> Authentication:
    raw = "".join(f"Authentication-Results: {value}\r\n" for value in values) + "\r\n"
    return authentication.read(headers.read(raw.encode())[0], servers)


def test_the_results_of_our_own_server_are_read() -> None:
    ours = found(
        "mx.stad.example; dkim=pass header.d=forening.example; spf=softfail; dmarc=pass (p=none) header.from=x"
    )
    assert ours == Authentication("mx.stad.example", dmarc="pass", spf="softfail", dkim="pass")
    assert not ours.is_failed


@pytest.mark.parametrize(
    "value",
    [
        "mx.stad.example; dmarc=fail",
        "MX.Stad.Example 1; DMARC = Fail",
        "mx.stad.example (our own; really); dmarc (comment (nested)) =fail",
        'mx.stad.example; spf=pass reason="it; dmarc=pass"; dmarc=fail',
        "mx.stad.example;\r\n dkim=none;\r\n dmarc/1=fail action=none",
    ],
)
def test_a_failure_is_seen_in_every_notation(value: str) -> None:
    assert found(value).is_failed


@pytest.mark.parametrize(
    "value",
    [
        "mx.annan.example; dmarc=fail",
        "mx.stad.example.annan.example; dmarc=fail",
        "dmarc=fail; spf=fail",
        "",
        ";;;",
        "mx.stad.example",
        "mx.stad.example; dmarc=temperror",
        "mx.stad.example; none",
    ],
)
def test_what_others_write_and_what_says_nothing_is_no_failure(value: str) -> None:
    assert not found(value).is_failed


def test_a_stranger_cannot_pass_himself() -> None:
    """The forger's field stands below the one that our server put on top."""
    assert found("mx.stad.example; dmarc=fail", "mx.stad.example; dmarc=pass").is_failed
    assert found("mx.annan.example; dmarc=pass", "mx.stad.example; dmarc=fail").is_failed


def test_exchange_online_writes_no_name() -> None:
    value = (
        "spf=pass (sender IP is 192.0.2.1) smtp.mailfrom=forening.example;"
        " dkim=fail (no key) header.d=forening.example;"
        "dmarc=bestguesspass action=none header.from=forening.example;compauth=fail reason=001"
    )
    assert found(value, servers=("none",)).is_failed
    assert found(value, servers=("none",)).server == "none"
    assert found(value) == Authentication()
    # Only the topmost: what stands below may have come with the mail.
    assert not found("mx.annan.example; spf=pass", value, servers=("none",)).is_failed


def test_without_a_server_of_ours_nothing_is_known() -> None:
    assert found("mx.stad.example; dmarc=fail", servers=()) == Authentication()


def test_the_best_of_several_signatures_counts() -> None:
    assert found("mx.stad.example; dkim=fail header.d=a; dkim=pass header.d=b; dkim=fail header.d=c").dkim == "pass"


def test_absurd_fields_cost_little() -> None:
    assert found("(" * 50_000 + "mx.stad.example; dmarc=fail") == Authentication()
    assert found("mx.stad.example; " + '"' * 50_001 + "; dmarc=fail").server == "mx.stad.example"
