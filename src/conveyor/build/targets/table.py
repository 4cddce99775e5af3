"""The table of targets: what LLVM must be told to make code for each, and what its vectors are.

LLVM takes an unknown processor or feature for a generic one, with a warning that nobody sees, so names are looked up
here. A triple must have the form that LLVM itself gives it: with `thumbv7em-none-eabihf`, as compilers write it, the
object lacks the tag for hardware floating-point arguments.
"""

from __future__ import annotations

import platform
from dataclasses import dataclass, replace
from difflib import get_close_matches

from conveyor.build.targets.processors import PROCESSORS
from conveyor.errors import ArgumentError

HOST = "host"


@dataclass(frozen=True)
class Target:
    """A kind of device.

    Attributes:
        name: Its name in this table.
        about: What it is, in a few words.
        triple: LLVM's name of architecture, vendor, system and ABI.
        cpu: The processor that code is made for.
        features: LLVM's features, `+name` or `-name`, separated by commas.
        lanes: How many float32 numbers a vector may hold, the widest first; (1,) without vectors.
        sums: How many vectors of sums the registers hold beside what else is needed.
        bits: Of an address.
        family: The key of its processors in `PROCESSORS`.
        abi: LLVM's name of the calling convention, where it needs one.
        code_model: How far apart code and constants may lie.
        relocation: `pic`, or `static`.
        dot: The instructions for products of 8-bit numbers: `vnni`, `madd`, `sdot`, or nothing.
        first_cache: Bytes of the first data cache; 0 where there is none or it does not matter.
        extension: What a file of the linked module is called; empty where an object file is all.
    """

    name: str
    about: str
    triple: str
    cpu: str
    features: str
    lanes: tuple[int, ...]
    sums: int
    bits: int
    family: str
    abi: str = ""
    code_model: str = "default"
    relocation: str = "pic"
    dot: str = ""
    first_cache: int = 32 * 1024
    extension: str = ""

    @property
    def widest(self) -> int:
        """The number of lanes of the widest vector."""
        return self.lanes[0]

    @property
    def is_web(self) -> bool:
        """True for WebAssembly, which is linked here."""
        return self.triple.startswith("wasm")

    @property
    def is_embedded(self) -> bool:
        """True where memory is counted in kilobytes, so that code is kept small."""
        return self.first_cache == 0


_LINUX_X86, _MAC_X86 = "x86_64-unknown-linux-gnu", "x86_64-apple-macosx10.15.0"
_AVX2 = (8, 4)
_AVX512 = (16, 8, 4)

_TABLE = (
    Target("x86-64", "Linux on x86-64, SSE2", _LINUX_X86, "x86-64", "", (4,), 8, 64, "x86"),
    Target("x86-64-avx2", "… with AVX2 and FMA", _LINUX_X86, "x86-64-v3", "", _AVX2, 12, 64, "x86", dot="madd"),
    Target(
        "x86-64-avx512", "… with AVX-512", _LINUX_X86, "x86-64-v4", "-prefer-256-bit", _AVX512, 16, 64, "x86",
        dot="madd",
    ),
    Target(
        "x86-64-vnni", "… with AVX-512 and dot products of 8-bit numbers", _LINUX_X86, "x86-64-v4",
        "-prefer-256-bit,+avx512vnni", _AVX512, 16, 64, "x86", dot="vnni",
    ),
    Target("aarch64", "Linux on 64-bit ARM", "aarch64-unknown-linux-gnu", "generic", "+neon", (4,), 16, 64, "aarch64"),
    Target(
        "aarch64-dot", "… with dot products of 8-bit numbers (ARMv8.2 and up)", "aarch64-unknown-linux-gnu", "generic",
        "+neon,+dotprod", (4,), 16, 64, "aarch64", dot="sdot",
    ),
    Target(
        "armv7", "Linux on 32-bit ARM, Cortex-A with NEON", "armv7a-unknown-linux-gnueabihf", "cortex-a7",
        "+neon,+vfp4", (4,), 8, 32, "arm",
    ),
    Target(
        "cortex-m7", "Cortex-M7 with hardware float, no system", "thumbv7em-unknown-none-eabihf", "cortex-m7",
        "+fp-armv8d16sp", (1,), 8, 32, "cortex-m", relocation="static", first_cache=0,
    ),
    Target(
        "cortex-m4f", "Cortex-M4 with hardware float, no system", "thumbv7em-unknown-none-eabihf", "cortex-m4", "",
        (1,), 8, 32, "cortex-m", relocation="static", first_cache=0,
    ),
    Target(
        "riscv64", "Linux on RISC-V 64", "riscv64-unknown-linux-gnu", "generic-rv64", "+m,+a,+f,+d,+c", (1,), 12, 64,
        "riscv64", abi="lp64d", code_model="medium",
    ),
    Target(
        "riscv64-v", "… with vectors of 128 bits or more", "riscv64-unknown-linux-gnu", "generic-rv64",
        "+m,+a,+f,+d,+c,+v,+zvl128b", (4,), 16, 64, "riscv64", abi="lp64d", code_model="medium",
    ),
    Target(
        "riscv32", "RISC-V 32 with hardware float, no system", "riscv32-unknown-elf", "generic-rv32", "+m,+a,+f,+c",
        (1,), 12, 32, "riscv32", abi="ilp32f", relocation="static", first_cache=0,
    ),
    Target(
        "wasm32", "WebAssembly with SIMD", "wasm32-unknown-unknown", "generic", "+simd128", (4,), 8, 32, "wasm",
        relocation="static", extension=".wasm",
    ),
    Target(
        "wasm32-plain", "WebAssembly without SIMD", "wasm32-unknown-unknown", "generic", "", (1,), 8, 32, "wasm",
        relocation="static", first_cache=0, extension=".wasm",
    ),
    Target(
        "wasm32-relaxed", "WebAssembly with relaxed SIMD (fused multiply-add)",
        "wasm32-unknown-unknown", "generic", "+simd128,+relaxed-simd", (4,), 8, 32, "wasm", relocation="static",
        extension=".wasm",
    ),
    Target(
        "windows", "Windows on x86-64, AVX2", "x86_64-w64-windows-gnu", "x86-64-v3", "", _AVX2, 12, 64, "x86",
        dot="madd",
    ),
    Target("windows-sse2", "Windows on x86-64, SSE2", "x86_64-w64-windows-gnu", "x86-64", "", (4,), 8, 64, "x86"),
    Target("windows-arm64", "Windows on ARM", "aarch64-pc-windows-msvc", "generic", "+neon", (4,), 16, 64, "aarch64"),
    Target("macos", "macOS on Apple silicon", "arm64-apple-macosx11.0.0", "apple-m1", "", (4,), 16, 64, "aarch64"),
    Target("macos-x86-64", "macOS on Intel, AVX2", _MAC_X86, "x86-64-v3", "", _AVX2, 12, 64, "x86", dot="madd"),
)  # fmt: skip

