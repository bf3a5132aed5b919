"""The socket of the web server: what a browser's connection is like, what is said where the port is taken."""

from __future__ import annotations

import socket

import pytest

from lokbot.model import ChannelError
from lokbot.web.server import listen


def test_no_part_of_an_answer_waits_for_the_browser_to_acknowledge_the_part_before() -> None:
    with listen("127.0.0.1", 0) as listening, socket.create_connection(listening.getsockname()[:2]):
        accepted, _ = listening.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0


def test_a_port_that_is_taken_is_named() -> None:
    with listen("127.0.0.1", 0) as taken, pytest.raises(ChannelError, match=r"web\.port \d+ on 127\.0\.0\.1"):
        listen("127.0.0.1", taken.getsockname()[1])
