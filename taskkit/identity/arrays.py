"""Arrays, frames and their columns: by their kinds and bytes, not as they happen to be kept."""

from __future__ import annotations

import sys
from typing import Any

from blake3 import blake3

from .graph import Graph, Writer
from .parts import Part, Unsure, text_bytes

_MODULES = frozenset({"numpy", "pandas"})


def writer_of(obj: Any) -> Writer | None:
    """Return the writer for an array or a frame, None for anything else; imports nothing."""
    if (numpy := sys.modules.get("numpy")) is not None:
        if type(obj) is numpy.ndarray:
            return write_array
        if isinstance(obj, numpy.dtype):
            return _write_dtype
        if isinstance(obj, numpy.generic):
            return _write_scalar
        if isinstance(obj, numpy.ufunc):
            return _write_ufunc
    pandas = sys.modules.get("pandas")
    if pandas is not None and hasattr(pandas, "DataFrame"):
        if type(obj) is pandas.DataFrame:
            return _write_frame
        if type(obj) is pandas.Series:
            return _write_series
        if isinstance(obj, pandas.Index):
            return _write_index
    return None


def write_array(graph: Graph, part: Part, array: Any) -> None:
    """Write an array: its type, its shape, the order of its axes in memory, its bytes."""
    graph.name(part, "numpy", "ndarray")
    order = "F" if array.flags.f_contiguous and not array.flags.c_contiguous else "C"
    part.write("shape", f"{array.shape} {order}".encode())
    graph.value(part, array.dtype)
    if array.dtype.hasobject:
        if array.dtype.names:
            raise Unsure("holds an array of records with objects in them")
        graph.sequence(part, "objects", array.ravel(order).tolist())
        return
    numpy = sys.modules["numpy"]
    contiguous = numpy.asarray(array, order=order)
    flat = contiguous.reshape(-1, order=order).view(numpy.uint8) if array.size else b""
    part.write("bytes", blake3(memoryview(flat)).digest())


def _write_dtype(graph: Graph, part: Part, dtype: Any) -> None:
    graph.name(part, "numpy", "dtype")
    if dtype.kind == "V" and dtype.names is None and dtype.subdtype is None:
        part.write("dtype", text_bytes(f"{dtype.str} {dtype.itemsize}"))
        return
    if type(dtype).__module__.partition(".")[0] != "numpy":
        graph.reduced(part, dtype)
        return
    names = {n: (dtype.fields[n][0], dtype.fields[n][1]) for n in dtype.names or ()}
    about = (dtype.str, dtype.itemsize, dtype.alignment, repr(dtype.metadata))
    graph.value(part, about)
    graph.sequence(part, "fields", [(name, *names[name]) for name in names])
    if dtype.subdtype is not None:
        graph.value(part, dtype.subdtype)
    elif dtype.kind == "T":
        raise Unsure("holds an array of texts of any length")


def _write_scalar(graph: Graph, part: Part, scalar: Any) -> None:
    write_array(graph, part, sys.modules["numpy"].asarray(scalar))
    part.write("scalar", type(scalar).__name__.encode())


def _write_ufunc(graph: Graph, part: Part, ufunc: Any) -> None:
    owner = next(
        (
            name
            for name in ("numpy", "scipy.special")
            if getattr(sys.modules.get(name), ufunc.__name__, None) is ufunc
        ),
        "",
    )
    if not owner:  # of `frompyfunc`, which does not say what it calls
        raise Unsure(f"holds the ufunc `{ufunc.__name__}`")
    graph.name(part, owner, ufunc.__name__)


def _write_frame(graph: Graph, part: Part, frame: Any) -> None:
    graph.name(part, "pandas", "DataFrame")
    graph.value(part, frame.index)
    graph.value(part, frame.columns)
    graph.value(part, dict(frame.attrs))
    graph.value(part, frame.flags.allows_duplicate_labels)
    for place in range(frame.shape[1]):
        _write_values(graph, part, frame.iloc[:, place].array)


def _write_series(graph: Graph, part: Part, series: Any) -> None:
    graph.name(part, "pandas", "Series")
    graph.value(part, series.index)
    graph.value(part, series.name)
    graph.value(part, dict(series.attrs))
    graph.value(part, series.flags.allows_duplicate_labels)
    _write_values(graph, part, series.array)


def _write_index(graph: Graph, part: Part, index: Any) -> None:
    graph.name(part, "pandas", type(index).__name__)
    graph.value(part, list(index.names))
    if hasattr(index, "levels"):
        graph.sequence(part, "levels", list(index.levels))
        graph.sequence(part, "codes", [codes.copy() for codes in index.codes])
        return
    part.write("freq", text_bytes(str(getattr(index, "freq", None))))
    if type(index).__name__ == "RangeIndex":
        graph.value(part, (index.start, index.stop, index.step))
        return
    _write_values(graph, part, index.array)


def _write_values(graph: Graph, part: Part, values: Any) -> None:
    """Write a column: an array of NumPy's, or one of pandas' own kinds."""
    numpy = sys.modules["numpy"]
    dtype = values.dtype
    part.write("column", text_bytes(f"{type(values).__name__} {dtype!r}"))
    if isinstance(dtype, numpy.dtype):
        array = values.asi8 if hasattr(values, "asi8") else values.to_numpy()
        write_array(graph, part, array)
    elif type(values).__name__ == "Categorical":
        write_array(graph, part, values.codes)
        graph.value(part, values.categories)
        graph.value(part, bool(values.ordered))
    elif hasattr(values, "asi8"):
        write_array(graph, part, values.asi8)
    else:
        graph.sequence(part, "objects", list(values))
