//! Certificates in PEM.

use alloc::vec::Vec;

use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use super::{Unreadable, unmarked};

/// The certificates in a PEM text, each in DER; at least one. What stands between them is passed over.
///
/// # Errors
///
/// If there is none, or what claims to be one is not. The line says nothing.
pub fn certificates(pem: &[u8]) -> Result<Vec<Vec<u8>>, Unreadable> {
    let wrong = |what| Unreadable::new(1, what, "give certificates in PEM");
    let pem = unmarked(pem)?;
    let mut all = Vec::new();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|_| wrong("is not well-formed PEM"))?;
        if !is_one_sequence(&certificate) {
            return Err(wrong("holds what claims to be a certificate and is none"));
        }
        all.push(certificate.to_vec());
    }
    match all.len() {
        0 if is_one_sequence(pem) => Err(wrong("holds a certificate in DER")),
        0 => Err(wrong("holds no certificate")),
        _ => Ok(all),
    }
}

/// Whether this is one sequence in DER, as every certificate is: what was cut off or mistaken for one is not.
fn is_one_sequence(der: &[u8]) -> bool {
    let (length, rest) = match der {
        [0x30, length @ ..=0x7F, rest @ ..] => (usize::from(*length), rest),
        [0x30, 0x81, a, rest @ ..] => (usize::from(*a), rest),
        [0x30, 0x82, a, b, rest @ ..] => (usize::from(u16::from_be_bytes([*a, *b])), rest),
        _ => return false,
    };
    length == rest.len()
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::{String, ToString};

    use super::*;

    fn pem(base64: &str) -> String {
        format!("-----BEGIN CERTIFICATE-----\n{base64}\n-----END CERTIFICATE-----\n")
    }

    #[test]
    fn certificates_are_found_whatever_surrounds_them() {
        // Two sequences of one number each.
        let (one, two) = (pem("MAMCAQE="), pem("MAMCAQI="));
        for text in [
            format!("{one}{two}"),
            format!("\u{feff}{one}{two}"),
            format!("{one}{two}").replace('\n', "\r\n"),
            format!("subject=镜像\n{one}\n# and\n{two}"),
            format!("{one}-----BEGIN PRIVATE KEY-----\nMAMCAQE=\n-----END PRIVATE KEY-----\n{two}"),
        ] {
            let found = certificates(text.as_bytes()).unwrap();
            assert_eq!(found, [[0x30, 3, 2, 1, 1], [0x30, 3, 2, 1, 2]], "{text}");
        }
        let mut latin = b"# M\xFCller\n".to_vec();
        latin.extend(one.as_bytes());
        assert_eq!(certificates(&latin).unwrap().len(), 1, "comments may be in any encoding");
    }

    #[test]
    fn what_holds_none_says_what_it_is() {
        let wide: Vec<u8> = pem("MAMCAQE=").encode_utf16().flat_map(u16::to_le_bytes).collect();
        let cut_off = pem("MAMCAQE=").replace("-----END", "");
        for (bytes, expected) in [
            (&b""[..], "holds no certificate: give certificates in PEM"),
            (b"not PEM", "holds no certificate: give certificates in PEM"),
            (b"\x30\x03\x02\x01\x01", "holds a certificate in DER: give certificates in PEM"),
            (&wide, "is UTF-16: save it as UTF-8"),
            (pem("!!").as_bytes(), "is not well-formed PEM: give certificates in PEM"),
            (cut_off.as_bytes(), "is not well-formed PEM: give certificates in PEM"),
            (
                pem("AAAA").as_bytes(),
                "holds what claims to be a certificate and is none: give certificates in PEM",
            ),
            (
                pem("MAMCAQ==").as_bytes(),
                "holds what claims to be a certificate and is none: give certificates in PEM",
            ),
        ] {
            assert_eq!(certificates(bytes).unwrap_err().to_string(), expected);
        }
    }
}
