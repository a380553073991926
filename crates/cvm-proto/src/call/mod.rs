//! One action as a machine, and what is made of several: lists that come in pages, and waiting for a state.

mod action;
mod attempts;
mod fetch_turn;
pub(crate) mod page;
mod text_call;
mod typed;
mod wait;
mod wind_down;

pub use action::Action;
pub(crate) use action::Known;
pub(crate) use attempts::Rules;
pub(crate) use page::PageGuard;
pub use page::{AnyList, Page, Paged, Pages};
pub use text_call::{AnswerText, TextCall, TextList, TextRequest, parameters};
pub use typed::{AnyCall, Call};
pub(crate) use typed::{Typed, prepare};
pub use wait::{Ask, Verdict, WaitMachine, WaitUntil};
pub(crate) use wind_down::{POLL_EVERY, WindDown};
