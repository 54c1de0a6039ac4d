"""The grading page of a course, in the session of its grader (CAMPUS_GRADER_OF); elsewhere it is not there."""


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "extensions.grading.pages.extension"}]
