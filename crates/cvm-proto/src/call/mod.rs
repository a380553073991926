//! One action as a machine, and what is made of several: lists that come in pages, and waiting for a state.

mod action;
mod attempts;
mod cancel_grace;
mod fetch_turn;
pub(crate) mod page;
mod resume;
mod text_call;
mod typed;
mod wait;

pub use action::Action;
pub(crate) use action::ActionInfo;
pub(crate) use attempts::CallPolicy;
pub(crate) use cancel_grace::{CANCEL_CHECK_EVERY, CancelGrace};
pub(crate) use page::PageGuard;
pub use page::{AnyList, Page, Paged, Pages};
pub use resume::{ListPlace, Resumable};
pub use text_call::{
    AnswerText, CallWithText, TextAnswer, TextCall, TextList, TextRequest, WithText, parameters,
};
pub use typed::{AnyCall, Call};
pub(crate) use typed::{TypedCall, prepare};
pub use wait::{Ask, Verdict, WaitMachine, WaitUntil};
