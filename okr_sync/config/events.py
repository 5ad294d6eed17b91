"""What stands in a text of YAML, piece by piece: by libyaml where it is known to tell the same as the parser in Python.

The parser in Python takes fifteen times as long, which is a second and more for the files of a company.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import islice

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.events import Event, ScalarEvent

__all__ = ["events_of"]

_READ_OTHERWISE = re.compile(
    r"[\t\\\x85\u2028\u2029\ufeff]|^%|(?:^|[\s\[{,:-])(?:[!?]|[&*](?=\S)|[|>][-+0-9]* *(?:#.*)?$)", re.MULTILINE
)
"""What libyaml, which reads YAML 1.1, may take otherwise: tabs, escapes, other breaks of lines, directives, and what
has a sign before it: anchors, aliases, tags, keys behind question marks, texts of many lines.
"""


def events_of(text: str, most: int) -> Iterable[Event]:
    """Return the events of a text; at most about `most` of them where they come from libyaml.

    Where libyaml trips, or finds no value, the parser in Python tells it anew, for it names the places of that.
    Raises YAMLError, ArithmeticError, ValueError and LookupError while it is read.
    """
    if not _READ_OTHERWISE.search(text):
        try:
            told = list(islice(YAML(typ="safe").parse(text), most))
        except (YAMLError, ArithmeticError, ValueError, LookupError):
            told = []
        if told and not any(isinstance(event, ScalarEvent) and _is_missing(event) for event in told):
            return told
    parsed: Iterable[Event] = YAML(typ="safe", pure=True).parse(text)
    return parsed


def _is_missing(event: ScalarEvent) -> bool:
    return not event.value and bool(event.implicit[0])
