"""Credentials in code: the value, functions that give one, and what contradicts."""

import copy
import os
import pickle
import signal
import subprocess
import sys
import textwrap
import threading
import time
from datetime import datetime, timezone

import pytest

import cvm
from cvm import proto

from conftest import REGION

ROLE = "qcs::cam::uin/100000000001:roleName/cvm-local-role"
HIDDEN = "hidden-key-0123456789"


# The value.


def test_a_value_shows_no_secret():
    end = datetime(2030, 1, 1, tzinfo=timezone.utc)
    value = cvm.Credentials("AKID0123456789abcdef", f" {HIDDEN}\n", token="hidden-token", expires=end)
    assert (value.secret_id, value.secret_key, value.token) == ("AKID0123456789abcdef", HIDDEN, "hidden-token")
    assert value.expires == 1893456000
    assert repr(value) == "<cvm.Credentials AKID***cdef, temporary, expires=1893456000>"
    assert "hidden" not in f"{value} {value!r} {[value]}"
    assert repr(cvm.Credentials("AKIDx", HIDDEN)) == "<cvm.Credentials ***>"


def test_a_value_is_equal_by_its_parts():
    def made(**other):
        return cvm.Credentials(**{"secret_id": "AKIDx", "secret_key": "k", "token": "t", "expires": 2e9, **other})

    assert made() == made() and hash(made()) == hash(made())
    for other in ({"secret_id": "AKIDy"}, {"secret_key": "l"}, {"token": None}, {"expires": None}):
        assert made() != made(**other)
    assert made() != "AKIDx"
    assert copy.copy(made()) == copy.deepcopy(made()) == made()


def test_a_value_is_not_pickled():
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(TypeError, match="cannot be pickled, as that would write its key"):
            pickle.dumps(cvm.Credentials("AKIDx", HIDDEN), protocol)


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        (("", HIDDEN), "secret_id is empty"),
        (("AKIDx", " "), "secret_key is empty"),
        (("AKID x", HIDDEN), "secret_id contains white space"),
        (("AKIDx", "hidden\u200bkey"), "secret_key contains what is not printable ASCII"),
        (("AKIDx", HIDDEN, "hidden\nhidden"), "token contains white space or a control character"),
    ],
)
def test_a_part_that_cannot_be_one_is_named(parts, said):
    with pytest.raises(cvm.ConfigError, match=said) as refused:
        cvm.Credentials(*parts)
    assert "hidden" not in str(refused.value)


@pytest.mark.parametrize(
    ("expires", "kind", "said"),
    [
        (datetime(2030, 1, 1), ValueError, "without a time zone"),
        ("2030", TypeError, "expires is a str"),
        (True, TypeError, "expires is a bool"),
        (0, ValueError, "expires is 0"),
        (float("nan"), ValueError, "expires is NaN"),
        (1893456000000, ValueError, "give seconds since 1970"),
    ],
)
def test_an_end_that_is_no_moment_is_refused(expires, kind, said):
    with pytest.raises(kind, match=said):
        cvm.Credentials("AKIDx", HIDDEN, expires=expires)


def test_a_client_takes_a_value(place, key):
    with cvm.Client(credentials=key, **place) as client:
        assert client.describe_regions()["TotalCount"] > 0

    ended = cvm.Credentials(key.secret_id, key.secret_key, expires=time.time() - 10)
    with cvm.Client(credentials=ended, **place) as client:
        with pytest.raises(cvm.CredentialError, match="the credential has expired already") as refused:
            client.describe_regions()
    assert refused.value.attempts == 0 and not isinstance(refused.value, cvm.AuthError)


# A function.


