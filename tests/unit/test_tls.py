"""One context of TLS for all sessions: made once, and believing nobody but the hub's own authority."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import jupyterhub.user
import pytest
from certipy import Certipy

from spawners.job.tls import session_context, share_context


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str, str]:
    store = Certipy(store_dir=str(tmp_path))
    store.create_ca("ours")
    store.create_signed_pair("hub-internal", "ours")
    at = tmp_path / "hub-internal" / "hub-internal"
    return f"{at}.key", f"{at}.crt", str(tmp_path / "ours" / "ours.crt")


def test_it_is_made_once_and_believes_one_authority(files: tuple[str, str, str]) -> None:
    context = session_context(*files)
    assert session_context(*files) is context
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.cert_store_stats() == {"x509": 1, "x509_ca": 1, "crl": 0}, "the system's authorities are not in it"


def test_jupyterhub_waits_for_sessions_with_it(files: tuple[str, str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jupyterhub.user, "make_ssl_context", jupyterhub.user.make_ssl_context)
    share_context()
    key, certificate, authority = files
    made: Any = jupyterhub.user.make_ssl_context  # called as jupyterhub.user.User._wait_up does
    assert made(key, certificate, cafile=authority) is session_context(*files)
