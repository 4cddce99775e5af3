"""The names of the arrays in which values go from one stretch of work to another."""


def node(n: int) -> str:
    """The name of the array that holds a node's value from one stretch of work to another."""
    return f"node {n}"


def step(n: int) -> str:
    """The name of the array that holds a node's value within a step of the loop."""
    return f"step {n}"


def carried(n: int) -> str:
    """The name of the array in which a node's value comes from the step that ran before."""
    return f"carried {n}"
