"""Built objects inside C programs on this machine. The tools are those of `make device-tools`."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch

import conveyor as cv
from build.oracle import data, expected, object_of, planned, random_network
from build.programs import COUNT, MAIN, STREAMS, compiled, run_files
from conveyor.build.build import build_network
from conveyor.build.network import Network
from conveyor.build.targets.table import TARGETS, find_target

GCC = ["gcc", "-O2", "-Wall", "-Wextra", "-Werror"]
PORTABLE = [*GCC, "-std=c11", "-pedantic"]


def built(folder: Path, network: Network, target: str | None = "host", weights: str = "float32") -> Path:
    made = build_network(network, folder, target and find_target(target), weights, "model", None, True)
    return made.folder


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_the_layer_over_ten_thousand_steps(kind: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    layer = getattr(cv, kind)(1, 32, num_layers=2)
    head = torch.nn.Linear(32, 1)
    cv.build([layer, head], tmp_path / "out")
    compiled(tmp_path / "out", MAIN, GCC, ["model.a"])
    x = np.random.default_rng(0).standard_normal((10_000, 1)).astype(np.float32)
    got = run_files(tmp_path / "out", x, 1)
    with torch.no_grad():
        y = layer(torch.from_numpy(x)[:, None])[0]
        want = head(y)[:, 0].numpy()
    assert np.abs(got - want).max() <= 1e-5


@pytest.mark.slow
def test_streams_do_not_disturb_each_other(tmp_path: Path) -> None:
    for name, network in {
        "small": random_network("lstm", 2, 20, 2, 3),
        "large": random_network("gru", 2, 96, 1, 1),
        "normed": random_network("lstm_layer_norm", 2, 17, 1),
    }.items():
        folder = built(tmp_path / name, network)
        assert subprocess.run([compiled(folder, STREAMS, GCC)]).returncode == 0
        assert (
            subprocess.run(
                [compiled(built(tmp_path / f"{name}_c", network, None), STREAMS, PORTABLE, ["model.c"])]
            ).returncode
            == 0
        )


@pytest.mark.slow
def test_the_example_runs(tmp_path: Path) -> None:
    network = random_network("lstm", 2, 8, 1, 2)
    folder = built(tmp_path / "out", network)
    subprocess.run([*PORTABLE, "example.c", "model.o", "-o", "example"], cwd=folder, check=True)
    x = data(network, 5)
    text = "\n".join(" ".join(f"{v:.9g}" for v in row) for row in x)
    done = subprocess.run([folder / "example"], input=text, capture_output=True, text=True, check=True)
    got = np.array([[float(v) for v in line.split()] for line in done.stdout.splitlines()])
    np.testing.assert_allclose(got, expected(network, x), atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("target", ["x86-64", "x86-64-avx2"])
def test_valgrind_finds_nothing(target: str, tmp_path: Path) -> None:
    network = random_network("lstm_layer_norm", 3, 37, 2, 5, activation="softmax")
    folder = built(tmp_path / "out", network, target)
    compiled(folder, MAIN, [*GCC, "-g"])
    x = data(network, 50)
    tool = ["valgrind", "--error-exitcode=9", "--leak-check=no", "-q"]
    np.testing.assert_allclose(run_files(folder, x, 5, tool), expected(network, x), atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("cell", ["lstm", "gru"])
@pytest.mark.parametrize("hidden", [8, 20, 64])
def test_every_step_has_as_many_instructions(cell: str, hidden: int, tmp_path: Path) -> None:
    """Whatever the numbers are: zeros, large ones, odd steps and even ones."""
    folder = built(tmp_path / "out", random_network(cell, 1, hidden, 1, 1))
    done = subprocess.run([compiled(folder, COUNT, ["gcc", "-O2"])], capture_output=True, text=True, check=True)
    counts = {int(line) for line in done.stdout.split()}
    assert len(done.stdout.split()) == 40
    assert len(counts) == 1 and counts.pop() > 4 * hidden


@pytest.mark.slow
@pytest.mark.parametrize("weights", ["float32", "bf16", "int8"])
@pytest.mark.parametrize("cell", ["lstm", "gru_d", "slstm", "lstm_layer_norm", "gru_reset_before"])
def test_portable_c(cell: str, weights: str, tmp_path: Path) -> None:
    inputs, hidden = (19, 19) if cell == "gru_d" else (3, 20)
    network = random_network(cell, inputs, hidden, 1, 5, activation="softmax")
    folder = built(tmp_path / "out", network, None, weights)
    compiled(folder, MAIN, PORTABLE, ["model.c"])
    x = data(network, 200)
    np.testing.assert_allclose(
        run_files(folder, x, 5), expected(network, x), atol=1e-5 if weights == "float32" else 2e-2
    )


@pytest.mark.slow
def test_portable_c_has_every_operation(tmp_path: Path) -> None:
    from build.test_targets import every_operation

    network = random_network(every_operation, 3, 9, 1)
    folder = built(tmp_path / "out", network, None)
    compiled(folder, MAIN, PORTABLE, ["model.c"])
    x = data(network, 20)
    np.testing.assert_allclose(run_files(folder, x, 9), expected(network, x), atol=1e-4)


@pytest.mark.slow
def test_the_functions_of_portable_c_are_exact(tmp_path: Path) -> None:
    """Each function over all of float32, against NumPy in float64."""
    from conveyor.build.c_source.functions import write_functions

    truths = {
        "f_exp": np.exp,
        "f_log": np.log,
        "f_log1p": np.log1p,
        "f_softplus": lambda x: np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x))),
        "f_sqrt": np.sqrt,
        "f_sigmoid": lambda x: np.where(x < 0, np.exp(np.minimum(x, 0)), 1) / (1 + np.exp(-np.abs(x))),
        "f_sine": np.sin,
        "f_cosine": np.cos,
    }
    body = write_functions(["f_exp", "f_log", "f_log1p", "f_softplus", "f_sqrt", "f_sigmoid", "f_wave"])
    calls = {"f_sine": "f_wave(x, 0u)", "f_cosine": "f_wave(x, 1u)"}
    lines = "".join(f"y = {calls.get(n, f'{n}(x)')}; fwrite(&y, 4, 1, out);\n" for n in truths)
    source = f"""#include <stdint.h>
