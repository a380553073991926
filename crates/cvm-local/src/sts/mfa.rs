//! Devices for multi-factor authentication: the codes that a program on a telephone shows, by RFC 6238.

use std::collections::HashMap;

use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha1::Sha1;

use super::{Refusal, refuse};
use crate::request::params::Shown;

/// How long a device shows one code, in seconds.
const STEP: u64 = 30;
/// How many codes before and after that of the moment are taken, as clocks differ and people are slow.
const TOLERANCE: u64 = 1;

/// What an account's device shares with the endpoint; no two steps of it are used twice.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct UsedSteps(HashMap<usize, u64>);

impl UsedSteps {
    /// Takes the code of an account's device, at a time in seconds since 1970.
    pub(crate) fn take(&mut self, account: usize, secret: &[u8], code: &str, unix: u64) -> bool {
        let now = unix / STEP;
        let last = self.0.get(&account).copied();
        let step = (now.saturating_sub(TOLERANCE)..=now + TOLERANCE)
            .find(|&step| last.is_none_or(|last| step > last) && self::code(secret, step) == code);
        if let Some(step) = step {
            self.0.insert(account, step);
        }
        step.is_some()
    }
}

/// The code of a step: six digits.
fn code(secret: &[u8], step: u64) -> String {
    let mac = Hmac::<Sha1>::new_from_slice(secret).expect("HMAC takes a key of any length");
    let hash = mac.chain_update(step.to_be_bytes()).finalize().into_bytes();
    let at = usize::from(hash[19] & 15);
    let number = u32::from_be_bytes([hash[at], hash[at + 1], hash[at + 2], hash[at + 3]]) & 0x7fff_ffff;
    format!("{:06}", number % 1_000_000)
}

/// The bytes of a secret as people type it into their device: base32, in groups if they like.
pub(crate) fn secret(text: &str) -> Option<Vec<u8>> {
    let (mut bytes, mut bits, mut count) = (Vec::new(), 0_u32, 0);
    for letter in text.chars().filter(|c| !matches!(c, ' ' | '-' | '=')) {
        let value = match letter.to_ascii_uppercase() {
            letter @ 'A'..='Z' => letter as u32 - 'A' as u32,
            digit @ '2'..='7' => digit as u32 - '2' as u32 + 26,
            _ => return None,
        };
        bits = bits << 5 | value;
        count += 5;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count & 0xff) as u8);
            bits &= (1 << count) - 1;
        }
    }
    (!bytes.is_empty()).then_some(bytes)
}

/// Refuses a device that the account `uin` does not have.
pub(crate) fn check_device(serial_number: &str, uin: &str) -> Result<(), Refusal> {
    let device = serial_number.strip_prefix("qcs::cam:uin/").and_then(|rest| rest.split_once("::mfa/"));
    match device {
        Some((owner, "softToken")) if owner == uin => Ok(()),
        Some((owner, kind)) if owner == uin => refuse(
            "FailedOperation.MFATypeNotSupported",
            format!(
                "A device of the type `{}` has no codes: those of the type `softToken` have.",
                Shown(kind)
            ),
        ),
        Some((owner, _)) => refuse(
            "FailedOperation.CheckMFAError",
            format!("`SerialNumber` is a device of the account `{}`, and `{uin}` asks.", Shown(owner)),
        ),
        None => refuse(
            "InvalidParameter.ParamError",
            "`SerialNumber` is not in the form `qcs::cam:uin/100000000001::mfa/softToken`.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_the_standard() {
        // RFC 6238, appendix B, the last six digits.
        let secret = b"12345678901234567890";
        for (unix, expected) in [(59, "287082"), (1_111_111_109, "081804"), (20_000_000_000, "353130")] {
            assert_eq!(code(secret, unix / STEP), expected);
        }
    }

    #[test]
    fn secrets_are_base32() {
        assert_eq!(secret("JBSW Y3DP-ehpk3pxp===").as_deref(), Some(&b"Hello!\xDE\xAD\xBE\xEF"[..]));
        for bad in ["", "A", "JBSWY3D1", "\u{e9}"] {
            assert_eq!(secret(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_code_is_taken_once_and_near_its_time() {
        let (secret, mut used) = (b"12345678901234567890", UsedSteps::default());
        let code = code(secret, 100);
        for (unix, taken) in [(98 * STEP, false), (102 * STEP, false), (99 * STEP, true), (100 * STEP, false)]
        {
            assert_eq!(used.take(0, secret, &code, unix), taken, "{unix}");
        }
        assert!(used.take(1, secret, &code, 101 * STEP), "another account's device is another one");
    }
}
