"""Requests written byte by byte, in the ways in which clients differ."""

import http.client
import json
import socket
import time
from urllib.parse import quote, quote_plus

import signer
from endpoint import PATIENCE, VERSION, Client, ServiceError, expect


def flat(value, prefix=""):
    """Parameters as names and values: `Filters.0.Values.1`."""
    if isinstance(value, dict):
        members = value.items()
    elif isinstance(value, list):
        members = enumerate(value)
    else:
        yield prefix, json.dumps(value) if isinstance(value, bool) else str(value)
        return
    for name, member in members:
        yield from flat(member, "%s.%s" % (prefix, name) if prefix else str(name))


class Wire(Client):
    """What all of them share: sends bytes over a connection of its own, and reads the answer."""

    #: What a request without a region is refused with.
    no_region = "MissingParameter"

    def __init__(
        self,
        endpoint,
        name,
        method="POST",
        host=None,
        signed_host=None,
        more=(),
        chunked=False,
        absolute=False,
    ):
        self.name = "wire " + name
        self.endpoint = endpoint
        self.method = method
        self.host = host or endpoint.host
        self.signed_host = signed_host or self.host
        self.more = list(more)
        self.chunked = chunked
        self.absolute = absolute

    def exchange(self, target, headers, body):
        """Sends a request and gives the value of its answer."""
        if self.absolute:
            target = self.endpoint.url + target
        headers = [("Host", self.host)] + headers + self.more
        if self.chunked:
            headers.append(("Transfer-Encoding", "chunked"))
            half = len(body) // 2
            body = b"".join(
                b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:half], body[half:]) if part
            )
            body += b"0\r\n\r\n"
        elif self.method == "POST" or body:
            headers.append(("Content-Length", str(len(body))))
        head = "%s %s HTTP/1.1\r\n" % (self.method, target)
        head += "".join("%s: %s\r\n" % header for header in headers) + "\r\n"
        with socket.create_connection(("127.0.0.1", self.endpoint.port), timeout=PATIENCE) as connection:
            connection.sendall(head.encode() + body)
            answer = http.client.HTTPResponse(connection, method=self.method)
            answer.begin()
            text = answer.read()
        expect(answer.status, 200)
        expect(answer.getheader("Content-Type"), "application/json")
        value = json.loads(text)["Response"]
        if "Error" in value:
            raise ServiceError(value["Error"]["Code"], value["Error"]["Message"], value["RequestId"])
        return value


class Tc3(Wire):
    """A TC3 request. `sent` and `signed` are the content type on the wire and in the signature."""

    def __init__(
        self,
        endpoint,
        name,
        service="cvm",
        sent=None,
        signed=None,
        action=None,
        encode=quote_plus,
        blank=" ",
        payload=None,
        boundary=None,
        **wire,
    ):
        super().__init__(endpoint, name, **wire)
        form = "application/x-www-form-urlencoded"
        self.sent = sent or ("application/json" if self.method == "POST" else form)
        self.signed = signed or self.sent
        self.service = service
        self.action = action
        self.encode = encode
        self.blank = blank
        self.payload = payload
        self.boundary = boundary

    def once(self, action, parameters, region):
        body, query = b"", ""
        if self.method == "GET":
            query = "&".join("%s=%s" % (self.encode(k), self.encode(v)) for k, v in flat(parameters))
        elif self.boundary:
            body = multipart(parameters, self.boundary)
        else:
            body = json.dumps(parameters, ensure_ascii=False).encode()
        timestamp = int(time.time())
        signed = [("content-type", self.signed), ("host", self.signed_host)]
        if self.action:
            signed.append(("x-tc-action", self.action(action)))
        authorization = signer.tc3(
            self.endpoint.secret_id,
            self.endpoint.secret_key,
            timestamp,
            self.service,
            self.method,
            query,
            signed,
            body if self.payload is None else self.payload,
        )
        headers = [
            ("Authorization", authorization.replace("TC3-HMAC-SHA256 ", "TC3-HMAC-SHA256" + self.blank)),
            ("Content-Type", self.sent),
            ("X-TC-Action", action),
            ("X-TC-Timestamp", str(timestamp)),
            ("X-TC-Version", VERSION),
        ]
        if region is not None:
            headers.append(("X-TC-Region", region))
        return self.exchange("/" + ("?" + query if query else ""), headers, body)


