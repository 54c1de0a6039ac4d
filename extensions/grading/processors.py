"""Which processors submissions keep to: those first that no other grading on this machine holds.

Slurm gives a task processors of its own only where it binds them (TaskPlugin, slurm.conf(5)); elsewhere the tasks of an
array that share a machine would all begin with its first.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import socket
from collections.abc import Iterator

_DEEP = 16  # gradings that share a processor and still know of each other


@contextlib.contextmanager
def held(count: int) -> Iterator[list[int]]:
    """``count`` numbers of processors that this process may use; one comes twice where there are fewer.

    Each is held by a name in the abstract namespace, which ends with the last process that holds it (unix(7)).
    """
    ours = sorted(os.sched_getaffinity(0))
    found: list[int] = []
    with contextlib.ExitStack() as stack:
        for share, processor in itertools.product(range(_DEEP), ours):
            if len(found) == count:
                break
            name = socket.socket(socket.AF_UNIX)
            try:
                name.bind(f"\0campus-grading/{processor}/{share}")
            except OSError:  # EADDRINUSE: another holds it
                name.close()
                continue
            stack.enter_context(name)
            found.append(processor)
        yield list(itertools.islice(itertools.chain(found, itertools.cycle(ours)), count))
