//! `--capture NAME=JSONPATH`: a value of the answer goes into the vault, and is masked in what is shown of it.

use crate::failure::{Failure, Outcome};
use serde_json::Value;
use serde_json_path::JsonPath;
use subrosa_secret::{Name, SecretValue};
use zeroize::Zeroizing;

/// The longest answer that is searched. Tokens come in short ones, and all of it is held in memory.
const LONGEST: usize = 16 << 20;

/// What is wanted of an answer, and as much of it as has come.
pub(super) struct Captures {
    wanted: Vec<(Name, JsonPath)>,
    body: Zeroizing<Vec<u8>>,
}

/// Reads the value of the flag. A path is no secret, so that an error may repeat what is wrong with it.
pub(super) fn parse(text: &str) -> Result<(Name, JsonPath), String> {
    let (name, path) = text.split_once('=').ok_or("write NAME=JSONPATH, such as session=$.access_token")?;
    let name = Name::parse(name).map_err(|error| error.to_string())?;
    let path = JsonPath::parse(path).map_err(|error| format!("no JSONPath: {error}"))?;
    Ok((name, path))
}

impl Captures {
    /// `None` where nothing is wanted.
    pub(super) fn of(flags: &[String]) -> Option<Self> {
        let wanted: Vec<_> = flags.iter().filter_map(|text| parse(text).ok()).collect();
        (!wanted.is_empty()).then(|| Self { wanted, body: Zeroizing::default() })
    }

    pub(super) fn push(&mut self, chunk: &[u8]) -> Outcome {
        if self.body.len() + chunk.len() > LONGEST {
            return Err(Failure::general("--capture: the answer is longer than 16 MiB; nothing was stored"));
        }
        self.body.extend_from_slice(chunk);
        Ok(())
    }

    pub(super) fn body(&self) -> &[u8] {
        &self.body
    }

    /// The values, all of them or none.
    pub(super) fn values(&self, status: u16) -> Outcome<Vec<(Name, SecretValue)>> {
        if !(200..300).contains(&status) {
            let text = format!("--capture: the server answered with status {status}; nothing was stored");
            return Err(Failure::general(text));
        }
        let answer: Value = serde_json::from_slice(&self.body)
            .map_err(|_| Failure::general("--capture: the answer is not JSON; nothing was stored"))?;
        self.wanted.iter().map(|(name, path)| Ok((name.clone(), value(name, path, &answer)?))).collect()
    }
}

/// The only value that the path leads to.
fn value(name: &Name, path: &JsonPath, answer: &Value) -> Outcome<SecretValue> {
    let failed = |why: String| Failure::general(format!("--capture {name}: {why}; nothing was stored"));
    let found = path.query(answer).all();
    let text = match found.as_slice() {
        [Value::String(text)] => text.clone(),
        [Value::Number(number)] => number.to_string(),
        [Value::Bool(on)] => on.to_string(),
        [Value::Null] => return Err(failed("the value is null".to_owned())),
        [Value::Array(_) | Value::Object(_)] => return Err(failed("the value is no single one".to_owned())),
        [] => return Err(failed("the path leads to nothing in the answer".to_owned())),
        several => return Err(failed(format!("the path leads to {} values", several.len()))),
    };
    if text.is_empty() {
        return Err(failed("the value is empty".to_owned()));
    }
    SecretValue::new(text.into_bytes()).map_err(|error| failed(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn captured(flag: &str, answer: &str, status: u16) -> Result<Vec<u8>, String> {
        let mut captures = Captures::of(&[flag.to_owned()]).expect("a path");
        captures.push(answer.as_bytes()).expect("short");
        match captures.values(status) {
            Ok(values) => Ok(values[0].1.expose_secret().to_vec()),
            Err(failure) => Err(failure.message().to_owned()),
        }
    }

    #[test]
    fn one_scalar_is_captured() {
        let answer = r#"{"token":"t0ken","n":7,"list":[{"id":"a"},{"id":"b"}],"none":null}"#;
        assert_eq!(captured("s=$.token", answer, 200).as_deref(), Ok(&b"t0ken"[..]));
        assert_eq!(captured("s=$.n", answer, 201).as_deref(), Ok(&b"7"[..]));
        assert_eq!(captured("s=$.list[1].id", answer, 200).as_deref(), Ok(&b"b"[..]));
        for (flag, why) in [
            ("s=$.list[*].id", "2 values"),
            ("s=$.list", "no single one"),
            ("s=$.none", "null"),
            ("s=$.missing", "nothing"),
        ] {
            let error = captured(flag, answer, 200).unwrap_err();
            assert!(error.contains(why) && !error.contains("t0ken"), "{error}");
        }
        assert!(captured("s=$.token", answer, 401).unwrap_err().contains("status 401"));
        assert!(captured("s=$.token", "<html>", 200).unwrap_err().contains("not JSON"));
    }

    #[test]
    fn a_flag_that_makes_no_sense_is_refused() {
        for wrong in ["name", "=$.a", "a=", "a=$.b[", "a b\n=$.a"] {
            assert!(parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
