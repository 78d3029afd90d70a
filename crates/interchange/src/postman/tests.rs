use super::*;
use crate::{Contents, InterchangeError, Item, Items, Place};
use subrosa_secret::{Name, SecretValue};

fn text(item: &Item) -> Option<&str> {
    item.value.as_ref().map(|value| str::from_utf8(value.expose_secret()).unwrap())
}

/// Names and values; they are compared with texts of the test, which live as long.
fn pairs(contents: &Contents) -> Vec<(&'static str, Option<&'static str>)> {
    let kept = |text: &str| &*text.to_owned().leak();
    contents.items.iter().map(|item| (kept(item.name.as_str()), text(&item).map(kept))).collect()
}

fn said(contents: &Contents) -> Vec<String> {
    contents.notices.iter().map(|notice| format!("{}: {}", notice.place, notice.text)).collect()
}

fn hosts(item: &Item) -> Vec<String> {
    item.proposed.iter().map(ToString::to_string).collect()
}

fn environment(values: &str) -> Contents {
    read_environment(format!(r#"{{"name":"e","values":[{values}]}}"#).as_bytes(), Take::Secrets).unwrap()
}

fn kind(result: Result<Contents, InterchangeError>) -> &'static str {
    result.err().expect("it is refused").kind()
}

#[test]
fn secrets_are_taken_and_the_rest_is_named() {
    let file = br#"{"name":"e","values":[
        {"key":"a","value":"1","type":"secret","enabled":true},
        {"key":"b","value":"2","type":"default","enabled":true},
        {"key":"c","value":"3","type":"secret","enabled":false,"description":"old"},
        {"key":"d","value":"","type":"secret"},
        {"key":"e","value":12.50,"type":"secret"},
        {"key":"","value":"x","type":"secret"}],"_postman_variable_scope":"globals"}"#;
    let contents = read_environment(file, Take::Secrets).unwrap();
    assert_eq!(pairs(&contents), [("a", Some("1")), ("c", Some("3")), ("d", None), ("e", Some("12.50"))]);
    let states: Vec<bool> = contents.items.iter().map(|item| item.policy.enabled).collect();
    assert_eq!(states, [true, false, true, true]);
    assert_eq!(contents.items.get(1).description, "old");
    assert_eq!(contents.items.get(1).place, Place::Path("values[2]".into()));
    assert_eq!(
        said(&contents),
        [
            "values[5]: a variable without a name is left out",
            "the file: 1 variable is not of type secret and left out: \"b\"",
        ]
    );
    assert_eq!(read_environment(file, Take::All).unwrap().items.len(), 5);
}

#[test]
fn the_last_enabled_one_counts() {
    let contents = environment(
        r#"{"key":"a","value":"1","type":"secret"},{"key":"a","value":"2","type":"secret","disabled":true},
           {"key":"b","value":"1","type":"secret"},{"key":"b","value":"2","type":"secret"},
           {"key":"c","value":"1","type":"secret","enabled":false},{"key":"c","value":"2","type":"secret","enabled":false}"#,
    );
    assert_eq!(pairs(&contents), [("a", Some("1")), ("b", Some("2")), ("c", Some("2"))]);
    assert_eq!(contents.notices.len(), 3);
}

