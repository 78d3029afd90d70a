//! What stands in the document of a certificate (vault-format.md, section 6).

use super::{Entry, Kind};
use data_encoding::BASE64;
use serde::Deserialize;
use serde::ser::{SerializeMap, Serializer};
use subrosa_http::CertificateDer;
use subrosa_secret::HostRule;
use zeroize::Zeroizing;

/// Borrowed from the document, so that the text of a key is not copied.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Content<'a> {
    host: HostRule,
    added: i64,
    #[serde(borrow)]
    chain: Vec<&'a str>,
    key: Option<&'a str>,
}

pub(super) fn write(entry: &Entry) -> Zeroizing<Vec<u8>> {
    let key = entry.key.as_ref().map(|key| Zeroizing::new(BASE64.encode(key)));
    let chain: Vec<String> = entry.chain.iter().map(|der| BASE64.encode(der)).collect();
    // large enough not to move, which would leave a copy of the key behind
    let room = chain.iter().map(String::len).sum::<usize>() + key.as_ref().map_or(0, |key| key.len());
    let mut out = Zeroizing::new(Vec::with_capacity(2 * room + 1024));
    let mut json = serde_json::Serializer::new(&mut *out);
    let written = json.serialize_map(None).and_then(|mut map| {
        map.serialize_entry("host", &entry.rule)?;
        map.serialize_entry("added", &entry.added)?;
        map.serialize_entry("chain", &chain)?;
        if let Some(key) = &key {
            map.serialize_entry("key", key.as_str())?;
        }
        SerializeMap::end(map)
    });
    written.expect("text and numbers, into memory");
    out
}

/// `None` for what no version of this program has written.
pub(super) fn read(kind: Kind, content: &[u8]) -> Option<Entry> {
    let content: Content<'_> = serde_json::from_slice(content).ok()?;
    let decode = |text: &str| BASE64.decode(text.as_bytes()).ok();
    let chain: Vec<_> =
        content.chain.iter().map(|text| decode(text).map(CertificateDer::from)).collect::<Option<_>>()?;
    let key = match content.key {
        Some(text) => Some(Zeroizing::new(decode(text)?)),
        None => None,
    };
    let is_whole = !chain.is_empty() && key.is_some() == (kind == Kind::Client);
    is_whole.then_some(Entry { kind, id: None, rule: content.host, added: content.added, chain, key })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(kind: Kind) -> Entry {
        let rule = HostRule::parse("*.example.com:8443").unwrap().rule;
        let chain = vec![CertificateDer::from(vec![0x30, 1]), CertificateDer::from(vec![0xff; 70])];
        let key = (kind == Kind::Client).then(|| Zeroizing::new(vec![0xfb; 99]));
        Entry { kind, id: None, rule, added: 1_700_000_000, chain, key }
    }

    #[test]
    fn what_is_written_is_read() {
        for kind in [Kind::Client, Kind::Authority] {
            let (before, written) = (entry(kind), write(&entry(kind)));
            let after = read(kind, &written).expect("readable");
            assert_eq!((after.rule, after.added, after.chain), (before.rule, before.added, before.chain));
            assert!(after.key.as_deref() == before.key.as_deref());
        }
    }

    #[test]
    fn a_key_belongs_to_a_client_certificate_and_to_nothing_else() {
        assert!(read(Kind::Authority, &write(&entry(Kind::Client))).is_none());
        assert!(read(Kind::Client, &write(&entry(Kind::Authority))).is_none());
        for wrong in [
            "",
            "{}",
            r#"{"host":"a.example","added":1,"chain":[]}"#,
            r#"{"host":"a.example","added":1,"chain":["MA=="],"more":1}"#,
            r#"{"host":"a.example","added":1,"chain":["?"]}"#,
            r#"{"host":"*","added":1,"chain":["MA=="]}"#,
        ] {
            assert!(read(Kind::Authority, wrong.as_bytes()).is_none(), "{wrong}");
        }
        assert!(read(Kind::Authority, br#"{"host":"a.example","added":1,"chain":["MA=="]}"#).is_some());
    }
}
