"""Stands in for 1Password's command line.

Its commands, flags and environment are those of
https://developer.1password.com/docs/cli/reference (version 2.30), the syntax of references that of
https://developer.1password.com/docs/cli/secret-reference-syntax, the text about rates that of
https://developer.1password.com/docs/service-accounts/rate-limits. Exit codes and the other texts are not documented;
they are those that people report of op 2: every failure ends with 1 and a line "[ERROR] DATE TIME TEXT".

Beside this file stand vaults.json, mode (how it fails, if it does), token (the only one that it accepts) and calls, to which it
adds a line for each call.
"""

import base64
import json
import os
import re
import sys
import time

HOME = os.path.dirname(os.path.abspath(__file__))


def beside(name):
    with open(os.path.join(HOME, name), encoding="utf-8") as file:
        return file.read()


def fail(text):
    sys.stderr.write(f"[ERROR] 2026/01/02 03:04:05 {text}\n")
    sys.exit(1)


def out(data):
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


class Missing(Exception):
    pass


def vaults():
    return [vault for vault in json.loads(beside("vaults.json")) if vault["name"] != "Private"]


def one(things, name, title, missing, several):
    """The thing of that id or title, which are compared without case."""
    name = name.lower()
    found = [thing for thing in things if thing["id"].lower() == name]
    found = found or [thing for thing in things if thing.get(title, "").lower() == name]
    if not found:
        raise Missing(missing)
    if len(found) > 1:
        raise Missing(several)
    return found[0]


def vault_of(name):
    missing = f"\"{name}\" isn't a vault in this account. Specify the vault with its ID or name."
    return one(vaults(), name, "name", missing, f'More than one vault matches "{name}". Try again and specify the vault by its ID.')


def item_of(vault, name):
    items = [item for item in vault["content"] if "state" not in item]
    missing = f"\"{name}\" isn't an item in the \"{vault['name']}\" vault. Specify the item with its UUID, name, or domain."
    return one(items, name, "title", missing, f'More than one item matches "{name}". Try again and specify the item by its ID.')


def section_of(item, thing):
    section = (thing.get("section") or {}).get("id")
    known = [one for one in item.get("sections", []) if one["id"] == section]
    return known[0] if known else None


def attribute(thing, name, is_file):
    if is_file:
        content = base64.b64decode(thing["bytes"])
        given = {"content": content, "value": content, "size": thing["size"], "id": thing["id"], "name": thing["name"]}
    else:
        given = {
            "value": thing.get("value"), "type": thing["type"], "title": thing["label"], "id": thing["id"],
            "purpose": thing.get("purpose", ""), "otp": thing.get("totp"),
        }
    if name not in given or given[name] is None:
        raise Missing(f"invalid secret reference: no attribute {name}")
    value = given[name]
    return value if isinstance(value, bytes) else str(value).encode()


def resolve(reference):
    match = re.fullmatch(r"(?i)op://([\w. -]+)/([\w. -]+)/(?:([\w. -]+)/)?([\w. -]+)(?:\?([a-z-]+)=([a-z]+))?", reference, re.ASCII)
    if not match:
        raise Missing(f"invalid secret reference '{reference}'")
    vault, item, section, name, query, wish = match.groups()
    vault = vault_of(vault)
    item = item_of(vault, item)
    things = [(field, False) for field in item.get("fields", []) if name.lower() in (field["id"].lower(), field["label"].lower())]
    things = things or [(file, True) for file in item.get("files", []) if name.lower() in (file["id"].lower(), file["name"].lower())]
    if section:
        def inside(thing):
            known = section_of(item, thing)
            return known and section.lower() in (known["id"].lower(), known.get("label", "").lower())
        things = [pair for pair in things if inside(pair[0])]
    else:
        outside = [pair for pair in things if (pair[0].get("section") or {"id": "add more"})["id"] == "add more"]
        things = outside or things
    if not things:
        raise Missing(f"item '{vault['name']}/{item['title']}' does not have a field '{name}'")
    if len(things) > 1:
        raise Missing(f"more than one field matches '{name}'")
    thing, is_file = things[0]
    if query == "ssh-format":
        if "ssh_formats" not in thing:
            raise Missing("invalid secret reference: not an SSH key")
        return thing["ssh_formats"][wish]["value"].encode()
    return attribute(thing, wish if query else "value", is_file)


def read(reference):
    try:
        return resolve(reference)
    except Missing as missing:
        fail(f"could not read secret '{reference}': {missing}")


