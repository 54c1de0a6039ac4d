# attempts: 56 59
# expect: stolen
# It gets hold of the hidden test, and tries to have it shown: in what was shown before, later, and as an error.
from IPython import get_ipython
from IPython.display import HTML, Javascript, display

shell = get_ipython()
shown = display("nothing yet", display_id="before")
display(HTML("<script>alert('@MARK@')</script><img src=x onerror=alert('@MARK@')>"))
display(Javascript("alert('@MARK@')"))
print("\x1b]0;@MARK@\x07<b>bold</b>")
stolen = []


class NotGraded(Exception):
    pass


def steal(info):
    stolen.append(info.raw_cell)
    if "SECRET" in info.raw_cell:
        shown.update(info.raw_cell)
        print(info.raw_cell)


shell.events.register("pre_run_cell", steal)
