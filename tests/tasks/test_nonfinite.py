from __future__ import annotations

import pytest
import torch

from conveyor.errors import NonFiniteError

from .conftest import MakeRun


def test_bad_parameter_is_named(make_run: MakeRun) -> None:
    run = make_run()
    run.trainer.step()
    with torch.no_grad():
        assert run.model.decoder is not None
        run.model.decoder.weight[2, 3] = torch.inf
    with pytest.raises(NonFiniteError, match=r"step 2: .*first bad value: parameter decoder.weight\[2, 3\] = inf"):
        run.trainer.step()


def test_bad_state_is_named(make_run: MakeRun) -> None:
    run = make_run()
    run.trainer.step()
    state = [tensor.clone() for tensor in run.trainer.state]
    state[1][0, 4, 5] = torch.nan
    run.trainer.state = tuple(state)
    with pytest.raises(NonFiniteError, match=r"step 2: .*carried state.1\[0, 4, 5\] = nan"):
        run.trainer.step()


def test_first_bad_layer_is_named_with_its_time_step(make_run: MakeRun) -> None:
    run = make_run(dropout=0.0)

    def spoil(_module: object, args: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
        x = args[0].clone()
        x[3, 1] = torch.inf
        return (x, *args[1:])

    run.model.recurrent.register_forward_pre_hook(spoil)
    message = (
        r"step 1: .*output of layer recurrent.*\(lowest layer with a bad state: 0\)\[3, 1, 0\] = nan at time step 3"
    )
    with pytest.raises(NonFiniteError, match=message):
        run.trainer.step()


def test_bad_gradient_is_named_and_the_weights_stay(make_run: MakeRun) -> None:
    run = make_run()
    before = run.model.embedding.weight.detach().clone()
    run.model.embedding.weight.register_hook(lambda gradient: gradient * torch.nan)
    with pytest.raises(NonFiniteError, match=r"step 1: .*gradient of embedding.weight\[0, 0\] = nan"):
        run.trainer.step()
    assert torch.equal(run.model.embedding.weight, before)


def test_bad_validation_is_named(make_run: MakeRun) -> None:
    run = make_run(evaluate_every=1)
    run.trainer.validate = lambda: float("nan")
    with pytest.raises(NonFiniteError, match="step 1: expected a finite validation loss, got nan"):
        run.trainer.step()


def test_diverging_run_is_stopped(make_run: MakeRun) -> None:
    run = make_run(optimizer="sgd", lr=1e38, clip=0.0, warmup=0, weight_decay=1.0)
    with pytest.raises(NonFiniteError, match=r"step \d: .*first bad value: .*; lower --lr"):
        for _ in run.trainer:
            pass


def test_an_update_too_large_for_the_weights_is_named(make_run: MakeRun) -> None:
    run = make_run(optimizer="adamw", lr=1e38, clip=0.0, warmup=0)
    with pytest.raises(
        NonFiniteError, match=r"^step 1: expected a finite update, but a learning rate of 1e\+38 overflows"
    ):
        list(run.trainer)
