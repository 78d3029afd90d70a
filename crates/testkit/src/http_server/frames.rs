//! HTTP/2 by hand (RFC 9113): frames as no well-behaved server would send them.

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split};
use tokio::sync::mpsc;

const PREFACE_LEN: usize = 24;
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const ACK: u8 = 1;

/// What one request gets.
#[derive(Debug, Clone, Default)]
pub struct Frames {
    once: Vec<u8>,
    forever: Vec<u8>,
    close: bool,
}

impl Frames {
    /// These bytes.
    #[must_use]
    pub fn once(bytes: impl Into<Vec<u8>>) -> Self {
        Self { once: bytes.into(), ..Self::default() }
    }

    /// The same, and these behind them again and again until the client has gone.
    #[must_use]
    pub fn then_forever(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.forever = bytes.into();
        self
    }

    /// The same, and the connection closes behind it.
    #[must_use]
    pub fn then_close(mut self) -> Self {
        self.close = true;
        self
    }

    /// One frame: its kind, its flags, its stream and what it holds.
    #[must_use]
    pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
        let length = u32::try_from(payload.len()).expect("a short frame").to_be_bytes();
        let mut frame = length[1..].to_vec();
        frame.extend([kind, flags]);
        frame.extend(stream.to_be_bytes());
        frame.extend(payload);
        frame
    }
}

/// What the client sent that is answered.
enum Sent {
    Settings,
    Request,
}

/// Serves one connection until it closes.
pub(super) async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    script: &super::FrameScript,
    connection: usize,
) {
    let (reader, mut writer) = split(stream);
    let (sender, mut sent) = mpsc::unbounded_channel();
    // what comes in is read whatever goes out, or both ends would wait for each other
    let reading = tokio::spawn(read(reader, sender));
    let _ = answer(&mut writer, &mut sent, script, connection).await;
    let _ = writer.shutdown().await;
    let _ = reading.await;
}

async fn read(mut reader: impl AsyncRead + Unpin, sender: mpsc::UnboundedSender<Sent>) -> Option<()> {
    reader.read_exact(&mut [0; PREFACE_LEN]).await.ok()?;
    loop {
        let mut header = [0; 9];
        reader.read_exact(&mut header).await.ok()?;
        let length = u32::from_be_bytes([0, header[0], header[1], header[2]]);
        let mut payload = vec![0; usize::try_from(length).ok()?];
        reader.read_exact(&mut payload).await.ok()?;
        match (header[3], header[4]) {
            (HEADERS, _) => sender.send(Sent::Request).ok()?,
            (SETTINGS, flags) if flags & ACK == 0 => sender.send(Sent::Settings).ok()?,
            _ => {}
        }
    }
}

async fn answer(
    writer: &mut (impl AsyncWrite + Unpin),
    sent: &mut mpsc::UnboundedReceiver<Sent>,
    script: &super::FrameScript,
    connection: usize,
) -> std::io::Result<()> {
    writer.write_all(&Frames::frame(SETTINGS, 0, 0, &[])).await?;
    let mut place = 0;
    while let Some(sent) = sent.recv().await {
        match sent {
            Sent::Settings => writer.write_all(&Frames::frame(SETTINGS, ACK, 0, &[])).await?,
            Sent::Request => {
                let frames = script(connection, place);
                place += 1;
                writer.write_all(&frames.once).await?;
                while !frames.forever.is_empty() {
                    writer.write_all(&frames.forever).await?;
                }
                if frames.close {
                    writer.flush().await?;
                    return Ok(());
                }
            }
        }
        writer.flush().await?;
    }
    Ok(())
}
