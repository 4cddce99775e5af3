"""Stand-ins until layer.record and the measures are merged."""
from __future__ import annotations
import numpy as np, torch
from conveyor.backends.evaluate import Evaluator
from conveyor.plan import plan

def record(layer, x):
    out = []
    for unit in layer.units:
        names = {n: k for n, k in unit.program.names.items() if not n.endswith(".pre")}
        run = Evaluator(plan(unit.program, list(names.values())), unit.bind(layer), unit.widths, x)
        run.hoist({"x": x})
        state = {s.name: x.new_zeros(1, unit.widths[s.width]) for s in unit.program.states}
        rows = {n: [] for n in names}
        ys = []
        with torch.no_grad():
            for t in range(len(x)):
                v = run.step(t, state)
                state = {o.name: v[o.args[0]] for o in unit.program.outputs}
                for n, k in names.items(): rows[n].append(v[k])
                ys.append(state[unit.program.states[0].name])
        out.append({n: torch.stack(r).squeeze(1).numpy() for n, r in rows.items()})
        x = torch.stack(ys)
    return out
