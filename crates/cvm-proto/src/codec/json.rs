//! Writing JSON, byte for byte as `serde_json` does, in less time: texts are copied whole where nothing in them needs an
//! escape, and a request is texts mostly.

use alloc::vec::Vec;

use serde::Serialize;
use serde::ser::{
    Error as _, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};
use serde_json::{Error, Value};

/// The structures as which `serde_json` passes on what is JSON already: its `RawValue`, and, with its feature
/// `arbitrary_precision`, its `Number`.
const RAW: [&str; 2] = ["$serde_json::private::RawValue", "$serde_json::private::Number"];

/// Writes a value.
///
/// # Errors
///
/// What the value's own serialization fails with, and maps whose keys are not texts, numbers or flags.
pub(crate) fn to_vec<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, Error> {
    // Most requests fit into what is allocated at first, so that they are never moved.
    let mut out = Vec::with_capacity(256);
    value.serialize(Json(&mut out))?;
    Ok(out)
}

/// Writes one value at the end of what is there.
struct Json<'a>(&'a mut Vec<u8>);

/// Writes the items of a list, or the members of an object.
struct Parts<'a> {
    out: &'a mut Vec<u8>,
    is_first: bool,
    end: &'static [u8],
}

impl<'a> Parts<'a> {
    fn list(out: &'a mut Vec<u8>, end: &'static [u8]) -> Self {
        out.push(b'[');
        Self { out, is_first: true, end }
    }

    fn object(out: &'a mut Vec<u8>, end: &'static [u8]) -> Self {
        out.push(b'{');
        Self { out, is_first: true, end }
    }

    fn next(&mut self) {
        if !core::mem::take(&mut self.is_first) {
            self.out.push(b',');
        }
    }

    fn member<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<(), Error> {
        self.next();
        text(self.out, name);
        self.out.push(b':');
        value.serialize(Json(self.out))
    }

    fn close(self) {
        self.out.extend_from_slice(self.end);
    }
}

/// `{"Variant":`, whose brace the value's own end closes.
fn variant(out: &mut Vec<u8>, name: &str) {
    out.push(b'{');
    text(out, name);
    out.push(b':');
}

/// A text with its quotes.
fn text(out: &mut Vec<u8>, text: &str) {
    let bytes = text.as_bytes();
    if needs_escape(bytes) {
        return escaped(out, bytes);
    }
    out.reserve(bytes.len() + 2);
    out.push(b'"');
    out.extend_from_slice(bytes);
    out.push(b'"');
}

/// Looks at eight bytes at a time; the last eight may overlap those before.
fn needs_escape(bytes: &[u8]) -> bool {
    let Some(last) = bytes.last_chunk() else {
        return bytes.iter().any(|&byte| byte < 0x20 || byte == b'"' || byte == b'\\');
    };
    word_needs_escape(*last) || bytes.as_chunks().0.iter().any(|word| word_needs_escape(*word))
}

/// Whether one of eight bytes is a control character, a quote or a backslash.
///
/// `x - n` borrows from the highest bit of a byte if `x < n`; bytes that have that bit themselves, parts of letters beyond
/// ASCII, are masked out. Equality is `x ^ n < 1`.
fn word_needs_escape(word: [u8; 8]) -> bool {
    let word = u64::from_le_bytes(word);
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    let below = |word: u64, limit: u8| word.wrapping_sub(ONES * u64::from(limit)) & !word;
    let is = |byte: u8| below(word ^ (ONES * u64::from(byte)), 1);
    (below(word, 0x20) | is(b'"') | is(b'\\')) & (ONES << 7) != 0
}

#[cold]
fn escaped(out: &mut Vec<u8>, bytes: &[u8]) {
    out.push(b'"');
    for &byte in bytes {
        let short = match byte {
            b'"' | b'\\' => byte,
            0x08 => b'b',
            b'\t' => b't',
            b'\n' => b'n',
            0x0c => b'f',
            b'\r' => b'r',
            _ if byte < 0x20 => {
                const HEX: &[u8; 16] = b"0123456789abcdef";
                let digits = [HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]];
                out.extend_from_slice(b"\\u00");
                out.extend_from_slice(&digits);
                continue;
            }
            _ => {
                out.push(byte);
                continue;
            }
        };
        out.extend_from_slice(&[b'\\', short]);
    }
    out.push(b'"');
}

