"""The files of a module for web pages and Node: JavaScript around the WebAssembly, and a package for npm."""

from __future__ import annotations

import json

from conveyor.build.files.texts import Facts, inputs_in_words, shape
from conveyor.build.files.wasm import link

FUNCTIONS = ("init", "reset", "step", "run")


def link_module(code: bytes, prefix: str) -> tuple[bytes, int]:
    """Links an object; returns the module and the first free address of its memory."""
    return link(code, [f"{prefix}_{name}" for name in FUNCTIONS])


def web_files(facts: Facts, module: bytes, free: int) -> dict[str, bytes]:
    """The files by name."""
    p = facts.prefix
    package = {
        "name": p.replace("_", "-").lower(),
        "version": "1.0.0",
        "description": shape(facts.network),
        "type": "module",
        "main": f"./{p}.js",
        "types": f"./{p}.d.ts",
        "exports": {".": {"types": f"./{p}.d.ts", "default": f"./{p}.js"}, f"./{p}.wasm": f"./{p}.wasm"},
        "files": [f"{p}.js", f"{p}.d.ts", f"{p}.wasm"],
    }
    return {
        f"{p}.wasm": module,
        f"{p}.js": _script(facts, free).encode(),
        f"{p}.d.ts": _types().encode(),
        "package.json": (json.dumps(package, indent=2) + "\n").encode(),
    }


def _script(facts: Facts, free: int) -> str:
    network, p = facts.network, facts.prefix
    return f"""\
// {shape(network)}
// {inputs_in_words(network)}.
//
//     import {{ load }} from "./{p}.js";
//     const model = await load();            // or load(url), load(bytes)
//     const stream = model.stream();         // any number of them
//     const y = stream.step([0.5]);          // one step: INPUTS numbers to OUTPUTS
//     const all = stream.run(samples);       // some steps one after another
//
// In an AudioWorklet, which can't fetch, pass a WebAssembly.Module in processorOptions and call new Model(module).

export const INPUTS = {network.inputs};
export const OUTPUTS = {network.outputs};
export const FINGERPRINT = "{network.fingerprint}";
export const CHECKSUM = "{network.checksum}";
const STATE_BYTES = {4 * facts.memory.size};
const FREE = {-(-free // 16) * 16};

export class Model {{
  constructor(module) {{
    const {{ exports }} = new WebAssembly.Instance(module);
    this.memory = exports.memory;
    this.functions = {{
      init: exports.{p}_init, reset: exports.{p}_reset, step: exports.{p}_step, run: exports.{p}_run,
    }};
    this.end = FREE;
    this.left = [];
  }}

  // Memory of the module, from the blocks that were given back or from the end.
  take(bytes) {{
    const k = this.left.findIndex((block) => block.bytes >= bytes);
    if (k >= 0) return this.left.splice(k, 1)[0];
    const block = {{ address: this.end, bytes: Math.ceil(bytes / 16) * 16 }};
    this.end += block.bytes;
    const missing = this.end - this.memory.buffer.byteLength;
    if (missing > 0) this.memory.grow(Math.ceil(missing / 65536));
    return block;
  }}

  give(block) {{
    this.left.push(block);
  }}

  stream() {{
    return new Stream(this);
  }}
}}

export class Stream {{
  constructor(model) {{
    this.model = model;
    this.state = model.take(STATE_BYTES);
    this.numbers = model.take(4 * (INPUTS + OUTPUTS));
    this.steps = 1;
    model.functions.init(this.state.address);
  }}

  // Views of the memory, made anew when it has grown.
  view() {{
    const {{ buffer }} = this.model.memory;
    if (this.buffer !== buffer || this.viewed !== this.numbers) {{
      this.buffer = buffer;
      this.viewed = this.numbers;
      this.x = new Float32Array(buffer, this.numbers.address, INPUTS * this.steps);
      this.y = new Float32Array(buffer, this.numbers.address + 4 * INPUTS * this.steps, OUTPUTS * this.steps);
    }}
  }}

  // One step. The result goes to `out`, or to a new array.
  step(x, out = new Float32Array(OUTPUTS)) {{
    return this.run(x, out);
  }}

  // x has steps * INPUTS numbers; the result, steps * OUTPUTS, goes to `out`, or to a new array.
  run(x, out) {{
    const steps = x.length / INPUTS;
    if (!Number.isInteger(steps)) throw new RangeError(`x has ${{x.length}} numbers, not steps * ${{INPUTS}}`);
    const y = out ?? new Float32Array(steps * OUTPUTS);
    if (y.length !== steps * OUTPUTS) {{
      throw new RangeError(`out has ${{y.length}} numbers, expected ${{steps * OUTPUTS}}`);
    }}
    if (steps > this.steps) {{
      this.model.give(this.numbers);
      this.numbers = this.model.take(4 * steps * (INPUTS + OUTPUTS));
      this.steps = steps;
    }}
    this.view();
    this.x.set(x);
    this.model.functions.run(this.state.address, this.x.byteOffset, this.y.byteOffset, steps);
    y.set(steps === this.steps ? this.y : this.y.subarray(0, steps * OUTPUTS));
    return y;
  }}

  reset() {{
    this.model.functions.reset(this.state.address);
  }}

  // Gives the stream's memory back; it must not be used afterwards.
  free() {{
    this.model.give(this.state);
    this.model.give(this.numbers);
  }}
}}

// Loads the module from a URL or bytes; without, from beside this file.
export async function load(source = new URL("./{p}.wasm", import.meta.url)) {{
  if (source instanceof WebAssembly.Module) return new Model(source);
  if (source instanceof ArrayBuffer || ArrayBuffer.isView(source)) return new Model(await WebAssembly.compile(source));
  const url = new URL(source, import.meta.url);
  if (url.protocol === "file:") {{
    const {{ readFile }} = await import("node:fs/promises");
    return new Model(await WebAssembly.compile(await readFile(url)));
  }}
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${{url}} could not be loaded: ${{response.status}}`);
  return new Model(await WebAssembly.compile(await response.arrayBuffer()));
}}
"""


def _types() -> str:
    return """\
export const INPUTS: number;
export const OUTPUTS: number;
export const FINGERPRINT: string;
export const CHECKSUM: string;
export class Model {
  constructor(module: WebAssembly.Module);
  stream(): Stream;
}
export class Stream {
  step(x: ArrayLike<number>, out?: Float32Array): Float32Array;
  run(x: ArrayLike<number>, out?: Float32Array): Float32Array;
  reset(): void;
  free(): void;
}
export function load(source?: URL | string | ArrayBuffer | ArrayBufferView | WebAssembly.Module): Promise<Model>;
"""
