"""Microsoft's client against the stand-in: every part that is named ends well or with a traceback.

    official.py PORT VERSION|FOLDER PART...

The client believes that it talks to the public cloud: names are resolved to the stand-in, nothing else of it is changed.
"""

import os
import socket
import sys
import urllib.request
import webbrowser
from threading import Thread

import msal
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError, ResourceNotFoundError
from azure.identity import (
    CertificateCredential,
    ClientSecretCredential,
    DeviceCodeCredential,
    InteractiveBrowserCredential,
    ManagedIdentityCredential,
    WorkloadIdentityCredential,
)
from azure.keyvault.secrets import SecretClient

PORT, GIVEN, PARTS = int(sys.argv[1]), sys.argv[2], sys.argv[3:]
TENANT = "11111111-2222-3333-4444-555555555555"
CLIENT = "99999999-8888-7777-6666-555555555555"
SECRET = "example~client-secret~of~the~stand-in"
CLOUD = ("unit.vault.azure.net", "login.microsoftonline.com")

resolve = socket.getaddrinfo


def resolved(host, port, *more, **named):
    if host in CLOUD:
        return resolve("127.0.0.1", PORT, *more, **named)
    return resolve(host, port, *more, **named)


socket.getaddrinfo = resolved


def client(credential):
    # a client that is refused does not try again here
    return SecretClient("https://unit.vault.azure.net", credential, retry_total=0)


def fails(work, error, *, status=None, says=""):
    try:
        work()
    except error as failure:
        assert status is None or failure.status_code == status, failure
        assert says in str(failure), failure
        return failure
    raise AssertionError(f"{work} did not fail")


def secrets():
    vault = client(ClientSecretCredential(TENANT, CLIENT, SECRET))
    assert vault.get_secret("db-password").value == "hunter2"
    first = vault.get_secret("db-password", GIVEN)
    assert first.value == "hunter1" and first.properties.version == GIVEN
    fails(lambda: vault.get_secret("nothing"), ResourceNotFoundError, status=404, says="SecretNotFound")
    fails(lambda: vault.get_secret("gone"), ResourceNotFoundError, status=404)
    fails(lambda: vault.get_secret("db-password", "0" * 32), ResourceNotFoundError, status=404)
    fails(lambda: vault.get_secret("off"), HttpResponseError, status=403, says="disabled secret")
    busy = fails(lambda: vault.get_secret("busy"), HttpResponseError, status=429)
    assert busy.response.headers["Retry-After"] == "7"
    fails(lambda: vault.get_secret("closed"), HttpResponseError, status=403, says="not authorized")
    fails(lambda: vault.get_secret("down"), HttpResponseError, status=503)
    written = vault.set_secret("written", "by the official client", content_type="text/plain")
    assert written.value == "by the official client" and written.properties.content_type == "text/plain"
    names = [properties.name for properties in vault.list_properties_of_secrets()]
    assert len(names) == len(set(names)) == 36 and "written" in names, names
    pages = list(vault.list_properties_of_secrets(max_page_size=10).by_page())
    assert len(pages) == 4, pages
    assert next(vault.list_properties_of_secrets()).enabled


def certificate():
    for name, password in (("application.pem", None), ("application.pfx", b"opensesame")):
        credential = CertificateCredential(TENANT, CLIENT, f"{GIVEN}/{name}", password=password)
        assert client(credential).get_secret("db-password").value == "hunter2"


def assertion():
    """The newer form of what a certificate signs, PS256 with a SHA-256 thumbprint."""
    with open(f"{GIVEN}/application.pem") as file:
        text = file.read()
    credential = {"private_key": text[text.index("-----BEGIN PRIVATE") :], "public_certificate": text}
    application = msal.ConfidentialClientApplication(
        CLIENT, credential, authority=f"https://login.microsoftonline.com/{TENANT}"
    )
    token = application.acquire_token_for_client(["https://vault.azure.net/.default"])
    assert token["access_token"], token


def workload():
    credential = WorkloadIdentityCredential(tenant_id=TENANT, client_id=CLIENT, token_file_path=f"{GIVEN}/federated")
    assert client(credential).get_secret("db-password").value == "hunter2"


def machine():
    for identity in ({}, {"client_id": CLIENT}):
        assert client(ManagedIdentityCredential(**identity)).get_secret("db-password").value == "hunter2"


def browser():
    def accept(url, **_):
        # what a page in a browser does once its button is pressed
        press = urllib.request.Request(url, data=b"", method="POST")
        context = urllib.request.ssl.create_default_context(cafile=CA)
        Thread(target=lambda: urllib.request.urlopen(press, context=context).read()).start()
        return True

    CA = os.environ["REQUESTS_CA_BUNDLE"]
    webbrowser.open = accept
    webbrowser.get = lambda *_: type("Browser", (), {"open": staticmethod(accept)})()
    credential = InteractiveBrowserCredential(tenant_id=TENANT, client_id=CLIENT, timeout=20)
    scope = "https://vault.azure.net/.default"
    first = credential.get_token(scope).token
    assert credential.get_token(scope).token == first
    assert client(credential).get_secret("db-password").value == "hunter2"


def device():
    shown = []
    credential = DeviceCodeCredential(
        client_id=CLIENT, tenant_id=TENANT, timeout=20, prompt_callback=lambda *told: shown.append(told)
    )
    assert client(credential).get_secret("db-password").value == "hunter2"
    assert shown[0][1] == "EXAMPLE12", shown


def refused():
    wrong = client(ClientSecretCredential(TENANT, CLIENT, "wrong"))
    fails(lambda: wrong.get_secret("db-password"), ClientAuthenticationError, says="AADSTS7000215")
    unknown = client(CertificateCredential(TENANT, CLIENT, f"{GIVEN}/application.pem"))
    fails(lambda: unknown.get_secret("db-password"), ClientAuthenticationError, says="AADSTS700027")
    stranger = client(ClientSecretCredential(TENANT, "0" * 8 + CLIENT[8:], SECRET))
    fails(lambda: stranger.get_secret("db-password"), ClientAuthenticationError, says="AADSTS700016")


for part in PARTS:
    globals()[part]()
