"""Weights as a loop reads them: one block of bytes, in which panels of units lie one after another.

    sums' biases       [panel][sum][lane]
    a group's matrices [panel][k][sum][lane]             float32
                       [panel][pair of k][sum][lane]     bf16: two k in a word, as `in_pairs` says
                       [panel][four k][sum][lane][4]     int8, with a scale a row, [panel][sum][lane]
    other arrays       [lane of panels]

A group is the matrices of a loop that multiply one operand. Units that only fill the last vector have zeros.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from conveyor.build.lowering.graph import Graph, Matrix
from conveyor.build.lowering.stages import Loop
from conveyor.build.lowering.tiling import Tiling, divides_evenly
from conveyor.build.network import Floats

FLOAT32, BF16, INT8 = "float32", "bf16", "int8"
WEIGHTS = (FLOAT32, BF16, INT8)
PER_WORD = {FLOAT32: 1, BF16: 2, INT8: 4}
SHORTEST = 16
"""Columns below which a matrix keeps float32: its operand is read in words of several, and it is small."""
ALIGN = 64


@dataclass(frozen=True)
class Group:
    """The matrices of a loop that multiply one operand.

    Attributes:
        operand: The node that they multiply.
        members: The numbers of the sums that they are added to.
        inner: How many numbers of the operand each row is multiplied by.
        blocks: Of block-diagonal matrices whose blocks panels don't cross; else 1.
        format: How they are stored.
        at: Where they stand, in bytes.
        panel_words: Words from panel to panel.
        scales: Where the scales of int8 rows stand; −1 without.
        is_dot: Whether the operand is multiplied in 8 bits, too.
        starts: Where the numbers stand that sums of such products begin with; −1 for zeros.
    """

    operand: int
    members: tuple[int, ...]
    inner: int
    blocks: int
    format: str
    at: int
    panel_words: int
    scales: int = -1
    is_dot: bool = False
    starts: int = -1

    @property
    def words(self) -> int:
        """Words that hold a row's weights."""
        return -(-self.inner // PER_WORD[self.format])


@dataclass(frozen=True)
class Packed:
    """The packed weights of a loop.

    Attributes:
        biases: Where the biases start, in bytes; −1 if there are none.
        biased: The numbers of the sums that have one.
        groups: The matrices.
        arrays: Nodes that are arrays, and where they start.
    """

    biases: int
    biased: tuple[int, ...]
    groups: tuple[Group, ...]
    arrays: dict[int, int]


@dataclass
class Blob:
    """All constants of an object, one after another."""

    pieces: list[bytes] = field(default_factory=list)
    size: int = 0

    def add(self, values: NDArray[Any]) -> int:
        """Appends an array; returns where it starts."""
        data = np.ascontiguousarray(values).tobytes()
        start = self.size
        self.pieces += [data, b"\0" * (-len(data) % ALIGN)]
        self.size += len(data) + -len(data) % ALIGN
        return start

    @property
    def data(self) -> bytes:
        """The bytes."""
        return b"".join(self.pieces)


def loop_groups(graph: Graph, loop: Loop, tiling: Tiling) -> dict[tuple[int, int, int], list[tuple[int, Matrix]]]:
    """The matrices of a loop by operand and blocks, each with the number of the sum that it is added to.

    A sum that has one operand several times has it in several groups, which the key's last number tells apart.
    """
    found: dict[tuple[int, int, int], list[tuple[int, Matrix]]] = {}
    for s, n in enumerate(loop.sums):
        node = graph.nodes[n]
        for operand, matrix in zip(node.args, node.attr.matrices, strict=True):
            blocks = matrix.blocks if divides_evenly(tiling, matrix.blocks, loop.width) else 1
            again = 0
            while any(s == other for other, _ in found.get((operand, blocks, again), [])):
                again += 1
            found.setdefault((operand, blocks, again), []).append((s, matrix))
    return found


def weight_bytes(graph: Graph, loop: Loop, weights: str) -> int:
    """Bytes of the matrices of a loop."""
    arrays = [graph.arrays[m.array] for n in loop.sums for m in graph.nodes[n].attr.matrices]
    return sum(a.size * 4 // PER_WORD[format_of(a.shape[1], weights)] for a in arrays)


def format_of(inner: int, weights: str) -> str:
    """Choose the storage format of a matrix by its number of columns."""
    return weights if inner >= SHORTEST else FLOAT32


def pack(graph: Graph, loop: Loop, tiling: Tiling, weights: str, blob: Blob, dot: str = "") -> Packed:
    """Packs what a loop reads; `dot` names the instructions for products of 8-bit numbers, if there are any."""
    biased = tuple(s for s, n in enumerate(loop.sums) if graph.nodes[n].attr.bias is not None)
    biases = -1
    if biased:
        rows = [_panels(graph.arrays[graph.nodes[loop.sums[s]].attr.bias], tiling) for s in biased]
        biases = blob.add(np.stack(rows, 1))
    groups = tuple(
        _group(graph, loop, tiling, key[0], key[1], members, weights, blob, dot)
        for key, members in loop_groups(graph, loop, tiling).items()
    )
    arrays = {}
    for n in (*loop.reads, *loop.pointwise):
        if graph.nodes[n].op == "array":
            arrays[n] = blob.add(_panels(graph.arrays[graph.nodes[n].attr], tiling))
    return Packed(biases, biased, groups, arrays)


def _group(
    graph: Graph,
    loop: Loop,
    tiling: Tiling,
    operand: int,
    blocks: int,
    members: list[tuple[int, Matrix]],
    weights: str,
    blob: Blob,
    dot: str,
) -> Group:
    full = [graph.arrays[m.array] if blocks > 1 else dense(graph.arrays[m.array], m.blocks) for _, m in members]
    sums, inner = tuple(s for s, _ in members), full[0].shape[1]
    kind = format_of(inner, weights)
    found = Group(operand, sums, inner, blocks, kind, 0, 0)
    stride = found.words * len(full) * tiling.lanes
    scales = starts = -1
    is_dot = kind == INT8 and bool(dot) and tiling.lanes > 1 and (blocks == 1 or inner % 4 == 0)
    if kind == FLOAT32:
        words: NDArray[Any] = np.stack([_panels(w, tiling) for w in full], 1)  # panel, sum, lane, k
    elif kind == BF16:
        words = np.stack([_panels(in_pairs(w), tiling) for w in full], 1)
    else:
        rows = [row_scales(w) for w in full]
        scales = blob.add(np.stack([_panels(r, tiling) for r in rows], 1))
        whole = [to_int8(w, r) for w, r in zip(full, rows, strict=True)]
        words = np.stack([_panels(_in_words(w, 4), tiling) for w in whole], 1)
        if is_dot and dot == "vnni":
            moved = [(-128 * w.astype(np.int64).sum(1)).astype(np.int32) for w in whole]
            starts = blob.add(np.stack([_panels(m, tiling) for m in moved], 1))
    at = blob.add(np.moveaxis(words, 3, 1))
    return Group(operand, sums, inner, blocks, kind, at, stride, scales, is_dot, starts)


def dense(weight: Floats, blocks: int) -> Floats:
    """A block-diagonal matrix (rows, cols / blocks) with its zeros, (rows, cols)."""
    if blocks == 1:
        return weight
    rows, inner = weight.shape[0] // blocks, weight.shape[1]
    whole = np.zeros((weight.shape[0], inner * blocks), np.float32)
    for k in range(blocks):
        whole[k * rows : (k + 1) * rows, k * inner : (k + 1) * inner] = weight[k * rows : (k + 1) * rows]
    return whole


def _panels(values: NDArray[Any], tiling: Tiling) -> NDArray[Any]:
    """An array over units, (units, …), cut into panels: (panel, lane, …)."""
    padded = np.zeros((tiling.padded, *values.shape[1:]), values.dtype)
    padded[: len(values)] = values
    return padded.reshape(tiling.panels, tiling.lanes, *values.shape[1:])


def _in_words(values: NDArray[Any], count: int) -> NDArray[np.int32]:
    """Numbers of 16 or 8 bits, (units, k), as words of several: (units, k / count)."""
    missing = -values.shape[1] % count
    padded = np.pad(values, ((0, 0), (0, missing)))
    return np.ascontiguousarray(padded).view(np.int32)


def to_bf16(values: Floats) -> NDArray[np.uint16]:
    """The upper 16 bits of each number, rounded to the nearest, ties to even."""
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16)


def in_pairs(values: Floats) -> NDArray[np.int32]:
    """Rows (units, k) in words of two numbers, (units, k / 2): an even k, rounded to 16 bits, in the lower half.

    An odd k is read as the whole word. Its upper half is chosen so that the number with the lower half behind it is the
    nearest to the weight: its error is that of rounding to 16 bits, and nothing need be masked. A weight of zero is
    made the smallest normal number, since denormal ones are slow.
    """
    padded = np.pad(values, ((0, 0), (0, values.shape[1] % 2))).astype(np.float32)
    low = to_bf16(padded[:, 0::2]).astype(np.int64)
    bits = np.ascontiguousarray(padded[:, 1::2]).view(np.uint32).astype(np.int64)
    sign, size = bits & 0x80000000, bits & 0x7FFFFFFF
    high = np.clip((size - low + 0x8000) >> 16, 0x80, 0x7F7F)
    high = np.where((size == 0) & (low == 0), 0, high)
    return (sign | high << 16 | low).astype(np.uint32).view(np.int32)


def row_scales(values: Floats) -> Floats:
    """The scale of each row of int8 numbers; 1 for a row of zeros."""
    largest = np.abs(values).max(1)
    return np.where(largest > 0, largest / 127.0, 1.0).astype(np.float32)


def to_int8(values: Floats, scales: Floats) -> NDArray[np.int8]:
    """Each row in units of its scale, −127 … 127."""
    found: NDArray[np.int8] = np.clip(np.rint(values / scales[:, None]), -127, 127).astype(np.int8)
    return found
