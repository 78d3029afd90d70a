//! What a server asks for by a 401.

use subrosa_http::fuzzing;

/// Challenges, one a line.
pub fn challenges(data: &[u8]) {
    fuzzing::challenges(data);
}
