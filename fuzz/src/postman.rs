//! Postman's files.

use subrosa_interchange::postman::{Take, read_collection, read_environment, read_vault, write_environment};
use subrosa_interchange::{Contents, InterchangeError, Item};
use subrosa_secret::Name;

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
    let Ok(all) = read(data, Take::All) else { return };
    if let Ok(secrets) = read(data, Take::Secrets) {
        for item in secrets.items.iter() {
            assert!(all.items.iter().any(|other| other.name == item.name), "{}", item.name);
        }
    }
    is_written_again(&all);
}

/// What a file suggests stays a suggestion.
fn vault(data: &[u8]) {
    let Ok(contents) = read_vault(data) else { return };
    for item in contents.items.iter() {
        assert_eq!(item.policy.access, subrosa_secret::Access::Undecided);
    }
    is_written_again(&contents);
}

fn is_written_again(contents: &Contents) {
    let written =
        write_environment(&contents.items, "fuzz").expect("it was text").to_bytes().expect("in memory");
    let again = read_environment(&written, Take::Secrets).expect("what is written is read");
    assert!(again.items.iter().map(told).eq(contents.items.iter().map(told)), "it is read differently");
}