#[test]
fn two_keys_never_share_a_name() {
    let file = |a: &str, b: &str| {
        format!(r#"{{"values":[{{"key":"{a}","value":"1"}},{{"key":"{b}","value":"2"}}]}}"#)
    };
    for (a, b) in [("a!", "a?"), ("a!", "a"), ("a", "a!")] {
        assert_eq!(kind(read_environment(file(a, b).as_bytes(), Take::All)), "malformed", "{a} {b}");
    }
    let same = read_environment(file("a!", "a!").as_bytes(), Take::All).unwrap();
    assert_eq!(pairs(&same), [("a", Some("2"))]);
}

#[test]
fn values_that_are_elsewhere_or_made_of_others_are_told() {
    let contents = environment(
        r#"{"key":"a","value":"x","secret":true,"source":{"provider":"azure","id":"y"}},
           {"key":"b","secret":true,"source":{}},
           {"key":"c","value":"{{other}}","type":"secret"},{"key":"d","value":"<<vault:d>>","type":"secret"},
           {"key":"e","value":"{{not","type":"secret"}"#,
    );
    assert_eq!(pairs(&contents), [("e", Some("{{not"))]);
    assert_eq!(
        said(&contents)[0],
        "values[0]: the value of \"a\" is kept by \"azure\" and is not in the file"
    );
    assert_eq!(contents.notices.len(), 4);
}

#[test]
fn the_scope_of_the_vault_brings_hosts() {
    let contents = read_vault(
        br#"{"id":"vault","prefix":"vault:","values":[
            {"key":"vault:a","value":"1","_domains":["https://*.example.com","api.example.org:8443"]},
            {"key":"b","value":"2","_domains":["*"]},
            {"key":"vault:c","value":"3","_domains":["*.co.uk","http://localhost:3000/x"]},
            {"key":"vault:d","value":"4"}]}"#,
    )
    .unwrap();
    assert_eq!(pairs(&contents), [("a", Some("1")), ("b", Some("2")), ("c", Some("3")), ("d", Some("4"))]);
    assert_eq!(
        hosts(&contents.items.get(0)),
        ["https://*.example.com:*", "https://example.com:*", "api.example.org:8443"]
    );
    assert!(contents.items.get(1).proposed.is_empty() && contents.items.get(3).proposed.is_empty());
    assert_eq!(hosts(&contents.items.get(2)), ["http://localhost:3000"]);
    let said = said(&contents);
    assert_eq!(said.len(), 5, "{said:#?}");
    assert!(said[2].starts_with("values[1]: b: the imported secret may go to any host"));
    assert!(said[3].starts_with("values[2]: c: an allowed domain is left out: '*.co.uk'"));
    let refused = br#"{"id":"vault","values":[{"key":"a","value":"1","_domains":"x"}]}"#;
    assert_eq!(kind(read_vault(refused)), "malformed");
}

const COLLECTION: &str = r#"{
  "info": {"name": "Shop", "schema": "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"},
  "variable": [
    {"key": "base", "value": "https://api.example.com/v1"},
    {"key": "token", "value": "t", "type": "secret"}
  ],
  "auth": {"type": "bearer", "bearer": [{"key": "token", "value": "of all", "type": "string"}]},
  "item": [
    {"name": "plain", "request": {"url": {"raw": "{{base}}/a"}}},
    {"name": "text", "request": "https://files.example.com:8443/x"},
    {"name": "off", "request": {"auth": {"type": "noauth"}, "url": "https://nowhere.example.com"}},
    {"name": "Admin", "auth": {"type": "basic", "basic": {"username": "root", "password": "pw", "showPassword": false}},
     "item": [{"name": "inner", "request": {"url": "http://{{host}}/x"}},
              {"name": "GET /key?x=1", "request": {"url": "https://k.example.com/{{path}}",
               "auth": {"type": "apikey", "apikey": [{"key": "value", "value": "k1"}, {"key": "in", "value": "query"}]}}},
              {"name": "made", "request": {"url": "https://k.example.com",
               "auth": {"type": "bearer", "bearer": [{"key": "token", "value": "{{token}}"}]}}}]},
    {"name": "odd", "request": {"url": "https://x.example.com", "auth": {"type": "akamai2"}}}
  ]
}"#;

#[test]
fn a_collection_gives_its_variables_and_what_its_auth_keeps_secret() {
    let contents = read_collection(COLLECTION.as_bytes(), Take::Secrets).unwrap();
    let expected = [
        ("token", Some("t")),
        ("GET -key-apikey:value", Some("k1")),
        ("Admin-basic:password", Some("pw")),
        ("Shop-bearer:token", Some("of all")),
    ];
    assert_eq!(pairs(&contents), expected);
    assert_eq!(
        hosts(&contents.items.get(3)),
        ["https://api.example.com;header", "https://files.example.com:8443;header"]
    );
    assert!(contents.items.get(2).proposed.is_empty());
    assert_eq!(hosts(&contents.items.get(1)), ["https://k.example.com;query"]);
    assert_eq!(contents.items.get(1).place, Place::Path("item[3].item[1].request.auth".into()));
    let said = said(&contents);
    assert!(said.iter().any(|line| line.contains("bearer:token is made of variables")), "{said:#?}");
    assert!(
        said.iter()
            .any(|line| line == "item[4].request.auth: this kind of auth is not known and is left out")
    );
}

