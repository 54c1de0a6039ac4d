"""What a course sets for its grading, in nbgrader_config.py: ``c.Sandbox.memory_mib = 4096`` and so on."""

from __future__ import annotations

import dataclasses

from traitlets import Integer, List, Unicode
from traitlets.config import Configurable

from extensions.grading.sandbox.limits import Limits

_DEFAULT = Limits()


class Sandbox(Configurable):
    """What one submission may use. Every trait is documented in docs/instructors.md."""

    memory_mib = Integer(_DEFAULT.memory_mib, min=256, help="Memory of all its processes together.").tag(config=True)
    disk_mib = Integer(_DEFAULT.disk_mib, min=16, help="Files that it writes; they lie in memory.").tag(config=True)
    processes = Integer(_DEFAULT.processes, min=32, help="Processes and threads.").tag(config=True)
    seconds = Integer(_DEFAULT.seconds, min=1, help="From its first cell to its last.").tag(config=True)
    cpus = Integer(_DEFAULT.cpus, min=1, help="Processor cores.").tag(config=True)
    output_mib = Integer(_DEFAULT.output_mib, min=1, help="What its cells may print and show.").tag(config=True)
    modules = List(
        Unicode(), help="Modules to load ahead; empty for those that the assignment's own notebooks import."
    ).tag(config=True)

    @property
    def limits(self) -> Limits:
        names = {field.name for field in dataclasses.fields(Limits)}
        return Limits(**{name: getattr(self, name) for name in self.trait_names() if name in names})
