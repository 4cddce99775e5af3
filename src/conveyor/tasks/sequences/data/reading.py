"""Files of sequences: read whole, checked, and remembered by their SHA-256."""

from __future__ import annotations

import hashlib
from pathlib import Path

from conveyor.errors import DataError
from conveyor.tasks.files import read_bytes
from conveyor.tasks.sequences.config import Columns
from conveyor.tasks.sequences.data.collection import Sequences, check_values, cut
from conveyor.tasks.sequences.data.frames import Note, sequences_from_frame
from conveyor.tasks.sequences.data.npz_format import sequences_from_npz
from conveyor.tasks.sequences.data.ts_format import sequences_from_ts
from conveyor.tasks.tables import parse_table

_TABLES = (".csv", ".csv.gz", ".parquet", ".pq")


def read_file(
    path: str,
    columns: Columns,
    *,
    tagged: bool,
    labelled: bool,
    window: int = 0,
    note: Note = lambda line: None,
) -> tuple[Sequences, str]:
    """Read a file of sequences and check them; return them and the file's SHA-256.

    Args:
        path: ends in .csv, .csv.gz, .parquet, .ts or .npz.
        columns: of a table.
        tagged: whether each step has a label of its own.
        labelled: whether labels must be there.
        window: cut sequences into pieces of so many steps; 0 leaves them whole.
        note: told what is left out.

    Raises:
        DataError: the file cannot be used.
    """
    data = read_bytes(path, DataError, "sequences")
    source = Path(path).name
    name = source.lower()
    if name.endswith(_TABLES):
        frame = parse_table(data, source)
        found = sequences_from_frame(frame, columns, tagged=tagged, labelled=labelled, source=source, note=note)
    elif name.endswith(".ts"):
        if tagged:
            raise DataError(f"{source}: a .ts file has one label a sequence; --task tag needs one a step")
        found = sequences_from_ts(_text(data, source), source)
    elif name.endswith(".npz"):
        found = sequences_from_npz(data, source, tagged=tagged)
    else:
        raise DataError(f"{source}: expected a file that ends in {', '.join(_TABLES)}, .ts or .npz")
    if labelled and found.labels is None:
        raise DataError(f"{source}: its sequences have no labels; training and evaluation need them")
    check_values(found)
    return (cut(found, window) if window else found), hashlib.sha256(data).hexdigest()


def _text(data: bytes, source: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{source}: expected UTF-8, got byte 0x{data[error.start]:02x} at offset {error.start}; "
            "convert it (iconv -t UTF-8)"
        ) from None
