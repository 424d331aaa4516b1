"""Processes of this machine as tests look at them: no ``ps`` need be on the PATH."""

from __future__ import annotations

import psutil


def below(pid: int) -> set[int]:
    """Processes that the process started, and those that they started."""
    try:
        return {child.pid for child in psutil.Process(pid).children(recursive=True)}
    except psutil.NoSuchProcess:
        return set()


def alive(*pids: int) -> set[int]:
    """Those that still run; a zombie has ended."""
    found = set()
    for pid in pids:
        try:
            if psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
                found.add(pid)
        except psutil.NoSuchProcess:
            continue
    return found