class V1(Wire):
    """A request of the older signatures. `send` and `sign` change the parameters on their way to the wire
    and to the signature; `algorithm` may be None, which stands for HmacSHA1."""

    def __init__(
        self,
        endpoint,
        name,
        algorithm="HmacSHA1",
        encode=quote_plus,
        sign=None,
        send=None,
        sent=None,
        tail="",
        **wire,
    ):
        super().__init__(endpoint, name, **wire)
        self.algorithm = algorithm
        self.encode = encode
        self.sign = sign or (lambda pairs: pairs)
        self.send = send or (lambda pairs: pairs)
        self.sent = sent or "application/x-www-form-urlencoded"
        self.tail = tail
        if send is with_empty:
            self.no_region = "InvalidParameterValue"

    def once(self, action, parameters, region):
        pairs = list(flat(parameters)) + [
            ("Action", action),
            ("Version", VERSION),
            ("Timestamp", str(int(time.time()))),
            ("Nonce", str(time.monotonic_ns() % 2**31 + 1)),
            ("SecretId", self.endpoint.secret_id),
            ("RequestClient", "a client of another kind"),
        ]
        if self.algorithm:
            pairs.append(("SignatureMethod", self.algorithm))
        if region is not None:
            pairs.append(("Region", region))
        pairs = self.send(pairs)
        signature = signer.v1(
            self.endpoint.secret_key, self.algorithm, self.method, self.signed_host, self.sign(pairs)
        )
        text = "&".join(
            "%s=%s" % (self.encode(k), self.encode(v)) for k, v in pairs + [("Signature", signature)]
        )
        if self.method == "GET":
            return self.exchange("/?" + text, [], b"")
        return self.exchange("/" + self.tail, [("Content-Type", self.sent)], text.encode())


def multipart(parameters, boundary):
    """A multipart body: scalars as text, lists and objects as JSON."""
    body = ""
    for name, value in parameters.items():
        body += '--%s\r\nContent-Disposition: form-data; name="%s"\r\n' % (boundary, name)
        if isinstance(value, (list, dict)):
            body += "Content-Type: application/json\r\n\r\n%s\r\n" % json.dumps(value)
        else:
            body += "\r\n%s\r\n" % (json.dumps(value) if isinstance(value, bool) else value)
    return (body + "--%s--\r\n" % boundary if body else "").encode()


def percent(text):
    """Everything but letters, digits and `-_.~` escaped; a blank is `%20`."""
    return quote(text, safe="")


def with_empty(pairs):
    """A region and a language without a value, where there are none."""
    names = [name for name, _ in pairs]
    return pairs + [(name, "") for name in ("Region", "Language") if name not in names]


def without_empty(pairs):
    """Only parameters that have a value."""
    return [pair for pair in pairs if pair[1]]


def pythonic(pairs):
    """Flags as Python writes them."""
    return [(name, {"true": "True", "false": "False"}.get(value, value)) for name, value in pairs]


