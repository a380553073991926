//! An expression applied to a value.

use std::borrow::Cow;
use std::cmp::Ordering;

use serde_json::Value;

use super::Misfit;
use super::ast::{Argument, Comparison, Node};
use super::functions::GivenArgument;
use super::values::{self, Key, equals, is_false};
use crate::catalogue::check::shown;

/// What was found: a part of the value, or something made of it.
pub(super) type Found<'a> = Result<Cow<'a, Value>, Misfit>;

/// The name and the value of a member.
pub(super) type Field<'a> = (Cow<'a, str>, Cow<'a, Value>);

pub(super) const NOTHING: Cow<'static, Value> = Cow::Owned(Value::Null);

/// Applies an expression. The recursion is as deep as the expression, which the parser bounds.
pub(super) fn evaluate<'a>(node: &'a Node, value: Cow<'a, Value>) -> Found<'a> {
    Ok(match node {
        Node::Current => value,
        Node::Literal(literal) => Cow::Borrowed(literal),
        Node::Field(name) => member(value, name),
        Node::Index(place) => item(value, *place),
        Node::Slice { start, end, step } => {
            let Some(items) = items(value) else { return Ok(NOTHING) };
            let places = values::slice(items.len(), *start, *end, *step);
            list(places.into_iter().filter_map(|place| items.get(place)).map(|item| (**item).clone()))
        }
        Node::Chain(nodes) | Node::Indexed(nodes) => {
            return nodes.iter().try_fold(value, |value, node| evaluate(node, value));
        }
        Node::Items(base, then) => {
            let Some(items) = items(evaluate(base, value)?) else { return Ok(NOTHING) };
            project(items, then)?
        }
        Node::Members(base, then) => {
            let Some(members) = members(evaluate(base, value)?) else { return Ok(NOTHING) };
            project(members.into_iter().map(|(_, value)| value), then)?
        }
        Node::Filter { list, condition, then } => {
            let Some(mut items) = items(evaluate(list, value)?) else { return Ok(NOTHING) };
            let mut wrong = Ok(());
            items.retain(|item| match evaluate(condition, Cow::Borrowed(&**item)) {
                Ok(holds) => !is_false(&holds),
                Err(misfit) => {
                    wrong = Err(misfit);
                    false
                }
            });
            wrong?;
            project(items, then)?
        }
        Node::Flatten(base) => {
            let Some(items) = items(evaluate(base, value)?) else { return Ok(NOTHING) };
            let mut flat = Vec::new();
            for item in items {
                match item.into_owned() {
                    Value::Array(inner) => flat.extend(inner),
                    other => flat.push(other),
                }
            }
            list(flat)
        }
        Node::Compare(how, left, right) => {
            let (left, right) = (look(left, &value)?, look(right, &value)?);
            Cow::Owned(compare(*how, &left, &right)?)
        }
        Node::Or(nodes) => return first(nodes, &value, |found| !is_false(found)),
        Node::And(nodes) => return first(nodes, &value, is_false),
        Node::Not(node) => Cow::Owned(is_false(&*evaluate(node, value)?).into()),
        // Members of nothing are nothing, not a list of nothings.
        Node::List(_) | Node::Object(_) if value.is_null() => NOTHING,
        Node::List(nodes) => {
            let items = nodes.iter().map(|node| look(node, &value).map(Cow::into_owned));
            list(items.collect::<Result<Vec<_>, _>>()?)
        }
        Node::Object(nodes) => {
            let members =
                nodes.iter().map(|(name, node)| Ok((name.clone(), look(node, &value)?.into_owned())));
            Cow::Owned(Value::Object(members.collect::<Result<_, Misfit>>()?))
        }
        Node::Call(function, arguments) => {
            let given = arguments.iter().map(|argument| match argument {
                Argument::Value(node) => look(node, &value).map(GivenArgument::Value),
                Argument::Expression(node) => Ok(GivenArgument::Expression(node)),
            });
            let given = given.collect::<Result<Vec<_>, _>>()?;
            return function.call(given);
        }
    })
}

/// The same for a value that is needed again.
pub(super) fn look<'a>(node: &'a Node, value: &Cow<'a, Value>) -> Found<'a> {
    match value {
        Cow::Borrowed(value) => evaluate(node, Cow::Borrowed(value)),
        Cow::Owned(value) => evaluate(node, Cow::Borrowed(value)).map(|found| Cow::Owned(found.into_owned())),
    }
}