/// Whole numbers.
macro_rules! integers {
    ($($method:ident: $type:ty),*) => {$(
        fn $method(self, value: $type) -> Result<(), Error> {
            self.0.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
            Ok(())
        }
    )*};
}

impl<'a> Serializer for Json<'a> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Parts<'a>;
    type SerializeTuple = Parts<'a>;
    type SerializeTupleStruct = Parts<'a>;
    type SerializeTupleVariant = Parts<'a>;
    type SerializeMap = Parts<'a>;
    type SerializeStruct = Members<'a>;
    type SerializeStructVariant = Parts<'a>;

    integers!(
        serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64, serialize_i128: i128,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64, serialize_u128: u128
    );

    fn serialize_bool(self, value: bool) -> Result<(), Error> {
        self.0.extend_from_slice(if value { b"true" } else { b"false" });
        Ok(())
    }

    fn serialize_f32(self, value: f32) -> Result<(), Error> {
        self.0.extend_from_slice(serde_json::to_string(&value)?.as_bytes());
        Ok(())
    }

    fn serialize_f64(self, value: f64) -> Result<(), Error> {
        self.0.extend_from_slice(serde_json::to_string(&value)?.as_bytes());
        Ok(())
    }

    fn serialize_char(self, value: char) -> Result<(), Error> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Result<(), Error> {
        text(self.0, value);
        Ok(())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), Error> {
        self.collect_seq(value)
    }

    fn serialize_none(self) -> Result<(), Error> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Error> {
        self.0.extend_from_slice(b"null");
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Error> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, name: &'static str) -> Result<(), Error> {
        self.serialize_str(name)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        name: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        variant(self.0, name);
        value.serialize(Json(self.0))?;
        self.0.push(b'}');
        Ok(())
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Parts<'a>, Error> {
        Ok(Parts::list(self.0, b"]"))
    }

    fn serialize_tuple(self, _: usize) -> Result<Parts<'a>, Error> {
        Ok(Parts::list(self.0, b"]"))
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Parts<'a>, Error> {
        Ok(Parts::list(self.0, b"]"))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        name: &'static str,
        _: usize,
    ) -> Result<Parts<'a>, Error> {
        variant(self.0, name);
        Ok(Parts::list(self.0, b"]}"))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Parts<'a>, Error> {
        Ok(Parts::object(self.0, b"}"))
    }

    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Members<'a>, Error> {
        Ok(if RAW.contains(&name) { Members::Raw(self.0) } else { Members::Own(Parts::object(self.0, b"}")) })
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        name: &'static str,
        _: usize,
    ) -> Result<Parts<'a>, Error> {
        variant(self.0, name);
        Ok(Parts::object(self.0, b"}}"))
    }
}

/// A structure: an object, or a text that is JSON already.
enum Members<'a> {
    Own(Parts<'a>),
    Raw(&'a mut Vec<u8>),
}

/// What the traits of lists have in common.
macro_rules! items {
    ($($trait:ident::$method:ident),*) => {$(
        impl $trait for Parts<'_> {
            type Ok = ();
            type Error = Error;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
                self.next();
                value.serialize(Json(self.out))
            }

            fn end(self) -> Result<(), Error> {
                self.close();
                Ok(())
            }
        }
    )*};
}

items!(
    SerializeSeq::serialize_element,
    SerializeTuple::serialize_element,
    SerializeTupleStruct::serialize_field,
    SerializeTupleVariant::serialize_field
);

impl SerializeMap for Parts<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        self.next();
        let start = self.out.len();
        key.serialize(Json(self.out))?;
        match self.out.get(start) {
            Some(b'"') => {}
            Some(b'-' | b'0'..=b'9' | b't' | b'f') => {
                self.out.insert(start, b'"');
                self.out.push(b'"');
            }
            _ => return Err(Error::custom("key must be a string")),
        }
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.out.push(b':');
        value.serialize(Json(self.out))
    }

    fn end(self) -> Result<(), Error> {
        self.close();
        Ok(())
    }
}

