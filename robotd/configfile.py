"""Reads a YAML file and `key=value` overrides into a `Config`; tells every mistake at once with its line."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, Any

import yaml
from pydantic import BaseModel, ValidationError

from robotd.config import Config
from robotd.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

Place = tuple[str | int, ...]

_TEXTS = {"mqtt.username", "mqtt.password"}
_CREDENTIALS = re.compile(r"//[^/@\s]*@")


def load(path: Path | None = None, overrides: Iterable[str] = ()) -> Config:
    """Read the configuration.

    Args:
        path: a YAML file, or None for the defaults alone.
        overrides: `key=value`, the key dotted (`mqtt.host=broker`), the value YAML.

    Raises:
        ConfigError: with all mistakes, each with its place (and line), and a suggestion for a misspelt key.
    """
    data: dict[str, Any] = {}
    lines: dict[Place, int] = {}
    if path is not None:
        data, lines = _read(path)
    for override in overrides:
        _apply(data, override)
    try:
        return Config.model_validate(data)
    except ValidationError as error:
        name = path.name if path else "the configuration"
        told = [_tell(problem, lines, name) for problem in error.errors(include_url=False)]
        raise ConfigError("\n".join(told)) from None


def masked(config: Config) -> dict[str, Any]:
    """Return the configuration as plain data with its secrets masked, fit to be shown."""
    shown: dict[str, Any] = config.model_dump(mode="json")
    if isinstance(config.camera.source, str):
        shown["camera"]["source"] = _CREDENTIALS.sub("//**********@", config.camera.source)
    return shown


def _read(path: Path) -> tuple[dict[str, Any], dict[Place, int]]:
    try:
        text = path.read_text(encoding="utf-8")
        tree = yaml.compose(text, Loader=yaml.SafeLoader)
        data = yaml.safe_load(text)
    except OSError as error:
        raise ConfigError(f"{path}: can't be read ({error.strerror}); give an existing file with --config") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is not UTF-8 text") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f", line {mark.line + 1}" if mark else ""
        raise ConfigError(f"{path}{place}: not valid YAML ({getattr(error, 'problem', error)})") from error
    if data is None:
        return {}, {}
    if not isinstance(data, dict):
        raise ConfigError(f"{path}: must hold keys and values, not a {type(data).__name__}")
    lines: dict[Place, int] = {}
    twice: list[str] = []
    _find_lines(tree, (), lines, twice)
    if twice:
        raise ConfigError("\n".join(f"{path.name}, {entry}" for entry in twice))
    return data, lines


def _find_lines(node: yaml.Node | None, place: Place, lines: dict[Place, int], twice: list[str]) -> None:
    if not isinstance(node, yaml.MappingNode):
        return
    for key, value in node.value:
        here, line = (*place, key.value), key.start_mark.line + 1
        if here in lines:
            twice.append(f"line {line}: {_dotted(here)} stands twice (first in line {lines[here]})")
        lines[here] = line
        _find_lines(value, here, lines, twice)


def _apply(data: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    if not equals or not key:
        raise ConfigError(f"--set {override}: write it as key=value, for instance --set mqtt.host=192.168.1.5")
    try:
        # A password is text, even if YAML would take it for a number.
        value = text if key.strip() in _TEXTS else yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"--set {override}: the value is not valid YAML") from error
    *sections, last = key.strip().split(".")
    for section in sections:
        inner = data.get(section)
        if not isinstance(inner, dict):
            inner = data[section] = {}
        data = inner
    data[last] = value


def _tell(problem: Mapping[str, Any], lines: Mapping[Place, int], name: str) -> str:
    # For a union pydantic appends the member's name to the place; the longest known prefix is the key.
    place: Place = tuple(problem["loc"])
    known = next((place[:n] for n in range(len(place), 0, -1) if place[:n] in lines), None)
    where = f"{name}, line {lines[known]}" if known else name
    if problem["type"] == "extra_forbidden":
        return f"{where}: there is no key {_dotted(place)}{_suggestion(place)}"
    text = problem["msg"].removeprefix("Value error, ")
    secret = any(isinstance(part, str) and "password" in part for part in place)
    given = "" if secret or isinstance(problem["input"], (dict, list)) else f" (given: {problem['input']!r})"
    return f"{where}: {_dotted(place) or 'the whole'}: {text}{given}"


def _suggestion(place: Place) -> str:
    model: type[BaseModel] = Config
    for part in place[:-1]:
        field = model.model_fields.get(str(part))
        if field is None or not isinstance(field.annotation, type) or not issubclass(field.annotation, BaseModel):
            return ""
        model = field.annotation
    near = difflib.get_close_matches(str(place[-1]), model.model_fields, n=1, cutoff=0.5)
    if near:
        return f"; did you mean {_dotted((*place[:-1], near[0]))}?"
    return f"; known: {', '.join(model.model_fields)}"


def _dotted(place: Place) -> str:
    return ".".join(str(part) for part in place)
