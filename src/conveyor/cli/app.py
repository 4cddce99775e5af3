"""The commands and their options; what a command does is imported when it is called, torch with it."""

from __future__ import annotations

import re
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from conveyor.cli.console.printing import OutputLost, guarded, print_note, print_text
from conveyor.cli.forecast.commands import backtest, demo_forecast, inspect_forecast, predict
from conveyor.cli.forecast.train_command import train_forecast
from conveyor.cli.sequences import commands as sequence_commands
from conveyor.cli.tasks.group import (
    DEFAULT_TASK,
    TaskGroup,
    is_given,
    named_command,
    option_labels,
    require_alone,
    task_command,
)
from conveyor.cli.tasks.options import (
    DATA,
    MODEL,
    TRAINING,
    Backend,
    Cell,
    CheckpointEvery,
    ClipNorm,
    DryRun,
    EvaluateEvery,
    Force,
    HiddenSize,
    LearningRate,
    NumLayers,
    Output,
    Patience,
    Resume,
    Threads,
    Warmup,
    WeightDecay,
)
from conveyor.errors import ArgumentError, ConveyorError, NonFiniteError
from conveyor.tasks.config import TrainingConfig
from conveyor.tasks.sequences.config import TASKS as SEQUENCE_TASKS
from conveyor.tasks.text.config import DataConfig, ModelConfig, TextConfig

