"""The part of Jira's query language that readers of issues need: text in, a tree out."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, TypeAlias

Operator: TypeAlias = Literal["=", "!=", ">", ">=", "<", "<=", "in", "not in", "is", "is not"]


class JqlError(Exception):
    """A query that Jira refuses with 400; the text is what Jira says."""


@dataclass(frozen=True, slots=True)
class Word:
    """A value; `quoted` tells "EMPTY" the text from EMPTY the keyword."""

    text: str
    quoted: bool

    @property
    def is_empty(self) -> bool:
        """Whether it is the keyword EMPTY or NULL."""
        return not self.quoted and self.text.upper() in {"EMPTY", "NULL"}


@dataclass(frozen=True, slots=True)
class Clause:
    """`field operator values`; one value unless the operator is `in` or `not in`."""

    field: str
    operator: Operator
    values: tuple[Word, ...]


@dataclass(frozen=True, slots=True)
class Junction:
    """All (`and`) or any (`or`) of the parts."""

    how: Literal["and", "or"]
    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Negation:
    """What the part does not match."""

    part: Node


Node: TypeAlias = Clause | Junction | Negation


@dataclass(frozen=True, slots=True)
class Sort:
    """One field of ORDER BY."""

    field: str
    descending: bool


@dataclass(frozen=True, slots=True)
class Jql:
    """A parsed query; `where` is None when it has no restriction (it is unbounded)."""

    where: Node | None
    order: tuple[Sort, ...]


@dataclass(frozen=True, slots=True)
class _Token:
    kind: Literal["text", "word", "sign", "end"]
    text: str
    at: int


_LEXEME = re.compile(
    r"""\s*(?:
      (?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    | (?P<sign><=|>=|!=|!~|[=<>~(),])
    | (?P<word>cf\[\d+\]|(?:[^\s"'=<>!~(),;\[\]\\]|\\.)+)
    )""",
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
MOST_DEEP = 100
"""How deep NOT and parentheses may be nested."""
KEPT_TREES = 256
"""How many queries are kept parsed: each page of a search brings its query again."""
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_CONTROL = {"n": "\n", "t": "\t", "r": "\r", " ": " "}
_VALID = "'=', '!=', '<', '>', '<=', '>=', '~', '!~', 'IN', 'NOT IN', 'IS' and 'IS NOT'"


@lru_cache(maxsize=KEPT_TREES)
def parse(text: str) -> Jql:
    """Return the tree of a query; raises JqlError with Jira's words and the place of the first mistake."""
    return _Parser(text).query()


def _unescape(text: str) -> str:
    def plain(match: re.Match[str]) -> str:
        code = match[1]
        return chr(int(code[1:], 16)) if len(code) == 5 else _CONTROL.get(code, code)

    return _ESCAPE.sub(plain, text)


def _tokens(text: str) -> list[_Token]:
    found: list[_Token] = []
    at, end = 0, len(text.rstrip())
    while at < end:
        match = _LEXEME.match(text, at)
        if match is None:
            at += len(text[at:]) - len(text[at:].lstrip())
            raise JqlError(
                f"Error in the JQL Query: The character '{text[at]}' is a reserved JQL character. {_place(text, at)}"
            )
        if match["text"] is not None:
            found.append(_Token("text", _unescape(match["text"][1:-1]), match.start("text")))
        elif match["sign"] is not None:
            found.append(_Token("sign", match["sign"], match.start("sign")))
        else:
            found.append(_Token("word", _unescape(match["word"]), match.start("word")))
        at = match.end()
    return [*found, _Token("end", "", len(text))]


def _place(text: str, at: int) -> str:
    line = text.count("\n", 0, at) + 1
    return f"(line {line}, character {at - (text.rfind(chr(10), 0, at) + 1) + 1})"


class _Parser:
    """Recursive descent: or < and < not < (…) or a clause."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = _tokens(text)
        self._next = 0
        self._depth = 0

    def query(self) -> Jql:
        where = None if self._peek("order") or self._now.kind == "end" else self._any()
        order = self._order() if self._take("order") else ()
        if self._now.kind != "end":
            raise self._error("Expecting either 'OR' or 'AND' but got")
        return Jql(where, order)

    @property
    def _now(self) -> _Token:
        return self._tokens[self._next]

    def _peek(self, *words: str) -> bool:
        ahead = self._tokens[self._next : self._next + len(words)]
        found = [token.text.lower() for token in ahead if token.kind in {"word", "sign"}]
        return found == list(words)

    def _take(self, *words: str) -> bool:
        taken = self._peek(*words)
        self._next += len(words) if taken else 0
        return taken

    def _error(self, expecting: str) -> JqlError:
        got = f"'{self._now.text}'" if self._now.kind != "end" else "the end of the query"
        return JqlError(f"Error in the JQL Query: {expecting} {got}. {_place(self._text, self._now.at)}")

    def _any(self) -> Node:
        parts = [self._all()]
        while self._take("or"):
            parts.append(self._all())
        return parts[0] if len(parts) == 1 else Junction("or", tuple(parts))

    def _all(self) -> Node:
        parts = [self._one()]
        while self._take("and"):
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else Junction("and", tuple(parts))

    def _one(self) -> Node:
        if not self._peek("not") and not self._peek("("):
            return self._clause()
        self._depth += 1
        if self._depth > MOST_DEEP:
            raise JqlError("Error in the JQL Query: it is nested too deeply.")
        inner: Node = Negation(self._one()) if self._take("not") else self._parenthesised()
        self._depth -= 1
        return inner

    def _parenthesised(self) -> Node:
        self._take("(")
        inside = self._any()
        if not self._take(")"):
            raise self._error("Expecting ')' but got")
        return inside

    def _clause(self) -> Clause:
        field = self._word("Expecting a field name but got")
        operator = self._operator()
        if operator in {"in", "not in"}:
            return Clause(field.text, operator, self._list())
        return Clause(field.text, operator, (self._word("Expecting either a value, list or function but got"),))

    def _word(self, expecting: str) -> Word:
        token = self._now
        if token.kind not in {"text", "word"}:
            raise self._error(expecting)
        self._next += 1
        if self._peek("("):
            raise JqlError(f"Unable to find JQL function '{token.text}()'.")
        return Word(token.text, token.kind == "text")

    def _operator(self) -> Operator:
        if self._take("not", "in"):
            return "not in"
        if self._take("in"):
            return "in"
        if self._take("is", "not"):
            return "is not"
        if self._take("is"):
            return "is"
        for sign in ("=", "!=", ">=", ">", "<=", "<"):
            if self._take(sign):
                return sign
        raise JqlError(f"{self._error('Expecting operator but got')} The valid operators are {_VALID}.")

    def _list(self) -> tuple[Word, ...]:
        if not self._take("("):
            raise self._error("Expecting '(' but got")
        words = [self._word("Expecting a value but got")]
        while self._take(","):
            words.append(self._word("Expecting a value but got"))
        if not self._take(")"):
            raise self._error("Expecting ')' but got")
        return tuple(words)

    def _order(self) -> tuple[Sort, ...]:
        if not self._take("by"):
            raise self._error("Expecting 'by' but got")
        sorts = [self._sort()]
        while self._take(","):
            sorts.append(self._sort())
        return tuple(sorts)

    def _sort(self) -> Sort:
        field = self._word("Expecting a field name but got")
        descending = self._take("desc")
        if not descending:
            self._take("asc")
        return Sort(field.text, descending)
