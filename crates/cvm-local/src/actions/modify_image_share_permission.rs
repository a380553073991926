//! `ModifyImageSharePermission`: shows an image to other accounts, or no longer.

use cvm_proto::api::ModifyImageSharePermission;
use serde_json::Value;

use super::{Call, Handler, checks, done, typed};
use crate::request::params::Shown;
use crate::request::refusal::{Refusal, refuse};
use crate::resources::image::{Image, ImageState, Share};

pub(super) const HANDLER: Handler = Handler {
    name: "ModifyImageSharePermission",
    run,
    causes: &[
        (
            "FailedOperation.AccountAlreadyExists",
            "the image is shared with an account already, or an account is named twice",
        ),
        ("FailedOperation.AccountIsYourSelf", "an account is the caller's own"),
        ("FailedOperation.BYOLImageShareFailed", "the image's licence is the customer's own (`BYOL`)"),
        (
            "FailedOperation.NotMasterAccount",
            "an account belongs to a root account (`collaborator` in the seed)",
        ),
        ("InvalidAccountId.NotFound", "the seed has no such account"),
        ("InvalidImageId.Malformed", "the id is not `img-` and eight of 0-9 and a-z"),
        ("InvalidImageId.NotFound", "the account sees no such image in the region"),
        ("InvalidParameter.InstanceImageNotSupport", "the image holds a whole instance"),
        ("InvalidParameterValue.InvalidImageId", "the image is public"),
        ("InvalidParameterValue.InvalidImageState", "the image is not `NORMAL`"),
        ("InvalidParameterValue.LimitExceeded", "there are more than 500 accounts"),
        ("OverQuota", "the image would be shared with more accounts than the seed's `share_quota`"),
        ("UnauthorizedOperation.ImageNotBelongToAccount", "the image is another account's"),
        ("UnsupportedOperation.EncryptedImagesNotSupported", "the image is encrypted"),
        ("UnsupportedOperation.LocationImageNotSupported", "the image is bound to a dedicated cluster"),
    ],
    states: &[],
};

/// How many accounts one request may name.
const MAX_ACCOUNTS: usize = 500;

fn run(call: &mut Call<'_>, parameters: Value, out: &mut Vec<u8>) -> Result<(), Refusal> {
    let request: ModifyImageSharePermission = typed(parameters)?;
    let id = &request.image_id;
    let share = match request.permission.as_str() {
        "SHARE" => true,
        "CANCEL" => false,
        other => {
            return refuse(
                "InvalidParameterValue",
                format!("`Permission` is `{}`: use `SHARE` or `CANCEL`.", Shown(other)),
            );
        }
    };
    checks::length("AccountIds", &request.account_ids, MAX_ACCOUNTS)?;
    let image = checks::image(call, id)?;
    check_image(call, image)?;
    let accounts = accounts(call, &request.account_ids)?;
    if share {
        check_new(call, image, &accounts)?;
    }
    let since = call.now;
    if let Some(image) = call.resources.image_mut(call.region, id) {
        if share {
            image.shared_with.extend(accounts.into_iter().map(|account| Share { account, since }));
        } else {
            image.shared_with.retain(|share| !accounts.contains(&share.account));
        }
    }
    done(call, out)
}

/// What may be shared at all.
fn check_image(call: &Call<'_>, image: &Image) -> Result<(), Refusal> {
    let Image { id, traits, .. } = image;
    if image.kind(call.account) == "PUBLIC_IMAGE" {
        return refuse(
            "InvalidParameterValue.InvalidImageId",
            format!("The image `{id}` is public: every account sees it."),
        );
    }
    checks::own_image(call, image)?;
    checks::bound_image(image, "shared")?;
    if traits.license_type == "BYOL" {
        return refuse(
            "FailedOperation.BYOLImageShareFailed",
            format!("The licence of the image `{id}` is the customer's own, and cannot be shared."),
        );
    }
    let state = image.state(call.now).0;
    if state != ImageState::Normal {
        return refuse(
            "InvalidParameterValue.InvalidImageState",
            format!("The image `{id}` is {}, and not NORMAL.", state.as_str()),
        );
    }
    Ok(())
}

/// Whom it is about: root accounts other than the caller's.
fn accounts(call: &Call<'_>, uins: &[String]) -> Result<Vec<usize>, Refusal> {
    let find = |uin: &String| {
        let Some(account) = call.resources.account_named(uin) else {
            return refuse(
                "InvalidAccountId.NotFound",
                format!("The account `{}` does not exist.", Shown(uin)),
            );
        };
        if account == call.account {
            return refuse("FailedOperation.AccountIsYourSelf", format!("The account `{uin}` is your own."));
        }
        if call.resources.account(account).collaborator {
            return refuse(
                "FailedOperation.NotMasterAccount",
                format!("The account `{uin}` belongs to a root account: share with that one."),
            );
        }
        Ok(account)
    };
    uins.iter().map(find).collect()
}

/// Whether an image may be shared with these accounts, too.
fn check_new(call: &Call<'_>, image: &Image, accounts: &[usize]) -> Result<(), Refusal> {
    let twice = |(i, account): (usize, &usize)| {
        (image.is_shared_with(*account) || accounts[..i].contains(account)).then_some(*account)
    };
    if let Some(account) = accounts.iter().enumerate().find_map(twice) {
        let uin = &call.resources.account(account).uin;
        return refuse(
            "FailedOperation.AccountAlreadyExists",
            format!("The image `{}` is shared with the account `{uin}` already.", image.id),
        );
    }
    let quota = call.resources.limits.share_quota;
    if image.shared_with.len() + accounts.len() > quota as usize {
        return refuse(
            "OverQuota",
            format!("The image `{}` can be shared with {quota} accounts at most.", image.id),
        );
    }
    Ok(())
}
