"""The way of a start-up through each starter kit, in a browser, on a Campus that runs.

From Home with one click into a session; every notebook run from top to bottom; the app opened and a widget moved;
MLflow opened; training submitted as a batch job by the notebook's button, and its run seen in the same MLflow. It takes
some minutes a kit and keeps pictures of each step. By hand, with ``CAMPUS_PREFIX``:
``python -m tests.walks.kits [KIT …]``.
"""

from __future__ import annotations

import argparse
import os
import re
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect, sync_playwright

from extensions.kits.kit import KitFolder, kits_in
from hub_config.kits.sources import OURS
from tests.browser.conftest import ARTEFACTS, CHROMIUM
from tests.support.campus import Campus

_START = 300_000  # milliseconds, as all for Playwright
_RUN = 1200  # seconds that one notebook, or the batch job, may take
_PERSON = "startup1"
_OVER = re.compile("COMPLETED|FAILED|OUT_OF_MEMORY|TIMEOUT|Slurm does not take the job")
_END_KERNELS = """
async base => {
  const headers = { "X-XSRFToken": document.cookie.match(/_xsrf=([^;]*)/)[1] };
  const running = await (await fetch(base + "/api/kernels", { headers })).json();
  for (const one of running) await fetch(`${base}/api/kernels/${one.id}`, { method: "DELETE", headers });
}
"""


