//! Writing JSON, byte for byte as `serde_json` does, in less time: a request is texts mostly, and hardly one of them needs
//! an escape. So all are copied as they are at first, and one look at the whole tells whether that was right.

use alloc::format;
use alloc::vec::Vec;
use core::mem;

use serde::Serialize;
use serde::ser::{
    Error as _, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};
use serde_json::Error;

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
    let mut out = Out { bytes: Vec::with_capacity(256), special: 0, escapes: false };
    value.serialize(Json(&mut out))?;
    if count_special(&out.bytes) != out.special {
        out = Out { bytes: Vec::with_capacity(2 * out.bytes.len()), special: 0, escapes: true };
        value.serialize(Json(&mut out))?;
    }
    Ok(out.bytes)
}

/// What is written.
struct Out {
    bytes: Vec<u8>,
    /// The bytes in it that a text could only have with an escape, and that are no part of a text: quotes.
    special: usize,
    /// Whether texts are written with their escapes.
    escapes: bool,
}

impl Out {
    /// A text with its quotes.
    fn text(&mut self, text: &str) {
        if self.escapes {
            return self.escaped(text);
        }
        self.bytes.reserve(text.len() + 2);
        self.bytes.push(b'"');
        self.bytes.extend_from_slice(text.as_bytes());
        self.bytes.push(b'"');
        self.special += 2;
    }

    #[cold]
    fn escaped(&mut self, text: &str) {
        self.bytes.push(b'"');
        for &byte in text.as_bytes() {
            let short = match byte {
                b'"' | b'\\' => byte,
                0x08 => b'b',
                b'\t' => b't',
                b'\n' => b'n',
                0x0c => b'f',
                b'\r' => b'r',
                _ if byte < 0x20 => {
                    self.plain(&format!("\\u{byte:04x}"));
                    continue;
                }
                _ => {
                    self.bytes.push(byte);
                    continue;
                }
            };
            self.bytes.extend_from_slice(&[b'\\', short]);
        }
        self.bytes.push(b'"');
    }

    /// `{"Variant":`, whose brace the value's own end closes.
    fn variant(&mut self, name: &str) {
        self.bytes.push(b'{');
        self.text(name);
        self.bytes.push(b':');
    }

    /// Takes the quotes off the text that was written last: it is JSON already.
    fn unquote(&mut self, start: usize) -> Result<(), Error> {
        if !matches!(self.bytes[start..], [b'"', .., b'"']) {
            return Err(Error::custom("JSON as it is must be a text"));
        }
        self.bytes.remove(start);
        self.bytes.pop();
        self.special = self.special - 2 + count_special(&self.bytes[start..]);
        Ok(())
    }

    /// What is neither a text nor made of texts.
    fn plain(&mut self, json: &str) {
        self.bytes.extend_from_slice(json.as_bytes());
    }
}

/// How many control characters, quotes and backslashes there are. In parts that a byte can count, so that many bytes are
/// looked at with one instruction.
fn count_special(bytes: &[u8]) -> usize {
    let special = |&byte: &u8| u8::from(byte < 0x20) | u8::from(byte == b'"') | u8::from(byte == b'\\');
    bytes.chunks(128).map(|part| usize::from(part.iter().map(special).sum::<u8>())).sum()
}

/// Writes one value at the end of what is there.
struct Json<'a>(&'a mut Out);

/// Writes the items of a list, or the members of an object.
struct Parts<'a> {
    out: &'a mut Out,
    is_first: bool,
    /// Whether it is one of [`RAW`]: its only member is a text that is JSON already.
    is_raw: bool,
    end: &'static str,
}

impl<'a> Parts<'a> {
    fn list(out: &'a mut Out, end: &'static str) -> Self {
        out.bytes.push(b'[');
        Self { out, is_first: true, is_raw: false, end }
    }

    fn object(out: &'a mut Out, end: &'static str) -> Self {
        out.bytes.push(b'{');
        Self { out, is_first: true, is_raw: false, end }
    }

    fn raw(out: &'a mut Out) -> Self {
        Self { out, is_first: true, is_raw: true, end: "" }
    }

    fn next(&mut self) {
        if !mem::take(&mut self.is_first) {
            self.out.bytes.push(b',');
        }
    }

    fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.next();
        value.serialize(Json(self.out))
    }

    fn member<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<(), Error> {
        let (start, escapes) = (self.out.bytes.len(), self.out.escapes);
        if self.is_raw {
            self.out.escapes = false;
        } else {
            self.next();
            self.out.text(name);
            self.out.bytes.push(b':');
        }
        value.serialize(Json(self.out))?;
        if self.is_raw {
            self.out.escapes = escapes;
            self.out.unquote(start)?;
        }
        Ok(())
    }

    fn close(self) {
        self.out.plain(self.end);
    }
}