TARGETS = {t.name: t for t in _TABLE}
_ALIASES = {t.triple: t.name for t in reversed(_TABLE)} | {
    "thumbv7em-none-eabihf": "cortex-m7",
    "aarch64-linux-gnu": "aarch64",
    "arm-linux-gnueabihf": "armv7",
    "riscv64-linux-gnu": "riscv64",
    "x86_64-linux-gnu": "x86-64",
    "x86_64-pc-windows-msvc": "windows-sse2",
    "wasm": "wasm32",
    "wasm32-unknown-unknown": "wasm32",
    "arm64-apple-macosx": "macos",
    "aarch64-apple-darwin": "macos",
    "x86_64-apple-darwin": "macos-x86-64",
}
_WITHOUT_FLOAT = ("xtensa", "esp32", "esp8266", "lx6", "lx7", "avr", "cortex-m0", "cortex-m3", "thumbv6m", "msp430")


def find_target(name: str, cpu: str | None = None) -> Target:
    """Finds a target by its name, its triple, or `host`, for a processor if one is named.

    Raises:
        ArgumentError: There is no such target or no such processor, or LLVM can't make code for it.
    """
    target = host_target() if name == HOST else TARGETS.get(_ALIASES.get(name, name))
    if target is None:
        raise ArgumentError(_unknown_target(name))
    if cpu is None:
        return target
    known = PROCESSORS[target.family]
    if cpu not in known:
        close = get_close_matches(cpu, known, 3)
        hint = f"did you mean {' or '.join(close)}" if close else f"known are {', '.join(known)}"
        raise ArgumentError(f"cpu: {cpu!r} is no processor of {target.name} that LLVM knows; {hint}")
    return replace(target, cpu=cpu)


def near_targets(name: str) -> list[str]:
    """Names in the table that are near a wrong one."""
    lower = name.lower()
    close = get_close_matches(lower, [*TARGETS, *_ALIASES], 4, 0.5)
    parts = [p for p in lower.replace("_", "-").split("-") if len(p) > 2]
    close += [t for t in TARGETS if any(p in t or t in p for p in parts)]
    return list(dict.fromkeys(_ALIASES.get(c, c) for c in close))[:6]


def _unknown_target(name: str) -> str:
    if any(word in str(name).lower() for word in _WITHOUT_FLOAT):
        return (
            f"target: {name!r} has no floating-point unit or no code generator in LLVM; write portable C with"
            " --emit c and give that to the device's own compiler"
        )
    close = near_targets(str(name))
    hint = f"did you mean {' or '.join(close)}" if close else "conveyor build --list-targets shows all"
    return f"target: {name!r} is not in the table; {hint}"


def host_target() -> Target:
    """The target for this very machine.

    Raises:
        ArgumentError: There is none in the table.
    """
    from conveyor.build.targets.host import host_features, host_processor

    machine, system = platform.machine().lower(), platform.system()
    if machine in ("x86_64", "amd64"):
        base = _host_x86(host_features())
        systems = {"Windows": "x86_64-w64-windows-gnu", "Darwin": _MAC_X86}
        return replace(base, name=HOST, cpu=host_processor(), triple=systems.get(system, _LINUX_X86))
    if machine in ("aarch64", "arm64"):
        base = TARGETS["macos" if system == "Darwin" else "windows-arm64" if system == "Windows" else "aarch64"]
        return replace(base, name=HOST)
    if machine == "riscv64":
        return replace(TARGETS["riscv64"], name=HOST)
    raise ArgumentError(f"target: this machine ({machine}) is not in the table; name one, or use --emit c")


def _host_x86(features: frozenset[str]) -> Target:
    if {"avx512f", "avx512vl", "avx512dq", "avx512bw"} <= features:
        base = TARGETS["x86-64-vnni" if "avx512vnni" in features else "x86-64-avx512"]
    else:
        base = TARGETS["x86-64-avx2" if {"avx2", "fma"} <= features else "x86-64"]
    extra = [f"+{f}" for f in sorted(features)] + ([base.features] if base.features else [])
    return replace(base, features=",".join(extra))
