"""Describes a chain of modules as a Keras model: its layers, and the configuration of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from conveyor.errors import ArgumentError
from conveyor.interop.keras.layer import KerasLayer
from conveyor.interop.keras.recognise import layers_of
from conveyor.interop.keras.spec import GATES, CellSpec, LayerSpec, Plain, keras_activation
from conveyor.interop.keras.storage.weight_store import unique_names
from conveyor.layers.core.stack import Stack

Item = LayerSpec | Plain
Config = dict[str, Any]


def modules_of(model: nn.Module) -> list[nn.Module]:
    """Return the modules of a layer or a chain, in the order in which data passes them.

    Raises:
        ArgumentError: It is neither.
    """
    if isinstance(model, Stack | KerasLayer):
        return [model]
    if isinstance(model, nn.Sequential):
        return list(model)
    if isinstance(model, nn.Module) and callable(getattr(model, "chain", None)):
        chain: Any = model.chain
        return list(chain())
    raise ArgumentError(
        "layer is a cv.Recurrent, LSTM, GRU or RNN, a KerasLayer of one, an nn.Sequential, or a module with a method"
        f" chain() that lists its modules in order; got {type(model).__name__}"
    )


def items_of(modules: Sequence[nn.Module]) -> list[Item]:
    """Return the Keras layers for a chain of modules.

    Raises:
        ArgumentError: Keras has none for one of them.
    """
    items = [item for module in modules for item in _items(module)]
    if not any(isinstance(i, LayerSpec) for i in items):
        raise ArgumentError("layer: the chain has no recurrent layer")
    if any(isinstance(i, LayerSpec) and i.merge_mode is None for i in items[:-1]):
        raise ArgumentError("layer: a KerasLayer that returns a pair (merge_mode=None) can only be the last of a chain")
    return items


def _items(module: nn.Module) -> Iterator[Item]:
    if isinstance(module, Stack | KerasLayer):
        yield from _recurrent_items(module)
    elif type(module) is nn.Dropout:
        if module.p:
            yield Plain("Dropout", {"rate": module.p})
    elif type(module) is nn.Embedding and module.max_norm is None:
        rows, width = module.weight.shape
        yield Plain("Embedding", {"input_dim": rows, "output_dim": width}, (_array(module.weight),), width)
    elif type(module) is nn.Linear:
        held = (module.weight.t(),) if module.bias is None else (module.weight.t(), module.bias)
        width = module.weight.shape[0]
        yield Plain(
            "Dense", {"units": width, "use_bias": module.bias is not None}, tuple(_array(t) for t in held), width
        )
    elif type(module) is not nn.Identity:
        raise ArgumentError(
            f"layer: a chain has recurrent layers, nn.Embedding, nn.Linear and nn.Dropout; got {type(module).__name__}"
        )


def _recurrent_items(module: Stack | KerasLayer) -> Iterator[Item]:
    """Yield a layer's Keras layers and its dropout; variational dropout becomes Keras's SpatialDropout1D."""
    held = module.layer if isinstance(module, KerasLayer) else module
    masks = held._rates
    specs = layers_of(module)
    last = specs[-1]
    if masks.get("output") and last.backward and last.merge_mode != "concat":
        raise ArgumentError(
            "layer: its variational_dropout drops the output of both directions before they are merged, and Keras's"
            " layers have no place there; leave out 'output'"
        )
    for k, spec in enumerate(specs):
        if k and held.dropout:
            yield Plain("Dropout", {"rate": held.dropout})
        if masks.get("input"):
            yield Plain("SpatialDropout1D", {"rate": masks["input"]})
        yield spec
    if masks.get("output"):
        yield Plain("SpatialDropout1D" if last.return_sequences else "Dropout", {"rate": masks["output"]})


def recorder_of(items: Sequence[Item]) -> tuple[str, ...]:
    """Return notes on the differences between these Keras layers and conveyor's."""
    dropping = [i.forward[0].kind for i in items if isinstance(i, LayerSpec) and i.recurrent_dropout]
    if not any(GATES[kind] > 1 for kind in dropping):
        return ()
    return ("recurrent_dropout draws a mask for each gate there, and variational_dropout one for all here",)


