//! What expressions find, compared with what jmespath.py finds; and what only this module promises.

use serde::Deserialize;
use serde_json::{Value, json};

use super::parser::MAX_DEPTH;
use super::{Misfit, Query};

/// `tests/clients/python/queries.py` makes it, and compares it with the package.
const CASES: &str = include_str!("../../tests/queries.json");

#[derive(Deserialize)]
struct Cases {
    groups: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    given: Value,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    expression: String,
    /// Not the same as a result that is `null`.
    #[serde(default, deserialize_with = "present")]
    result: Option<Value>,
    error: Option<String>,
}

fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

fn search(expression: &str, given: &Value) -> Result<Value, Misfit> {
    Query::compile(expression).unwrap_or_else(|mistake| panic!("{expression}: {mistake}")).search(given)
}

fn found(expression: &str, given: &Value) -> Value {
    search(expression, given).unwrap_or_else(|misfit| panic!("{expression}: {misfit}"))
}

/// A text for comparing: it has the order of members, and keeps 1 apart from 1.0.
fn written(value: &Value) -> String {
    value.to_string()
}

fn mistake(expression: &str) -> String {
    Query::compile(expression).expect_err(expression).to_string()
}

#[test]
fn finds_what_jmespath_py_finds() {
    let cases: Cases = serde_json::from_str(CASES).unwrap();
    let mut count = 0;
    for Group { given, cases } in cases.groups {
        for Case { expression, result, error } in cases {
            count += 1;
            let got = Query::compile(&expression).map(|query| query.search(&given));
            let as_due = match (&got, &result, error.as_deref()) {
                (Ok(Ok(got)), Some(due), None) => written(got) == written(due),
                (Ok(Err(_)), None, Some("type")) => true,
                (Err(_), None, Some("syntax" | "function" | "arity" | "step")) => true,
                _ => false,
            };
            assert!(as_due, "{expression}: got {got:?}, where {result:?} {error:?} was due");
        }
    }
    assert!(count > 600, "{count} cases");
}

#[test]
fn mistakes_that_an_expression_shows_are_found_in_it() {
    for (expression, sentence) in [
        ("", "it is empty"),
        (" \n", "it is empty"),
        ("ImageSet[", "it ends too early"),
        ("ImageSet[?ImageState=='NORMAL'", "it ends too early"),
        ("ImageSet[?ImageState='NORMAL']", "`=` at character 21 has to be `==`"),
        ("ImageSet[?ImageState=='NORMAL]", "the ' at character 23 is never closed"),
        ("镜像", "`镜` does not belong at character 1"),
        ("a\u{1b}[31m", "`\u{1b}` does not belong at character 2"),
        ("'镜像' )", "`)` does not belong at character 6"),
        ("a[::0]", "the step of a slice cannot be 0"),
        ("`NaN`", "the literal at character 1 is a number that JSON cannot hold"),
        ("a == `-1e999`", "the literal at character 6 is a number that JSON cannot hold"),
        ("`\"\\ud800\"`", "the literal at character 1 is neither JSON nor a plain text"),
        ("lenght(a)", "there is no function `lenght`: did you mean length()?"),
        ("a || length(a, b)", "length() takes 1 argument, not 2"),
        ("a[].sort_by(@)", "sort_by() takes 2 arguments, not 1"),
        ("[merge()]", "merge() takes at least 1 argument, not 0"),
        ("sort_by(ImageSet, CreatedTime)", "argument 2 of sort_by() has to begin with `&`, as in `&ImageId`"),
        ("map(ImageSet, &ImageId)", "argument 1 of map() has to begin with `&`, as in `&ImageId`"),
        ("length(&ImageSet)", "argument 1 of length() cannot begin with `&`"),
        ("not_null(a, &b)", "argument 2 of not_null() cannot begin with `&`"),
        ("&a", "`&` at character 1 does not begin an argument of sort_by, min_by, max_by or map"),
    ] {
        assert_eq!(mistake(expression), sentence, "{expression:?}");
    }
    assert!(mistake("nofunc(x)").starts_with("there is no function `nofunc`: there are abs, avg, "));
}

