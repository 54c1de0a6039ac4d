"""The analyst's desk: the widgets of app.ipynb, over one trained model."""

import ipywidgets as widgets
import numpy as np
import pandas as pd
from IPython.display import display

from aml import decisions, explain, pictures, report, study, training
from aml.book import START
from aml.customers import SEGMENTS
from aml.study import TEST

_STYLE = """<style>
.aml table {border-collapse: collapse; font-size: 14px; width: 100%}
.aml th {text-align: left; border-bottom: 2px solid #333; padding: 4px 10px}
.aml td {border-bottom: 1px solid #ddd; padding: 4px 10px; font-variant-numeric: tabular-nums}
.aml .figures {display: flex; flex-wrap: wrap; gap: 14px; margin: 8px 0}
.aml .figures div {border-left: 4px solid #0072B2; padding: 2px 14px; min-width: 110px; background: #f4f7fa}
.aml .figures b {display: block; font-size: 22px}
</style>"""


class Desk:
    """Controls on the left, alerts of a week and the reasons for one of them on the right. `show` displays it."""

    def __init__(self) -> None:
        self.lab = study.make()
        self.graph = self.lab.graph()
        self.net = training.load(self.graph)
        self.chance = study.kept("scores")["model"]
        self.truth = self.lab.truth
        weeks = range(self.lab.bank.weeks)[TEST]
        options = [(f"{_monday(week):%d %B %Y}", week) for week in weeks]
        long = widgets.Layout(width="320px")
        wide = {"description_width": "140px"}
        self.week = widgets.Dropdown(options=options, value=weeks[1], description="Week from", style=wide, layout=long)
        self.way = widgets.RadioButtons(
            options=[("what a miss costs", "cost"), ("how many the team can take", "budget")],
            description="Alerts follow from",
            style=wide,
            layout=long,
        )
        slider = {"style": wide, "layout": long, "continuous_update": False}
        self.false_alarm = widgets.IntSlider(60, 10, 300, 10, description="False alarm, EUR", **slider)
        self.missed = widgets.IntSlider(3000, 500, 20_000, 500, description="Miss, EUR", **slider)
        self.budget = widgets.IntSlider(report.budget(self.lab), 5, 200, 5, description="Alerts a week", **slider)
        self.reveal = widgets.Checkbox(False, description="show the truth (a bank would not have it)", indent=False)
        self.account = widgets.Dropdown(description="Explain", style=wide, layout=long)
        self.head, self.list, self.person = widgets.HTML(), widgets.HTML(), widgets.HTML()
        self.why = widgets.Output()
        self._quiet = False
        for control in (self.week, self.way, self.false_alarm, self.missed, self.budget, self.reveal):
            control.observe(lambda _: self.refresh(), "value")
        self.account.observe(lambda _: self.explain(), "value")

    def show(self) -> None:
        """Displays the desk."""
        note = widgets.HTML("<p style='max-width:310px'>A made-up bank. The model orders; a person decides.</p>")
        left = [self.week, self.way, self.false_alarm, self.missed, self.budget, self.reveal, note]
        right = widgets.VBox(
            [self.head, self.list, self.account, self.person, self.why], layout=widgets.Layout(flex="1")
        )
        self.refresh()
        display(widgets.HBox([widgets.VBox(left, layout=widgets.Layout(min_width="340px")), right]))

    def refresh(self) -> None:
        """Makes the week's alerts anew after a control has moved."""
        week = self.week.value
        chance, truth = self.chance[week], self.truth[week]
        by_cost = self.way.value == "cost"
        self.budget.disabled = by_cost
        cut = decisions.threshold(self.false_alarm.value, self.missed.value)
        order = np.argsort(-chance, kind="stable")
        alerts = order[: int((chance >= cut).sum())] if by_cost else order[: self.budget.value]
        days = len(alerts) / decisions.PER_DAY
        boxes = [
            ("alerts", f"{len(alerts)}"),
            ("analyst-days", f"{days:.1f}"),
            ("threshold", f"{cut if by_cost else chance[alerts[-1]]:.1%}"),
            ("expected right", f"{chance[alerts].sum():.0f}"),
        ]
        if self.reveal.value:
            alarm = np.zeros(len(chance), dtype=bool)
            alarm[alerts] = True
            paid = decisions.cost(truth, alarm, self.false_alarm.value, self.missed.value)
            boxes += [("were right", f"{(truth & alarm).sum()}"), ("missed", f"{(truth & ~alarm).sum()}")]
            boxes += [("cost of the week", f"{paid:,.0f} EUR")]
        figures = "".join(f"<div>{name}<b>{value}</b></div>" for name, value in boxes)
        self.head.value = f"{_STYLE}<div class='aml'><div class='figures'>{figures}</div></div>"
        shown = alerts[:8]
        names, values = self.lab.features.names, self.lab.features.values[week]
        table = pd.DataFrame(
            {
                "account": shown,
                "probability": [f"{chance[each]:.0%}" for each in shown],
                "segment": [SEGMENTS[self.lab.bank.people.segment[each]] for each in shown],
                "money in, EUR": [
                    f"{np.expm1(values[each, names.index('money in, this week')]):,.0f}" for each in shown
                ],
                "money out, EUR": [
                    f"{np.expm1(values[each, names.index('money out, this week')]):,.0f}" for each in shown
                ],
            }
        )
        if self.reveal.value:
            table["truth"] = ["laundering" if truth[each] else "lawful" for each in shown]
        rest = f"<p>and {len(alerts) - len(shown)} more, in the list below</p>" if len(alerts) > len(shown) else ""
        self.list.value = f"<div class='aml'>{table.to_html(index=False, border=0)}{rest}</div>"
        before, self._quiet = self.account.value, True  # one explanation is enough, for whom it is in the end
        self.account.options = [(f"account {each}: {chance[each]:.0%}", int(each)) for each in alerts]
        if len(alerts):
            self.account.value = before if before is not None and before in alerts else int(alerts[0])
        self._quiet = False
        self.explain()

    def explain(self) -> None:
        """Draws the reasons for the account that is chosen."""
        if self._quiet:
            return
        account = self.account.value
        self.why.clear_output(wait=True)
        if account is None:
            self.person.value = "No alert this week at these costs."
            return
        week = self.week.value
        view = self.graph.week(week)
        effect = explain.by_feature(self.net, view, account, self.lab.features.names, steps=12)
        left_out = explain.by_payment(self.net, view, account, most=12)[:5]
        rows = explain.payments(self.graph, left_out.index, account)
        rows["adds"] = left_out.map("{:+.2f}".format)
        title = f"<h3>Account {account}: payments that add most to suspicion</h3>"
        self.person.value = f"<div class='aml'>{title}{rows.to_html(index=False, border=0)}</div>"
        with self.why:
            for figure in (
                pictures.reasons(effect, most=8),
                pictures.network(explain.around(self.graph, week, account, self.chance[week])),
            ):
                display(figure)


def _monday(week: int) -> pd.Timestamp:
    return START + pd.Timedelta(days=7 * week)