def test_a_function_is_asked_once_for_all_calls(place, key):
    asked, lock = [], threading.Lock()

    def give():
        with lock:
            asked.append(threading.current_thread())
        return key

    with cvm.Client(credentials=give, rate_limit=False, **place) as client:
        threads = [threading.Thread(target=client.describe_regions) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        client.with_region("ap-guangzhou").describe_zones()
    assert len(asked) == 1 and asked[0] in threads


def test_a_function_is_asked_again_before_the_end(place, key):
    begin, asked = time.time(), []

    def give():
        asked.append(1)
        return cvm.Credentials(key.secret_id, key.secret_key, expires=begin + (40, 4000)[len(asked) - 1])

    config = proto.Config(credentials=give, **place)
    # The next one is fetched when a quarter of a short life is left.
    for after, times in ((0.0, 1), (29.0, 1), (31.0, 2), (50.0, 2)):
        call = proto.Call(config, "DescribeRegions")
        step = call.poll((begin + after, after))
        while isinstance(step, proto.WaitUntil):
            step = call.poll((begin + after, step.at))
        assert isinstance(step, proto.Send) and len(asked) == times, after


def test_a_function_is_asked_once_more_after_a_refusal(place, key):
    given = [cvm.Credentials("AKIDnobody", "k"), key]
    with cvm.Client(credentials=lambda: given.pop(0), **place) as client:
        # One that is fresh is not fetched anew: a newer one would be no better.
        with pytest.raises(cvm.AuthError) as refused:
            client.describe_regions()
    assert refused.value.code == "AuthFailure.SecretIdNotFound" and isinstance(refused.value, cvm.CredentialError)
    config = proto.Config(credentials=lambda: given.pop(0), **place)
    given[:] = [cvm.Credentials("AKIDnobody", "k"), key]
    refusal = b'{"Response":{"Error":{"Code":"AuthFailure.TokenFailure","Message":"no"},"RequestId":"r-1"}}'
    first = proto.Call(config, "DescribeRegions")
    ask(first, 0.0)
    later = proto.Call(config, "DescribeRegions")
    ask(later, 60.0)
    later.reply(200, refusal, now=(time.time(), 60.0))
    assert f"Credential={key.secret_id}/" in ask(later, 60.0).headers["authorization"] and not given


def ask(call, mono):
    """The request that a call sends next."""
    step = call.poll((time.time(), mono))
    while isinstance(step, proto.WaitUntil):
        step = call.poll((time.time(), step.at))
    return step.request


class Sealed(Exception):
    pass


def test_what_a_function_raises_is_the_cause(place, steer):
    def give():
        raise Sealed(HIDDEN)

    with cvm.Client(credentials=give, **place) as client:
        with pytest.raises(cvm.CredentialError) as refused:
            client.describe_regions()
    error = refused.value
    assert "the function given as credentials raised Sealed: its cause says more" in str(error)
    assert isinstance(error.__cause__, Sealed) and HIDDEN not in str(error)
    assert (error.attempts, error.code, error.kind, error.outcome_unknown) == (0, None, "credential", False)
    assert not steer.requests("DescribeRegions")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "returned None: return a cvm.Credentials"),
        ({"secret_id": "AKIDx"}, "returned a dict: return a cvm.Credentials"),
        ((x for x in ()), "returned a generator: return a cvm.Credentials"),
    ],
)
def test_what_is_no_credential_is_a_sentence(place, value, said):
    with cvm.Client(credentials=lambda: value, **place) as client:
        with pytest.raises(cvm.CredentialError, match=said):
            client.describe_regions()


def test_a_blocking_client_takes_no_async_function(place, steer):
    async def give():
        raise AssertionError("it is never called")

    for made in (cvm.Client, proto.Config):
        with pytest.raises(TypeError, match="credentials is an async function.* or use cvm.AsyncClient"):
            made(credentials=give, **place)
        with pytest.raises(TypeError, match="mfa_code is an async function"):
            made(role_arn=ROLE, mfa_serial="x", mfa_code=give, **place)
    with cvm.Client(credentials=lambda: give(), **place) as client:
        with pytest.raises(cvm.CredentialError, match="returned a coroutine, which a blocking client cannot await"):
            client.describe_regions()
    assert not steer.endpoint.requests()


def test_a_function_that_uses_the_same_client_does_not_wait_for_itself(place):
    def give():
        return client.with_options(call_timeout=0.3).describe_regions()

    with cvm.Client(credentials=give, **place) as client:
        with pytest.raises(cvm.CredentialError) as refused:
            client.describe_regions()
    assert isinstance(refused.value.__cause__, cvm.TimeoutError)


def test_a_function_is_asked_by_hand_as_well(place, key):
    call = proto.Call(proto.Config(credentials=lambda: key, **place), "DescribeRegions")
    step = call.poll((time.time(), 0.0))
    while isinstance(step, proto.WaitUntil):
        step = call.poll((time.time(), step.at))
    assert isinstance(step, proto.Send)
    assert f"Credential={key.secret_id}/" in step.request.headers["authorization"]


def test_ctrl_c_in_a_function_is_raised_by_hand_as_well(place, key):
    asked = []

    def give():
        asked.append(1)
        if len(asked) == 1:
            raise KeyboardInterrupt
        return key

    call = proto.Call(proto.Config(credentials=give, **place), "DescribeRegions")
    with pytest.raises(KeyboardInterrupt):
        call.poll((time.time(), 0.0))
    step = call.poll((time.time(), 1.0))
    while isinstance(step, proto.WaitUntil):
        step = call.poll((time.time(), step.at))
    assert isinstance(step, proto.Send)


