//! `cvm call`: one action, also one that this build does not know.

use serde_json::Value;

use crate::args::{CallArgs, Global};
use crate::failure::{Exit, Failure};
use crate::{connect, input, output, parameters};

/// Performs the action and prints what the service answered.
pub(crate) fn run(global: &Global, args: &CallArgs) -> Result<Exit, Failure> {
    let parameters = match &args.json {
        None => parameters::parse(&args.parameters)?,
        Some(file) => serde_json::from_slice::<Value>(&input::read(file)?)
            .map_err(|error| Failure::usage(format!("{} is not JSON: {error}", file.display())))?,
    };
    let link = connect::open(global)?;
    let answer = link.client.call(&args.action, parameters)?;
    output::json(&answer)?;
    Ok(Exit::Done)
}
