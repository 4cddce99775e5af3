"""The role of each block of a cell, found from its use in the equations: forget gate, candidate, output gate."""

from __future__ import annotations

from functools import cached_property

from conveyor.views.diagram.blocks import Block, Blocks

_RANGES = {"σ": "from 0 to 1", "tanh": "from −1 to 1", "relu": "0 or more", "exp": "more than 0"}
_GATES = ("Forget gate", "Update gate", "Input gate", "Output gate", "Reset gate", "Gate")


class Roles:
    """The role of each block of a cell, as a title and a sentence."""

    def __init__(self, blocks: Blocks) -> None:
        self.blocks = blocks
        self.output = blocks.program.states[0].name
        self.old_of = {node: state for state, node in blocks.old.items()}
        self.new_of = {node: state for state, node in reversed(blocks.results.items())}
        self.belt_of = {n: s for s, path in blocks.belts.items() for n in path}

    @cached_property
    def gates(self) -> tuple[Block, ...]:
        """The named blocks that act as gates, in the order in which they are computed."""
        return tuple(b for b in self.blocks.of.values() if b.name and self.title(b).startswith(_GATES))

    def noun(self, state: str) -> str:
        """Names a state for readers: "memory" if it is separate from the output."""
        others = [s for s in self.blocks.belts if s != self.output]
        if state != self.output and others == [state]:
            return "memory"
        return "state" if len(self.blocks.results) == 1 or state == self.output else state

    def title(self, block: Block) -> str:
        """Give a block's title, a few words."""
        return self._told(block)[0]

    def sentence(self, block: Block) -> str:
        """Describe a block's use in a sentence."""
        return self._told(block)[1]

    def _told(self, block: Block) -> tuple[str, str]:
        state = self.new_of.get(block.node)
        if state is not None:
            return self._new(block, state)
        gate = self._gate(block)
        if gate is not None:
            return gate
        if block.kind == "map":
            return self._candidate(block)
        if block.kind == "function":
            return self._function(block)
        return self._operation(block)

    def _new(self, block: Block, state: str) -> tuple[str, str]:
        noun = self.noun(state)
        if state == self.output and state not in self.blocks.belts:
            if block.kind == "map":
                linear = block.label == "linear"
                told = "A learned map to the output's width." if linear else "The state is made anew from all inputs."
                return ("Output" if linear else "New state, the output"), told
            return "Output", "What this step shows to the outside, and to its own next step."
        if block.kind == "operation" and block.label == "+":
            return f"New {noun}", "What was kept and what was let in, added up unit by unit."
        return f"New {noun}", f"The value of {state} that goes on to the next step."

    # Gates

    def _scaled(self, block: Block) -> list[tuple[Block, Block | None, bool]]:
        """Find the products that a block's value scales: the product, its other factor, and whether by 1 − value."""
        of, found = self.blocks.of, []
        for reader in (of[n] for n in self.blocks.readers[block.node]):
            if reader.label == "×" and len(reader.inputs) == 2:
                others = [of[w.source] for w in reader.inputs if w.source != block.node]
                found.append((reader, others[0] if others else None, False))
            elif reader.kind == "function" and reader.label.startswith("1 − ") and not reader.name:
                found += [(product, other, True) for product, other, _ in self._scaled(reader)]
        return found

    def _gate(self, block: Block) -> tuple[str, str] | None:
        function = block.label.partition("(")[0]
        named_complement = block.name and block.label.startswith("1 − ")
        if block.kind not in ("map", "function") or not (function in ("σ", "exp") or named_complement):
            return None
        if not block.name and block.kind == "function" and function != "σ":
            return None
        uses = self._scaled(block)
        span = _RANGES.get(function, "from 0 to 1")
        kept = [(self.old_of.get(o.node), c) for p, o, c in uses if o and self._keeps(p, o)]
        admits = [c for p, o, c in uses if o and not self._keeps(p, o) and self._joins_belt(p)]
        if kept:
            state = kept[0][0]
            name = f"of {state}" if state else "of what is there"
            if admits and state == self.output:
                return "Update gate", f"How each unit divides itself between old and new, {span}."
            both = "; what it forgets makes room for new content" if admits else ""
            return "Forget gate", f"How much {name} each unit keeps, {span}{both}."
        if any(self.new_of.get(p.node) == self.output and self.output not in self.blocks.belts for p, _, _ in uses):
            return "Output gate", f"How much each unit shows of what it holds, {span}."
        if any(o and self._is_old(o) for _, o, _ in uses):
            return "Reset gate", f"How much of the old {self.noun(self.output)} the candidate may see, {span}."
        if admits:
            return "Input gate", f"How much new content each unit lets in, {span}."
        return ("Gate", f"A factor for each unit, {span}.") if uses else None

    def _keeps(self, product: Block, other: Block) -> bool:
        """Tell whether a product scales a state on its way to the next step."""
        belt = self.belt_of.get(product.node)
        if belt is None:
            return False
        return self.old_of.get(other.node) == belt or self.belt_of.get(other.node) == belt

    def _joins_belt(self, product: Block) -> bool:
        return any(r in self.belt_of for r in self.blocks.readers[product.node])

    def _is_old(self, block: Block) -> bool:
        """Tell whether a value is an old state, or a learned map of old states alone."""
        if block.node in self.old_of or block.node in self.belt_of:
            return True
        return block.kind == "map" and not block.name and all(w.source in self.old_of for w in block.inputs)

    # The rest

    def _candidate(self, block: Block) -> tuple[str, str]:
        span = _RANGES.get(block.label)
        readers = [self.blocks.of[n] for n in self.blocks.readers[block.node]]
        if any(r.label == "×" or (r.node in self.belt_of and span) for r in readers) and (block.name or span):
            return "Candidate", "The new content that each unit could take in" + (f", {span}." if span else ".")
        sources = ", ".join(dict.fromkeys(self.blocks.of[w.source].name or "a product" for w in block.inputs))
        return (f"Map {block.name}" if block.name else "Learned map"), f"A learned map of {sources}."

    def _function(self, block: Block) -> tuple[str, str]:
        source = self.blocks.of[block.inputs[0].source]
        state = self.new_of.get(source.node)
        if state is not None:
            span = _RANGES.get(block.label.partition("(")[0])
            squeezed = f", brought to {span.removeprefix('from ')}" if span and span.startswith("from") else ""
            return f"Activation of the {self.noun(state)}", f"The new {state}{squeezed}, ready to be shown."
        told = block.label.replace("·", source.name or "the last value")
        if block.label.startswith("1 − "):
            return "The gate's complement", f"What {source.name or 'the gate'} leaves: {told}."
        return (f"Value {block.name}" if block.name else "Function"), f"{told}, unit by unit."

    def _operation(self, block: Block) -> tuple[str, str]:
        of = self.blocks.of
        sources = [of[w.source] for w in block.inputs]
        gate = next((b for b in sources if self._told_gate(b)), None)
        belt = self.belt_of.get(block.node)
        if block.label == "×" and gate is not None and len(sources) == 2:
            other = next((b for b in sources if b is not gate), gate)
            by = gate.name or "it"
            if belt and (self.old_of.get(other.node) == belt or self.belt_of.get(other.node) == belt):
                return f"Old {self.noun(belt)} scaled", f"Each unit keeps the part of its old {belt} that {by} allows."
            if self._is_old(other):
                return f"Old {self.noun(self.output)} scaled", "What the candidate may see of the old state."
            if self._told(other)[0] == "Candidate":
                return f"{self._gate_title(gate)} × candidate", "Their product: the new content that is let in."
        names = [b.name or "…" for b in sources]
        told = f" {block.label} ".join(names) if len(block.label) == 1 else f"{block.label}({', '.join(names)})"
        return (f"Value {block.name}" if block.name else "Operation"), f"{told}, unit by unit."

    def _told_gate(self, block: Block) -> bool:
        if block.kind == "given":
            return False
        if block.kind == "function" and block.label.startswith("1 − ") and not block.name:
            return True
        return block.node not in self.new_of and self._gate(block) is not None

    def _gate_title(self, block: Block) -> str:
        found = self._gate(block) if block.node not in self.new_of else None
        return found[0] if found else "Complement"
