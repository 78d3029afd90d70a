//! What `op` is asked, and what it answers.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use data_encoding::HEXLOWER;
use subrosa_program::{Ended, Run};
use subrosa_provider::{ErrorKind, ProviderError};
use subrosa_secret::SecretValue;
use zeroize::Zeroizing;

use super::PROGRAM;
use super::fault::Fault;
use crate::target::Target;

pub(super) type Value = Result<Option<SecretValue>, ProviderError>;

/// The first version that knows service accounts.
const OLDEST: [u32; 3] = [2, 18, 0];
/// Values of one process, or a list.
const MAX_OUTPUT: usize = 16 << 20;
/// How long one process may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// So many processes at the same time.
const AT_ONCE: usize = 4;

/// The program, where it really is.
pub(super) struct Op(PathBuf);

impl Op {
    /// Looked at now and run later: who could change it in between is trusted.
    pub(super) fn at(path: &Path) -> Result<Self, ProviderError> {
        PROGRAM.checked(path).map(Self)
    }

    pub(super) fn run(
        &self,
        arguments: &[&str],
        token: Option<&SecretValue>,
        input: Option<Zeroizing<Vec<u8>>>,
    ) -> Result<Ended, ProviderError> {
        // no daemon stays behind with what was read, and --refresh is told no older value
        let arguments = &[arguments, &["--no-color", "--cache=false"]].concat();
        let token = token.map(|token| ("OP_SERVICE_ACCOUNT_TOKEN", OsStr::from_bytes(token.expose_secret())));
        // it asks nobody, and no app of the desktop
        let alone = ["OP_BIOMETRIC_UNLOCK_ENABLED", "OP_LOAD_DESKTOP_APP_SETTINGS"];
        let environment: Vec<_> =
            alone.map(|name| (name, OsStr::new("false"))).into_iter().chain(token).collect();
        Run {
            name: PROGRAM.name,
            program: &self.0,
            arguments,
            environment: &environment,
            input,
            limit: MAX_OUTPUT,
            patience: PATIENCE,
        }
        .end()
    }

    /// What it prints in JSON about `what`, which has to be there.
    pub(super) fn json(
        &self,
        arguments: &[&str],
        token: &SecretValue,
        what: &str,
    ) -> Result<Zeroizing<Vec<u8>>, ProviderError> {
        let ended = self.run(&[arguments, &["--format", "json"]].concat(), Some(token), None)?;
        match ended.success {
            true => Ok(ended.output),
            false => Err(Fault::of(&ended.complaint, &[]).error(what)),
        }
    }

    /// Whether it is one that can be asked.
    pub(super) fn check_version(&self) -> Result<(), ProviderError> {
        let ended = self.run(&["--version"], None, None)?;
        let refuse = |text: String| ProviderError::new(ErrorKind::BadSettings, text);
        let Some(version) = version(&ended.output) else {
            return Err(refuse(format!("{} does not say which version of op it is", self.0.display())));
        };
        if version < OLDEST {
            let [major, minor, patch] = version;
            return Err(refuse(format!("op {major}.{minor}.{patch} is too old for service accounts"))
                .hint_at("install op 2.18.0 or later"));
        }
        Ok(())
    }

    /// All of them. `op inject` fills a text that holds references, so that one process does it; where it fails, each is read
    /// by itself to find out which of them, and why.
    pub(super) fn values(&self, targets: &[&Target], token: &SecretValue) -> Vec<Value> {
        let all = match targets {
            [] | [_] => None,
            _ => self.inject(targets, token).transpose(),
        };
        match all {
            Some(Ok(values)) => values,
            Some(Err(error)) => targets.iter().map(|_| Err(error.again())).collect(),
            None => self.read_each(targets, token),
        }
    }

