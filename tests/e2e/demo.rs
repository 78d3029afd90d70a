//! `subrosa demo`, which the README offers as the first thing to run.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::home::Home;

fn everything(home: &Home) -> BTreeSet<PathBuf> {
    let mut all = BTreeSet::new();
    let mut folders = vec![home.path("")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path.clone());
            }
            all.insert(path);
        }
    }
    all
}

#[test]
fn shows_the_main_job_and_leaves_nothing_behind() {
    let mut home = Home::bare();
    // neither a keychain nor a proxy is there to help
    home.set("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere");
    for name in ["http_proxy", "https_proxy", "HTTP_PROXY"] {
        home.set(name, "http://127.0.0.1:9");
    }
    let before = everything(&home);
    let run = home.run(&["demo"]).ok();
    assert_eq!(everything(&home), before);
    // paragraphs are wrapped, and what they say is not
    let shown = run.text().split_whitespace().collect::<Vec<_>>().join(" ");
    let at = |text: &str| shown.find(text).unwrap_or_else(|| panic!("{text:?} is missing: {run}"));
    let steps = [
        "$ subrosa init --key-file key",
        "$ subrosa set demo-key --host http://localhost:",
        "$ subrosa list demo-key ready",
        "$ subrosa send -v --mask -H 'Authorization: Key <<vault:demo-key>>' http://localhost:",
        "> Authorization: Key <<vault:demo-key>>",
        "you sent: Authorization: Key <<vault:demo-key>>",
        "Authorization: Key demo-",
        "https://api.example.com is not among its allowed hosts (http://localhost:",
        "it is allowed in header only, not in body; nothing was sent",
        "$ subrosa audit show",
        "$ subrosa verify sound: ",
        "no file in the scratch folder holds it in clear",
    ];
    let places: Vec<usize> = steps.map(at).into();
    assert!(places.is_sorted(), "{places:?} {run}");
    assert!(run.err.is_empty(), "{run}");
    assert!(!shown.contains("\u{1b}["), "{run}");
}

#[test]
fn leaves_the_users_own_vault_alone() {
    let home = Home::new();
    home.store("demo-key", "made-up-own-value", &[]);
    let before = std::fs::read(home.database()).expect("the database");
    home.run(&["demo"]).ok();
    assert!(std::fs::read(home.database()).expect("the database") == before);
    assert_eq!(home.run(&["get", "demo-key"]).ok().text(), "made-up-own-value");
}
