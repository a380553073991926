//! The envelope around every answer: `{"Response": {..., "RequestId": "..."}}`, or an error in the same place.
//!
//! An answer is judged by its body, whatever its status and content type say. Each of these has one outcome, and none
//! loses the status or the request id:
//!
//! | answer | outcome |
//! |---|---|
//! | an `Error` in the envelope, with any status | [`Error`] with the service's code and message |
//! | an envelope without one, status 200 | the value; absent and `null` members at their defaults, unknown ones skipped |
//! | an envelope without one, another status | [`ErrorKind::Response`](crate::ErrorKind::Response) |
//! | empty, HTML, cut off, not UTF-8, not JSON, a member of another type | [`ErrorKind::Response`](crate::ErrorKind::Response) |

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use core::marker::PhantomData;
use core::str;

use memchr::{memchr, memchr_iter, memmem};
use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::error::{Error, ErrorCode};

/// Reads an answer: the value in the envelope, or the error.
///
/// # Errors
///
/// The service's own error, or [`ErrorKind::Response`](crate::ErrorKind::Response) if this is no answer of the API.
///
/// ```
/// use cvm_proto::api::DescribeImageQuotaResponse;
/// use cvm_proto::codec::envelope;
///
/// let quota: DescribeImageQuotaResponse =
///     envelope::decode(200, br#"{"Response":{"ImageNumQuota":500,"RequestId":"r-1"}}"#)?;
/// assert_eq!(quota.image_num_quota, 500);
///
/// let refused = br#"{"Response":{"Error":{"Code":"InvalidImageId.NotFound","Message":"no such image"},"RequestId":"r-2"}}"#;
/// let error = envelope::decode::<DescribeImageQuotaResponse>(200, refused).unwrap_err();
/// assert!(error.is_not_found());
/// assert_eq!(error.request_id(), Some("r-2"));
/// # Ok::<(), cvm_proto::Error>(())
/// ```
pub fn decode<T: DeserializeOwned>(status: u16, body: &[u8]) -> Result<T, Error> {
    check(status, body).and_then(|text| decode_success(status, text))
}

/// Reads the value of an answer that [`open`] let pass.
pub(crate) fn decode_success<T: DeserializeOwned>(status: u16, body: &str) -> Result<T, Error> {
    match serde_json::from_str::<Envelope<T>>(body) {
        Ok(envelope) => Ok(envelope.0),
        Err(error) => Err(Error::response(
            format!("the answer does not have the documented shape: {error}"),
            request_id(body),
            status,
        )
        .with_source(error)),
    }
}

/// The text of the object in the envelope of an answer that [`open`] let pass.
pub(crate) fn object(status: u16, body: &str) -> Result<&str, Error> {
    let why = match serde_json::from_str::<Envelope<&RawValue>>(body) {
        Ok(envelope) if envelope.0.get().starts_with('{') => return Ok(envelope.0.get()),
        Ok(_) => "Response is not an object".to_string(),
        Err(error) => error.to_string(),
    };
    Err(Error::response(
        format!("the answer does not have the documented shape: {why}"),
        request_id(body),
        status,
    ))
}

/// Judges an answer; gives its text if it is one without an error. Its value is not read.
///
/// # Errors
///
/// The service's own error, or [`ErrorKind::Response`](crate::ErrorKind::Response) if this is no answer of the API.
pub fn check(status: u16, body: &[u8]) -> Result<&str, Error> {
    let text = str::from_utf8(body).map_err(|_| not_utf8(status, body))?;
    judge(status, text).map(|()| text)
}

/// Tells an answer that holds a value from all others, and gives its text. The value is not read yet.
pub(crate) fn open(status: u16, body: Vec<u8>) -> Result<String, Error> {
    let text = String::from_utf8(body).map_err(|error| not_utf8(status, error.as_bytes()))?;
    judge(status, &text)?;
    Ok(text)
}

