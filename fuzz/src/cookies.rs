//! Cookies: the file of a jar, and what servers set.

use subrosa_http::fuzzing;

use crate::input::parts;

/// A cookie file and, after a NUL, Set-Cookie headers, one a line.
pub fn cookies(data: &[u8]) {
    let [file, set] = parts::<2>(data);
    fuzzing::cookies(file, set);
}
