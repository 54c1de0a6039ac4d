from __future__ import annotations

import base64
import time
from pathlib import Path

import jwt
import pytest

from spawners.slurm import ControllerSilent
from spawners.slurm.rest import KeyFile, TokenFile, expiry_of
from spawners.slurm.rest.token import LIFE, claims_of

SCONTROLS = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJleHAiOjE3OTU1NjI5NTUsImlhdCI6MTc5NTU2Mjg1NSwic3VuIjoic2x1cm0ifQ"
SCONTROLS += ".RDJjWjxMhiwKg1AlpvMhfBwXbzDXX9ZbMl-fwgcz6bo"
PEM = b"-----BEGIN RSA PRIVATE KEY-----\n" + base64.encodebytes(b"k" * 200) + b"-----END RSA PRIVATE KEY-----\n"


@pytest.mark.parametrize("key", [b"k" * 32, bytes(range(256)), PEM], ids=["32 bytes", "any", "PEM"])
def test_a_key_makes_what_slurm_takes(key: bytes, tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(key)
    token = KeyFile(tmp_path / "key", "slurm").token()
    claims = claims_of(token)
    now = time.time()
    assert claims["sun"] == "slurm"
    assert now - 5 < claims["iat"] <= now
    assert claims["exp"] == claims["iat"] + LIFE == expiry_of(token)
    if key is not PEM:  # which PyJWT does not take for a key, and Slurm does
        checked = jwt.decode(token.reveal(), key, algorithms=["HS256"])
        assert checked == claims


@pytest.mark.parametrize("text", [SCONTROLS, f"{SCONTROLS}\n", f"SLURM_JWT={SCONTROLS}\n", f"  {SCONTROLS}  "])
def test_a_token_is_taken_as_scontrol_prints_it(text: str, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(text)
    token = TokenFile(file).token()
    assert token.reveal() == SCONTROLS
    assert claims_of(token) == {"exp": 1795562955, "iat": 1795562855, "sun": "slurm"}
    assert expiry_of(token) == 1795562955
    assert SCONTROLS not in f"{token} {token!r}"


def test_a_renewed_token_serves_at_once(tmp_path: Path) -> None:
    file = TokenFile(tmp_path / "token")
    file.path.write_text("a.b.c")
    assert file.token().reveal() == "a.b.c"
    file.path.write_text("d.e.f")
    assert file.token().reveal() == "d.e.f"


@pytest.mark.parametrize("text", ["", "\n", "secret", "a.b", "a.b.c.d", "a.b.c\nX-Header: x", "a.b.ü", "a.b.c d"])
def test_what_is_no_token_is_not_sent(text: str, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(text)
    with pytest.raises(ControllerSilent) as caught:
        TokenFile(file).token()
    assert str(file) in caught.value.detail
    assert len(text) < 4 or text not in caught.value.detail


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    for credential in (TokenFile(tmp_path / "no"), KeyFile(tmp_path / "no", "slurm")):
        with pytest.raises(ControllerSilent) as caught:
            credential.token()
        assert caught.value.detail == f"{tmp_path / 'no'} cannot be read: No such file or directory"


@pytest.mark.parametrize("part", ["", "x", "bm8", base64.urlsafe_b64encode(b"[1]").decode(), "!"])
def test_a_token_of_another_kind_says_nothing_of_its_end(part: str) -> None:
    from campus_base.process import Secret

    token = Secret(f"a.{part}.c")
    assert claims_of(token) == {}
    assert expiry_of(token) is None
