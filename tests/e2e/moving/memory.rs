//! How much memory exports and imports take, beside the file that they write or read: of the program as it is.

use std::fmt::Write as _;
use std::fs;
use std::process::Command;

use subrosa_testkit::needs;

use super::traveller;
use crate::home::{Home, PROGRAM};

/// The most bytes of memory for each byte of a file.
const MOST: f64 = 3.0;
/// What the heaps of threads differ by from run to run, in bytes.
const SLACK: f64 = 1e6;
/// So many secrets fill the buffers that do not grow with the file: the engine's cache, what is under way.
const FEW: u32 = 4_000;

/// What a file says of one secret.
type Secret = fn(u32) -> String;

fn typical(number: u32) -> String {
    let policy = r#"{"enabled":true,"send_only":false,"access":{"restricted":["api.example.com"]}}"#;
    format!(
        "{{\"name\":\"TEAM_{}_SERVICE_{number:07}\",\"value\":\"made-up-token-{number:020}\",\
         \"description\":\"token of service {number}\",\"tags\":[\"tried\"],\"policy\":{policy}}}",
        number % 40
    )
}

fn tiny(number: u32) -> String {
    format!("{{\"name\":\"K{number:05}\",\"value\":\"v{number:05}\"}}")
}

fn document(count: u32, secret: Secret) -> String {
    let mut text = String::from("{\"format\":\"subrosa-plain\",\"version\":1,\"secrets\":[");
    for number in 0..count {
        let _ = write!(text, "{}{}", if number == 0 { "" } else { "," }, secret(number));
    }
    text + "]}"
}

/// Runs subrosa and gives the most memory that was resident, in bytes.
fn peak(home: &Home, words: &[&str]) -> f64 {
    let mut command: Command = home.program("time");
    let output = command.args(["-f", "%M", "--", PROGRAM]).args(words).output().expect("it runs");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{words:?}: {told}");
    told.lines().last().and_then(|line| line.parse::<f64>().ok()).expect("a number of kilobytes") * 1024.0
}

/// What was measured of one way of writing secrets.
#[derive(Clone, Copy)]
struct Measured {
    length: f64,
    export: f64,
    import: f64,
    /// The same file once more.
    again: f64,
}

/// Takes so many secrets in, and measures each format on its way out and on its way into an empty vault.
fn measured(count: u32, secret: Secret) -> Vec<(&'static str, Measured)> {
    let home = traveller();
    home.write("arriving", document(count, secret));
    home.run(&["import", "arriving"]).ok();
    let key = home.work().join("key");
    let made = Command::new("age-keygen").arg("-o").arg(&key).output().expect("age-keygen");
    let recipient = String::from_utf8_lossy(&made.stderr).trim().replace("Public key: ", "");
    let forms: [(&str, &[&str]); 4] = [
        ("plain", &["--plaintext", "json", "--yes"]),
        ("dotenv", &["--plaintext", "dotenv", "--yes"]),
        ("postman", &["--plaintext", "postman", "--yes"]),
        ("age", &["--recipient", &recipient]),
    ];
    let of_form = |(name, words): (&'static str, &[&str])| {
        let export = peak(&home, &[&["export", "-o", name], words].concat());
        let length = fs::metadata(home.work().join(name)).expect("the file").len() as f64;
        let other = Home::new();
        super::hand_over(&home, name, &other);
        let identity = ["--identity", key.to_str().expect("a path")];
        let identity = if name == "age" { &identity[..] } else { &[] };
        let words = [&["import", name], identity].concat();
        let (import, again) = (peak(&other, &words), peak(&other, &words));
        (name, Measured { length, export, import, again })
    };
    forms.map(of_form).to_vec()
}

fn hold(what: &str, most: u32, secret: Secret) {
    if !needs(&["time", "age-keygen"]) {
        return;
    }
    for ((name, few), (_, many)) in measured(FEW, secret).into_iter().zip(measured(most, secret)) {
        let longer = many.length - few.length;
        let export = (many.export - few.export) / longer;
        assert!(
            export * longer < MOST * longer + SLACK,
            "{what}: an export as {name} takes {export:.2} times its file"
        );
        for (import, few, many) in
            [("an import", few.import, many.import), ("an import of what is there", few.again, many.again)]
        {
            let taken = (many - few) / longer;
            assert!(
                taken * longer < MOST * longer + SLACK,
                "{what}: {import} of {name} takes {taken:.2} times its file"
            );
        }
    }
}

#[test]
fn typical_secrets_take_less_than_three_times_their_file() {
    hold("typical", 20_000, typical);
}

#[test]
fn tiny_secrets_take_less_than_three_times_their_file() {
    hold("tiny", 60_000, tiny);
}

#[test]
fn what_replaces_typical_secrets_takes_less_than_three_times_its_file() {
    grows("over", |home, count| {
        home.write("first", document(count, typical));
        home.run(&["import", "first"]).ok();
        let text = document(count, typical).replace("made-up", "another");
        home.write("over", &text);
        (text.len(), peak(home, &["import", "over", "--on-conflict", "replace"]))
    });
}

#[test]
fn what_a_collection_keeps_secret_takes_less_than_three_times_its_file() {
    grows("collection", |home, count| {
        let text = collection(count);
        home.write("collection", &text);
        (text.len(), peak(home, &["import", "collection"]))
    });
}

/// Holds what grows from one file to a longer one, of which the length and the memory are given.
fn grows(what: &str, measure: impl Fn(&Home, u32) -> (usize, f64)) {
    if !needs(&["time"]) {
        return;
    }
    let [few, many] = [FEW, 20_000].map(|count| measure(&Home::new(), count));
    let (longer, more) = ((many.0 - few.0) as f64, many.1 - few.1);
    assert!(more < MOST * longer + SLACK, "{what}: an import takes {:.2} times its file", more / longer);
}

/// A collection in which each request has a token of its own.
#[allow(dead_code)]
fn collection(count: u32) -> String {
    let request = |number: u32| {
        format!(
            "{{\"name\":\"request {number}\",\"request\":{{\"method\":\"GET\",\"url\":{{\"raw\":\"https://api.example.com/{number}\"}},\
             \"auth\":{{\"type\":\"bearer\",\"bearer\":[{{\"key\":\"token\",\"value\":\"made-up-{number:020}\"}}]}}}}}}"
        )
    };
    let requests: Vec<String> = (0..count).map(request).collect();
    format!("{{\"info\":{{\"name\":\"c\"}},\"item\":[{}]}}", requests.join(","))
}
