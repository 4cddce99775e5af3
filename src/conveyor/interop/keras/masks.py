"""The masked inputs in a Keras model's configuration: layers whose padding Keras skips automatically."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Entry = Mapping[str, Any]


def name_of(entry: Entry) -> str:
    """Return the name of a layer."""
    config = entry.get("config")
    inner = config.get("name", "") if isinstance(config, Mapping) else ""
    return str(entry.get("name") or inner)


def masks_of(entries: Sequence[Entry], given: str) -> dict[str, str]:
    """Return for each layer of a model, by name, the source of its input's mask; empty if it has no mask.

    Args:
        entries: The configurations of its layers: with `inbound_nodes`, or in sequence.
        given: The source of a mask on the model's own input.
    """
    names = {name_of(e) for e in entries}
    graph = any(e.get("inbound_nodes") for e in entries)
    after: dict[str, str] = {}  # what makes the mask of a layer's output
    masked: dict[str, str] = {}
    last = given
    for entry in entries:
        name = name_of(entry)
        read = [n for n in _names_in(entry.get("inbound_nodes"), names) if n != name]
        before = next((m for n in read if (m := after.get(n))), given if not read else "") if graph else last
        masked[name] = before
        last = after[name] = _made_by(entry) or ("" if _ends(entry) else before)
    return masked


def _made_by(entry: Entry) -> str:
    """Describe a layer that makes a mask, or that wraps one that does."""
    kind, config = str(entry.get("class_name")), entry.get("config")
    if not isinstance(config, Mapping):
        return ""
    if kind == "Masking":
        return f"'{name_of(entry)}' (Masking)"
    if kind == "Embedding":
        return f"'{name_of(entry)}' (Embedding(mask_zero=True))" if config.get("mask_zero") else ""
    inside = config.get("layers")
    found = [_made_by(e) for e in inside if isinstance(e, Mapping)] if isinstance(inside, Sequence) else []
    return next(filter(None, found), "")


def _ends(entry: Entry) -> bool:
    """Tell whether a recurrent layer returns its last step alone, which has no mask."""
    config = entry.get("config")
    if isinstance(config, Mapping) and isinstance(config.get("layer"), Mapping):
        config = config["layer"].get("config")
    return isinstance(config, Mapping) and config.get("return_sequences") is False


def _names_in(value: Any, names: set[str]) -> Iterator[str]:
    """Yield the names of the layers that a configuration's inbound nodes name."""
    if isinstance(value, str):
        yield from [value] if value in names else []
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _names_in(inner, names)
    elif isinstance(value, Sequence):
        for inner in value:
            yield from _names_in(inner, names)
