//! Content codings (RFC 9110, 8.4.1): gzip, deflate, br and zstd, in memory that does not grow with what comes out.

use std::io::{self, BufRead, Read};

use brotli_decompressor::{BrotliDecompressStream, BrotliResult, BrotliState, StandardAlloc};
use bytes::Bytes;
use flate2::bufread::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use zstd::stream::raw::{DParameter, Decoder as ZstdDecoder, Operation};

use crate::error::HttpError;

/// What `--compressed` offers, in curl 7.88's words and order.
pub const CODINGS: &str = "deflate, gzip, br, zstd";

const OUTPUT: usize = 64 * 1024;
/// One body may be encoded so many times, as with curl.
const MAX_STAGES: usize = 5;
/// RFC 9659: what comes over HTTP needs no window of more than 8 MiB.
const ZSTD_WINDOW_LOG: u32 = 23;

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
    Brotli(Brotli),
    Zstd(Zstd),
    Unknown(Feed),
}

/// RFC 7932; large windows, which are no part of it, are not taken.
struct Brotli {
    state: Box<BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>>,
    feed: Feed,
    ended: bool,
}

/// RFC 8878.
struct Zstd {
    decoder: ZstdDecoder<'static>,
    feed: Feed,
    /// Whether a frame has begun and not ended.
    inside: bool,
}

/// Decodes one body.
pub(crate) struct Decoder {
    /// The one that was applied last stands first.
    stages: Vec<Stage>,
    ended: bool,
}

/// One coding of a body.
struct Stage {
    coding: Coding,
    received: bool,
    ended: bool,
}

impl Decoder {
    /// A decoder for the values of Content-Encoding; `None` if the body stays as it is.
    pub(crate) fn for_codings<'v>(values: impl Iterator<Item = &'v [u8]>) -> Option<Self> {
        let words = values.flat_map(|value| value.split(|byte| *byte == b',')).map(<[u8]>::trim_ascii);
        let mut stages: Vec<Stage> = words
            .filter(|word| !word.is_empty() && !word.eq_ignore_ascii_case(b"identity"))
            .map(Stage::of)
            .collect();
        if stages.len() > MAX_STAGES {
            stages = vec![Stage::of(b"too many")];
        }
        stages.reverse();
        (!stages.is_empty()).then_some(Self { stages, ended: false })
    }

    /// Takes the next piece of the encoded body. All output must have been taken before.
    pub(crate) fn input(&mut self, data: &[u8]) {
        if let Some(first) = self.stages.first_mut() {
            first.input(data);
        }
    }

    /// The next decoded piece of what was put in so far.
    pub(crate) fn output(&mut self) -> Result<Option<Bytes>, HttpError> {
        self.pull(self.stages.len() - 1)
    }

    /// What is still inside once the encoded body has ended. A body of no bytes is no error.
    pub(crate) fn finish(&mut self) -> Result<Option<Bytes>, HttpError> {
        self.ended = true;
        self.output()
    }

    /// The next piece that comes out of a stage, which takes from the one before it as it needs.
    fn pull(&mut self, at: usize) -> Result<Option<Bytes>, HttpError> {
        loop {
            if let Some(data) = self.stages[at].output()? {
                return Ok(Some(data));
            }
            match at.checked_sub(1).map(|before| self.pull(before)).transpose()?.flatten() {
                Some(data) => self.stages[at].input(&data),
                None if self.ended && !self.stages[at].ended => self.stages[at].end(),
                None => return Ok(None),
            }
        }
    }
}

impl Stage {
    fn of(word: &[u8]) -> Self {
        let coding = match word.to_ascii_lowercase().as_slice() {
            b"gzip" | b"x-gzip" => Coding::Gzip(MultiGzDecoder::new(Feed::default())),
            b"deflate" => Coding::DeflateUnknown(Feed::default()),
            b"br" => Coding::Brotli(Brotli::new()),
            b"zstd" => Zstd::new().map_or_else(|_| Coding::Unknown(Feed::default()), Coding::Zstd),
            _ => Coding::Unknown(Feed::default()),
        };
        Self { coding, received: false, ended: false }
    }

    fn input(&mut self, data: &[u8]) {
        self.received |= !data.is_empty();
        let feed = self.feed();
        feed.bytes.drain(..feed.read);
        feed.read = 0;
        feed.bytes.extend_from_slice(data);
        self.choose_deflate();
    }

    fn end(&mut self) {
        self.ended = true;
        self.feed().ended = true;
    }

