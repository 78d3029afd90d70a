//! The environment of a process.

use std::ffi::OsString;

use subrosa_interchange::environment as format;

use crate::input::part;
use crate::silence;

/// Variables, `NAME=value` each, after the pattern that says which are taken.
pub fn environment(data: &[u8]) {
    let (pattern, mut rest) = part(data);
    let Ok(pattern) = std::str::from_utf8(pattern) else { return };
    let mut variables = Vec::new();
    while !rest.is_empty() {
        let (variable, behind) = part(rest);
        let (name, value) = variable.split_at(variable.iter().position(|byte| *byte == b'=').unwrap_or(0));
        variables.push((name, value.get(1..).unwrap_or_default()));
        rest = behind;
    }
    let given = variables.iter().filter_map(|(name, value)| Some((os_string(name)?, os_string(value)?)));
    let read = format::read(given, &[pattern]);
    if silence::is_in(data) && variables.iter().any(|(_, value)| silence::is_part_of(value)) {
        silence::is_kept(&read);
    }
    let Ok(contents) = read else { return };
    let asked = |name: &[u8]| is_covered(pattern.as_bytes(), name) && !name.starts_with(b"SUBROSA_");
    let asked: Vec<_> = variables.iter().filter(|(name, _)| asked(name)).collect();
    assert!(contents.items.len() <= asked.len());
    for item in contents.items.iter() {
        let value = item.value.map(|value| value.expose_secret().to_vec()).unwrap_or_default();
        assert!(asked.iter().any(|(_, other)| *other == value), "{}", item.place);
    }
}

/// What an environment can hold on this system.
fn os_string(bytes: &[u8]) -> Option<OsString> {
    #[cfg(unix)]
    let text = Some(std::os::unix::ffi::OsStringExt::from_vec(bytes.to_vec()));
    #[cfg(not(unix))]
    let text = std::str::from_utf8(bytes).ok().map(OsString::from);
    text
}

/// Whether a pattern covers a text, by trying every length for a `*`.
fn is_covered(pattern: &[u8], text: &[u8]) -> bool {
    let mut covered = vec![false; text.len() + 1];
    covered[0] = true;
    for byte in pattern {
        let mut before = false;
        for (at, here) in covered.iter_mut().enumerate() {
            let was = *here;
            *here = match byte {
                b'*' => was || before,
                byte => before && at > 0 && text[at - 1] == *byte,
            };
            before = if *byte == b'*' { *here } else { was };
        }
    }
    covered[text.len()]
}
