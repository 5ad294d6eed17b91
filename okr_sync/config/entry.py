"""One part of a config file as a frozen model that knows where it stands; a broken part leaves the others whole."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Annotated, Any, ClassVar, Self, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    ModelWrapValidatorHandler,
    PrivateAttr,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)

from okr_sync.config.amounts import parse_id
from okr_sync.config.places import Mistakes, Place, Row, Table, nearest, place_of
from okr_sync.connector import Referenced

__all__ = ["Entry", "Named", "Parts", "note", "note_unknown_keys", "read_entry"]

T = TypeVar("T")

_TEXTS = {
    "extra_forbidden": "unknown key",
    "float_parsing": "expected a number",
    "float_type": "expected a number",
    "int_parsing": "expected a whole number",
    "int_type": "expected a whole number",
    "bool_type": "expected true or false",
    "string_type": 'expected text; write a number or a word like true in "quotes"',
    "list_type": "expected a list",
    "tuple_type": "expected a list",
    "dict_type": "expected a mapping (key: value)",
    "model_type": "expected a mapping (key: value)",
}


class Entry(BaseModel):
    """Base of all parts. Unknown keys are noted and passed over, empty ones count as absent.

    Validation takes a `Table` and, as context, the `Mistakes` to note in.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True, defer_build=True)
    open: ClassVar[bool] = False
    """True: keys beyond the fields belong to a connector; see `rest`."""
    _table: Table = PrivateAttr()

    @model_validator(mode="wrap")
    @classmethod
    def _remember(cls, data: Any, handler: ModelWrapValidatorHandler[Self], info: ValidationInfo) -> Self:
        if not isinstance(data, Table):
            raise ValueError("expected a mapping (key: value)")  # noqa: TRY004 -- pydantic wants a ValueError
        if not cls.open:
            note_unknown_keys(data, cls.model_fields, _mistakes(info))
        made = handler(data.only(key for key in cls.model_fields if data.get(key) is not None))
        made._table = data
        return made

    @property
    def place(self) -> Place:
        """Where this part begins."""
        return self._table.place

    def at(self, *path: str | int) -> Place:
        """Return where the value at `path` stands, or this part if it is not written."""
        return place_of(self._table, path)

    def written(self, key: str) -> bool:
        """Return whether `key` is written."""
        return self._table.get(key) is not None

    def referenced(self, key: str) -> bool:
        """Return whether the value of `key` came from `${NAME}` or `${file:…}`."""
        return isinstance(self._table.get(key), Referenced)

    def holds(self, key: str) -> bool:
        """Return whether anything stands below `key`, even if it is broken."""
        return bool(self._table.get(key))

    def only(self, *keys: str) -> Table:
        """Return these keys as they are written."""
        return self._table.only(keys)

    def rest(self) -> Table:
        """Return the keys that are no fields: those of a connector."""
        return self._table.without(type(self).model_fields)


def _mistakes(info: ValidationInfo) -> Mistakes:
    """Return the context: every validation here has one."""
    context: Mistakes = info.context  # type: ignore[assignment]
    return context


def note_unknown_keys(table: Table, known: Iterable[str], mistakes: Mistakes) -> None:
    """Note every key of `table` that is not known, with the nearest that is."""
    known = list(known)
    for key in table:
        if key not in known:
            hint = nearest(key, known) or f"; known: {', '.join(known) or 'none'}"
            mistakes.add(table.keys_at[key], f"unknown key {key!r}{hint}")


def note(error: ValidationError, tree: Table | Row, mistakes: Mistakes) -> None:
    """Note all that `error` says about `tree`, each with its place and without any referenced value."""
    for detail in error.errors(include_url=False):
        path = tuple(step for step in detail["loc"] if not str(step).startswith("<"))
        name = next((step for step in reversed(path) if isinstance(step, str)), "")
        value = detail["input"]
        if detail["type"] == "missing":
            mistakes.add(place_of(tree, path[:-1]), f"missing key {name!r}")
        elif isinstance(value, Referenced):
            if mistakes.any_at(place_of(tree, path)):
                continue  # the reference itself could not be resolved
            why = "is empty" if not value.strip() else "is not valid here"
            mistakes.add(place_of(tree, path), f"{name}: the value of {mistakes.quote(value)} {why}")
        else:
            mistakes.add(place_of(tree, path), mistakes.veil(_told(name, dict(detail))))


def _told(name: str, detail: dict[str, Any]) -> str:
    text = _TEXTS.get(detail["type"]) or detail["msg"].removeprefix("Value error, ")
    if detail["type"] in {"too_short", "too_long"}:
        text = _told_length(detail["ctx"])
    if detail["type"] == "literal_error":
        expected = detail["ctx"]["expected"]
        words = [word.strip("' ") for word in expected.replace(" or ", ",").split(",")]
        hint = nearest(detail["input"], words) if type(detail["input"]) is str else ""
        text = f"expected {expected}{hint}"
    return f"{name}: {text}" if name else text


def _told_length(ctx: dict[str, Any]) -> str:
    found = ctx["actual_length"] or "none"
    if "max_length" in ctx:
        return f"expected at most {ctx['max_length']}, found {found}"
    return f"expected at least {'one' if ctx['min_length'] == 1 else ctx['min_length']}, found {found}"


EntryType = TypeVar("EntryType", bound=Entry)


def read_entry(model: type[EntryType], table: Table, mistakes: Mistakes) -> EntryType | None:
    """Return `table` as a `model` without the keys at fault, which are noted; None when a required one is."""

    def validate(tree: Any) -> EntryType:
        return model.model_validate(tree, context=mistakes)

    return _try_twice(table, validate, mistakes)


def _keep_going(value: Any, handler: ValidatorFunctionWrapHandler, info: ValidationInfo) -> Any:
    return _try_twice(value, handler, _mistakes(info))


def _try_twice(value: Any, handler: Callable[[Any], T], mistakes: Mistakes) -> T | None:
    """Note what is wrong with one part, then try it once more without the keys at fault."""
    try:
        return handler(value)
    except ValidationError as error:
        if not isinstance(value, Table):
            raise
        note(error, value, mistakes)
        at_fault = {str(detail["loc"][0]) for detail in error.errors() if detail["loc"]}
    try:
        return handler(value.without(at_fault))
    except ValidationError:
        return None


def _whole_items(parts: list[T]) -> list[T]:
    return [part for part in parts if part is not None]


def _whole_values(parts: dict[str, T]) -> dict[str, T]:
    return {name: part for name, part in parts.items() if part is not None}


def _with_ids(value: Any, info: ValidationInfo) -> Any:
    if not isinstance(value, Table):
        return value
    bad = []
    for key in value:
        try:
            parse_id(key)
        except ValueError as error:
            _mistakes(info).add(value.keys_at[key], f"{key!r}: {error}")
            bad.append(key)
    return value.without(bad)


Parts = Annotated[list[Annotated[T, WrapValidator(_keep_going)]], AfterValidator(_whole_items)]
"""A list of entries; the broken ones are noted and left out."""
Named = Annotated[
    dict[str, Annotated[T, WrapValidator(_keep_going)]], BeforeValidator(_with_ids), AfterValidator(_whole_values)
]
"""Id → entry; the broken ones are noted and left out."""
