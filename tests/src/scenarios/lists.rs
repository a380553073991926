//! Lists that come in pages, and waiting for a state, against the local endpoint.

use std::time::Duration;

use cvm_local::{Clock, CvmLocal, Fault};
use cvm_proto::api::types::Image;
use cvm_proto::api::{DescribeImages, DescribeImagesResponse, DescribeRegions, SyncImages};
use cvm_proto::machine::FailureKind;
use cvm_proto::{AnyList, Cancel, ErrorKind, Verdict, WaitUntil, images_normal};
use serde_json::json;

use crate::{Shell, client_of};

/// A page of two, so that the images of the default seed make several.
fn by_two() -> DescribeImages {
    DescribeImages::default().limit(2)
}

/// All that there is, in one page.
fn all<S: Shell>(client: &S) -> Vec<Image> {
    let answer = client.send(DescribeImages::default().limit(100)).unwrap();
    let count = answer.image_set.len();
    assert!(count > 4 && answer.total_count == i64::try_from(count).unwrap(), "{count} images");
    answer.image_set
}

/// Which actions the endpoint was asked for, in order.
fn asked(local: &CvmLocal) -> Vec<String> {
    local.requests().into_iter().map(|request| request.action).collect()
}

/// Every item once and in order; a page is fetched when its first item is due, and not before.
pub fn every_item_of_every_page<S: Shell>() {
    let local = CvmLocal::start().unwrap();
    let client = client_of::<S>(&local);
    let expected = all(&client);
    let mut items = client.items(by_two());
    for (at, expected) in expected.iter().enumerate() {
        let before = local.requests().len();
        assert_eq!(&items.next().unwrap().unwrap(), expected, "{at}");
        assert_eq!(local.requests().len() - before, usize::from(at % 2 == 0), "{at}");
    }
    assert!(items.next().is_none() && items.next().is_none(), "the end is the end");
    assert_eq!(
        local.requests().len(),
        1 + expected.len().div_ceil(2),
        "the count tells which page is the last"
    );
}

/// The same list, a page at a time.
pub fn every_page<S: Shell>() {
    let local = CvmLocal::start().unwrap();
    let client = client_of::<S>(&local);
    let expected = all(&client);
    let pages: Vec<_> = client.pages(by_two()).map(Result::unwrap).collect();
    assert_eq!(pages, expected.chunks(2).map(<[Image]>::to_vec).collect::<Vec<_>>());
    let nothing = DescribeImages::default().image_ids(["img-00000000"]);
    assert!(client.pages(nothing).next().is_none(), "an empty list has no page");
}

/// By the action's name, with items as JSON.
pub fn list_by_name<S: Shell>() {
    let local = CvmLocal::start().unwrap();
    let client = client_of::<S>(&local);
    let list = AnyList::new("DescribeImages", json!({"Limit": 2})).unwrap();
    let ids: Vec<_> = client.items(list).map(|item| item.unwrap()["ImageId"].clone()).collect();
    assert_eq!(ids, all(&client).iter().map(|image| json!(image.image_id)).collect::<Vec<_>>());
}

/// Left anywhere, also by an error, a list is read on by its token, without an item twice and without one page too many.
pub fn list_that_was_left<S: Shell>() {
    let local = CvmLocal::start().unwrap();
    let client = client_of::<S>(&local);
    let expected = all(&client);
    for count in 0..=expected.len() {
        let (first, token) = client.some_items(&by_two(), None, count);
        let mut read: Vec<_> = first.into_iter().map(Result::unwrap).collect();
        assert_eq!(read, expected[..count]);
        if count < expected.len() {
            let (rest, end) = client.some_items(&by_two(), token.as_deref(), usize::MAX);
            read.extend(rest.into_iter().map(Result::unwrap));
            assert_eq!((&read, end), (&expected, None), "{count}");
        } else {
            assert_eq!(token, None);
        }
    }
    let nothing = DescribeImages::default().image_ids(["img-00000000"]);
    let (none, token) = client.some_items(&nothing, None, 1);
    assert!(none.is_empty() && token.is_none(), "an empty list has no rest");

    local.faults().push(Fault::error("InvalidFilter").on("DescribeImages").times(1)).unwrap();
    let (failed, token) = client.some_items(&by_two(), None, usize::MAX);
    assert!(failed.len() == 1 && failed[0].is_err());
    let (whole, _) = client.some_items(&by_two(), token.as_deref(), usize::MAX);
    assert_eq!(whole.into_iter().map(Result::unwrap).collect::<Vec<_>>(), expected);

    let before = local.requests().len();
    let (_, token) = client.some_items(&nothing, None, 0);
    let (refused, _) = client.some_items(&by_two(), token.as_deref(), 1);
    let refused = refused[0].as_ref().unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Parameter, "{refused}");
    assert_eq!(local.requests().len(), before, "nothing is sent with the token of another list");
}

