//! Which documented error codes the endpoint gives of itself, and why.

use super::{ACTIONS, checks, instance_states};

/// An error code that an action of the endpoint documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Coverage {
    /// The action, such as `SyncImages`.
    pub action: &'static str,
    /// The code, such as `InvalidImageId.NotFound`.
    pub code: &'static str,
    /// In words what is refused with it; `None` if only a [`Fault`](crate::Fault) brings it about.
    pub cause: Option<&'static str>,
}

/// Every error code that the actions of the endpoint document, by action and code.
pub fn coverage() -> impl Iterator<Item = Coverage> {
    ACTIONS.iter().flat_map(|action| {
        action.errors.iter().map(|code| {
            let mut causes = action
                .causes
                .iter()
                .chain(checks::SHARED_CAUSES)
                .chain(instance_states::causes(action.states));
            let cause = causes.find(|(known, _)| *known == code).map(|&(_, cause)| cause);
            Coverage { action: action.name, code, cause }
        })
    })
}
