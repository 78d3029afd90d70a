//! docs/send.md: every flag of curl, and of `send`, by what becomes of it. The page is made from the table of flags;
//! `UPDATE_DOCS=1 cargo test -p subrosa --bin subrosa reference` writes it anew.

use super::flags::{self, Flag, Section, Support, Takes};
use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};

const HEAD: &str = "\
# The flags of `subrosa send`

This page is made from the table of flags that the program itself uses; a test compares the two. Where a flag that works
differs from curl's, and why, stands in [curl.md](curl.md). A flag in none of these lists is an error, never ignored.
Several short flags can stand in one word, a value is the next word or the rest of a short flag's, and `--no-NAME` switches
`--NAME` off. `--next` begins a request with flags of its own; `-v`, `-s`, `-S`, `--fail-early`, `--rate`, `--stderr`,
`--no-progress-meter`, `--styled-output` and all of *Secrets* and *General* but `--refs` and `--expand-files` hold for all
requests of a command line.
";

fn page() -> String {
    let mut page = HEAD.to_owned();
    for section in Section::ALL {
        let _ = write!(page, "\n## {}\n\n| flag | what it does |\n|---|---|\n", section.heading());
        let flags = flags::all().filter(|flag| flag.section == section);
        for flag in flags.filter(|flag| matches!(flag.support, Support::Yes(_))) {
            let _ = writeln!(page, "| {} | {} |", name(flag), flag.help.replace('|', "\\|"));
        }
    }
    let list = |page: &mut String, text: &str, wanted: fn(&Support) -> bool| {
        let names: Vec<String> = flags::all().filter(|flag| wanted(&flag.support)).map(name).collect();
        if !names.is_empty() {
            let _ = write!(page, "\n{text}\n\n{}.\n", names.join(", "));
        }
    };
    list(&mut page, "## Accepted\n\nThey ask for what happens anyway:", |support| {
        matches!(support, Support::Already)
    });
    page.push_str("\n## Not here\n\n| flags of curl | why |\n|---|---|\n");
    for (why, names) in refused() {
        let _ = writeln!(page, "| {} | {why} |", names.join(", "));
    }
    page
}

/// The flags that `send` does not have, by the reason.
fn refused() -> Vec<(&'static str, Vec<String>)> {
    let mut reasons: Vec<(&str, Vec<String>)> = Vec::new();
    for flag in flags::all() {
        let Support::Never(why) = flag.support else { continue };
        match reasons.iter_mut().find(|(known, _)| *known == why) {
            Some((_, names)) => names.push(name(flag)),
            None => reasons.push((why, vec![name(flag)])),
        }
    }
    reasons
}

fn name(flag: &Flag) -> String {
    let value = match flag.takes {
        Takes::Value(value) if flag.section != Section::General || !flag.help.is_empty() => {
            format!(" {}", value.replace('|', "\\|"))
        }
        _ => String::new(),
    };
    match flag.short {
        Some(letter) => format!("`-{letter}`, `--{}{value}`", flag.long),
        None => format!("`--{}{value}`", flag.long),
    }
}

#[test]
fn the_reference_is_the_table_of_flags() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/send.md");
    let page = page();
    if env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &page).expect("docs/send.md");
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(written == page, "docs/send.md is not what the flags say: see the head of {}", file!());
}
