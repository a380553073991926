"""Keys and addresses as they come from files and other programs: what surrounds them does no harm, and what is wrong is said."""

import pytest

import cvm
from cvm import proto

REGION = "ap-shanghai"


@pytest.mark.parametrize("around", ["{}", " {}", "{}\r\n", "\ufeff{}", "\u3000{}\t"])
def test_what_surrounds_a_key_comes_off(settings, around):
    names = ("secret_id", "secret_key", "endpoint")
    with cvm.Client(**{**settings, **{name: around.format(settings[name]) for name in names}}) as client:
        assert client.describe_regions()["TotalCount"] > 0


@pytest.mark.parametrize(
    ("wrong", "part"),
    [
        ("hid\u200bden", "U+200B, character 4"),
        ("hidden\u5bc6", "U+5BC6"),
        ("hid den", "white space"),
        ("hid\r\nden", "white space or a control character"),
        ("hidden\x00", "control character"),
    ],
)
@pytest.mark.parametrize("name", ["secret_id", "secret_key", "token"])
def test_what_cannot_be_a_key_is_said_at_once(settings, name, wrong, part):
    with pytest.raises(cvm.ConfigError) as caught:
        cvm.Client(**{**settings, name: wrong})
    assert str(caught.value).startswith(f"{name} contains ") and part in str(caught.value)
    assert "hid" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "address", "part"),
    [
        ("proxy", "http://u:hidden@host:x", "proxy `http://***@host:x` has a port"),
        ("proxy", "http://u:hidden@host:99999", "has a port"),
        ("proxy", "socks4://u:hidden@host", "has a scheme other than"),
        ("proxy", "u:hidden@host:3128", "names no scheme"),
        ("endpoint", "http://u:hidden@host", "endpoint `http://***@host` holds a user name"),
        ("endpoint", "http://u:hidden@host:-1", "has a port"),
    ],
)
def test_no_password_is_shown(settings, name, address, part):
    with pytest.raises(cvm.ConfigError) as caught:
        cvm.Client(**{**settings, name: address})
    assert part in str(caught.value) and "hidden" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"", "holds no certificate"),
        (b"\xef\xbb\xbfnot PEM", "holds no certificate"),
        ("-----BEGIN".encode("utf-16"), "is UTF-16: save it as UTF-8"),
        (b"0\x03\x02\x01\x01", "holds a certificate in DER"),
        (b"-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n", "is not well-formed PEM"),
    ],
)
def test_a_ca_file_that_is_none_is_named(settings, tmp_path, content, part):
    file = tmp_path / "ca.pem"
    file.write_bytes(content)
    with pytest.raises(cvm.ConfigError, match="ca_file `") as caught:
        cvm.Client(**{**settings, "ca_file": file})
    assert part in str(caught.value) and str(file) in str(caught.value)


@pytest.mark.parametrize("name", ["Params", "Parameters", "secretId", "payload", "colour"])
def test_members_that_are_none_are_refused_by_name(name):
    with pytest.raises(ValueError, match=f"there is no member `{name}`"):
        proto.sign("DescribeImages", secret_id="AKIDexample", secret_key="not-a-real-key", **{name: 1})


@pytest.mark.parametrize(
    "use, said",
    [
        (lambda client: client.with_region(None), "region is None: give a str"),
        (lambda client: client.paginate("describe_images", max_items=1.5), "max_items is a float: give a whole number"),
        (lambda client: client.paginate("describe_images", max_items="2"), "max_items is a str: give a whole number"),
        (lambda client: client.paginate("describe_images", resume_token=2), "resume_token is an int: give a str"),
        (lambda client: client.paginate(client.describe_images), "action is a method: give its name, such as"),
        (lambda client: client.call(client.describe_images), "action is a method: give its name, such as"),
        (lambda client: client.call("DescribeImages", [1]), "parameters is a list: give a dictionary"),
        (lambda client: client.wait("describe_images", bool, timeout="10"), "timeout is a str: give a number"),
        (lambda client: client.wait("describe_images", bool, interval=None), "interval is None: give a number"),
        (lambda client: client.wait("describe_images", 1), "until is an int, which cannot be called"),
        (lambda client: client.wait_until_instances([1], "RUNNING"), r"ids\[0\] is an int: give a str"),
        (lambda client: client.wait_until_instances(["ins-1"], 7), "state is an int: give a str"),
        (lambda client: client.sync(None, to=["ap-beijing"]), "images is None: give a str, or an iterable of them"),
        (lambda client: client.sync([{"ImageId": 1}], to=["ap-beijing"]), r"images\[0\] is a dict: give a str"),
        (lambda client: client.sync("img-1", to=None), "to is None: give an iterable of regions"),
        (lambda client: client.sync("img-1", to=["all"], except_=[1]), r"except_\[0\] is an int: give a str"),
    ],
)
def test_an_argument_of_another_type_is_named_before_anything_is_sent(client, steer, use, said):
    with pytest.raises(TypeError, match=said):
        use(client)
    assert steer.endpoint.requests() == []