app = typer.Typer(
    name="conveyor",
    cls=TaskGroup,
    help="Recurrent networks from their equations: train them on text, series and sequences, and use them.",
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it."""


class Level(StrEnum):
    """The kind of token."""

    char = "char"
    byte = "byte"
    word = "word"


class Optimizer(StrEnum):
    """The name of an optimizer."""

    adamw = "adamw"
    sgd = "sgd"


class ScheduleName(StrEnum):
    """The name of a learning-rate schedule."""

    constant = "constant"
    cosine = "cosine"
    plateau = "plateau"


class Target(StrEnum):
    """Another library's format."""

    onnx = "onnx"
    torch = "torch"
    keras = "keras"


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print_text(f"conveyor {version('conveyor')}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


@app.command()
def train(
    context: typer.Context,
    files: Annotated[list[str] | None, typer.Argument(metavar="FILE...", help="Text files, one after another.")] = None,
    output: Output = None,
    resume: Resume = None,
    data: Annotated[
        list[Path] | None, typer.Option(help="With --resume: file or folder in which the run's text is now.")
    ] = None,
    force: Force = False,
    task: Annotated[
        str,
        typer.Option(
            help="text, forecast, classify, regress or tag; `conveyor train --task tag --help` shows its options."
        ),
    ] = DEFAULT_TASK,
    dry_run: DryRun = False,
    valid: Annotated[list[str] | None, typer.Option(help="Validation file; else 5%.", rich_help_panel=DATA)] = None,
    test: Annotated[list[str] | None, typer.Option(help="Test file; else the last 5%.", rich_help_panel=DATA)] = None,
    level: Annotated[Level, typer.Option(help="What a token is.", rich_help_panel=DATA)] = Level.char,
    vocabulary_size: Annotated[
        int, typer.Option(help="Largest vocabulary of words, <unk> included.", rich_help_panel=DATA)
    ] = DataConfig.vocabulary_size,
    batch_size: Annotated[
        int, typer.Option(help="Parallel streams the text is cut into.", rich_help_panel=DATA)
    ] = DataConfig.batch_size,
    window: Annotated[int, typer.Option(help="Steps of truncated BPTT.", rich_help_panel=DATA)] = DataConfig.window,
    cell: Cell = "lstm",
    hidden_size: HiddenSize = ModelConfig.hidden_size,
    num_layers: NumLayers = ModelConfig.num_layers,
    embedding_size: Annotated[
        int, typer.Option(help="Width of a token's vector.", rich_help_panel=MODEL)
    ] = ModelConfig.embedding_size,
    proj_size: Annotated[
        int, typer.Option(help="Width of the projection, for cells with one.", rich_help_panel=MODEL)
    ] = ModelConfig.proj_size,
    bias: Annotated[bool, typer.Option(help="Biases in the cell.", rich_help_panel=MODEL)] = ModelConfig.bias,
    dropout: Annotated[
        float, typer.Option(help="On the embedding, between layers, before the decoder.", rich_help_panel=MODEL)
    ] = ModelConfig.dropout,
    forget_bias: Annotated[
        float | None, typer.Option(help="Initial bias of the forget gate.", rich_help_panel=MODEL)
    ] = ModelConfig.forget_bias,
    tie_weights: Annotated[
        bool, typer.Option(help="Decode with the embedding's matrix.", rich_help_panel=MODEL)
    ] = ModelConfig.tie_weights,
    backend: Backend = ModelConfig.backend,
    optimizer: Annotated[Optimizer, typer.Option(help="Optimizer.", rich_help_panel=TRAINING)] = Optimizer.adamw,
    lr: LearningRate = TrainingConfig.lr,
    weight_decay: WeightDecay = TrainingConfig.weight_decay,
    momentum: Annotated[
        float, typer.Option(help="Momentum of SGD.", rich_help_panel=TRAINING)
    ] = TrainingConfig.momentum,
    clip: ClipNorm = TrainingConfig.clip,
    schedule: Annotated[
        ScheduleName, typer.Option(help="Learning rate over time.", rich_help_panel=TRAINING)
    ] = ScheduleName.cosine,
    warmup: Warmup = TrainingConfig.warmup,
    final_lr: Annotated[
        float, typer.Option(help="Fraction of --lr at which cosine ends.", rich_help_panel=TRAINING)
    ] = TrainingConfig.final_lr,
    lr_divisor: Annotated[
        float, typer.Option(help="Divides at each validation without a new best: plateau.", rich_help_panel=TRAINING)
    ] = TrainingConfig.lr_divisor,
    patience: Patience = TrainingConfig.patience,
    epochs: Annotated[
        int, typer.Option(help="Passes over the text.", rich_help_panel=TRAINING)
    ] = TrainingConfig.epochs,
    max_steps: Annotated[
        int, typer.Option(help="Stop after so many steps; 0: no limit.", rich_help_panel=TRAINING)
    ] = TrainingConfig.max_steps,
    evaluate_every: EvaluateEvery = TrainingConfig.evaluate_every,
    checkpoint_every: CheckpointEvery = TrainingConfig.checkpoint_every,
    seed: Annotated[
        int, typer.Option(help="Of the weights and dropout.", rich_help_panel=TRAINING)
    ] = TrainingConfig.seed,
    threads: Threads = TrainingConfig.threads,
) -> None:
    """Train a language model on text, or --resume a run that was stopped."""
    if resume is not None:
        require_alone(context, "resume", "data", "task")
        from conveyor.cli.train import resume_training

        raise typer.Exit(resume_training(resume, data or (), task if is_given(context, "task") else None))
    if data:
        raise ArgumentError("data: expected with --resume alone; name the files to train on without it")
    if not files or (output is None and not dry_run):
        raise ArgumentError("train: expected FILE... and --output OUT, or --resume OUT; see conveyor train --help")
    config = TextConfig(
        DataConfig(tuple(files), tuple(valid or ()), tuple(test or ()), level, vocabulary_size, batch_size, window),
        ModelConfig(
            embedding_size=embedding_size,
            hidden_size=hidden_size,
            num_layers=num_layers,
            bias=bias,
            proj_size=proj_size,
            dropout=dropout,
            forget_bias=forget_bias,
            tie_weights=tie_weights,
            backend=backend,
        ),
        TrainingConfig(
            optimizer=optimizer,
            lr=lr,
            weight_decay=weight_decay,
            momentum=momentum,
            clip=clip,
            schedule=schedule,
            warmup=warmup,
            final_lr=final_lr,
            lr_divisor=lr_divisor,
            patience=patience,
            epochs=epochs,
            max_steps=max_steps,
            evaluate_every=evaluate_every,
            checkpoint_every=checkpoint_every,
            seed=seed,
            threads=threads,
        ),
    )
    from conveyor.cli.train import start_training

    raise typer.Exit(start_training(config, cell, output or Path(), force=force, dry_run=dry_run))


task_command(app, "train", "forecast")(train_forecast)


app.command()(predict)
app.command()(backtest)


@app.command()
def generate(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="Folder of a checkpoint.")],
    prompt: Annotated[
        str | None, typer.Option(help="Text to continue; else a start that the run's own text has.")
    ] = None,
    length: Annotated[int, typer.Option(help="Tokens to sample.")] = 400,
    temperature: Annotated[float, typer.Option(help="Below 1 more careful; 0 takes the likeliest.")] = 0.7,
    top_k: Annotated[int, typer.Option(help="Sample among the k likeliest tokens; 0: all.")] = 0,
    seed: Annotated[int | None, typer.Option(help="The same seed gives the same text.")] = None,
) -> None:
    """Continue a prompt with a trained model; the text alone goes to standard output."""
    from conveyor.cli.generate import print_sample

    print_sample(model, prompt, length, temperature, top_k, seed)


