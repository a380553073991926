"""The embedded endpoint from Python, and the plugin for pytest."""

import asyncio
import gc
import pathlib
import re
import ssl
import urllib.request

import pytest

import cvm
from cvm import local

from conftest import IMAGE, REGION

pytest_plugins = ["pytester"]


def test_an_endpoint_starts_and_ends():
    with local.start() as endpoint:
        with endpoint.client(REGION) as client:
            assert client.describe_images(ImageIds=[IMAGE])["TotalCount"] == 1
    with pytest.raises(cvm.NetworkError):
        cvm.Client(REGION, attempts=1, **endpoint.settings()).describe_regions()
    with pytest.raises(RuntimeError):
        endpoint.requests()


def test_endpoints_do_not_know_each_other():
    with local.start() as one, local.start() as other:
        one.client().create_image(ImageName="here", InstanceId="ins-stopped0")
        assert len(one.images(REGION)) == len(other.images(REGION)) + 1


def test_time_is_moved_by_hand():
    with local.start(speed=0) as endpoint, endpoint.client() as client:
        made = client.create_image(ImageName="slow", InstanceId="ins-stopped0")["ImageId"]

        def state():
            return client.describe_images(ImageIds=[made])["ImageSet"][0]["ImageState"]

        assert state() == "CREATING"
        endpoint.advance(60)
        assert state() == "NORMAL"


def test_faults_come_and_go():
    with local.start() as endpoint, endpoint.client(attempts=1) as client:
        number = endpoint.add_fault("error", code="InternalError", action="DescribeImages")
        with pytest.raises(cvm.InternalError):
            client.describe_images()
        assert client.describe_regions()
        assert endpoint.remove_fault(number)
        assert not endpoint.remove_fault(number)
        assert client.describe_images()
        with pytest.raises(ValueError, match="fault"):
            endpoint.add_fault("no such effect")


def test_requests_are_kept():
    with local.start() as endpoint, endpoint.client() as client:
        client.describe_images(ImageIds=[IMAGE])
        (request,) = endpoint.requests()
        assert (request["action"], request["region"]) == ("DescribeImages", REGION)
        endpoint.clear_requests()
        assert endpoint.requests() == []


def test_a_seed_and_snapshots():
    with local.start() as endpoint, endpoint.client() as client:
        before = endpoint.snapshot()
        client.delete_images(ImageIds=["img-7kq2v9ta"])
        fewer = len(endpoint.images(REGION))
        endpoint.restore(before)
        assert len(endpoint.images(REGION)) == fewer + 1
        endpoint.reset()
        assert len(endpoint.images(REGION)) == fewer + 1


def test_a_state_file_outlives_the_endpoint(tmp_path):
    file = tmp_path / "state.json"
    with local.start(state_file=file) as endpoint:
        endpoint.client().create_image(ImageName="kept", InstanceId="ins-stopped0")
    with local.start(state_file=file) as endpoint:
        assert "kept" in [image["ImageName"] for image in endpoint.images(REGION)]


def test_tls():
    with local.start(tls=True) as endpoint:
        with endpoint.client() as client:
            assert client.describe_images(ImageIds=[IMAGE])["TotalCount"] == 1
        trusted = ssl.create_default_context(cadata=endpoint.ca_pem)
        with urllib.request.urlopen(endpoint.endpoint + "/healthz", context=trusted) as answer:
            assert answer.status == 200
        settings = endpoint.settings()
        del settings["ca_file"]
        with pytest.raises(cvm.NetworkError):
            cvm.Client(REGION, attempts=1, **settings).describe_regions()


def test_checks_can_be_left_out():
    with local.start(skip_checks=["signature"]) as endpoint:
        settings = {**endpoint.settings(), "secret_key": "any"}
        assert cvm.Client(REGION, **settings).describe_regions()
    with pytest.raises(ValueError):
        local.start(skip_checks=["no such check"])
    with pytest.raises(ValueError):
        local.start(seed="{")


def test_a_mistake_in_an_argument_is_said_in_words():
    for arguments, error, words in [
        ({"seed": "seed.json"}, ValueError, "give the contents of a file, not its name"),
        ({"seed": pathlib.Path("seed.json")}, TypeError, "give the contents of a seed"),
        ({"seed": {"number": {1}}}, TypeError, "seed has a value that JSON does not have"),
        ({"skip_checks": "signature"}, TypeError, "skip_checks is a text: give a list of texts"),
        ({"skip_checks": [1]}, TypeError, "skip_checks[0] is an int: give a str"),
        ({"skip_checks": 1}, TypeError, "skip_checks is an int: give a list of texts"),
        ({"skip_checks": ["sinature"]}, ValueError, "there is no check `sinature`: did you mean `signature`?"),
    ]:
        with pytest.raises(error, match=re.escape(words)):
            local.start(**arguments)


def test_a_mistake_in_a_fault_is_said_in_words(cvm_local):
    for effect, details, words in [
        ("eror", {"code": "InternalError"}, "a fault has no effect `eror`: did you mean `error`?"),
        ("latency", {"milisecond": 3}, "a fault has no `milisecond`: did you mean `milliseconds`?"),
        ("truncate", {"times": "3"}, '`times` of a fault is "3": give a whole number from 0 upwards'),
        ("error", {}, "the effect `error` of a fault needs `code`"),
    ]:
        with pytest.raises(ValueError) as refused:
            cvm_local.add_fault(effect, **details)
        assert str(refused.value) == words


def test_rates_are_left_alone_where_they_are_left_out():
    for options in ({"rate_limits": False}, {"skip_checks": ("rates",)}, {"skip_checks": iter(["rates"])}):
        with local.start(**options) as endpoint, endpoint.client(attempts=1, rate_limit=False) as client:
            for _ in range(60):
                client.describe_regions()


