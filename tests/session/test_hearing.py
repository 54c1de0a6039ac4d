"""Answers of kernels that come while something is sent, over a real pair of sockets."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

WAIT = """
import asyncio, json, select, sys
import zmq, zmq.asyncio
from jupyter_client.channels import AsyncZMQSocketChannel
from jupyter_client.session import Session
from extensions.lab.client import HearingChannel

async def hears(channel_class, address, seconds):
    session = Session(key=b"key")
    with zmq.Context() as far, zmq.asyncio.Context() as near, far.socket(zmq.PAIR) as kernel:
        kernel.bind(address)
        with near.socket(zmq.PAIR, socket_class=zmq.asyncio.Socket) as socket:
            socket.connect(address)
            channel = channel_class(socket, session)
            channel.send(session.msg("execute_request"))
            session.recv(kernel, mode=0)
            waiting = asyncio.create_task(channel.get_msg(timeout=None))
            await asyncio.sleep(0.2)  # it waits, and what was there before is taken
            session.send(kernel, "execute_reply")
            # The sign of the answer is there, and the loop of this thread has not seen it.
            assert select.select([socket.FD], [], [], 10)[0]
            channel.send(session.msg("comm_msg"))
            done, _ = await asyncio.wait([waiting], timeout=seconds)
            waiting.cancel()
            return bool(done)

async def main(address):
    return {
        "ours": await hears(HearingChannel, address, 20),
        "usual": await hears(AsyncZMQSocketChannel, address, 1),
    }

print(json.dumps(asyncio.run(main(sys.argv[1]))))
"""
MAKE = """
import json
from jupyter_client.manager import AsyncKernelManager
from jupyter_core.application import JupyterApp
from traitlets.config import Config
from extensions.grading.sandbox.manager import SandboxedClient, SandboxedKernelManager
from extensions.lab.client import SETTINGS, HearingChannel, HearingClient

def channel(config):
    return AsyncKernelManager(config=config).client_factory.shell_channel_class.klass is HearingChannel

app = JupyterApp()
app.initialize([])
made = {"every app": channel(app.config), "ours": channel(Config(SETTINGS)), "no settings": channel(Config())}
grades = SandboxedKernelManager(config=app.config).client_factory
print(json.dumps({**made, "grading": grades is SandboxedClient and issubclass(grades, HearingClient)}))
"""


def said(environment: Path, home: Path, code: str, *arguments: str) -> Any:
    argv = [str(environment / "bin" / "python"), "-c", code, *arguments]
    done = subprocess.run(
        argv, env={"HOME": str(home)}, cwd=home, capture_output=True, text=True, check=True, timeout=60
    )
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def heard(environment: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bool]:
    folder = tmp_path_factory.mktemp("heard")
    heard: dict[str, bool] = said(environment, folder, WAIT, f"ipc://{folder}/s")
    return heard


def test_an_answer_is_heard_though_something_was_sent_meanwhile(heard: dict[str, bool]) -> None:
    assert heard["ours"]


def test_the_usual_channel_does_not_hear_it(heard: dict[str, bool]) -> None:
    """The day this fails, ours can go."""
    assert not heard["usual"]


def test_whoever_runs_notebooks_here_listens_so(environment: Path, tmp_path: Path) -> None:
    made = said(environment, tmp_path, MAKE)
    assert made == {"every app": True, "ours": True, "no settings": False, "grading": True}
