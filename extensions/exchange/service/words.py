"""What certificates say, in the languages that a course may have."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

_MONTHS = {
    "en": "January February March April May June July August September October November December",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
}


@dataclass(frozen=True)
class Words:
    language: str
    certificate: str
    has_passed: str
    hours: str
    learnt: str
    """What one can do after the course."""
    passed_from: str
    date: str
    verify: str
    stands: str
    stands_no_more: str
    day: str
    point: str = ","
    percent: str = "\u00a0%"

    def number(self, value: float) -> str:
        return f"{value:g}".replace(".", self.point)

    def share(self, value: float) -> str:
        return f"{self.number(round(100 * value, 1))}{self.percent}"

    def written(self, at: datetime.datetime) -> str:
        """A day, as it is written in this language."""
        return f"{at.day}{self.day} {_MONTHS[self.language].split()[at.month - 1]} {at.year}"


_ALL = {
    words.language: words
    for words in (
        Words(
            language="en",
            certificate="Certificate",
            has_passed="has passed the course",
            hours="{} hours",
            learnt="What was learnt",
            passed_from="Passed from {} of the points",
            date="Issued on {}",
            verify="Verify this certificate at",
            stands="This certificate stands.",
            stands_no_more="This certificate does not stand any more: by today's grades the course is not passed.",
            day="",
            point=".",
            percent="%",
        ),
        Words(
            language="fr",
            certificate="Certificat",
            has_passed="a réussi le cours",
            hours="{} heures",
            learnt="Compétences acquises",
            passed_from="Réussi à partir de {} des points",
            date="Délivré le {}",
            verify="Vérifier ce certificat :",
            stands="Ce certificat est valable.",
            stands_no_more="Ce certificat n'est plus valable : d'après les notes actuelles, le cours n'est pas réussi.",
            day="",
        ),
        Words(
            language="de",
            certificate="Zertifikat",
            has_passed="hat den Kurs bestanden",
            hours="{} Stunden",
            learnt="Gelernt wurde",
            passed_from="Bestanden ab {} der Punkte",
            date="Ausgestellt am {}",
            verify="Dieses Zertifikat prüfen:",
            stands="Dieses Zertifikat gilt.",
            stands_no_more="Dieses Zertifikat gilt nicht mehr: nach heutigem Stand ist der Kurs nicht bestanden.",
            day=".",
        ),
    )
}


def words(language: str) -> Words:
    """English where there are none."""
    return _ALL.get(language, _ALL["en"])
