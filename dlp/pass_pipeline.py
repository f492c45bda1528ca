"""Pipelines as text: `"fold-batch-norm,tile{sizes=8,16}"` to passes and back.

An element is the name of a pass with its options, or the name of a stage or of a pipeline of `dlp.pipeline`,
which stands for its elements.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_type_hints

from xdsl.passes import ModulePass
from xdsl.utils.arg_spec import ArgSpec, parse_pipeline
from xdsl.utils.exceptions import ArgSpecParseError
from xdsl.utils.hints import isa, type_repr

from dlp.errors import InputError, nearest
from dlp.pass_registry import all_passes, get_pass, own_passes
from dlp.pipeline import NAMED, STAGES


@dataclass(frozen=True)
class Step:
    """One pass of a pipeline.

    Attributes:
        instance: the pass with its options.
        stage: the stage of `dlp.pipeline` that it was named through; empty when it was named itself.
    """

    instance: ModulePass
    stage: str = ""

    def __str__(self) -> str:
        return pass_text(self.instance)


def parse_passes(text: str, *, target: str | None = None) -> list[Step]:
    """The passes that the pipeline `text` stands for.

    Args:
        text: names of passes, stages and pipelines with commas between them; options in braces. The form
            `builtin.module(...)` of mlir-opt is accepted around it.
        target: given to every pass that has an option `target` and was not given one.

    Raises:
        InputError: a name or an option is wrong; the text says what would be right.
    """
    text = text.strip()
    if text.startswith("builtin.module(") and text.endswith(")"):
        text = text.removeprefix("builtin.module(")[:-1]
    return [Step(_instance(spec, target), stage) for spec, stage in _expanded(text, stage="", inside=())]


def pass_text(instance: ModulePass) -> str:
    """The pass as written in a pipeline: its name, and the options that differ from their defaults."""
    return str(instance.spec())


def pipeline_text(steps: Sequence[Step]) -> str:
    """The pipeline as it would be written after `-p`."""
    return ",".join(map(str, steps))


def named_pipelines() -> Mapping[str, str]:
    """Pipelines that have a name, as text."""
    return NAMED


def stages() -> Mapping[str, Sequence[str]]:
    """The stages of the whole road in their order, each with the elements it consists of."""
    return STAGES


def _expanded(text: str, stage: str, inside: tuple[str, ...]) -> list[tuple[ArgSpec, str]]:
    """The passes of a pipeline text with stages and named pipelines replaced by what they stand for."""
    result: list[tuple[ArgSpec, str]] = []
    for spec in _parsed(text):
        body = None if spec.name in own_passes() else _definition(spec.name)
        if body is None:
            _require_known(spec.name)
            result.append((spec, stage))
            continue
        if spec.parameters:
            raise InputError(f"'{spec.name}' is a pipeline; options go to the passes inside it")
        if spec.name in inside:
            raise InputError(f"pipeline '{spec.name}' contains itself: {' -> '.join((*inside, spec.name))}")
        result += _expanded(body, spec.name if spec.name in stages() else stage, (*inside, spec.name))
    return result


def _parsed(text: str) -> list[ArgSpec]:
    try:
        return list(parse_pipeline(text))
    except ArgSpecParseError as error:
        # xDSL shows the place under a title of its own.
        _, _, place = str(error).partition("\n")
        raise InputError(f"the pipeline cannot be read\n{place.rstrip()}") from None


def _definition(name: str) -> str | None:
    if name in stages():
        return ",".join(stages()[name])
    return named_pipelines().get(name)


def _require_known(name: str) -> None:
    if name in own_passes() or name in all_passes():
        return
    known = [*all_passes(), *stages(), *named_pipelines()]
    raise InputError(f"unknown pass or pipeline '{name}'{nearest(name, known)}")


def _instance(spec: ArgSpec, target: str | None) -> ModulePass:
    cls = get_pass(spec.name)
    fields = {field.name: field for field in dataclasses.fields(cls) if field.init and field.name != "name"}
    given = spec.normalize_parameter_names().parameters
    if target is not None and "target" in fields and "target" not in given:
        given = {**given, "target": (target,)}

    for option in given:
        if option not in fields:
            dashed = [name.replace("_", "-") for name in fields]
            known = f"; it has {', '.join(dashed)}" if dashed else "; it has none"
            wrong = option.replace("_", "-")
            raise InputError(f"pass '{spec.name}' has no option '{wrong}'{nearest(wrong, dashed) or known}")
    for missing in sorted(cls.required_fields() - given.keys()):
        raise InputError(f"pass '{spec.name}' needs the option '{missing.replace('_', '-')}'")
    types = get_type_hints(cls)
    for option, value in given.items():
        if not _fits(value, types[option]):
            shown = ",".join(map(str, value)) or "nothing"
            wanted = type_repr(types[option])
            raise InputError(
                f"option '{option.replace('_', '-')}' of pass '{spec.name}' must be {wanted}, not {shown}"
            )
    try:
        return cls.from_spec(ArgSpec(spec.name, given))
    except ValueError as error:  # from the __post_init__ of the pass
        raise InputError(f"pass '{spec.name}': {error}") from None


def _fits(value: tuple[Any, ...], wanted: Any) -> bool:
    """Whether the values written after an option can become its type, by the rules of xDSL."""
    if not value:
        return isa(None, wanted)
    return (len(value) == 1 and isa(value[0], wanted)) or isa(value, wanted)
