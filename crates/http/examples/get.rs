//! Sends one GET, or as many as the second argument says, and writes the bodies to stdout: for measuring what the
//! transport alone costs beside curl.
//!
//! `get URL [COUNT] [CA_FILE]`

use std::error::Error;
use std::io::Write;

use subrosa_http::blocking::Client;
use subrosa_http::{Clock, Connection, ConnectionOptions, Limits, RequestDraft, Trust, Unobserved};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().ok_or("get URL [COUNT] [CA_FILE]")?;
    let count = arguments.next().map_or(Ok(1), |text| text.parse())?;
    let trust = match arguments.next() {
        Some(path) => Trust::from_ca_file(path.as_ref())?,
        None => Trust::System,
    };
    let connection = Connection::new(ConnectionOptions { trust, ..ConnectionOptions::default() });
    let draft = RequestDraft::new(url);
    let client = Client::new()?;
    let mut out = std::io::stdout().lock();
    for _ in 0..count {
        let request = draft.fill(&connection, &())?;
        let mut response = client.send(&request, &Clock::start(&Limits::default()), &mut Unobserved)?;
        while let Some(chunk) = response.chunk()? {
            out.write_all(&chunk)?;
        }
    }
    Ok(())
}
