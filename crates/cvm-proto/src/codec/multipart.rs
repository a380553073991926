//! `multipart/form-data` bodies: one part a parameter, lists and objects as JSON.

use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use memchr::memmem;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::JSON;
use super::flatten;
use super::percent::shown;
use crate::error::Error;

/// One part of a body: a parameter or a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// The parameter's name: any text without quotes, backslashes and control characters.
    pub name: String,
    /// The file's name, for a part that is a file; the same characters as the name.
    pub filename: Option<String>,
    /// The media type; text if there is none. `application/json` marks a list or an object.
    pub content_type: Option<String>,
    /// The content.
    pub content: Vec<u8>,
}

/// The parts of an object: scalars as text, lists and objects as JSON; null members are skipped.
///
/// # Errors
///
/// [`ErrorKind::Parameter`](crate::ErrorKind::Parameter) if it is not an object, or cannot be serialized.
pub fn to_parts(parameters: &(impl Serialize + ?Sized)) -> Result<Vec<Part>, Error> {
    let parts = flatten::object(parameters)?.into_iter().filter_map(|(name, value)| {
        let (content_type, content) = match value {
            Value::Null => return None,
            Value::String(text) => (None, text),
            scalar @ (Value::Bool(_) | Value::Number(_)) => (None, scalar.to_string()),
            json @ (Value::Array(_) | Value::Object(_)) => (Some(JSON.into()), json.to_string()),
        };
        Some(Part { name, filename: None, content_type, content: content.into_bytes() })
    });
    Ok(parts.collect())
}

/// Reads a type from parts; undoes [`to_parts`]. Numbers and booleans are read from their text.
///
/// # Errors
///
/// [`ErrorKind::Parameter`](crate::ErrorKind::Parameter) naming the parameter if it comes twice, is not UTF-8 or not
/// JSON where it says so, or does not fit the type.
pub fn from_parts<T: DeserializeOwned>(parts: &[Part]) -> Result<T, Error> {
    let mut members = Map::new();
    for part in parts {
        let bad = |why: &str| Err(Error::parameter(format!("parameter `{}` {why}", shown(&part.name))));
        let value = match &part.content_type {
            Some(media_type)
                if media_type.split(';').next().is_some_and(|essence| essence.trim() == JSON) =>
            {
                match serde_json::from_slice(&part.content) {
                    Ok(value) => value,
                    Err(_) => return bad("is not the JSON that its part says it is"),
                }
            }
            _ => match core::str::from_utf8(&part.content) {
                Ok(text) => Value::String(text.into()),
                Err(_) => return bad("is not UTF-8: only files may be other than text"),
            },
        };
        if members.insert(part.name.clone(), value).is_some() {
            return bad("is there twice: send it once");
        }
    }
    super::lenient::from_value(Value::Object(members))
}

/// A boundary that no content holds.
pub fn boundary(parts: &[Part]) -> String {
    (0_u64..)
        .map(|number| format!("----cvm-form-data-{number:016x}"))
        .find(|boundary| {
            let finder = memmem::Finder::new(boundary.as_bytes());
            parts.iter().all(|part| finder.find(&part.content).is_none())
        })
        // Contents of finite length hold finitely many texts.
        .unwrap_or_default()
}

