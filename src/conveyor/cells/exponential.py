"""Cells with exponential gates."""

import conveyor.frontend as cv


def _mixed(name, x, h, heads):
    return cv.affine(name, x) + cv.affine(name, h, bias=False, blocks=heads)


@cv.cell
def slstm(x, h, c, n, m, *, heads=1, forget_activation="exp"):
    """LSTM with exponential gates, a normaliser n and a stabiliser m; memory is mixed only within a head.

    Beck et al. 2024, "xLSTM: Extended Long Short-Term Memory", eqs. 8-17. The forget gate is `exp` or `sigmoid`, both
    of which the paper allows; m keeps the exponentials within range without changing h.
    """
    z = cv.tanh(_mixed("z", x, h, heads))
    o = cv.sigmoid(_mixed("o", x, h, heads))
    log_i = _mixed("i", x, h, heads)
    f_tilde = _mixed("f", x, h, heads)
    log_f = f_tilde if forget_activation == "exp" else -cv.softplus(-f_tilde)
    m_last = m
    # Where nothing is stored yet (n = 0), the forget gate has no say in the scale: i might vanish against it. There f
    # meets a zero, and is kept finite; elsewhere its exponent is never positive.
    m = cv.where(n > 0, cv.maximum(log_f + m_last, log_i), log_i)
    i = cv.exp(log_i - m)
    f = cv.exp(cv.minimum(log_f + m_last - m, 0.0))
    c = f * c + i * z
    n = f * n + i
    h = o * (c / n)
    return h, c, n, m
