"""What this machine lacks while it grades is no submission's fault, and must cost none its points."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator

from campus_base.errors import CampusError

# Not ENOMEM: a worker's memory is limited, and what a submission hands in may need more of it.
_OWN = {
    errno.ENOSPC: "Make room on the disk of the course's folder",
    errno.EDQUOT: "Make room: the grader's account has used its share of the disk",
    errno.EROFS: "The disk of the course's folder is mounted read-only: ask an operator",
    errno.EIO: "The disk of the course's folder fails: ask an operator",
    errno.ESTALE: "The disk of the course's folder went away: ask an operator",
    errno.EMFILE: "Use fewer workers",
    errno.ENFILE: "Use fewer workers",
    errno.EAGAIN: "Use fewer workers",
    errno.EACCES: "See that all files of the course's folder are the grader's",
    errno.EPERM: "See that all files of the course's folder are the grader's",
}


@contextlib.contextmanager
def own_trouble() -> Iterator[None]:
    """Raises CampusError in place of an OSError that is the machine's and not the submission's."""
    try:
        yield
    except OSError as error:
        if error.errno not in _OWN:
            raise
        raise CampusError(
            "grading-failed",
            f"Grading failed on this machine: {os.strerror(error.errno)}.",
            f"{_OWN[error.errno]}, and grade again: what has a grade keeps it.",
            str(error),
        ) from error
