//! Files that mean harm, several imports at once, and what the audit log has of it.

use std::fs::File;

use super::{export, import, names, traveller};

#[test]
fn hostile_i88_a_huge_file_of_nothing_is_refused_without_being_read() {
    let home = traveller();
    for (file, length) in [("junk", 200 << 20), ("more", 10 << 30)] {
        File::create(home.work().join(file)).expect("a file").set_len(length).expect("a sparse file");
        let run = home.run(&["import", file]).ends(1);
        assert!(run.err.contains("is not text") || run.err.contains("bytes"), "{run}");
    }
    home.feed(&["import", "-"], vec![0xff; 1 << 20]).ends(1).says("is not text");
    home.run(&["import", "."]).ends(2).says("is a folder");
    home.run(&["import", "none"]).ends(1).says("no such file");
    assert!(names(&home).is_empty());
}

#[test]
fn hostile_i90_a_file_with_one_wrong_line_stores_nothing() {
    let home = traveller();
    let mut lines: Vec<String> = (0..200).map(|number| format!("KEY_{number}=made-up-{number}")).collect();
    lines[150] = "this is no assignment made-up-line".to_owned();
    let run = home.feed(&["import", "-", "--format", "dotenv"], lines.join("\n")).ends(1);
    assert!(run.err.contains("line 151") && !run.shows("made-up"), "{run}");
    assert!(names(&home).is_empty());
}

#[test]
fn exports_and_imports_are_in_the_audit_log() {
    let home = traveller();
    home.store("a", "made-up", &[]);
    home.store("b", "made-up", &[]);
    export(&home, "all", &[]).ok();
    export(&home, "some", &["a"]).ok();
    import(&home, "all", &["--prefix", "x-"]).ok();
    let seen = home.run(&["audit", "show", "--json"]).ok().json();
    let entries = seen["entries"].as_array().expect("entries").iter();
    let entries: Vec<_> = entries
        .map(|one| {
            let word = |key: &str| one[key].as_str().unwrap_or("-").to_owned();
            let file = word("destination").rsplit('/').next().unwrap_or_default().to_owned();
            (word("action"), word("secret"), file)
        })
        .collect();
    let expected = [("export", "-", "all"), ("export", "a", "some"), ("import", "-", "all")];
    let expected =
        expected.map(|(action, secret, file)| (action.to_owned(), secret.to_owned(), file.to_owned()));
    assert_eq!(entries, expected);
    // an export of everything is one of b
    assert_eq!(home.run(&["audit", "show", "--secret", "b"]).ok().text().lines().count(), 1);
}

#[test]
fn many_imports_at_once_lose_nothing() {
    let home = traveller();
    let files: Vec<String> = (0..8).map(|file| format!("env-{file}")).collect();
    for (number, file) in files.iter().enumerate() {
        let lines = (0..50).map(|line| format!("KEY_{number}_{line}=made-up-{number}-{line}\n"));
        home.write(file, lines.collect::<String>());
    }
    std::thread::scope(|scope| {
        for file in &files {
            let home = &home;
            scope.spawn(move || home.run(&["import", file, "--format", "dotenv"]).ok());
        }
    });
    assert_eq!(names(&home).len(), 8 * 50);
    home.run(&["verify"]).ok();
}