#[test]
fn a_misfit_names_what_was_found() {
    let given = json!({ "size": 50, "name": "base", "list": [1, null], "none": null });
    for (expression, sentence) in [
        (
            "size > '20'",
            "50 > the text \"20\" compares a number with a text: to_number() makes a number of a text",
        ),
        ("length(none)", "length() takes a text, a list or an object as argument 1, not null"),
        ("sum(list)", "sum() takes a list of numbers as argument 1, and the list holds null"),
        ("sort(list)", "sort() orders numbers alone or texts alone, and one is null"),
        ("join(name, list)", "join() takes a list of texts as argument 2, and the list holds 1"),
        ("merge(@, list)", "merge() takes an object as argument 2, not a list"),
    ] {
        assert_eq!(search(expression, &given).expect_err(expression).to_string(), sentence, "{expression}");
    }
}

#[test]
fn what_no_branch_leads_to_is_not_looked_at() {
    let given = json!({ "a": [], "b": null });
    assert_eq!(found("a || 'none'", &given), json!("none"));
    assert_eq!(found("b && length(b)", &given), json!(null));
    assert_eq!(found("a[?length(@) > 'x']", &given), json!([]));
}

#[test]
fn numbers_are_as_exact_as_they_can_be() {
    let given =
        json!({ "a": u64::MAX, "b": i64::MIN, "c": [u64::MAX, u64::MAX], "d": vec![0.1; 10], "e": 1e300 });
    assert_eq!(found("a > `18446744073709551614`", &given), json!(true));
    assert_eq!(found("a < `18446744073709551616.5`", &given), json!(true));
    assert_eq!(found("`9007199254740993` > `9007199254740992.0`", &given), json!(true));
    assert_eq!(found("a < e && `-1e300` < b", &given), json!(true));
    assert_eq!(found("abs(b)", &given), json!(9_223_372_036_854_775_808_u64));
    assert_eq!(found("sum(c)", &given), json!(36_893_488_147_419_103_230.0));
    assert_eq!(found("sum(d)", &given), json!(1.0));
    assert_eq!(found("floor(e)", &given), json!(1e300));
    assert_eq!(found("sum([e, e])", &json!({ "e": f64::MAX })), json!(null));
    assert_eq!(
        found("[to_number('nan'), to_number('inf'), to_number('1e999')]", &given),
        json!([null, null, null])
    );
}

/// So long that whoever recurses without a bound has no stack left.
const LONG: usize = 20_000;

#[test]
fn depth_is_bounded() {
    let around = |open: &str, close: &str, times| open.repeat(times) + "a" + &close.repeat(times);
    for (open, close) in [
        ("(", ")"),
        ("[", "]"),
        ("{a: ", "}"),
        ("!", ""),
        ("length(", ")"),
        ("map(&", ",a)"),
        ("a[?", "]"),
        ("a.[", "]"),
        ("a[*].[", "]"),
        ("a || ", ""),
        ("a && (b || ", ")"),
        ("", "[*].a"),
        ("", "[?a]"),
        ("", "[:1]"),
        ("", ".*"),
        ("", "[]"),
        ("", " == a"),
        ("", " | [@]"),
        ("", ".[@]"),
        ("", "[][0]"),
        ("", ".to_array([@])"),
    ] {
        let given = json!({ "a": { "a": [[1]] } });
        // As deep as may be: it is applied, shown and dropped; or refused, for some of these count twice.
        for times in [MAX_DEPTH / 5, MAX_DEPTH / 2 - 1, MAX_DEPTH - 1] {
            if let Ok(query) = Query::compile(&around(open, close, times)) {
                let _ = query.search(&given).map(|found| found.to_string());
            }
        }
        assert!(Query::compile(&around(open, close, MAX_DEPTH / 5)).is_ok(), "{open} {close}");
        let refused = Query::compile(&around(open, close, LONG));
        match (open, close) {
            // It is no deeper than one of its kind.
            ("a || ", "") => {}
            _ => assert_eq!(refused.map(|_| ()), Err(super::parser::too_deep()), "{open} {close}"),
        }
    }
}

#[test]
fn what_is_long_and_not_deep_is_taken() {
    let given = json!({ "a": null, "z": 1 });
    assert_eq!(found(&("a || ".repeat(LONG) + "z"), &given), json!(1));
    assert_eq!(found(&("z && ".repeat(LONG) + "z"), &given), json!(1));
    assert_eq!(found(&("@ | ".repeat(LONG) + "z"), &given), json!(1));
    assert_eq!(found(&("a".to_owned() + &".b".repeat(LONG)), &given), json!(null));
    assert_eq!(found(&("a".to_owned() + &"[0]".repeat(LONG)), &given), json!(null));
    assert_eq!(found(&format!("length([{}z])", "z,".repeat(LONG)), &given), json!(LONG + 1));
}
