"""A certificate on one page (A4, landscape), with a QR code of the address where it is verified."""

from __future__ import annotations

import io
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reportlab.graphics import renderPDF
from reportlab.graphics.barcode.qr import QrCodeWidget
from reportlab.graphics.shapes import Drawing
from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4, landscape
from reportlab.lib.units import mm
from reportlab.lib.utils import simpleSplit
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from extensions.exchange.service.badge import Issuer
from extensions.exchange.service.clock import moment
from extensions.exchange.service.words import words

if TYPE_CHECKING:
    from extensions.exchange.service.certificates import Certificate

# Letters of most of Europe's languages are in it; Debian's and Red Hat's places. reportlab's own font has fewer.
_DEJAVU = ("/usr/share/fonts/truetype/dejavu", "/usr/share/fonts/dejavu-sans-fonts", "/usr/share/fonts/dejavu")
_WIDTH, _HEIGHT = landscape(A4)
_MARGIN = 22 * mm
_QR = 30 * mm
_INK, _PALE, _LINE = HexColor("#1d2733"), HexColor("#5b6875"), HexColor("#2a6f97")


@cache
def _fonts() -> tuple[str, str]:
    """Names of a plain and a bold font that can be written with."""
    folder = next((Path(path) for path in _DEJAVU if (Path(path) / "DejaVuSans-Bold.ttf").is_file()), None)
    files = (folder / "DejaVuSans.ttf", folder / "DejaVuSans-Bold.ttf") if folder else ("Vera.ttf", "VeraBd.ttf")
    names = ("Plain", "Bold")
    for name, file in zip(names, files, strict=True):
        pdfmetrics.registerFont(TTFont(name, str(file)))
    return names


def _centred(page: Canvas, text: str, y: float, font: str, size: float) -> None:
    """One line; smaller where it would not fit."""
    room = _WIDTH - 2 * _MARGIN
    size = min(size, size * room / max(pdfmetrics.stringWidth(text, font, size), 1))
    page.setFont(font, size)
    page.drawCentredString(_WIDTH / 2, y, text)


def _learnt(page: Canvas, title: str, lines: tuple[str, ...], top: float, bottom: float) -> None:
    """A list, in the largest letters with which it fits; in the smallest it is cut."""
    plain, bold = _fonts()
    room = _WIDTH - 2 * _MARGIN - _QR - 10 * mm
    for size in (11, 10, 9, 8, 7):
        rows = [row for line in lines for row in simpleSplit(f"· {line}", plain, size, room)]
        fits = int((top - bottom) / (size * 1.35)) - 1
        if len(rows) <= fits:
            break
    page.setFont(bold, size)
    page.drawString(_MARGIN, top, title)
    page.setFont(plain, size)
    for number, row in enumerate(rows[:fits]):
        page.drawString(_MARGIN, top - (number + 1) * size * 1.35, row)


def _code(page: Canvas, address: str) -> None:
    code = QrCodeWidget(address, barLevel="M")
    left, bottom, right, top = code.getBounds()
    scale = (_QR / (right - left), 0, 0, _QR / (top - bottom), 0, 0)
    drawing = Drawing(_QR, _QR, transform=list(scale))
    drawing.add(code)
    renderPDF.draw(drawing, page, _WIDTH - _MARGIN - _QR, 20 * mm)


def drawn(found: Certificate, issuer: Issuer) -> bytes:
    """The PDF."""
    said: Any = words(found.language)
    plain, bold = _fonts()
    file = io.BytesIO()
    page = Canvas(file, pagesize=(_WIDTH, _HEIGHT))
    page.setTitle(f"{said.certificate}: {found.title}")
    page.setAuthor(issuer.name)
    page.setSubject(found.name)
    page.setStrokeColor(_LINE)
    page.setLineWidth(1.5)
    page.rect(10 * mm, 10 * mm, _WIDTH - 20 * mm, _HEIGHT - 20 * mm)
    page.setFillColor(_PALE)
    _centred(page, issuer.name, _HEIGHT - 30 * mm, plain, 14)
    page.setFillColor(_LINE)
    _centred(page, said.certificate, _HEIGHT - 47 * mm, bold, 32)
    page.setFillColor(_INK)
    _centred(page, found.name, _HEIGHT - 68 * mm, bold, 26)
    _centred(page, said.has_passed, _HEIGHT - 79 * mm, plain, 13)
    _centred(page, found.title, _HEIGHT - 93 * mm, bold, 20)
    facts = [said.hours.format(said.number(found.hours))] if found.hours else []
    facts += [said.passed_from.format(said.share(found.pass_mark))] if found.pass_mark is not None else []
    facts.append(said.date.format(said.written(moment(found.issued))))
    page.setFillColor(_PALE)
    _centred(page, "  ·  ".join(facts), _HEIGHT - 103 * mm, plain, 11)
    page.setFillColor(_INK)
    if found.learn:
        _learnt(page, said.learnt, found.learn, _HEIGHT - 118 * mm, 32 * mm)
    address = issuer.certificate(found.id)
    page.setFillColor(_PALE)
    page.setFont(plain, 8)
    page.drawString(_MARGIN, 25 * mm, said.verify)
    page.drawString(_MARGIN, 20.5 * mm, address)
    page.linkURL(address, (_MARGIN, 19 * mm, _WIDTH - _MARGIN - _QR, 28 * mm))
    _code(page, address)
    page.showPage()
    page.save()
    return file.getvalue()
