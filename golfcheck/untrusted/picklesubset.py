"""data.pkl → descriptors: dicts, lists, strings, numbers, and descriptions of tensors. Nothing is ever called.

A pickle is a program; this interprets the 31 instructions of protocol 2 that `torch.save` writes for a dict of tensors
and plain settings, and knows the meaning of its three callables. Everything else is refused by name.
"""

import struct
from collections.abc import Callable
from typing import Any

from golfcheck.core.errors import Refused
from golfcheck.untrusted import descriptors
from golfcheck.untrusted.descriptors import Global, Storage, TensorView, kind
from golfcheck.untrusted.readlimits import Limits

_GLOBAL_BYTES = 256


def parse(data: bytes | memoryview, limits: Limits) -> dict[str, Any]:
    """Run the program `data`; return the dict that it builds, of dicts, tuples, strings, numbers and `TensorView`s.

    Refuses with ART_TYPE (the result is not a dict of such values) or PKL_ and the error: TOO_BIG, PROTO, OPCODE,
    OPS, TRUNC, STACK, ALIAS, GLOBAL, REDUCE, PERSID, SETITEM, KEY, DUP_KEY, KEYS, STRLEN, STR, INT, STOP, DEPTH.
    """
    if len(data) > limits.pickle_bytes:
        raise Refused("PKL_TOO_BIG", f"data.pkl has {len(data)} bytes > {limits.pickle_bytes}")
    result = _Machine(bytes(data), limits).run()
    if not isinstance(result, dict):
        raise Refused("ART_TYPE", f"the file holds {kind(result)}, not a dict")
    _check_tree(result, limits.depth)
    return result


def _check_tree(value: object, depth: int) -> None:
    if depth == 0:
        raise Refused("PKL_DEPTH", "dicts, lists and tuples nested too deeply")
    if isinstance(value, Global | Storage):
        raise Refused("ART_TYPE", f"{kind(value)} in place of a value")
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, tuple | list) else ()
    for child in inside:
        _check_tree(child, depth - 1)