@app.command()
def inspect(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="Folder of a checkpoint.")],
    text: Annotated[
        Path | None, typer.Option(help="Text that the model shall read; else what was held out of its training.")
    ] = None,
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder of the report.")] = Path("report"),
    force: Annotated[bool, typer.Option("--force", help="Overwrite the report in --output.")] = False,
    length: Annotated[int, typer.Option(help="Tokens that the page shows.", min=64, max=5000)] = 1200,
) -> None:
    """Look inside a trained model: one page with its equations, diagram, one step in numbers, gates and gradients."""
    from conveyor.cli.inspect import run_inspect

    raise typer.Exit(run_inspect(model, text, output, length, force=force))


@app.command()
def demo(
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Folder of the checkpoint; else a free one in runs/.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the checkpoint in --output.")] = False,
    epochs: Annotated[int | None, typer.Option(help="Passes over the book.")] = None,
    max_steps: Annotated[int | None, typer.Option(help="Stop after so many steps.")] = None,
    task: Annotated[str, typer.Option(help="text, or forecast: the weather of three airports.")] = DEFAULT_TASK,
) -> None:
    """Train an LSTM on Moby-Dick, print what it writes, and say what to try next."""
    from conveyor.cli.demo import run_demo

    raise typer.Exit(run_demo(output, force=force, epochs=epochs, max_steps=max_steps))


task_command(app, "inspect", "forecast")(inspect_forecast)
task_command(app, "demo", "forecast")(demo_forecast)


@app.command()
def bench(
    cell: Annotated[
        list[str] | None, typer.Option(help="Name of a cell, or module.py:function; may be given again. lstm without.")
    ] = None,
    size: Annotated[
        list[str] | None, typer.Option(metavar="T,B,H", help="Steps, batch, units (or T,B,I,H); may be given again.")
    ] = None,
    against: Annotated[
        str | None,
        typer.Option(help="torch, loop, compile or reference; torch where it has the cell, else loop, without."),
    ] = None,
    threads: Annotated[int | None, typer.Option(help="CPU threads; as many as torch uses without.")] = None,
    dtype: Annotated[str, typer.Option(help="float32 or float64.")] = "float32",
    seconds: Annotated[float, typer.Option(help="How long the two run in turns.")] = 1.0,
    json_file: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write it there as well.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite that file.")] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Markdown on a terminal too.")] = False,
) -> None:
    """Measure how fast a cell trains and runs here, at your sizes, beside torch or a plain loop."""
    from conveyor.bench.session import Options
    from conveyor.cli.bench import run_bench

    options = Options(threads, seconds, dtype, json_file, force, markdown)
    raise typer.Exit(run_bench(cell or ["lstm"], size or [], against, options))


@app.command()
def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Say which backends run here and why others don't, try the compiled one, and show CPU, threads and cache."""
    from conveyor.cli.doctor import run_doctor

    raise typer.Exit(run_doctor(as_json=as_json))


@app.command()
def export(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="Folder of a training run, or a file of cv.save.")],
    to: Annotated[Target, typer.Option(help="The format.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The file; its ending says which kind.")],
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file.")] = False,
) -> None:
    """Write a trained model or a saved layer as .onnx, for torch (.pt, .safetensors) or Keras (.keras, .h5)."""
    from conveyor.cli.export_model import run_export

    raise typer.Exit(run_export(model, to.value, output, force=force))


