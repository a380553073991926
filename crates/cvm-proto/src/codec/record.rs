//! How a structure of the API reads and writes itself, from one list of its members.
//!
//! Serde's derive writes some hundred lines for a structure, in both directions, and compiling five hundred structures
//! that way takes longer than everything else here. So the work stands here once, and a structure brings a table:
//! [`record!`] pairs the names on the wire with the fields.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::marker::PhantomData;

use serde::Deserialize;
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor,
};
use serde::ser::{Serialize, SerializeStruct, Serializer};

/// A structure of the API.
pub(crate) trait Record: Default + DeserializeOwned {
    /// The structure's name, for messages.
    const NAME: &'static str;
    /// The names of its members on the wire, in the order of the specification.
    const MEMBERS: &'static [&'static str];

    /// Reads the value of one member.
    fn read<'de, A: MapAccess<'de>>(&mut self, member: usize, map: &mut A) -> Result<(), A::Error>;
    /// Writes every member that has a value.
    fn write<S: SerializeStruct>(&self, out: &mut S) -> Result<(), S::Error>;
}

/// The type of a member: what `null` and absence mean for it.
///
/// The service writes `null` where it has nothing, also where its documentation promises a value. For an `Option` that
/// is `None`; for a list, the empty one; for a string, a number, a flag or a structure, its default.
pub(crate) trait Member: Sized {
    /// Reads the value of the member whose key was read last.
    fn read<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Self, A::Error>;
    /// Whether an optional member of this value is left out.
    fn is_absent(&self) -> bool;
}

impl<T: for<'de> Deserialize<'de>> Member for Option<T> {
    fn read<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Self, A::Error> {
        map.next_value()
    }

    fn is_absent(&self) -> bool {
        self.is_none()
    }
}

impl<T: for<'de> Deserialize<'de>> Member for Vec<T> {
    fn read<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Self, A::Error> {
        read_or_default(map)
    }

    fn is_absent(&self) -> bool {
        self.is_empty()
    }
}

/// Members that are always written and made from text.
macro_rules! text_members {
    ($($type:ty),*) => {$(
        impl $crate::codec::record::Member for $type {
            fn read<'de, A: serde::de::MapAccess<'de>>(map: &mut A) -> Result<Self, A::Error> {
                map.next_value_seed($crate::open_enum::FromText(core::marker::PhantomData))
            }

            fn is_absent(&self) -> bool {
                false
            }
        }
    )*};
}
pub(crate) use text_members;

text_members!(String);

/// Open enums as members: what is not there is the empty text.
macro_rules! open_enum_members {
    ($($type:ty),*) => {
        $(impl Default for $type {
            fn default() -> Self {
                Self::Other($crate::open_enum::OtherValue::default())
            }
        })*

        $crate::codec::record::text_members!($($type),*);
    };
}
pub(crate) use open_enum_members;

/// Members that are always written.
macro_rules! plain_member {
    ($($type:ty),*) => {$(
        impl Member for $type {
            fn read<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Self, A::Error> {
                read_or_default(map)
            }

            fn is_absent(&self) -> bool {
                false
            }
        }
    )*};
}

plain_member!(bool, i64, u64, f64);

impl<T: Record> Member for T {
    fn read<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Self, A::Error> {
        read_or_default(map)
    }

    fn is_absent(&self) -> bool {
        false
    }
}

pub(crate) fn read_or_default<'de, T, A>(map: &mut A) -> Result<T, A::Error>
where
    T: Deserialize<'de> + Default,
    A: MapAccess<'de>,
{
    map.next_value::<Option<T>>().map(Option::unwrap_or_default)
}

/// Reads the value of the member whose key was read last.
pub(crate) fn read_member<'de, T: Member, A: MapAccess<'de>>(
    member: &mut T,
    map: &mut A,
) -> Result<(), A::Error> {
    *member = T::read(map)?;
    Ok(())
}

/// Writes one member; `required` ones even if they are empty.
pub(crate) fn write_member<T, S>(
    out: &mut S,
    name: &'static str,
    value: &T,
    required: bool,
) -> Result<(), S::Error>
where
    T: Member + Serialize,
    S: SerializeStruct,
{
    if required || !value.is_absent() { out.serialize_field(name, value) } else { out.skip_field(name) }
}

/// Reads a structure: members in any order, unknown ones skipped, those that are absent at their default.
pub(crate) fn deserialize<'de, T: Record, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    deserializer.deserialize_struct(T::NAME, T::MEMBERS, RecordVisitor(PhantomData))
}