/// What the first expression finds that finds what is wanted; or else the last.
fn first<'a>(nodes: &'a [Node], value: &Cow<'a, Value>, wanted: impl Fn(&Value) -> bool) -> Found<'a> {
    let mut found = NOTHING;
    for node in nodes {
        found = look(node, value)?;
        if wanted(&found) {
            break;
        }
    }
    Ok(found)
}

/// What an expression finds in each; nothing is left out.
fn project<'a>(
    values: impl IntoIterator<Item = Cow<'a, Value>>,
    then: &'a Node,
) -> Result<Cow<'a, Value>, Misfit> {
    let mut found = Vec::new();
    for value in values {
        let value = evaluate(then, value)?;
        if !value.is_null() {
            found.push(value.into_owned());
        }
    }
    Ok(list(found))
}

fn list<'a>(items: impl IntoIterator<Item = Value>) -> Cow<'a, Value> {
    Cow::Owned(Value::Array(items.into_iter().collect()))
}

fn member<'a>(value: Cow<'a, Value>, name: &str) -> Cow<'a, Value> {
    match value {
        Cow::Borrowed(value) => value.get(name).map_or(NOTHING, Cow::Borrowed),
        Cow::Owned(Value::Object(mut members)) => members.remove(name).map_or(NOTHING, Cow::Owned),
        Cow::Owned(_) => NOTHING,
    }
}

/// The item at a place, which counts from the end if it is negative.
fn item(value: Cow<'_, Value>, place: i64) -> Cow<'_, Value> {
    let Value::Array(items) = &*value else { return NOTHING };
    let place = match usize::try_from(place) {
        Ok(place) => Some(place),
        Err(_) => usize::try_from(place.unsigned_abs()).ok().and_then(|back| items.len().checked_sub(back)),
    };
    match (value, place) {
        (Cow::Borrowed(Value::Array(items)), Some(place)) => items.get(place).map_or(NOTHING, Cow::Borrowed),
        (Cow::Owned(Value::Array(mut items)), Some(place)) if place < items.len() => {
            Cow::Owned(items.swap_remove(place))
        }
        _ => NOTHING,
    }
}

/// The items of a list.
pub(super) fn items(value: Cow<'_, Value>) -> Option<Vec<Cow<'_, Value>>> {
    match value {
        Cow::Borrowed(Value::Array(items)) => Some(items.iter().map(Cow::Borrowed).collect()),
        Cow::Owned(Value::Array(items)) => Some(items.into_iter().map(Cow::Owned).collect()),
        _ => None,
    }
}

/// The members of an object, in their order.
pub(super) fn members(value: Cow<'_, Value>) -> Option<Vec<Field<'_>>> {
    match value {
        Cow::Borrowed(Value::Object(members)) => {
            Some(members.iter().map(|(name, value)| (Cow::Borrowed(&**name), Cow::Borrowed(value))).collect())
        }
        Cow::Owned(Value::Object(members)) => {
            Some(members.into_iter().map(|(name, value)| (Cow::Owned(name), Cow::Owned(value))).collect())
        }
        _ => None,
    }
}

/// Numbers and texts have an order; beside anything else there is no answer, which is `null`.
fn compare(how: Comparison, left: &Value, right: &Value) -> Result<Value, Misfit> {
    let key = |value| Key::of(Cow::Borrowed(value));
    match how {
        Comparison::Equal => return Ok(equals(left, right).into()),
        Comparison::NotEqual => return Ok((!equals(left, right)).into()),
        _ => {}
    }
    let (Some(a), Some(b)) = (key(left), key(right)) else { return Ok(Value::Null) };
    let Some(order) = a.compare(&b) else {
        return Err(Misfit(format!(
            "{} {} {} compares a number with a text: to_number() makes a number of a text",
            shown(left),
            how.symbol(),
            shown(right)
        )));
    };
    Ok(match how {
        Comparison::Less => order == Ordering::Less,
        Comparison::AtMost => order != Ordering::Greater,
        Comparison::Greater => order == Ordering::Greater,
        _ => order != Ordering::Less,
    }
    .into())
}
