from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
import torch

from conveyor.cells import cells
from conveyor.errors import ArgumentError, CheckpointError, TextError
from conveyor.tasks.config import TrainingConfig
from conveyor.tasks.text.run import TextRun, load_model
from conveyor.tasks.training.checkpoint import INDEX
from conveyor.tasks.training.schedule import Schedule
from conveyor.tasks.training.state import state_tensors

from .conftest import MakeRun, assert_same


def finish(run: TextRun, folder: Path) -> TextRun:
    for _ in run.train(folder):
        pass
    return run


def weights(run: TextRun) -> dict[str, torch.Tensor]:
    return run.model.state_dict()


@pytest.mark.parametrize(
    "options",
    [
        {"optimizer": "adamw", "schedule": "cosine"},
        {"optimizer": "sgd", "momentum": 0.9, "schedule": "plateau", "lr": 0.5},
        {"cell": "gru", "clip": 0.0, "schedule": "constant"},
    ],
    ids=["adamw-cosine", "sgd-plateau", "gru-constant"],
)
def test_resumed_at_every_step_ends_bitwise_the_same(
    make_run: MakeRun, tmp_path: Path, options: dict[str, object]
) -> None:
    whole = finish(make_run(**options), tmp_path / "whole")
    broken = make_run(**options)
    for step, _ in enumerate(broken.train(tmp_path / "broken"), 1):
        folder = tmp_path / str(step)
        broken.save(folder)
        torch.manual_seed(999)
        resumed = finish(TextRun.resume(folder), folder)
        assert_same(weights(resumed), weights(whole))
        assert_same(resumed.trainer.best_weights, whole.trainer.best_weights)
        assert resumed.trainer.history == whole.trainer.history
        assert resumed.test_loss == whole.test_loss
        broken = TextRun.resume(folder)
        if step == 5:
            break


def test_state_is_carried_and_detached_and_begins_anew_each_epoch(make_run: MakeRun) -> None:
    run = make_run(epochs=2, max_steps=0, dropout=0.0)
    before: list[object] = []
    after: list[object] = []
    run.model.register_forward_pre_hook(lambda _m, args: before.append(args[1]))
    run.model.register_forward_hook(lambda _m, _a, output: after.append(output[1]))
    run.trainer.validate = lambda: 1.0
    windows = len(run.trainer.windows)
    assert sum(1 for _ in run.trainer) == 2 * windows == len(before)
    for step, state in enumerate(before):
        if step % windows == 0:
            assert state is None
            continue
        given, left = state_tensors(state), state_tensors(after[step - 1])
        assert_same(given, left)
        assert not any(tensor.requires_grad for tensor in given.values())


def test_evaluation_changes_nothing(make_run: MakeRun) -> None:
    run = make_run()
    next(iter(run.trainer))
    random_state, state = torch.get_rng_state(), state_tensors(run.trainer.state)
    before = {name: tensor.clone() for name, tensor in weights(run).items()}
    assert run.trainer.validate() == run.trainer.validate()
    assert torch.equal(torch.get_rng_state(), random_state)
    assert run.model.training and run.model.dropout.training
    assert_same(weights(run), before)
    assert_same(state_tensors(run.trainer.state), state)


def test_seed_decides_the_weights_and_the_run(make_run: MakeRun, tmp_path: Path) -> None:
    first, again = (finish(make_run(seed=3), tmp_path / str(i)) for i in range(2))
    assert_same(weights(first), weights(again))
    other = finish(make_run(seed=4), tmp_path / "other")
    assert not torch.equal(weights(first)["embedding.weight"], weights(other)["embedding.weight"])


def test_training_learns(make_run: MakeRun, tmp_path: Path) -> None:
    run = finish(make_run(epochs=6, max_steps=0, lr=0.02, dropout=0.0, evaluate_every=0), tmp_path / "out")
    losses = [validation.loss for validation in run.trainer.history]
    assert len(losses) == 6
    assert losses[-1] < 0.8 * math.log(len(run.dataset.vocabulary))
    assert run.test_loss is not None and run.test_loss < losses[0]


