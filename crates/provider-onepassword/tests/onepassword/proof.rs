//! The stand-in for Connect is one to 1Password's own clients.

use std::process::Command;

use subrosa_testkit::{ConnectServer, Vaults, backend_node, backend_python};

use crate::connected::VALUE;

const PYTHON: &str = r#"
import os, ssl
from onepasswordconnectsdk.client import new_client
from onepasswordconnectsdk.config import ClientConfig
from onepasswordconnectsdk.errors import FailedToRetrieveItemException
import onepasswordconnectsdk

url, token, value = (os.environ[name] for name in ("URL", "TOKEN", "VALUE"))
config = ClientConfig(ca_file=os.environ["CA"])
client = new_client(url, token, config=config)
assert [vault.name for vault in client.get_vaults()] == ["Automation", "Shared", "Twin", "Twin"]
vault = client.get_vault_by_title("Automation")
assert client.get_vault(vault.id).items == vault.items
titles = sorted(item.title for item in client.get_items(vault.id))
assert titles == ["Account", "Certificates", "Deploy Key", "Old", "Stripe", "Twin", "Twin"], titles
item = client.get_item("Stripe", vault.id)
fields = {(field.section.id if field.section else None, field.label): field.value for field in item.fields}
assert fields[(None, "credential")] == value
assert fields[("adminsection", "API Key")] == "of the section"
assert {section.id: section.label for section in item.sections}["adminsection"] == "Admin"
for name in ("Twin", "Gone"):
    try:
        client.get_item(name, vault.id)
        raise AssertionError(name)
    except FailedToRetrieveItemException:
        pass
certificates = client.get_item("Certificates", vault.id)
files = client.get_files(certificates.id, vault.id)
assert [file.name for file in files] == ["cert.pem", "key.bin", "huge.iso", "ca.pem"]
assert client.get_file_content(files[1].id, certificates.id, vault.id) == b"\x00\xff\xfe\n\x80"
assert client.get_file_content(None, None, None, "/" + files[0].content_path) == b"a certificate, or not\n"
wrong = new_client(url, "wrong", config=config)
try:
    wrong.get_item(item.id, vault.id)
    raise AssertionError("a wrong token")
except FailedToRetrieveItemException as error:
    assert "401" in str(error) and "Invalid token signature" in str(error), error
print("done")
"#;

const NODE: &str = r#"
const assert = require("node:assert");
const { OnePasswordConnect } = require("@1password/connect");
const { URL: serverURL, TOKEN: token, VALUE: value, CODE: code } = process.env;
(async () => {
  const client = OnePasswordConnect({ serverURL, token, keepAlive: true });
  const vaults = await client.listVaults();
  assert.deepEqual(vaults.map((vault) => vault.name), ["Automation", "Shared", "Twin", "Twin"]);
  const vault = await client.getVault("Automation");
  assert.equal((await client.listItems(vault.id)).length, 7);
  const item = await client.getItem(vault.id, "Stripe");
  assert.equal(item.fields.find((field) => field.label === "credential").value, value);
  assert.equal((await client.getItemById(vault.id, item.id)).title, "Stripe");
  assert.equal(await client.getItemOTP(vault.id, "Account"), code);
  const files = await client.listFiles(vault.id, "Certificates");
  assert.equal(await client.getFileContent(vault.id, "Certificates", files[0].id), "a certificate, or not\n");
  await assert.rejects(client.getItem(vault.id, "Twin"));
  await assert.rejects(client.getVault("Private"));
  const wrong = OnePasswordConnect({ serverURL, token: "wrong", keepAlive: true });
  await assert.rejects(wrong.listVaults(), (error) => error.status === 401 || error.statusCode === 401);
  console.log("done");
})().catch((error) => { console.error(error); process.exit(1); });
"#;

fn run(mut command: Command, server: &ConnectServer) {
    command.env("URL", server.address()).env("CA", server.ca()).env("NODE_EXTRA_CA_CERTS", server.ca());
    command.env("TOKEN", ConnectServer::TOKEN).env("VALUE", VALUE).env("CODE", Vaults::CODE);
    let output = command.output().expect("it runs");
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && said.contains("done"), "{said}");
}

#[test]
fn the_python_client_takes_the_stand_in_for_a_connect_server() {
    let Some(python) = backend_python() else { return };
    let mut command = Command::new(python);
    command.args(["-c", PYTHON]);
    run(command, &ConnectServer::start(Vaults::with(VALUE)));
}

#[test]
fn the_node_client_takes_the_stand_in_for_a_connect_server() {
    let Some(home) = backend_node() else { return };
    let mut command = Command::new("node");
    command.args(["-e", NODE]).current_dir(home);
    run(command, &ConnectServer::start(Vaults::with(VALUE)));
}
