"""C programs around built objects, compiled and run by the tools of `make device-tools`."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Reads x from one file and writes y to another; the state lies at no multiple of eight bytes.
MAIN = """\
#include <stdio.h>
#include <stdlib.h>
#include "model.h"

static struct { float before; model_state state; float behind; } one = {1.5f, {{0}}, 2.5f};

int main(int count, char **names) {
    FILE *in = fopen(names[1], "rb"), *out = fopen(names[2], "wb");
    float x[MODEL_INPUTS], y[MODEL_OUTPUTS];
    if (count != 3 || !in || !out) return 2;
    model_init(&one.state);
    while (fread(x, sizeof(float), MODEL_INPUTS, in) == MODEL_INPUTS) {
        model_step(&one.state, x, y);
        fwrite(y, sizeof(float), MODEL_OUTPUTS, out);
    }
    return fclose(out) != 0 || one.before != 1.5f || one.behind != 2.5f;
}
"""

# Two streams in turns, the second over the same numbers backwards; then the first again after a reset.
STREAMS = """\
#include <stdio.h>
#include <string.h>
#include "model.h"

enum { STEPS = 300 };
static float x[STEPS][MODEL_INPUTS], alone[2][STEPS][MODEL_OUTPUTS], y[MODEL_OUTPUTS];
static model_state state[2];

int main(void) {
    for (int t = 0; t < STEPS; t++)
        for (int k = 0; k < MODEL_INPUTS; k++) x[t][k] = (float)((t * 7 + k * 3) % 11) / 11.0f - 0.5f;
    for (int s = 0; s < 2; s++) {
        model_init(&state[s]);
        for (int t = 0; t < STEPS; t++) model_step(&state[s], x[s ? STEPS - 1 - t : t], alone[s][t]);
    }
    for (int s = 0; s < 2; s++) model_reset(&state[s]);
    for (int t = 0; t < STEPS; t++)
        for (int s = 0; s < 2; s++) {
            model_step(&state[s], x[s ? STEPS - 1 - t : t], y);
            if (memcmp(y, alone[s][t], sizeof y)) return 1;
        }
    model_init(&state[0]);
    static float together[STEPS][MODEL_OUTPUTS];
    model_run(&state[0], &x[0][0], &together[0][0], STEPS);
    return memcmp(together, alone[0], sizeof together) ? 2 : 0;
}
"""

# Counts the instructions of each step: the parent steps through the child from one mark to the next.
COUNT = """\
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>
#include "model.h"

enum { STEPS = 40 };

static void child(void) {
    static model_state state;
    float x[MODEL_INPUTS], y[MODEL_OUTPUTS];
    ptrace(PTRACE_TRACEME, 0, 0, 0);
    model_init(&state);
    raise(SIGSTOP);
    for (int t = 0; t < STEPS; t++) {
        for (int k = 0; k < MODEL_INPUTS; k++) x[k] = t % 5 == 4 ? 1e30f : t < 20 ? 0.0f : 0.3f * (float)(t - 30);
        __asm__ volatile("int3");
        model_step(&state, x, y);
        __asm__ volatile("int3");
    }
    _exit(0);
}

int main(void) {
    int status, inside = 0;
    long count = 0;
    const pid_t pid = fork();
    if (!pid) child();
    waitpid(pid, &status, 0);
    ptrace(PTRACE_CONT, pid, 0, 0);
    for (;;) {
        waitpid(pid, &status, 0);
        if (WIFEXITED(status)) return 0;
        inside = 1;
        for (count = 0; inside; count++) {
            siginfo_t why;
            ptrace(PTRACE_SINGLESTEP, pid, 0, 0);
            waitpid(pid, &status, 0);
            ptrace(PTRACE_GETSIGINFO, pid, 0, &why);
            if (why.si_code == SI_KERNEL) inside = 0; /* the second mark */
        }
        printf("%ld\\n", count);
        ptrace(PTRACE_CONT, pid, 0, 0);
    }
}
"""

# Without a system: the vectors, the floating-point unit, and output by semihosting.
BARE = """\
#include <stdint.h>
#include "model.h"
#include "data.h"

