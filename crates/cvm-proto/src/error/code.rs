//! The service's error codes: all that are documented, and room for those that are not.

use alloc::borrow::Cow;
use alloc::string::String;
use core::convert::Infallible;
use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::kind::ErrorKind;
use super::known::ErrorCode;
use crate::output::Escaping;

/// Makes the open enum of the codes, with both directions of their text from one list.
macro_rules! known_codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// An error code of the service.
        ///
        /// Every documented code is a variant; any other is kept as text in [`Other`](Self::Other), so nothing the
        /// service says is lost. The part before the first dot is the code's [`group`](Self::group).
        #[derive(Clone, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ErrorCode {
            $($(#[$doc])* $name,)*
            /// A code that this build does not know.
            Other(alloc::boxed::Box<str>),
        }

        impl ErrorCode {
            /// Every code that this build knows, in the order of their texts.
            pub const KNOWN: &'static [Self] = &[$(Self::$name),*];

            /// The code as the service writes it.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$name => $text,)*
                    Self::Other(text) => text,
                }
            }
        }
    };
}
pub(super) use known_codes;

impl ErrorCode {
    /// The part of the code before the first dot: `InvalidImageId` of `InvalidImageId.NotFound`.
    pub fn group(&self) -> &str {
        let text = self.as_str();
        text.split_once('.').map_or(text, |(group, _)| group)
    }

    /// Who is at fault. Codes unknown to this build are judged by their group and their last word, as the known are.
    pub fn kind(&self) -> ErrorKind {
        let text = self.as_str();
        let detail = text.split_once('.').map_or("", |(_, detail)| detail);
        match self.group() {
            "RequestLimitExceeded" => ErrorKind::Throttled,
            "AuthFailure" | "UnauthorizedOperation" | "IpInBlacklist" | "IpNotInWhitelist" => {
                ErrorKind::Credential
            }
            "InternalError" | "InternalServerError" | "ServiceUnavailable" => ErrorKind::Service,
            "LimitExceeded"
            | "OverQuota"
            | "ImageQuotaLimitExceeded"
            | "InstancesQuotaLimitExceeded"
            | "ResourceInsufficient"
            | "ResourcesSoldOut"
            | "InvalidAccount" => ErrorKind::Quota,
            "ResourceNotFound" => ErrorKind::NotFound,
            "ResourceInUse"
            | "ResourceUnavailable"
            | "MutexOperation"
            | "OperationDenied"
            | "InvalidInstanceState"
            | "DryRunOperation" => ErrorKind::State,
            "UnsupportedOperation" if detail.starts_with("InstanceState") => ErrorKind::State,
            "UnsupportedOperation"
            | "UnsupportedRegion"
            | "UnsupportedProtocol"
            | "ActionOffline"
            | "InvalidAction"
            | "NoSuchProduct"
            | "NoSuchVersion"
            | "RegionAbilityLimit"
            | "AccountQualificationRestrictions" => ErrorKind::Unsupported,
            // A state may be named by any group; what does not exist, too.
            _ if detail.ends_with("State") => ErrorKind::State,
            _ if detail.ends_with("NotFound")
                || detail.ends_with("NotExist")
                || detail.ends_with("NotExisted") =>
            {
                ErrorKind::NotFound
            }
            "FailedOperation" | "SecGroupActionFailure" => ErrorKind::State,
            group
                if group.starts_with("Invalid")
                    || group == "MissingParameter"
                    || group == "UnknownParameter" =>
            {
                ErrorKind::Parameter
            }
            group if group.ends_with("SizeLimitExceeded") => ErrorKind::Parameter,
            "EniNotAllowedChangeSubnet" | "VpcIpIsUsed" => ErrorKind::State,
            "VpcAddrNotInSubNet" => ErrorKind::Parameter,
            _ => ErrorKind::Service,
        }
    }

    /// Whether the service is at fault in a way that passes: the same request may succeed later.
    pub(crate) fn is_transient(&self) -> bool {
        matches!(
            self.group(),
            "InternalError" | "InternalServerError" | "ServiceUnavailable" | "RequestLimitExceeded"
        )
    }

    /// Whether the service may have done the work all the same: it broke down while it was at it.
    pub(crate) fn outcome_unknown(&self) -> bool {
        matches!(self.group(), "InternalError" | "InternalServerError" | "ServiceUnavailable")
    }
}

impl From<&str> for ErrorCode {
    fn from(text: &str) -> Self {
        match Self::KNOWN.binary_search_by(|code| code.as_str().cmp(text)) {
            Ok(at) => Self::KNOWN[at].clone(),
            Err(_) => Self::Other(text.into()),
        }
    }
}

impl FromStr for ErrorCode {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(text.into())
    }
}

impl From<String> for ErrorCode {
    fn from(text: String) -> Self {
        text.as_str().into()
    }
}

impl PartialEq<str> for ErrorCode {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for ErrorCode {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

/// The code on one line, [escaped](crate::output) if the service wrote anything that would steer a terminal.
impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Write::write_str(&mut Escaping(f), self.as_str())
    }
}

/// As the service writes it, which is also what stands in documents: a derived `Debug` would carry all names once more.
impl fmt::Debug for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl Serialize for ErrorCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for ErrorCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Cow::<'de, str>::deserialize(deserializer).map(|text| text.as_ref().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_code_is_found_by_its_text() {
        assert!(
            ErrorCode::KNOWN.is_sorted_by(|a, b| a.as_str() < b.as_str()),
            "the search needs them in order"
        );
        for code in ErrorCode::KNOWN {
            assert_eq!(ErrorCode::from(code.as_str()), *code);
        }
        assert_eq!(ErrorCode::from("Brand.New").as_str(), "Brand.New");
        assert_eq!(ErrorCode::from("Brand.New").group(), "Brand");
    }

    #[test]
    fn codes_say_who_is_at_fault() {
        for (code, kind) in [
            ("RequestLimitExceeded", ErrorKind::Throttled),
            ("RequestLimitExceeded.SomethingNew", ErrorKind::Throttled),
            ("AuthFailure.SignatureFailure", ErrorKind::Credential),
            ("UnauthorizedOperation", ErrorKind::Credential),
            ("ImageQuotaLimitExceeded", ErrorKind::Quota),
            ("InvalidImageId.NotFound", ErrorKind::NotFound),
            ("InvalidRegion.NotFound", ErrorKind::NotFound),
            ("InvalidImageId.IncorrectState", ErrorKind::State),
            ("InvalidParameterValue.InvalidImageState", ErrorKind::State),
            ("InvalidImageId.TooLarge", ErrorKind::Parameter),
            ("InvalidImageId.Malformed", ErrorKind::Parameter),
            ("InvalidParameterValue.LimitExceeded", ErrorKind::Parameter),
            ("MissingParameter", ErrorKind::Parameter),
            ("RequestSizeLimitExceeded", ErrorKind::Parameter),
            ("UnsupportedOperation.Region", ErrorKind::Unsupported),
            ("UnsupportedOperation.InstanceStateStopping", ErrorKind::State),
            ("InternalError", ErrorKind::Service),
            ("Brand.New", ErrorKind::Service),
        ] {
            assert_eq!(ErrorCode::from(code).kind(), kind, "{code}");
        }
    }
}
