"""What one submission may use."""

from __future__ import annotations

import dataclasses
import resource


@dataclasses.dataclass(frozen=True)
class Limits:
    """Of all processes of a submission together, except where it says each."""

    memory_mib: int = 2048
    """Memory, without the files it writes."""
    disk_mib: int = 512
    """Files that it writes: home, /tmp and /dev/shm together. They lie in memory."""
    files: int = 20000
    """How many files, folders and links it may have there."""
    processes: int = 256
    """Processes and threads."""
    open_files: int = 1024
    """Each process."""
    seconds: int = 600
    """Of wall-clock time, from its first cell to its last."""
    cpus: int = 1
    output_mib: int = 20
    """What its cells may print and show."""

    def apply(self) -> None:
        """Put this process and what it starts under the limits that Linux keeps for each process (setrlimit(2))."""
        mib = 2**20
        for kind, value in (
            (resource.RLIMIT_CORE, 0),
            # Untouched memory counts too: what one process asks for beyond this fails at once, as a MemoryError.
            (resource.RLIMIT_DATA, self.memory_mib * mib),
            (resource.RLIMIT_FSIZE, self.disk_mib * mib),
            (resource.RLIMIT_NOFILE, self.open_files),
            (resource.RLIMIT_NPROC, self.processes),
            (resource.RLIMIT_MSGQUEUE, 0),
            (resource.RLIMIT_CPU, self.seconds * self.cpus),
        ):
            _, hard = resource.getrlimit(kind)
            lowered = value if hard == resource.RLIM_INFINITY else min(value, hard)
            resource.setrlimit(kind, (lowered, lowered))
