"""Actions of other products: their versions, their errors, and what their calls share with the others."""

import asyncio

import pytest

import cvm
from cvm import proto

from conftest import REGION


def test_whose_credential_it_is(steer, client):
    identity = client.call("GetCallerIdentity", service="sts")
    assert identity["Arn"].startswith("qcs::")
    assert client.call("get_caller_identity", {}, service="sts", version="2018-08-13")["Arn"] == identity["Arn"]
    assert len(steer.requests("GetCallerIdentity")) == 2


def test_an_async_client_calls_other_products_too(settings):
    async def main():
        async with cvm.AsyncClient(**settings) as client:
            return await client.call("GetCallerIdentity", service="sts")

    assert asyncio.run(main())["Arn"].startswith("qcs::")


def test_a_machine_by_hand_calls_other_products_too(settings):
    call = proto.Call(proto.Config(**settings), "DescribeVpcs", {"Limit": "5"}, service="vpc")
    request = call.poll().request
    assert request.headers["x-tc-version"] == "2017-03-12"
    assert "/vpc/tc3_request" in request.headers["authorization"]


def test_products_have_hosts_of_their_own():
    config = proto.Config(REGION, secret_id="AKIDexample", secret_key="not-a-real-key")
    for service, host in (("vpc", "vpc.tencentcloudapi.com"), ("sts", "sts.tencentcloudapi.com")):
        assert proto.Call(config, "DescribeVpcs", service=service).poll().request.url == f"https://{host}/"
    assert proto.Call(config, "DescribeVpcs", version="2020-01-01").poll().request.headers["x-tc-version"] == "2020-01-01"
    assert proto.Call(config, "DescribeZones", service="cvm").poll().request.url == "https://cvm.tencentcloudapi.com/"


def test_a_product_without_a_known_version_is_refused_here(steer, client):
    with pytest.raises(cvm.ConfigError) as refused:
        client.call("DescribeAlarms", service="moniter")
    assert str(refused.value) == (
        "DescribeAlarms: no API version is known of the service `moniter` (did you mean monitor?): give version, "
        "such as 2017-03-12, as its API documentation has it"
    )
    assert refused.value.action == "DescribeAlarms"
    for service, version, said in (("a/b", "2017-03-12", "service `a/b`"), ("vpc", "latest", "version `latest`")):
        with pytest.raises(cvm.ConfigError, match=f"DescribeVpcs: {said}"):
            client.call("DescribeVpcs", service=service, version=version)
    assert not steer.endpoint.requests()


def test_an_error_names_action_and_product(steer, client):
    steer.fault("error", code="InternalError", action="GetCallerIdentity")
    with pytest.raises(cvm.InternalError, match=f"^GetCallerIdentity of sts in {REGION}: InternalError") as refused:
        client.with_options(attempts=1).call("GetCallerIdentity", service="sts")
    assert (refused.value.service, refused.value.action) == ("sts", "GetCallerIdentity")
    with pytest.raises(cvm.ServiceError) as refused:
        client.call("DescribeSomethingNew")
    assert refused.value.service is None


def test_parameters_of_other_products_go_out_as_they_are(client):
    with pytest.raises(cvm.ServiceError) as refused:
        client.call("GetCallerIdentity", {"Colour": "red"}, service="sts")
    assert refused.value.service == "sts"