def test_best_weights_are_those_of_the_best_validation(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(max_steps=4, evaluate_every=1)
    losses = iter([3.0, 1.0, 2.0, 4.0])
    run.trainer.validate = lambda: next(losses)
    kept = []
    for _ in run.train(tmp_path / "out"):
        kept.append({name: tensor.clone() for name, tensor in weights(run).items()})
    assert run.trainer.progress.best_step == 2
    assert_same(run.trainer.best_weights, kept[1])
    model, _ = load_model(tmp_path / "out")
    assert_same(model.state_dict(), kept[1])


def test_patience_stops_early(make_run: MakeRun) -> None:
    run = make_run(evaluate_every=1, patience=2)
    losses = iter([3.0, 1.0, 2.0, 1.5, 0.1])
    run.trainer.validate = lambda: next(losses)
    assert len(list(run.trainer)) == 4
    assert run.trainer.progress.finished == "no new best in 2 validations"


def test_clipping_bounds_the_gradient(make_run: MakeRun) -> None:
    run = make_run(clip=1e-3)
    report = run.trainer.step()
    norm = torch.nn.utils.get_total_norm([p.grad for p in run.model.parameters() if p.grad is not None])
    assert report.gradient_norm > 1e-2
    assert norm.item() == pytest.approx(1e-3, rel=1e-3)


def test_only_matrices_decay(make_run: MakeRun) -> None:
    matrices, vectors = make_run(weight_decay=0.5).trainer.optimizer.param_groups
    assert matrices["weight_decay"] == 0.5 and vectors["weight_decay"] == 0
    assert {p.dim() for p in matrices["params"]} == {2}
    assert {p.dim() for p in vectors["params"]} == {1}


def test_schedules() -> None:
    constant = Schedule(TrainingConfig(lr=1.0, schedule="constant", warmup=4), 100)
    assert [constant.lr(step) for step in (0, 1, 3, 4, 99)] == [0.25, 0.5, 1.0, 1.0, 1.0]
    cosine = Schedule(TrainingConfig(lr=1.0, schedule="cosine", warmup=0, final_lr=0.1), 100)
    assert cosine.lr(0) == 1.0
    assert cosine.lr(50) == pytest.approx(0.55)
    assert cosine.lr(100) == pytest.approx(0.1)
    plateau = Schedule(TrainingConfig(lr=1.0, schedule="plateau", warmup=0, lr_divisor=4), 100)
    for best, expected in [(True, 1.0), (False, 0.25), (True, 0.25), (False, 0.0625)]:
        plateau.validated(best)
        assert plateau.lr(7) == expected
    cosine.validated(False)
    assert cosine.lr(0) == 1.0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("optimizer", "adam"),
        ("schedule", "step"),
        ("lr", 0.0),
        ("lr", math.nan),
        ("clip", -1.0),
        ("epochs", 0),
        ("checkpoint_every", 0),
        ("lr_divisor", 1.0),
        ("seed", -1),
    ],
)
def test_numbers_out_of_range(name: str, value: object) -> None:
    with pytest.raises(ArgumentError, match=f"{name}: expected .* got"):
        TrainingConfig(**{name: value})  # type: ignore[arg-type]


def test_resume_refuses_changed_data(make_run: MakeRun, text_file: Path, tmp_path: Path) -> None:
    make_run().save(tmp_path / "out")
    text_file.write_text(text_file.read_text() + "!")
    with pytest.raises(TextError, match="changed since the run began"):
        TextRun.resume(tmp_path / "out")
    load_model(tmp_path / "out")


def test_checkpoint_of_another_task_or_with_altered_sizes_is_refused(make_run: MakeRun, tmp_path: Path) -> None:
    make_run().save(tmp_path)
    path = tmp_path / INDEX
    good = json.loads(path.read_text())
    for change, message in [
        ({"task": "series"}, "got task 'series'"),
        ({"config": {}}, "configuration cannot be read"),
        ({"cell": {"name": "lstm", "program": "nonsense"}}, "configuration cannot be read"),
        ({"config": good["config"] | {"model": good["config"]["model"] | {"hidden_size": 7}}}, "do not fit"),
    ]:
        path.write_text(json.dumps(good | change))
        with pytest.raises(CheckpointError, match=message):
            load_model(tmp_path)


def test_cell_comes_from_the_checkpoint_not_from_the_registry(
    make_run: MakeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = finish(make_run(), tmp_path)
    monkeypatch.setattr(cells["lstm"], "name", "gone")
    model, _ = load_model(tmp_path)
    assert_same(model.state_dict(), run.trainer.best_weights)


def test_cell_with_auxiliary_inputs_is_refused(make_run: MakeRun) -> None:
    with pytest.raises(ArgumentError, match="cell that reads x alone, got gru_d"):
        make_run(cell="gru_d")
