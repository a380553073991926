//! JMESPath as jmespath.py has it: an expression written for `tccli` or the AWS command finds the same here.
//!
//! jmespath.py takes more than the specification: texts in back-ticks without quotes, texts beside `<` and `>`, commas
//! that are left out. Its results are followed to the order of members and the notation of numbers, and
//! `tests/queries.json` holds what it makes of several hundred expressions.
//!
//! What it refuses only once an expression meets a value is refused here with the expression, as far as the expression
//! shows it: unknown functions, too many or too few arguments, a step of 0, an `&` where no function can use it. What
//! it takes and this does not are things that no JSON can hold (`NaN`, whole numbers over 64 bits as such, halves of
//! surrogate pairs), lists in place of objects in `merge`, and expressions more than 128 levels deep.

mod ast;
mod functions;
mod interpreter;
mod lexer;
mod notation;
mod parser;
#[cfg(test)]
mod prop;
#[cfg(test)]
mod tests;
mod values;

use std::borrow::Cow;
use std::fmt;

use serde_json::Value;

/// An expression that has been read.
#[derive(Debug)]
pub(crate) struct Query(ast::Node);

impl Query {
    /// Reads an expression.
    ///
    /// A [`Mistake`] says what is wrong with it whatever it is applied to.
    pub(crate) fn compile(expression: &str) -> Result<Self, Mistake> {
        parser::parse(lexer::tokens(expression)?).map(Self)
    }

    /// What the expression finds in a value; `null` if there is nothing.
    ///
    /// A [`Misfit`] says what the expression does to the value that cannot be done.
    pub(crate) fn search(&self, value: &Value) -> Result<Value, Misfit> {
        interpreter::evaluate(&self.0, Cow::Borrowed(value)).map(Cow::into_owned)
    }

    /// Whether what it finds counts as true: anything but `false`, `null`, and an empty text, list or object.
    pub(crate) fn holds(&self, value: &Value) -> Result<bool, Misfit> {
        interpreter::evaluate(&self.0, Cow::Borrowed(value)).map(|found| !values::is_false(&found))
    }
}

/// What is wrong with an expression: the second half of a sentence.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Mistake(String);

/// Why an expression does not fit a value: the second half of a sentence.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Misfit(String);

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
