//! How much memory exports and imports take, beside the file that they write or read.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use super::contest::peak;
use super::home::{Home, name};

/// What a vault is filled with: how many secrets, how many fill what does not grow with the file, and one of them as JSON.
type Shape = (&'static str, u32, u32, fn(u32) -> String);

const SHAPES: [Shape; 3] = [
    ("64 values of 1 MiB", 64, 16, |number| {
        let letter = char::from(b'a' + (number % 26) as u8).to_string();
        format!("{{\"name\":\"large-{number}\",\"value\":\"{}\"}}", letter.repeat(1 << 20))
    }),
    ("10,000 typical secrets", 10_000, 4_000, |number| {
        let (name, policy) = (
            name(number),
            r#"{"enabled":true,"send_only":false,"access":{"restricted":["api.example.com"]}}"#,
        );
        format!(
            "{{\"name\":\"{name}\",\"value\":\"made-up-token-{number:032}\",\"description\":\"token of service {number}\",\
             \"tags\":[\"bench\"],\"policy\":{policy}}}"
        )
    }),
    ("100,000 tiny secrets", 100_000, 4_000, |number| {
        format!("{{\"name\":\"K{number}\",\"value\":\"{number}\"}}")
    }),
];

/// Prints a table: the file, the most memory above what the same takes with one secret as a multiple of it, and what each byte
/// costs by which it is longer than a file of a few.
pub(super) fn measure(place: &Path, subrosa: &Path) -> Result<(), String> {
    let one = Home::made(&place.join("one"), subrosa)?;
    one.run(&["set", "one", "--empty"])?;
    for (shape, count, few, secret) in SHAPES {
        println!("\nmemory: {shape} (budget <= 3 x the file)");
        println!("  | what | file MB | peak MB | of one secret MB | above it, x the file | above {few} |");
        println!("  |---|---|---|---|---|---|");
        let filled = |name: &str, count: u32| {
            let home = Home::made(&place.join(name), subrosa)?;
            let file = home.path("arriving");
            fs::write(&file, document(count, secret)).map_err(|error| error.to_string())?;
            home.run(&["import", &file.to_string_lossy()])?;
            Ok::<_, String>(home)
        };
        let homes = [&one, &filled(&format!("{shape}, few"), few)?, &filled(shape, count)?];
        each(homes, &Home::made(&place.join(format!("{shape}, again")), subrosa)?)?;
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

/// A format, and the words that write it and that read it.
type Written<'w> = (&'static str, &'w [&'w str], Option<&'w [&'w str]>);

/// Each format in both directions.
fn each(homes: [&Home; 3], empty: &Home) -> Result<(), String> {
    let pass = empty.path("pass");
    fs::write(&pass, "gather-lunch-violin-absent").map_err(|error| error.to_string())?;
    super::moving::private(&pass)?;
    let pass = pass.to_string_lossy().into_owned();
    let sealed = ["--export-passphrase-file", &pass];
    let recipient = ["--recipient", "age1083t4sx67uz8wh7k9lcfm7jvwyvq3m7j3fedlxyemw2dtqhqusxs9ae8zc"];
    let forms: [Written<'_>; 5] = [
        ("under a passphrase", &sealed, Some(&sealed)),
        ("plain", &["--plaintext", "json", "--yes"], Some(&[])),
        ("dotenv", &["--plaintext", "dotenv", "--yes"], Some(&["--format", "dotenv"])),
        ("postman", &["--plaintext", "postman", "--yes"], Some(&[])),
        // nobody has the key
        ("age", &recipient, None),
    ];
    for (name, out, into) in forms {
        let path = |home: &Home| home.path("leaving").to_string_lossy().into_owned();
        let export = |home: &Home| home.command(&[&["export", "--force", "-o", &path(home)], out].concat());
        let peaks = homes.map(|home| peak(&export(home)));
        let lengths =
            homes.map(|home| fs::metadata(path(home)).map_or(f64::NAN, |file| file.len() as f64 / 1e6));
        row(&format!("export, {name}"), lengths, peaks);
        let Some(into) = into else { continue };
        let peaks = homes.map(|home| {
            empty.empty();
            peak(&empty.command(&[&["import", &path(home), "--on-conflict", "replace"], into].concat()))
        });
        row(&format!("import, {name}"), lengths, peaks);
        let peaks = homes.map(|home| peak(&home.command(&[&["import", &path(home)], into].concat())));
        row(&format!("import of what is there, {name}"), lengths, peaks);
    }
    Ok(())
}

/// Of one secret, of a few, and of all.
fn row(what: &str, [_, some, all]: [f64; 3], peaks: [Option<f64>; 3]) {
    match peaks {
        [Some(one), Some(few), Some(peak)] => {
            let (above, further) = ((peak - one) / all, (peak - few) / (all - some));
            println!("  | {what} | {all:.1} | {peak:.1} | {one:.1} | {above:.2} | {further:.2} |");
        }
        _ => println!("  | {what} | {all:.1} | - | - | - | - |"),
    }
}