/// The body. `boundary` must not occur in any content; [`boundary()`] finds one.
///
/// # Errors
///
/// [`ErrorKind::Parameter`](crate::ErrorKind::Parameter) if a name cannot stand in a part's head.
pub fn encode(parts: &[Part], boundary: &str) -> Result<Vec<u8>, Error> {
    let len = |part: &Part| part.content.len() + part.name.len() + boundary.len() + 128;
    let mut body = Vec::with_capacity(parts.iter().map(len).sum::<usize>() + boundary.len() + 8);
    for part in parts {
        let heads = [Some(&part.name), part.filename.as_ref(), part.content_type.as_ref()];
        for text in heads.into_iter().flatten() {
            if text.contains(|c: char| c == '"' || c == '\\' || c.is_control()) {
                return Err(Error::parameter(format!(
                    "parameter `{}` cannot be sent as multipart: a name has no quotes, backslashes or control \
                     characters",
                    shown(&part.name)
                )));
            }
        }
        let mut push = |text: &[&str]| text.iter().for_each(|text| body.extend_from_slice(text.as_bytes()));
        push(&["--", boundary, "\r\nContent-Disposition: form-data; name=\"", &part.name, "\""]);
        if let Some(filename) = &part.filename {
            push(&["; filename=\"", filename, "\""]);
        }
        if let Some(media_type) = &part.content_type {
            push(&["\r\nContent-Type: ", media_type]);
        }
        push(&["\r\n\r\n"]);
        body.extend_from_slice(&part.content);
        body.extend_from_slice(b"\r\n");
    }
    for text in ["--", boundary, "--\r\n"] {
        body.extend_from_slice(text.as_bytes());
    }
    Ok(body)
}

/// The boundary that a content type names, if it is `multipart/form-data`.
pub fn boundary_of(content_type: &str) -> Option<&str> {
    let (essence, parameters) = content_type.split_once(';')?;
    if !essence.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let (_, value) = parameters
        .split(';')
        .filter_map(|parameter| parameter.split_once('='))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("boundary"))?;
    let value = value.trim();
    let value = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(value);
    (!value.is_empty() && value.len() <= 70).then_some(value)
}

/// The parts of a body; undoes [`encode`].
///
/// # Errors
///
/// [`ErrorKind::Parameter`](crate::ErrorKind::Parameter) if the body is cut off, or a part has no readable head.
pub fn decode(body: &[u8], boundary: &str) -> Result<Vec<Part>, Error> {
    let bad = |why: &str| Error::parameter(format!("the multipart body {why}"));
    let opening = format!("--{boundary}");
    let delimiter = format!("\r\n--{boundary}");
    // What stands before the first boundary is for readers who do not know the format.
    let start = if body.starts_with(opening.as_bytes()) {
        opening.len()
    } else {
        memmem::find(body, delimiter.as_bytes())
            .map(|at| at + delimiter.len())
            .ok_or_else(|| bad("does not hold the boundary that its content type names"))?
    };
    let finder = memmem::Finder::new(delimiter.as_bytes());
    let mut rest = &body[start..];
    let mut parts = Vec::new();
    loop {
        if rest.starts_with(b"--") {
            return Ok(parts);
        }
        rest = rest.strip_prefix(b"\r\n").ok_or_else(|| bad("has a boundary that no line break follows"))?;
        let end = finder.find(rest).ok_or_else(|| bad("is cut off: the last boundary is missing"))?;
        parts.push(decode_part(&rest[..end]).ok_or_else(|| {
            bad("has a part without the head `Content-Disposition: form-data; name=\"...\"`")
        })?);
        rest = &rest[end + delimiter.len()..];
    }
}

fn decode_part(part: &[u8]) -> Option<Part> {
    let split = memmem::find(part, b"\r\n\r\n")?;
    let head = core::str::from_utf8(&part[..split]).ok()?;
    let mut decoded = Part { content: part[split + 4..].to_vec(), ..Part::default() };
    let mut named = false;
    for line in head.split("\r\n") {
        let (name, value) = line.split_once(':')?;
        let value = value.trim();
        if name.eq_ignore_ascii_case("content-disposition") {
            let mut parameters = value.split(';').map(str::trim);
            if named || parameters.next() != Some("form-data") {
                return None;
            }
            decoded.name = quoted(value, "name")?.into();
            decoded.filename = quoted(value, "filename").map(Into::into);
            named = true;
        } else if name.eq_ignore_ascii_case("content-type") {
            decoded.content_type = Some(value.into());
        }
    }
    named.then_some(decoded)
}

