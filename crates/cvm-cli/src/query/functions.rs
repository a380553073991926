//! The functions that expressions call.

// All have one type, those that cannot fail as well.
#![allow(clippy::unnecessary_wraps)]

use std::borrow::Cow;
use std::cmp::Ordering;
use std::vec::IntoIter;

use cvm_proto::input;
use serde_json::{Map, Value};

use super::ast::{Argument, Node};
use super::interpreter::{Field, Found, NOTHING, items, look, members};
use super::values::{Key, Numeric, is_same};
use super::{Misfit, Mistake, notation};
use crate::catalogue::check::shown;

/// A function: what an expression shows of how it is called, and what it does.
#[derive(Debug)]
pub(super) struct Function {
    name: &'static str,
    arguments: &'static [ParameterKind],
    /// Whether more values may follow.
    more: bool,
    run: for<'a> fn(&mut Given<'a>) -> Found<'a>,
}

/// What an argument is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ParameterKind {
    Value,
    /// An expression that the function applies itself.
    Expression,
}

const ONE: &[ParameterKind] = &[ParameterKind::Value];
const TWO: &[ParameterKind] = &[ParameterKind::Value, ParameterKind::Value];
const LIST_BY: &[ParameterKind] = &[ParameterKind::Value, ParameterKind::Expression];
const OVER_LIST: &[ParameterKind] = &[ParameterKind::Expression, ParameterKind::Value];

static FUNCTIONS: [Function; 26] = [
    Function { name: "abs", arguments: ONE, more: false, run: abs },
    Function { name: "avg", arguments: ONE, more: false, run: avg },
    Function { name: "ceil", arguments: ONE, more: false, run: ceil },
    Function { name: "contains", arguments: TWO, more: false, run: contains },
    Function { name: "ends_with", arguments: TWO, more: false, run: ends_with },
    Function { name: "floor", arguments: ONE, more: false, run: floor },
    Function { name: "join", arguments: TWO, more: false, run: join },
    Function { name: "keys", arguments: ONE, more: false, run: keys },
    Function { name: "length", arguments: ONE, more: false, run: length },
    Function { name: "map", arguments: OVER_LIST, more: false, run: map },
    Function { name: "max", arguments: ONE, more: false, run: max },
    Function { name: "max_by", arguments: LIST_BY, more: false, run: max_by },
    Function { name: "merge", arguments: ONE, more: true, run: merge },
    Function { name: "min", arguments: ONE, more: false, run: min },
    Function { name: "min_by", arguments: LIST_BY, more: false, run: min_by },
    Function { name: "not_null", arguments: ONE, more: true, run: not_null },
    Function { name: "reverse", arguments: ONE, more: false, run: reverse },
    Function { name: "sort", arguments: ONE, more: false, run: sort },
    Function { name: "sort_by", arguments: LIST_BY, more: false, run: sort_by },
    Function { name: "starts_with", arguments: TWO, more: false, run: starts_with },
    Function { name: "sum", arguments: ONE, more: false, run: sum },
    Function { name: "to_array", arguments: ONE, more: false, run: to_array },
    Function { name: "to_number", arguments: ONE, more: false, run: to_number },
    Function { name: "to_string", arguments: ONE, more: false, run: to_string },
    Function { name: "type", arguments: ONE, more: false, run: kind },
    Function { name: "values", arguments: ONE, more: false, run: values },
];

