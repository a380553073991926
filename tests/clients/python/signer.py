"""Both kinds of signature, written from the service's documentation and sharing nothing with any SDK."""

import base64
import hashlib
import hmac
from datetime import datetime, timezone


def hmac_sha256(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def tc3(secret_id, secret_key, timestamp, service, method, query, headers, payload):
    """The Authorization header. `headers` are pairs of a name in lower case and a value; all are signed."""
    names = ";".join(name for name, _ in headers)
    lines = "".join("%s:%s\n" % header for header in headers)
    digest = hashlib.sha256(payload).hexdigest()
    request = "\n".join([method, "/", query, lines, names, digest])

    date = datetime.fromtimestamp(timestamp, timezone.utc).strftime("%Y-%m-%d")
    scope = "%s/%s/tc3_request" % (date, service)
    hashed = hashlib.sha256(request.encode()).hexdigest()
    text = "\n".join(["TC3-HMAC-SHA256", str(timestamp), scope, hashed])

    key = ("TC3" + secret_key).encode()
    for part in (date, service, "tc3_request"):
        key = hmac_sha256(key, part)
    return "TC3-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s" % (
        secret_id,
        scope,
        names,
        hmac_sha256(key, text).hex(),
    )


def v1(secret_key, algorithm, method, host, parameters):
    """The parameter Signature. `parameters` are pairs of text, as they are before any encoding."""
    text = "&".join("%s=%s" % pair for pair in sorted(parameters))
    digest = hashlib.sha256 if algorithm == "HmacSHA256" else hashlib.sha1
    signature = hmac.new(secret_key.encode(), (method + host + "/?" + text).encode(), digest).digest()
    return base64.b64encode(signature).decode()
