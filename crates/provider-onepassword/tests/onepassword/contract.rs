//! The facts of Connect's contract that this provider relies on, held against the stand-in.
//!
//! Source: OpenAPI 1.7.1, docs/openapi/spec.yaml of the repository 1Password/connect. It is in no package registry and is not
//! copied here; CONTRIBUTING.md tells how the stand-in is held against all of it.

use serde_json::{Value, json};
use subrosa_rest::{Call, Server};
use subrosa_secret::SecretValue;
use subrosa_testkit::{ConnectServer, Vaults};

use crate::connected::VALUE;

struct Contract {
    server: Server,
    authorization: SecretValue,
    _stand_in: ConnectServer,
}

impl Contract {
    fn new() -> Self {
        let stand_in = ConnectServer::start(Vaults::with(VALUE));
        let ca = std::fs::read_to_string(stand_in.ca()).expect("its authority");
        let server = Server::new(&stand_in.address(), Some(&ca)).expect("a server");
        let authorization = format!("Bearer {}", ConnectServer::TOKEN).into_bytes();
        let authorization = SecretValue::new(authorization).expect("a short token");
        Self { server, authorization, _stand_in: stand_in }
    }

    fn ask(&self, call: Call<'_>) -> (u16, Value) {
        let answer = self.server.call(call).expect("an answer");
        (answer.status(), answer.json().expect("JSON"))
    }

    fn get(&self, path: &str) -> (u16, Value) {
        self.ask(Call::get(path).secret_header("Authorization", &self.authorization))
    }
}

/// `^[\da-z]{26}$`
fn is_id(value: &Value) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    value.as_str().is_some_and(|id| id.len() == 26 && id.bytes().all(plain))
}

/// `ErrorResponse`
fn is_error(answer: &(u16, Value), status: u16, message: &str) -> bool {
    *answer == (status, json!({ "status": status, "message": message }))
}

#[test]
fn vaults_items_and_fields_have_the_form_of_the_contract() {
    let contract = Contract::new();
    let (status, vaults) = contract.get("/v1/vaults");
    assert_eq!(status, 200);
    let vaults = vaults.as_array().expect("GetVaults: a list");
    assert!(vaults.iter().all(|vault| is_id(&vault["id"]) && vault["name"].is_string()));
    let (vault, stripe) = (Vaults::id("automation"), Vaults::id("itemstripe"));
    let (_, items) = contract.get(&format!("/v1/vaults/{vault}/items"));
    for item in items.as_array().expect("GetVaultItems: a list") {
        assert!(is_id(&item["id"]) && item["vault"]["id"] == vault.as_str() && item["category"].is_string());
        assert!(item["fields"].is_null(), "Item, not FullItem: {item}");
    }
    let filter = "filter=title%20eq%20%22Stripe%22";
    let (_, found) = contract.get(&format!("/v1/vaults/{vault}/items?{filter}"));
    assert_eq!(found.as_array().map(Vec::len), Some(1));
    let (_, item) = contract.get(&format!("/v1/vaults/{vault}/items/{stripe}"));
    let (fields, sections) = (item["fields"].as_array(), item["sections"].as_array().expect("sections"));
    for field in fields.expect("FullItem: fields") {
        assert!(field["id"].is_string() && field["type"].is_string(), "{field}");
        let section = &field["section"]["id"];
        assert!(section.is_null() || sections.iter().any(|known| known["id"] == *section), "{field}");
    }
    let (_, files) = contract.get(&format!("/v1/vaults/{vault}/items/{}/files", Vaults::id("itemfiles")));
    for file in files.as_array().expect("GetItemFiles: a list") {
        assert!(file["id"].is_string() && file["name"].is_string() && file["size"].is_u64(), "{file}");
    }
}

#[test]
fn refusals_have_the_form_of_the_contract() {
    let contract = Contract::new();
    let (vault, private, none) = (Vaults::id("automation"), Vaults::id("private"), Vaults::id("none"));
    assert!(is_error(&contract.ask(Call::get("/v1/vaults")), 401, "Invalid token signature"));
    for (path, status, message) in [
        (format!("/v1/vaults/{private}/items/{none}"), 403, format!("vault {private} is not in scope")),
        (format!("/v1/vaults/{none}"), 404, format!("vault {none} not found")),
        (format!("/v1/vaults/{none}/items/{none}"), 404, format!("vault {none} not found")),
        (format!("/v1/vaults/{vault}/items/{none}"), 404, format!("item {none} not found")),
    ] {
        assert!(is_error(&contract.get(&path), status, &message), "{path}");
    }
}
