# Read by nbgrader's commands and pages in this environment (jupyter_core, ENV_CONFIG_PATH).
import os

c = get_config()  # type: ignore[name-defined]  # noqa: F821 - traitlets gives it

# Outside of a session there is no exchange to speak to.
if "CAMPUS_EXCHANGE_URL" in os.environ:
    plugin = "extensions.exchange.plugin"
    c.ExchangeFactory.exchange = f"{plugin}.Exchange"
    c.ExchangeFactory.fetch_assignment = f"{plugin}.ExchangeFetchAssignment"
    c.ExchangeFactory.fetch_feedback = f"{plugin}.ExchangeFetchFeedback"
    c.ExchangeFactory.release_assignment = f"{plugin}.ExchangeReleaseAssignment"
    c.ExchangeFactory.release_feedback = f"{plugin}.ExchangeReleaseFeedback"
    c.ExchangeFactory.list = f"{plugin}.ExchangeList"
    c.ExchangeFactory.submit = f"{plugin}.ExchangeSubmit"
    c.ExchangeFactory.collect = f"{plugin}.ExchangeCollect"
    c.Authenticator.plugin_class = f"{plugin}.CourseMembers"
    # One home may hold assignments of several courses.
    c.Exchange.path_includes_course = True