    fn output(&mut self) -> Result<Option<Bytes>, HttpError> {
        if !self.received {
            return Ok(None);
        }
        let mut out = vec![0; OUTPUT];
        let outcome = match &mut self.coding {
            // one byte alone does not tell which of the two it is, and is neither
            Coding::DeflateUnknown(_) if self.ended => Err(io::ErrorKind::UnexpectedEof.into()),
            Coding::DeflateUnknown(_) => return Ok(None),
            Coding::Gzip(decoder) => decoder.read(&mut out),
            Coding::Zlib(decoder) => decoder.read(&mut out),
            Coding::Bare(decoder) => decoder.read(&mut out),
            Coding::Brotli(decoder) => decoder.read(&mut out),
            Coding::Zstd(decoder) => decoder.read(&mut out),
            Coding::Unknown(_) => return Err(HttpError::CodingUnknown),
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

    fn feed(&mut self) -> &mut Feed {
        match &mut self.coding {
            Coding::DeflateUnknown(feed) | Coding::Unknown(feed) => feed,
            Coding::Gzip(decoder) => decoder.get_mut(),
            Coding::Zlib(decoder) => decoder.get_mut(),
            Coding::Bare(decoder) => decoder.get_mut(),
            Coding::Brotli(decoder) => &mut decoder.feed,
            Coding::Zstd(decoder) => &mut decoder.feed,
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
        match self.coding {
            Coding::Gzip(_) => "gzip",
            Coding::Brotli(_) => "br",
            Coding::Zstd(_) => "zstd",
            _ => "deflate",
        }
    }
}

impl Brotli {
    fn new() -> Self {
        let alloc = StandardAlloc::default;
        let state = BrotliState::<_, _, StandardAlloc>::new_strict(alloc(), alloc(), alloc());
        Self { state: Box::new(state), feed: Feed::default(), ended: false }
    }
}

impl Read for Brotli {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.ended {
            return if self.feed.fill_buf()?.is_empty() {
                Ok(0)
            } else {
                Err(io::ErrorKind::InvalidData.into())
            };
        }
        let input = &self.feed.bytes[self.feed.read..];
        let (mut available, mut taken, mut room, mut written) = (input.len(), 0, out.len(), 0);
        let outcome = BrotliDecompressStream(
            &mut available,
            &mut taken,
            input,
            &mut room,
            &mut written,
            out,
            &mut 0,
            &mut self.state,
        );
        self.feed.consume(taken);
        match outcome {
            BrotliResult::ResultFailure => Err(io::ErrorKind::InvalidData.into()),
            BrotliResult::ResultSuccess => {
                self.ended = true;
                if written > 0 { Ok(written) } else { self.read(out) }
            }
            _ if written > 0 => Ok(written),
            _ if self.feed.ended => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Err(io::ErrorKind::WouldBlock.into()),
        }
    }
}

impl Zstd {
    fn new() -> io::Result<Self> {
        let mut decoder = ZstdDecoder::new()?;
        decoder.set_parameter(DParameter::WindowLogMax(ZSTD_WINDOW_LOG))?;
        Ok(Self { decoder, feed: Feed::default(), inside: false })
    }
}

impl Read for Zstd {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        loop {
            let input = &self.feed.bytes[self.feed.read..];
            // a frame may hold more output than there was room for, so an empty input is tried as well
            let idle = input.is_empty() && !self.inside;
            let status = if idle { None } else { Some(self.decoder.run_on_buffers(input, out)?) };
            let Some(status) = status else {
                return if self.feed.ended { Ok(0) } else { Err(io::ErrorKind::WouldBlock.into()) };
            };
            self.inside = status.remaining != 0;
            self.feed.consume(status.bytes_read);
            if status.bytes_written > 0 {
                return Ok(status.bytes_written);
            }
            if status.bytes_read == 0 {
                let kind =
                    if self.feed.ended { io::ErrorKind::UnexpectedEof } else { io::ErrorKind::WouldBlock };
                return Err(kind.into());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

    use super::*;

    fn decode(coding: &str, encoded: &[u8], size: usize) -> Result<Vec<u8>, HttpError> {
        let mut decoder = Decoder::for_codings([coding.as_bytes()].into_iter()).unwrap();
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
        let zstd = zstd::encode_all(&plain[..], 3).unwrap();
        let encoded = [
            ("gzip", gzip(&plain)),
            ("deflate", zlib.finish().unwrap()),
            ("deflate", bare.finish().unwrap()),
            ("zstd", zstd.clone()),
            ("zstd", [zstd.clone(), zstd::encode_all(&b""[..], 1).unwrap()].concat()),
            ("br", BROTLI.to_vec()),
            ("gzip, zstd", zstd::encode_all(&gzip(&plain)[..], 3).unwrap()),
            ("identity, zstd, GZIP", gzip(&zstd)),
        ];
        for (coding, bytes) in encoded {
            for size in 1..bytes.len() {
                assert_eq!(decode(coding, &bytes, size).unwrap(), plain, "{coding} in pieces of {size}");
            }
        }
    }

    /// What Python's `brotli` 1.2.1 makes of the text of [`every_coding_at_every_cut`].
    const BROTLI: &[u8] = &[
        0x1b, 0x16, 0x01, 0xf8, 0x8d, 0xd3, 0x65, 0xf6, 0xd3, 0x09, 0x6d, 0x0d, 0xd2, 0x36, 0x87, 0xa7, 0x59,
        0xca, 0xde, 0xe8, 0xd4, 0x50, 0x83, 0x55, 0x00, 0x2e, 0xc8, 0x52, 0xf6, 0x41, 0x59,
    ];
    /// What it makes of 20 MiB of zeros.
    const BROTLI_BOMB: &[u8] = &[
        0xcb, 0xff, 0xff, 0x3f, 0xf8, 0x27, 0x00, 0xe2, 0xb1, 0x40, 0x20, 0xf7, 0xfe, 0x8f, 0xff, 0xff, 0x7f,
        0xf0, 0x4f, 0x00, 0xc4, 0x61, 0x11, 0x80, 0xee, 0xfd, 0x5f, 0xfe, 0xff, 0xff, 0xe0, 0x9f, 0x00, 0x88,
        0xc3, 0x02, 0x00, 0xdd, 0xfb, 0x1f,
    ];

    #[test]
    fn a_bomb_comes_out_in_small_pieces() {
        let bomb = gzip(&vec![0; 20 << 20]);
        assert_eq!(decode("gzip", &bomb, bomb.len()).unwrap().len(), 20 << 20);
        let bomb = zstd::encode_all(&vec![0; 20 << 20][..], 1).unwrap();
        assert_eq!(decode("zstd", &bomb, bomb.len()).unwrap().len(), 20 << 20);
        let twice = gzip(&bomb);
        assert_eq!(decode("zstd, gzip", &twice, twice.len()).unwrap().len(), 20 << 20);
        let bomb = BROTLI_BOMB.to_vec();
        assert_eq!(decode("br", &bomb, bomb.len()).unwrap().len(), 20 << 20);
    }

    #[test]
    fn damaged_and_cut_bodies_are_errors() {
        let whole = gzip(b"text");
        for cut in 1..whole.len() {
            assert!(decode("gzip", &whole[..cut], 7).is_err(), "cut at {cut}");
        }
        let zstd = zstd::encode_all(&b"text"[..], 1).unwrap();
        for (coding, whole) in [("zstd", &zstd[..]), ("br", BROTLI)] {
            for cut in 1..whole.len() {
                assert!(decode(coding, &whole[..cut], 7).is_err(), "{coding} cut at {cut}");
            }
            assert!(decode(coding, &[whole, b"more"].concat(), 7).is_err(), "{coding} with more behind it");
            assert!(decode(coding, b"plain text", 3).is_err());
            assert_eq!(decode(coding, b"", 1).unwrap(), b"");
        }
        assert!(decode("gzip", b"ok", 1).is_err());
        assert!(decode("deflate", b"\xff\xff", 1).is_err());
        assert_eq!(decode("gzip", b"", 1).unwrap(), b"");
        assert!(decode("deflate", b"x", 1).is_err());
    }

    #[test]
    fn codings_that_are_not_known_are_errors_and_none_is_none() {
        let of = |text: &str| Decoder::for_codings([text.as_bytes()].into_iter()).is_some();
        assert!(!of("") && !of("identity") && !of(" , Identity"));
        for coding in ["compress", "gzip, x", "gzip, gzip, gzip, gzip, gzip, gzip"] {
            assert!(decode(coding, b"text", 4).is_err(), "{coding}");
        }
    }

    /// A window of 128 MiB, which a frame of a few bytes may ask for.
    #[test]
    fn a_window_that_is_too_large_is_refused() {
        let frame = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x88, 0x01, 0x00, 0x00];
        assert!(decode("zstd", &frame, frame.len()).is_err());
        let frame = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x68, 0x01, 0x00, 0x00];
        assert_eq!(decode("zstd", &frame, frame.len()).unwrap(), b"", "8 MiB");
    }
}