    /// All at once; `None` where one of them is in the way of the others.
    fn inject(&self, targets: &[&Target], token: &SecretValue) -> Result<Option<Vec<Value>>, ProviderError> {
        let mark = mark()?;
        let mut template = mark.clone();
        for target in targets {
            template.push_str(&format!("{{{{ {target} }}}}{mark}"));
        }
        let ended = self.run(&["inject"], Some(token), Some(Zeroizing::new(template.into_bytes())))?;
        if !ended.success {
            let fault = Fault::of(&ended.complaint, targets);
            return if fault.is_common() { Err(fault.error("op inject")) } else { Ok(None) };
        }
        let values = between(&ended.output, mark.as_bytes());
        Ok((values.len() == targets.len()).then(|| values.into_iter().map(value).collect()))
    }

    fn read_each<'t>(&self, targets: &'t [&'t Target], token: &SecretValue) -> Vec<Value> {
        let size = targets.len().div_ceil(AT_ONCE).max(1);
        let read = &|some: &[&Target]| {
            let values: Vec<Value> = some.iter().map(|target| self.read(target, token)).collect();
            subrosa_secret::wipe_dead_stack();
            values
        };
        thread::scope(|scope| {
            let begin = |some: &'t [&'t Target]| (some.len(), scope.spawn(move || read(some)));
            let threads: Vec<_> = targets.chunks(size).map(begin).collect();
            let end = |(count, thread): (usize, thread::ScopedJoinHandle<'_, Vec<Value>>)| {
                thread.join().unwrap_or_else(|_| (0..count).map(|_| Err(broken())).collect())
            };
            threads.into_iter().flat_map(end).collect()
        })
    }

    fn read(&self, target: &Target, token: &SecretValue) -> Value {
        let text = target.to_string();
        let about = |error: ProviderError| error.about(&text);
        let ended = self.run(&["read", "--no-newline", &text], Some(token), None).map_err(about)?;
        if ended.success {
            return value(&ended.output).map_err(about);
        }
        match Fault::of(&ended.complaint, &[target]) {
            Fault::Absent => Ok(None),
            failed => Err(failed.error(&text)),
        }
    }
}

/// The numbers of `2.30.3` or `2.30.0-beta.01`.
fn version(output: &[u8]) -> Option<[u32; 3]> {
    let text = std::str::from_utf8(output).ok()?.trim();
    let mut numbers = text.split(['.', '-']).map(|number| number.parse().ok());
    Some([numbers.next()??, numbers.next()??, numbers.next()??])
}

fn broken() -> ProviderError {
    ProviderError::new(ErrorKind::Unavailable, "the lookup failed")
}

/// A text that no value holds.
fn mark() -> Result<String, ProviderError> {
    let mut random = [0; 16];
    getrandom::fill(&mut random)
        .map_err(|error| ProviderError::new(ErrorKind::Unavailable, error.to_string()))?;
    Ok(format!("\n{}\n", HEXLOWER.encode(&random)))
}

/// What stands between marks.
fn between<'o>(output: &'o [u8], mark: &[u8]) -> Vec<&'o [u8]> {
    let marks: Vec<usize> =
        (0..output.len()).filter(|at| output[*at] == mark[0] && output[*at..].starts_with(mark)).collect();
    marks.windows(2).map(|pair| &output[pair[0] + mark.len()..pair[1]]).collect()
}

fn value(bytes: &[u8]) -> Value {
    SecretValue::new(bytes.to_vec()).map(Some).map_err(|error| {
        let text = format!("the value is longer than a secret may be: {error}");
        ProviderError::new(ErrorKind::BadAnswer, text)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stand_between_marks() {
        let values = between(b"\nm\none\nm\n\nm\n\xff\nm\n\n", b"\nm\n");
        assert_eq!(values, [&b"one"[..], b"", b"\xff"]);
        assert!(between(b"nothing", b"\nm\n").is_empty());
        assert!(between(b"", b"\nm\n").is_empty());
    }

    #[test]
    fn versions_are_numbers() {
        assert_eq!(version(b"2.30.3\n"), Some([2, 30, 3]));
        assert_eq!(version(b"2.31.0-beta.01"), Some([2, 31, 0]));
        for other in [&b""[..], b"op", b"2.x.3", b"2.30", b"\xff"] {
            assert_eq!(version(other), None);
        }
    }
}
