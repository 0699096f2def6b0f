"""Proof that a request was signed with the profile's secret (AWS Signature Version 4)."""

from __future__ import annotations

import hmac
import re
from email.message import Message

from stedi_glue.sessions.api import ApiError
from stedi_glue.sessions.profile import Credential

_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/]+)/\d{8}/(?P<region>[\w-]+)/(?P<service>\w+)/"
    r"aws4_request, SignedHeaders=(?P<headers>[\w;-]+), Signature=(?P<signature>[0-9a-f]{64})"
)


def require(credential: Credential, url: str, headers: Message, body: bytes) -> str:
    """Return the service a request was signed for; ApiError unless the signature is right."""
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    found = _AUTHORIZATION.fullmatch(headers.get("Authorization", ""))
    stamp = headers.get("X-Amz-Date", "")
    if found is None or not re.fullmatch(r"\d{8}T\d{6}Z", stamp):
        raise ApiError("MissingAuthenticationTokenException", "The request is not signed.")
    if not hmac.compare_digest(found["key"].encode(), credential.key.encode()):
        raise ApiError("UnrecognizedClientException", "The access key is not this endpoint's.")
    signed = {name: headers.get(name, "") for name in found["headers"].split(";")}
    request = AWSRequest("POST", url, headers=signed, data=body)
    request.context["timestamp"] = stamp
    signer = SigV4Auth(
        Credentials(credential.key, credential.secret), found["service"], found["region"]
    )
    text = signer.string_to_sign(request, signer.canonical_request(request))
    if not hmac.compare_digest(signer.signature(text, request), found["signature"]):
        raise ApiError("InvalidSignatureException", "The signature does not match the request.")
    return found["service"]
