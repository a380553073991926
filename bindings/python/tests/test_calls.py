"""Calls of the blocking client: what goes out, what comes back, what is refused before it is sent."""

import inspect
import json
import pathlib

import pytest

import cvm

from conftest import IMAGE, REGION

SPEC = pathlib.Path(__file__).parents[3] / "spec" / "cvm-2017-03-12.json"


def test_an_answer_is_a_dictionary_with_the_names_of_the_service(client):
    answer = client.describe_images(ImageIds=[IMAGE])
    (image,) = answer["ImageSet"]
    assert image["ImageId"] == IMAGE
    assert image["ImageSize"] == 50
    assert image["IsSupportCloudinit"] is True
    assert image["Tags"][0] == {"Key": "env", "Value": "production"}
    assert answer["TotalCount"] == 1
    assert answer["RequestId"]


def test_nested_parameters_arrive(client):
    filters = [
        {"Name": "image-type", "Values": ["PRIVATE_IMAGE", "SHARED_IMAGE"]},
        {"Name": "image-name", "Values": ["no such & name=%2B +ü中", "ubuntu-22"]},
    ]
    answer = client.describe_images(Filters=filters, Limit=100)
    assert [image["ImageId"] for image in answer["ImageSet"]] == [IMAGE]


def test_tuples_are_lists(client):
    assert client.describe_images(ImageIds=(IMAGE,))["TotalCount"] == 1


def test_any_action_can_be_called_by_its_name(client):
    regions = client.call("DescribeRegions")
    assert REGION in [region["Region"] for region in regions["RegionSet"]]
    assert client.call("DescribeImages", {"ImageIds": [IMAGE]})["TotalCount"] == 1


def test_there_is_a_method_for_every_action():
    methods = dict(inspect.getmembers(cvm.Client, inspect.isfunction))
    by_name = {name.replace("_", ""): method for name, method in methods.items()}
    specified = json.loads(SPEC.read_text(encoding="utf-8"))["actions"]
    assert [name for name in specified if name.lower() not in by_name] == []
    undescribed = [name for name in specified if "RequestId (str)" not in by_name[name.lower()].__doc__]
    assert undescribed == []


def test_the_docstring_says_what_an_action_takes_and_which_errors_it_has():
    doc = inspect.getdoc(cvm.Client.sync_images)
    assert "DestinationRegions (list[str], required)" in doc
    assert "Not safe to repeat, except as a dry run." in doc
    assert "ImageQuotaLimitExceeded" in doc


@pytest.mark.parametrize(
    ("parameters", "named"),
    [
        ({"ImageIds": [IMAGE], "Filters": {1: 2}}, "Filters has a name that is an int"),
        ({"ImageIds": [b"bytes"]}, "ImageIds[0] is a bytes"),
        ({"ImageIds": [memoryview(b"bytes")]}, "ImageIds[0] is a memoryview"),
        ({"Filters": [{"Name": "image-name", "Values": object()}]}, "Filters[0].Values is an object"),
        ({"Limit": float("nan")}, "Limit is NaN"),
    ],
)
def test_what_json_has_no_form_for_is_refused_by_its_path(client, steer, parameters, named):
    with pytest.raises(cvm.ParameterError) as caught:
        client.describe_images(**parameters)
    assert named in str(caught.value)
    assert steer.requests("DescribeImages") == []


def test_a_name_that_is_wrong_is_answered_with_the_right_one(client, steer):
    with pytest.raises(cvm.ParameterError, match="did you mean `ImageIds`"):
        client.describe_images(ImageId=[IMAGE])
    assert steer.requests("DescribeImages") == []


def test_large_and_odd_values_survive(client):
    # The service refuses the value, not its form: it came through as the number it is.
    with pytest.raises(cvm.ServiceError):
        client.call("DescribeImages", {"Offset": 2**64})
    assert client.describe_images(ImageIds=[IMAGE], Limit=None)["TotalCount"] == 1


def test_a_client_can_be_used_without_a_with_block(settings):
    client = cvm.Client(**settings)
    assert client.describe_regions()["TotalCount"] > 0
    client.close()
    client.close()


