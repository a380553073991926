//! The actions that the endpoint has, one module each, and what the API says of all.

use std::sync::LazyLock;

use cvm_proto::input::closest;
use serde::Serialize;
use serde_json::Value;

use crate::clock::Moment;
use crate::fault::Faults;
use crate::request::params::{Codes, Parameter, Shown, Specification};
use crate::request::refusal::{Refusal, refuse};
use crate::resources::Resources;
use crate::resources::instance::InstanceState;
use crate::sts;

mod checks;
mod coverage;
mod create_image;
mod delete_images;
mod describe_image_from_family;
mod describe_image_quota;
mod describe_image_share_permission;
mod describe_images;
mod describe_import_image_os;
mod describe_instances;
mod describe_instances_status;
mod describe_regions;
mod describe_zones;
mod export_images;
mod filters;
mod import_image;
mod instance_states;
mod modify_image_attribute;
mod modify_image_share_permission;
mod reboot_instances;
mod run_instances;
pub(crate) mod specifications;
mod start_instances;
mod stop_instances;
mod sync_images;
mod terminate_instances;

pub use coverage::{Coverage, coverage};

use specifications::SPECIFICATIONS;

/// An action that the endpoint has.
#[derive(Debug)]
pub(crate) struct Action {
    pub(crate) name: &'static str,
    /// How many requests a second an account may send in a region.
    pub(crate) rate: u32,
    pub(crate) needs_region: bool,
    pub(crate) parameters: &'static [Parameter],
    errors: Codes,
    causes: &'static [Cause],
    states: &'static [InstanceState],
    run: Run,
}

/// An error code, and in words what the endpoint refuses with it.
type Cause = (&'static str, &'static str);

/// Does the work and writes the answer. Nothing has changed if it refuses.
type Run = fn(&mut Call<'_>, Value, &mut Vec<u8>) -> Result<(), Refusal>;

/// What a module here adds to what the API says of an action.
struct Handler {
    name: &'static str,
    run: Run,
    /// Those of the action's documented codes that `run` refuses with.
    causes: &'static [Cause],
    /// The states that an instance may be in for it; none for an action that looks at no instance's state.
    states: &'static [InstanceState],
}

/// The rate of actions for which the API tells none: the one that most others have.
const USUAL_RATE: u32 = 10;

/// What an action has to work with.
pub(crate) struct Call<'a> {
    pub(crate) resources: &'a mut Resources,
    pub(crate) faults: &'a Faults,
    pub(crate) now: Moment,
    pub(crate) account: usize,
    /// The position of the region; of no meaning for an action that needs none.
    pub(crate) region: usize,
    pub(crate) request_id: &'a str,
    /// When the first of what the answer shows changes by itself; `None` if nothing does.
    pub(crate) next_change: Option<Moment>,
}

static ACTIONS: LazyLock<Vec<Action>> = LazyLock::new(|| {
    let handlers = [
        create_image::HANDLER,
        delete_images::HANDLER,
        describe_image_from_family::HANDLER,
        describe_image_quota::HANDLER,
        describe_image_share_permission::HANDLER,
        describe_images::HANDLER,
        describe_import_image_os::HANDLER,
        describe_instances::HANDLER,
        describe_instances_status::HANDLER,
        describe_regions::HANDLER,
        describe_zones::HANDLER,
        export_images::HANDLER,
        import_image::HANDLER,
        modify_image_attribute::HANDLER,
        modify_image_share_permission::HANDLER,
        reboot_instances::HANDLER,
        run_instances::HANDLER,
        start_instances::HANDLER,
        stop_instances::HANDLER,
        sync_images::HANDLER,
        terminate_instances::HANDLER,
    ];
    handlers.into_iter().filter_map(Action::new).collect()
});

impl Action {
    fn new(Handler { name, run, causes, states }: Handler) -> Option<Self> {
        let &Specification { rate, needs_region, parameters, errors, .. } = specification(name)?;
        let rate = rate.unwrap_or(USUAL_RATE);
        Some(Self { name, rate, needs_region, parameters, errors, causes, states, run })
    }

    /// Does the work and writes the answer, if the account may have it done. Nothing has changed if it is refused.
    pub(crate) fn perform(
        &self,
        call: &mut Call<'_>,
        parameters: Value,
        out: &mut Vec<u8>,
    ) -> Result<(), Refusal> {
        checks::account(call, self)?;
        (self.run)(call, parameters, out)
    }

    fn documents(&self, code: &str) -> bool {
        self.errors.contains(code)
    }
}

/// The names of all actions of the service, those included that the endpoint does not have.
fn names() -> impl Iterator<Item = &'static str> {
    SPECIFICATIONS.iter().map(|specification| specification.name)
}

/// Refuses a name that is an action of neither cvm nor sts: no request for it can ever arrive.
pub(crate) fn check_name(name: &str) -> Result<(), String> {
    let known = || names().chain(sts::names());
    if known().any(|known| known == name) {
        return Ok(());
    }
    let advice =
        closest(name, known()).map_or_else(String::new, |meant| format!(": did you mean `{meant}`?"));
    Err(format!("there is no action `{}`{advice}", Shown(name)))
}

/// What the API says of an action.
fn specification(name: &str) -> Option<&'static Specification> {
    let found = SPECIFICATIONS.binary_search_by_key(&name, |specification| specification.name).ok()?;
    Some(&SPECIFICATIONS[found])
}

/// An action by its name, with its position among the others.
pub(crate) fn find(name: &str) -> Result<(usize, &'static Action), Refusal> {
    if let Some(position) = ACTIONS.iter().position(|action| action.name == name) {
        return Ok((position, &ACTIONS[position]));
    }
    if specification(name).is_some() {
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

/// Writes an answer that has nothing but the request id.
fn done(call: &Call<'_>, out: &mut Vec<u8>) -> Result<(), Refusal> {
    answer(out, &serde_json::json!({ "RequestId": call.request_id }))
}

/// Reads an action's parameters into its type, once they are known to fit its table.
pub(crate) fn typed<T: serde::de::DeserializeOwned>(parameters: Value) -> Result<T, Refusal> {
    serde_json::from_value(parameters)
        .map_err(|error| Refusal::new("InvalidParameter", format!("The parameters do not fit: {error}.")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn specifications_can_be_searched() {
        assert!(SPECIFICATIONS.is_sorted_by_key(|specification| specification.name));
        assert!(specifications::CODES.is_sorted());
        for specification in SPECIFICATIONS {
            assert!(specification.errors.iter().is_sorted(), "{}", specification.name);
        }
        let known = |name| specification(name).is_some();
        assert!(known("SyncImages") && known("AllocateHosts") && known("TerminateResourcePoolPacks"));
        assert!(!known("syncimages") && !known(""));
    }

    #[test]
    fn only_documented_codes_have_causes() {
        assert_eq!(ACTIONS.len(), 21, "each handler is an action of the API");
        for action in ACTIONS.iter() {
            for (code, cause) in action.causes {
                assert!(action.documents(code), "{} does not document {code}", action.name);
                assert!(!cause.is_empty());
            }
            let mut codes: Vec<_> = action.causes.iter().map(|(code, _)| code).collect();
            codes.sort_unstable();
            codes.dedup();
            assert_eq!(codes.len(), action.causes.len(), "{} has a code twice", action.name);
        }
    }
}
