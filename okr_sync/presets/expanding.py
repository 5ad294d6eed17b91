"""Makes a kind of source from a recipe: its questions are asked through a connector for JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, ClassVar, Literal, cast
from zoneinfo import ZoneInfo

from pydantic import Field, ValidationError, create_model, model_validator

from okr_sync.connector import Answer, Ask, Caller, MetricSource, Miss, Outcome, Query, Secret, Settings, WebSettings
from okr_sync.presets.filling import Filler
from okr_sync.presets.recipes import Knob, Recipe

__all__ = ["Preset", "PresetQuery", "PresetSettings", "preset_class"]

_TYPES: Mapping[str, Any] = {
    "secret": Secret, "whole": int, "number": float, "texts": tuple[str, ...], "time_zone": ZoneInfo,
}  # fmt: skip


class PresetSettings(WebSettings):
    """Settings of a recipe; valid when those are that they stand for."""

    recipe: ClassVar[Recipe]
    asked_through: ClassVar[type[MetricSource]]
    url: str | None = None

    @model_validator(mode="after")
    def _stand_for_valid_ones(self) -> PresetSettings:
        try:
            self.expanded()
        except ValidationError as error:
            first = error.errors()[0]
            said = first["msg"].removeprefix("Value error, ")
            place = ".".join(map(str, first["loc"]))
            raise ValueError(f"{place}: {said}" if place else said) from None
        return self

    def expanded(self) -> Settings:
        """Return the settings of the connector that is asked through. Raises ValidationError."""
        given = {name: getattr(self, name) for name in self.recipe.settings}
        url = self.url or Filler(given, self.recipe.tables).settings({"url": self.recipe.url})["url"]
        filled = Filler({**given, "url": url.rstrip("/")}, self.recipe.tables).settings(self.recipe.http)
        reach = {name: getattr(self, name) for name in WebSettings.model_fields}
        return self.asked_through.Settings.model_validate({**reach, "url": url, **filled})


class PresetQuery(Query):
    """A question by its name, with the parameters that it takes."""

    recipe: ClassVar[Recipe]
    query: str

    @model_validator(mode="after")
    def _has_its_parameters(self) -> PresetQuery:
        question = self.recipe.questions[self.query]
        takes = f"it takes {', '.join(question.parameters)}" if question.parameters else "it takes none"
        for name in self.model_fields_set - {"query", *question.parameters}:
            raise ValueError(f"{name} is no parameter of {self.query}; {takes}")
        for name in question.required:
            if getattr(self, name) is None:
                raise ValueError(f"{self.query} needs `{name}`: {self.recipe.parameters[name].description}")
        return self

    def expanded(self, settings: PresetSettings) -> dict[str, Any]:
        """Return the question to the connector that is asked through. Raises ValueError."""
        question = self.recipe.questions[self.query]
        known = {name: getattr(settings, name) for name, knob in self.recipe.settings.items() if knob.type != "secret"}
        given = {name: getattr(self, name) for name in question.parameters}
        return Filler({**known, **given}, self.recipe.tables).request(question.request)


class Preset(MetricSource):
    """A metric source that puts a recipe's questions to the connector that is asked through."""

    recipe: ClassVar[Recipe]
    asked_through: ClassVar[type[MetricSource]]

    def __init__(self, settings: PresetSettings, caller: Caller | None = None) -> None:
        super().__init__(settings, caller)
        self._inner = self.asked_through(settings.expanded(), self.caller)

    def probe(self) -> str:
        """Return what the connector says. Raises SourceError."""
        return f"{self.recipe.title}: {self._inner.probe()}"

    def close(self) -> None:
        """Close all connections."""
        self._inner.close()

    def read(self, ask: Ask[Any]) -> Answer:
        """Return one outcome for every ref. Raises SourceError when the whole source failed."""
        asked: dict[str, Query] = {}
        misses: dict[str, Outcome] = {}
        for ref, query in ask.queries.items():
            try:
                asked[ref] = self.asked_through.Query.model_validate(query.expanded(self.settings))
            except ValueError as error:
                misses[ref] = Miss("invalid", f"{query.query} can't be asked so: {_first(error)}")
        return {**self._inner.read(replace(ask, queries=asked)), **misses}


def preset_class(kind: str, recipe: Recipe, through: type[MetricSource]) -> type[Preset]:
    """Return the class of the kind that a recipe makes, which asks through a connector for JSON."""
    stem = "".join(word.capitalize() for word in kind.split("_"))
    shared: dict[str, Any] = {"recipe": recipe, "asked_through": through}
    settings: dict[str, Any] = {name: _field(knob) for name, knob in recipe.settings.items()}
    settings["url"] = (str | None, Field(None, description=f"Default: {recipe.url}"))
    parameters: dict[str, Any] = {name: _field(knob, _users(recipe, name)) for name, knob in recipe.parameters.items()}
    told = "; ".join(f"`{name}`: {question.description}" for name, question in recipe.questions.items())
    parameters = {"query": (Literal[tuple(recipe.questions)], Field(description=told)), **parameters}
    settings_base = type(f"{stem}SettingsBase", (PresetSettings,), {**shared, "__module__": __name__})
    query_base = type(f"{stem}QueryBase", (PresetQuery,), {"recipe": recipe, "__module__": __name__})
    body = {
        **shared,
        "kind": kind,
        "summary": recipe.summary,
        "permissions": recipe.permissions,
        "example": recipe.example,
        "Settings": create_model(f"{stem}Settings", __base__=settings_base, __module__=__name__, **settings),
        "Query": create_model(f"{stem}Query", __base__=query_base, __module__=__name__, **parameters),
        "__doc__": f"A metric source: {recipe.summary}.",
        "__module__": __name__,
    }
    return cast("type[Preset]", type(stem, (Preset,), body))


def _field(knob: Knob, note: str = "") -> tuple[Any, Any]:
    """Return the type and the default of a setting or parameter, as pydantic wants them."""
    kind: Any = _TYPES.get(knob.type, str)
    if knob.choices:
        kind = Literal[knob.choices]
    elif knob.type == "text":
        kind = Annotated[str, Field(min_length=1, pattern=knob.pattern)]
    said = knob.description + note
    if knob.required:
        return kind, Field(description=said)
    if knob.default is None:
        return kind | None, Field(None, description=said)
    return kind, Field(knob.default, validate_default=True, description=said)


def _users(recipe: Recipe, parameter: str) -> str:
    names = [name for name, question in recipe.questions.items() if parameter in question.parameters]
    if len(names) == len(recipe.questions):
        return ""
    return f"; for {', '.join(f'`{name}`' for name in names)}"


def _first(error: ValueError) -> str:
    if isinstance(error, ValidationError):
        detail = error.errors()[0]
        return f"{'.'.join(map(str, detail['loc']))}: {detail['msg'].removeprefix('Value error, ')}"
    return str(error)
