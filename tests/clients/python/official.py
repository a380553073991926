"""The official Python SDK in all its ways: blocking and async, typed and generic, each signature and method."""

import asyncio
import json

from tencentcloud.common.common_client import CommonClient
from tencentcloud.common.credential import Credential
from tencentcloud.common.exception import TencentCloudSDKException
from tencentcloud.common.profile.client_profile import ClientProfile
from tencentcloud.common.profile.http_profile import HttpProfile
from tencentcloud.cvm.v20170312 import cvm_client, cvm_client_async, models

from endpoint import VERSION, Client, ServiceError

SIGNATURES = ("TC3-HMAC-SHA256", "HmacSHA256", "HmacSHA1")
METHODS = ("POST", "GET")


class Official(Client):
    """What the ways have in common: the settings, and a client object for each region."""

    def __init__(self, endpoint, way, signature="TC3-HMAC-SHA256", method="POST", **settings):
        self.name = " ".join(["python", way, signature, method])
        self.endpoint = endpoint
        self.credential = settings.pop("credential", Credential(endpoint.secret_id, endpoint.secret_key))
        self.signature = signature
        self.method = method
        self.settings = settings
        self.clients = {}

    def profile(self):
        http = HttpProfile(
            protocol="http",
            endpoint=self.settings.get("host", self.endpoint.host),
            reqMethod=self.method,
            keepAlive=self.settings.get("keep_alive", False),
        )
        profile = ClientProfile(
            signMethod=self.signature, httpProfile=http, language=self.settings.get("language", "en-US")
        )
        profile.unsignedPayload = self.settings.get("unsigned", False)
        return profile

    def make(self, region):
        raise NotImplementedError

    def send(self, client, action, parameters):
        raise NotImplementedError

    def once(self, action, parameters, region):
        if region not in self.clients:
            self.clients[region] = self.make(region)
        try:
            return self.send(self.clients[region], action, parameters)
        except TencentCloudSDKException as error:
            raise ServiceError(error.get_code(), error.get_message(), error.get_request_id()) from error

    def close(self):
        """Lets go of what the client holds."""


def request(action, parameters):
    """The SDK's request object, filled from JSON as its documentation does."""
    made = getattr(models, action + "Request")()
    made.from_json_string(json.dumps(parameters))
    return made


class Blocking(Official):
    """The typed client."""

    def __init__(self, endpoint, *args, **settings):
        super().__init__(endpoint, "blocking", *args, **settings)

    def make(self, region):
        return cvm_client.CvmClient(self.credential, region, self.profile())

    def send(self, client, action, parameters):
        answer = getattr(client, action)(request(action, parameters))
        return json.loads(answer.to_json_string())


class Async(Official):
    """The typed client for asyncio, on a loop of its own."""

    def __init__(self, endpoint, *args, **settings):
        super().__init__(endpoint, "async", *args, **settings)
        self.loop = asyncio.new_event_loop()

    def make(self, region):
        return cvm_client_async.CvmClient(self.credential, region, self.profile())

    def send(self, client, action, parameters):
        answer = self.loop.run_until_complete(getattr(client, action)(request(action, parameters)))
        return json.loads(answer.to_json_string())

    def close(self):
        for client in self.clients.values():
            self.loop.run_until_complete(client.close())
        self.loop.close()


class Generic(Official):
    """The client that takes any action and any parameters."""

    def __init__(self, endpoint, *args, **settings):
        super().__init__(endpoint, settings.pop("way", "generic"), *args, **settings)
        self.options = settings.get("options")

    def make(self, region):
        return CommonClient("cvm", VERSION, self.credential, region, profile=self.profile())

    def send(self, client, action, parameters):
        return client.call_json(action, parameters, options=self.options)["Response"]


class Sts(Generic):
    """The same client for the service sts."""

    def __init__(self, endpoint, signature, method):
        super().__init__(endpoint, signature, method, way="sts")

    def make(self, region):
        return CommonClient("sts", "2018-08-13", self.credential, region, profile=self.profile())


class Multipart(Generic):
    """The generic client with multipart bodies, which can hold strings, lists and objects."""

    def __init__(self, endpoint):
        super().__init__(endpoint, way="multipart", options={"IsMultipart": True})

    def send(self, client, action, parameters):
        text = {
            name: value if isinstance(value, (str, list, dict)) else json.dumps(value)
            for name, value in parameters.items()
        }
        return super().send(client, action, text)


def clients(endpoint):
    """Every way, each of them once."""
    for make in (Blocking, Async):
        for signature in SIGNATURES:
            for method in METHODS:
                yield make(endpoint, signature, method)
    yield Generic(endpoint, keep_alive=True, language="zh-CN")
    yield Generic(endpoint, way="unsigned payload", unsigned=True)
    yield Multipart(endpoint)