impl SerializeStruct for Members<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Error> {
        match self {
            Self::Own(parts) => parts.member(name, value),
            Self::Raw(out) => match serde_json::to_value(value)? {
                Value::String(json) => {
                    out.extend_from_slice(json.as_bytes());
                    Ok(())
                }
                _ => Err(Error::custom("raw JSON must be a string")),
            },
        }
    }

    fn end(self) -> Result<(), Error> {
        if let Self::Own(parts) = self {
            parts.close();
        }
        Ok(())
    }
}

impl SerializeStructVariant for Parts<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Error> {
        self.member(name, value)
    }

    fn end(self) -> Result<(), Error> {
        self.close();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::boxed::Box;
    use alloc::collections::BTreeMap;
    use alloc::string::{String, ToString as _};
    use alloc::{format, vec};
    use proptest::prelude::*;
    use serde_json::value::RawValue;

    #[track_caller]
    fn same(value: &(impl Serialize + ?Sized)) {
        let ours = to_vec(value).map(|json| String::from_utf8(json).unwrap());
        assert_eq!(ours.map_err(|_| ()), serde_json::to_string(value).map_err(|_| ()));
    }

    #[test]
    fn every_character_at_every_place() {
        for special in (0..=0x7f_u8).map(char::from).chain(['\u{80}', 'é', '镜', '\u{10ffff}']) {
            for before in 0..=17 {
                for after in [0, 1, 9] {
                    same(&format!("{}{special}{}", "a".repeat(before), "z".repeat(after)));
                }
            }
        }
        same("\"\\\u{1f}\u{7f}ÿ\u{a0}");
    }

    #[derive(Serialize)]
    enum Sample {
        Unit,
        Newtype(Option<u8>),
        Tuple(i64, f32),
        Struct { a: Vec<Sample>, b: () },
    }

    #[derive(Serialize)]
    struct Unit;

    #[derive(Serialize)]
    struct Wrapper(char);

    #[derive(Serialize)]
    struct Pair(bool, Wrapper);

    #[test]
    fn every_shape() {
        same(&Sample::Unit);
        same(&Sample::Newtype(Some(7)));
        same(&Sample::Newtype(None));
        same(&Sample::Tuple(i64::MIN, 0.1));
        same(&Sample::Struct { a: vec![Sample::Unit, Sample::Struct { a: vec![], b: () }], b: () });
        same(&(Unit, Pair(false, Wrapper('"')), [u128::MAX], i128::MIN, u64::MAX, -1_i8));
        same(&(1.0_f64, -0.0_f64, 1e300_f64, f64::NAN, f32::INFINITY, 0.3_f32));
        same(serde_json::json!({}).as_object().unwrap());
    }

    #[test]
    fn every_key() {
        same(&BTreeMap::from([("a\"b", 1), ("", 2)]));
        same(&BTreeMap::from([(1_u8, 1), (2, 2)]));
        same(&BTreeMap::from([(-1_i64, 1)]));
        same(&BTreeMap::from([(true, 1), (false, 2)]));
        same(&BTreeMap::from([('x', 1)]));
        same(&BTreeMap::from([(None::<u8>, 1)]));
        same(&BTreeMap::from([([1_u8], 1)]));
        same(&BTreeMap::from([((), 1)]));
    }

    #[test]
    fn json_is_passed_on_as_it_is() {
        let raw: Box<RawValue> = serde_json::from_str(r#"{ "A" : [1e5, "\u00e9"] }"#).unwrap();
        same(&raw);
        same(&BTreeMap::from([("raw", vec![&raw, &raw])]));
    }

    #[test]
    fn a_failure_is_passed_on() {
        struct Failing;
        impl Serialize for Failing {
            fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
                Err(S::Error::custom("not today"))
            }
        }
        assert_eq!(to_vec(&[("a", Failing)]).unwrap_err().to_string(), "not today");
    }

    proptest! {
        #[test]
        fn prop_texts_as_serde_json(texts in prop::collection::vec(".{0,40}|[ -~\"\\\\]{0,40}", 0..5)) {
            same(&texts);
        }
    }
}
