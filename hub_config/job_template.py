"""The site's own template of the job script: checked, and copied, so that what was checked is what serves."""

from __future__ import annotations

import shlex
from pathlib import Path

from campus_base.errors import CampusError
from hub_config.paths import Paths
from hub_config.sessions import offer
from hub_config.site import Site
from spawners.job.template import template_mistakes

_LARGEST = 64 * 1024


class JobTemplateError(CampusError):
    """A job template that can't be used; the message has one line for each mistake."""

    def __init__(self, path: Path, mistakes: list[str], remedy: str = "") -> None:
        super().__init__(
            "job-template",
            f"The job template {path} cannot be used:\n  " + "\n  ".join(mistakes) + "\n",
            remedy or "Correct it, then run this again; docs/operators.md says what a template may hold.",
        )


def read_job_template(site: Site, paths: Paths) -> str:
    """The text of the template that the site names, empty where it names none. Raises JobTemplateError."""
    path = site.sessions.job_template
    if path is None:
        return ""
    try:
        with path.open("rb") as file:
            text = file.read(_LARGEST + 1).decode()
    except OSError as error:
        raise JobTemplateError(
            path,
            [f"it cannot be read: {error.strerror}"],
            f"See ls -l {shlex.quote(str(path))}, or correct sessions.job_template in the site file.",
        ) from None
    except UnicodeDecodeError:
        raise JobTemplateError(path, ["it is not UTF-8 text"]) from None
    if len(text) > _LARGEST or "\0" in text:
        raise JobTemplateError(path, [f"it is larger than {_LARGEST} bytes, or no text"])
    offered = offer(site, paths)
    python = offered.environments[0].command("/", gpus=False)
    mistakes = template_mistakes(text, python, site.sessions.log_folder, offered.sizes)
    if site.slurm.transport == "rest":
        mistakes += [
            f"line {number}: slurmrestd reads no directives; remove '{line.strip()}', or reach Slurm by its commands"
            for number, line in enumerate(text.splitlines(), 1)
            if line.startswith("#SBATCH")
        ]
    if mistakes:
        raise JobTemplateError(path, mistakes)
    return text


def take_job_template(text: str, paths: Paths) -> None:
    """Make this the installation's template; none where the text is empty."""
    if not text:
        paths.job_template.unlink(missing_ok=True)
        return
    staged = paths.job_template.with_suffix(".new")
    staged.write_text(text)
    staged.replace(paths.job_template)
