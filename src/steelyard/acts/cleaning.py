"""Clean columns: text without control characters, ids without float tails, splits by three names."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

LONGEST = 20_000
CONTROL = r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x{80}-\x{9f}\x{feff}]"
DAMAGED = r"^\s*\d([.,]\d+)?[eE]\+\d+\s*$"
#: What stands for nothing in a label or id column.
NOTHING = ("", "nan", "NaN", "NAN", "null", "NULL", "<NA>", "#N/A", "#NUM!", "#VALUE!")
SPLITS = {
    "train": ("train", "training", "trn", "训练", "训练集"),
    "valid": ("valid", "validation", "val", "dev", "vali", "eval", "验证", "验证集", "开发集"),
    "test": ("test", "testing", "test_public", "tst", "holdout", "测试", "测试集"),
}


def without_views(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return the batch with string and binary views, which polars writes and few kernels take, as plain columns."""
    plain = pa.schema([f.with_type(_without_view(f.type)) for f in batch.schema], batch.schema.metadata)
    if plain.types == batch.schema.types:
        return batch
    columns = [_cast(column, kind) for column, kind in zip(batch.columns, plain.types, strict=True)]
    return pa.RecordBatch.from_arrays(columns, schema=plain)


def _without_view(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_string_view(kind):
        return pa.large_string()
    if pa.types.is_binary_view(kind):
        return pa.large_binary()
    if pa.types.is_dictionary(kind):
        return pa.dictionary(kind.index_type, _without_view(kind.value_type), kind.ordered)
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        made = pa.large_list if pa.types.is_large_list(kind) else pa.list_
        return made(kind.value_field.with_type(_without_view(kind.value_type)))
    return kind


def _cast(column: pa.Array, kind: pa.DataType) -> pa.Array:
    if pa.types.is_dictionary(kind) and column.type != kind:
        return pa.DictionaryArray.from_arrays(
            column.indices, column.dictionary.cast(kind.value_type), ordered=kind.ordered
        )
    return column.cast(kind)


def as_text(column: pa.Array, noticed: Counter[str]) -> pa.Array:
    """Return (n,) strings of any column: whole floats without ``.0``, lists and structs as JSON-like text."""
    if isinstance(column, pa.ExtensionArray):
        column = column.storage
    kind = column.type
    if pa.types.is_dictionary(kind):
        return as_text(column.dictionary_decode(), noticed)
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind):
        return _decoded(column, noticed)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        try:
            column.validate(full=True)
            return column.cast(pa.string())
        except pa.ArrowInvalid:
            return _decoded(column.cast(pa.binary()), noticed)
    if pa.types.is_floating(kind):
        values = column.cast(pa.float64()).to_numpy(zero_copy_only=False)
        column = pa.array([None if v != v else number_text(v) for v in values.tolist()], pa.string())
        return column
    if pa.types.is_nested(kind):
        return pa.array([None if v is None else str(v) for v in column.to_pylist()], pa.string())
    if pa.types.is_null(kind):
        return pa.nulls(len(column), pa.string())
    try:
        return column.cast(pa.string())
    except pa.ArrowException:
        return pa.array([None if v is None else str(v) for v in column.to_pylist()], pa.string())


def number_text(value: float) -> str:
    """Return a number as people write it: ``3`` for 3.0."""
    return str(int(value)) if np.isfinite(value) and value == int(value) and abs(value) < 1e15 else repr(float(value))


def _decoded(column: pa.Array, noticed: Counter[str]) -> pa.Array:
    """Return text of bytes; what is not UTF-8 becomes U+FFFD and is counted."""
    texts = []
    for value in column.to_pylist():
        try:
            texts.append(None if value is None else value.decode())
        except UnicodeDecodeError:
            noticed["D141"] += 1
            texts.append(value.decode("utf-8", "replace"))
    return pa.array(texts, pa.string())


def clean(column: pa.Array, noticed: Counter[str]) -> pa.Array:
    """Return text without control characters (tab and newline stay), at most 20,000 characters; counts the cut."""
    text = as_text(column, noticed)
    dirty = pc.match_substring_regex(text, CONTROL)
    if pc.any(dirty).as_py():
        noticed["D132"] += pc.sum(dirty).as_py()
        text = pc.replace_substring_regex(text, CONTROL, "")
    longest = pc.max(pc.utf8_length(text)).as_py() or 0
    if longest > LONGEST:
        noticed["D131"] += pc.sum(pc.greater(pc.utf8_length(text), LONGEST)).as_py()
        text = pc.utf8_slice_codeunits(text, 0, LONGEST)
    return text


def identify(column: pa.Array, noticed: Counter[str], name: str) -> pa.Array:
    """Return ids as trimmed text, nothing as null; counts ids that a spreadsheet turned into 6.9E+12."""
    text = pc.utf8_trim_whitespace(clean(column, noticed))
    damaged = pc.sum(pc.match_substring_regex(text, DAMAGED)).as_py() or 0
    if damaged:
        noticed[f"D128 {name}"] += damaged
    return pc.if_else(pc.is_in(text, pa.array(NOTHING)), pa.scalar(None, pa.string()), text)


def split_names(column: pa.Array, unknown: Counter[str]) -> pa.Array:
    """Return train, valid or test; null for anything else, which is counted by name."""
    named = {alias: split for split, aliases in SPLITS.items() for alias in aliases}
    found = []
    for value in column.to_pylist():
        split = named.get((value or "").strip().lower())
        if split is None and value:
            unknown[value[:60]] += 1
        found.append(split)
    return pa.array(found, pa.string())


def lists(column: pa.Array, noticed: Counter[str]) -> pa.Array:
    """Return lists of strings: of lists, of JSON text, or of text with blanks between the tokens."""
    import json

    if pa.types.is_list(column.type) or pa.types.is_large_list(column.type) or pa.types.is_fixed_size_list(column.type):
        rows = column.to_pylist()
    else:
        rows = []
        for text in as_text(column, noticed).to_pylist():
            try:
                row = json.loads(text) if text and text.lstrip().startswith("[") else (text or "").split()
            except (ValueError, RecursionError):
                row = text.split()
            rows.append(row)
    flat = [None if r is None else ["" if x is None else _token(x) for x in r] for r in rows]
    return pa.array(flat, pa.list_(pa.string()))


def _token(value: object) -> str:
    text = number_text(value) if isinstance(value, float) else str(value)
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\x00", "")
