"""What a trainee writes as Markdown, where a grader and they themselves see it: in the formgrader and in feedback."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.support.course import Course, Notebook, cell, named, notebook, solve

ASSIGNMENT = notebook(
    cell("### BEGIN SOLUTION\n### END SOLUTION", "s0", role="solution"),
    cell("### BEGIN SOLUTION\nx = 1\n### END SOLUTION", "s1", role="solution"),
    cell("assert x", "t1", role="test", points=1),
    cell("Why?", "why", kind="markdown", role="manual", points=5),
)
HARM = """
<img src=x onerror=alert(1)>

<script>alert(2)</script>

[one](javascript:alert(3)) [two](/files/javascript:alert(4)) <a href = "files/files/javascript:alert(5)">three</a>

<svg onload=alert(6)><div class="full-credit" id="why" onclick="alert(7)" style="position: fixed">four</div>

<iframe srcdoc="<script>alert(8)</script>"></iframe><form action="/x"><button>five</button></form>

![six](x"onerror="alert(9)) <a href="java&#115;cript:alert(10)">seven</a>

<math><mtext><table><mglyph><style><img src=x onerror=alert(11)>
"""
GOOD = """
# A heading

Some *emphasis*, `code`, [a link](https://example.org/a) and $a < b_1 \\cdot c_2$.

$$\\begin{aligned} x &= 1 \\\\ y &= 2 \\end{aligned}$$

| Left | Right |
|---|---:|
| one | two |

```python
def f(): return 1
```

- ![drawn](attachment:drawn.png)
"""
PICTURE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
# As the formgrader's pages make them (FormgradeExtension, SubmissionHandler).
FORMGRADER = """
import sys
from nbconvert.exporters import HTMLExporter
from nbgrader.server_extensions.formgrader.formgrader import FormgradeExtension
app = FormgradeExtension()
app.root_dir = "."
app.initialize([])
names = dict.fromkeys(("submission_id", "notebook_id", "assignment_id", "base_url", "student", "notebook_path"), "n")
html, _ = HTMLExporter(config=app.config).from_filename(sys.argv[1], resources={**names, "index": 0, "total": 1})
print(html)
"""
SIZED = """
from IPython.display import display
bad = {"width": "1 onerror=alert(12)", "height": "1 onload=alert(13)", "alt": 'x" onerror="alert(14)'}
display({"image/png": "AAAA"}, raw=True, metadata={"image/png": bad, **bad})
display({"image/png": "AAAA"}, raw=True, display_id="later")
"""
SIZED_LATER = """
from IPython.display import update_display
update_display({"image/png": "AAAA"}, raw=True, metadata={"image/png": bad, **bad}, display_id="later")
x = 1
"""


class Answers(HTMLParser):
    """The elements of a page that stand where an answer does, and everything anywhere that would run ``alert``."""

    def __init__(self) -> None:
        super().__init__()
        self.live: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self._script = False

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self._script = tag == "script"
        self.tags.append((tag, dict(attributes)))
        for name, value in attributes:
            runs = name.startswith("on") or (value or "").strip().startswith("javascript:")
            self.live += [f"{tag} {name}={value}"] if runs and "alert(" in str(value) else []

    def handle_data(self, data: str) -> None:
        self.live += [data] if self._script and "alert(" in data else []


def attached(found: Notebook) -> None:
    named(found, "why")["attachments"] = {"drawn.png": {"image/png": PICTURE}}


@pytest.fixture(scope="module")
def pages(environment: Path, base: Path) -> dict[str, str]:
    course = Course(environment, base / "markdown")
    course.generate(ps1=ASSIGNMENT)
    more = {**cell(HARM, kind="markdown"), "id": "more"}
    course.submit("bad", solve(s0=SIZED, s1=SIZED_LATER, why=HARM), lambda found: found["cells"].append(more))
    course.submit("good", solve(s1="x = 1", why=GOOD), attached)
    course.grade()
    course.run("nbgrader", "generate_feedback", "a1")
    found = {}
    for student in ("bad", "good"):
        found[f"feedback {student}"] = (course.root / "feedback" / student / "a1" / "ps1.html").read_text()
        graded = course.root / "autograded" / student / "a1" / "ps1.ipynb"
        found[f"formgrader {student}"] = course.run("python", "-c", FORMGRADER, str(graded)).stdout
    return found


@pytest.mark.parametrize("page", ["feedback", "formgrader"])
def test_nothing_of_it_runs_or_passes_for_a_button(pages: dict[str, str], page: str) -> None:
    found = Answers()
    found.feed(pages[f"{page} bad"])
    assert "four" in pages[f"{page} bad"]
    assert found.live == []
    foreign = [tag for tag, _ in found.tags if tag in ("svg", "iframe", "form", "math")]
    assert foreign == []
    posing = [a for tag, a in found.tags if tag == "div" and {a.get("class"), a.get("id")} & {"full-credit", "why"}]
    assert posing == []
    assert [a["style"] for _, a in found.tags if "fixed" in str(a.get("style"))] == []


@pytest.mark.parametrize("page", ["feedback", "formgrader"])
def test_ordinary_markdown_stays(pages: dict[str, str], page: str) -> None:
    html = pages[f"{page} good"]
    assert "<em>emphasis</em>, <code>code</code>" in html
    assert '<a href="https://example.org/a">a link</a>' in html
    assert "$a &lt; b_1 \\cdot c_2$" in html
    assert "\\begin{aligned} x &amp;= 1 \\\\ y &amp;= 2 \\end{aligned}" in html
    assert ">A heading</h1>" in html
    assert '<td style="text-align:right;">two</td>' in html
    assert '<span class="k">def</span>' in html
    assert f'src="data:image/png;base64,{PICTURE}"' in html