/// The value of `name="..."` among the parameters of a head; a `;` inside quotes does not end one.
fn quoted<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut rest = head.split_once(';')?.1;
    loop {
        let (known, after) = rest.split_once('=')?;
        let (value, tail) = match after.trim_start().strip_prefix('"') {
            Some(inside) => inside.split_once('"')?,
            None => after.split_at(after.find(';').unwrap_or(after.len())),
        };
        if known.trim().eq_ignore_ascii_case(name) {
            return Some(value.trim_end_matches(['\r', '\n']));
        }
        rest = tail.trim_start().strip_prefix(';')?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use serde_json::json;

    fn part(name: &str, content: &str) -> Part {
        Part { name: name.into(), content: content.into(), ..Part::default() }
    }

    #[test]
    fn as_the_wire_has_it() {
        let parts =
            to_parts(&json!({ "Limit": 20, "Name": "中 \r\n", "Tags": [{ "Key": "k" }], "None": null }))
                .unwrap();
        let body = encode(&parts, "b").unwrap();
        assert_eq!(
            core::str::from_utf8(&body).unwrap(),
            "--b\r\nContent-Disposition: form-data; name=\"Limit\"\r\n\r\n20\r\n\
             --b\r\nContent-Disposition: form-data; name=\"Name\"\r\n\r\n中 \r\n\r\n\
             --b\r\nContent-Disposition: form-data; name=\"Tags\"\r\nContent-Type: application/json\r\n\r\n\
             [{\"Key\":\"k\"}]\r\n--b--\r\n"
        );
        assert_eq!(decode(&body, "b").unwrap(), parts);
        let back: Value = from_parts(&parts).unwrap();
        assert_eq!(back, json!({ "Limit": "20", "Name": "中 \r\n", "Tags": [{ "Key": "k" }] }));
    }

    #[test]
    fn files_and_foreign_details() {
        let file = Part {
            filename: Some("a;b.bin".into()),
            content_type: Some("application/octet-stream".into()),
            content: vec![0, 255, 13, 10],
            ..part("File", "")
        };
        let parts = [file, part("Empty", "")];
        let body = encode(&parts, "xyz").unwrap();
        assert_eq!(decode(&body, "xyz").unwrap(), parts);
        let mut with_preamble = b"to be ignored\r\n".to_vec();
        with_preamble.extend(body);
        assert_eq!(decode(&with_preamble, "xyz").unwrap(), parts);
    }

    #[test]
    fn the_boundary_avoids_the_content() {
        let first = boundary(&[]);
        let parts = [part("A", &format!("x{first}y"))];
        let second = boundary(&parts);
        assert_ne!(first, second);
        assert_eq!(decode(&encode(&parts, &second).unwrap(), &second).unwrap(), parts);
    }

    #[test]
    fn boundaries_in_content_types() {
        for (content_type, expected) in [
            ("multipart/form-data; boundary=abc", Some("abc")),
            ("Multipart/Form-Data;charset=utf-8;Boundary=\"a b\"", Some("a b")),
            ("multipart/form-data", None),
            ("multipart/form-data; boundary=", None),
            ("multipart/mixed; boundary=abc", None),
            ("application/json", None),
        ] {
            assert_eq!(boundary_of(content_type), expected, "{content_type}");
        }
    }

    #[test]
    fn what_cannot_be_written_or_read() {
        for name in ["a\"b", "a\r\nX: y", "a\\"] {
            assert!(encode(&[part(name, "")], "b").unwrap_err().to_string().contains("multipart"));
        }
        for (body, why) in [
            ("", "boundary"),
            ("--b", "line break"),
            ("--b\r\n", "cut off"),
            ("--b\r\nContent-Disposition: form-data; name=\"A\"\r\n\r\nx", "cut off"),
            ("--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--", "head"),
            ("--b\r\nX: y\r\n\r\nx\r\n--b--", "head"),
            ("--b\r\nno head\r\n--b--", "head"),
        ] {
            let text = decode(body.as_bytes(), "b").unwrap_err().to_string();
            assert!(text.contains(why), "{body:?}: {text}");
        }
        for parts in [vec![part("A", ""), part("A", "")], vec![Part { content: vec![255], ..part("A", "") }]]
        {
            assert!(from_parts::<Value>(&parts).unwrap_err().to_string().contains("`A`"));
        }
    }
}
