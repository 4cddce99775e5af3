"""The names of the arrays that pass values from one schedule to another."""


def node(n: int) -> str:
    """Return the name of the array that passes a node's value between schedules."""
    return f"node {n}"


def step(n: int) -> str:
    """Return the name of the array that holds a node's value within a time step."""
    return f"step {n}"


def carried(n: int) -> str:
    """Return the name of the array that passes a node's value to the next executed time step."""
    return f"carried {n}"
