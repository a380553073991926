//! The codes that every action may answer with: each has a cause here, or can be asked for as a fault.

use cvm_local::{CvmLocal, Fault, Seed, SeedImage};
use cvm_proto::SignMethod;
use serde_json::{Value, json};

use crate::client::{Client, Raw, unix};

const USUAL: [&str; 2] = ["content-type", "host"];

/// What a request does to get a code.
enum Cause {
    /// It is this one.
    Request(fn(&CvmLocal) -> Option<String>),
    /// Nothing that it could do: what stands behind the code is not here.
    Fault,
}

fn changed(local: &CvmLocal, change: impl FnOnce(Raw) -> Raw) -> Option<String> {
    change(Raw::post(local, "DescribeImages", &json!({}))).signed(local, &USUAL).send(local).code()
}

fn sync(local: &CvmLocal, to: &str, more: Value) -> Option<String> {
    let mut body = json!({ "ImageIds": ["img-o3ycss2p"], "DestinationRegions": [to] });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    Raw::post(local, "SyncImages", &body).signed(local, &USUAL).send(local).code()
}

fn body(text: &'static str) -> impl FnOnce(Raw) -> Raw {
    move |mut raw| {
        raw.body = text.into();
        raw
    }
}

#[rustfmt::skip]
const CODES: [(&str, Cause); 38] = [
    ("ActionOffline", Cause::Fault),
    ("AuthFailure.InvalidAuthorization", Cause::Request(|local| {
        Raw::post(local, "DescribeImages", &json!({})).with("authorization", "TC3").send(local).code()
    })),
    ("AuthFailure.InvalidSecretId", Cause::Request(|local| {
        Some(Client::new(local).key("somebody", "key").refused("DescribeRegions", &json!({})))
    })),
    ("AuthFailure.MFAFailure", Cause::Fault),
    ("AuthFailure.SecretIdNotFound", Cause::Request(|local| {
        Some(Client::new(local).key("AKIDnobody", "key").refused("DescribeRegions", &json!({})))
    })),
    ("AuthFailure.SignatureExpire", Cause::Request(|local| {
        changed(local, |raw| raw.with("x-tc-timestamp", &(unix() - 1000).to_string()))
    })),
    ("AuthFailure.SignatureFailure", Cause::Request(|local| {
        Some(Client::new(local).key(local.secret_id(), "key").refused("DescribeRegions", &json!({})))
    })),
    ("AuthFailure.TokenFailure", Cause::Request(|local| changed(local, |raw| raw.with("x-tc-token", "x")))),
    ("AuthFailure.UnauthorizedOperation", Cause::Fault),
    ("DryRunOperation", Cause::Request(|local| sync(local, "ap-seoul", json!({ "DryRun": true })))),
    ("FailedOperation", Cause::Fault),
    ("InternalError", Cause::Fault),
    ("InvalidAction", Cause::Request(|local| changed(local, |raw| raw.with("x-tc-action", "DescribeDragons")))),
    ("InvalidParameter", Cause::Request(|local| changed(local, body("[]")))),
    ("InvalidParameterValue", Cause::Request(|local| changed(local, |raw| raw.with("x-tc-region", "ap-atlantis")))),
    ("InvalidRequest", Cause::Request(|local| {
        changed(local, |raw| raw.with("content-type", "multipart/form-data; boundary=b"))
    })),
    ("IpInBlacklist", Cause::Fault),
    ("IpNotInWhitelist", Cause::Fault),
    ("LimitExceeded", Cause::Fault),
    ("MissingParameter", Cause::Request(|local| changed(local, |raw| raw.without("x-tc-region")))),
    ("NoSuchProduct", Cause::Request(|local| changed(local, |raw| raw.with("host", "vpc.tencentcloudapi.com")))),
    ("NoSuchVersion", Cause::Request(|local| changed(local, |raw| raw.with("x-tc-version", "2016-01-01")))),
    ("RequestLimitExceeded", Cause::Request(|local| {
        (0..1000).find_map(|_| sync(local, "ap-atlantis", json!({})).filter(|code| code != "InvalidRegion.NotFound"))
    })),
    ("RequestLimitExceeded.GlobalRegionUinLimitExceeded", Cause::Fault),
    ("RequestLimitExceeded.IPLimitExceeded", Cause::Fault),
    ("RequestLimitExceeded.UinLimitExceeded", Cause::Fault),
    ("RequestSizeLimitExceeded", Cause::Request(|local| {
        changed(local, |mut raw| {
            raw.body = vec![b' '; (10 << 20) + 1];
            raw
        })
    })),
    ("ResourceInUse", Cause::Fault),
    ("ResourceInsufficient", Cause::Fault),
    ("ResourceNotFound", Cause::Request(|local| {
        let mut raw = Raw::post(local, "DescribeImages", &json!({}));
        raw.path = b"/v2/index.php".to_vec();
        raw.send(local).code()
    })),
    ("ResourceUnavailable", Cause::Fault),
    ("ResponseSizeLimitExceeded", Cause::Request(|local| {
        let image = SeedImage {
            description: "x".repeat(11 << 20),
            ..SeedImage::new("img-0000huge", "ap-shanghai", "huge")
        };
        let mut seed = Seed::default();
        seed.accounts[0].images.push(image);
        local.reseed(&seed).unwrap();
        changed(local, |raw| raw)
    })),
    ("ServiceUnavailable", Cause::Fault),
    ("UnauthorizedOperation", Cause::Fault),
    ("UnknownParameter", Cause::Request(|local| changed(local, body(r#"{"Colour":"red"}"#)))),
    ("UnsupportedOperation", Cause::Request(|local| changed(local, |raw| raw.with("x-tc-action", "AllocateHosts")))),
    ("UnsupportedProtocol", Cause::Request(|local| {
        let mut raw = Raw::v1(local, "GET", SignMethod::HmacSha1, &[("Action", "DescribeRegions")]);
        raw.method = b"PUT".to_vec();
        raw.send(local).code()
    })),
    ("UnsupportedRegion", Cause::Request(|local| changed(local, |raw| raw.with("x-tc-region", "ap-mumbai")))),
];

#[test]
fn every_common_code_can_be_had() {
    for (code, cause) in CODES {
        let local = CvmLocal::start().unwrap();
        let got = match cause {
            Cause::Request(request) => request(&local),
            Cause::Fault => {
                local.faults().push(Fault::error(code).times(1)).unwrap();
                changed(&local, |raw| raw)
            }
        };
        assert_eq!(got.as_deref(), Some(code));
    }
}
