//! Content codings (RFC 9110, 8.4.1): gzip and deflate, in memory that does not grow with what comes out.

use std::io::{self, BufRead, Read};

use bytes::Bytes;
use flate2::bufread::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};

use crate::error::HttpError;

const OUTPUT: usize = 64 * 1024;

/// Input that comes in pieces: empty means "not yet" until the end is known.
#[derive(Default)]
struct Feed {
    bytes: Vec<u8>,
    read: usize,
    ended: bool,
}

impl Read for Feed {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let count = available.len().min(out.len());
        out[..count].copy_from_slice(&available[..count]);
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for Feed {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.read == self.bytes.len() && !self.ended {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(&self.bytes[self.read..])
    }

    fn consume(&mut self, count: usize) {
        self.read += count;
    }
}

enum Coding {
    Gzip(MultiGzDecoder<Feed>),
    /// RFC 9110 means zlib's format; some servers send a bare deflate stream. The first byte tells.
    DeflateUnknown(Feed),
    Zlib(ZlibDecoder<Feed>),
    Bare(DeflateDecoder<Feed>),
}

/// Decodes one body.
pub(crate) struct Decoder {
    coding: Coding,
    received: bool,
}

impl Decoder {
    /// A decoder for a Content-Encoding; `None` for one that stays as it is.
    pub(crate) fn for_coding(coding: &[u8]) -> Option<Self> {
        let coding = match coding.trim_ascii().to_ascii_lowercase().as_slice() {
            b"gzip" | b"x-gzip" => Coding::Gzip(MultiGzDecoder::new(Feed::default())),
            b"deflate" => Coding::DeflateUnknown(Feed::default()),
            _ => return None,
        };
        Some(Self { coding, received: false })
    }

    /// Takes the next piece of the encoded body. All output must have been taken before.
    pub(crate) fn input(&mut self, data: &[u8]) {
        self.received |= !data.is_empty();
        let feed = self.feed();
        feed.bytes.drain(..feed.read);
        feed.read = 0;
        feed.bytes.extend_from_slice(data);
        self.choose_deflate();
    }

    /// The next decoded piece of what was put in so far.
    pub(crate) fn output(&mut self) -> Result<Option<Bytes>, HttpError> {
        let mut out = vec![0; OUTPUT];
        let outcome = match &mut self.coding {
            Coding::DeflateUnknown(_) => return Ok(None),
            Coding::Gzip(decoder) => decoder.read(&mut out),
            Coding::Zlib(decoder) => decoder.read(&mut out),
            Coding::Bare(decoder) => decoder.read(&mut out),
        };
        match outcome {
            Ok(0) => Ok(None),
            Ok(count) => {
                out.truncate(count);
                Ok(Some(out.into()))
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(_) => Err(HttpError::Decoding { coding: self.name() }),
        }
    }

    /// What is still inside once the encoded body has ended. A body of no bytes is no error.
    pub(crate) fn finish(&mut self) -> Result<Option<Bytes>, HttpError> {
        if !self.received {
            return Ok(None);
        }
        self.feed().ended = true;
        self.output()
    }

    fn feed(&mut self) -> &mut Feed {
        match &mut self.coding {
            Coding::DeflateUnknown(feed) => feed,
            Coding::Gzip(decoder) => decoder.get_mut(),
            Coding::Zlib(decoder) => decoder.get_mut(),
            Coding::Bare(decoder) => decoder.get_mut(),
        }
    }

    /// zlib's header (RFC 1950, 2.2) has method 8 in the low half of its first byte, and is a multiple of 31
    /// together with the second.
    fn choose_deflate(&mut self) {
        let Coding::DeflateUnknown(feed) = &mut self.coding else { return };
        let [first, second, ..] = feed.bytes[..] else { return };
        let feed = std::mem::take(feed);
        let zlib = first & 0x0f == 8 && (u16::from(first) * 256 + u16::from(second)) % 31 == 0;
        self.coding =
            if zlib { Coding::Zlib(ZlibDecoder::new(feed)) } else { Coding::Bare(DeflateDecoder::new(feed)) };
    }

    fn name(&self) -> &'static str {
        if matches!(self.coding, Coding::Gzip(_)) { "gzip" } else { "deflate" }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

    use super::*;

    fn decode(coding: &str, encoded: &[u8], size: usize) -> Result<Vec<u8>, HttpError> {
        let mut decoder = Decoder::for_coding(coding.as_bytes()).unwrap();
        let mut body = Vec::new();
        for piece in encoded.chunks(size) {
            decoder.input(piece);
            while let Some(data) = decoder.output()? {
                assert!(data.len() <= OUTPUT);
                body.extend_from_slice(&data);
            }
        }
        while let Some(data) = decoder.finish()? {
            body.extend_from_slice(&data);
        }
        Ok(body)
    }

    fn gzip(plain: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn every_coding_at_every_cut() {
        let plain = b"some text, some text, some text".repeat(9);
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::default());
        zlib.write_all(&plain).unwrap();
        let mut bare = DeflateEncoder::new(Vec::new(), Compression::default());
        bare.write_all(&plain).unwrap();
        let encoded = [
            ("gzip", gzip(&plain)),
            ("deflate", zlib.finish().unwrap()),
            ("deflate", bare.finish().unwrap()),
        ];
        for (coding, bytes) in encoded {
            for size in 1..bytes.len() {
                assert_eq!(decode(coding, &bytes, size).unwrap(), plain, "{coding} in pieces of {size}");
            }
        }
    }

    #[test]
    fn a_bomb_comes_out_in_small_pieces() {
        let bomb = gzip(&vec![0; 20 << 20]);
        assert_eq!(decode("gzip", &bomb, bomb.len()).unwrap().len(), 20 << 20);
    }

    #[test]
    fn damaged_and_cut_bodies_are_errors() {
        let whole = gzip(b"text");
        for cut in 1..whole.len() {
            assert!(decode("gzip", &whole[..cut], 7).is_err(), "cut at {cut}");
        }
        assert!(decode("gzip", b"ok", 1).is_err());
        assert!(decode("deflate", b"\xff\xff", 1).is_err());
        assert_eq!(decode("gzip", b"", 1).unwrap(), b"");
        assert!(Decoder::for_coding(b"br").is_none());
    }
}
