"""A step as LLVM IR: the functions of an object file, which calls nothing and changes no memory but the caller's.

The weights are one constant that LLVM is told it does not know (`externally_initialized`): it would copy what it reads
at constant places into pools of its own, under names of its own. There is no stack array: what a step keeps lies in the
state, behind the states themselves.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from llvmlite import ir

from conveyor.build.codegen.emit_loop import F32, I8, I32, POINTER, counted
from conveyor.build.codegen.emit_step import StepEmitter
from conveyor.build.lowering import pack
from conveyor.build.lowering.graph import Graph
from conveyor.build.lowering.pack import Blob
from conveyor.build.lowering.plan import Plan
from conveyor.build.targets.table import Target


def emit(plan: Plan, target: Target, prefix: str) -> str:
    """Emits the text of a module.

    Args:
        plan: The step, with the place of all that it reads.
        target: What code is made for.
        prefix: What the names of the functions begin with.
    """
    module = ir.Module(prefix)
    weights = _weights(module, plan.blob, f"{prefix}_weights")
    step = _function(module, f"{prefix}_step", [POINTER, POINTER, POINTER])
    StepEmitter(plan, target, weights, step).emit()
    start = _function(module, f"{prefix}_init", [POINTER])
    _emit_start(start, plan, target, weights)
    _emit_again(_function(module, f"{prefix}_reset", [POINTER]), start)
    _emit_run(_function(module, f"{prefix}_run", [POINTER, POINTER, POINTER, I32]), step, plan.graph, target)
    return _finish(str(module), prefix)


def _function(module: ir.Module, name: str, kinds: Sequence[ir.Type]) -> ir.Function:
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), kinds), name)
    function.attributes.add("nounwind")
    function.args[0].add_attribute("noalias")
    return function


def _weights(module: ir.Module, blob: Blob, name: str) -> ir.GlobalVariable:
    data = blob.data or b"\0" * pack.ALIGN
    kind = ir.ArrayType(I8, len(data))
    found = ir.GlobalVariable(module, kind, name)
    found.global_constant, found.linkage, found.align = True, "internal", pack.ALIGN
    found.initializer = ir.Constant(kind, bytearray(data))
    return found


def _finish(text: str, prefix: str) -> str:
    """Complete the module's text by attributes that llvmlite has no words for."""
    # Without this, LLVM makes calls of libc's memset and memcpy out of loops.
    text = re.sub(r"^(define .*\)) nounwind", r'\1 nounwind "no-builtins"', text, flags=re.M)
    text = re.sub(rf'^(define void @"{prefix}_step".*"no-builtins")', r"\1 noinline", text, flags=re.M)
    return text.replace("= internal constant", "= internal externally_initialized constant", 1)


def _size(target: Target) -> ir.IntType:
    return ir.IntType(target.bits)


def _emit_start(function: ir.Function, plan: Plan, target: Target, weights: Any) -> None:
    """Writes the states before the first step, and zeros to all else."""
    b = ir.IRBuilder(function.append_basic_block("entry"))
    state, size = function.args[0], _size(target)

    def zero(b: ir.IRBuilder, k: Any) -> None:
        b.store(ir.Constant(F32, 0.0), b.gep(state, [k], source_etype=F32), align=4)

    counted(b, size, plan.memory.size, 1, zero)
    for slot, place, count in plan.initial:

        def copy(b: ir.IRBuilder, k: Any, slot: int = slot, place: int = place) -> None:
            start = b.gep(weights, [ir.Constant(size, place)], source_etype=I8)
            value = b.load(b.gep(start, [k], source_etype=F32), typ=F32, align=4)
            b.store(value, b.gep(state, [b.add(k, ir.Constant(size, slot))], source_etype=F32), align=4)

        counted(b, size, count, 1, copy)
    b.ret_void()


def _emit_again(function: ir.Function, start: ir.Function) -> None:
    b = ir.IRBuilder(function.append_basic_block("entry"))
    b.call(start, function.args)
    b.ret_void()


def _emit_run(function: ir.Function, step: ir.Function, graph: Graph, target: Target) -> None:
    """Calls the step for each row of x and y."""
    b = ir.IRBuilder(function.append_basic_block("entry"))
    state, x, y, steps = function.args
    size = _size(target)
    count = steps if target.bits == 32 else b.sext(steps, size)
    body, done, before = b.append_basic_block("step"), b.append_basic_block("done"), b.block
    b.cbranch(b.icmp_signed(">", count, ir.Constant(size, 0)), body, done)
    b.position_at_end(body)
    k = b.phi(size)
    k.add_incoming(ir.Constant(size, 0), before)
    rows = [
        b.gep(p, [b.mul(k, ir.Constant(size, width))], source_etype=F32)
        for p, width in ((x, graph.inputs), (y, graph.outputs))
    ]
    b.call(step, [state, *rows])
    following = b.add(k, ir.Constant(size, 1))
    k.add_incoming(following, b.block)
    b.cbranch(b.icmp_signed("<", following, count), body, done)
    b.position_at_end(done)
    b.ret_void()
