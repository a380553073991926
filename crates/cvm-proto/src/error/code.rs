//! The service's error codes: all that are documented, and room for those that are not.

use super::kind::ErrorKind;
use super::known::ErrorCode;

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_code_is_found_by_its_text() {
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