#include <stdio.h>
{body}
int main(int count, char **names) {{
    FILE *in = fopen(names[1], "rb"), *out = fopen(names[2], "wb");
    float x, y;
    if (count != 3 || !in || !out) return 2;
    while (fread(&x, 4, 1, in) == 1) {{ {lines} }}
    return fclose(out);
}}
"""
    compiled(tmp_path, source, PORTABLE, [])
    bits = (np.arange(100_000, dtype=np.uint64) * (2**32 // 100_000)).astype(np.uint32)
    x = np.concatenate([bits.view(np.float32), np.random.default_rng(0).uniform(-20, 20, 50_000).astype(np.float32)])
    x = x[np.isfinite(x)]
    got = run_files(tmp_path, x[:, None], len(truths))
    with np.errstate(all="ignore"):
        for k, (name, truth) in enumerate(truths.items()):
            want = truth(x.astype(np.float64))
            assert (np.isnan(want) == np.isnan(got[:, k])).all(), name
            fine = np.isfinite(want) & (np.abs(want) < 3e38)
            size = np.exp2(np.floor(np.log2(np.maximum(np.abs(want), 2.0**-126)))) * 2.0**-23
            assert (np.abs(got[:, k] - want) / size)[fine].max() <= 4, name


def test_no_array_lies_on_the_stack() -> None:
    """What a step puts there are registers that were saved, and spills: a kilobyte at most."""
    target = TARGETS["x86-64-avx2"]
    for cell, hidden in (("lstm", 20), ("lstm", 256), ("gru", 64), ("lstm_layer_norm", 48)):
        text = object_of(planned(random_network(cell, 1, hidden, 1, 1), "float32", target), target, assembly=True)
        sizes = [int(n) for n in re.findall(rb"subq\s+\$(\d+), %rsp", text)]
        assert max(sizes, default=0) <= 1024, (cell, hidden)
