"""How a watch's state is written, so that no bit is lost, and read, without trusting it."""

import base64
import hashlib
import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

FORMAT, VERSION = "evidesk.ShiftWatch", 2
#: Of states that do not tell yet how alike neighbouring rows are.
WITHOUT_ORDER = 1


def pack(array: npt.NDArray[Any]) -> dict[str, Any]:
    """An array as a value for JSON: little-endian bytes in Base64, so that no bit is lost."""
    plain = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
    return {
        "dtype": plain.dtype.str,
        "shape": list(plain.shape),
        "data": base64.b64encode(plain.tobytes()).decode("ascii"),
    }


def digest(body: Mapping[str, Any]) -> str:
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


class Reader:
    """Takes values out of a state, none of which is trusted."""

    def __init__(self, body: Any, where: str = "") -> None:
        self.where = where
        self.check(isinstance(body, dict), "")
        self.body: dict[str, Any] = body

    def check(self, holds: bool, name: str) -> None:
        if not holds:
            place = " of ".join(repr(one) for one in (name, self.where) if one)
            raise ValueError(
                f"This state of a ShiftWatch cannot be: {place} is missing or does not fit the "
                "rest. Take a state as 'state()' returned it."
            )

    def under(self, name: str) -> "Reader":
        return Reader(self.body.get(name), name)

    def number(self, name: str) -> float:
        value = self.body.get(name)
        self.check(isinstance(value, float) and math.isfinite(value), name)
        return float(value or 0.0)

    def count(self, name: str, fewest: int = 0) -> int:
        value = self.body.get(name)
        self.check(type(value) is int and fewest <= value < 2**53, name)
        return int(value or 0)

    def array(
        self, name: str, dtype: np.dtype[Any], shape: tuple[int | None, ...]
    ) -> npt.NDArray[Any]:
        """A finite array of that type and shape, where None stands for any length."""
        packed = self.body.get(name)
        self.check(isinstance(packed, dict), name)
        told, data = dict(packed or {}).get("shape"), dict(packed or {}).get("data")
        self.check(dict(packed or {}).get("dtype") == dtype.str, name)
        self.check(
            isinstance(told, list)
            and len(told) == len(shape)
            and all(type(one) is int and one >= 0 for one in told)
            and all(want in (None, one) for one, want in zip(told, shape, strict=True))
            and isinstance(data, str),
            name,
        )
        try:
            raw = base64.b64decode(str(data), validate=True)
        except ValueError:
            raw = b""
        self.check(len(raw) == dtype.itemsize * math.prod(told or ()), name)
        found = np.frombuffer(raw, dtype).reshape(told or ()).astype(dtype.newbyteorder("="))
        self.check(bool(np.isfinite(found).all()), name)
        return found
