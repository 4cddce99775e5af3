"""ONNX Runtime's LSTM operator, one step at a time, as a peer of our streams."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec

import torch
from torch import Tensor, nn

Step = Callable[[Tensor], Tensor]


def missing() -> str | None:
    """Why ONNX Runtime can't be measured; None if it can."""
    absent = [name for name in ("onnx", "onnxruntime") if find_spec(name) is None]
    return f"it needs {' and '.join(absent)}: pip install 'conveyor[bench]'" if absent else None


def stepper(cell: nn.LSTMCell, threads: int) -> Callable[[], Step]:
    """Makes a step, from (1, I) to (1, H), that keeps its state; it starts from zero each time that it is made."""
    import numpy as np
    import onnxruntime

    hidden = cell.hidden_size
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(_lstm_model(cell), options, providers=["CPUExecutionProvider"])

    def make() -> Step:
        state = [np.zeros((1, 1, hidden), np.float32), np.zeros((1, 1, hidden), np.float32)]

        def step(x: Tensor) -> Tensor:
            nonlocal state
            state = session.run(None, {"x": x.numpy()[None], "h_0": state[0], "c_0": state[1]})
            return torch.from_numpy(state[0][0])

        return step

    return make


def _lstm_model(cell: nn.LSTMCell) -> bytes:
    """A model of one LSTM operator for one step; its gates are in the order i o f c."""
    import onnx
    from onnx import helper, numpy_helper

    hidden = cell.hidden_size
    order = [0, 3, 1, 2]  # of torch's i f g o

    def gates(parameter: Tensor) -> Tensor:
        return torch.cat([parameter.detach().chunk(4)[k] for k in order])

    given = {
        "W": gates(cell.weight_ih)[None],
        "R": gates(cell.weight_hh)[None],
        "B": torch.cat([gates(cell.bias_ih), gates(cell.bias_hh)])[None],
    }
    node = helper.make_node("LSTM", ["x", "W", "R", "B", "", "h_0", "c_0"], ["", "h_n", "c_n"], hidden_size=hidden)
    kinds = {"x": (1, 1, cell.input_size), "h_0": (1, 1, hidden), "c_0": (1, 1, hidden)}
    float32 = onnx.TensorProto.FLOAT
    graph = helper.make_graph(
        [node],
        "step",
        [helper.make_tensor_value_info(name, float32, shape) for name, shape in kinds.items()],
        [helper.make_tensor_value_info(name, float32, (1, 1, hidden)) for name in ("h_n", "c_n")],
        [numpy_helper.from_array(value.numpy(), name) for name, value in given.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8)
    onnx.checker.check_model(model)
    text: bytes = model.SerializeToString()
    return text
