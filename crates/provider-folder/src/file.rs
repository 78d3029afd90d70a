//! Reading one file below a folder, and nothing outside of it.

use std::{
    fs::File,
    io::{self, ErrorKind as IoErrorKind, Read as _},
    path::Path,
};

use subrosa_provider::{ErrorKind, ProviderError};
use subrosa_secret::MAX_VALUE_LEN;
use zeroize::Zeroizing;

/// What became of opening a file.
enum Opened {
    File(File),
    Nothing,
    /// A link leads out of the folder.
    Outside,
}

/// The content of a file; `None` if there is none of that name.
pub(crate) fn read(folder: &Path, target: &str) -> Result<Option<Zeroizing<Vec<u8>>>, ProviderError> {
    let fail = |kind, why: &str| ProviderError::new(kind, format!("{target}: {why}"));
    let file = match open(folder, Path::new(target)) {
        Ok(Opened::File(file)) => file,
        Ok(Opened::Nothing) if folder.is_dir() => return Ok(None),
        Ok(Opened::Nothing) => {
            let text = format!("{}: there is no such folder", folder.display());
            return Err(ProviderError::new(ErrorKind::Unavailable, text));
        }
        Ok(Opened::Outside) => return Err(fail(ErrorKind::BadLink, "a link leads out of the folder")),
        Err(error) if error.kind() == IoErrorKind::PermissionDenied => {
            return Err(fail(ErrorKind::Denied, "permission denied").caused_by(error));
        }
        Err(error) => return Err(fail(ErrorKind::Unavailable, "it cannot be opened").caused_by(error)),
    };
    let unreadable = |error| fail(ErrorKind::Unavailable, "it cannot be read").caused_by(error);
    let metadata = file.metadata().map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(fail(ErrorKind::BadAnswer, "it is not a regular file"));
    }
    if metadata.len() > MAX_VALUE_LEN as u64 {
        return Err(fail(ErrorKind::BadAnswer, "it is longer than a value may be"));
    }
    // room for one byte more, in which growth is noticed without moving what was read
    let mut bytes = Zeroizing::new(Vec::with_capacity(metadata.len() as usize + 1));
    let limit = metadata.len() + 1;
    io::Read::by_ref(&mut &file).take(limit).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 == limit {
        return Err(fail(ErrorKind::Unavailable, "it was written to while it was read"));
    }
    Ok(Some(bytes))
}

/// Whether a file stands there that could be read.
pub(crate) fn is_there(folder: &Path, target: &str) -> bool {
    let Ok(Opened::File(file)) = open(folder, Path::new(target)) else { return false };
    file.metadata().is_ok_and(|metadata| metadata.is_file())
}

/// On Linux the kernel holds the path within the folder, whatever is moved about meanwhile.
#[cfg(target_os = "linux")]
fn open(folder: &Path, target: &Path) -> io::Result<Opened> {
    use rustix::fs::{Mode, OFlags, ResolveFlags, openat2};
    use rustix::io::Errno;
    let directory = match rustix::fs::open(folder, OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()) {
        Ok(directory) => directory,
        Err(Errno::NOENT | Errno::NOTDIR) => return Ok(Opened::Nothing),
        Err(error) => return Err(error.into()),
    };
    // a FIFO would wait for its writer
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let within = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
    for _ in 0..8 {
        return match openat2(&directory, target, flags, Mode::empty(), within) {
            Ok(file) => Ok(Opened::File(file.into())),
            Err(Errno::NOENT | Errno::NOTDIR) => Ok(Opened::Nothing),
            Err(Errno::XDEV | Errno::LOOP) => Ok(Opened::Outside),
            // something was renamed meanwhile: the kernel asks to be asked again
            Err(Errno::AGAIN) => continue,
            // a kernel before 5.6, or a sandbox that does not know the call
            Err(Errno::NOSYS | Errno::PERM) => open_by_name(folder, target),
            Err(error) => Err(error.into()),
        };
    }
    Err(io::Error::from(IoErrorKind::WouldBlock))
}

#[cfg(not(target_os = "linux"))]
fn open(folder: &Path, target: &Path) -> io::Result<Opened> {
    open_by_name(folder, target)
}

/// Follows all links first, and opens what then stands within the folder. Who can write the folder could exchange a part of
/// the path in between.
fn open_by_name(folder: &Path, target: &Path) -> io::Result<Opened> {
    let is_nothing =
        |error: &io::Error| matches!(error.kind(), IoErrorKind::NotFound | IoErrorKind::NotADirectory);
    let real = folder.canonicalize().and_then(|folder| Ok((folder.join(target).canonicalize()?, folder)));
    let (path, folder) = match real {
        Ok(real) => real,
        Err(error) if is_nothing(&error) => return Ok(Opened::Nothing),
        Err(error) => return Err(error),
    };
    if !path.starts_with(&folder) {
        return Ok(Opened::Outside);
    }
    let mut options = File::options();
    options.read(true);
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        let flags = OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::NOFOLLOW;
        std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, flags.bits() as i32);
    }
    options.open(path).map(Opened::File)
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// Both ways to open hold the same line.
    #[test]
    fn hostile_a18_a_link_out_of_the_folder_is_not_followed() {
        let place = tempfile::tempdir().expect("a folder");
        let folder = place.path().join("secrets");
        std::fs::create_dir_all(folder.join("..2026/sub")).expect("folders");
        std::fs::write(place.path().join("outside"), "outside").expect("a file");
        std::fs::write(folder.join("..2026/token"), "inside").expect("a file");
        for (to, link) in [
            ("..2026", "..data"),
            ("..data/token", "token"),
            ("../outside", "up"),
            ("..2026/sub/../../../outside", "around"),
            ("loop", "loop"),
            ("/proc/self/cwd/Cargo.toml", "magic"),
            ("..", "parent"),
        ] {
            symlink(to, folder.join(link)).expect("a link");
        }
        symlink(place.path().join("outside"), folder.join("absolute")).expect("a link");
        symlink(folder.join("..2026/token"), folder.join("absolute-inside")).expect("a link");
        for way in [open, open_by_name] {
            let content = |target: &str| match way(&folder, Path::new(target)) {
                Ok(Opened::File(mut file)) => {
                    let mut text = String::new();
                    file.read_to_string(&mut text).expect("text");
                    Some(text)
                }
                Ok(Opened::Nothing | Opened::Outside) | Err(_) => None,
            };
            for target in ["token", "..data/token", "..2026/token"] {
                assert_eq!(content(target).as_deref(), Some("inside"), "{target}");
            }
            for target in ["up", "around", "loop", "magic", "parent/outside", "absolute", "gone", "token/x"] {
                assert_eq!(content(target), None, "{target}");
            }
        }
    }
}
