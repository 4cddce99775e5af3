"""`cv.from_keras`: the recurrent layers of a Keras model, by name."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from conveyor.errors import ArgumentError
from conveyor.interop.common.report import Receiver, Report, tell
from conveyor.interop.keras.build import build
from conveyor.interop.keras.compare import with_equations, with_live
from conveyor.interop.keras.spec import LayerSpec, Unread
from conveyor.interop.keras.storage.config import Found
from conveyor.interop.keras.storage.inferred_layers import Said, assume
from conveyor.interop.keras.storage.source import is_live, read_live
from conveyor.interop.keras.storage.subprocess_reader import read_apart


class KerasLayers(Mapping[str, nn.Module]):
    """Layers by the names that they have in Keras, in order.

    Attributes:
        reports: The report of each layer, with the largest difference.
        notes: For each layer the settings that are not converted.
        unread: Why the other recurrent layers could not be read, by their names.
    """

    def __init__(
        self,
        layers: Mapping[str, nn.Module],
        reports: Sequence[Report],
        notes: Mapping[str, Sequence[str]],
        unread: Mapping[str, str],
    ) -> None:
        self._layers = dict(layers)
        self.reports = tuple(reports)
        self.notes = {name: tuple(said) for name, said in notes.items()}
        self.unread = dict(unread)

    def __getitem__(self, name: str) -> nn.Module:
        if name in self.unread:
            raise ArgumentError(f"layer '{name}' could not be read: {self.unread[name]}")
        if name not in self._layers:
            raise UnknownLayer(f"layer is one of {', '.join([*self._layers, *self.unread])}, got {name!r}")
        return self._layers[name]

    def __contains__(self, name: object) -> bool:
        return name in self._layers

    def __iter__(self) -> Iterator[str]:
        return iter(self._layers)

    def __len__(self) -> int:
        return len(self._layers)

    def __repr__(self) -> str:
        return "\n".join([*map(str, self.reports), *(f"{name}: not read, {why}" for name, why in self.unread.items())])


class UnknownLayer(ArgumentError, KeyError):
    """The error for a name that no layer has."""

    def __str__(self) -> str:
        return str(self.args[0])  # KeyError would show the message in quotation marks


def read(
    source: Any,
    layer: str | None,
    said: Said,
    report: Receiver | None,
) -> Any:
    """Read the recurrent layers of a Keras model; see `conveyor.from_keras`."""
    found = _found(source)
    if layer is not None:
        found = [_named(found, layer)]
    found = [assume(f, said) if isinstance(f, LayerSpec) else f for f in found]
    unread = {f.name: f"{f.kind or 'its arrays'}: {f.why}" for f in found if isinstance(f, Unread)}
    specs = [f for f in found if isinstance(f, LayerSpec)]
    if not specs:
        reasons = "; ".join(f"{name} ({why})" for name, why in unread.items())
        raise ArgumentError(
            f"source: {_said(source)} has no recurrent layer{' that can be read: ' + reasons if reasons else ''}"
        )
    _check_names(specs)
    single = is_live(source) and not isinstance(getattr(source, "layers", None), list) and len(specs) == 1
    made: dict[str, nn.Module] = {}
    reports: list[Report] = []
    with torch.random.fork_rng(devices=[]):
        for spec in specs:
            made[spec.name] = build(spec)
            live = single and spec.name == getattr(source, "name", None)
            compared = (
                with_live(spec, made[spec.name], source)
                if live
                else with_equations(spec.name, str(spec), [made[spec.name]], [spec])
            )
            compared = replace(compared, note="; ".join(spec.notes))
            tell(compared, report)
            reports.append(compared)
    if single or layer is not None and len(made) == 1:
        return next(iter(made.values()))
    return KerasLayers(made, reports, {s.name: s.notes for s in specs}, unread)


def _found(source: Any) -> list[Found]:
    if isinstance(source, str | os.PathLike):
        if not str(source) or "\0" in str(source):
            raise ArgumentError(f"source is the name of a file, got {source!r}")
        return read_apart(Path(source))
    if is_live(source):
        return read_live(source)
    raise ArgumentError(
        "source is the name of a .keras, .h5 or .weights.h5 file, or a layer or model of Keras; got"
        f" {type(source).__name__}"
    )


def _named(found: Sequence[Found], name: str) -> Found:
    chosen = [f for f in found if f.name == name] or [f for f in found if f.name.rpartition("/")[2] == name]
    if len(chosen) != 1:
        known = ", ".join(f.name for f in found) or "none"
        raise UnknownLayer(f"layer: expected one of the recurrent layers {known}, got {name!r}")
    return chosen[0]


def _check_names(specs: Sequence[LayerSpec]) -> None:
    names = [s.name for s in specs]
    twice = next((n for n in names if names.count(n) > 1), None)
    if twice is not None:
        raise ArgumentError(f"source has two recurrent layers named '{twice}'; rename one in Keras")


def _said(source: Any) -> str:
    return f"the {type(source).__name__} '{source.name}'" if is_live(source) else str(source)
