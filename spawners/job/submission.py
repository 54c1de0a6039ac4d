"""What sbatch gets for a session: the job, and its whole environment, in which the secrets travel."""

from __future__ import annotations

import pwd
from typing import TYPE_CHECKING

from campus_base.process import Secret
from spawners.allowed.request import SessionRequest
from spawners.job.callback import PATH
from spawners.job.script import render_job_script
from spawners.slurm import JobRequest

if TYPE_CHECKING:
    from spawners.spawner import CampusSpawner


def job_request(spawner: CampusSpawner, request: SessionRequest, account: pwd.struct_passwd) -> JobRequest:
    size = request.size
    python = request.environment.command(account.pw_dir, gpus=bool(size.gpus or size.shards))
    return JobRequest(
        name=spawner.watch_settings.job_name,
        mark=spawner.mark,
        partition=request.partition,
        gpus=size.gpus,
        shards=size.shards,
        gpu_type=size.gpu_type,
        cpus=size.cpus,
        memory_mib=request.memory_mib,
        seconds=request.seconds,
        account=request.account,
        qos=request.qos,
        reservation=request.reservation,
        folder=account.pw_dir,
        script=render_job_script(python, spawner.log_folder, size, spawner.job_template),
    )


def job_environment(
    spawner: CampusSpawner, request: SessionRequest, account: pwd.struct_passwd, secret: str
) -> dict[str, str]:
    """The job's variables: JupyterHub's, the certificate, and ``secret``, with which the session reports itself."""
    env = {key: str(value) for key, value in spawner.get_env().items()}
    for key in ("JUPYTERHUB_API_TOKEN", "JPY_API_TOKEN"):
        env[key] = Secret(env[key])
    return (
        env
        | spawner.tls
        | {
            "CAMPUS_SESSION_SECRET": Secret(secret),
            "CAMPUS_SESSION_REPORT": f"{env['JUPYTERHUB_API_URL']}{PATH.removeprefix('/api')}",
            "HOME": account.pw_dir,
            "USER": account.pw_name,
            "LOGNAME": account.pw_name,
            "SHELL": account.pw_shell or "/bin/sh",
            "LANG": "C.UTF-8",
            # Sessions of one person share a home, and must not take each other's open documents.
            "JUPYTERLAB_WORKSPACES_DIR": f"{account.pw_dir}/.jupyter/lab/workspaces/{spawner.name}",
        }
        | request.environment.variables()
    )