fn judge(status: u16, text: &str) -> Result<(), Error> {
    if may_hold_error(text.as_bytes())
        && let Some(error) = find_error(status, text)
    {
        return Err(error);
    }
    if status != 200 {
        let why = if text.trim_start().starts_with('{') { "its status is not 200" } else { "it is not JSON" };
        return Err(not_an_answer(status, text, why));
    }
    match text.trim_start().as_bytes().first() {
        Some(b'{') => Ok(()),
        Some(_) => Err(not_an_answer(status, text, "it is not JSON")),
        None => Err(not_an_answer(status, text, "it is empty")),
    }
}

/// Whether the body can have a member `Error` at all. The name may be written with escapes, each of them `\u00..`.
fn may_hold_error(body: &[u8]) -> bool {
    // Setting up a search for the whole name takes longer than all of this in most answers.
    memchr_iter(b'E', body).any(|at| at > 0 && body[at - 1..].starts_with(b"\"Error\""))
        || memchr(b'\\', body).is_some_and(|at| memmem::find(&body[at..], b"\\u00").is_some())
}

fn find_error(status: u16, text: &str) -> Option<Error> {
    #[derive(Deserialize)]
    struct Refusal<'a> {
        #[serde(rename = "Error", borrow)]
        error: Option<Detail<'a>>,
        #[serde(rename = "RequestId", borrow, default)]
        request_id: Option<Cow<'a, str>>,
    }
    #[derive(Deserialize)]
    struct Detail<'a> {
        #[serde(rename = "Code", borrow, default)]
        code: Option<Cow<'a, str>>,
        #[serde(rename = "Message", borrow, default)]
        message: Option<Cow<'a, str>>,
    }
    let refusal = serde_json::from_str::<Envelope<Refusal<'_>>>(text).ok()?.0;
    let detail = refusal.error?;
    let request_id = refusal.request_id.map(Cow::into_owned);
    let message = detail.message.unwrap_or_default().into_owned();
    match detail.code.filter(|code| !code.is_empty()) {
        Some(code) => Some(Error::service(ErrorCode::from(code.as_ref()), message, request_id, status)),
        None => Some(Error::response(
            format!("the answer is an error without a code: {message}"),
            request_id,
            status,
        )),
    }
}

fn not_utf8(status: u16, body: &[u8]) -> Error {
    not_an_answer(status, &String::from_utf8_lossy(body), "it is not UTF-8")
}

fn not_an_answer(status: u16, text: &str, why: &str) -> Error {
    let mut message = format!("the answer is not one of this API: {why}");
    // The beginning shows whose page it is: a proxy's, a load balancer's.
    let start: String = text.trim_start().chars().take(60).collect();
    if !start.is_empty() {
        message.push_str(&format!(", it begins `{}`", start.escape_debug()));
    }
    Error::response(message, request_id(text), status)
}

/// The request id in whatever is there: also in a body that was cut off, or is no JSON.
pub(crate) fn request_id(text: &str) -> Option<String> {
    const NAME: &str = "\"RequestId\"";
    let rest = &text[memmem::rfind(text.as_bytes(), NAME.as_bytes())? + NAME.len()..];
    let value = rest.trim_start().strip_prefix(':')?.trim_start().strip_prefix('"')?;
    let (id, _) = value.split_once('"')?;
    let plain =
        !id.is_empty() && id.len() <= 64 && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    plain.then(|| id.to_string())
}

/// `{"Response": T}`; other members beside it are skipped.
struct Envelope<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Envelope<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EnvelopeVisitor(PhantomData))
    }
}

