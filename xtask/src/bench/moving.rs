//! Many secrets out of a vault, and into one.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::contest::{Contest, command};
use super::home::Home;
use super::{ROUNDS, peers::Peers, prepare};
use crate::process::is_installed;

/// Rounds of what takes a tenth of a second and more.
const FEW: usize = ROUNDS / 2;

/// Exports and imports without deriving a key from a passphrase, and what encryption adds to that.
pub(super) fn measure(home: &Home, peers: &Peers, count: u32, empty: &Home) -> Result<(), String> {
    let file = |name: &str| home.path(name).to_string_lossy().into_owned();
    let (plain, sealed, env, pass) = (file("plain.json"), file("sealed"), file("plain.env"), file("pass"));
    fs::write(home.path("pass"), "gather-lunch-violin-absent").map_err(|error| error.to_string())?;
    private(&home.path("pass"))?;
    let budget = |budget: &'static str| if count == 10_000 { budget } else { "" };

    let exported = ["export", "--force", "--yes", "--plaintext", "json", "-o", &plain];
    let key = age_key(home)?;
    let mut out = Contest::new(format!("export, {count} secrets, no key derived"), budget("<= 120 ms"));
    out.enter("subrosa, plain", |_| home.command(&exported));
    if let Some(key) = &key {
        out.enter("subrosa, for an age recipient", |_| {
            home.command(&["export", "--force", "--recipient", key, "-o", &sealed])
        });
    }
    peers.enter_export(&mut out);
    out.hold(FEW);

    prepare(&mut home.command(&exported))?;
    prepare(&mut home.command(&["export", "--force", "--yes", "--plaintext", "dotenv", "-o", &env]))?;
    let mut into = Contest::new(format!("import, {count} secrets into an empty vault"), budget("<= 250 ms"));
    for (name, file) in [("subrosa, plain", &plain), ("subrosa, a file of variables", &env)] {
        into.enter(name, |_| {
            empty.empty();
            empty.command(&["import", file])
        });
    }
    peers.enter_import(&mut into);
    into.hold(FEW);

    over(&plain, empty, count)?;

    let mut derived = Contest::new(format!("export under a passphrase, {count} secrets, key derived"), "");
    let words = ["export", "--force", "--export-passphrase-file", &pass, "-o", &sealed];
    derived.enter("subrosa", |_| home.command(&words));
    derived.enter("subrosa, one secret of them", |_| {
        home.command(&[&words[..], &[&super::home::name(0)]].concat())
    });
    derived.hold(FEW);
    prepare(&mut home.command(&words))?;
    let mut derived = Contest::new(format!("import under a passphrase, {count} secrets, key derived"), "");
    derived.enter("subrosa", |_| {
        empty.empty();
        empty.command(&["import", "--export-passphrase-file", &pass, &sealed])
    });
    derived.hold(FEW);
    Ok(())
}

/// Imports into a vault that has all of the names: of what it has already, and of other values in turn.
fn over(plain: &str, home: &Home, count: u32) -> Result<(), String> {
    let text = fs::read_to_string(plain).map_err(|error| error.to_string())?;
    let other = home.path("other.json").to_string_lossy().into_owned();
    fs::write(&other, text.replace("\"value\":\"", "\"value\":\"other-"))
        .map_err(|error| error.to_string())?;
    home.empty();
    prepare(&mut home.command(&["import", plain]))?;
    let mut over = Contest::new(format!("import, {count} secrets that the vault has"), "");
    over.enter("subrosa", |_| home.command(&["import", plain]));
    over.hold(FEW);
    let mut over = Contest::new(format!("import, {count} other values for names that the vault has"), "");
    over.enter("subrosa", |round| {
        let file = if round.is_multiple_of(2) { &other } else { plain };
        home.command(&["import", "--on-conflict", "replace", file])
    });
    over.hold(FEW);
    Ok(())
}

/// A recipient of nobody.
fn age_key(home: &Home) -> Result<Option<String>, String> {
    if !is_installed("age-keygen") {
        return Ok(None);
    }
    let key = home.path("age-key");
    let _ = fs::remove_file(&key);
    prepare(Command::new("age-keygen").arg("-o").arg(&key))?;
    let text = fs::read_to_string(&key).map_err(|error| error.to_string())?;
    let key = text.lines().find_map(|line| line.strip_prefix("# public key: "));
    Ok(key.map(|key| key.trim().to_owned()))
}

pub(super) fn private(path: &Path) -> Result<(), String> {
    prepare(command(Path::new("chmod"), &["600"]).arg(path))
}
