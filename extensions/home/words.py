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
ENDINGS = {
    "stopped": N_("The session was stopped."),
    "idle": N_("The session ended because it was idle."),
    "completed": N_("The session ended by itself."),
    "completing": N_("The session has ended; Slurm is still taking it down."),
    "cancelled": N_("The session was cancelled outside Campus, by you or by an operator."),
    "timeout": N_("The session reached its time limit. What was saved is in your home folder."),
    "out-of-memory": N_("The session needed more memory than it asked for. Choose a larger size."),
    "node-fail": N_("The node that the session ran on failed. Start it again: it goes to another one."),
    "preempted": N_("The session made room for work of higher priority. Start it again when there is room."),
    "unknown": N_("Slurm no longer knows this session. Start it again."),
    "quota": N_("Your home folder is full. Remove what you no longer need, then start again."),
    "environment": N_("The session's software could not be loaded. Undo what you changed in it, or ask an operator."),
    "no-answer": N_("JupyterLab did not answer on its node, so the session was given up. Start it again."),
    "failed": N_("The session stopped with an error."),
}
"""How a session ended, by its cause (spawners.life.failure), for languages that the hub's own sentence is not in."""
