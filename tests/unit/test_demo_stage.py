"""What the demo says when something takes far longer than it should."""

from __future__ import annotations

import pytest

from lokbot.demo import stage


def test_what_was_waited_for_in_vain_is_said_with_a_remedy() -> None:
    with pytest.raises(stage.NotInTime) as caught:
        stage._until(lambda: False, "allt var skickat", patience=0)
    assert "utan att allt var skickat" in str(caught.value)
    assert "LOKBOT_SEMANTIC=off" in str(caught.value)
    assert caught.value.exit_code != 0


def test_what_is_so_is_not_waited_for() -> None:
    stage._until(lambda: True, "allt var skickat", patience=0)
