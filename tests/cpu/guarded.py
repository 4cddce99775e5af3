"""Runs layers, steps and streams on tensors that lie against pages which may not be touched; a child of a test.

A read or write one number past the end of a tensor (or, the other way round, before its beginning) ends the process.
"""

from __future__ import annotations

import ctypes
import itertools
import math
import mmap
import sys
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

import conveyor as cv
from conveyor.backends.cpu.runtime import workspace

PAGE = mmap.PAGESIZE
LIBC = ctypes.CDLL(None, use_errno=True)
AT_END = True  # whether tensors end at a guard page; else they begin behind one


def block(size: int, align: int) -> Any:
    """A ctypes array of so many bytes between guard pages, against one of them as closely as the alignment lets."""
    inner = -(-max(size, 1) // PAGE) * PAGE
    pages = mmap.mmap(-1, inner + 2 * PAGE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    base = ctypes.addressof(ctypes.c_char.from_buffer(pages))
    for guard in (base, base + PAGE + inner):
        assert LIBC.mprotect(ctypes.c_void_p(guard), ctypes.c_size_t(PAGE), 0) == 0
    offset = PAGE + ((inner - size) // align * align if AT_END else 0)
    return (ctypes.c_char * size).from_buffer(pages, offset)


def guarded(shape: Sequence[int], dtype: torch.dtype, fill: float | None = None) -> Tensor:
    numbers = math.prod(shape)
    if not numbers:
        return _empty(shape, dtype=dtype)
    size = torch.empty(0, dtype=dtype).element_size() if dtype not in _SIZES else _SIZES[dtype]
    flat = torch.frombuffer(block(numbers * size, size), dtype=dtype, count=numbers).view(tuple(shape))
    return flat.fill_(fill if fill is not None else (math.nan if dtype.is_floating_point else 0))


_SIZES = {torch.float32: 4, torch.float64: 8, torch.int64: 8, torch.bool: 1, torch.bfloat16: 2}
_empty = torch.empty


def like(tensor: Tensor) -> Tensor:
    """The same numbers between guard pages."""
    return guarded(tensor.shape, tensor.dtype).copy_(tensor)


def sizes_of(given: tuple[Any, ...]) -> tuple[int, ...]:
    return tuple(given[0]) if len(given) == 1 and not isinstance(given[0], int) else given


def new_empty(self: Tensor, *shape: Any, dtype: Any = None, device: Any = None, **_: Any) -> Tensor:
    return guarded(sizes_of(shape), dtype or self.dtype)


def new_zeros(self: Tensor, *shape: Any, dtype: Any = None, device: Any = None, **_: Any) -> Tensor:
    return guarded(sizes_of(shape), dtype or self.dtype, 0)


def empty(*shape: Any, dtype: Any = None, device: Any = None, **_: Any) -> Tensor:
    return guarded(sizes_of(shape), dtype or torch.get_default_dtype())


def guard_what_is_allocated() -> None:
    """Put what layers allocate between guard pages too: results, history, gradients, workspaces."""
    workspace.acquire = lambda size: block(size, 64)  # workspaces are aligned to a vector
    torch.Tensor.new_empty, torch.Tensor.new_zeros, torch.empty = new_empty, new_zeros, empty  # type: ignore[method-assign, assignment]


def guard_parameters(module: nn.Module) -> Any:
    for parameter in module.parameters():
        parameter.data = like(parameter.data)
    return module


def check(results: Any) -> None:
    for tensor in results if isinstance(results, tuple | list) else [results]:
        assert torch.isfinite(tensor).all()


def run_layer(layer: Any, steps: int, batch: int, dtype: torch.dtype, given: dict[str, Any]) -> None:
    x = like(torch.randn(steps, batch, layer.input_size).to(dtype)).requires_grad_()
    with torch.no_grad():
        check(layer(x, **given)[0])
    y, state = layer(x, **given)
    fields = state if isinstance(state, tuple) else (state,)
    grads = [like(torch.randn(t.shape).to(dtype)) for t in (y, *fields)]
    torch.autograd.backward([y, *fields], grads)
    check([x.grad, *(p.grad for p in layer.parameters())])
    again, _ = layer(
        x.detach(), tuple(like(f.detach()) for f in fields) if isinstance(state, tuple) else like(state.detach())
    )
    again.sum().backward()


def run_stream(layer: Any, batch: int, dtype: torch.dtype) -> None:
    stream = layer.stream(batch)
    out = guarded((batch, layer.output_size), dtype)
    for _ in range(3):
        check(stream.step(like(torch.randn(batch, layer.input_size).to(dtype)), out=out))
    layer.load_state_dict({k: like(v.double().to(dtype)) for k, v in layer.state_dict().items()}, assign=True)
    check(stream.step(like(torch.randn(batch, layer.input_size).to(dtype))))
    other = torch.float64 if dtype is torch.float32 else torch.float32
    layer.load_state_dict({k: like(v.to(other)) for k, v in layer.state_dict().items()}, assign=True)
    check(stream.step(like(torch.randn(batch, layer.input_size).to(other))))
    for name, parameter in layer.named_parameters():
        held = parameter.data
        parameter.data = guarded([2] * held.dim(), other, 0)
        try:
            stream.reset()  # which reads learned initial states
            stream.step(like(torch.randn(batch, layer.input_size).to(other)))
        except cv.ArgumentError as error:
            assert name in str(error)
        else:
            raise AssertionError(f"{name} of another shape was taken")
        parameter.data = held
    stream.reset(like(torch.tensor([True] * batch)))
    stream.reorder(like(torch.arange(batch)))


def run_step(step: Any, batch: int, dtype: torch.dtype) -> None:
    x = like(torch.randn(batch, step.input_size).to(dtype)).requires_grad_()
    state = step(x)
    fields = state if isinstance(state, tuple) else (state,)
    held = tuple(like(f.detach()).requires_grad_() for f in fields)
    after = step(x, held if isinstance(state, tuple) else held[0])
    sum(t.sum() for t in (after if isinstance(after, tuple) else (after,))).backward()
    check([x.grad, *(h.grad for h in held), *(p.grad for p in step.parameters())])


MAKES: dict[str, Any] = {
    "LSTM": lambda i, h, **o: cv.LSTM(i, h, **o),
    "GRU": lambda i, h, **o: cv.GRU(i, h, **o),
    "RNN": lambda i, h, **o: cv.RNN(i, h, **o),
    "projected": lambda i, h, **o: cv.LSTM(i, h + 1, proj_size=h, **o),
    "deep": lambda i, h, **o: cv.LSTM(i, h, num_layers=2, bidirectional=True, **o),
    "sLSTM": lambda i, h, **o: cv.Recurrent("slstm", i, h, **o),
    "normed": lambda i, h, **o: cv.Recurrent("lstm_layer_norm" if "lstm_layer_norm" in cv.cells else "lstm", i, h, **o),
    "peephole": lambda i, h, **o: cv.Recurrent("lstm_peephole", i, h, learn_initial_state=True, **o),
}
SIZES = [(1, 1), (5, 3), (3, 7), (8, 8), (7, 9), (16, 17), (5, 33)]
SHAPES = [(1, 1), (1, 3), (2, 1), (3, 2), (5, 9)]


def main(which: str, few: bool) -> None:
    guard_what_is_allocated()
    cases = list(itertools.product(SIZES, (torch.float32, torch.float64)))
    for k, ((i, h), dtype) in enumerate(cases[2::7] if few else cases):
        for n, (name, make) in enumerate(MAKES.items()):
            layer = guard_parameters(make(i, h, dtype=dtype))
            for steps, batch in SHAPES[(k + n) % 2 :: 2]:
                print(which, name, i, h, dtype, steps, batch, flush=True)
                lengths = like(torch.arange(batch) % (steps + 1))
                starts = like(torch.rand(steps, batch) > 0.5)
                for given in ({}, {"lengths": lengths}, {"reset": starts}, {"lengths": lengths, "reset": starts}):
                    run_layer(layer, steps, batch, dtype, given)
                if not layer.bidirectional:
                    run_stream(guard_parameters(make(i, h, dtype=dtype)), batch, dtype)
        for step in (cv.LSTMCell, cv.GRUCell, cv.RNNCell):
            for batch in (1, 3):
                print(which, step.__name__, i, h, dtype, batch, flush=True)
                run_step(guard_parameters(step(i, h, dtype=dtype)), batch, dtype)
    print("done", flush=True)


if __name__ == "__main__":
    AT_END = sys.argv[1] == "end"
    torch.manual_seed(0)
    torch.set_num_threads(1)
    if "too far" in sys.argv:  # the test of the test: one number too far
        numbers = guarded((5,), torch.float32, 1.0)
        print(ctypes.c_float.from_address(numbers.data_ptr() + (20 if AT_END else -4)).value)
    main(sys.argv[1], few="few" in sys.argv)