#[test]
fn requests_go_where_the_parts_of_their_url_say() {
    let proposed = |url: &str| {
        let auth = r#"{"type":"bearer","bearer":{"token":"t"}}"#;
        let variables = r#"[{"key":"base","value":"https://base.example.com/v1"}]"#;
        let file = format!(
            r#"{{"info":{{}},"variable":{variables},"item":[{{"name":"r","request":{{"url":{url},"auth":{auth}}}}}]}}"#
        );
        let contents = read_collection(file.as_bytes(), Take::Secrets).unwrap();
        hosts(&contents.items.get(0)).join(" ")
    };
    for (url, host) in [
        (
            r#"{"protocol":"https","host":["api","example","com"],"path":["a"]}"#,
            "https://api.example.com;header",
        ),
        (
            r#"{"protocol":"https://","host":"api.example.com","port":8443}"#,
            "https://api.example.com:8443;header",
        ),
        (
            r#"{"raw":"https://said.example.com","protocol":"https","host":["sent","example","com"]}"#,
            "https://sent.example.com;header",
        ),
        (r#"{"host":["{{base}}"],"path":["a"]}"#, "https://base.example.com;header"),
        (r#"{"protocol":"https","host":["{{tenant}}","example","com"]}"#, ""),
        (r#"{"host":["api","example","com"]}"#, ""),
        (r#"{"protocol":"https","host":["a@b","example"],"port":"x"}"#, ""),
        (r#"{"protocol":"https","host":[["nested"]]}"#, ""),
        (r#"{"raw":"https://raw.example.com/x"}"#, "https://raw.example.com;header"),
    ] {
        assert_eq!(proposed(url), host, "{url}");
    }
}

#[test]
fn the_secret_fields_of_every_type_are_known_in_both_versions() {
    for (kind, fields) in [
        ("awsv4", "secretKey sessionToken"),
        ("digest", "password"),
        ("edgegrid", "accessToken clientToken clientSecret"),
        ("hawk", "authKey"),
        ("jwt", "secret privateKey"),
        ("asap", "privateKey"),
        ("ntlm", "password"),
        ("oauth1", "consumerSecret tokenSecret privateKey"),
        ("oauth2", "accessToken refreshToken clientSecret password"),
    ] {
        let list: Vec<String> =
            fields.split(' ').map(|field| format!(r#"{{"key":"{field}","value":"of {field}"}}"#)).collect();
        let object: Vec<String> =
            fields.split(' ').map(|field| format!(r#""{field}":"of {field}""#)).collect();
        for block in [format!("[{}]", list.join(",")), format!("{{{}}}", object.join(","))] {
            let file =
                format!(r#"{{"info":{{"name":"c"}},"auth":{{"type":"{kind}","{kind}":{block}}},"item":[]}}"#);
            let contents = read_collection(file.as_bytes(), Take::Secrets).unwrap();
            let names: Vec<&str> =
                (0..contents.items.len()).map(|number| contents.items.name(number)).collect();
            let wanted: Vec<String> = fields.split(' ').map(|field| format!("c-{kind}:{field}")).collect();
            assert_eq!(names, wanted);
        }
    }
}

#[test]
fn two_values_never_share_a_name() {
    let request = |value: &str, host: &str| {
        format!(
            r#"{{"name":"r","request":{{"url":"https://{host}","auth":{{"type":"bearer","bearer":{{"token":"{value}"}}}}}}}}"#
        )
    };
    let items = [request("1", "a.example"), request("2", "b.example"), request("1", "c.example")].join(",");
    let file = format!(r#"{{"info":{{}},"item":[{items}]}}"#);
    let contents = read_collection(file.as_bytes(), Take::Secrets).unwrap();
    assert_eq!(pairs(&contents), [("r-bearer:token", Some("1")), ("r-bearer-2:token", Some("2"))]);
    assert_eq!(hosts(&contents.items.get(0)), ["https://a.example;header", "https://c.example;header"]);
    assert_eq!(
        said(&contents),
        ["item[1].request.auth: r-bearer-2:token has a number, since another value has its name"]
    );
    let many: Vec<String> = (0..=100).map(|number| request(&number.to_string(), "a.example")).collect();
    let file = format!(r#"{{"info":{{}},"item":[{}]}}"#, many.join(","));
    assert_eq!(kind(read_collection(file.as_bytes(), Take::Secrets)), "malformed");
}

#[test]
fn hostile_i88_folders_too_deep_and_huge_fields_are_refused() {
    let deep = |levels: usize| {
        let folders = r#"{"name":"f","item":["#.repeat(levels) + &"]}".repeat(levels);
        format!(r#"{{"info":{{}},"item":[{folders}]}}"#)
    };
    assert!(read_collection(deep(40).as_bytes(), Take::Secrets).is_ok());
    for levels in [65, 1_000, 500_000] {
        let kind = kind(read_collection(deep(levels).as_bytes(), Take::Secrets));
        assert!(["too_deep", "malformed"].contains(&kind), "{levels}: {kind}");
    }
    let nested = format!(r#"{{"values":[{{"key":"a","value":{}}}]}}"#, "[".repeat(1 << 20));
    assert_eq!(kind(read_environment(nested.as_bytes(), Take::All)), "malformed");
    let huge = format!(r#"{{"values":[{{"key":"a","value":"{}"}}]}}"#, "x".repeat((1 << 20) + 1));
    assert_eq!(kind(read_environment(huge.as_bytes(), Take::All)), "value_too_large");
    assert_eq!(kind(read_vault(huge.as_bytes())), "value_too_large");
}

#[test]
fn hostile_i89_names_and_encodings() {
    let with = |key: &str| format!(r#"{{"values":[{{"key":"{key}","value":"v"}}]}}"#);
    for key in ["a\\u0000b", "a\\u001bb", "a\\u202eb", "\\ufeffa", "a\u{200b}b"] {
        assert_eq!(kind(read_environment(with(key).as_bytes(), Take::All)), "name", "{key}");
        assert_eq!(kind(read_vault(with(key).as_bytes())), "name", "{key}");
        let auth = r#"{"type":"bearer","bearer":{"token":"t"}}"#;
        let file = format!(r#"{{"info":{{"name":"{key}"}},"auth":{auth},"item":[]}}"#);
        assert_eq!(kind(read_collection(file.as_bytes(), Take::All)), "name", "{key}");
    }
    assert_eq!(pairs(&read_environment(with("../x").as_bytes(), Take::All).unwrap()), [("../x", Some("v"))]);
    let marked = format!("\u{feff}{}", with("a"));
    assert_eq!(read_environment(marked.as_bytes(), Take::All).unwrap().items.len(), 1);
    for bytes in [b"\xff\xfe{\0".as_slice(), b"{\0}\0"] {
        assert_eq!(kind(read_environment(bytes, Take::All)), "encoding");
        assert_eq!(kind(read_vault(bytes)), "encoding");
        assert_eq!(kind(read_collection(bytes, Take::All)), "encoding");
    }
    // one field twice: two readers could see two values
    let twice = br#"{"values":[{"key":"a","value":"1","value":"2"}]}"#;
    assert_eq!(kind(read_environment(twice, Take::All)), "malformed");
}

#[test]
fn errors_do_not_quote_values() {
    for file in
        [r#"{"values":"canary"}"#, r#"{"values":["canary"]}"#, r#"{"values":[{"key":"a","value":"canary}]}"#]
    {
        let error = read_environment(file.as_bytes(), Take::All).err().unwrap();
        assert!(!format!("{error}{error:?}").contains("canary"), "{error:?}");
    }
}

#[test]
fn an_environment_is_written_and_read_back() {
    let item = |name: &str, value: Option<&[u8]>| {
        let value = value.map(|value| SecretValue::new(value.to_vec()).unwrap());
        Item::new(Name::parse(name).unwrap(), value, Place::File)
    };
    let mut off = item("off", Some("x\"\\\u{1}\u{2028}é".as_bytes()));
    off.policy.enabled = false;
    off.description = "what \"it\" is".to_owned();
    let items = [item("prod/a:b", Some(b"1")), off, item("none", None), item("made", Some(b"{{x}}"))];
    let items = Items::of(&items).unwrap();
    let written = write_environment(&items, "My \"env\"").unwrap();
    assert_eq!(written.notices.len(), 1);
    assert!(written.notices[0].text.starts_with("made holds '{{'"));
    let written = written.to_bytes().unwrap();
    let back = read_environment(&written, Take::Secrets).unwrap();
    assert_eq!(pairs(&back), [("prod/a:b", Some("1")), ("off", Some("x\"\\\u{1}\u{2028}é")), ("none", None)]);
    assert!(!back.items.get(1).policy.enabled);
    assert_eq!(back.items.get(1).description, "what \"it\" is");
    assert_eq!(crate::detect(&written, None).unwrap(), crate::Format::PostmanEnvironment);
    let binary = Items::of(&[item("b", Some(b"\xff"))]).unwrap();
    let binary = write_environment(&binary, "e").err().unwrap();
    assert_eq!(binary.to_string(), "an environment of Postman cannot hold the value of b: it is no text");
}

#[test]
fn hostile_i88_a_million_objects_of_nothing_are_refused_before_they_take_memory() {
    let objects = "{},".repeat(crate::MAX_ITEMS);
    let file = format!(r#"{{"id":"vault","item":[{objects}{{}}],"values":[{objects}{{}}]}}"#);
    let bytes = file.as_bytes();
    assert_eq!(kind(read_collection(bytes, Take::All)), "too_many");
    // these go through them one by one
    for contents in [read_environment(bytes, Take::All), read_vault(bytes)] {
        let contents = contents.expect("it is read");
        assert_eq!((contents.items.len(), contents.notices.total()), (0, crate::MAX_ITEMS + 1));
    }
}

#[test]
fn hostile_i88_one_token_that_goes_everywhere_is_proposed_for_few_hosts() {
    let request = |number: u32| {
        format!(
            r#"{{"name":"r","request":{{"url":"https://h{number}.example","auth":{{"type":"bearer","bearer":{{"token":"t"}}}}}}}}"#
        )
    };
    let items: Vec<String> = (0..20_000).map(request).collect();
    let file = format!(r#"{{"info":{{}},"item":[{}]}}"#, items.join(","));
    let contents = read_collection(file.as_bytes(), Take::Secrets).unwrap();
    assert_eq!(pairs(&contents), [("r-bearer:token", Some("t"))]);
    assert_eq!(hosts(&contents.items.get(0)).len(), 32);
}

#[test]
fn what_is_wrong_in_a_list_is_told_by_its_line_in_the_file() {
    let file = "{\n\n\"values\": [\n{\"key\": \"a\"},\n7\n]}";
    for answer in [read_environment(file.as_bytes(), Take::All), read_vault(file.as_bytes())] {
        let error = answer.err().unwrap().to_string();
        assert!(error.contains("line 5"), "{error}");
    }
}

#[test]
fn hostile_i88_a_name_without_end_is_not_told() {
    let key = "k".repeat(1 << 20);
    for more in [r#""value":"{{a}}""#, r#""source":{"provider":"x"}"#, r#""value":"1""#] {
        let file = format!(r#"{{"values":[{{"key":"{key}",{more}}}]}}"#);
        for answer in [read_environment(file.as_bytes(), Take::Secrets), read_vault(file.as_bytes())] {
            let error = answer.err().expect("refused");
            assert!(error.kind() == "name" && error.to_string().len() < 100, "{more}");
        }
    }
}
