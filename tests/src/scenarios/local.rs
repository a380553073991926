//! Against the local endpoint, which checks signatures, parameters, regions, states, sizes, quotas and rates.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use cvm_local::{Clock, CvmLocal, Fault};
use cvm_proto::api::{DescribeImageQuota, DescribeImages, DescribeRegions, SyncImages};
use cvm_proto::credential::{AssumeRole, Role};
use cvm_proto::{Credential, Endpoint, ErrorKind, Notation, SignMethod, WhoAmI};
use serde_json::json;

use crate::{Shell, client_of, settings_for};

/// How often the endpoint was asked for this action.
fn count(local: &CvmLocal, action: &str) -> usize {
    local.requests().iter().filter(|request| request.action == action).count()
}

/// Every refusal that the page of `SyncImages` documents, each by its own cause, with the fault where it lies.
pub fn every_documented_refusal<S: Shell>() {
    let local = CvmLocal::builder().clock(Clock::stepped()).rate_limits(false).start().unwrap();
    let mut settings = settings_for(&local);
    // The scenario is quicker than the service's rate, and is about other refusals.
    settings.rate_limit = false;
    let client = S::from_settings(settings).unwrap();
    let sync = |image: &str, to: &str| {
        client.call("SyncImages", json!({"ImageIds": [image], "DestinationRegions": [to]}))
    };
    let check = |image: &str, to: &str, code: &str, kind: ErrorKind| {
        let error = sync(image, to).unwrap_err();
        assert_eq!(error.code().map(ToString::to_string).as_deref(), Some(code), "{error}");
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.request_id().is_some() && error.status() == Some(200), "{error:?}");
        assert!(!error.outcome_unknown() && error.attempts() == 1, "{error:?}");
        let text = error.to_string();
        assert!(text.starts_with("SyncImages in ap-shanghai: ") && text.contains(code), "{text}");
    };
    check("img-00000000", "ap-guangzhou", "InvalidImageId.NotFound", ErrorKind::NotFound);
    check("img-1", "ap-guangzhou", "InvalidImageId.Malformed", ErrorKind::Parameter);
    check("img-toolarge", "ap-guangzhou", "InvalidImageId.TooLarge", ErrorKind::Parameter);
    check("img-creating", "ap-guangzhou", "InvalidImageId.IncorrectState", ErrorKind::State);
    check("img-instance", "ap-guangzhou", "InvalidParameter.InstanceImageNotSupport", ErrorKind::Parameter);
    check("img-o3ycss2p", "ap-atlantis", "InvalidRegion.NotFound", ErrorKind::NotFound);
    check("img-o3ycss2p", "ap-mumbai", "InvalidRegion.Unavailable", ErrorKind::Parameter);
    check("img-o3ycss2p", "ap-shanghai", "UnsupportedOperation.Region", ErrorKind::Unsupported);
    check("img-o3ycss2p", "me-saudi-arabia", "ImageQuotaLimitExceeded", ErrorKind::Quota);
    // A typed request with two ids is not even sent; by name, the service says so itself.
    let two = json!({"ImageIds": ["img-o3ycss2p", "img-7kq2v9ta"], "DestinationRegions": ["ap-guangzhou"]});
    let error = client.call("SyncImages", two).unwrap_err();
    assert_eq!(error.code().unwrap().to_string(), "InvalidParameterValue.LimitExceeded");
    // A copy is on its way.
    sync("img-o3ycss2p", "ap-guangzhou").unwrap();
    check("img-o3ycss2p", "ap-beijing", "InvalidParameterValue.InvalidImageState", ErrorKind::State);
    assert!(local.images("ap-beijing").iter().all(|image| image.image_name != "base-ubuntu-22.04"));
}

/// Both notations, every signature, with and without a token.
pub fn signs_every_way<S: Shell>() {
    let local = CvmLocal::start().unwrap();
    for (method, notation, unsigned_payload) in [
        (SignMethod::Tc3HmacSha256, Notation::Json, false),
        (SignMethod::Tc3HmacSha256, Notation::Json, true),
        (SignMethod::Tc3HmacSha256, Notation::Query, false),
        (SignMethod::HmacSha256, Notation::Query, false),
        (SignMethod::HmacSha256, Notation::Form, false),
        (SignMethod::HmacSha1, Notation::Query, false),
        (SignMethod::HmacSha1, Notation::Form, false),
    ] {
        let mut settings = settings_for(&local);
        settings.sign_method = method;
        settings.notation = Some(notation);
        settings.unsigned_payload = unsigned_payload;
        let client = S::from_settings(settings).unwrap();
        let shown = format!("{method} {notation:?} {unsigned_payload}");
        // A value with all that has to be escaped somewhere on its way.
        let filter = cvm_proto::api::types::Filter::new("image-name", ["a b+c&d=e/f?g%h~\"\\中"]);
        let images = client.send(DescribeImages::default().filters([filter]).limit(5));
        assert_eq!(images.unwrap_or_else(|error| panic!("{shown}: {error}")).total_count, 0);
        let images = client.send(DescribeImages::default().image_ids(["img-o3ycss2p"])).unwrap();
        assert_eq!(images.image_set[0].image_name, "base-ubuntu-22.04", "{shown}");
    }
}

