//! The policy of the machine: a file that only root can have written.
//!
//! ```toml
//! export = "encrypted"       # or "all", "none"
//! ```
//!
//! Its place is fixed: a variable of the environment could name another file. What others than root could have
//! written, or what cannot be read, is not taken for a policy, and neither for the lack of one: everything that asks for
//! the policy is refused.

use super::Exports;
use crate::failure::{Failure, Outcome, reason};
use serde::Deserialize;
use std::fs::{self, File, Metadata};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

/// Larger files are no policy.
const MAX_LEN: u64 = 64 << 10;
const FILE: &str = "policy.toml";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Policy {
    export: Option<Exports>,
}

/// Where the policy of the machine stands.
pub(crate) fn path() -> PathBuf {
    let folder = if cfg!(windows) { r"C:\ProgramData\subrosa" } else { "/etc/subrosa" };
    Path::new(folder).join(FILE)
}

/// What the machine's policy says about exports; `None` where there is none.
pub(crate) fn of_machine() -> Outcome<Option<Exports>> {
    of_file(&path(), 0)
}

/// That of a file that belongs to `owner`, as its folder does.
fn of_file(path: &Path, owner: u32) -> Outcome<Option<Exports>> {
    let folder = path.parent().unwrap_or(path);
    for place in [folder, path] {
        let found = match fs::symlink_metadata(place) {
            Ok(found) => found,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unusable(place, &reason(&error))),
        };
        let is_kind = if place == folder { found.is_dir() } else { found.is_file() };
        if !is_kind {
            let kind = if place == folder { "a folder" } else { "a regular file" };
            return Err(unusable(place, &format!("it is not {kind}")));
        }
        if let Some(why) = foreign(&found, owner) {
            return Err(unusable(place, why));
        }
    }
    // nobody but the owner of the folder could have put another file there meanwhile
    let text = read(path).map_err(|why| unusable(path, &why))?;
    let policy: Policy = toml::from_str(&text).map_err(|error| {
        let line = error.span().map_or(0, |span| 1 + text[..span.start].matches('\n').count());
        unusable(path, &format!("line {line}: {}", error.message()))
    })?;
    Ok(policy.export)
}

fn read(path: &Path) -> Result<String, String> {
    let file = File::open(path).map_err(|error| reason(&error))?;
    let mut text = String::new();
    file.take(MAX_LEN + 1).read_to_string(&mut text).map_err(|error| reason(&error))?;
    if text.len() as u64 > MAX_LEN { Err("it is larger than 64 KiB".to_owned()) } else { Ok(text) }
}

#[cfg(unix)]
fn foreign(found: &Metadata, owner: u32) -> Option<&'static str> {
    use std::os::unix::fs::MetadataExt;
    if found.uid() != owner {
        return Some("it does not belong to root");
    }
    (found.mode() & 0o022 != 0).then_some("others than root can write it")
}

/// Access lists are not read: whoever makes the folder there, takes the right to write from others.
#[cfg(not(unix))]
fn foreign(_: &Metadata, _: u32) -> Option<&'static str> {
    None
}

fn unusable(place: &Path, why: &str) -> Failure {
    let text = format!("the policy of this machine cannot be relied on: {}: {why}", place.display());
    Failure::general(text)
        .hint("as root, make it a regular file of root's that nobody else can write, or remove it")
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
    use subrosa_testkit::Folder;

    /// A folder with a policy in it, and who owns both.
    fn stage(text: &str) -> (Folder, PathBuf, u32) {
        let folder = Folder::new();
        let path = folder.write(FILE, text);
        let owner = fs::metadata(&path).expect("the file").uid();
        chmod(folder.path(), 0o755);
        chmod(&path, 0o644);
        (folder, path, owner)
    }

    fn chmod(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("the file");
    }

    fn said(answer: Outcome<Option<Exports>>) -> String {
        answer.map(|found| format!("{found:?}")).unwrap_or_else(|failure| failure.message().to_owned())
    }

    #[test]
    fn a_policy_is_read_and_its_absence_is_none() {
        let (folder, path, owner) = stage("export = \"encrypted\"\n");
        assert_eq!(said(of_file(&path, owner)), "Some(Encrypted)");
        fs::write(&path, "# nothing yet\n").unwrap();
        assert_eq!(said(of_file(&path, owner)), "None");
        assert_eq!(said(of_file(&folder.join("none/policy.toml"), owner)), "None");
        assert_eq!(said(of_file(&folder.join("another.toml"), owner)), "None");
    }

    #[test]
    fn what_is_not_understood_is_an_error_that_names_the_line() {
        for text in
            ["export = \"some\"\n", "exports = \"none\"\n", "export = \"none\"\nimport = \"none\"\n", "x"]
        {
            let (_folder, path, owner) = stage(text);
            assert!(said(of_file(&path, owner)).contains("line "), "{text}");
        }
        let (_folder, path, owner) = stage(&"#".repeat(MAX_LEN as usize + 1));
        assert!(said(of_file(&path, owner)).contains("larger than 64 KiB"));
    }

    #[test]
    fn what_others_could_have_written_is_refused() {
        let (folder, path, owner) = stage("export = \"all\"\n");
        assert!(said(of_file(&path, owner + 1)).contains("does not belong to root"));
        for (place, mode) in
            [(path.as_path(), 0o666), (&path, 0o664), (folder.path(), 0o777), (folder.path(), 0o775)]
        {
            let before = fs::metadata(place).unwrap().mode();
            chmod(place, mode);
            assert!(said(of_file(&path, owner)).contains("others than root can write it"), "{mode:o}");
            chmod(place, before);
        }
        assert_eq!(said(of_file(&path, owner)), "Some(All)");
    }

    #[test]
    fn links_folders_and_pipes_are_refused() {
        let (folder, path, owner) = stage("export = \"all\"\n");
        let link = folder.join("link.toml");
        symlink(&path, &link).unwrap();
        assert!(said(of_file(&link, owner)).contains("is not a regular file"));
        let dangling = folder.join("dangling.toml");
        symlink(folder.join("nowhere"), &dangling).unwrap();
        assert!(said(of_file(&dangling, owner)).contains("is not a regular file"));
        fs::create_dir(folder.join("folder.toml")).unwrap();
        assert!(said(of_file(&folder.join("folder.toml"), owner)).contains("is not a regular file"));
        let linked = Folder::new();
        symlink(folder.path(), linked.join("subrosa")).unwrap();
        assert!(said(of_file(&linked.join("subrosa/policy.toml"), owner)).contains("is not a folder"));
    }
}
