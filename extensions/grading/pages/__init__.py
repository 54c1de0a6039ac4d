"""The grading page of a course, in the session of its grader (CAMPUS_GRADER_OF); elsewhere it is not there."""

import os


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    here = "CAMPUS_GRADER_OF" in os.environ
    return [{"module": "extensions.grading.pages.extension"}] if here else []
