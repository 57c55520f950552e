"""What to say if the packages that networks need are not installed."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def needs_torch_extra() -> Iterator[None]:
    """Imports of PyTorch and safetensors are made in here.

    Raises
    ------
    ImportError : one of them is missing; the message says how to install it.
    """
    try:
        yield
    except ImportError as error:
        raise ImportError(
            f"Networks need PyTorch and safetensors, and {error.name or error} is missing. Install "
            "both by: pip install 'evidesk[torch]'"
        ) from error