/// What came before an error is not lost, the error comes once, and nothing is asked for after it.
pub fn refused_page_ends_the_list<S: Shell>() {
    let local = CvmLocal::start().unwrap();
    let client = client_of::<S>(&local);
    let mut items = client.items(by_two());
    items.next().unwrap().unwrap();
    local.faults().push(Fault::error("InvalidFilter").on("DescribeImages").times(1)).unwrap();
    items.next().unwrap().unwrap();
    let refused = items.next().unwrap().unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Parameter, "{refused}");
    assert!(items.next().is_none() && items.next().is_none());
    assert_eq!(asked(&local).len(), 2);
}

/// A page has the retries of any call.
pub fn throttled_page_is_tried_again<S: Shell>() {
    let local = CvmLocal::start().unwrap();
    let client = client_of::<S>(&local);
    let expected = all(&client);
    let mut items = client.items(by_two());
    items.next().unwrap().unwrap();
    local.faults().push(Fault::error("RequestLimitExceeded").on("DescribeImages").times(1)).unwrap();
    assert_eq!(items.map(Result::unwrap).collect::<Vec<_>>(), expected[1..]);
    assert_eq!(asked(&local).len(), 1 + expected.len().div_ceil(2) + 1);
}

/// Nothing is sent for a list that nobody reads, nor for the rest of one that is dropped.
pub fn dropped_list_asks_for_no_more<S: Shell>() {
    let local = CvmLocal::start().unwrap();
    let client = client_of::<S>(&local);
    drop(client.items(by_two()));
    let mut items = client.items(by_two());
    for _ in 0..2 {
        items.next().unwrap().unwrap();
    }
    drop(items);
    client.send(DescribeRegions::default()).unwrap();
    assert_eq!(asked(&local), ["DescribeImages", "DescribeRegions"]);
}

/// A copy, looked at until it is there, or until it is clear that it will never be.
pub fn waits_for_a_state<S: Shell>() {
    fn judge(answer: &DescribeImagesResponse) -> Verdict {
        match answer.image_set.first().map(|image| image.image_state.as_str()) {
            Some("NORMAL") => Verdict::Ready,
            Some(state) if state.ends_with("FAILED") => Verdict::Failed(format!("it is {state}")),
            _ => Verdict::Pending,
        }
    }
    let local = CvmLocal::builder().clock(Clock::stepped()).start().unwrap();
    let client = client_of::<S>(&local);
    let wait_for_copy = |to: &str| {
        let action = SyncImages::new(["img-o3ycss2p"], [to]).image_set_required(true);
        let copy = client.send(action).unwrap().image_set.remove(0);
        let look = DescribeImages::default().image_ids([copy.image_id]);
        let job = WaitUntil::new(look, judge).every(Duration::from_millis(1));
        client.with_region(to).unwrap().run(job, |_| local.advance(Duration::from_secs(60)))
    };
    assert_eq!(wait_for_copy("ap-guangzhou").unwrap().image_set[0].image_state, "NORMAL");
    local.faults().push(Fault::copy_fails().in_region("ap-beijing")).unwrap();
    let failed = wait_for_copy("ap-beijing").unwrap_err();
    assert!(failed.to_string().contains("it is CREATEFAILED"), "{failed}");
}

/// The ready waits judge every id that they are given.
pub fn waits_for_all_images<S: Shell>() {
    let local = CvmLocal::start().unwrap();
    let client = client_of::<S>(&local);
    let answer = client.run(images_normal(["img-o3ycss2p"]), |_| {}).unwrap();
    assert_eq!(answer.image_set.len(), 1);
    // An image that is not shown is waited for.
    let one_more = images_normal(["img-o3ycss2p", "img-00000000"]).at_most(Duration::from_millis(300));
    let error = client.run(one_more, |_| {}).unwrap_err();
    assert!(error.is_timeout(), "{error}");
    let cancel = Cancel::new();
    cancel.cancel();
    let error = client.run(images_normal(["img-o3ycss2p"]).cancel_with(&cancel), |_| {}).unwrap_err();
    assert_eq!(error.failure_kind(), Some(FailureKind::Cancelled), "{error}");
}
