"""The switch between languages, which the browser remembers."""

from __future__ import annotations

from extensions.home.handler import LANGUAGE_COOKIE, Page

_YEAR = 365  # days


class ChooseLanguage(Page):
    def post(self) -> None:
        code, back = self.get_body_argument("language", ""), self.get_body_argument("back", "")
        if code in self.home.languages:
            self.set_cookie(LANGUAGE_COOKIE, code, path=self.address(), expires_days=_YEAR, samesite="Lax")
        # Only to a page of ours: nobody is led elsewhere from here.
        self.redirect(back if back.startswith(self.address()) else self.address())
