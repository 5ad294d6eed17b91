"""CI may try laws by themselves with more examples: only they are left out elsewhere, and `make laws` has them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.core import test_tallies
from tests.store import test_statements

ROOT = Path(__file__).parents[2]
LAW = test_statements.test_an_instant_is_written_as_sqlalchemy_writes_it.__name__
NO_LAW = test_statements.test_an_instant_without_a_zone_is_not_written.__name__
LAW_ELSEWHERE = test_tallies.test_numbers_give_the_same_work_as_items.__name__


def test_laws_tried_apart_are_left_out_and_nothing_else_is() -> None:
    """Seen red without `trylast`, when nothing is marked yet; and with all laws left out, wherever they are."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider"]
    files = [str(module.__file__) for module in (test_statements, test_tallies)]
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_") and name != "CI"}
    apart = {**env, "OKR_SYNC_LAWS_APART": "tests/store tests/bench"}
    done = subprocess.run([*command, *files], cwd=ROOT, env=apart, capture_output=True, text=True, check=True)
    named = set(re.findall(r"::(\w+)", done.stdout))
    assert {LAW, NO_LAW, LAW_ELSEWHERE} & named == {NO_LAW, LAW_ELSEWHERE}
    assert "deselected" in done.stdout


def test_what_is_left_out_is_what_make_laws_tries() -> None:
    """One list names both. Seen red with a list of their own in `laws`."""
    made = (ROOT / "Makefile").read_text("utf-8")
    (places,) = re.findall(r"^LAWS := (.+)$", made, re.MULTILINE)
    assert [place for place in places.split() if not (ROOT / place).exists()] == []
    assert re.search(r"-m hypothesis \$\(LAWS\)$", made, re.MULTILINE)
    assert 'OKR_SYNC_LAWS_APART="$(LAWS)"' in made