def as_op(vault, item):
    """An item as op writes it: sections have labels, fields their reference, nothing is said of what files hold."""
    item = {key: value for key, value in item.items() if key not in ("createdAt", "updatedAt", "lastEditedBy")}
    item["vault"] = {"id": vault["id"], "name": vault["name"]}
    for field in item.get("fields", []):
        section = section_of(item, field)
        if section:
            field["section"] = section
        field["reference"] = f"op://{vault['name']}/{item['title']}/{field['label']}"
    item["files"] = [{key: value for key, value in file.items() if key != "bytes"} for file in item.get("files", [])]
    return item


def store(vault, item, template):
    """The template replaces sections and fields of an item; without one it is a new item."""
    everything = json.loads(beside("vaults.json"))
    content = next(known["content"] for known in everything if known["id"] == vault["id"])
    if item is None:
        item = {"id": f"itemnew{len(content)}".ljust(26, "a"), "version": 0, "title": template["title"], "category": template["category"]}
        content.append(item)
    else:
        item = next(known for known in content if known["id"] == item["id"])
    item["fields"] = template.get("fields", [])
    item["sections"] = template.get("sections", [])
    item["version"] += 1
    with open(os.path.join(HOME, "vaults.json"), "w", encoding="utf-8") as file:
        json.dump(everything, file)
    return item


def main(arguments):
    flags = {"--no-color", "--cache=false", "--format", "json", "--no-newline"}
    words = [word for word in arguments if word not in flags]
    token = os.environ.get("OP_SERVICE_ACCOUNT_TOKEN")
    with open(os.path.join(HOME, "calls"), "a", encoding="utf-8") as calls:
        calls.write(json.dumps({"argv": arguments, "environment": sorted(os.environ), "folder": os.getcwd()}) + "\n")
    mode = beside("mode")
    if words == ["--version"]:
        return out(b"2.17.0\n" if mode == "old" else b"2.30.3\n")
    if mode == "offline":
        fail('Post "https://my.1password.com/api/v3/auth/start": dial tcp: lookup my.1password.com: no such host')
    if mode == "throttled":
        fail("(429) Too Many Requests: You've reached the maximum number of this type of requests this service account is "
             "allowed to make. Please retry in 59 minutes or try other requests.")
    if mode == "refused":
        fail("(403) Forbidden: You don't have permission to perform this action.")
    if mode == "broken":
        fail(f"something else, about {token} and {read('op://automation/stripe/credential')!r}")
    if mode == "hanging":
        time.sleep(300)
    if mode == "huge":
        while True:
            out(b"CANARY" * 10000)
    if mode == "garbage":
        return out(b"\xff\xfe not JSON")
    if token is None:
        fail("account is not signed in: you are not currently signed in. Please run `op signin --help` for instructions")
    if token != beside("token"):
        fail("failed to session.DecodeSACredentials: failed to DecodeSACredentials, illegal base64 data at input byte 12")
    try:
        return command(words)
    except Missing as missing:
        fail(str(missing))


def command(words):
    if words == ["vault", "list"]:
        return out(json.dumps([{"id": vault["id"], "name": vault["name"], "content_version": 7} for vault in vaults()]).encode())
    if words[:3] == ["item", "list", "--vault"]:
        vault = vault_of(words[3])
        keys = ("id", "title", "version", "category")
        items = [item for item in vault["content"] if "state" not in item]
        return out(json.dumps([{key: item[key] for key in keys} for item in items]).encode())
    if words == ["item", "get", "-"]:
        for wanted in json.load(sys.stdin):
            vault = vault_of(wanted["vault"]["id"])
            out(json.dumps(as_op(vault, item_of(vault, wanted["id"])), indent=2).encode() + b"\n")
        return None
    if words[:2] in (["item", "get"], ["item", "edit"]) and words[3:4] == ["--vault"]:
        vault = vault_of(words[4])
        item = item_of(vault, words[2])
        if words[1] == "edit":
            item = store(vault, item, json.load(sys.stdin))
        return out(json.dumps(as_op(vault, item)).encode())
    if words[:3] == ["item", "create", "--vault"] and words[4:] == ["-"]:
        vault = vault_of(words[3])
        return out(json.dumps(as_op(vault, store(vault, None, json.load(sys.stdin)))).encode())
    if words[:1] == ["read"] and len(words) == 2:
        return out(read(words[1]))
    if words == ["inject"]:
        template = sys.stdin.buffer.read()
        return out(re.sub(rb"\{\{ *(op://[^}]*?) *\}\}", lambda match: read(match.group(1).decode()), template))
    return fail(f"unknown command {' '.join(words)!r} for \"op\"")


main(sys.argv[1:])