def test_ctrl_c_in_a_function_is_raised_as_it_is(place, key):
    asked = []

    def give():
        asked.append(1)
        if len(asked) == 1:
            signal.raise_signal(signal.SIGINT)
            time.sleep(60)
        return key

    with cvm.Client(credentials=give, **place) as client:
        with pytest.raises(KeyboardInterrupt):
            client.describe_regions()
        # It is no failure of the source, and the next call asks at once.
        client.describe_regions()
    assert len(asked) == 2


def test_ctrl_c_ends_a_call_that_waits_for_another_threads_function(place, key):
    begun, let_go = threading.Event(), threading.Event()

    def give():
        begun.set()
        let_go.wait(60)
        return key

    with cvm.Client(credentials=give, **place) as client:
        other = threading.Thread(target=client.describe_regions)
        other.start()
        begun.wait(60)
        interrupter = threading.Timer(0.2, signal.raise_signal, [signal.SIGINT])
        if hasattr(signal, "pthread_kill"):
            main = threading.main_thread().ident
            interrupter = threading.Timer(0.2, signal.pthread_kill, [main, signal.SIGINT])
        interrupter.start()
        with pytest.raises(KeyboardInterrupt):
            client.describe_regions()
        let_go.set()
        other.join(60)
        client.describe_regions()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks here")
def test_a_forked_process_asks_for_its_own(place, key):
    def give():
        with open(log, "a") as file:
            file.write(f"{os.getpid()}\n")
        return key

    log = os.path.join(os.environ["HOME"], "log")
    with cvm.Client(credentials=give, **place) as client:
        client.describe_regions()
        child = os.fork()
        if child == 0:
            try:
                client.describe_regions()
                os._exit(0)
            except BaseException:
                os._exit(1)
        assert os.waitpid(child, 0)[1] == 0
    with open(log) as file:
        assert file.read().split() == [str(os.getpid()), str(child)]


def test_a_program_ends_while_a_function_runs(cvm_local):
    program = textwrap.dedent(
        """
        import sys, threading, time, cvm
        begun = threading.Event()

        def give():
            begun.set()
            time.sleep(60)

        client = cvm.Client(credentials=give, endpoint=sys.argv[1], region="ap-shanghai")
        threading.Thread(target=client.describe_regions, daemon=True).start()
        begun.wait(60)
        """
    )
    ended = subprocess.run([sys.executable, "-c", program, cvm_local.endpoint], timeout=60, capture_output=True)
    assert (ended.returncode, ended.stderr) == (0, b"")


# What contradicts, and what is of the wrong type.


@pytest.mark.parametrize(
    ("given", "kind", "said"),
    [
        ({"credentials": {"secret_id": "AKIDx"}}, TypeError, "credentials is a dict: give a cvm.Credentials"),
        ({"credentials": cvm.Credentials("a", "b"), "secret_id": "a", "secret_key": "b"}, ValueError, "two credentials"),
        ({"credentials": lambda: None, "credential_process": "vault"}, ValueError, "two credentials are given"),
        ({"secret_id": "a"}, ValueError, "secret_id is set, but secret_key is not: set both"),
        ({"token": "t"}, ValueError, "token is set, but secret_id is not"),
        ({"secret_id": "a", "secret_key": "b", "credential_process": "vault"}, ValueError, "beside another credential"),
        ({"credential_process": "'vault"}, ValueError, "close its quotes"),
        ({"credential_process": 5}, TypeError, "credential_process is an int: give a command line, or its words as texts"),
        ({"role_session_name": "x"}, ValueError, "role_session_name is set, but role_arn is not"),
        ({"role_arn": ROLE, "role_policy": "read"}, ValueError, "the role's policy is no JSON object"),
        ({"role_arn": ROLE, "role_policy": 5}, TypeError, "role_policy is an int"),
        ({"role_arn": ROLE, "role_duration": 50000}, ValueError, "role_duration `50000` is not a time from 1 second"),
        ({"role_arn": ROLE, "mfa_code": "123456"}, ValueError, "give mfa_serial as well"),
        ({"role_arn": ROLE, "mfa_serial": "x", "mfa_code": 123456}, TypeError, "mfa_code is an int: give the code as a text"),
        ({"web_identity_token_file": "f"}, ValueError, "web_identity_provider_id is not"),
    ],
)
def test_what_contradicts_is_refused_before_anything_is_sent(given, kind, said):
    for made in (cvm.Client, cvm.AsyncClient, proto.Config):
        with pytest.raises(kind, match=said):
            made(REGION, **given)


def test_credentials_belong_to_all_calls_of_a_client(place, key):
    with cvm.Client(credentials=key, **place) as client:
        for given in ({"credentials": key}, {"role_arn": ROLE}, {"mfa_code": "1"}):
            with pytest.raises(cvm.ConfigError, match="as all calls of a client share it"):
                client.with_options(**given)
