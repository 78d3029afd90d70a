//! Which schemes a request may have (`--proto`, `--proto-redir`), of those that there are here.

use subrosa_secret::Scheme;

/// A set of schemes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schemes {
    /// `http`
    pub http: bool,
    /// `https`
    pub https: bool,
}

impl Schemes {
    /// Both.
    pub const ALL: Self = Self { http: true, https: true };

    /// Applies the text of `--proto`: names between commas, each with `+` (or nothing) to add it, `-` to take it away or
    /// `=` to have it alone. Names of schemes that are not spoken here change nothing but what `=` says of the others.
    pub fn change(&mut self, text: &str) {
        for word in text.split(',').map(str::trim).filter(|word| !word.is_empty()) {
            let sign = word.bytes().next().filter(|byte| b"+-=".contains(byte));
            let name = word.trim_start_matches(['+', '-', '=']);
            let alone = sign == Some(b'=');
            if alone {
                *self = Self { http: false, https: false };
            }
            let on = sign != Some(b'-');
            let is = |scheme: &str| name.eq_ignore_ascii_case(scheme) || name.eq_ignore_ascii_case("all");
            self.http = if is("http") { on } else { self.http };
            self.https = if is("https") { on } else { self.https };
        }
    }

    pub(crate) fn allow(self, scheme: Scheme) -> bool {
        match scheme {
            Scheme::Http => self.http,
            Scheme::Https => self.https,
            Scheme::Ws | Scheme::Wss => false,
        }
    }
}

impl Default for Schemes {
    fn default() -> Self {
        Self::ALL
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_add_take_away_and_replace() {
        for (text, http, https) in [
            ("=https", false, true),
            ("=http,https", true, true),
            ("-http", false, true),
            ("-all,https", false, true),
            ("-all,+http", true, false),
            ("=HTTPS", false, true),
            ("=ftp", false, false),
            ("ftp,-ftp", true, true),
            ("nonsense", true, true),
            ("=nonsense", false, false),
            ("", true, true),
            ("=all", true, true),
        ] {
            let mut schemes = Schemes::ALL;
            schemes.change(text);
            assert_eq!((schemes.http, schemes.https), (http, https), "{text}");
        }
    }
}
