"""The arguments of a client: every setting there is, read as in the environment and in a profile."""

import inspect

import pytest

import cvm
from cvm import _cvm, proto

from conftest import REGION

#: A value of each setting, and one that is none of it with a part of what is said of it.
VALUES = {
    "profile": ("default", "gone", "there is no profile `gone`"),
    "region": (REGION, "a b", "region `a"),
    "endpoint": ("http://127.0.0.1:1", "http://h/p", "endpoint `http://h/p`"),
    "root_domain": ("intl.tencentcloudapi.com", "a/b", "root domain"),
    "internal": (True, None, None),
    "backup_endpoint": ("cvm.example", "http://h/p", "endpoint `http://h/p`"),
    "scheme": ("http", "ftp", "scheme `ftp`"),
    "proxy": ("none", "socks4://host", "proxy `socks4://host`"),
    "ca_file": (None, "gone.pem", "ca_file `gone.pem`"),
    "language": ("en-US", "de", "language `de`"),
    "request_client": ("nightly", "a b", "request client"),
    "connect_timeout": (0.5, -1.0, "connect_timeout is -1"),
    "attempt_timeout": (2, 0.0, "attempt_timeout is 0"),
    "call_timeout": (1.5, float("inf"), "call_timeout is inf"),
    "attempts": (1, 0, "attempts `0`"),
    "instance_role": ("any", None, None),
    "metadata_endpoint": ("cvm.example", "http://h/p", "endpoint `http://h/p`"),
    "sts_endpoint": ("cvm.example", "http://h/p", "endpoint `http://h/p`"),
}

#: What is no setting of the environment's or a profile's.
OTHERS = {
    "credentials",
    "secret_id",
    "secret_key",
    "token",
    "credential_process",
    "role_arn",
    "role_session_name",
    "role_duration",
    "role_policy",
    "external_id",
    "mfa_serial",
    "mfa_code",
    "web_identity_provider_id",
    "web_identity_token_file",
    "rate_limit",
    "sign_method",
    "retry_on",
    "never_retry_on",
    "headers",
    "on_attempt",
}


def test_a_client_has_every_setting_as_an_argument():
    known = dict(_cvm.settings())
    assert known.keys() == VALUES.keys() | OTHERS
    for client in (cvm.Client, cvm.AsyncClient, proto.Config):
        assert inspect.signature(client).parameters.keys() == known.keys()
        others = inspect.signature(client.with_options).parameters.keys() - {"self"}
        assert others == {name for name, is_for_calls in known.items() if is_for_calls}


def test_help_describes_every_argument():
    for method in (cvm.Client.__init__, cvm.Client.with_options):
        signature = inspect.signature(method)
        described = inspect.getdoc(method).split("Parameters:\n")[1]
        entries = [line.split(" (")[0].strip() for line in described.splitlines() if line[4:5].strip()]
        assert entries == [name for name in signature.parameters if name != "self"]


