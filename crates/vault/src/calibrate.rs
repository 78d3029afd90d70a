//! How much memory a passphrase may cost on this machine (`docs/spec/vault-key.md`, section 3).

use std::time::{Duration, Instant};

use crate::kdf::{Kdf, KdfError, KdfParams, Passphrase, SALT_LEN};

/// What one derivation should take; half a second to a second is the aim.
const TARGET: Duration = Duration::from_millis(750);
/// Memory is a multiple of this, in KiB: 16 MiB.
const STEP: u32 = 16 * 1024;
/// The part of the machine's memory that one derivation may take.
const SHARE: u64 = 8;
/// The most where the machine's memory is not known, in KiB: 256 MiB.
const UNKNOWN: u64 = 256 * 1024;

impl KdfParams {
    /// Parameters for something new: [`KdfParams::MINIMUM`] or more, so that a derivation takes 0.5 to 1 s here.
    ///
    /// Takes two derivations of the minimum, about 0.2 s, or one where that is slow already.
    ///
    /// # Errors
    /// [`KdfError::OutOfMemory`] where not even the minimum can be had.
    pub fn calibrate() -> Result<Self, KdfError> {
        let mut fastest = time_minimum()?;
        if fastest < TARGET / 2 {
            fastest = fastest.min(time_minimum()?);
        }
        Ok(scaled(fastest, machine_memory()))
    }
}

fn time_minimum() -> Result<Duration, KdfError> {
    let passphrase = Passphrase::new(b"calibration")?;
    let begin = Instant::now();
    Kdf::from_parts(KdfParams::MINIMUM, [0; SALT_LEN]).derive(&passphrase)?;
    Ok(begin.elapsed())
}

/// The parameters for a machine on which the minimum takes `minimum` and that has `machine` KiB of memory.
fn scaled(minimum: Duration, machine: Option<u64>) -> KdfParams {
    let least = KdfParams::MINIMUM.memory();
    let share = machine.map_or(UNKNOWN, |memory| memory / SHARE);
    let most = u32::try_from(share).unwrap_or(u32::MAX).min(KdfParams::MAX_MEMORY);
    let wanted = u128::from(least) * TARGET.as_nanos() / minimum.as_nanos().max(1);
    let wanted = u32::try_from(wanted).unwrap_or(u32::MAX).min(most);
    KdfParams::of_minimum_with((wanted - wanted % STEP).max(least))
}

/// Memory of this machine, or of the container around this process, in KiB.
#[cfg(target_os = "linux")]
fn machine_memory() -> Option<u64> {
    let read = |path: &str| std::fs::read_to_string(path).ok();
    let machine = meminfo_total(&read("/proc/meminfo")?)?;
    let limits = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"];
    // no limit is the word `max`, or a number above all memory
    let limit = limits.into_iter().filter_map(read).find_map(|text| text.trim().parse::<u64>().ok());
    Some(limit.map_or(machine, |bytes| machine.min(bytes / 1024)))
}

#[cfg(not(target_os = "linux"))]
fn machine_memory() -> Option<u64> {
    None
}

#[cfg(target_os = "linux")]
fn meminfo_total(text: &str) -> Option<u64> {
    text.lines()
        .find_map(|line| line.strip_prefix("MemTotal:")?.trim().strip_suffix("kB")?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u32 = 1024;
    const LARGE: Option<u64> = Some(64 << 20);

    fn memory(milliseconds: u64, machine: Option<u64>) -> u32 {
        let params = scaled(Duration::from_millis(milliseconds), machine);
        assert!(
            !params.is_weak()
                && KdfParams::accept(params.memory(), params.passes(), params.lanes()) == Ok(params)
        );
        params.memory()
    }

    #[test]
    fn memory_grows_until_a_derivation_takes_long_enough() {
        assert_eq!(memory(100, LARGE), 480 * MIB);
        assert_eq!(memory(75, LARGE), 640 * MIB);
        assert_eq!(memory(1, LARGE), 1024 * MIB);
        assert_eq!(memory(0, LARGE), 1024 * MIB);
    }

    #[test]
    fn slow_and_small_machines_get_the_minimum() {
        assert_eq!(memory(800, LARGE), 64 * MIB);
        assert_eq!(memory(60_000, LARGE), 64 * MIB);
        assert_eq!(memory(50, Some(256 << 10)), 64 * MIB);
        assert_eq!(memory(50, Some(0)), 64 * MIB);
    }

    #[test]
    fn no_more_than_a_share_of_the_machine() {
        assert_eq!(memory(1, Some(2 << 20)), 256 * MIB);
        assert_eq!(memory(1, None), 256 * MIB);
        assert_eq!(memory(1, Some(u64::MAX)), 1024 * MIB);
    }

    #[test]
    fn calibration_is_never_weak() {
        assert!(!KdfParams::calibrate().expect("64 MiB").is_weak());
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_machine_tells_its_memory() {
        assert_eq!(meminfo_total("MemTotal:       24576000 kB\nMemFree: 1 kB\n"), Some(24_576_000));
        assert!(machine_memory() > Some(64 * 1024));
    }
}