/// Whole numbers.
macro_rules! integers {
    ($($method:ident: $type:ty),*) => {$(
        fn $method(self, value: $type) -> Result<(), Error> {
            self.0.plain(itoa::Buffer::new().format(value));
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
    type SerializeStruct = Parts<'a>;
    type SerializeStructVariant = Parts<'a>;

    integers!(
        serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64, serialize_i128: i128,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64, serialize_u128: u128
    );

    fn serialize_bool(self, value: bool) -> Result<(), Error> {
        self.0.plain(if value { "true" } else { "false" });
        Ok(())
    }

    fn serialize_f32(self, value: f32) -> Result<(), Error> {
        self.0.plain(&serde_json::to_string(&value)?);
        Ok(())
    }

    fn serialize_f64(self, value: f64) -> Result<(), Error> {
        self.0.plain(&serde_json::to_string(&value)?);
        Ok(())
    }

    fn serialize_char(self, value: char) -> Result<(), Error> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Result<(), Error> {
        self.0.text(value);
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
        self.0.plain("null");
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
        self.0.variant(name);
        value.serialize(Json(self.0))?;
        self.0.bytes.push(b'}');
        Ok(())
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Parts<'a>, Error> {
        Ok(Parts::list(self.0, "]"))
    }

    fn serialize_tuple(self, _: usize) -> Result<Parts<'a>, Error> {
        Ok(Parts::list(self.0, "]"))
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Parts<'a>, Error> {
        Ok(Parts::list(self.0, "]"))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        name: &'static str,
        _: usize,
    ) -> Result<Parts<'a>, Error> {
        self.0.variant(name);
        Ok(Parts::list(self.0, "]}"))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Parts<'a>, Error> {
        Ok(Parts::object(self.0, "}"))
    }

    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Parts<'a>, Error> {
        Ok(if RAW.contains(&name) { Parts::raw(self.0) } else { Parts::object(self.0, "}") })
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        name: &'static str,
        _: usize,
    ) -> Result<Parts<'a>, Error> {
        self.0.variant(name);
        Ok(Parts::object(self.0, "}}"))
    }
}

/// What the traits of lists, and of objects whose members have names, have in common.
macro_rules! parts {
    ($($trait:ident::$method:ident($($name:ident)?) => $part:ident),*) => {$(
        impl $trait for Parts<'_> {
            type Ok = ();
            type Error = Error;

            fn $method<T: Serialize + ?Sized>(
                &mut self,
                $($name: &'static str,)?
                value: &T,
            ) -> Result<(), Error> {
                self.$part($($name,)? value)
            }

            fn end(self) -> Result<(), Error> {
                self.close();
                Ok(())
            }
        }
    )*};
}

parts!(
    SerializeSeq::serialize_element() => item,
    SerializeTuple::serialize_element() => item,
    SerializeTupleStruct::serialize_field() => item,
    SerializeTupleVariant::serialize_field() => item,
    SerializeStruct::serialize_field(name) => member,
    SerializeStructVariant::serialize_field(name) => member
);

impl SerializeMap for Parts<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        self.next();
        let start = self.out.bytes.len();
        key.serialize(Json(self.out))?;
        match self.out.bytes.get(start) {
            Some(b'"') => {}
            Some(b'-' | b'0'..=b'9' | b't' | b'f') => {
                self.out.bytes.insert(start, b'"');
                self.out.bytes.push(b'"');
                self.out.special += 2;
            }
            _ => return Err(Error::custom("key must be a string")),
        }
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.out.bytes.push(b':');
        value.serialize(Json(self.out))
    }

    fn end(self) -> Result<(), Error> {
        self.close();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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
    struct Wrapper(char);

    #[derive(Serialize)]
    struct Pair(bool, Wrapper);

    #[test]
    fn every_shape() {
        same(&Sample::Unit);
        same(&[Sample::Newtype(Some(7)), Sample::Newtype(None)]);
        same(&Sample::Tuple(i64::MIN, 0.1));
        same(&Sample::Struct { a: vec![Sample::Unit, Sample::Struct { a: vec![], b: () }], b: () });
        same(&((), Pair(false, Wrapper('"')), [u128::MAX], i128::MIN, u64::MAX, -1_i8));
        same(&(1.0_f64, -0.0_f64, 1e300_f64, f64::NAN, f32::INFINITY, 0.3_f32));
        same(serde_json::json!({}).as_object().unwrap());
    }

    #[test]
    fn every_key() {
        same(&BTreeMap::from([("a\"b", 1), ("", 2)]));
        same(&BTreeMap::from([(1_u8, 1), (2, 2)]));
        same(&BTreeMap::from([(true, 1), (false, 2)]));
        same(&BTreeMap::from([('x', 1)]));
        same(&BTreeMap::from([(None::<u8>, 1)]));
        same(&BTreeMap::from([([1_u8], 1)]));
        same(&BTreeMap::from([((), 1)]));
    }

    #[test]
    fn json_is_passed_on_as_it_is() {
        for json in [r#"{ "A" : [1e5, "\u00e9"] }"#, "1", "null"] {
            let raw: &RawValue = serde_json::from_str(json).unwrap();
            same(raw);
            same(&BTreeMap::from([("raw", vec![raw, raw])]));
            same(&(raw, "a\"b", raw));
        }
    }

    #[test]
    fn json_that_is_no_text_is_refused() {
        struct Odd(Vec<u8>);
        impl Serialize for Odd {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let mut raw = serializer.serialize_struct(RAW[0], 1)?;
                raw.serialize_field(RAW[0], &self.0)?;
                raw.end()
            }
        }
        assert!(to_vec(&Odd(vec![])).is_err() && to_vec(&Odd(vec![b'"'])).is_err());
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