class _Machine:
    """The pickle machine: a stack cut by marks, and a memo."""

    def __init__(self, data: bytes, limits: Limits) -> None:
        self._data = data
        self._at = 0
        self._limits = limits
        self._stack: list[Any] = []
        self._below: list[list[Any]] = []  # the stacks under the marks
        self._memo: dict[int, Any] = {}
        self._keys = 0

    def run(self) -> object:
        if self._take(2) != b"\x80\x02":
            raise Refused("PKL_PROTO", "not a pickle of protocol 2, which torch.save writes")
        for _ in range(self._limits.pickle_ops):
            opcode = self._take(1)[0]
            if opcode == _STOP:
                return self._finish()
            if (instruction := _INSTRUCTIONS.get(opcode)) is None:
                raise Refused("PKL_OPCODE", self._unexpected(descriptors.made_by(opcode)))
            instruction(self)
        raise Refused("PKL_OPS", f"more than {self._limits.pickle_ops} instructions")

    def _unexpected(self, what: str) -> str:
        """Refuse the file, naming what it contains and under which key."""
        key = next((item for item in reversed(self._stack) if isinstance(item, str)), None)
        where = f" under the key {key[:80]!a}" if key is not None else f" at {self._at}"
        return f"it contains {what}{where}; expected only tensors, numbers, strings, dicts and lists"

    def _finish(self) -> object:
        if self._at != len(self._data):
            raise Refused("PKL_STOP", f"{len(self._data) - self._at} bytes after the end of the pickle")
        if self._below or len(self._stack) != 1:
            raise Refused("PKL_STACK", "the pickle ends with more or less than one value")
        return self._stack[0]

    def _take(self, count: int) -> bytes:
        piece = self._data[self._at : self._at + count]
        if len(piece) < count:
            raise Refused("PKL_TRUNC", f"data.pkl ends inside an instruction at {self._at}")
        self._at += count
        return piece

    def _take_uint(self, count: int) -> int:
        return int.from_bytes(self._take(count), "little")

    def _push(self, value: object) -> None:
        self._stack.append(value)

    def _pop(self) -> Any:
        if not self._stack:
            raise Refused("PKL_STACK", f"nothing on the stack at {self._at}")
        return self._stack.pop()

    def _pop_to_mark(self) -> list[Any]:
        if not self._below:
            raise Refused("PKL_STACK", f"no mark on the stack at {self._at}")
        items, self._stack = self._stack, self._below.pop()
        return items

    def mark(self) -> None:
        self._below.append(self._stack)
        self._stack = []

    def empty_dict(self) -> None:
        self._push({})

    def empty_tuple(self) -> None:
        self._push(())

    def empty_list(self) -> None:
        self._push([])

    def append(self) -> None:
        self._extend([self._pop()])

    def appends(self) -> None:
        self._extend(self._pop_to_mark())

    def _extend(self, items: list[Any]) -> None:
        target = self._stack[-1] if self._stack else None
        if not isinstance(target, list):
            raise Refused("PKL_SETITEM", f"items are appended to {kind(target)} at {self._at}")
        target += items

    def none(self) -> None:
        self._push(None)

    def tuple_to_mark(self) -> None:
        self._push(tuple(self._pop_to_mark()))

    def tuple_of(self, count: int) -> None:
        items = [self._pop() for _ in range(count)]
        self._push(tuple(reversed(items)))

    def signed(self, count: int) -> None:
        self._push(int.from_bytes(self._take(count), "little", signed=True))

    def unsigned(self, count: int) -> None:
        self._push(self._take_uint(count))

    def long(self) -> None:
        if (count := self._take_uint(1)) > self._limits.int_bytes:
            raise Refused("PKL_INT", f"an integer of {count} bytes > {self._limits.int_bytes}")
        self.signed(count)

    def double(self) -> None:
        self._push(struct.unpack(">d", self._take(8))[0])

    def true(self) -> None:
        self._push(True)

    def false(self) -> None:
        self._push(False)

    def string(self) -> None:
        if (count := self._take_uint(4)) > self._limits.string_bytes:
            raise Refused("PKL_STRLEN", f"a string of {count} bytes > {self._limits.string_bytes}")
        try:
            self._push(self._take(count).decode())
        except UnicodeDecodeError:
            raise Refused("PKL_STR", f"a string at {self._at - count} is not UTF-8") from None

    def put(self, count: int) -> None:
        index = self._take_uint(count)
        value = self._pop()
        self._push(value)
        self._memo[index] = value

    def get(self, count: int) -> None:
        index = self._take_uint(count)
        if index not in self._memo:
            raise Refused("PKL_STACK", f"memo {index} is not set at {self._at}")
        value = self._memo[index]
        # A dict or tuple used twice could contain itself, or double with every level; strings, names and tensors
        # cannot.
        if not isinstance(value, str | Global | TensorView):
            raise Refused("PKL_ALIAS", f"{kind(value)} is used twice at {self._at}")
        self._push(value)

    def global_name(self) -> None:
        window = self._data[self._at : self._at + _GLOBAL_BYTES]
        module, *rest = window.split(b"\n", 2)
        if len(rest) != 2:
            raise Refused("PKL_GLOBAL", f"a name longer than {_GLOBAL_BYTES} bytes, or cut off, at {self._at}")
        self._at += len(module) + len(rest[0]) + 2
        name = f"{module.decode('latin-1')} {rest[0].decode('latin-1')}"
        if name not in descriptors.GLOBALS:
            raise Refused("PKL_GLOBAL", self._unexpected(descriptors.named(name)))
        self._push(Global(name))

    def reduce(self) -> None:
        args, function = self._pop(), self._pop()
        self._push(descriptors.call(function, args))

    def build(self) -> None:
        state, target = self._pop(), self._stack[-1] if self._stack else None
        # A module's state_dict() has the versions of its parts as an attribute; no other attribute is allowed.
        if not isinstance(target, dict) or not isinstance(state, dict) or state.keys() != {"_metadata"}:
            raise Refused("PKL_OPCODE", f"attributes of {kind(target)} are set at {self._at - 1}: an object of a class")

    def persistent_id(self) -> None:
        self._push(descriptors.storage_of(self._pop()))

    def set_item(self) -> None:
        value, key = self._pop(), self._pop()
        self._set([key, value])

    def set_items(self) -> None:
        self._set(self._pop_to_mark())

    def _set(self, items: list[Any]) -> None:
        target = self._stack[-1] if self._stack else None
        if not isinstance(target, dict) or len(items) % 2:
            raise Refused("PKL_SETITEM", f"items are set on {kind(target)} at {self._at}")
        for key, value in zip(items[::2], items[1::2], strict=True):
            if not isinstance(key, str):
                raise Refused("PKL_KEY", f"{kind(key)} as a key at {self._at}; keys are strings")
            if key in target:
                raise Refused("PKL_DUP_KEY", f"key {key[:80]!a} twice")
            target[key] = value
        self._keys += len(items) // 2
        if self._keys > self._limits.keys:
            raise Refused("PKL_KEYS", f"more than {self._limits.keys} keys")


_STOP = ord(".")
_INSTRUCTIONS: dict[int, Callable[[_Machine], None]] = {
    ord("("): _Machine.mark,
    ord("}"): _Machine.empty_dict,
    ord(")"): _Machine.empty_tuple,
    ord("]"): _Machine.empty_list,
    ord("a"): _Machine.append,
    ord("e"): _Machine.appends,
    ord("N"): _Machine.none,
    ord("t"): _Machine.tuple_to_mark,
    0x85: lambda machine: machine.tuple_of(1),
    0x86: lambda machine: machine.tuple_of(2),
    0x87: lambda machine: machine.tuple_of(3),
    ord("J"): lambda machine: machine.signed(4),
    ord("K"): lambda machine: machine.unsigned(1),
    ord("M"): lambda machine: machine.unsigned(2),
    0x8A: _Machine.long,
    ord("G"): _Machine.double,
    0x88: _Machine.true,
    0x89: _Machine.false,
    ord("X"): _Machine.string,
    ord("q"): lambda machine: machine.put(1),
    ord("r"): lambda machine: machine.put(4),
    ord("h"): lambda machine: machine.get(1),
    ord("j"): lambda machine: machine.get(4),
    ord("c"): _Machine.global_name,
    ord("R"): _Machine.reduce,
    ord("b"): _Machine.build,
    ord("Q"): _Machine.persistent_id,
    ord("s"): _Machine.set_item,
    ord("u"): _Machine.set_items,
}
