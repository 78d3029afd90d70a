//! How much memory exports and imports take, beside the file that they write or read.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use super::contest::peak;
use super::home::{Home, name};

/// What a vault is filled with: how many secrets, and one of them as JSON.
type Shape = (&'static str, u32, fn(u32) -> String);

const SHAPES: [Shape; 3] = [
    ("64 values of 1 MiB", 64, |number| {
        let letter = char::from(b'a' + (number % 26) as u8).to_string();
        format!("{{\"name\":\"large-{number}\",\"value\":\"{}\"}}", letter.repeat(1 << 20))
    }),
    ("10,000 typical secrets", 10_000, |number| {
        let (name, policy) = (
            name(number),
            r#"{"enabled":true,"send_only":false,"access":{"restricted":["api.example.com"]}}"#,
        );
        format!(
            "{{\"name\":\"{name}\",\"value\":\"made-up-token-{number:032}\",\"description\":\"token of service {number}\",\
             \"tags\":[\"bench\"],\"policy\":{policy}}}"
        )
    }),
    ("100,000 tiny secrets", 100_000, |number| format!("{{\"name\":\"K{number}\",\"value\":\"{number}\"}}")),
];

/// Prints a table: the file, the most memory above what the same takes with one secret, and the ratio of the two.
pub(super) fn measure(place: &Path, subrosa: &Path) -> Result<(), String> {
    let one = Home::made(&place.join("one"), subrosa)?;
    one.run(&["set", "one", "--empty"])?;
    for (shape, count, secret) in SHAPES {
        println!("\nmemory: {shape} (budget <= 3 x the file)");
        println!("  | what | file MB | peak MB | of one secret MB | above it, x the file |");
        println!("  |---|---|---|---|---|");
        let home = Home::made(&place.join(shape), subrosa)?;
        let file = home.path("arriving");
        fs::write(&file, document(count, secret)).map_err(|error| error.to_string())?;
        home.run(&["import", &file.to_string_lossy()])?;
        each(&home, &one, &Home::made(&place.join(format!("{shape}, again")), subrosa)?)?;
        fs::remove_dir_all(place.join(shape)).map_err(|error| error.to_string())?;
    }
    Ok(())
}

fn document(count: u32, secret: fn(u32) -> String) -> String {
    let mut text = String::from("{\"format\":\"subrosa-plain\",\"version\":1,\"secrets\":[");
    for number in 0..count {
        let _ = write!(text, "{}{}", if number == 0 { "" } else { "," }, secret(number));
    }
    text + "]}"
}

/// Each format in both directions.
fn each(home: &Home, one: &Home, empty: &Home) -> Result<(), String> {
    let pass = home.path("pass");
    fs::write(&pass, "gather-lunch-violin-absent").map_err(|error| error.to_string())?;
    super::moving::private(&pass)?;
    let pass = pass.to_string_lossy().into_owned();
    let sealed = ["--export-passphrase-file", &pass];
    let forms: [(&str, &[&str], &[&str]); 4] = [
        ("under a passphrase", &sealed, &sealed),
        ("plain", &["--plaintext", "json", "--yes"], &[]),
        ("dotenv", &["--plaintext", "dotenv", "--yes"], &["--format", "dotenv"]),
        ("postman", &["--plaintext", "postman", "--yes"], &[]),
    ];
    for (name, out, into) in forms {
        let path = |home: &Home| home.path("leaving").to_string_lossy().into_owned();
        let export = |home: &Home| home.command(&[&["export", "--force", "-o", &path(home)], out].concat());
        let import = |file: &str| {
            empty.empty();
            empty.command(&[&["import", file, "--on-conflict", "replace"], into].concat())
        };
        let (floor, whole) = (peak(&export(one)), peak(&export(home)));
        let length = fs::metadata(path(home)).map_err(|error| error.to_string())?.len() as f64 / 1e6;
        row(&format!("export, {name}"), length, whole, floor);
        let (floor, whole) = (peak(&import(&path(one))), peak(&import(&path(home))));
        row(&format!("import, {name}"), length, whole, floor);
    }
    Ok(())
}

fn row(what: &str, length: f64, peak: Option<f64>, floor: Option<f64>) {
    match (peak, floor) {
        (Some(peak), Some(floor)) => {
            println!("  | {what} | {length:.1} | {peak:.1} | {floor:.1} | {:.2} |", (peak - floor) / length);
        }
        _ => println!("  | {what} | {length:.1} | - | - | - |"),
    }
}
