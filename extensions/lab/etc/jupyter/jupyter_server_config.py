# Read by every session's server in this environment (jupyter_core, ENV_CONFIG_PATH).
import os

c = get_config()  # type: ignore[name-defined]  # noqa: F821 - traitlets gives it

# A course is graded in a session of the account that is there for it (hub_config.courses.hub_side), and nowhere else.
grades = "CAMPUS_GRADER_OF" in os.environ
c.ServerApp.jpserver_extensions = {
    "extensions.apps": True,
    "extensions.clock": True,
    "extensions.coursework": True,
    "extensions.grading.pages": grades,
    "jupyter_server_proxy": False,
    "jupyter_lsp": False,
    "notebook": False,
    "notebook_shim": False,
    "nbgrader.server_extensions.assignment_list": False,
    "nbgrader.server_extensions.course_list": False,
    "nbgrader.server_extensions.formgrader": grades,
    "nbgrader.server_extensions.validate_assignment": False,
}
c.KernelManager.transport = "ipc"
c.LabApp.extension_manager = "readonly"
c.LabApp.check_for_updates_class = "jupyterlab.NeverCheckForUpdate"
c.LabApp.news_url = None
