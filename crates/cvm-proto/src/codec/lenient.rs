//! Reads types from values whose scalars may be text, as in queries, forms and multipart bodies.

use alloc::format;
use alloc::string::{String, ToString as _};
use core::fmt;

use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{self, DeserializeOwned, IntoDeserializer, Visitor};
use serde_json::Value;

use super::percent::shown;
use crate::error::Error;

/// Reads `T`; where it wants a number or a boolean, a string that holds one will do.
pub(crate) fn from_value<T: DeserializeOwned>(value: Value) -> Result<T, Error> {
    T::deserialize(Lenient(value)).map_err(|mismatch| {
        Error::parameter(if mismatch.path.is_empty() {
            format!("the parameters do not fit: {}", mismatch.message)
        } else {
            format!("parameter `{}` does not fit: {}", shown(&mismatch.path), mismatch.message)
        })
    })
}

struct Lenient(Value);

/// What does not fit, and where; the path grows on the way out.
#[derive(Debug)]
struct Mismatch {
    path: String,
    message: String,
}

impl Mismatch {
    fn under(mut self, part: &str) -> Self {
        self.path = if self.path.is_empty() { part.into() } else { format!("{part}.{}", self.path) };
        self
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl core::error::Error for Mismatch {}

impl de::Error for Mismatch {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self { path: String::new(), message: message.to_string() }
    }
}

impl From<serde_json::Error> for Mismatch {
    fn from(error: serde_json::Error) -> Self {
        de::Error::custom(error)
    }
}

/// A member of a list or object, with its name for errors.
struct NamedValue(String, Value);

impl<'de> IntoDeserializer<'de, Mismatch> for NamedValue {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

macro_rules! forward_with_name {
    ($($method:ident ( $($arg:ident : $type:ty),* );)*) => {$(
        fn $method<V: Visitor<'de>>(self, $($arg: $type,)* visitor: V) -> Result<V::Value, Mismatch> {
            Lenient(self.1).$method($($arg,)* visitor).map_err(|mismatch| mismatch.under(&self.0))
        }
    )*};
}

impl<'de> de::Deserializer<'de> for NamedValue {
    type Error = Mismatch;

    forward_with_name! {
        deserialize_any();
        deserialize_bool();
        deserialize_i8(); deserialize_i16(); deserialize_i32(); deserialize_i64(); deserialize_i128();
        deserialize_u8(); deserialize_u16(); deserialize_u32(); deserialize_u64(); deserialize_u128();
        deserialize_f32(); deserialize_f64();
        deserialize_char(); deserialize_str(); deserialize_string();
        deserialize_bytes(); deserialize_byte_buf();
        deserialize_option();
        deserialize_unit(); deserialize_unit_struct(name: &'static str); deserialize_newtype_struct(name: &'static str);
        deserialize_seq(); deserialize_tuple(len: usize); deserialize_tuple_struct(name: &'static str, len: usize);
        deserialize_map(); deserialize_struct(name: &'static str, fields: &'static [&'static str]);
        deserialize_enum(name: &'static str, variants: &'static [&'static str]);
        deserialize_identifier(); deserialize_ignored_any();
    }
}

macro_rules! numbers {
    ($($method:ident => $visit:ident as $type:ty, $what:literal;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
            match self.0 {
                Value::String(text) => match text.parse::<$type>() {
                    Ok(number) => visitor.$visit(number),
                    Err(_) => Err(de::Error::custom(format_args!("`{}` is not {}", shown(&text), $what))),
                },
                other => Ok(de::Deserializer::$method(other, visitor)?),
            }
        }
    )*};
}

impl<'de> de::Deserializer<'de> for Lenient {
    type Error = Mismatch;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        match self.0 {
            Value::Array(items) => {
                let members = items.into_iter().enumerate().map(|(i, item)| NamedValue(i.to_string(), item));
                let mut list = SeqDeserializer::new(members);
                let value = visitor.visit_seq(&mut list)?;
                list.end()?;
                Ok(value)
            }
            Value::Object(members) => {
                let members =
                    members.into_iter().map(|(name, value)| (name.clone(), NamedValue(name, value)));
                let mut map = MapDeserializer::new(members);
                let value = visitor.visit_map(&mut map)?;
                map.end()?;
                Ok(value)
            }
            scalar => Ok(scalar.deserialize_any(visitor)?),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        match self.0 {
            Value::String(text) if text.eq_ignore_ascii_case("true") => visitor.visit_bool(true),
            Value::String(text) if text.eq_ignore_ascii_case("false") => visitor.visit_bool(false),
            Value::String(text) => {
                Err(de::Error::custom(format_args!("`{}` is neither `true` nor `false`", shown(&text))))
            }
            other => Ok(other.deserialize_bool(visitor)?),
        }
    }

    numbers! {
        deserialize_i8 => visit_i8 as i8, "a whole number from -128 to 127";
        deserialize_i16 => visit_i16 as i16, "a whole number of 16 bits";
        deserialize_i32 => visit_i32 as i32, "a whole number of 32 bits";
        deserialize_i64 => visit_i64 as i64, "a whole number of 64 bits";
        deserialize_i128 => visit_i128 as i128, "a whole number of 128 bits";
        deserialize_u8 => visit_u8 as u8, "a whole number from 0 to 255";
        deserialize_u16 => visit_u16 as u16, "a whole number from 0 of 16 bits";
        deserialize_u32 => visit_u32 as u32, "a whole number from 0 of 32 bits";
        deserialize_u64 => visit_u64 as u64, "a whole number from 0 of 64 bits";
        deserialize_u128 => visit_u128 as u128, "a whole number from 0 of 128 bits";
        deserialize_f32 => visit_f32 as f32, "a number";
        deserialize_f64 => visit_f64 as f64, "a number";
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        match self.0 {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        Ok(self.0.deserialize_enum(name, variants, visitor)?)
    }

    serde::forward_to_deserialize_any! {
        char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}
