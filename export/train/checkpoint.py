"""Reads the variables of a TensorFlow checkpoint (version 2) without TensorFlow.

Such a checkpoint is an index, which is a sorted string table of LevelDB with a protocol buffer for each variable
(`BundleEntryProto`), and a data file that holds the numbers one after another. Formats: tensorflow/core/protobuf/
tensor_bundle.proto; LevelDB's doc/table_format.md; protobuf.dev/programming-guides/encoding.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

_FOOTER_BYTES = 48
_RESTART_BYTES = 4
#: Fields of a BundleEntryProto: dtype, shape, offset and size; of a shape: its axes; of an axis: its length.
_DTYPE, _SHAPE, _OFFSET, _SIZE, _AXES, _LENGTH = 1, 2, 4, 5, 2, 1
_FLOAT = 1
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_FIXED_BYTES = {_FIXED64: 8, _FIXED32: 4}


def read_variables(index: bytes, data: bytes) -> dict[str, NDArray[np.float32]]:
    """Return the float variables of a checkpoint by name.

    Args:
        index: content of the file that ends in `.index`.
        data: content of the file that ends in `.data-00000-of-00001`.

    Raises:
        ValueError: the index is compressed, which TensorFlow's own are not.
    """
    footer = index[-_FOOTER_BYTES:]
    numbers = []
    place = 0
    for _ in range(4):  # where the table's own index begins and its length follow those of another block
        number, place = _varint(footer, place)
        numbers.append(number)
    variables = {}
    for _, handle in _entries(index, numbers[2], numbers[3]):
        offset, place = _varint(handle, 0)
        for name, content in _entries(index, offset, _varint(handle, place)[0]):
            described = dict(_fields(content))
            if name and described.get(_DTYPE) == _FLOAT:
                shape = [dict(_fields(axis)).get(_LENGTH, 0) for _, axis in _fields(described.get(_SHAPE, b""))]
                start = described.get(_OFFSET, 0)
                values = np.frombuffer(data[start : start + described[_SIZE]], "<f4")
                variables[name.decode()] = values.reshape(shape)
    return variables


def _varint(content: bytes, place: int) -> tuple[int, int]:
    """Return the number that begins at a place, seven bits a byte, and the place behind it."""
    number = shift = 0
    while True:
        byte = content[place]
        place += 1
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:  # noqa: PLR2004 - the highest bit says that more follows
            return number, place


def _entries(table: bytes, offset: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    """Yield keys and values of a block; a key repeats only what differs from the one before it."""
    if table[offset + size]:
        raise ValueError("the checkpoint's index is compressed")
    block = table[offset : offset + size]
    restarts = int.from_bytes(block[-_RESTART_BYTES:], "little")
    end = len(block) - _RESTART_BYTES * (restarts + 1)
    place, key = 0, b""
    while place < end:
        shared, place = _varint(block, place)
        fresh, place = _varint(block, place)
        length, place = _varint(block, place)
        key = key[:shared] + block[place : place + fresh]
        place += fresh
        yield key, block[place : place + length]
        place += length


def _fields(message: bytes) -> Iterator[tuple[int, Any]]:
    """Yield number and value of each field of a protocol buffer."""
    place = 0
    while place < len(message):
        tag, place = _varint(message, place)
        kind = tag & 7
        if kind == _VARINT:
            value, place = _varint(message, place)
            yield tag >> 3, value
            continue
        if kind == _BYTES:
            length, place = _varint(message, place)
        else:
            length = _FIXED_BYTES[kind]
        yield tag >> 3, message[place : place + length]
        place += length
