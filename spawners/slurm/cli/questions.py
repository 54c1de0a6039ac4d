"""All that an operator of Slurm is asked, word for word: for whoever has to allow it (spawners.slurm.sudo)."""

from __future__ import annotations

import re

from spawners.slurm.cli.accounts import association_ids_query, associations_query, qos_query
from spawners.slurm.cli.queries import everybody_query, exit_code_query, jobs_query
from spawners.slurm.cli.rules import config_query, partitions_query, reservations_query

_CLUSTER, _JOB = "=cluster=", 987654321  # stand where a word differs from one time to another


def questions(job_name: str) -> list[list[str]]:
    """Each question as patterns of its words, the command first."""
    found = (
        jobs_query(job_name),
        everybody_query(claims=False),
        everybody_query(claims=True),
        exit_code_query(_JOB),
        config_query(),
        partitions_query(),
        reservations_query(),
        associations_query(_CLUSTER),
        association_ids_query(_CLUSTER),
        association_ids_query(_CLUSTER, only_defaults=True),
        qos_query(),
    )
    return [[_pattern(word) for word in words] for words in found]


def _pattern(word: str) -> str:
    exact = re.escape(word)
    return exact.replace(re.escape(_CLUSTER), "[A-Za-z0-9_.-]+").replace(str(_JOB), "[1-9][0-9]{0,9}")
