"""Long short-term memory and its close relatives.

Throughout: x is the input, h the short-term state (the output), c the long-term state, the conveyor belt along which
the memory travels; i, f and o are the input, forget and output gates, g is the candidate (C̃ in some texts).
"""

import conveyor.frontend as cv


@cv.cell
def lstm(x, h, c, *, gate_activation="sigmoid", candidate_activation="tanh", cell_activation="tanh"):
    """Long short-term memory with forget gates.

    Hochreiter & Schmidhuber 1997, "Long Short-Term Memory", eqs. 7-11 without a forget gate; Gers, Schmidhuber &
    Cummins 2000, "Learning to Forget", eqs. 1-6 with it; the cell's output activation and the single memory per block
    as in Graves 2013, "Generating Sequences With Recurrent Neural Networks", eqs. 7-11, without its peepholes.

    The activations are options, as in Keras and ONNX; some texts print the candidate with a sigmoid.
    """
    gate = cv.activation(gate_activation)
    i = gate(cv.affine("i", x, h))
    f = gate(cv.affine("f", x, h))
    g = cv.activation(candidate_activation)(cv.affine("g", x, h))
    o = gate(cv.affine("o", x, h))
    c = f * c + i * g
    h = o * cv.activation(cell_activation)(c)
    return h, c


@cv.cell
def lstm_peephole(x, h, c):
    """LSTM whose gates see the memory itself, each unit its own.

    Gers & Schmidhuber 2000, "Recurrent Nets that Time and Count"; Graves 2013, eqs. 7-11. The input and forget gates
    see the old memory, the output gate the new one.
    """
    i = cv.sigmoid(cv.affine("i", x, h) + cv.weight("p_i") * c)
    f = cv.sigmoid(cv.affine("f", x, h) + cv.weight("p_f") * c)
    g = cv.tanh(cv.affine("g", x, h))
    c = f * c + i * g
    o = cv.sigmoid(cv.affine("o", x, h) + cv.weight("p_o") * c)
    h = o * cv.tanh(c)
    return h, c


@cv.cell
def lstm_coupled(x, h, c):
    """LSTM with one gate for both: new information goes only where old is forgotten.

    Greff et al. 2017, "LSTM: A Search Space Odyssey" (CIFG), without its peepholes: i = 1 − f.
    """
    f = cv.sigmoid(cv.affine("f", x, h))
    g = cv.tanh(cv.affine("g", x, h))
    o = cv.sigmoid(cv.affine("o", x, h))
    c = f * c + (1 - f) * g
    h = o * cv.tanh(c)
    return h, c


def _normed(name, x, h):
    from_h = cv.layer_norm(f"{name}_h", cv.affine(name, h, bias=False))
    from_x = cv.layer_norm(f"{name}_x", cv.affine(name, x, bias=False))
    return from_h + from_x


@cv.cell
def lstm_layer_norm(x, h, c):
    """LSTM with layer normalisation.

    Ba, Kiros & Hinton 2016, "Layer Normalization", supplementary eqs. 20-22: the sums that come from h and from x are
    normalised apart, for each gate here rather than across the four, and so is the memory before the output. The two
    norms' own biases take the place of the paper's b, to which they would only be added.
    """
    i = cv.sigmoid(_normed("i", x, h))
    f = cv.sigmoid(_normed("f", x, h))
    g = cv.tanh(_normed("g", x, h))
    o = cv.sigmoid(_normed("o", x, h))
    c = f * c + i * g
    h = o * cv.tanh(cv.layer_norm("c", c))
    return h, c


@cv.cell
def lstm_projection(x, h, c):
    """LSTM whose output is a learned projection of its hidden vector to the width `proj`.

    Sak, Senior & Beaufays 2014, "Long Short-Term Memory Recurrent Neural Network Architectures for Large Scale
    Acoustic Modeling", the recurrent projection of sec. 2, without peepholes, as torch has it with `proj_size`.
    """
    i = cv.sigmoid(cv.affine("i", x, h))
    f = cv.sigmoid(cv.affine("f", x, h))
    g = cv.tanh(cv.affine("g", x, h))
    o = cv.sigmoid(cv.affine("o", x, h))
    c = f * c + i * g
    h = cv.affine("proj", o * cv.tanh(c), size="proj", bias=False)
    return h, c