def _array(tensor: Tensor) -> Any:
    held = tensor.detach().cpu().contiguous()
    return (held.float() if held.dtype is torch.bfloat16 else held).numpy()


def names_of(items: Sequence[Item]) -> list[str]:
    """Return the names that Keras gives the layers."""
    return unique_names([class_of(i) for i in items])


def class_of(item: Item) -> str:
    """Return the Keras class of a layer."""
    return item.kind if isinstance(item, Plain) else "Bidirectional" if item.backward else item.forward[0].kind


def sequential(items: Sequence[Item]) -> Config:
    """Return the configuration of a Sequential of layers."""
    width = _width_in(items)
    shape: list[int | None] = [None, None, width] if width else [None, None]
    dtype = next(i.forward[0].arrays[0].dtype.name for i in items if isinstance(i, LayerSpec))
    entries = [_entry("InputLayer", {"name": "input", "batch_shape": shape, "dtype": dtype if width else "int32"})]
    for item, name in zip(items, names_of(items), strict=True):
        entries.append(_entry(class_of(item), _config(item, name, dtype)) | {"build_config": {"input_shape": shape}})
        shape = _after(item, shape)
    config = {"name": "sequential", "trainable": True, "dtype": dtype, "layers": entries}
    return {"module": "keras", "class_name": "Sequential", "config": config, "registered_name": None} | {
        "build_config": {"input_shape": entries[0]["config"]["batch_shape"]}
    }


def _width_in(items: Sequence[Item]) -> int:
    """Return the input width of the first layer; 0 for the integers of an embedding."""
    for item in items:
        if isinstance(item, LayerSpec):
            return item.forward[0].input_size
        if item.arrays:
            return 0 if item.kind == "Embedding" else int(item.arrays[0].shape[0])
    return 0


def _entry(kind: str, config: Config) -> Config:
    return {"module": "keras.layers", "class_name": kind, "config": config, "registered_name": None}


def _after(item: Item, shape: list[int | None]) -> list[int | None]:
    """Return the shape of a layer's output."""
    if isinstance(item, Plain):
        lead = shape if item.kind == "Embedding" else shape[:-1]
        return [*lead, item.width] if item.width else shape
    width = item.forward[-1].units * (2 if item.backward and item.merge_mode == "concat" else 1)
    return [None, None, width] if item.return_sequences else [None, width]


def _config(item: Item, name: str, dtype: str) -> Config:
    common: Config = {"name": name, "trainable": True, "dtype": dtype}
    if isinstance(item, Plain):
        if item.kind == "SpatialDropout1D":
            del common["trainable"]  # of its constructor's arguments alone this one is not
        return common | dict(item.config)
    cell = item.forward[0]
    settings: Config = {
        "return_sequences": item.return_sequences,
        "return_state": False,
        "go_backwards": item.go_backwards,
        "stateful": False,
        "unroll": False,
    }
    own = settings | cell_config(cell)
    if item.recurrent_dropout:
        own["recurrent_dropout"] = item.recurrent_dropout
    if not item.backward:
        return common | own
    inner = _entry(cell.kind, {"name": inner_name(cell), "trainable": True, "dtype": dtype} | own)
    return common | {"merge_mode": item.merge_mode, "layer": inner}


def inner_name(cell: CellSpec) -> str:
    """Return the name that Keras gives the layer in a Bidirectional."""
    return f"forward_{unique_names([cell.kind])[0]}"


def cell_config(cell: CellSpec) -> Config:
    """Return the Keras configuration of a cell."""
    said: Config = {"units": cell.units, "activation": keras_activation(cell.activation), "use_bias": cell.use_bias}
    if cell.kind != "SimpleRNN":
        said["recurrent_activation"] = keras_activation(cell.recurrent_activation)
    if cell.kind == "GRU":
        said["reset_after"] = cell.reset_after
    return said
