"""Signed ids: what we sign we know again, and nobody else can make one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lokbot.conversation import tokens

KEY, OTHER = b"k" * 32, b"o" * 32
SIGNED = tokens.message_id(KEY, 71_234, "stad.example")


@given(st.integers(1, 2**63 - 1))
def test_a_message_id_leads_back_to_its_conversation(number: int) -> None:
    identity = tokens.message_id(KEY, number, "stad.example")
    assert identity.endswith("@stad.example")
    assert tokens.conversation_of(KEY, identity) == number
    assert tokens.conversation_of(KEY, identity.upper()) == number
    assert tokens.conversation_of(OTHER, identity) is None
    assert tokens.looks_ours(identity)


def test_no_two_message_ids_are_alike() -> None:
    assert len({tokens.message_id(KEY, 1, "stad.example") for _ in range(1000)}) == 1000


@given(st.integers(1, 2**63 - 1), st.sampled_from("+.-_="))
def test_an_address_leads_back_to_its_conversation(number: int, separator: str) -> None:
    address = tokens.reply_address(KEY, number, "lok@stad.example", separator)
    local = address.partition("@")[0]
    assert len(local) <= 64  # RFC 5321 4.5.3.1.1
    assert address.startswith(f"lok{separator}")
    assert tokens.conversation_at(KEY, address) == number
    assert tokens.conversation_at(KEY, address.upper()) == number
    assert tokens.conversation_at(OTHER, address) is None
    assert tokens.is_reply_address(address)


@given(st.data())
def test_a_changed_letter_breaks_the_signature(data: st.DataObject) -> None:
    local, _, domain = SIGNED.partition("@")
    place = data.draw(st.integers(len("lokbot."), len(local) - 1))
    letter = data.draw(st.sampled_from("abcdefgh234567").filter(lambda letter: letter != local[place]))
    assert tokens.conversation_of(KEY, f"{local[:place]}{letter}{local[place + 1 :]}@{domain}") is None


@pytest.mark.parametrize(
    "identity",
    ["", "@", "lokbot.", "lokbot.1.2.3@stad.example", "lokbot.0f3c@stad.example", "x@stad.example", "lokbot.å@x"],
)
def test_what_is_not_ours_is_nobodys(identity: str) -> None:
    assert tokens.conversation_of(KEY, identity) is None
    assert tokens.conversation_at(KEY, identity) is None


def test_the_signature_of_an_address_signs_no_message_id() -> None:
    signature = tokens.reply_address(KEY, 5, "lok@stad.example", "+").partition("-")[2].partition("@")[0]
    assert tokens.conversation_of(KEY, f"lokbot.5.{'a' * 16}.{signature}@stad.example") is None
