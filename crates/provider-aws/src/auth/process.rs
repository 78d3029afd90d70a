//! A program that prints credentials (AWS SDKs and Tools Reference Guide, "Process credential provider").

use std::io::Read as _;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use subrosa_provider::{ErrorKind, ProviderError};
use subrosa_secret::SecretValue;
use zeroize::Zeroizing;

use crate::keys::Keys;

/// What it may print, in bytes, and how long it may take: it may ask its user something.
const MAX_LEN: u64 = 64 << 10;
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs the command of a profile by a shell, as AWS's own programs do. It sees nothing of this program's own variables, among which the
/// vault's key may be; what it says on standard error is not shown, for it may be anything.
pub(super) fn run(command: &str) -> Result<Keys, ProviderError> {
    let failed = |kind, why: &str| ProviderError::new(kind, format!("credential_process: {why}"));
    let mut shell = match cfg!(windows) {
        true => Command::new("cmd.exe"),
        false => Command::new("/bin/sh"),
    };
    shell.args([if cfg!(windows) { "/C" } else { "-c" }, command]);
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("SUBROSA_")) {
        shell.env_remove(name);
    }
    shell.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = shell
        .spawn()
        .map_err(|error| failed(ErrorKind::BadSettings, "it cannot be started").caused_by(error))?;
    let (sender, printed) = mpsc::channel();
    let output = child.stdout.take();
    let reader = thread::spawn(move || {
        let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(MAX_LEN).unwrap_or(0) + 1));
        let whole = output.is_some_and(|output| output.take(MAX_LEN + 1).read_to_end(&mut bytes).is_ok());
        let _ = sender.send(whole.then_some(bytes));
    });
    let Ok(bytes) = printed.recv_timeout(PATIENCE) else {
        let _ = child.kill();
        let _ = child.wait();
        return Err(failed(ErrorKind::Unavailable, "it takes too long"));
    };
    let _ = reader.join();
    let ended = child.wait();
    let bytes = bytes.filter(|bytes| bytes.len() as u64 <= MAX_LEN);
    let bytes = bytes.ok_or_else(|| failed(ErrorKind::BadAnswer, "it prints too much"))?;
    if !ended.is_ok_and(|status| status.success()) {
        return Err(failed(ErrorKind::Unavailable, "it failed"));
    }
    let text = SecretValue::from_zeroizing(bytes);
    let text = text.map_err(|_| failed(ErrorKind::BadAnswer, "it prints too much"))?;
    Keys::read(&text).map_err(|error| failed(ErrorKind::BadAnswer, &error.to_string()))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn what_it_prints_are_the_keys_and_what_it_says_is_not_repeated() {
        let keys = run(r#"printf '{"Version":1,"AccessKeyId":"ASIAIOSFODNN7EXAMPLE","SecretAccessKey":"s","SessionToken":"t"}'"#).expect("keys");
        assert_eq!(keys.id, "ASIAIOSFODNN7EXAMPLE");
        for (command, kind) in [
            ("echo hunter2", ErrorKind::BadAnswer),
            ("echo hunter2 >&2; exit 3", ErrorKind::Unavailable),
            ("head -c 70000 /dev/zero | tr '\\0' x", ErrorKind::BadAnswer),
            ("/nonexistent/hunter2", ErrorKind::Unavailable),
        ] {
            let error = run(command).err().expect(command);
            assert_eq!(error.kind(), kind, "{command}: {error}");
            assert!(!format!("{error:?}").contains("hunter2"), "{error}");
        }
    }
}
