"""The peer: stock JupyterHub with batchspawner's SlurmSpawner, at their defaults but for what follows.

CAMPUS_STOCK, in the environment, is a JSON object with what differs between runs; see tests.benchmarks.support.stock.
"""

import json
import os

given = json.loads(os.environ["CAMPUS_STOCK"])
c = get_config()  # type: ignore[name-defined]  # noqa: F821 - given by traitlets

# Where it is, beside the Campus that it is compared with; the embedded cluster is on loopback.
c.JupyterHub.bind_url = f"http://127.0.0.1:{given['port']}"
c.JupyterHub.hub_bind_url = f"http://127.0.0.1:{given['hub_port']}"
c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{given['api_port']}"
c.ConfigurableHTTPProxy.command = given["proxy"]
c.JupyterHub.authenticator_class = "dummy"
c.DummyAuthenticator.password = given["password"]
c.Authenticator.allow_all = True

c.JupyterHub.spawner_class = "batchspawner.SlurmSpawner"
c.Spawner.environment = given["environment"]  # batchspawner does not pass SLURM_CONF on
# The session's environment has no batchspawner of its own.
c.BatchSpawnerBase.batchspawner_singleuser_cmd = given["batchspawner_singleuser"]
c.Spawner.cmd = given["cmd"]
# The names of the embedded cluster's nodes do not resolve.
c.SlurmSpawner.state_exechost_exp = "127.0.0.1"
# What the sessions of Campus ask for as well.
c.SlurmSpawner.req_partition = given["partition"]
c.SlurmSpawner.req_nprocs = str(given["cpus"])
c.SlurmSpawner.req_memory = f"{given['memory_mib']}M"
c.SlurmSpawner.req_runtime = "2:00:00"
