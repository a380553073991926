//! The actions that the endpoint has, one module each, and the names of those that it does not have.

use serde::Serialize;
use serde_json::Value;

use crate::clock::Moment;
use crate::fault::Faults;
use crate::ids;
use crate::params::{Parameter, Shown, typed};
use crate::refusal::{Refusal, refuse};
use crate::state::State;

mod describe_image_quota;
mod describe_images;
mod describe_regions;
mod names;
mod sync_images;

/// An action: how it is asked for, and what it does.
pub(crate) struct Action {
    pub(crate) name: &'static str,
    /// How many requests a second an account may send in a region.
    pub(crate) rate: u32,
    pub(crate) needs_region: bool,
    pub(crate) parameters: &'static [Parameter],
    /// Does the work and writes the answer. Nothing has changed if it refuses.
    pub(crate) run: fn(&mut Call<'_>, Value, &mut Vec<u8>) -> Result<(), Refusal>,
}

/// What an action has to work with.
pub(crate) struct Call<'a> {
    pub(crate) state: &'a mut State,
    pub(crate) faults: &'a Faults,
    pub(crate) now: Moment,
    pub(crate) account: usize,
    /// The position of the region; of no meaning for an action that needs none.
    pub(crate) region: usize,
    pub(crate) request_id: &'a str,
}

static ACTIONS: [Action; 4] =
    [describe_image_quota::ACTION, describe_images::ACTION, describe_regions::ACTION, sync_images::ACTION];

/// An action by its name, with its position among the others.
pub(crate) fn find(name: &str) -> Result<(usize, &'static Action), Refusal> {
    if let Some(position) = ACTIONS.iter().position(|action| action.name == name) {
        return Ok((position, &ACTIONS[position]));
    }
    if names::exists(name) {
        return refuse(
            "UnsupportedOperation",
            format!("cvm-local does not have the action `{name}` of the service."),
        );
    }
    refuse("InvalidAction", format!("The action `{}` does not exist.", Shown(name)))
}

/// Writes an answer around its members, which include the request id.
fn answer(out: &mut Vec<u8>, response: &impl Serialize) -> Result<(), Refusal> {
    out.extend_from_slice(br#"{"Response":"#);
    let written = serde_json::to_writer(&mut *out, response);
    out.push(b'}');
    written
        .map_err(|error| Refusal::new("InternalError", format!("The answer could not be written: {error}.")))
}

/// Refuses an id that cannot be an image's.
fn check_image_id(id: &str) -> Result<(), Refusal> {
    if ids::is_resource(id, "img") {
        return Ok(());
    }
    refuse(
        "InvalidImageId.Malformed",
        format!("The image id `{}` is malformed: it is `img-` and eight of 0-9 and a-z.", Shown(id)),
    )
}
