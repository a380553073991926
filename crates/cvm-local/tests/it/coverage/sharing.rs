//! Refusals of what shares images.

use cvm_local::Account;
use serde_json::{Value, json};

use super::images::another;
use super::{Case, case, sound, with};

pub(super) fn cases() -> Vec<Case> {
    [modify(), describe()].into_iter().flatten().collect()
}

fn modify() -> Vec<Case> {
    let action = "ModifyImageSharePermission";
    let of = |id: &str| with(sound(action), "ImageId", json!(id));
    let to = |uins: Value| with(sound(action), "AccountIds", uins);
    let case = |code, parameters| case(action, code, parameters);
    let share = |client: &crate::client::Client<'_>| {
        _ = client.call("ModifyImageSharePermission", &sound("ModifyImageSharePermission")).unwrap();
    };
    vec![
        case("FailedOperation.AccountAlreadyExists", sound(action)).before(share),
        case("FailedOperation.AccountAlreadyExists", to(json!(["100000000002", "100000000002"]))),
        case("FailedOperation.AccountIsYourSelf", to(json!(["100000000001"]))),
        case("FailedOperation.BYOLImageShareFailed", sound(action))
            .seed(|seed| seed.accounts[0].images[0].license_type = "BYOL".into()),
        case("FailedOperation.NotMasterAccount", to(json!(["100000000003"]))).seed(|seed| {
            seed.accounts.push(Account { collaborator: true, ..another("100000000003") });
        }),
        case("InvalidAccountId.NotFound", to(json!(["7"]))),
        case("InvalidImageId.Malformed", of("img-1")),
        case("InvalidImageId.NotFound", of("img-00000000")),
        case("InvalidParameter.InstanceImageNotSupport", of("img-instance")),
        case("InvalidParameterValue.InvalidImageId", of("img-487zeit5")),
        case("InvalidParameterValue.InvalidImageState", of("img-creating")),
        case("InvalidParameterValue.LimitExceeded", to(json!(vec!["100000000002"; 501]))),
        case("OverQuota", to(json!(["100000000003"])))
            .seed(|seed| {
                seed.share_quota = 1;
                seed.accounts.push(another("100000000003"));
            })
            .before(share),
        case("UnauthorizedOperation.ImageNotBelongToAccount", of("img-shared00")),
        case("UnsupportedOperation.EncryptedImagesNotSupported", of("img-encrypt0")),
        case("UnsupportedOperation.LocationImageNotSupported", of("img-cluster0")),
    ]
}

fn describe() -> Vec<Case> {
    let case = |code, id: &str| case("DescribeImageSharePermission", code, json!({ "ImageId": id }));
    vec![
        case("InvalidImageId.Malformed", "img-1"),
        case("InvalidImageId.NotFound", "img-00000000"),
        case("UnauthorizedOperation.ImageNotBelongToAccount", "img-shared00"),
        case("UnauthorizedOperation.ImageNotBelongToAccount", "img-487zeit5"),
    ]
}