/// A copy is submitted, seen on its way, and then seen finished in its region.
pub fn sees_what_it_did<S: Shell>() {
    let local = CvmLocal::builder().clock(Clock::stepped()).start().unwrap();
    let client = client_of::<S>(&local);
    let regions = client.send(DescribeRegions::default()).unwrap();
    assert!(regions.region_set.iter().any(|region| region.region == "ap-guangzhou"));
    assert!(client.send(DescribeImageQuota::default()).unwrap().image_num_quota > 0);

    let action =
        SyncImages::new(["img-o3ycss2p"], ["ap-guangzhou"]).image_set_required(true).image_name("copy");
    let answer = client.send(action).unwrap();
    let copy = &answer.image_set[0];
    assert_eq!(copy.region, "ap-guangzhou");

    let there = client.with_region("ap-guangzhou").unwrap();
    let look = || there.send(DescribeImages::default().image_ids([copy.image_id.as_str()])).unwrap();
    let on_its_way = look();
    assert_eq!(on_its_way.image_set[0].image_state, "SYNCING");
    local.advance(Duration::from_secs(60));
    let done = look();
    assert_eq!(
        (done.image_set[0].image_state.as_str(), done.image_set[0].image_name.as_str()),
        ("NORMAL", "copy")
    );
    let log = local.requests();
    assert!(log.iter().any(|request| request.request_id == answer.request_id && request.accepted));
}

/// The secret key of another account.
pub fn wrong_key_is_the_credentials_fault<S: Shell>() {
    let local = CvmLocal::start().unwrap();
    let wrong = Credential::new(local.secret_id(), "another-key").unwrap();
    check_credential::<S>(&local, wrong, "AuthFailure.SignatureFailure");
}

/// A secret id that the endpoint does not have.
pub fn unknown_id_is_the_credentials_fault<S: Shell>() {
    let local = CvmLocal::start().unwrap();
    let unknown = Credential::new("AKIDnobody", local.secret_key()).unwrap();
    check_credential::<S>(&local, unknown, "AuthFailure.SecretIdNotFound");
}

fn check_credential<S: Shell>(local: &CvmLocal, credential: Credential, code: &str) {
    let mut settings = settings_for(local);
    settings.credential = Some(credential);
    let error = S::from_settings(settings).unwrap().send(DescribeImages::default()).unwrap_err();
    assert_eq!(error.code().unwrap().to_string(), code);
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Credential, 1), "{error:?}");
    assert!(!error.is_retryable() && !error.outcome_unknown());
    assert_eq!(local.requests().len(), 1, "it would not be right the next time");
}

/// By name: an action that is known, one that the endpoint refuses, and a parameter that does not exist.
pub fn call_by_name<S: Shell>() {
    let local = CvmLocal::start().unwrap();
    let client = client_of::<S>(&local);
    let answer = client.call("DescribeImages", json!({"ImageIds": ["img-o3ycss2p"]})).unwrap();
    assert_eq!(answer["ImageSet"][0]["ImageId"], "img-o3ycss2p");
    assert!(answer["RequestId"].is_string(), "{answer}");
    let code =
        |action: &str, parameters| client.call(action, parameters).unwrap_err().code().unwrap().to_string();
    assert_eq!(code("DescribeSomethingElse", json!({})), "InvalidAction");
    assert_eq!(code("DescribeImages", json!({"Limits": 1})), "UnknownParameter");
}

/// The endpoint's clock is ten minutes ahead: its refusal corrects the client's, once.
pub fn skewed_endpoint_is_followed<S: Shell>() {
    for seconds in [600, -600] {
        let local = CvmLocal::builder().clock(Clock::skewed(seconds)).start().unwrap();
        let client = client_of::<S>(&local);
        client.send(DescribeImages::default()).unwrap();
        client.send(SyncImages::new(["img-o3ycss2p"], ["ap-guangzhou"])).unwrap();
        assert_eq!(local.requests().len(), 3, "the first was refused, and no other");
    }
}

/// Clones share connections, limits and the day's key.
pub fn many_threads_share_a_client<S: Shell>() {
    let local = CvmLocal::builder().rate_limits(false).start().unwrap();
    let mut settings = settings_for(&local);
    settings.rate_limit = false;
    let client = S::from_settings(settings).unwrap();
    thread::scope(|scope| {
        for _ in 0..8 {
            let client = client.clone();
            scope.spawn(move || {
                for _ in 0..20 {
                    let images = client.send(DescribeImages::default().image_ids(["img-o3ycss2p"])).unwrap();
                    assert_eq!(images.total_count, 1);
                }
            });
        }
    });
    assert_eq!(count(&local, "DescribeImages"), 160);
}

