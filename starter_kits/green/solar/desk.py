"""The app: a park, a day, prices and caution in; forecast fan, offers and euros out."""

from __future__ import annotations

import datetime
import io

import ipywidgets as widgets
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import display

from solar import ledger, market, plots
from solar.split import SITES

_FIRST, _LAST = datetime.date(2013, 1, 1), datetime.date(2013, 12, 31)
_WIDE = widgets.Layout(width="100%")
_WORDS = {"description_width": "128px"}
_HEADS = ("Way of offering", "Day, €", "Year, €", "More than median, € a year")


def rows() -> widgets.Dropdown:
    """How the rows of modules stand: ``"turn"``, or the tilt in degrees of fixed ones.

    None would be no value for the first: to ipywidgets it means that nothing is chosen.
    """
    fixed = ((f"fixed, {tilt}° south", float(tilt)) for tilt in (15, 25, 35, 45, 60))
    return widgets.Dropdown(
        options=[("follow the sun", "turn"), *fixed], description="Rows", layout=_WIDE, style=_WORDS
    )


class Desk:
    """The widgets, and what they show. Raises FileNotFoundError where nothing is trained yet."""

    def __init__(self, site: int = 51, day: datetime.date = datetime.date(2013, 6, 16)) -> None:
        self.places = ledger._places()
        ledger.park(site)
        named = [(f"{self.places.loc[s, 'latitude']:.2f}° N (park {s})", s) for s in SITES]

        def slider(kind: type, words: str, value: float, low: float, high: float, step: float) -> widgets.Widget:
            return kind(value, min=low, max=high, step=step, description=words, continuous_update=False,
                        layout=_WIDE, style=_WORDS)  # fmt: skip

        self.site = widgets.Dropdown(options=named, value=site, description="Park", layout=_WIDE, style=_WORDS)
        self.day = widgets.DatePicker(
            value=day, min=_FIRST, max=_LAST, description="Day in 2013", layout=_WIDE, style=_WORDS
        )
        self.hour = slider(widgets.IntSlider, "Forecast made at", 9, 6, 17, 1)
        self.size = slider(widgets.FloatSlider, "Size, MW", 20.0, 1.0, 100.0, 1.0)
        self.rows = rows()
        self.lead = slider(widgets.IntSlider, "Offered ahead, h", 3, 1, 6, 1)
        self.sold = slider(widgets.FloatSlider, "Price, €/MWh", 70.0, 20.0, 200.0, 5.0)
        self.short = slider(widgets.FloatSlider, "Missing costs", 140.0, 25.0, 400.0, 5.0)
        self.surplus = slider(widgets.FloatSlider, "Surplus brings", 40.0, -50.0, 150.0, 5.0)
        self.caution = slider(widgets.FloatSlider, "Caution", 0.0, 0.0, 0.5, 0.05)
        self.picture = widgets.Image(format="png", layout=widgets.Layout(width="100%", max_width="900px"))
        self.money = widgets.HTML()
        self.note = widgets.HTML()
        self._inputs = [self.site, self.day, self.hour, self.size, self.rows, self.lead, self.sold, self.short,
                        self.surplus, self.caution]  # fmt: skip
        for each in self._inputs:
            each.observe(self._update, "value")
        self._update()

    def show(self) -> None:
        """Put the app into the page."""
        left = widgets.VBox(
            [
                widgets.HTML("<b>Park and day</b>"), self.site, self.rows, self.size, self.day, self.hour,
                widgets.HTML("<b>Market</b>"), self.lead, self.sold, self.short, self.surplus, self.caution, self.note,
            ],
            layout=widgets.Layout(width="340px", flex="0 0 340px", padding="0 20px 0 0"),
        )  # fmt: skip
        right = widgets.VBox([self.picture, self.money], layout=widgets.Layout(flex="1 1 480px", min_width="0"))
        display(widgets.HBox([left, right], layout=widgets.Layout(flex_flow="row wrap")))

    def _update(self, _: object = None) -> None:
        try:
            prices = market.Prices(self.sold.value, self.short.value, self.surplus.value)
        except ValueError:
            self.note.value = (
                "<b>Set the prices so that surplus brings less than the price, and missing costs more.</b>"
            )
            return
        if self.day.value is None or not _FIRST <= self.day.value <= _LAST:
            self.note.value = "<b>Choose a day of 2013.</b>"
            return
        its = ledger.park(self.site.value)
        if self.rows.value != "turn":
            its = its.scaled(ledger.fixed(self.site.value, self.rows.value))
        table = ledger.hours(its, self.lead.value, self.size.value, prices, self.caution.value)
        local = table.tz_convert(plots.ZONE)
        today = local[local.index.date == self.day.value]
        self.picture.value = self._draw(its, today)
        self.money.value = self._table(table, today)
        self.note.value = (
            f"These prices make it best to offer the <b>{100 * prices.quantile:.0f} % quantile</b>"
            + (", and caution makes the offer smaller." if self.caution.value else ".")
            + (" Fixed rows: clouds are taken to cost them the same share." if self.rows.value != "turn" else "")
        )

    def _draw(self, its: ledger.Park, today: pd.DataFrame) -> bytes:
        """Fan of the chosen hour, and the day's offers, as a PNG."""
        size = self.size.value
        figure, (above, below) = plt.subplots(2, 1, figsize=(9, 6.6), sharex=True, constrained_layout=True)
        local = its.time.tz_convert(plots.ZONE)
        at = np.flatnonzero((local.date == self.day.value) & (local.hour == self.hour.value))
        came = its.power[:, 0] * size
        mine = np.flatnonzero(local.date == self.day.value)
        middle = local[mine].hour + 0.5
        above.plot(middle, its.clear[mine, 0] * size, color=plots.ORANGE, linestyle=":", label="clear sky")
        above.plot(middle, came[mine], "o-", color="black", markersize=4, linewidth=1, label="what came")
        if len(at):
            day = its.counts[at[0]]
            hours = self.hour.value + np.arange(1, len(day) + 1) - 0.5
            plots.fan(above, hours[day], its.quantiles[at[0]][day] * size)
            above.axvline(self.hour.value, color=plots.GREY, linewidth=1)
        else:
            above.text(0.5, 0.5, "The sun is not up at this hour.", transform=above.transAxes, ha="center")
        above.set(ylabel="MW", ylim=(0, size * 1.04),
                  title=f"{self.day.value:%A, %d %B %Y}: the forecast made at {self.hour.value}:00")  # fmt: skip
        above.legend(
            ncols=6, loc="lower left", bbox_to_anchor=(0, -0.17), fontsize=8.5, columnspacing=1, handlelength=1.5
        )
        if len(today):
            hours = today.index.hour + 0.5
            for way, colour, offset in ((ledger.POINT, plots.ORANGE, -0.2), (ledger.NETWORK, plots.BLUE, 0.2)):
                below.bar(hours + offset, today[way, "offer"], width=0.38, color=colour, label=f"offer: {way}")
            below.plot(hours, today["given", ""], "o-", color="black", markersize=4, linewidth=1, label="what came")
            below.legend(ncols=3, loc="upper left", fontsize=8.5)
        below.set(xlabel="hour of the day (Eastern Standard Time)", ylabel="MWh", xlim=(5, 21), ylim=(0, size * 1.25),
                  title=f"Offers made {self.lead.value} h ahead")  # fmt: skip
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=100)
        plt.close(figure)
        return buffer.getvalue()

    def _table(self, table: pd.DataFrame, today: pd.DataFrame) -> str:
        """Euros of the day and the year, as an HTML table."""
        pad = 'style="text-align:right;padding:3px 12px;font-weight:inherit"'
        cells = "".join(f'<th scope="col" {pad}>{head}</th>' for head in _HEADS)
        lines = []
        for way, row in ledger.year(table).iterrows():
            more = f"{row['more than median']:+,.0f} ({row['from']:+,.0f} to {row['to']:+,.0f})"
            numbers = (f"{today[way, 'euro'].sum():,.0f}", f"{row['euro']:,.0f}", "" if way == ledger.POINT else more)
            shown = "".join(f"<td {pad}>{number}</td>" for number in numbers)
            weight = 600 if way == ledger.NETWORK else 400
            lines.append(f'<tr style="font-weight:{weight}"><th scope="row" {pad}>{way}</th>{shown}</tr>')
        return (
            f'<table style="border-collapse:collapse"><tr>{cells}</tr>{"".join(lines)}</table>'
            "<p>In brackets: 95 % interval, days drawn with replacement. Constant prices: real ones vary.</p>"
        )
