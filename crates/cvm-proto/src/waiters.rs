//! Waits that many need: images that can be used, instances in a state.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::api::types::{ImageState, InstanceState};
use crate::api::{DescribeImages, DescribeImagesResponse, DescribeInstances, DescribeInstancesResponse};
use crate::call::{Verdict, WaitUntil};
use crate::error::Error;
use crate::input::closest;
use crate::output;

/// As many as one request may name, and a page may hold.
const MOST: u8 = 100;
/// How many of them an error names.
const SHOWN: usize = 3;

/// Waits until all these images can be used: a [`Job`](crate::Job) that ends with the answer that shows them.
///
/// ```
/// use core::time::Duration;
/// use cvm_proto::{Cancel, images_normal};
///
/// let cancel = Cancel::new();
/// let job = images_normal(["img-o3ycss2p", "img-6pb6lrmy"]).at_most(Duration::from_secs(3600)).cancel_with(&cancel);
/// # let _ = job;
/// ```
///
/// At most 100 images, in the region of the client. One that is not shown yet is waited for.
///
/// # Errors
///
/// [`ErrorKind::Parameter`](crate::ErrorKind::Parameter), before anything is sent, if no image or too many are named.
/// [`ErrorKind::State`](crate::ErrorKind::State) as soon as one of them failed to be created or imported; else those of a
/// [wait](WaitUntil).
pub fn images_normal(
    ids: impl IntoIterator<Item: Into<String>>,
) -> WaitUntil<DescribeImages, impl FnMut(&DescribeImagesResponse) -> Verdict> {
    let ids = once_each(ids);
    let refusal = wrong_number(&ids);
    let action = DescribeImages::default().image_ids(ids.clone()).limit(MOST.into());
    let mut wanted = wanted(ids);
    let wait = WaitUntil::new(action, move |answer: &DescribeImagesResponse| {
        let seen = answer.image_set.iter().map(|image| (&*image.image_id, &image.image_state));
        all(&mut wanted, &ImageState::Normal, seen, |state| match state {
            // What older documents call an image that instances are made of at this moment.
            ImageState::Normal | ImageState::Using => Place::There,
            ImageState::CreateFailed | ImageState::ImportFailed => Place::Never,
            _ => Place::OnTheWay,
        })
    });
    wait.refused(refusal)
}

/// Waits until all these instances are in a state: a [`Job`](crate::Job) that ends with the answer that shows them.
///
/// ```
/// use cvm_proto::api::types::InstanceState;
/// use cvm_proto::instances_in_state;
///
/// let job = instances_in_state(["ins-1example", "ins-2example"], InstanceState::Running);
/// # let _ = job;
/// ```
///
/// At most 100 instances, in the region of the client. One that is not shown yet is waited for. An instance that is
/// destroyed is shown no more: a wait for [`Terminating`](InstanceState::Terminating) may miss it.
///
/// # Errors
///
/// [`ErrorKind::Parameter`](crate::ErrorKind::Parameter), before anything is sent, if no instance or too many are named, or
/// the state is none that this build [knows](InstanceState::KNOWN): a misspelt one would be waited for in vain.
/// [`ErrorKind::State`](crate::ErrorKind::State) as soon as one of them failed to be launched, or is stopped for good
/// (`SHUTDOWN`, `TERMINATING`), unless that is the state that is waited for; else those of a [wait](WaitUntil).
pub fn instances_in_state(
    ids: impl IntoIterator<Item: Into<String>>,
    state: InstanceState,
) -> WaitUntil<DescribeInstances, impl FnMut(&DescribeInstancesResponse) -> Verdict> {
    let ids = once_each(ids);
    let refusal = wrong_number(&ids).or_else(|| unknown_state(&state));
    let action = DescribeInstances::default().instance_ids(ids.clone()).limit(MOST.into());
    let mut wanted = wanted(ids);
    let wait = WaitUntil::new(action, move |answer: &DescribeInstancesResponse| {
        let seen =
            answer.instance_set.iter().map(|instance| (&*instance.instance_id, &instance.instance_state));
        all(&mut wanted, &state, seen, |seen| match seen {
            seen if *seen == state => Place::There,
            // It is shut down before it is destroyed.
            InstanceState::Shutdown if state == InstanceState::Terminating => Place::OnTheWay,
            InstanceState::LaunchFailed | InstanceState::Shutdown | InstanceState::Terminating => {
                Place::Never
            }
            _ => Place::OnTheWay,
        })
    });
    wait.refused(refusal)
}

