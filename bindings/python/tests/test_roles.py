"""Roles, processes and web identities as keywords, all the way to requests that are answered."""

import asyncio
import base64
import hashlib
import hmac
import json
import struct
import sys
import time

import pytest

import cvm

ROLE = "qcs::cam::uin/100000000001:roleName/cvm-local-role"
DEVICE = "qcs::cam:uin/100000000001::mfa/softToken"
POLICY = {"version": "2.0", "statement": [{"effect": "allow", "action": ["cvm:Describe*"], "resource": ["*"]}]}


def device_code(ahead=0):
    """What the device of the endpoint's first account shows, by RFC 6238."""
    secret, step = base64.b32decode("LOCALDEVELOPMENT"), int(time.time()) // 30 + ahead
    digest = hmac.new(secret, struct.pack(">Q", step), hashlib.sha1).digest()
    number = struct.unpack_from(">I", digest, digest[19] & 15)[0] & 0x7FFFFFFF
    return "%06d" % (number % 1_000_000)


def test_a_role_is_assumed_once_with_all_its_parts(place, key, steer):
    role = {
        "role_arn": ROLE,
        "role_session_name": "nightly",
        "role_duration": 3600,
        "role_policy": POLICY,
        "external_id": "agreed",
        "mfa_serial": DEVICE,
        "mfa_code": device_code(),
    }
    with cvm.Client(credentials=key, **role, **place) as client:
        client.describe_regions()
        client.describe_zones()
    assert len(steer.requests("AssumeRole")) == 1


def test_a_role_is_assumed_with_whatever_is_found(place, key, steer, cvm_local, monkeypatch, tmp_path):
    bases = [
        {"secret_id": key.secret_id, "secret_key": key.secret_key},
        {"credentials": lambda: key},
        {"profile": "base"},
    ]
    (tmp_path / ".tencentcloud").mkdir()
    text = f"[base]\nsecret_id = {key.secret_id}\nsecret_key = {key.secret_key}\n"
    (tmp_path / ".tencentcloud" / "credentials").write_text(text)
    for base in bases:
        with cvm.Client(role_arn=ROLE, **base, **place) as client:
            client.describe_regions()
    monkeypatch.setenv("TENCENTCLOUD_INSTANCE_ROLE", "any")
    with cvm.Client(role_arn=ROLE, metadata_endpoint=cvm_local.endpoint, **place) as client:
        client.describe_regions()
    monkeypatch.setenv("TENCENTCLOUD_SECRET_ID", key.secret_id)
    monkeypatch.setenv("TENCENTCLOUD_SECRET_KEY", key.secret_key)
    with cvm.Client(role_arn=ROLE, **place) as client:
        client.describe_regions()
    assert len(steer.requests("AssumeRole")) == 5


def test_a_code_is_asked_for_when_it_is_needed(place, key, steer):
    asked = []

    def ask():
        asked.append(1)
        return device_code()

    with cvm.Client(credentials=key, role_arn=ROLE, mfa_serial=DEVICE, mfa_code=ask, **place) as client:
        assert not asked
        client.describe_regions()
        client.describe_regions()
    assert len(asked) == 1 and len(steer.requests("AssumeRole")) == 1


def test_a_code_that_is_given_is_good_once(place, key, steer):
    role = {"role_arn": ROLE, "mfa_serial": DEVICE, "mfa_code": device_code()}
    with cvm.Client(credentials=key, **role, **place) as client:
        client.describe_regions()
    with cvm.Client(credentials=key, **role, **place) as client:
        with pytest.raises(cvm.CredentialError) as refused:
            client.describe_regions()
    assert refused.value.code == "FailedOperation.CheckMFAError" and "no credential: " in str(refused.value)


def test_an_async_client_awaits_a_code(place, key):
    async def ask():
        await asyncio.sleep(0)
        return device_code()

    async def main():
        role = {"role_arn": ROLE, "mfa_serial": DEVICE, "mfa_code": ask}
        async with cvm.AsyncClient(credentials=key, **role, **place) as client:
            return await client.describe_regions()

    assert asyncio.run(main())["TotalCount"] > 0


def test_a_wrong_code_is_what_the_service_says(place, key):
    with cvm.Client(credentials=key, role_arn=ROLE, mfa_serial=DEVICE, mfa_code="000000x", **place) as client:
        with pytest.raises(cvm.CredentialError, match="AssumeRole of sts in .*: no credential: ") as refused:
            client.describe_regions()
    assert refused.value.code == "FailedOperation.CheckMFAError"
    assert (refused.value.action, refused.value.service) == ("AssumeRole", "sts")
    with cvm.Client(credentials=key, role_arn=ROLE, mfa_serial=DEVICE, mfa_code=lambda: 5, **place) as client:
        with pytest.raises(cvm.CredentialError, match="given as mfa_code returned an int: return the code as a text"):
            client.describe_regions()


def test_a_device_without_a_code_says_how_to_give_one(place, key, steer, monkeypatch):
    with cvm.Client(credentials=key, role_arn=ROLE, mfa_serial=DEVICE, **place) as client:
        with pytest.raises(cvm.CredentialError, match="give mfa_code, or set TENCENTCLOUD_MFA_CODE"):
            client.describe_regions()
    monkeypatch.setenv("TENCENTCLOUD_MFA_CODE", device_code())
    with cvm.Client(credentials=key, role_arn=ROLE, mfa_serial=DEVICE, **place) as client:
        client.describe_regions()


def test_a_process_prints_a_credential(place, key, tmp_path):
    printed = json.dumps({"SecretId": key.secret_id, "SecretKey": key.secret_key})
    words = [sys.executable, "-c", f"print({printed!r})"]
    with cvm.Client(credential_process=words, **place) as client:
        client.describe_regions()
    with cvm.Client(credential_process="no-such-program-here --now", **place) as client:
        with pytest.raises(cvm.CredentialError, match="the credential process `no-such-program-here` cannot be started"):
            client.describe_regions()


def test_a_web_identity_needs_no_key(place, steer, tmp_path):
    token = tmp_path / "token"
    web = {"role_arn": ROLE, "web_identity_provider_id": "oidc", "web_identity_token_file": token}
    with cvm.Client(role_session_name="pod", role_duration=900, **web, **place) as client:
        with pytest.raises(cvm.CredentialError, match="the file of the web identity's token, cannot be read"):
            client.describe_regions()
    token.write_text("any.token\n")
    with cvm.Client(**web, **place) as client:
        client.describe_regions()
    assert len(steer.requests("AssumeRoleWithWebIdentity")) == 1