impl Function {
    /// The function that has the name.
    pub(super) fn named(name: &str) -> Result<&'static Self, Mistake> {
        if let Some(function) = FUNCTIONS.iter().find(|function| function.name == name) {
            return Ok(function);
        }
        let names = || FUNCTIONS.iter().map(|function| function.name);
        let hint = match input::closest(name, names()) {
            Some(meant) => format!("did you mean {meant}()?"),
            None => format!("there are {}", names().collect::<Vec<_>>().join(", ")),
        };
        Err(Mistake(format!("there is no function `{name}`: {hint}")))
    }

    /// Whether the arguments are as many as the function takes, and expressions where it takes some.
    pub(super) fn check(&self, arguments: &[Argument]) -> Result<(), Mistake> {
        let (given, due) = (arguments.len(), self.arguments.len());
        if given < due || given > due && !self.more {
            let least = if self.more { "at least " } else { "" };
            let noun = if due == 1 { "argument" } else { "arguments" };
            return Err(Mistake(format!("{}() takes {least}{due} {noun}, not {given}", self.name)));
        }
        for (at, argument) in arguments.iter().enumerate() {
            let wrong = match (self.arguments.get(at).unwrap_or(&ParameterKind::Value), argument) {
                (ParameterKind::Expression, Argument::Value(_)) => "has to begin with `&`, as in `&ImageId`",
                (ParameterKind::Value, Argument::Expression(_)) => "cannot begin with `&`",
                _ => continue,
            };
            return Err(Mistake(format!("argument {} of {}() {wrong}", at + 1, self.name)));
        }
        Ok(())
    }

    pub(super) fn call<'a>(&self, arguments: Vec<GivenArgument<'a>>) -> Found<'a> {
        (self.run)(&mut Given { function: self.name, at: 0, rest: arguments.into_iter() })
    }
}

/// An argument as a function finds it.
pub(super) enum GivenArgument<'a> {
    Value(Cow<'a, Value>),
    Expression(&'a Node),
}

/// The arguments of a call, which the function takes one after the other.
struct Given<'a> {
    function: &'static str,
    at: usize,
    rest: IntoIter<GivenArgument<'a>>,
}

impl<'a> Given<'a> {
    fn wrong(&self, due: &str, value: &Value) -> Misfit {
        Misfit(format!("{}() takes {due} as argument {}, not {}", self.function, self.at, shown(value)))
    }

    fn wrong_item(&self, due: &str, item: &Value) -> Misfit {
        Misfit(format!(
            "{}() takes a list of {due} as argument {}, and the list holds {}",
            self.function,
            self.at,
            shown(item)
        ))
    }

    fn value(&mut self) -> Cow<'a, Value> {
        self.at += 1;
        match self.rest.next() {
            Some(GivenArgument::Value(value)) => value,
            // The parser checks what there is.
            _ => NOTHING,
        }
    }

    fn expression(&mut self) -> &'a Node {
        self.at += 1;
        match self.rest.next() {
            Some(GivenArgument::Expression(node)) => node,
            _ => &Node::Current,
        }
    }

    fn number(&mut self) -> Result<Numeric, Misfit> {
        match &*self.value() {
            Value::Number(number) => Ok(Numeric::of(number)),
            other => Err(self.wrong("a number", other)),
        }
    }

    fn text(&mut self) -> Result<Cow<'a, str>, Misfit> {
        let value = self.value();
        match Key::of(value.clone()) {
            Some(Key::Text(text)) => Ok(text),
            _ => Err(self.wrong("a text", &value)),
        }
    }

    fn list(&mut self) -> Result<Vec<Cow<'a, Value>>, Misfit> {
        let value = self.value();
        if value.is_array() {
            Ok(items(value).unwrap_or_default())
        } else {
            Err(self.wrong("a list", &value))
        }
    }

    fn members(&mut self) -> Result<Vec<Field<'a>>, Misfit> {
        let value = self.value();
        if value.is_object() {
            Ok(members(value).unwrap_or_default())
        } else {
            Err(self.wrong("an object", &value))
        }
    }

    fn numbers(&mut self) -> Result<Vec<Numeric>, Misfit> {
        let items = self.list()?.into_iter().map(|item| match &*item {
            Value::Number(number) => Ok(Numeric::of(number)),
            other => Err(self.wrong_item("numbers", other)),
        });
        items.collect()
    }

    /// The items with what they are ordered by: all numbers, or all texts.
    fn ranked(
        &self,
        items: Vec<Cow<'a, Value>>,
        by: &'a Node,
    ) -> Result<Vec<(Key<'a>, Cow<'a, Value>)>, Misfit> {
        let mut ranked: Vec<(Key<'a>, Cow<'a, Value>)> = Vec::with_capacity(items.len());
        for item in items {
            let found = look(by, &item)?;
            let alike = Key::of(found.clone())
                .filter(|key| ranked.first().is_none_or(|(first, _)| first.compare(key).is_some()));
            let Some(key) = alike else {
                let found = shown(&found);
                return Err(Misfit(format!(
                    "{}() orders numbers alone or texts alone, and one is {found}",
                    self.function
                )));
            };
            ranked.push((key, item));
        }
        Ok(ranked)
    }

    fn sorted(&self, items: Vec<Cow<'a, Value>>, by: &'a Node) -> Found<'a> {
        let mut ranked = self.ranked(items, by)?;
        ranked.sort_by(|(a, _), (b, _)| a.compare(b).unwrap_or(Ordering::Equal));
        Ok(list(ranked.into_iter().map(|(_, item)| item)))
    }

    /// The first of the items that no other goes before.
    fn extreme(&self, items: Vec<Cow<'a, Value>>, by: &'a Node, wanted: Ordering) -> Found<'a> {
        let ranked = self.ranked(items, by)?.into_iter();
        let best =
            ranked.reduce(|best, other| if other.0.compare(&best.0) == Some(wanted) { other } else { best });
        Ok(best.map_or(NOTHING, |(_, item)| item))
    }
}