@pytest.mark.parametrize("name", VALUES)
def test_an_argument_is_read_as_the_setting_of_its_name(settings, name, tmp_path, monkeypatch):
    monkeypatch.setenv("TENCENTCLOUD_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    (tmp_path / "credentials").write_text("[default]\n")
    good, bad, said = VALUES[name]
    proto.Config(**{**settings, name: good})
    if bad is not None:
        with pytest.raises(cvm.ConfigError) as refused:
            proto.Config(**{**settings, name: bad})
        assert said in str(refused.value)


def test_an_argument_takes_precedence_over_the_environment(settings, monkeypatch):
    monkeypatch.setenv("TENCENTCLOUD_ATTEMPTS", "many")
    monkeypatch.setenv("TENCENTCLOUD_ROOT_DOMAIN", "environment.example")
    config = proto.Config("ap-beijing", attempts=1, root_domain="given.example")
    assert config.endpoint == "https://cvm.given.example/"
    with pytest.raises(cvm.ConfigError, match="TENCENTCLOUD_ATTEMPTS: attempts `many`"):
        cvm.Client(**settings)


def test_attempts_are_counted_with_the_first(settings, steer):
    steer.fault("error", code="InternalError")
    for attempts in (1, 2):
        steer.endpoint.clear_requests()
        with cvm.Client(attempts=attempts, **settings) as client, pytest.raises(cvm.InternalError):
            client.describe_regions()
        assert len(steer.requests("DescribeRegions")) == attempts


def test_an_argument_that_is_none_is_refused_by_name():
    with pytest.raises(TypeError, match="attemps"):
        proto.Config(REGION, attemps=3)


@pytest.mark.parametrize(
    "argument, given, said",
    [
        ("region", 7, "region is an int: give a str"),
        ("attempts", "3", "attempts is a str: give a whole number from 0 to"),
        ("attempt_timeout", "3", "attempt_timeout is a str: give a number"),
        ("proxy", {"https": "http://host"}, "proxy is a dict: give a str"),
        ("ca_file", 1, "ca_file is an int: give a str or a path"),
        ("internal", "yes", "internal is a str: give True or False"),
        ("mfa_code", 123456, "mfa_code is an int: give the code as a text"),
        ("retry_on", ["A", 1], r"retry_on\[1\] is an int: give a str"),
    ],
)
def test_an_argument_of_another_type_is_named(settings, argument, given, said):
    with pytest.raises(TypeError, match=said):
        proto.Config(**{**settings, argument: given})


def test_a_number_out_of_range_is_shown(settings):
    with pytest.raises(ValueError, match="attempts is -1: give a whole number from 0 to"):
        proto.Config(attempts=-1, **settings)


def test_a_part_of_a_credential_of_another_type_is_named():
    for given, said in [((None, "x"), "secret_id is None: give a str"), (("x", b"y"), "secret_key is a bytes")]:
        with pytest.raises(TypeError, match=said):
            cvm.Credentials(*given)
    with pytest.raises(TypeError, match="token is an int: give a str"):
        cvm.Credentials("x", "y", 1)


@pytest.mark.parametrize("kind", [cvm.Client, cvm.AsyncClient, proto.Config])
@pytest.mark.parametrize(
    "given, meant",
    [
        ("secretid", "secret_id"),
        ("region_name", "region"),
        ("profile_name", "profile"),
        ("endpoint_url", "endpoint"),
        ("verify", "ca_file"),
        ("aws_access_key_id", "secret_id"),
        ("aws_session_token", "token"),
        ("max_attempts", "attempts"),
        ("credential", "credentials"),
    ],
)
def test_a_wrong_name_of_an_argument_says_which_was_meant(kind, given, meant):
    said = rf"^{kind.__name__}\(\) got an unexpected keyword argument '{given}'. Did you mean '{meant}'\?$"
    with pytest.raises(TypeError, match=said):
        kind(**{given: "x"})


def test_an_argument_in_a_wrong_place_says_where_it_belongs(settings):
    key = cvm.Credentials("id", "key")
    for arguments in ((key,), (key, REGION), (REGION, key)):
        with pytest.raises(TypeError, match=r"^Client\(\) .*credentials=\.\.\."):
            cvm.Client(*arguments)
    with pytest.raises(TypeError, match=r"^Client\(\) got a Credentials in place of the region"):
        cvm.Client(region=key)
    with pytest.raises(TypeError, match=r"^AsyncClient\(\) takes one positional argument, the region, and 3 were given"):
        cvm.AsyncClient("id", "key", REGION)
    with pytest.raises(TypeError, match=r"^Client\(\) got multiple values for argument 'region'"):
        cvm.Client(REGION, region=REGION)
    with pytest.raises(TypeError, match=r"argument 'qqqqq': help\(cvm.Client.__init__\) shows all"):
        cvm.Client(qqqqq=1)
    with cvm.Client(settings.pop("region"), **settings) as client:
        assert client.region == REGION
