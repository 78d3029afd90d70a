//! Postman's files.

use subrosa_interchange::postman::{Take, read_collection, read_environment, read_vault, write_environment};
use subrosa_interchange::{Contents, InterchangeError, Item};
use subrosa_secret::Name;

use crate::silence;

/// The first byte says what the rest is: an `e`nvironment or globals, a `c`ollection, or the `v`ault scope.
pub fn postman(data: &[u8]) {
    let Some((kind, data)) = data.split_first() else { return };
    match kind {
        b'e' => variables(data, read_environment),
        b'c' => variables(data, read_collection),
        b'v' => vault(data),
        _ => {}
    }
}

/// All that is told of a secret in an environment.
fn told(item: Item) -> (Name, Vec<u8>, String, bool) {
    let value = item.value.map(|value| value.expose_secret().to_vec()).unwrap_or_default();
    (item.name, value, item.description, item.policy.enabled)
}

/// What is marked as secret is among all; all is what is written and read again.
fn variables(data: &[u8], read: fn(&[u8], Take) -> Result<Contents, InterchangeError>) {
    let (all, secrets) = (read(data, Take::All), read(data, Take::Secrets));
    tells_no_value(data, &[&all, &secrets]);
    let Ok(all) = all else { return };
    if let Ok(secrets) = secrets {
        for item in secrets.items.iter() {
            assert!(all.items.iter().any(|other| other.name == item.name), "{}", item.name);
        }
    }
    is_written_again(&all);
}

/// What a file suggests stays a suggestion.
fn vault(data: &[u8]) {
    let read = read_vault(data);
    tells_no_value(data, &[&read]);
    let Ok(contents) = read else { return };
    for item in contents.items.iter() {
        assert_eq!(item.policy.access, subrosa_secret::Access::Undecided);
    }
    is_written_again(&contents);
}

/// What a field `value` says is never told.
fn tells_no_value(data: &[u8], read: &[&Result<Contents, InterchangeError>]) {
    if !silence::is_in(data) {
        return;
    }
    let Ok(document) = serde_json::from_slice(data) else { return };
    if silence::is_said_by(&["value"], &document) {
        read.iter().for_each(|read| silence::is_kept(read));
    }
}

fn is_written_again(contents: &Contents) {
    let written =
        write_environment(&contents.items, "fuzz").expect("it was text").to_bytes().expect("in memory");
    let again = read_environment(&written, Take::Secrets).expect("what is written is read");
    assert!(again.items.iter().map(told).eq(contents.items.iter().map(told)), "it is read differently");
}