fn list<'a>(items: impl Iterator<Item = Cow<'a, Value>>) -> Cow<'a, Value> {
    Cow::Owned(Value::Array(items.map(Cow::into_owned).collect()))
}

fn owned<'a>(value: impl Into<Value>) -> Found<'a> {
    Ok(Cow::Owned(value.into()))
}

fn abs<'a>(given: &mut Given<'a>) -> Found<'a> {
    owned(match given.number()? {
        Numeric::Whole(whole) => Numeric::Whole(whole.abs()),
        Numeric::Float(float) => Numeric::Float(float.abs()),
    })
}

fn ceil<'a>(given: &mut Given<'a>) -> Found<'a> {
    owned(match given.number()? {
        Numeric::Float(float) => Numeric::rounded(float.ceil()),
        whole @ Numeric::Whole(_) => whole,
    })
}

fn floor<'a>(given: &mut Given<'a>) -> Found<'a> {
    owned(match given.number()? {
        Numeric::Float(float) => Numeric::rounded(float.floor()),
        whole @ Numeric::Whole(_) => whole,
    })
}

fn sum<'a>(given: &mut Given<'a>) -> Found<'a> {
    owned(Numeric::sum(&given.numbers()?))
}

// A list that fits into memory has no more items than a float counts.
#[allow(clippy::cast_precision_loss)]
fn avg<'a>(given: &mut Given<'a>) -> Found<'a> {
    let numbers = given.numbers()?;
    if numbers.is_empty() {
        return Ok(NOTHING);
    }
    owned(Numeric::sum(&numbers).to_float() / numbers.len() as f64)
}

fn contains<'a>(given: &mut Given<'a>) -> Found<'a> {
    let subject = given.value();
    match &*subject {
        Value::String(text) => owned(text.contains(&*given.text()?)),
        Value::Array(items) => {
            let wanted = given.value();
            owned(items.iter().any(|item| is_same(item, &wanted)))
        }
        other => Err(given.wrong("a list or a text", other)),
    }
}

fn starts_with<'a>(given: &mut Given<'a>) -> Found<'a> {
    let text = given.text()?;
    owned(text.starts_with(&*given.text()?))
}

fn ends_with<'a>(given: &mut Given<'a>) -> Found<'a> {
    let text = given.text()?;
    owned(text.ends_with(&*given.text()?))
}

fn join<'a>(given: &mut Given<'a>) -> Found<'a> {
    let glue = given.text()?;
    let mut joined = String::new();
    for (at, item) in given.list()?.into_iter().enumerate() {
        let Value::String(text) = &*item else { return Err(given.wrong_item("texts", &item)) };
        if at > 0 {
            joined.push_str(&glue);
        }
        joined.push_str(text);
    }
    owned(joined)
}

