"""What a session runs on: a Python environment on the nodes, or one inside an Apptainer image.

Source: apptainer-exec(1): ``--nv`` brings in NVIDIA's driver; the environment is passed on, PATH excepted.
"""

from __future__ import annotations

from dataclasses import dataclass

_PATH = "/usr/local/bin:/usr/bin:/bin"


@dataclass(frozen=True)
class SessionEnvironment:
    """Software that the site offers. ``folder`` is its Python environment, inside ``image`` where there is one.

    With an image the folder may be empty: then the image's own ``python3`` serves.
    """

    name: str
    title: str
    description: str
    folder: str
    image: str = ""

    def command(self, home: str, gpus: bool) -> list[str]:
        """The program that runs Python code of this environment, one argument each; ``home`` is the person's."""
        python = f"{self.folder}/bin/python" if self.folder else "python3"
        if not self.image:
            return [python]
        # Homes and the session's private folder in /tmp: a site may have turned off that they are there by themselves.
        inside = ["--bind", home, "--bind", "/tmp"]  # noqa: S108 - the private folder is made by the session
        return ["apptainer", "exec", *(["--nv"] if gpus else []), *inside, self.image, python]

    def variables(self) -> dict[str, str]:
        """PATH, with this environment's programs first, where the session and its kernels look."""
        if not self.image:
            return {"PATH": f"{self.folder}/bin:{_PATH}"}
        inside = {"APPTAINERENV_PREPEND_PATH": f"{self.folder}/bin"} if self.folder else {}
        return {"PATH": _PATH, **inside}
