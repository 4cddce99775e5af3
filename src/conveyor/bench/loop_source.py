"""The Python source of a cell's plain loop in torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from conveyor.ir.ops import OPS
from conveyor.ir.program import Program
from conveyor.ir.transforms.plan import plan
from conveyor.ir.types import Input

Pack = tuple[str, tuple[Any, ...]]
"""Parameters that a loop reads as one tensor: how they are put together, and which."""

# How each operation is written; what reads parameters or joins products has methods of its own.
EXPRESSIONS = {
    "add": "{0} + {1}",
    "sub": "{0} - {1}",
    "mul": "{0} * {1}",
    "div": "{0} / {1}",
    "neg": "-{0}",
    "sigmoid": "torch.sigmoid({0})",
    "tanh": "torch.tanh({0})",
    "relu": "torch.relu({0})",
    "exp": "torch.exp({0})",
    "log": "torch.log({0})",
    "log1p": "torch.log1p({0})",
    "softplus": "torch.logaddexp({0}, zero)",
    "sin": "torch.sin({0})",
    "cos": "torch.cos({0})",
    "sqrt": "torch.sqrt({0})",
    "abs": "torch.abs({0})",
    "square": "torch.square({0})",
    "clip": "torch.clamp({0}, *{attr})",
    "clip_gradient": "clip_gradient({0}, *{attr})",
    "maximum": "torch.maximum({0}, {1})",
    "minimum": "torch.minimum({0}, {1})",
    "detach": "{0}.detach()",
    "where": "torch.where({0}, {1}, {2})",
    "lt": "{0} < {1}",
    "le": "{0} <= {1}",
    "gt": "{0} > {1}",
    "ge": "{0} >= {1}",
    "eq": "{0} == {1}",
    "ne": "{0} != {1}",
    "and": "{0} & {1}",
    "or": "{0} | {1}",
    "not": "~{0}",
    "sum": "{0}.sum(-1, keepdim=True)",
    "max": "{0}.amax(-1, keepdim=True)",
    "broadcast": "{0}.expand(*{0}.shape[:-1], {size})",
}
WRITTEN = ("input", "const", "width", "bias", "vector", "product", "product_t")
_ARITHMETIC = ("add", "sub", "mul", "div")  # these take Python numbers
_ACTIVATIONS = ("sigmoid", "tanh")


@dataclass(frozen=True)
class _Group:
    """Products of one operand that are computed by one call.

    Attributes:
        members: The product nodes, in the order of their columns: those with one activation side by side.
        ends: For each its node after the fused additions and activation, and that activation or "".
        added: The fused addends: "each" for a product of the input and biases, "bias" for biases, "" for none.
        inputs: The fused products of the input, one per member.
        biases: The biases of each member.
    """

    members: tuple[int, ...]
    ends: dict[int, tuple[int, str]]
    added: str
    inputs: tuple[int, ...]
    biases: tuple[tuple[str, ...], ...]


def write(program: Program, widths: Mapping[str, int]) -> tuple[str, tuple[Pack, ...]]:
    """Write the source of `loop(x, states, packed, aux)`; returns it and the contents of `packed`, in order."""
    writer = _Writer(program, widths)
    source = writer.source()
    return source, tuple(writer.packs)


class _Writer:
    def __init__(self, program: Program, widths: Mapping[str, int]) -> None:
        self.plan = plan(program)
        self.program = program
        self.nodes = program.nodes
        self.widths = widths
        self.live = program.live()
        self.users: dict[int, list[int]] = {n: [] for n in self.live}
        for n in self.live:
            for a in self.nodes[n].args:
                self.users[a].append(n)
        self.results = {o.args[0] for o in self.program.outputs}
        self.carried = self._reached({"state"})  # by a state: what must be computed step by step
        self.timed = self._reached({"state", "input", "aux"})  # by anything that differs from step to step
        self.before: list[str] = []
        self.inside: list[str] = []
        self.packs: list[Pack] = []
        self.names: dict[int, str] = {}  # the expression of a node inside the loop
        self.whole: dict[int, str] = {}  # and before it
        self.absorbed: set[int] = set()  # nodes that a product takes in
        self.stepped: dict[str, str] = {}  # variables of all steps, and their name in a step
        self.groups = self._grouped()

    def _reached(self, roles: set[str]) -> set[int]:
        keys = {i.key for i in self.program.inputs if i.role in roles}
        found: set[int] = set()
        for n in self.live:
            node = self.nodes[n]
            if (node.op == "input" and node.attr in keys) or any(a in found for a in node.args):
                found.add(n)
        return found

    def source(self) -> str:
        states = [s.name for s in self.program.states]
        for n in self.live:
            if n in self.carried:
                self._step(n)
        results = [self._inside(o.args[0]) for o in self.program.outputs]
        spread = [
            r
            if self.nodes[o.args[0]].type.width == s.width and o.args[0] in self.carried
            else f"{r}.expand_as(s_{s.name})"
            for r, o, s in zip(results, self.program.outputs, self.program.states, strict=True)
        ]
        aux = [f"    a_{i.name} = aux[{i.name!r}]" for i in self.program.aux]
        head = ["def loop(x, states, packed, aux):", f"    {', '.join(f's_{s}' for s in states)}, = states", *aux]
        packs = [f"    {', '.join(f'w{k}' for k in range(len(self.packs)))}, = packed"] if self.packs else []
        unbound = [f"    {name} = {variable}.unbind(0)" for variable, name in self.stepped.items()]
        new = ", ".join(f"s_{s}" for s in states)
        body = [*self.inside, f"{new} = {', '.join(spread)}", f"outputs.append(s_{states[0]})"]
        lines = [
            *head,
            *packs,
            "    zero = x.new_zeros(())",
            *(f"    {line}" for line in self.before),
            *unbound,
            "    outputs = []",
            "    for t in range(x.shape[0]):",
            *(f"        {line}" for line in body),
            f"    return torch.stack(outputs), ({new},)",
        ]
        return "\n".join(lines) + "\n"

    def _result(self, n: int, state: Input) -> str:
        """Write a state's new value, in its own shape."""
        as_it_is = n in self.carried and self.nodes[n].type.width == state.width
        return self._inside(n) if as_it_is else f"{self._inside(n)}.expand_as(s_{state.name})"

    def _packed(self, kind: str, keys: tuple[Any, ...]) -> str:
        if (kind, keys) not in self.packs:
            self.packs.append((kind, keys))
        return f"w{self.packs.index((kind, keys))}"

    # Values

    def _inside(self, n: int, arithmetic: bool = False) -> str:
        """Write the expression of a node in a time step."""
        if n in self.carried:
            return self.names[n]
        if self.nodes[n].op == "const" and arithmetic:
            return repr(self.nodes[n].attr)
        name = self._whole(n)
        if n not in self.timed:
            return name
        return f"{self.stepped.setdefault(name, f'each_{name}')}[t]"

    def _whole(self, n: int, arithmetic: bool = False) -> str:
        """Write the expression of a node that no state reaches, for all time steps."""
        node = self.nodes[n]
        if node.op == "const" and arithmetic:
            return repr(node.attr)
        if n not in self.whole:
            if node.op == "input":
                self.whole[n] = "x" if node.attr == "x" else f"a_{node.attr}"
            elif node.op in ("bias", "vector"):
                self.whole[n] = self._packed(node.op, (node.attr,))
            elif node.op == "product":
                self._whole_products(n)
            else:
                self.whole[n] = f"v{n}"
                self.before.append(f"v{n} = {self._expression(n, self._whole)}")
        return self.whole[n]

    def _whole_products(self, n: int) -> None:
        pack = self.plan.packs[n]
        members = [m for m in pack.members if m not in self.carried and m not in self.absorbed]
        operand = self._whole(pack.operand)
        if pack.blocks > 1:
            weight = self._packed("blocks", (self.nodes[n].attr, pack.blocks))
            self.whole[n] = f"v{n}"
            self.before.append(f"v{n} = {self._by_blocks(operand, weight, pack.blocks)}")
            return
        weight = self._packed("matrices", tuple(self.nodes[m].attr for m in members))
        names = ", ".join(f"v{m}" for m in members)
        sizes = [self._size(m) for m in members]
        self.whole |= {m: f"v{m}" for m in members}
        self.before.append(f"{names}, = torch.nn.functional.linear({operand}, {weight}).split({sizes}, -1)")

    def _by_blocks(self, operand: str, weight: str, blocks: int) -> str:
        return f'torch.einsum("...kc,krc->...kr", {operand}.unflatten(-1, ({blocks}, -1)), {weight}).flatten(-2)'

    def _expression(self, n: int, value: Any) -> str:
        node = self.nodes[n]
        if node.op == "const":
            return f"x.new_tensor({node.attr!r})"
        if node.op == "width":
            return f"x.new_tensor({float(self.widths[node.attr])!r})"
        args = [value(a, node.op in _ARITHMETIC and len(set(node.args)) > 1) for a in node.args]
        size = self.widths[node.attr] if node.op == "broadcast" else 0
        return EXPRESSIONS[node.op].format(*args, attr=node.attr, size=size)

    def _size(self, n: int) -> int:
        return self.widths[self.nodes[n].type.width]

    # Steps

    def _step(self, n: int) -> None:
        node = self.nodes[n]
        if node.op == "product" and n == self.plan.packs[n].members[0]:
            self._products(n)
        if n in self.names or n in self.absorbed or node.op == "product":
            return
        if node.op == "input":
            self.names[n] = f"s_{node.attr}"
        else:
            self.names[n] = f"v{n}"
            self.inside.append(f"v{n} = {self._expression(n, self._inside)}")

    def _products(self, n: int) -> None:
        """Write all products of one operand, with the fused additions and activations."""
        pack = self.plan.packs[n]
        operand = self._inside(pack.operand)
        if pack.blocks > 1:
            for m in pack.members:
                weight = self._packed("blocks", (self.nodes[m].attr, pack.blocks))
                self.names[m] = f"v{m}"
                self.inside.append(f"v{m} = {self._by_blocks(operand, weight, pack.blocks)}")
            return
        for group in self.groups[pack.members]:
            keys = tuple(str(self.nodes[m].attr) for m in group.members)
            weight = self._packed("transposed", keys)
            whole = f"p{group.members[0]}"
            bias = "None"
            if any(group.biases):
                bias = self._packed("biases", tuple(zip(keys, group.biases, strict=True)))
            if group.added == "each":
                name, source = f"z{group.inputs[0]}", self._whole(self.nodes[group.inputs[0]].args[0])
                matrices = self._packed("matrices", tuple(self.nodes[p].attr for p in group.inputs))
                self.before.append(f"{name} = torch.nn.functional.linear({source}, {matrices}, {bias})")
                each = self.stepped.setdefault(name, f"each_{name}")
                self.inside.append(f"{whole} = torch.addmm({each}[t], {operand}, {weight})")
            elif group.added == "bias":
                self.inside.append(f"{whole} = torch.addmm({bias}, {operand}, {weight})")
            else:
                self.inside.append(f"{whole} = torch.mm({operand}, {weight})")
            self._hand_out(whole, group)

    def _hand_out(self, whole: str, group: _Group) -> None:
        """Write the split of a packed product, with one activation for adjacent parts."""
        runs = [(a, list(m)) for a, m in groupby(group.members, key=lambda m: group.ends[m][1])]
        parts = [whole]
        if len(runs) > 1:
            parts = [f"{whole}_{k}" for k in range(len(runs))]
            sizes = [sum(self._size(m) for m in members) for _, members in runs]
            self.inside.append(f"{', '.join(parts)} = {whole}.split({sizes}, -1)")
        for part, (activation, members) in zip(parts, runs, strict=True):
            value = f"torch.{activation}({part})" if activation else part
            names = [f"v{group.ends[m][0]}" for m in members]
            if len(members) > 1:
                value = f"{value}.split({[self._size(m) for m in members]}, -1)"
            self.inside.append(f"{', '.join(names)} = {value}")
            self.names |= {group.ends[m][0]: name for m, name in zip(members, names, strict=True)}

    # What a product takes in

    def _grouped(self) -> dict[tuple[int, ...], list[_Group]]:
        """Return the groups of each pack of products in a step; their fused nodes are recorded."""
        packs = dict.fromkeys(
            self.plan.packs[n] for n in self.live if n in self.carried and self.nodes[n].op == "product"
        )
        found: dict[tuple[int, ...], list[_Group]] = {}
        for pack in packs:
            kinds: dict[Any, list[tuple[int, tuple[int, str], int | None, tuple[str, ...]]]] = {}
            for m in pack.members if pack.blocks == 1 else ():
                last, source, biases = self._taken_in(m)
                end = self._activated(last)
                self.absorbed |= self._between(m, end[0]) | ({source} if source is not None else set())
                kind = "bias" if biases else ""
                key = kind if source is None else self.nodes[source].args[0]
                kinds.setdefault(key, []).append((m, end, source, biases))
            found[pack.members] = [self._group(members) for members in kinds.values()]
        return found

    def _group(self, found: list[tuple[int, tuple[int, str], int | None, tuple[str, ...]]]) -> _Group:
        found = sorted(found, key=lambda item: ("", *_ACTIVATIONS).index(item[1][1]))
        members = tuple(m for m, _, _, _ in found)
        inputs = tuple(source for _, _, source, _ in found if source is not None)
        biases = tuple(biases for _, _, _, biases in found)
        added = "each" if inputs else "bias" if any(biases) else ""
        return _Group(members, {m: end for m, end, _, _ in found}, added, inputs, biases)

    def _taken_in(self, n: int) -> tuple[int, int | None, tuple[str, ...]]:
        """Find what can be fused into a product: a product of the input, biases, or both; and the last addition."""
        last, terms = self._sum(n)
        flat = [leaf for term in terms for leaf in self._leaves(term)]
        sources = [t for t in flat if self.nodes[t].op == "product"]
        biases = tuple(str(self.nodes[t].attr) for t in flat if self.nodes[t].op == "bias")
        alone = all(self._alone(t) is not None and self.plan.packs[t].blocks == 1 for t in sources)
        if len(sources) > 1 or len(sources) + len(biases) != len(flat) or not alone:
            return n, None, ()
        return last, (sources[0] if sources else None), biases

    def _between(self, first: int, last: int) -> set[int]:
        """Return the nodes from a product to its last fused node, without that one."""
        found, n = set(), first
        while n != last:
            found.add(n)
            (n,) = self.users[n]
        return found

    def _alone(self, n: int) -> int | None:
        """Return the single user of a value; None if there are several or it is a result."""
        return self.users[n][0] if len(self.users[n]) == 1 and n not in self.results else None

    def _sum(self, n: int) -> tuple[int, list[int]]:
        """Return the last addition of values that no state reaches to a product, and these values."""
        terms: list[int] = []
        while True:
            user = self._alone(n)
            if user is None or self.nodes[user].op != "add":
                return n, terms
            other = next((a for a in self.nodes[user].args if a != n), n)
            if other == n or other in self.carried:
                return n, terms
            terms.append(other)
            n = user

    def _activated(self, n: int) -> tuple[int, str]:
        """Find a value's activation if that is its only use: the node and the op, or the value and ""."""
        user = self._alone(n)
        if user is not None and self.nodes[user].op in _ACTIVATIONS:
            return user, self.nodes[user].op
        return n, ""

    def _leaves(self, n: int) -> list[int]:
        """Return the terms of a sum that nothing else needs."""
        if self.nodes[n].op == "add" and self._alone(n) is not None:
            return [leaf for a in self.nodes[n].args for leaf in self._leaves(a)]
        return [n]


assert {*EXPRESSIONS, *WRITTEN} == set(OPS), "the loop must be able to write every operation"
