//! Sets of values that the service may add to.
//!
//! [`open_enum!`] makes an enum of those that are known, with one more variant that keeps the text of any other. Known
//! values have no other form: [`OtherValue`] is made here alone, from a text that is none of theirs.

use alloc::boxed::Box;
use alloc::string::String;
use core::fmt;
use core::marker::PhantomData;
use core::ops::Deref;

use serde::de::{DeserializeSeed, Deserializer, Visitor};

use crate::output;

/// The text of a value that this build does not know: what `Other` of an error code or of an enum in
/// [`api::types`](crate::api::types) holds.
///
/// Only reading a text makes one, so that a known value is always its variant. It is a `str` wherever one is wanted.
///
/// ```
/// use cvm_proto::api::types::ImageState;
///
/// let advice = |state: ImageState| match state {
///     ImageState::Normal => "ready".to_string(),
///     ImageState::CreateFailed | ImageState::ImportFailed => "never ready".to_string(),
///     ImageState::Other(text) => format!("{text} is newer than this build"),
///     _ => "wait".to_string(),
/// };
/// assert_eq!(advice("NORMAL".into()), "ready");
/// assert_eq!(advice("SYNCING".into()), "wait");
/// assert_eq!(advice("DEFROSTING".into()), "DEFROSTING is newer than this build");
/// ```
#[derive(Clone, Default)]
pub struct OtherValue(Box<str>);

impl OtherValue {
    /// Keeps `text`, which is to be none of the known ones.
    pub(crate) fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// The value as the service writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Deref for OtherValue {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

/// The text on one line, [escaped](crate::output).
impl fmt::Display for OtherValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&output::escaped(&self.0))
    }
}

impl fmt::Debug for OtherValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// Makes an open enum with both directions of its text from one list.
///
/// Two values are equal, ordered and hashed as their texts are; reading one that is known allocates nothing.
macro_rules! open_enum {
    ($(#[$doc:meta])* $type:ident { $($(#[$value_doc:meta])* $name:ident = $text:literal,)* }) => {
        $(#[$doc])*
        ///
        /// The service may add values. One that this build does not know, or that is written in another case, is
        /// [`Other`](Self::Other), which keeps its text.
        #[derive(Clone)]
        #[non_exhaustive]
        pub enum $type {
            $($(#[$value_doc])* $name,)*
            /// A value that this build does not know.
            Other($crate::open_enum::OtherValue),
        }

        impl $type {
            /// Every value that this build knows.
            pub const KNOWN: &'static [Self] = &[$(Self::$name),*];

            /// The value as the service writes it.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$name => $text,)*
                    Self::Other(text) => text.as_str(),
                }
            }
        }

        $crate::open_enum::by_text!($type);
    };
}
pub(crate) use open_enum;

/// What an open enum does by its text, the same for each.
macro_rules! by_text {
    ($type:ident) => {
        impl From<&str> for $type {
            fn from(text: &str) -> Self {
                match Self::KNOWN.iter().find(|known| known.as_str() == text) {
                    Some(known) => known.clone(),
                    None => Self::Other($crate::open_enum::OtherValue::new(text)),
                }
            }
        }

        impl From<alloc::string::String> for $type {
            fn from(text: alloc::string::String) -> Self {
                text.as_str().into()
            }
        }

        impl core::str::FromStr for $type {
            type Err = core::convert::Infallible;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Ok(text.into())
            }
        }

        impl PartialEq for $type {
            fn eq(&self, other: &Self) -> bool {
                self.as_str() == other.as_str()
            }
        }

        impl Eq for $type {}

        impl PartialOrd for $type {
            fn partial_cmp(&self, other: &Self) -> Option<core::cmp::Ordering> {
                Some(self.cmp(other))
            }
        }

        impl Ord for $type {
            fn cmp(&self, other: &Self) -> core::cmp::Ordering {
                self.as_str().cmp(other.as_str())
            }
        }

        impl core::hash::Hash for $type {
            fn hash<H: core::hash::Hasher>(&self, state: &mut H) {
                self.as_str().hash(state);
            }
        }

        impl PartialEq<str> for $type {
            fn eq(&self, other: &str) -> bool {
                self.as_str() == other
            }
        }

        impl PartialEq<&str> for $type {
            fn eq(&self, other: &&str) -> bool {
                self.as_str() == *other
            }
        }

        /// The value on one line, [escaped](crate::output) if the service wrote anything that would steer a terminal.
        impl core::fmt::Display for $type {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.pad(&$crate::output::escaped(self.as_str()))
            }
        }

        /// As the service writes it, which is also what stands in documents: a derived `Debug` would carry all names
        /// once more.
        impl core::fmt::Debug for $type {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                core::fmt::Debug::fmt(self.as_str(), f)
            }
        }

        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_str($crate::open_enum::FromText(core::marker::PhantomData))
            }
        }
    };
}
pub(crate) use by_text;

/// Reads a string into a type made from one, without owning it in between; as a member, also `null` as the empty text.
pub(crate) struct FromText<T>(pub(crate) PhantomData<T>);

impl<'de, T: From<String> + for<'a> From<&'a str>> DeserializeSeed<'de> for FromText<T> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        deserializer.deserialize_option(self)
    }
}

impl<'de, T: From<String> + for<'a> From<&'a str>> Visitor<'de> for FromText<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E>(self, text: &str) -> Result<T, E> {
        Ok(text.into())
    }

    fn visit_string<E>(self, text: String) -> Result<T, E> {
        Ok(text.into())
    }

    fn visit_none<E>(self) -> Result<T, E> {
        Ok("".into())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        deserializer.deserialize_str(self)
    }
}