def test_a_seed_in_yaml_is_refused_with_what_to_do():
    with pytest.raises(ValueError, match="YAML is not read here: write it as JSON"):
        local.start(seed="regions:\n- id: ap-shanghai\n")


def test_the_environment_leads_other_programs_there(cvm_local, monkeypatch):
    for name, value in cvm_local.environment().items():
        monkeypatch.setenv(name, value)
    with cvm.Client(REGION) as client:
        assert client.describe_images(ImageIds=[IMAGE])["TotalCount"] == 1


def test_a_client_keeps_its_endpoint_running():
    client = local.start().client(REGION)
    gc.collect()
    assert client.describe_images(ImageIds=[IMAGE])["TotalCount"] == 1
    beijing = client.with_region("ap-beijing")
    hurried = beijing.with_options(attempts=1)
    images = hurried.paginate("describe_images")
    pages = client.paginate("describe_images", Limit=2).pages()
    del client, beijing, hurried
    gc.collect()
    assert list(images)
    assert len(list(pages)) > 1

    async def count():
        client = local.start().async_client(REGION)
        gc.collect()
        return (await client.describe_images(ImageIds=[IMAGE]))["TotalCount"]

    assert asyncio.run(count()) == 1


def test_an_endpoint_ends_when_it_is_stopped_or_nobody_has_it():
    endpoint = local.start()
    client = endpoint.client(REGION, attempts=1)
    assert client.describe_regions()
    endpoint.stop()
    with pytest.raises(cvm.NetworkError):
        client.describe_regions()

    endpoint = local.start()
    client = endpoint.client(REGION)
    other = cvm.Client(REGION, attempts=1, **endpoint.settings())
    assert other.describe_regions()
    del endpoint, client
    gc.collect()
    with pytest.raises(cvm.NetworkError):
        other.describe_regions()


ROLE = "qcs::cam::uin/100000000001:roleName/cvm-local-role"


def test_a_client_of_the_endpoint_asks_no_other_host(silent, cvm_local, monkeypatch):
    for name in ("PROXY", "BACKUP_ENDPOINT", "STS_ENDPOINT", "METADATA_ENDPOINT"):
        monkeypatch.setenv(f"TENCENTCLOUD_{name}", silent.url)
    with cvm_local.client(REGION, role_arn=ROLE, attempt_timeout=5) as client:
        assert client.describe_regions()["TotalCount"]
        assert client.call("GetCallerIdentity", service="sts")["Type"] == "CAMRole"
    assert [request["action"] for request in cvm_local.requests()].count("AssumeRole") == 1
    with cvm_local.client(REGION, attempts=3) as client:
        cvm_local.stop()
        with pytest.raises(cvm.NetworkError):
            client.describe_regions()
    assert not silent.arrived.is_set()


@pytest.mark.parametrize("tls", [False, True])
def test_neither_does_a_program_with_its_environment(silent, monkeypatch, tls):
    for name in ("PROXY", "BACKUP_ENDPOINT", "STS_ENDPOINT", "METADATA_ENDPOINT"):
        monkeypatch.setenv(f"TENCENTCLOUD_{name}", silent.url)
    with local.start(tls=tls) as endpoint:
        for name, value in endpoint.environment().items():
            monkeypatch.setenv(name, value)
        with cvm.Client(REGION, role_arn=ROLE, attempt_timeout=5) as client:
            assert client.describe_regions()["TotalCount"]
        monkeypatch.delenv("TENCENTCLOUD_SECRET_ID")
        monkeypatch.delenv("TENCENTCLOUD_SECRET_KEY")
        with cvm.Client(REGION, instance_role="cvm-local-role", attempt_timeout=5) as client:
            assert client.describe_regions()["TotalCount"]
    assert not silent.arrived.is_set()


def test_the_plugin(pytester):
    pytester.makepyfile(
        f"""
        import pytest

        def test_copies(cvm_local):
            with cvm_local.client({REGION!r}) as client:
                assert client.sync({IMAGE!r}, to=["ap-beijing"]).is_complete

        def test_each_has_its_own(cvm_local):
            assert cvm_local.requests() == []

        @pytest.mark.cvm_local(speed=0)
        def test_stopped(cvm_local):
            client = cvm_local.client({REGION!r})
            client.sync_images(ImageIds=[{IMAGE!r}], DestinationRegions=["ap-beijing"])
            assert cvm_local.images("ap-beijing")[0]["ImageState"] == "SYNCING"
        """
    )
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "--strict-markers")
    result.assert_outcomes(passed=3)


def test_an_argument_of_another_type_is_named():
    with pytest.raises(ValueError, match="port is 80000: give a whole number from 0 to 65535"):
        local.start(port=80000)
    with pytest.raises(TypeError, match="speed is a str: give a number"):
        local.start(speed="60")
    with local.start() as endpoint:
        with pytest.raises(TypeError, match="seconds is a str: give a number"):
            endpoint.advance("10")
        with pytest.raises(ValueError, match="seconds is -1: give 0 or more"):
            endpoint.advance(-1)


def test_a_port_in_use_is_named():
    with local.start() as endpoint:
        port = int(endpoint.endpoint.rsplit(":", 1)[1])
        with pytest.raises(OSError, match=f"cannot listen on port {port}: "):
            local.start(port=port)


def test_what_is_shown_of_an_endpoint_says_whether_it_runs():
    with local.start() as endpoint:
        assert repr(endpoint) == f"<cvm.local.Local at {endpoint.endpoint}>"
    assert repr(endpoint) == f"<cvm.local.Local at {endpoint.endpoint}, stopped>"


def test_a_shell_completes_public_names_alone():
    assert dir(local) == ["Local", "start"]
    assert dir(cvm) == sorted(cvm.__all__)