@app.command()
def build(
    model: Annotated[
        str | None,
        typer.Argument(metavar="MODEL", help="Folder of a training run, a file of cv.save, or .nam .json .aidax."),
    ] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Folder of what is built.")] = None,
    target: Annotated[str, typer.Option(help="What to build for; --list-targets shows all.")] = "host",
    cpu: Annotated[str | None, typer.Option(help="The processor; code may run on no lesser one.")] = None,
    weights: Annotated[str, typer.Option(help="How weights are stored: float32, bf16 or int8.")] = "float32",
    emit: Annotated[str, typer.Option(help="object, or c: portable C11 for any compiler.")] = "object",
    prefix: Annotated[str, typer.Option(help="What names of functions and files begin with.")] = "model",
    activation: Annotated[
        str | None, typer.Option(help="softmax, sigmoid or none at the end, in place of the model's own.")
    ] = None,
    skip: Annotated[bool, typer.Option("--skip", help="Add the input to the output.")] = False,
    data: Annotated[
        Path | None, typer.Option(help=".npy (steps, inputs) over which smaller weights are compared with float32.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite files in --output.")] = False,
    list_targets: Annotated[
        bool, typer.Option("--list-targets", help="Show what can be built for, or what is near MODEL's name.")
    ] = False,
) -> None:
    """Build a trained model as an object file, WebAssembly or C that needs nothing."""
    from conveyor.cli import build as command

    if list_targets:
        raise typer.Exit(command.list_targets(model))
    if model is None or output is None:
        raise ArgumentError("build: expected MODEL and --output OUT; see conveyor build --help")
    options = command.BuildOptions(target, cpu, weights, emit, prefix, activation, skip, data, force)
    raise typer.Exit(command.run_build(Path(model), output, options))


@app.command("import")
def import_(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help=".keras .h5 .weights.h5 .onnx .pt .safetensors .npz .json .nam")
    ],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="The file of the layer; a folder if there are several.")
    ] = None,
    layer: Annotated[str | None, typer.Option(help="Only the layer of this name.")] = None,
    activation: Annotated[
        str | None, typer.Option(help="Of weights alone, which say none (Keras, torch.nn.RNN); tanh without.")
    ] = None,
    recurrent_activation: Annotated[
        str | None, typer.Option(help="The gates' in Keras weights alone; sigmoid without.")
    ] = None,
    reset_after: Annotated[
        bool | None,
        typer.Option("--reset-after/--reset-before", help="Of a GRU without biases in Keras weights alone."),
    ] = None,
    batch_first: Annotated[
        bool | None, typer.Option("--batch-first", help="Layers of a torch file take (B, T, input).")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite files.")] = False,
) -> None:
    """Read the recurrent layers of a Keras, ONNX, torch, NumPy or JSON file into files for cv.load."""
    from conveyor.cli.import_weights import Assumed, run_import

    assumed = Assumed(activation, recurrent_activation, reset_after, batch_first)
    raise typer.Exit(run_import(file, output, layer, assumed, force=force))


for _task in SEQUENCE_TASKS:
    task_command(app, "train", _task)(sequence_commands.train_command(_task))
    task_command(app, "inspect", _task)(sequence_commands.inspect_sequences)
task_command(app, "demo", "classify")(sequence_commands.demo)
app.command()(sequence_commands.evaluate)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: what follows the program's name; None takes the process's own.

    Returns:
        The exit code: 0; 1 when training met a value that is not finite, or when standard output can't be written; 2
        for a user's mistake, which is told in one line on standard error; 130 after Ctrl-C.
    """
    try:
        with guarded():
            return _run(sys.argv[1:] if arguments is None else arguments)
    except OutputLost as lost:
        with guarded():
            if lost.message():
                print_note(lost.message())
        return 1


def _run(arguments: list[str]) -> int:
    try:
        code = app(arguments or ["--help"], standalone_mode=False, prog_name="conveyor")
    except ConveyorError as error:
        return _fail(_with_options(str(error), arguments), 1 if isinstance(error, NonFiniteError) else 2)
    except typer.TyperException as error:
        return _fail(error.format_message(), 2)
    except (KeyboardInterrupt, typer.Abort):
        return _fail("interrupted", INTERRUPTED)
    return code if isinstance(code, int) else 0


def _fail(message: str, code: int) -> int:
    print_note(message)
    return code


def _with_options(message: str, arguments: list[str]) -> str:
    """Name options as a user types them: what Python calls `top_k` is `--top-k` here."""
    command = named_command(typer.main.get_command(app), arguments)
    labels = {} if command is None else option_labels(command)
    name, colon, rest = message.partition(":")
    if colon and name in labels:
        message = f"{labels[name]}:{rest}"
    for name, label in labels.items():
        if "_" in name:
            message = re.sub(rf"(?<!\S){name}(?=[\s:,;]|$)", label, message)
    return message
