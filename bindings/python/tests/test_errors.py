"""Errors: their classes, what they tell, and that they can be sent to other processes."""

import copy
import pickle
import socket

import pytest

import cvm

from conftest import IMAGE, REGION, Listener, elsewhere


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("InvalidImageId.NotFound", cvm.NotFoundError),
        ("RequestLimitExceeded", cvm.ThrottledError),
        ("AuthFailure.SecretIdNotFound", cvm.AuthError),
        ("UnauthorizedOperation", cvm.AuthError),
        ("ImageQuotaLimitExceeded", cvm.QuotaError),
        ("InternalError", cvm.ServiceError),
        ("SomethingNew.Entirely", cvm.ServiceError),
    ],
)
def test_a_code_has_its_class(settings, steer, code, kind):
    steer.fault("error", code=code, message="Because")
    with cvm.Client(attempts=1, **settings) as client:
        with pytest.raises(kind) as caught:
            client.describe_images(ImageIds=[IMAGE])
    error = caught.value
    assert isinstance(error, cvm.ServiceError) and isinstance(error, cvm.Error)
    assert error.code == code
    assert error.message == "Because"
    assert error.action == "DescribeImages"
    assert error.region == REGION
    assert error.request_id
    for part in (code, "Because", error.request_id):
        assert part in str(error)


def test_a_refusal_of_the_endpoint(client):
    with pytest.raises(cvm.NotFoundError) as caught:
        client.describe_images(ImageIds=["img-00000000"]) and client.sync_images(
            ImageIds=["img-00000000"], DestinationRegions=["ap-guangzhou"]
        )
    assert caught.value.code == "InvalidImageId.NotFound"


def test_wrong_credentials(settings):
    with cvm.Client(**{**settings, "secret_key": "not-the-key-of-this-id"}) as client:
        with pytest.raises(cvm.AuthError) as caught:
            client.describe_regions()
    assert caught.value.code == "AuthFailure.SignatureFailure"
    assert "not-the-key-of-this-id" not in str(caught.value)


def test_nobody_listens():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    client = cvm.Client(**elsewhere(f"http://127.0.0.1:{port}", attempts=1))
    with pytest.raises(cvm.NetworkError) as caught:
        client.describe_images()
    assert not isinstance(caught.value, cvm.ServiceError)
    assert caught.value.action == "DescribeImages"


def test_no_answer_in_time(silent):
    client = cvm.Client(**elsewhere(silent.url, attempts=1, attempt_timeout=0.2))
    with pytest.raises(cvm.TimeoutError) as caught:
        client.describe_images()
    # Whoever catches the built-in one catches this one as well.
    assert isinstance(caught.value, TimeoutError)


@pytest.mark.parametrize("body", ["<html>Bad Gateway</html>", '{"Response": ', '{"answer": 1}', ""])
def test_an_answer_that_is_none(settings, steer, body):
    steer.fault("respond", status=200, body=body)
    with cvm.Client(attempts=1, **settings) as client:
        with pytest.raises(cvm.Error) as caught:
            client.sync_images(ImageIds=[IMAGE], DestinationRegions=["ap-guangzhou"])
    assert "SyncImages" in str(caught.value)


def test_an_answer_that_never_ends():
    def talk(listener, connection):
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n{")
        while True:
            connection.sendall(b" " * 65536)

    listener = Listener(talk)
    client = cvm.Client(**elsewhere(listener.url, attempts=1))
    with pytest.raises(cvm.Error):
        client.describe_images()
    listener.close()


def some_error(settings, steer):
    steer.fault("error", code="RequestLimitExceeded", message="Slower.")
    with cvm.Client(attempts=1, **settings) as client:
        with pytest.raises(cvm.Error) as caught:
            client.describe_images(ImageIds=[IMAGE])
    return caught.value


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_errors_can_be_pickled(settings, steer, protocol):
    error = some_error(settings, steer)
    again = pickle.loads(pickle.dumps(error, protocol))
    assert type(again) is type(error)
    assert str(again) == str(error)
    for name in ("code", "message", "request_id", "action", "region"):
        assert getattr(again, name) == getattr(error, name)


def test_errors_can_be_copied(settings, steer):
    error = some_error(settings, steer)
    assert copy.copy(error).request_id == copy.deepcopy(error).request_id == error.request_id


def test_errors_cross_processes(settings):
    import concurrent.futures

    with concurrent.futures.ProcessPoolExecutor(1) as pool:
        with pytest.raises(cvm.ServiceError) as caught:
            pool.submit(fails, settings).result(timeout=60)
    assert caught.value.code == "InvalidImageId.Malformed"


def fails(settings):
    with cvm.Client(**settings) as client:
        client.describe_images(ImageIds=["img-1"])


def test_errors_that_users_make_themselves():
    error = cvm.ServiceError("it is not there", code="InvalidImageId.NotFound", request_id="r-1")
    assert (error.code, error.request_id) == ("InvalidImageId.NotFound", "r-1")


def test_the_tree_of_errors():
    for kind in (cvm.ThrottledError, cvm.AuthError, cvm.NotFoundError, cvm.QuotaError):
        assert issubclass(kind, cvm.ServiceError)
    for kind in (cvm.ServiceError, cvm.NetworkError, cvm.TimeoutError, cvm.ConfigError):
        assert issubclass(kind, cvm.Error)
        assert kind.__doc__


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("\x1b[31m", r"\u{1b}[31m"),
        ("\x07\x08\x00", r"\u{7}\u{8}\u{0}"),
        ("\r\nWARNING:cvm:forged", r"\r\nWARNING:cvm:forged"),
        ("\x9b2J", r"\u{9b}2J"),
        ("\u202egpj", r"\u{202e}gpj"),
        ("\u2028\u2066", r"\u{2028}\u{2066}"),
        ("\u955c\u50cf", "\u955c\u50cf"),
    ],
)
def test_the_sentence_steers_no_terminal_and_forges_no_line_while_its_parts_are_exact(settings, steer, caplog, written, shown):
    steer.fault("error", code="SomethingNew", message=f"a{written}b")
    with cvm.Client(attempts=1, **settings) as client:
        with pytest.raises(cvm.ServiceError) as caught:
            client.describe_images(ImageIds=[IMAGE])
    error = caught.value
    assert error.message == f"a{written}b"
    assert f"a{shown}b" in str(error)
    assert f"a{shown}b" in caplog.text
    if written != shown:
        assert written not in caplog.text
    kept = cvm.errors._of_mapping(cvm.errors._to_mapping(error))
    assert kept.message == error.message and f"a{shown}b" in str(kept)
