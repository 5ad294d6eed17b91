"""What a recipe says: settings, how to sign in, and questions with names and parameters; read from its YAML file."""

from __future__ import annotations

from importlib.resources import files
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from okr_sync.errors import OkrSyncError

__all__ = ["Knob", "Question", "Recipe", "RecipeError", "names", "parse_recipe", "read_recipe"]


class RecipeError(OkrSyncError):
    """A recipe can't be used: its file is wrong."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Knob(_Part):
    """A setting, or a parameter of a question. Without `default` it may be left out, unless it is `required`."""

    type: Literal["text", "secret", "whole", "number", "texts", "time_zone"] = "text"
    description: str = Field(min_length=5)
    required: bool = False
    default: Any = None
    choices: tuple[str, ...] = ()
    pattern: str | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> Knob:
        if self.required and self.default is not None:
            raise ValueError("what has a `default` is not `required`")
        if (self.choices or self.pattern) and self.type != "text":
            raise ValueError("`choices` and `pattern` are for text")
        if self.choices and self.default is not None and self.default not in self.choices:
            raise ValueError("`default` is none of `choices`")
        return self


class Question(_Part):
    """A question with a name: the request of the connector for JSON, with places for settings and parameters."""

    description: str = Field(min_length=10)
    parameters: tuple[str, ...] = ()
    required: tuple[str, ...] = Field((), description="Parameters without which there is no answer")
    request: dict[str, Any]

    @model_validator(mode="after")
    def _fits_together(self) -> Question:
        if not set(self.required) <= set(self.parameters):
            raise ValueError("`required` names what is not among `parameters`")
        return self


class Recipe(_Part):
    """A kind of source. Places like {name} stand for settings and parameters; {start}, {end} and {now} stay."""

    title: str
    area: Literal["CRM", "support", "revenue", "product", "operations", "surveys", "hiring"]
    summary: str = Field(min_length=15)
    documentation: str = Field(description="Where the service documents what is asked, in words")
    permissions: str = Field(pattern=r"\.$")
    url: str
    settings: dict[str, Knob]
    http: dict[str, Any] = Field(description="Settings of the connector for JSON")
    tables: dict[str, dict[str, Any]] = Field(default_factory=dict, description="Name → value → what stands for it")
    parameters: dict[str, Knob] = Field(default_factory=dict)
    questions: dict[str, Question] = Field(min_length=2)
    example: str

    @model_validator(mode="after")
    def _fits_together(self) -> Recipe:
        used = {name for question in self.questions.values() for name in question.parameters}
        if used != set(self.parameters):
            raise ValueError(f"declared and used parameters differ: {sorted(used ^ set(self.parameters))}")
        if clash := set(self.parameters) & {*self.settings, "query", "url"}:
            raise ValueError(f"parameters have the names of settings: {sorted(clash)}")
        if missing := [name for name, table in self.tables.items() if "default" not in table]:
            raise ValueError(f"tables without `default`: {missing}")
        return self


def names() -> tuple[str, ...]:
    """Return the names of all recipes, sorted; no file is read."""
    found = (file.name for file in files(__package__).joinpath("recipes").iterdir())
    return tuple(sorted(name.removesuffix(".yaml") for name in found if name.endswith(".yaml")))


def read_recipe(name: str) -> Recipe:
    """Return the recipe of this name. Raises RecipeError."""
    return parse_recipe(files(__package__).joinpath("recipes", f"{name}.yaml").read_text("utf-8"), name)


def parse_recipe(text: str, name: str) -> Recipe:
    """Return the recipe that a text says. Raises RecipeError, which names the place in it."""
    try:
        return Recipe.model_validate(YAML(typ="safe", pure=True).load(text))
    except YAMLError as error:
        raise RecipeError(f"the recipe {name!r} is no YAML: {error}; repair it") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise RecipeError(f"the recipe {name!r} is wrong at {place or 'its top'}: {first['msg']}; repair it") from error
