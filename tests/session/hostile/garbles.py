# attempts: 58
# expect: garbled
from IPython import get_ipython

shell = get_ipython()


def garble(*_):
    kernel = shell.kernel
    kernel.session.send(
        kernel.iopub_socket, "stream", {"name": ["stdout"], "text": 5}, parent=kernel.get_parent("shell")
    )


shell.events.register("pre_run_cell", garble)
