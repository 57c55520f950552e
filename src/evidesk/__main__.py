"""`python -m evidesk` is the command `evidesk`."""

from evidesk.cli import main

main(prog_name="evidesk")
