//! `cvm call`: one action, also one that this build does not know.

mod wait;

use cvm_proto::{AnyCall, AnyList, Machine, Now, Request, Step};
use serde_json::{Value, json};

use self::wait::Waited;
use crate::args::{CallArgs, Global, Output};
use crate::catalogue::Catalogue;
use crate::catalogue::check::Mistake;
use crate::catalogue::example::Extent;
use crate::connect::{self, Connection};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::query::{Misfit, Query};
use crate::{fan_out, input, output, parameters, products, render};

/// Performs the action and prints what the service answered.
pub(crate) fn run(global: &Global, args: &CallArgs) -> Result<Exit, Failure> {
    if args.skeleton {
        let catalogue = Catalogue::load();
        let action = super::describe::find(catalogue, &args.action)?;
        output::json(&catalogue.example(&action.request, Extent::All))?;
        return Ok(Exit::Done);
    }
    let query = args.query.as_deref().map(|query| compile("--query", query)).transpose()?;
    let condition = args.wait.as_deref().map(|condition| compile("--wait", condition)).transpose()?;
    let mut connection = if args.dry_run { connect::open_to_show(global)? } else { connect::open(global)? };
    let product = products::chosen(args)?;
    if let Some((name, version)) = product {
        connection.client = connection.client.service(name, version)?;
    }
    let parameters = match product {
        Some(_) => given(args)?,
        None => parameters(args, connection.client.config().region())?,
    };
    if args.dry_run {
        // Of other products the names of members decide what is secret.
        let known = if product.is_some() { "" } else { &args.action };
        let parameters = Catalogue::load().masked(known, parameters);
        show(global, &first_request(&connection, &args.action, &parameters)?)?;
        return Ok(Exit::Done);
    }
    let format = global.output.unwrap_or(Output::Json);
    let waited = match &condition {
        Some(condition) => wait::until(&connection, args, condition, &parameters),
        None if args.all_pages => all_pages(&connection, &args.action, parameters).map(Waited::Met),
        None => connection.client.call(&args.action, parameters).map(Waited::Met).map_err(Failure::from),
    };
    let meant =
        |failure: Failure| failure.map_core(|error| fan_out::with_region_meant(&connection.client, error));
    let answer = match waited.map_err(meant)? {
        Waited::Met(answer) => answer,
        Waited::Misfit(answer, misfit) => return whole(answer, format, "--wait", &misfit),
    };
    let Some(query) = query else {
        print_answer(answer, format)?;
        return Ok(Exit::Done);
    };
    match query.search(&answer) {
        Ok(found) => render::value(&found, format)?,
        Err(misfit) => return whole(answer, format, "--query", &misfit),
    }
    Ok(Exit::Done)
}

/// The answer whole; its request id is no part of a text, as nothing else of the answer's envelope is.
fn print_answer(mut answer: Value, format: Output) -> Result<(), Failure> {
    if let Some(members) = answer.as_object_mut().filter(|_| format == Output::Text) {
        members.remove("RequestId");
    }
    render::value(&answer, format)
}

/// Prints an answer that an expression does not fit: the action is done, and what it answered may be had once only.
fn whole(answer: Value, format: Output, option: &str, misfit: &Misfit) -> Result<Exit, Failure> {
    print_answer(answer, format)?;
    Err(Failure::misfit(format!("{option} does not fit the answer, which is printed whole: {misfit}")))
}

/// The parameters as given.
fn given(args: &CallArgs) -> Result<Value, Failure> {
    match &args.json {
        None => parameters::parse(&args.parameters),
        Some(file) => input::json("--json", file),
    }
}

/// The parameters, checked as far as this build knows the action.
fn parameters(args: &CallArgs, region: Option<&str>) -> Result<Value, Failure> {
    let mut parameters = given(args)?;
    if args.unchecked {
        return Ok(parameters);
    }
    let catalogue = Catalogue::load();
    let Some(action) = catalogue.action(&args.action) else {
        return match catalogue.suggest(&args.action) {
            Some(meant) => Err(Failure::usage(format!(
                "this build does not know the action `{}`: did you mean {meant}? --unchecked sends it as it is",
                args.action
            ))),
            // An action that is newer than this build.
            None => Ok(parameters),
        };
    };
    if action.region && region.is_none() {
        return Err(Failure::usage(
            "no region: give --region, set the environment variable TENCENTCLOUD_REGION, or write one with cvm configure",
        ));
    }
    if args.json.is_none() {
        catalogue.fit(&action.request, &mut parameters);
    }
    let mistakes = catalogue.check(action, &parameters);
    if mistakes.is_empty() {
        return Ok(parameters);
    }
    Err(Failure::usage(Mistake::joined(mistakes.iter().map(Mistake::dotted))))
}

fn all_pages(connection: &Connection, action: &str, parameters: Value) -> Result<Value, Failure> {
    let list = AnyList::new(action, parameters)?;
    let member = list.items();
    let items = connection.client.items(list).collect::<Result<Vec<_>, _>>()?;
    Ok(json!({ "TotalCount": items.len(), member: items }))
}

/// What would go out now.
fn first_request(connection: &Connection, action: &str, parameters: &Value) -> Result<Request, Failure> {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let now = Now::new(since.as_secs(), std::time::Duration::ZERO);
    match AnyCall::new(connection.client.config(), action, parameters, since.as_secs()).poll(now) {
        Step::Send(request) => Ok(request),
        Step::Done(Err(error)) => Err(error.into()),
        _ => Err(Failure::other("the call does not begin with a request")),
    }
}

/// Shows a request without what is secret in it.
fn show(global: &Global, request: &Request) -> Result<(), Failure> {
    let headers = request
        .headers()
        .map(|(name, value)| (name, if Request::is_secret_header(name) { "***" } else { value }));
    let body = String::from_utf8_lossy(request.body());
    if global.format() == Output::Json {
        return output::json(&json!({
            "method": request.method().as_str(),
            "url": request.origin().url(),
            "headers": headers.map(|(name, value)| (name.to_string(), value.into())).collect::<serde_json::Map<_, _>>(),
            "body": body,
        }));
    }
    output::line(format_args!("{} {}", request.method().as_str(), request.origin().url()))?;
    for (name, value) in headers {
        output::line(format_args!("{name}: {value}"))?;
    }
    output::line("")?;
    output::line(body)
}

fn compile(option: &str, expression: &str) -> Result<Query, Failure> {
    Query::compile(expression).map_err(|mistake| {
        Failure::usage(format!("{option} `{expression}` is not a JMESPath expression: {mistake}"))
    })
}