class Walk:
    """One kit's, in one browser page."""

    def __init__(self, campus: Campus, page: Page, folder: KitFolder) -> None:
        self.campus, self.page, self.kit, self.name = campus, page, folder.kit, folder.name
        self.base = f"{campus.url}/user/{campus.name(_PERSON)}"

    def say(self, step: str, begun: float) -> None:
        print(f"{self.name}: {step}, {time.monotonic() - begun:.0f} s", flush=True)

    def shot(self, page: Page, step: str) -> None:
        page.screenshot(path=ARTEFACTS / f"walk-{self.name}-{step}.png")

    def all(self) -> None:
        begun = time.monotonic()
        self.open()
        self.say("opened from Home", begun)
        self.page.evaluate(_END_KERNELS, self.base)  # another kit's would leave it too little memory
        for notebook in self.kit.notebooks:
            begun = time.monotonic()
            self.run(f"kits/{self.name}/notebooks/{notebook.stem}.ipynb")
            self.shot(self.page, notebook.stem)
            self.say(f"{notebook.stem} run", begun)
            if self.has_button():
                begun, before = time.monotonic(), self.finished()
                self.submit()
                assert self.finished() == before + 1, "the job's run is not in MLflow"
                self.shot(self.page, "job")
                self.say("batch job done, its run is in MLflow", begun)
        begun = time.monotonic()
        self.app()
        self.say("app opened and moved", begun)
        self.mlflow()

    def open(self) -> None:
        self.page.goto(f"{self.campus.url}/services/home/")
        self.page.get_by_role("link", name=f"Open on a GPU: {self.kit.title}").click()
        first = f"**/lab/tree/kits/{self.name}/notebooks/{self.kit.notebooks[0].stem}.ipynb"
        self.page.wait_for_url(first, timeout=_START)
        self.idle(_START)
        self.shot(self.page, "opened")

    def idle(self, milliseconds: int) -> None:
        expect(self.page.get_by_text("Python 3 (ipykernel) | Idle").first).to_be_visible(timeout=milliseconds)

    def run(self, path: str) -> None:
        """Run all, and save. Raises AssertionError for a cell with an error, or one that was not run."""
        self.page.goto(f"{self.base}/lab/tree/{path}")
        # What was open before comes back first.
        current = self.page.locator(".lm-TabBar-tab.jp-mod-current")
        expect(current).to_contain_text(path.rpartition("/")[2], timeout=_START)
        self.page.locator(".jp-Notebook .cm-content:visible").first.wait_for(timeout=_START)
        self.idle(_START)
        self.page.get_by_role("menuitem", name="Run", exact=True).click()
        self.page.get_by_text("Run All Cells", exact=True).click()
        until = time.monotonic() + _RUN
        while not (self.kernels_idle() and self.done(path)):
            assert time.monotonic() < until, f"{path} is not done after {_RUN} s"
            self.page.wait_for_timeout(3000)

    def done(self, path: str) -> bool:
        """Save, and say whether every cell was run. Raises AssertionError for one with an error."""
        with self.page.expect_response(lambda answer: answer.request.method == "PUT", timeout=_START):
            self.page.keyboard.press("Control+s")
        cells = [cell for cell in self.content(path)["cells"] if cell["cell_type"] == "code" and cell["source"]]
        wrong = [out for cell in cells for out in cell["outputs"] if out["output_type"] == "error"]
        assert not wrong, f"{path}: {wrong[0]['ename']}: {wrong[0]['evalue']}"
        return all(cell["execution_count"] for cell in cells)

    def content(self, path: str) -> dict[str, Any]:
        answer = self.page.request.get(f"{self.base}/api/contents/{path}", timeout=_START)
        assert answer.ok, f"{path}: {answer.status} {answer.text()[:500]}"
        found: dict[str, Any] = answer.json()["content"]
        return found

    def kernels_idle(self) -> bool:
        return all(one["execution_state"] == "idle" for one in self.page.request.get(f"{self.base}/api/kernels").json())

    def has_button(self) -> bool:
        self.page.locator(".jp-WindowedPanel-outer:visible").first.evaluate("box => box.scrollTop = box.scrollHeight")
        self.page.wait_for_timeout(1000)
        return self.page.get_by_role("button", name="Submit to Slurm").is_visible()

    def submit(self) -> None:
        self.page.get_by_role("button", name="Submit to Slurm").click()
        over = self.page.get_by_text(_OVER).filter(visible=True)  # other kits' notebooks are open behind this one
        expect(over.first).to_be_visible(timeout=_RUN * 1000)
        said = over.first.inner_text()
        assert "COMPLETED" in said, said

    def finished(self) -> int:
        """How many runs MLflow shows as finished."""
        api = f"{self.base}/mlflow/ajax-api/2.0/mlflow"
        found = self.page.request.post(f"{api}/experiments/search", data={"max_results": 100}, timeout=_START).json()
        known = [one["experiment_id"] for one in found.get("experiments", [])]
        asked = {"experiment_ids": known, "max_results": 1000, "filter": "attributes.status = 'FINISHED'"}
        return len(self.page.request.post(f"{api}/runs/search", data=asked, timeout=_START).json().get("runs", []))

    def app(self) -> None:
        self.page.goto(f"{self.base}/kit-apps/")
        self.page.get_by_role("link", name=self.kit.title).click()
        slider = self.page.get_by_role("slider").first
        slider.wait_for(timeout=_START)
        self.page.wait_for_timeout(3000)  # what it draws first
        self.shot(self.page, "app")
        before = self.page.locator("body").inner_text()
        slider.focus()
        self.page.keyboard.press("ArrowLeft" if slider.get_attribute("aria-valuenow") != "0.0" else "ArrowRight")
        self.page.wait_for_function("before => document.body.innerText !== before", arg=before, timeout=60_000)
        self.page.wait_for_timeout(3000)
        self.shot(self.page, "app-moved")

    def mlflow(self) -> None:
        self.page.goto(f"{self.base}/mlflow/")
        self.page.get_by_role("link", name=self.name).or_(self.page.locator("a[href*='experiments/']")).first.click()
        self.page.wait_for_timeout(8000)
        self.shot(self.page, "mlflow")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kits", nargs="*", help="names of kits; all four sectors' by default")
    wanted = parser.parse_args().kits
    campus = Campus(Path(os.environ.get("CAMPUS_PREFIX", "/opt/campus")))
    ARTEFACTS.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(**CHROMIUM)
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        context.add_cookies([{"name": "campus-tour", "value": "1", "url": f"{campus.url}/services/home/"}])
        page = context.new_page()
        page.goto(campus.url)
        page.get_by_label("Username").fill(campus.name(_PERSON))
        page.get_by_label("Password").fill(campus.passwords[campus.name(_PERSON)])
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url("**/services/home/")
        for path in kits_in(OURS):
            if not wanted or path.name in wanted:
                Walk(campus, page, KitFolder(path)).all()
        browser.close()


if __name__ == "__main__":
    main()
