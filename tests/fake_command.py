"""Subcommands for the tests of the command line: their options say what goes wrong."""

import ctypes
import os
from dataclasses import dataclass

import numpy as np
import tyro

from evenhand.core.errors import InputError


@dataclass(frozen=True)
class FakeOptions:
    """Options of the fake."""

    fail: str = ""
    """What to raise."""
    set: tyro.conf.UseAppendAction[tuple[str, ...]] = ()
    """key=value, repeatable."""


def run(options: FakeOptions) -> dict:
    print("noise from python")
    os.write(1, b"noise from a child\n")
    libc = ctypes.CDLL(None)
    libc.printf(b"noise from C\n")
    if options.fail == "input":
        raise InputError("num_groups must be at least 2,\n  got 1")
    if options.fail == "value":
        raise ValueError("a bug")
    if options.fail == "interrupt":
        raise KeyboardInterrupt
    return {
        "set": options.set,
        "nothing": np.nan,
        "much": [np.float32("inf"), -np.inf],
        "array": np.array([[1.0, np.nan]]),
        "count": np.int64(3),
        np.str_("flag"): np.bool_(True),
    }


def show(result: dict, console) -> None:
    console.print(f"set is {result['set']}")
