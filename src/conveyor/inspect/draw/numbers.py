"""The format of numbers in running text."""

from __future__ import annotations

_ABOVE = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def set_number(v: float) -> str:
    """Format a number with two significant digits, and a power of ten for small or large ones: 0.34, 2.6·10⁻⁶."""
    if v == 0 or 0.01 <= abs(v) < 1000:
        return f"{v:.2g}".replace("-", "−") if abs(v) < 100 else f"{v:.0f}".replace("-", "−")
    if not abs(v) < float("inf"):
        return str(v).replace("-", "−")
    mantissa, _, exponent = f"{v:.1e}".partition("e")
    return f"{mantissa}·10{str(int(exponent)).translate(_ABOVE)}".replace("-", "−")
