"""The header, the example and the README that lie beside the object."""

from __future__ import annotations

from dataclasses import dataclass

import conveyor
from conveyor.build.lowering.memory import Memory
from conveyor.build.network import Network
from conveyor.build.targets.table import Target


@dataclass(frozen=True)
class Facts:
    """The facts that the texts state.

    Attributes:
        prefix: What names begin with.
        network: The network.
        memory: The layout of the state.
        target: The target; None for portable C.
        weights: How weights are stored.
        size: Bytes of the object, or of the source.
    """

    prefix: str
    network: Network
    memory: Memory
    target: Target | None
    weights: str
    size: int

    @property
    def made_for(self) -> str:
        """The target in words."""
        if self.target is None:
            return "any C11 compiler"
        return f"{self.target.triple}, {self.target.cpu}"


def shape(network: Network) -> str:
    """The network in one line."""
    parts = []
    if network.embedding is not None:
        parts.append("embedding {}x{}".format(*network.embedding.shape))
    parts += [f"linear {m.weight.shape[1]} to {m.weight.shape[0]}" for m in network.projections]
    parts += [f"{layer.name} {layer.input_size} to {layer.output_size}" for layer in network.layers]
    parts += [f"linear {m.weight.shape[1]} to {m.weight.shape[0]}" for m in network.heads]
    parts += [network.activation] if network.activation else []
    parts += ["plus the input"] if network.skips_input else []
    said = ", ".join(parts)
    return said if network.connections == "plain" else f"{said}; {network.connections} connections"


def inputs_in_words(network: Network) -> str:
    """Describe the input x."""
    if network.embedding is not None:
        said = f"x[0] is the number of a token, 0 to {network.embedding.shape[0] - 1}, as a float"
    else:
        said = f"x[0..{network.input_size - 1}] is the input"
    at = network.input_size
    for name, width in network.aux.items():
        said += f", x[{at}..{at + width - 1}] is {name}"
        at += width
    return said


def header(facts: Facts) -> str:
    """The header, in C that C++ reads too."""
    p, upper, network = facts.prefix, facts.prefix.upper(), facts.network
    slots = [
        f"#define {upper}_STATE_{state.name.upper()} {slot} /* first of {state.width or 1} numbers */"
        for state, slot in zip(facts.memory.graph.states, facts.memory.states, strict=True)
    ]
    lines = f"""\
/* {shape(network)}
 *
 * made by   conveyor {conveyor.__version__}
 * for       {facts.made_for}
 * weights   {facts.weights}, {network.parameter_count} numbers, SHA-256 {network.checksum}
 * equations SHA-256 {network.fingerprint}
 *
 * {inputs_in_words(network)}.
 * Nothing is allocated and nothing outside the state is written. Any number of states may be used side by side, each by
 * one thread at a time. A state may be copied. Call {p}_init before the first step.
 */
#ifndef {upper}_H
#define {upper}_H

#include <stdint.h>

#define {upper}_INPUTS {network.inputs}
#define {upper}_OUTPUTS {network.outputs}
#define {upper}_STATE_SIZE {facts.memory.size}
#define {upper}_FINGERPRINT "{network.fingerprint}"
#define {upper}_CHECKSUM "{network.checksum}"

/* Where the states lie in memory. */
"""
    lines += (
        "\n".join(slots)
        + f"""

#ifdef __cplusplus
extern "C" {{
#endif

typedef struct {p}_state {{
    float memory[{facts.memory.size}];
}} {p}_state;

/* The state before the first step. */
void {p}_init({p}_state *state);

/* The same again, to start a new sequence. */
void {p}_reset({p}_state *state);

/* One step: x has {upper}_INPUTS numbers, y gets {upper}_OUTPUTS; they may be the same memory. */
void {p}_step({p}_state *state, const float *x, float *y);

/* Some steps one after another: x (steps, {upper}_INPUTS), y (steps, {upper}_OUTPUTS). */
void {p}_run({p}_state *state, const float *x, float *y, int32_t steps);

#ifdef __cplusplus
}}
#endif

#endif
"""
    )
    return lines


def example(facts: Facts) -> str:
    """A program that reads steps as text from standard input and prints the output of each."""
    p, upper = facts.prefix, facts.prefix.upper()
    return f"""\
/* Reads steps from standard input, {upper}_INPUTS numbers each, and prints {upper}_OUTPUTS numbers for each. */
#include <stdio.h>

#include "{p}.h"

int main(void) {{
    static {p}_state state;
    float x[{upper}_INPUTS], y[{upper}_OUTPUTS];
    {p}_init(&state);
    for (;;) {{
        for (int k = 0; k < {upper}_INPUTS; k++)
            if (scanf("%f", &x[k]) != 1) return 0;
        {p}_step(&state, x, y);
        for (int k = 0; k < {upper}_OUTPUTS; k++)
            printf("%.9g%c", (double)y[k], k + 1 < {upper}_OUTPUTS ? ' ' : '\\n');
    }}
}}
"""


def readme(facts: Facts, difference: str, source: str) -> str:
    """Write the README of the folder: its files and their use."""
    p, network = facts.prefix, facts.network
    return f"""\
# {p}

{shape(network)}

Made by conveyor {conveyor.__version__} for {facts.made_for}; weights in {facts.weights}.

| | |
|---|---|
| `{source}` | {facts.size} bytes |
| state | {4 * facts.memory.size} bytes, in memory of the caller's |
| inputs of a step | {network.inputs}: {inputs_in_words(network)} |
| outputs | {network.outputs} |
| learned numbers | {network.parameter_count} |

{difference}

## Use

{_use(facts, source)}

No heap, no globals that change, no libc, no libm, no threads, no stack arrays. `{p}.h` has the functions and says what
each does; `example.c` is a whole program: it reads steps as text and prints the outputs of each.
"""


def _use(facts: Facts, source: str) -> str:
    if facts.target is not None and facts.target.is_web:
        return f"""\
`import {{ load }} from "./{facts.prefix}.js"` in a browser or in Node; see the comment there. `package.json` makes the
folder a package of npm."""
    compiler = _COMPILERS.get(facts.target.name if facts.target else "", "cc")
    return f"""\
    {compiler} -O2 example.c {source} -o example
    echo "{" ".join(["0.5"] * min(facts.network.inputs, 8))}" | ./example"""


_COMPILERS = {
    "aarch64": "aarch64-linux-gnu-gcc",
    "aarch64-dot": "aarch64-linux-gnu-gcc",
    "armv7": "arm-linux-gnueabihf-gcc",
    "cortex-m7": "arm-none-eabi-gcc -mcpu=cortex-m7 -mfloat-abi=hard -mfpu=fpv5-sp-d16 --specs=rdimon.specs",
    "cortex-m4f": "arm-none-eabi-gcc -mcpu=cortex-m4 -mfloat-abi=hard -mfpu=fpv4-sp-d16 --specs=rdimon.specs",
    "riscv64": "riscv64-linux-gnu-gcc",
    "riscv64-v": "riscv64-linux-gnu-gcc",
    "riscv32": "riscv32-unknown-elf-gcc -march=rv32imafc -mabi=ilp32f",
    "windows": "x86_64-w64-mingw32-gcc",
    "windows-sse2": "x86_64-w64-mingw32-gcc",
}