/// The client's own rate limit spaces what several threads send at once: 14 pauses of more than a tenth of a second. The
/// endpoint's limit is off, as a machine that is slow to wake up lets some arrive together.
pub fn rate_limit_is_kept<S: Shell>() {
    let local = CvmLocal::builder().rate_limits(false).start().unwrap();
    let client = client_of::<S>(&local);
    let start = Instant::now();
    thread::scope(|scope| {
        for _ in 0..3 {
            let client = client.clone();
            scope.spawn(move || {
                for _ in 0..5 {
                    let refused =
                        client.send(SyncImages::new(["img-00000000"], ["ap-guangzhou"])).unwrap_err();
                    assert!(refused.is_not_found(), "{refused}");
                }
            });
        }
    });
    assert!(start.elapsed() > Duration::from_millis(1400), "{:?}", start.elapsed());
    assert_eq!(count(&local, "SyncImages"), 15, "not one was sent twice");
}

/// Without it, the endpoint refuses what is too much, and the client waits and tries again.
pub fn throttling_endpoint_is_waited_for<S: Shell>() {
    let local = CvmLocal::start().unwrap();
    local.faults().push(Fault::error("RequestLimitExceeded").on("SyncImages").times(2)).unwrap();
    client_of::<S>(&local).send(SyncImages::new(["img-o3ycss2p"], ["ap-guangzhou"])).unwrap();
    assert_eq!(count(&local, "SyncImages"), 3);
}

/// An answer that is lost after the work was done: `SyncImages` makes one copy, not two.
pub fn no_second_copy_after_a_lost_answer<S: Shell>() {
    let local = CvmLocal::start().unwrap();
    local.faults().push(Fault::drop_after().on("SyncImages").times(1)).unwrap();
    local.faults().push(Fault::drop_after().on("DescribeImages").times(1)).unwrap();
    let client = client_of::<S>(&local);
    let before = local.images("ap-guangzhou").len();
    let error = client.send(SyncImages::new(["img-o3ycss2p"], ["ap-guangzhou"])).unwrap_err();
    assert!(error.outcome_unknown() && error.kind() == ErrorKind::Network, "{error:?}");
    assert_eq!(count(&local, "SyncImages"), 1);
    assert_eq!(local.images("ap-guangzhou").len(), before + 1);
    client.send(DescribeImages::default()).unwrap();
    assert_eq!(count(&local, "DescribeImages"), 2);
}

/// A dry run says what would happen, and nothing does.
pub fn dry_run_changes_nothing<S: Shell>() {
    let local = CvmLocal::start().unwrap();
    let client = client_of::<S>(&local);
    let before = local.images("ap-guangzhou");
    let error = client.send(SyncImages::new(["img-o3ycss2p"], ["ap-guangzhou"]).dry_run(true)).unwrap_err();
    assert_eq!(error.code().unwrap().to_string(), "DryRunOperation");
    assert_eq!(local.images("ap-guangzhou"), before);
}

/// The endpoint that serves cvm says whose its keys are, and a right that is missing is an error like any other.
pub fn whose_a_key_is<S: Shell>() {
    let local = CvmLocal::start().unwrap();
    let client: S = client_of(&local);
    let identity = client.run(WhoAmI, |never| match never {}).unwrap();
    assert_eq!(
        [&*identity.account_id, &identity.kind, &identity.arn],
        ["100000000001", "RootAccount", "qcs::cam:100000000001:uin/100000000001"]
    );
    local.faults().push(Fault::error("UnauthorizedOperation").on("GetCallerIdentity").times(1)).unwrap();
    let error = client.run(WhoAmI, |never| match never {}).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Credential, "{error}");
    client.send(DescribeRegions::default()).unwrap();
}

/// A client in a role asks with the credential that its other calls have: the role is assumed once.
pub fn whose_a_role_is<S: Shell>() {
    let local = CvmLocal::start().unwrap();
    let role = AssumeRole::new(
        local.credential(),
        Role::new("qcs::cam::uin/100000000001:roleName/cvm-local-role", "scenarios"),
    );
    let mut settings = settings_for(&local);
    settings.credential = None;
    settings.provider = Some(Arc::new(role.endpoint(Endpoint::explicit(local.endpoint()).unwrap())));
    let client = S::from_settings(settings).unwrap();
    let identity = client.run(WhoAmI, |never| match never {}).unwrap();
    assert_eq!((&*identity.account_id, &*identity.kind), ("100000000001", "CAMRole"));
    assert!(identity.user_id.ends_with(":scenarios"), "{identity:?}");
    client.send(DescribeRegions::default()).unwrap();
    client.run(WhoAmI, |never| match never {}).unwrap();
    assert_eq!(count(&local, "AssumeRole"), 1);
}
