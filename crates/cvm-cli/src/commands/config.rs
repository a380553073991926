//! `cvm config show`: each setting and where it comes from, and which credential is used.

use cvm_config::{Candidate, Finding, Loaded, Origin, Value};
use cvm_proto::api::{DescribeRegions, DescribeRegionsResponse};
use cvm_proto::{Error, closest_region};
use serde_json::json;

use crate::args::{Global, Output};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::{connect, output, render, table};

/// Shows them; with `check` a request says whether they work.
pub(crate) fn show(global: &Global, check: bool) -> Result<Exit, Failure> {
    let setup = connect::set_up(global)?;
    let loaded = setup.loaded.clone();
    let answer = if check {
        let connection = setup.connect()?;
        let answer = connection.client.send(DescribeRegions::default());
        Some(answer.and_then(|answer| {
            is_served(&answer, connection.client.config().region()).map(|()| answer.request_id)
        }))
    } else {
        None
    };
    match global.format() {
        Output::Json => output::json(&as_json(global, &loaded, answer.as_ref()))?,
        Output::Text => {
            render::rows_as_text(&[settings(global, &loaded), sources(global, &loaded)].concat())?;
        }
        Output::Table => output::lines(as_tables(global, &loaded, answer.as_ref()))?,
    }
    Ok(answer.and_then(Result::err).map_or(Exit::Done, |error| Exit::of(&error)))
}

/// Whether the service has the region that is set.
fn is_served(answer: &DescribeRegionsResponse, region: Option<&str>) -> Result<(), Error> {
    let known = answer.region_set.iter().map(|known| known.region.as_str());
    let Some(region) = region.filter(|region| !known.clone().any(|known| known == *region)) else {
        return Ok(());
    };
    let meant = match closest_region(region, known) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => "cvm regions lists those that there are".into(),
    };
    Err(Error::config(format!("the service answers, and knows no region `{region}`: {meant}")))
}

fn as_json(global: &Global, loaded: &Loaded, answer: Option<&Result<String, Error>>) -> serde_json::Value {
    let settings = loaded.values.iter().map(|value| {
        let is_set = !(value.origin == Origin::Default && value.shown == "-");
        json!({
            "setting": value.setting.name(),
            "value": is_set.then_some(&value.shown),
            "from": connect::from(global, value),
        })
    });
    let sources = loaded.candidates.iter().map(|candidate| {
        let (state, text) = match &candidate.finding {
            Finding::Used(how) => ("used", Some(how)),
            Finding::Lacks(what) => ("lacking", Some(what)),
            _ => ("not_asked", None),
        };
        json!({ "source": connect::source(global, candidate), "state": state, "text": text })
    });
    let mut shown = json!({
        "settings": settings.collect::<Vec<_>>(),
        "credential": sources.collect::<Vec<_>>(),
        "warnings": loaded.warnings,
    });
    match answer {
        Some(Ok(request_id)) => shown["check"] = json!({ "ok": true, "request_id": request_id }),
        Some(Err(error)) => shown["check"] = json!({ "ok": false, "error": error }),
        None => {}
    }
    shown
}

fn as_tables(global: &Global, loaded: &Loaded, answer: Option<&Result<String, Error>>) -> String {
    let mut text = table::lay_out(&["SETTING", "VALUE", "FROM"], &settings(global, loaded));
    text.push_str("\n\n");
    text.push_str(&table::lay_out(&["CREDENTIAL", ""], &sources(global, loaded)));
    for warning in &loaded.warnings {
        text.push_str("\n\nWarning: ");
        text.push_str(&output::escaped(warning));
    }
    match answer {
        Some(Ok(request_id)) => {
            text.push_str(&format!(
                "\n\nChecked: the service answers (request id {})",
                output::escaped(request_id)
            ));
        }
        Some(Err(error)) => text.push_str(&format!("\n\nChecked: {error}")),
        None => {}
    }
    text
}

fn settings(global: &Global, loaded: &Loaded) -> Vec<Vec<String>> {
    let row = |value: &Value| {
        vec![value.setting.name().to_owned(), value.shown.clone(), connect::from(global, value)]
    };
    loaded.values.iter().map(row).collect()
}

fn sources(global: &Global, loaded: &Loaded) -> Vec<Vec<String>> {
    let row = |of: &Candidate| vec![connect::source(global, of).to_owned(), of.finding.to_string()];
    loaded.candidates.iter().map(row).collect()
}