def clients(endpoint):
    """One for each way, named after who writes requests so."""
    port = endpoint.port
    address = endpoint.host
    json_utf8 = "application/json; charset=utf-8"
    form_utf8 = "application/x-www-form-urlencoded; charset=utf-8"
    agent = [("User-Agent", "a client"), ("Accept", "*/*"), ("Accept-Encoding", "gzip, deflate")]
    language = [("X-TC-Language", "zh-CN"), ("X-TC-RequestClient", "SDK_X_1.0"), ("X-TC-TraceId", "t-1")]
    first = "127"

    yield Tc3(endpoint, "Go POST", more=language + [("User-Agent", "Go-http-client/1.1")])
    yield Tc3(endpoint, "Go POST, empty language", more=[("X-TC-Language", "")])
    yield Tc3(endpoint, "Go GET", method="GET")
    for algorithm in ("HmacSHA1", "HmacSHA256"):
        for method in ("GET", "POST"):
            name = "Go %s %s" % (algorithm, method)
            yield V1(endpoint, name, algorithm, method=method, send=with_empty, sign=without_empty)
    yield Tc3(endpoint, "Java POST", service=first, sent=json_utf8, more=agent)
    yield Tc3(
        endpoint, "Java GET", service=first, method="GET", encode=lambda text: quote_plus(text, safe=".")
    )
    mixed = "multipart/form-data; charset=utf-8; boundary=3f0c-4a"
    yield Tc3(endpoint, "Java multipart", service=first, sent=mixed, boundary="3f0c-4a")
    yield V1(endpoint, "Java HmacSHA256 POST", "HmacSHA256", sent=form_utf8)
    yield V1(endpoint, "Java HmacSHA1 GET", method="GET")
    yield Tc3(endpoint, ".NET POST", service=first, sent=json_utf8, blank="  ")
    yield Tc3(
        endpoint,
        ".NET GET",
        service=first,
        method="GET",
        sent=form_utf8,
        blank="  ",
        more=[("Content-Length", "0")],
    )
    yield V1(endpoint, ".NET HmacSHA1 POST", sent=form_utf8, tail="?")
    yield V1(endpoint, ".NET HmacSHA256 GET", "HmacSHA256", method="GET", more=[("Content-Length", "0")])
    yield Tc3(endpoint, "PHP POST", service=first, more=language)
    yield Tc3(endpoint, "PHP GET", service=first, method="GET")
    yield Tc3(
        endpoint, "PHP multipart", service=first, sent="multipart/form-data; boundary=65a1", boundary="65a1"
    )
    yield V1(endpoint, "PHP HmacSHA256 GET", "HmacSHA256", method="GET", encode=percent)
    yield Tc3(endpoint, "C++ POST", service=first, more=[("Connection", "Close")])
    yield Tc3(endpoint, "curl, which asks before it sends", more=[("Expect", "100-continue")])
    yield Tc3(endpoint, "Ruby POST", more=[("Accept-Encoding", "gzip;q=1.0,deflate;q=0.6,identity;q=0.3")])
    yield V1(endpoint, "Ruby HmacSHA1 GET", method="GET", send=with_empty)
    yield Tc3(endpoint, "Node GET", service=first, method="GET", encode=percent, signed_host="127.0.0.1")
    yield Tc3(endpoint, "Node POST", service=first, signed_host="127.0.0.1")
    yield Tc3(
        endpoint,
        "Node POST to localhost",
        service="localhost:%d" % port,
        host="localhost:%d" % port,
        signed_host="localhost",
    )
    yield Tc3(
        endpoint,
        "Java POST to localhost",
        service="localhost:%d" % port,
        host="localhost:%d" % port,
        sent=json_utf8,
    )
    yield Tc3(endpoint, "tccli POST", host="http://" + address)
    yield Tc3(endpoint, "documentation POST", sent=json_utf8, action=str.lower)
    yield Tc3(endpoint, "documentation POST, action as sent", sent=json_utf8, action=str)
    yield Tc3(endpoint, "documentation GET", method="GET", encode=percent)
    yield Tc3(endpoint, "no charset blank", sent="application/json;charset=utf-8")
    yield Tc3(
        endpoint,
        "charset in capitals, signed in lower case",
        sent="application/json; charset=UTF-8",
        signed=json_utf8,
    )
    yield Tc3(
        endpoint,
        "unsigned payload",
        payload=b"UNSIGNED-PAYLOAD",
        more=[("X-TC-Content-SHA256", "UNSIGNED-PAYLOAD")],
    )
    yield V1(endpoint, "no SignatureMethod GET", None, method="GET")
    yield V1(endpoint, "Python's names and flags", method="GET", sign=pythonic)
    yield Tc3(endpoint, "chunked", chunked=True)
    yield Tc3(endpoint, "through a proxy", absolute=True)
    yield Tc3(endpoint, "through a proxy GET", absolute=True, method="GET")
    for host in (
        "cvm.tencentcloudapi.com",
        "cvm.ap-shanghai.tencentcloudapi.com",
        "cvm.intl.tencentcloudapi.com",
    ):
        yield Tc3(endpoint, "for " + host, host=host)
        yield V1(endpoint, "HmacSHA1 for " + host, host=host, method="GET")
    yield Tc3(endpoint, "for a name of the endpoint", service="cvm", host="cvm.local.test:%d" % port)
    yield Tc3(endpoint, "for a name without a service", service="api", host="api.local.test:%d" % port)
    yield Tc3(endpoint, "for [::1]", host="[::1]:%d" % port, service="cvm")
