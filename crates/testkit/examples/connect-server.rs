//! The stand-in for a Connect server by itself, until standard input ends: to be held against 1Password's published contract, as
//! CONTRIBUTING.md tells.

use std::io::{Read as _, Write as _};

use subrosa_testkit::{ConnectServer, Vaults};

fn main() -> std::io::Result<()> {
    let server = ConnectServer::start(Vaults::with("hunter2").by_the_letter());
    let mut output = std::io::stdout();
    writeln!(output, "{}\n{}\n{}", server.address(), server.ca().display(), ConnectServer::TOKEN)?;
    output.flush()?;
    std::io::stdin().read_to_end(&mut Vec::new()).map(drop)
}