extern uint32_t stack_top;
void start(void);
__attribute__((section(".vectors"), used)) static const void *const vectors[] = {&stack_top, (const void *)start};

static int call(int what, const void *with) {
    register int r0 __asm__("r0") = what;
    register const void *r1 __asm__("r1") = with;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

static void print(uint32_t word) {
    char text[10];
    for (int k = 0; k < 8; k++) text[k] = "0123456789abcdef"[word >> (28 - 4 * k) & 15];
    text[8] = '\\n';
    text[9] = 0;
    call(4, text);
}

static model_state state;

void start(void) {
    *(volatile uint32_t *)0xe000ed88u |= 0xfu << 20; /* lets the floating-point unit be used */
    __asm__ volatile("dsb\\nisb");
    float y[MODEL_OUTPUTS];
    model_init(&state);
    for (int t = 0; t < STEPS; t++) {
        model_step(&state, x + t * MODEL_INPUTS, y);
        for (int k = 0; k < MODEL_OUTPUTS; k++) {
            union { float number; uint32_t bits; } both = {y[k]};
            print(both.bits);
        }
    }
    call(0x18, (const void *)0x20026); /* the program has ended */
    for (;;) {}
}
"""
SCRIPT = """\
ENTRY(start)
MEMORY { code (rx) : ORIGIN = 0x00000000, LENGTH = 4M  data (rw) : ORIGIN = 0x20000000, LENGTH = 4M }
SECTIONS {
    .text : { KEEP(*(.vectors)) *(.text*) *(.rodata*) } > code
    .bss : { *(.bss*) *(COMMON) *(.data*) } > data
    /DISCARD/ : { *(.ARM.exidx*) *(.ARM.attributes.x) }
    stack_top = ORIGIN(data) + LENGTH(data);
}
"""


def compiled(folder: Path, source: str, command: Sequence[str], objects: Sequence[str] = ("model.o",)) -> Path:
    """Compiles a program beside what was built."""
    (folder / "main.c").write_text(source)
    made = folder / "main"
    subprocess.run([*command, "main.c", *objects, "-o", str(made)], cwd=folder, check=True)
    return made


def run_files(folder: Path, x: NDArray[np.float32], outputs: int, runner: Sequence[str] = ()) -> NDArray[np.float32]:
    """Runs the compiled `MAIN` over data."""
    np.ascontiguousarray(x, np.float32).tofile(folder / "x.bin")
    command = [*runner, str(folder / "main"), "x.bin", "y.bin"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=500)
    return np.fromfile(folder / "y.bin", np.float32).reshape(-1, outputs)


def run_bare(folder: Path, x: NDArray[Any], outputs: int, flags: Sequence[str], machine: str) -> NDArray[np.float32]:
    """Compiles and runs `BARE` under qemu, without a system."""
    numbers = ",".join(f"{v.hex()}f" for v in map(float, np.ravel(x)))
    (folder / "data.h").write_text(f"#define STEPS {len(x)}\nstatic const float x[] = {{{numbers}}};\n")
    (folder / "script.ld").write_text(SCRIPT)
    command = ["arm-none-eabi-gcc", "-O2", "-mthumb", *flags, "-nostdlib", "-ffreestanding", "-Tscript.ld"]
    made = compiled(folder, BARE, command)
    qemu = ["qemu-system-arm", "-machine", machine, "-nographic", "-semihosting", "-kernel", str(made)]
    done = subprocess.run(qemu, check=True, capture_output=True, timeout=500, stdin=subprocess.DEVNULL)
    words = [int(line, 16) for line in (done.stdout or done.stderr).decode().split()]
    return np.array(words, np.uint32).view(np.float32).reshape(-1, outputs)