/// Writes a structure as an object, its members in the order of the specification.
pub(crate) fn serialize<T: Record, S: Serializer>(record: &T, serializer: S) -> Result<S::Ok, S::Error> {
    let mut out = serializer.serialize_struct(T::NAME, T::MEMBERS.len())?;
    record.write(&mut out)?;
    out.end()
}

struct RecordVisitor<T>(PhantomData<T>);

impl<'de, T: Record> Visitor<'de> for RecordVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the object {}", T::NAME)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<T, A::Error> {
        let mut record = T::default();
        let mut seen = 0_u64;
        let mut expected = 0;
        while let Some(found) = map.next_key_seed(Key { members: T::MEMBERS, expected })? {
            let Some(member) = found else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            // No structure of the API has more than 64 members that matter here; beyond, the last one wins.
            let bit = 1_u64.checked_shl(u32::try_from(member).unwrap_or(u32::MAX)).unwrap_or(0);
            if seen & bit != 0 {
                return Err(A::Error::duplicate_field(T::MEMBERS[member]));
            }
            seen |= bit;
            record.read(member, &mut map)?;
            expected = member + 1;
        }
        Ok(record)
    }
}

/// Finds a key among the members. The service mostly writes them in the order of the specification and leaves some out,
/// so the search begins after the last one.
struct Key {
    members: &'static [&'static str],
    expected: usize,
}

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl Visitor<'_> for Key {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a member")
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        let (before, after) = self.members.split_at(self.expected);
        let at = |members: &[&str]| members.iter().position(|name| *name == key);
        Ok(at(after).map(|position| self.expected + position).or_else(|| at(before)))
    }
}

/// Pairs the members of a structure on the wire with its fields; `required` ones are always written.
///
/// What stands in a repetition here is compiled for each of more than a thousand members: no `?`, no work of its own.
macro_rules! record {
    ($type:ident { $($name:literal => $field:ident $($required:ident)?,)* }) => {
        impl $crate::codec::record::Record for $type {
            const NAME: &'static str = stringify!($type);
            const MEMBERS: &'static [&'static str] = &[$($name),*];

            #[allow(unused_variables, unused_assignments, unused_mut, deprecated)]
            fn read<'de, A: serde::de::MapAccess<'de>>(&mut self, member: usize, map: &mut A) -> Result<(), A::Error> {
                let mut at = 0;
                $(
                    if member == at {
                        return $crate::codec::record::read_member(&mut self.$field, map);
                    }
                    at += 1;
                )*
                Ok(())
            }

            #[allow(unused_variables, deprecated)]
            fn write<S: serde::ser::SerializeStruct>(&self, out: &mut S) -> Result<(), S::Error> {
                $(
                    let required = $crate::codec::record::is_required!($($required)?);
                    match $crate::codec::record::write_member(out, $name, &self.$field, required) {
                        Ok(()) => {}
                        failed => return failed,
                    }
                )*
                Ok(())
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::codec::record::deserialize(deserializer)
            }
        }

        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                $crate::codec::record::serialize(self, serializer)
            }
        }
    };
}
pub(crate) use record;

macro_rules! is_required {
    () => {
        false
    };
    (required) => {
        true
    };
}
pub(crate) use is_required;

/// A `Debug` that hides the members marked `secret`.
macro_rules! redacted_debug {
    ($type:ident { $($field:ident $($secret:ident)?),* $(,)? }) => {
        impl core::fmt::Debug for $type {
            #[allow(deprecated)]
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                let mut out = f.debug_struct(stringify!($type));
                $($crate::codec::record::debug_field!(out, self.$field, stringify!($field) $(, $secret)?);)*
                out.finish()
            }
        }
    };
}
pub(crate) use redacted_debug;

macro_rules! debug_field {
    ($out:ident, $value:expr, $name:expr) => {
        $out.field($name, &$value)
    };
    // Whether there is one may be shown, and how it is wrapped.
    ($out:ident, $value:expr, $name:expr, secret) => {
        $out.field($name, &$crate::codec::record::Redacted(!$crate::codec::record::is_default(&$value)))
    };
}
pub(crate) use debug_field;

/// Stands for a secret in `Debug`; says only whether there is one.
pub(crate) struct Redacted(pub(crate) bool);

impl fmt::Debug for Redacted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0 { "***" } else { "none" })
    }
}

pub(crate) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