/// Where one of those that are waited for is.
enum Place {
    There,
    OnTheWay,
    /// It will never be there.
    Never,
}

/// One of those that are waited for.
struct Wanted {
    id: String,
    /// Whether any answer has shown it.
    was_shown: bool,
}

fn wanted(ids: Vec<String>) -> Vec<Wanted> {
    ids.into_iter().map(|id| Wanted { id, was_shown: false }).collect()
}

/// Judges all of them: one that will never be there fails the wait, and all have to be there.
fn all<'a, S: fmt::Display + 'a>(
    wanted: &mut [Wanted],
    target: &S,
    seen: impl Iterator<Item = (&'a str, &'a S)> + Clone,
    place: impl Fn(&S) -> Place,
) -> Verdict {
    let (mut elsewhere, mut gone, mut never_shown) = (Vec::new(), Vec::new(), Vec::new());
    let mut why = None;
    for Wanted { id, was_shown } in wanted {
        match seen.clone().find(|(seen, _)| seen == id) {
            Some((_, state)) => {
                *was_shown = true;
                match place(state) {
                    Place::There => {}
                    Place::OnTheWay => elsewhere.push(format!("{id} is {state}, not {target}")),
                    Place::Never => why = why.or_else(|| Some(format!("{id} is {state}"))),
                }
            }
            None if *was_shown => gone.push(&**id),
            None => never_shown.push(&**id),
        }
    }
    if let Some(why) = why {
        return Verdict::Failed(why);
    }
    let was = |ids: &[&str]| if ids.len() == 1 { "was" } else { "were" };
    let mut parts = Vec::new();
    if !never_shown.is_empty() {
        parts.push(format!("{} {} never shown", some(&never_shown), was(&never_shown)));
    }
    if !gone.is_empty() {
        parts.push(format!("{} {} shown before, and not at last", some(&gone), was(&gone)));
    }
    let others = elsewhere.len().saturating_sub(SHOWN);
    parts.extend(elsewhere.into_iter().take(SHOWN));
    if others > 0 {
        parts.push(format!("{others} more are not {target} either"));
    }
    if parts.is_empty() { Verdict::Ready } else { Verdict::Lacking(parts.join("; ")) }
}

/// As many of a list as a sentence can hold.
fn some(list: &[impl AsRef<str>]) -> String {
    let mut text = String::new();
    for (at, item) in list.iter().take(SHOWN).enumerate() {
        text.push_str(match at {
            0 => "",
            _ if at + 1 == list.len() => " and ",
            _ => ", ",
        });
        text.push_str(item.as_ref());
    }
    if list.len() > SHOWN {
        text.push_str(&format!(" and {} more", list.len() - SHOWN));
    }
    text
}

fn wrong_number(ids: &[String]) -> Option<Error> {
    let why = match ids.len() {
        0 => "no id is given: name at least one".into(),
        given if given > usize::from(MOST) => {
            format!("{given} ids are given, and one request takes {MOST}: wait for them in parts")
        }
        _ => return None,
    };
    Some(Error::parameter(why))
}

fn unknown_state(state: &InstanceState) -> Option<Error> {
    let known = || InstanceState::KNOWN.iter().map(InstanceState::as_str);
    if known().any(|known| state == known) {
        return None;
    }
    let hint = closest(state.as_str(), known()).map_or_else(
        || format!("they are {}", known().collect::<Vec<_>>().join(", ")),
        |meant| format!("did you mean `{meant}`?"),
    );
    let given = output::escaped(state.as_str());
    Some(Error::parameter(format!("`{given}` is no state of an instance that this version knows: {hint}")))
}

fn once_each(ids: impl IntoIterator<Item: Into<String>>) -> Vec<String> {
    let mut list = Vec::new();
    for id in ids {
        let id = id.into();
        if !list.contains(&id) {
            list.push(id);
        }
    }
    list
}