struct EnvelopeVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for EnvelopeVisitor<T> {
    type Value = Envelope<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the object with the member Response")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut response = None;
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            if key == "Response" && response.is_none() {
                response = Some(map.next_value()?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        response.map(Envelope).ok_or_else(|| A::Error::missing_field("Response"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{DescribeImagesResponse, SyncImagesResponse};
    use crate::error::ErrorKind;

    fn refused(status: u16, body: &str) -> Error {
        decode::<DescribeImagesResponse>(status, body.as_bytes()).expect_err(body)
    }

    #[test]
    fn values_with_gaps() {
        let body = br#"{"Response":{"ImageSet":null,"New":{"a":[1]},"RequestId":"r"}}"#;
        let images: DescribeImagesResponse = decode(200, body).unwrap();
        assert_eq!((images.image_set.len(), images.total_count, images.request_id.as_str()), (0, 0, "r"));

        let body = br#"{"Response":{"TotalCount":9223372036854775807,"ImageSet":[{"ImageName":null,"SyncPercent":null,
            "ImageSize":-1,"ImageState":"NEW_STATE","Tags":null}],"RequestId":"r"},"Extra":1}"#;
        let images: DescribeImagesResponse = decode(200, body).unwrap();
        assert_eq!(images.total_count, i64::MAX);
        let image = &images.image_set[0];
        assert_eq!((image.image_name.as_str(), image.sync_percent, image.image_size), ("", None, -1));
        assert_eq!(image.image_state, "NEW_STATE");
    }

    #[test]
    fn errors_whatever_the_status() {
        let body =
            r#"{"Response":{"Error":{"Code":"InvalidImageId.NotFound","Message":"no"},"RequestId":"r-1"}}"#;
        for status in [200, 400, 500] {
            let error = refused(status, body);
            assert_eq!(error.code(), Some(&ErrorCode::InvalidImageIdNotFound));
            assert_eq!(
                (error.message(), error.request_id(), error.status()),
                ("no", Some("r-1"), Some(status))
            );
        }
        let escaped = r#"{"Response":{"\u0045rror":{"Code":"Brand.New","Message":""},"RequestId":"r-1"}}"#;
        assert_eq!(refused(200, escaped).code().map(ErrorCode::as_str), Some("Brand.New"));
        let codeless = refused(200, r#"{"Response":{"Error":{"Message":"what"},"RequestId":"r-1"}}"#);
        assert_eq!((codeless.kind(), codeless.request_id()), (ErrorKind::Response, Some("r-1")));
    }

    #[test]
    fn the_word_error_in_a_value_is_no_error() {
        let body = br#"{"Response":{"Error":null,"ImageSet":[{"ImageId":"Error","Region":"\u00e9"}],"RequestId":"r"}}"#;
        let images: SyncImagesResponse = decode(200, body).unwrap();
        assert_eq!(
            (images.image_set[0].image_id.as_str(), images.image_set[0].region.as_str()),
            ("Error", "\u{e9}")
        );
    }

    #[test]
    fn what_is_no_answer_says_so() {
        for (status, body, part) in [
            (200, "", "empty"),
            (200, "  ", "empty"),
            (502, "<html><title>502 Bad Gateway</title>", "not JSON, it begins `<html>"),
            (200, "<html>", "not JSON"),
            (200, "[]", "not JSON"),
            (200, "{}", "missing field `Response`"),
            (200, r#"{"Response":1}"#, "documented shape"),
            (200, r#"{"Response":{"ImageSet":3}}"#, "documented shape"),
            (200, r#"{"Response":{"TotalCount":9223372036854775808}}"#, "documented shape"),
            (503, r#"{"Response":{"RequestId":"r"}}"#, "status is not 200"),
        ] {
            let error = refused(status, body);
            assert_eq!((error.kind(), error.status()), (ErrorKind::Response, Some(status)), "{body}");
            assert!(error.to_string().contains(part), "{body}: {error}");
        }
        assert_eq!(
            refused(200, "{\"Response\":{\"RequestId\":\"r-9\",\"ImageSet\":[{").request_id(),
            Some("r-9")
        );
        assert_eq!(decode::<SyncImagesResponse>(200, b"{\xff").unwrap_err().kind(), ErrorKind::Response);
    }

    #[test]
    fn an_answer_cut_off_anywhere_is_refused() {
        let body = r#"{"Response":{"ImageSet":[{"ImageId":"img-1"}],"TotalCount":1,"RequestId":"r-1"}}"#;
        for end in 0..body.len() {
            assert_eq!(refused(200, &body[..end]).kind(), ErrorKind::Response, "{end}");
        }
    }
}
