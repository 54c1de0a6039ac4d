"""What a word of the APIs is called on a page."""

from __future__ import annotations

from extensions.home.language import N_

STATES = {
    "announced": N_("Announced"),
    "released": N_("Not begun"),
    "fetched": N_("Begun"),
    "submitted": N_("Handed in"),
    "graded": N_("Graded"),
    "feedback": N_("Feedback is there"),
}
SECTORS = {
    "general": N_("General"),
    "finance": N_("Finance"),
    "space": N_("Space"),
    "green": N_("Green economy"),
    "cybersecurity": N_("Cybersecurity"),
    "health": N_("Health"),
}
LEVELS = {"beginner": N_("Beginner"), "intermediate": N_("Intermediate"), "advanced": N_("Advanced")}