def test_settings_come_from_the_environment(cvm_local, monkeypatch):
    monkeypatch.setenv("TENCENTCLOUD_SECRET_ID", cvm_local.secret_id)
    monkeypatch.setenv("TENCENTCLOUD_SECRET_KEY", cvm_local.secret_key)
    monkeypatch.setenv("TENCENTCLOUD_ENDPOINT", cvm_local.endpoint)
    monkeypatch.setenv("TENCENTCLOUD_REGION", REGION)
    with cvm.Client() as client:
        assert client.describe_images(ImageIds=[IMAGE])["TotalCount"] == 1


def test_settings_come_from_the_files_of_the_official_command_line(cvm_local, monkeypatch, tmp_path):
    folder = tmp_path / ".tccli"
    folder.mkdir(mode=0o700)
    key = {"secretId": cvm_local.secret_id, "secretKey": cvm_local.secret_key}
    (folder / "work.credential").write_text(json.dumps(key))
    (folder / "work.configure").write_text(json.dumps({"_sys_param": {"region": REGION}}))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    with cvm.Client(profile="work", endpoint=cvm_local.endpoint) as client:
        assert client.region == REGION
        assert client.describe_images(ImageIds=[IMAGE])["TotalCount"] == 1
    with pytest.raises(cvm.ConfigError, match="there is no profile `wrok`.*work"):
        cvm.Client(profile="wrok")


def test_settings_come_from_a_profile(cvm_local, monkeypatch, tmp_path):
    folder = tmp_path / ".tencentcloud"
    folder.mkdir()
    (folder / "credentials").write_text(
        f"""
        [nightly]
        secret_id = {cvm_local.secret_id}
        secret_key = {cvm_local.secret_key}
        endpoint = {cvm_local.endpoint}
        region = {REGION}
        """.replace("        ", "")
    )
    monkeypatch.setenv("TENCENTCLOUD_SECRET_ID", "AKIDofanother")
    monkeypatch.setenv("TENCENTCLOUD_SECRET_KEY", "of-another")
    with cvm.Client(profile="nightly") as client:
        assert client.describe_images(ImageIds=[IMAGE])["TotalCount"] == 1
    with pytest.raises(cvm.ConfigError, match="weekly"):
        cvm.Client(profile="weekly", region=REGION)


@pytest.mark.parametrize("sign_method", ["TC3-HMAC-SHA256", "HmacSHA256", "HmacSHA1"])
def test_every_signature_is_accepted(settings, sign_method):
    with cvm.Client(sign_method=sign_method, **settings) as client:
        assert client.describe_images(ImageIds=[IMAGE])["TotalCount"] == 1


def test_a_setting_that_does_not_exist_is_refused_by_its_name():
    with pytest.raises(TypeError, match="regoin"):
        cvm.Client(regoin="ap-shanghai")


def test_a_region_that_cannot_be_one_is_refused_by_its_name():
    with pytest.raises(cvm.ConfigError, match="no region!"):
        cvm.Client(secret_id="AKIDexample", secret_key="k", region="no region!")


def test_a_repr_shows_no_secret(settings, client):
    assert REGION in repr(client)
    assert settings["secret_key"] not in repr(client)


def test_an_answer_can_be_queried_with_jmespath(client):
    jmespath = pytest.importorskip("jmespath")
    answer = client.describe_images()
    normal = jmespath.search("ImageSet[?ImageState=='NORMAL'].ImageId", answer)
    assert normal == [image["ImageId"] for image in answer["ImageSet"] if image["ImageState"] == "NORMAL"]
    assert IMAGE in normal


@pytest.mark.parametrize("raised", [KeyboardInterrupt, ConnectionError])
def test_what_the_code_of_a_parameter_raises_is_raised(client, steer, raised):
    class Items:
        def __iter__(self):
            raise raised("the database is away")

    class Number:
        def __index__(self):
            raise raised("the database is away")

        def __iter__(self):
            return iter(["ap-guangzhou"])

    with pytest.raises(raised, match="the database is away"):
        client.describe_images(ImageIds=Items())
    with pytest.raises(raised, match="the database is away"):
        client.sync_images(ImageIds=["img-o3ycss2p"], DestinationRegions=Number())
    assert steer.requests("SyncImages") == []
    with pytest.raises(raised, match="the database is away"):
        client.wait_until_image_normal(Items())
    with pytest.raises(raised, match="the database is away"):
        client.sync("img-o3ycss2p", to=Items())
    with pytest.raises(raised, match="the database is away"):
        client.with_options(retry_on=Items())
    with pytest.raises(raised, match="the database is away"):
        cvm.Client(credential_process=Items())
