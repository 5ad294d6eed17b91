"""Statuses said by people: appended, the newest counts, and taking back leaves what was said."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlmodel import Session

from okr_sync.core.facts import Override
from okr_sync.errors import UsageError
from okr_sync.store.overrides import load_overrides, say_status, take_back_status
from okr_sync.store.tables import OverrideRow, sql
from tests.store.builders import HOUR, NOW

EXPIRES = NOW + timedelta(days=14)
BOTH = frozenset({"nps", "reach"})


def test_the_newest_word_on_each_key_result_counts(session: Session) -> None:
    say_status(session, NOW, "nps", "ana", status="at_risk", reason="late", expires=EXPIRES)
    say_status(session, NOW, "reach", "ben", status="on_track", reason="fine", expires=EXPIRES)
    say_status(session, NOW + HOUR, "nps", "ben", status="off_track", reason="later", expires=EXPIRES)
    assert load_overrides(session, BOTH) == {
        "nps": Override("nps", "off_track", "ben", "later", NOW + HOUR, EXPIRES),
        "reach": Override("reach", "on_track", "ben", "fine", NOW, EXPIRES),
    }
    assert load_overrides(session, frozenset({"reach"})).keys() == {"reach"}
    assert load_overrides(session, frozenset()) == {}


def test_taking_back_is_appended_and_lasts_until_the_next_word(session: Session) -> None:
    say_status(session, NOW, "nps", "ana", status="at_risk", reason="late", expires=EXPIRES)
    take_back_status(session, NOW + HOUR, "nps", "ben", reason="it came")
    assert load_overrides(session, BOTH) == {}
    assert session.connection().execute(select(func.count()).select_from(sql(OverrideRow))).scalar_one() == 2
    say_status(session, NOW + 2 * HOUR, "nps", "ana", status="on_track", reason="good", expires=EXPIRES)
    assert load_overrides(session, BOTH)["nps"].status == "on_track"


@pytest.mark.parametrize(
    ("reason", "life", "told"), [(" ", HOUR, "needs a reason; give --reason"), ("late", 0 * HOUR, "expired already")]
)
def test_a_word_without_a_reason_or_a_future_is_refused(
    session: Session, reason: str, life: timedelta, told: str
) -> None:
    with pytest.raises(UsageError, match=told):
        say_status(session, NOW, "nps", "ana", status="at_risk", reason=reason, expires=NOW + life)
    assert load_overrides(session, BOTH) == {}
