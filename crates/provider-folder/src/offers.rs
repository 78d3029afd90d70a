//! Which files of a folder can be linked.

use std::{fs, path::Path};

use subrosa_provider::{ErrorKind, Offer, Offers, ProviderError};

use crate::{file, target};

/// Folders within folders that are looked through.
const MAX_DEPTH: usize = 8;
/// Files and folders that are looked at: a home directory is no folder of secrets.
const MAX_ENTRIES: usize = 10_000;

/// The files below a folder that have `search` in their path. What Kubernetes keeps for itself (`..data`) is left out, and links
/// to folders are not followed: both would show a file twice.
pub(crate) fn below(folder: &Path, search: &str, limit: usize) -> Result<Offers, ProviderError> {
    let search = search.to_lowercase();
    let (mut offers, mut looked_at) = (Offers::default(), 0);
    let mut folders = vec![(String::new(), 0)];
    while let Some((path, depth)) = folders.pop() {
        let entries = match fs::read_dir(folder.join(&path)) {
            Ok(entries) => entries,
            // a part that is not for this user has nothing for this user
            Err(_) if depth > 0 => continue,
            Err(error) => {
                let text = format!("{} cannot be read", folder.display());
                return Err(ProviderError::new(ErrorKind::Unavailable, text).caused_by(error));
            }
        };
        for entry in entries.flatten() {
            looked_at += 1;
            if looked_at > MAX_ENTRIES {
                offers.more = true;
                break;
            }
            let name = entry.file_name();
            let Some(name) = name.to_str().filter(|name| !name.starts_with("..")) else { continue };
            let below = if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") };
            match entry.file_type() {
                Ok(kind) if kind.is_dir() && depth < MAX_DEPTH => folders.push((below, depth + 1)),
                Ok(kind) if kind.is_dir() => offers.more = true,
                Ok(_) => offers.found.extend(offer(folder, &below, &search)),
                Err(_) => {}
            }
        }
    }
    offers.found.sort_by(|one, other| one.target.cmp(&other.target));
    offers.more |= offers.found.len() > limit;
    offers.found.truncate(limit);
    Ok(offers)
}

fn offer(folder: &Path, path: &str, search: &str) -> Option<Offer> {
    let target = target::canonical(path).ok()?;
    let is_wanted = target.to_lowercase().contains(search) && file::is_there(folder, &target);
    is_wanted.then(|| Offer { target, about: String::new() })
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn targets(offers: &Offers) -> Vec<&str> {
        offers.found.iter().map(|offer| offer.target.as_str()).collect()
    }

    /// As Kubernetes mounts a Secret, and with what does not belong into such a folder.
    #[test]
    fn what_can_be_read_is_offered_once() {
        let place = tempfile::tempdir().expect("a folder");
        let folder = place.path().join("secrets");
        fs::create_dir_all(folder.join("..2026/sub")).expect("folders");
        fs::create_dir_all(folder.join("db")).expect("folders");
        fs::write(place.path().join("outside"), "outside").expect("a file");
        for file in ["..2026/token", "db/Password", "db/user"] {
            fs::write(folder.join(file), "inside").expect("a file");
        }
        for (to, link) in
            [("..2026", "..data"), ("..data/token", "token"), ("../outside", "up"), ("db", "again")]
        {
            symlink(to, folder.join(link)).expect("a link");
        }
        let all = below(&folder, "", 10).expect("offers");
        assert_eq!(targets(&all), ["db/Password", "db/user", "token"]);
        assert!(!all.more);
        let some = below(&folder, "PASS", 10).expect("offers");
        assert_eq!(targets(&some), ["db/Password"]);
        let first = below(&folder, "", 1).expect("offers");
        assert_eq!(targets(&first), ["db/Password"]);
        assert!(first.more, "that there is more is told");
        assert!(below(&folder.join("gone"), "", 1).is_err());
    }
}