fn length<'a>(given: &mut Given<'a>) -> Found<'a> {
    owned(match &*given.value() {
        Value::String(text) => text.chars().count(),
        Value::Array(items) => items.len(),
        Value::Object(members) => members.len(),
        other => return Err(given.wrong("a text, a list or an object", other)),
    })
}

fn reverse<'a>(given: &mut Given<'a>) -> Found<'a> {
    let value = given.value();
    match &*value {
        Value::String(text) => owned(text.chars().rev().collect::<String>()),
        Value::Array(_) => Ok(list(items(value).into_iter().flatten().rev())),
        other => Err(given.wrong("a list or a text", other)),
    }
}

fn keys<'a>(given: &mut Given<'a>) -> Found<'a> {
    owned(given.members()?.into_iter().map(|(name, _)| name.into_owned()).collect::<Vec<_>>())
}

fn values<'a>(given: &mut Given<'a>) -> Found<'a> {
    Ok(list(given.members()?.into_iter().map(|(_, value)| value)))
}

fn merge<'a>(given: &mut Given<'a>) -> Found<'a> {
    let mut merged = Map::new();
    while given.rest.len() > 0 {
        merged.extend(
            given.members()?.into_iter().map(|(name, value)| (name.into_owned(), value.into_owned())),
        );
    }
    owned(merged)
}

fn map<'a>(given: &mut Given<'a>) -> Found<'a> {
    let node = given.expression();
    let items = given.list()?;
    let mapped = items.into_iter().map(|item| look(node, &item)).collect::<Result<Vec<_>, _>>()?;
    Ok(list(mapped.into_iter()))
}

fn max<'a>(given: &mut Given<'a>) -> Found<'a> {
    let items = given.list()?;
    given.extreme(items, &Node::Current, Ordering::Greater)
}

fn min<'a>(given: &mut Given<'a>) -> Found<'a> {
    let items = given.list()?;
    given.extreme(items, &Node::Current, Ordering::Less)
}

fn sort<'a>(given: &mut Given<'a>) -> Found<'a> {
    let items = given.list()?;
    given.sorted(items, &Node::Current)
}

fn max_by<'a>(given: &mut Given<'a>) -> Found<'a> {
    let items = given.list()?;
    let by = given.expression();
    given.extreme(items, by, Ordering::Greater)
}

fn min_by<'a>(given: &mut Given<'a>) -> Found<'a> {
    let items = given.list()?;
    let by = given.expression();
    given.extreme(items, by, Ordering::Less)
}

fn sort_by<'a>(given: &mut Given<'a>) -> Found<'a> {
    let items = given.list()?;
    let by = given.expression();
    given.sorted(items, by)
}

fn not_null<'a>(given: &mut Given<'a>) -> Found<'a> {
    while given.rest.len() > 0 {
        let value = given.value();
        if !value.is_null() {
            return Ok(value);
        }
    }
    Ok(NOTHING)
}

fn to_array<'a>(given: &mut Given<'a>) -> Found<'a> {
    let value = given.value();
    if value.is_array() { Ok(value) } else { Ok(list(std::iter::once(value))) }
}

fn to_string<'a>(given: &mut Given<'a>) -> Found<'a> {
    let value = given.value();
    if value.is_string() { Ok(value) } else { owned(notation::write(&value)) }
}

fn to_number<'a>(given: &mut Given<'a>) -> Found<'a> {
    let value = given.value();
    match &*value {
        Value::Number(_) => Ok(value),
        Value::String(text) => {
            Ok(notation::read_number(text).map_or(NOTHING, |number| Cow::Owned(number.into())))
        }
        _ => Ok(NOTHING),
    }
}

fn kind<'a>(given: &mut Given<'a>) -> Found<'a> {
    owned(match &*given.value() {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    })
}
