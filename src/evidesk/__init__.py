"""evidesk: from a scientist's question to an answer with an error bar that is right."""

__version__ = "0.1.0"
