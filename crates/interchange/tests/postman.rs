//! Environments of ours in the hands of the real newman.

use std::process::Command;

use proptest::prelude::*;
use subrosa_interchange::postman::{Take, read_collection, read_environment, write_environment};
use subrosa_interchange::{Format, Item, Items, Place, detect};
use subrosa_secret::{Name, SecretValue};
use subrosa_testkit::{CaptureOptions, CaptureServer, Folder, backend_node};

fn item(name: &str, value: &str) -> Item {
    let value = SecretValue::new(value.as_bytes().to_vec()).expect("short");
    Item::new(Name::parse(name).expect("a name"), Some(value), Place::File)
}

/// One request whose body is what its script finds in the environment, and whose headers have variables in them.
fn collection(port: u16) -> String {
    format!(
        r#"{{
  "info": {{"name": "c", "schema": "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"}},
  "item": [{{
    "name": "r",
    "event": [{{"listen": "prerequest", "script": {{"exec": [
      "pm.variables.set('all', encodeURIComponent(JSON.stringify(pm.environment.toObject())))"
    ]}}}}],
    "request": {{
      "method": "POST",
      "url": "http://127.0.0.1:{port}/",
      "header": [{{"key": "X-Token", "value": "{{{{prod/stripe-key}}}}"}}, {{"key": "X-Off", "value": "{{{{off}}}}"}}],
      "body": {{"mode": "raw", "raw": "{{{{all}}}}"}}
    }}
  }}]
}}"#
    )
}

#[test]
fn newman_reads_an_environment_of_ours() {
    let Some(home) = backend_node() else { return };
    let values = [
        ("prod/stripe-key", "sk_test_1"),
        ("postman-api:token", "quotes \" ' ` and \\ backslash"),
        ("lines", "-----BEGIN KEY-----\nab\r\ncd\n-----END KEY-----\n"),
        ("schlüssel", "\u{1}\t\u{2028}é鍵 😀 <&>"),
        ("empty", ""),
    ];
    let mut items: Vec<Item> = values.iter().map(|(name, value)| item(name, value)).collect();
    let mut off = item("off", "never");
    off.policy.enabled = false;
    items.push(off);
    let items = Items::of(&items).expect("few");
    let written = write_environment(&items, "of ours").expect("ready").to_bytes().expect("in memory");

    let server = CaptureServer::start(CaptureOptions::default());
    let folder = Folder::new();
    let environment = folder.write("environment.json", &*written);
    let file = folder.write("collection.json", collection(server.port()));
    let output = Command::new("node")
        .arg(home.join("node_modules/newman/bin/newman.js"))
        .arg("run")
        .arg(&file)
        .arg("--environment")
        .arg(&environment)
        .current_dir(folder.path())
        .output()
        .expect("newman runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));

    let requests = server.requests();
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].header("X-Token"), [b"sk_test_1"]);
    let body = String::from_utf8(requests[0].body.clone()).expect("text");
    let body = percent_encoding::percent_decode_str(&body).decode_utf8().expect("text").into_owned();
    let seen: serde_json::Value = serde_json::from_str(&body).expect("JSON");
    for (name, value) in values {
        assert_eq!(seen[name], value, "{name}");
    }
    assert_eq!(requests[0].header("X-Off"), [b"{{off}}"], "a disabled variable has no value");
}

/// Prints a collection and an environment, each on a line, as Postman's own library writes them.
const WRITER: &str = r#"
const { Collection, VariableScope } = require(process.argv[1]);
const bearer = { type: "bearer", bearer: [{ key: "token", value: "of all", type: "string" }] };
const hawk = { type: "hawk", hawk: [{ key: "authKey", value: "k" }, { key: "authId", value: "id" }] };
const item = [
  { name: "first", request: "https://api.example.com/a?b=c" },
  { name: "folder", item: [{ name: "second", request: { url: "https://echo.example.com:8443/", auth: hawk } }] },
];
// it keeps no type of a variable
const variable = [{ key: "secret", value: "s", type: "secret" }, { key: "plain", value: "p" }];
const values = [
  { key: "on", value: "1", type: "secret" },
  { key: "off", value: "2", type: "secret", disabled: true },
  { key: "twice", value: "3" },
  { key: "twice", value: "4", disabled: true },
];
console.log(JSON.stringify(new Collection({ info: { name: "Shop" }, variable, auth: bearer, item })));
console.log(JSON.stringify(new VariableScope({ name: "e", values })));
"#;

#[test]
fn what_postmans_own_library_writes_is_recognised_and_read() {
    let Some(home) = backend_node() else { return };
    let library = home.join("node_modules/postman-collection");
    let output = Command::new("node").args(["-e", WRITER]).arg(&library).output().expect("node runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let written = String::from_utf8(output.stdout).expect("text");
    let (collection, environment) = written.split_once('\n').expect("two lines");

    assert_eq!(detect(collection.as_bytes(), None).expect("known"), Format::PostmanCollection);
    let contents = read_collection(collection.as_bytes(), Take::All).expect("read");
    let told: Vec<_> = contents.items.iter().map(|item| (item.name.to_string(), hosts(&item))).collect();
    assert_eq!(
        told,
        [
            ("secret".to_owned(), String::new()),
            ("plain".to_owned(), String::new()),
            ("second-hawk:authKey".to_owned(), "https://echo.example.com:8443;header".to_owned()),
            ("Shop-bearer:token".to_owned(), "https://api.example.com;header".to_owned()),
        ]
    );

    assert_eq!(detect(environment.as_bytes(), None).expect("known"), Format::PostmanEnvironment);
    let contents = read_environment(environment.as_bytes(), Take::All).expect("read");
    let told: Vec<_> =
        contents.items.iter().map(|item| (item.name.to_string(), item.policy.enabled)).collect();
    assert_eq!(told, [("on".to_owned(), true), ("off".to_owned(), false), ("twice".to_owned(), true)]);
}

fn hosts(item: &Item) -> String {
    item.proposed.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_read_back(
        values in prop::collection::vec((any::<String>(), any::<bool>(), any::<String>()), 0..6)
    ) {
        let values: Vec<_> = values.into_iter().filter(|(value, ..)| !value.contains("{{")).collect();
        let items: Vec<Item> = values.iter().enumerate().map(|(at, (value, enabled, description))| {
            let mut item = item(&format!("n{at}"), value);
            item.policy.enabled = *enabled;
            item.description = description.clone();
            item
        }).collect();
        let items = Items::of(&items).expect("few");
        let written = write_environment(&items, "e").expect("ready").to_bytes().expect("in memory");
        prop_assert_eq!(detect(&written, None).ok(), Some(Format::PostmanEnvironment));
        let back = read_environment(&written, Take::Secrets).expect("it is read");
        prop_assert!(back.notices.is_empty());
        prop_assert_eq!(back.items.len(), items.len());
        for (back, (value, enabled, description)) in back.items.iter().zip(&values) {
            let text = back.value.as_ref().map(|value| value.expose_secret()).unwrap_or_default();
            prop_assert_eq!(text, value.as_bytes());
            prop_assert_eq!(back.policy.enabled, *enabled);
            prop_assert_eq!(&back.description, description);
        }
    }
}
