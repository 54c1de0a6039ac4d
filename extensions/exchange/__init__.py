"""nbgrader's exchange over HTTP: a service beside the hub, and nbgrader's plug-in for it. See docs/courses-api.md."""
