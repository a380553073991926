//! `cvm sign`: every stage of a signature, for one request or for many.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::io::{self, BufRead, Write};
use std::time::{SystemTime, UNIX_EPOCH};

use cvm_proto::sign::explain::{Explained, Input, explain};
use cvm_proto::{Credential, SignMethod};
use serde_json::{Map, Value, json};

use crate::args::{Global, HttpMethod, Output, SignArgs};
use crate::failure::{Exit, Failure};
use crate::{connect, input, output, parameters};

/// Shows how the request is signed.
pub(crate) fn run(global: &Global, args: SignArgs) -> Result<Exit, Failure> {
    if args.batch {
        return batch(&mut io::stdin().lock(), &mut io::stdout().lock());
    }
    let explained = explain(&request(global, args)?)?;
    match global.output {
        Output::Json => output::json(&explained)?,
        Output::Table => output::line(stages(&explained))?,
    }
    Ok(Exit::Done)
}

/// The stages one under the other, each byte for byte.
fn stages(explained: &Explained) -> String {
    let signature = (explained.authorization.is_none()).then_some(&explained.signature);
    let stages = [
        ("Canonical request", explained.canonical_request.as_ref()),
        ("String to sign", Some(&explained.string_to_sign)),
        ("Signature", signature),
        ("Authorization", explained.authorization.as_ref()),
    ];
    let given = stages.into_iter().filter_map(|(title, text)| Some(format!("--- {title}\n{}", text?)));
    given.collect::<Vec<_>>().join("\n\n")
}

/// The request that the options describe.
fn request(global: &Global, args: SignArgs) -> Result<Input, Failure> {
    let tc3 = args.sign_method == SignMethod::Tc3HmacSha256;
    if !tc3 && args.body.is_some() {
        return Err(Failure::usage(format!(
            "--body goes with TC3-HMAC-SHA256 only: {} signs parameters, give them as KEY=VALUE",
            args.sign_method
        )));
    }
    let given = [args.secret_id, args.secret_key].map(|part| part.filter(|part| !part.is_empty()));
    let key = match given {
        [Some(id), Some(key)] => Some(Credential::new(id, key)?),
        // One half goes with the other half in the environment.
        [id, key] if id.is_some() || key.is_some() => {
            let half = |given: Option<String>, option: &str, name: &str| {
                given.or_else(|| connect::var(name)).ok_or_else(|| {
                    Failure::usage(format!(
                        "no credential: give {option}, or set the environment variable {name}"
                    ))
                })
            };
            let id = half(id, "--secret-id", "TENCENTCLOUD_SECRET_ID")?;
            Some(Credential::new(id, half(key, "--secret-key", "TENCENTCLOUD_SECRET_KEY")?)?)
        }
        _ => None,
    };
    let is_given = key.is_some();
    let loaded = connect::load_with(global, key)?;
    let Some(key) = &loaded.settings.credential else {
        return Err(Failure::usage(
            "no credential: give --secret-id and --secret-key, or set the environment variables \
             TENCENTCLOUD_SECRET_ID and TENCENTCLOUD_SECRET_KEY; one that has to be fetched is not used here",
        ));
    };
    let token = args.token.or_else(|| match key.token() {
        None if is_given => connect::var("TENCENTCLOUD_TOKEN"),
        token => token.map(str::to_owned),
    });
    let region = loaded.settings.region.clone();
    let host = args.host.unwrap_or_else(|| {
        loaded.settings.endpoint.origin(region.as_deref().unwrap_or_default()).host().to_owned()
    });
    let mut fields = json!({
        "sign_method": args.sign_method.as_str(),
        "http_method": match args.method { HttpMethod::Get => "GET", HttpMethod::Post => "POST" },
        "service": args.service,
        "version": args.api_version,
        "host": host,
        "action": args.action,
        "region": region,
        "language": global.language,
        "token": token,
        "secret_id": key.secret_id(),
        "secret_key": key.secret_key(),
        "timestamp": args.timestamp.unwrap_or_else(this_moment),
        "request_client": args.request_client,
        "params": parameters::parse(&args.parameters)?,
        "unsigned_payload": args.unsigned_payload,
        "signed_headers": args.signed_headers,
    });
    if !tc3 {
        fields["nonce"] = args.nonce.unwrap_or_else(any_nonce).into();
    }
    if let Some(content_type) = args.content_type {
        fields["headers"] = json!({ "Content-Type": content_type });
    }
    if let Some(file) = &args.body {
        let body = String::from_utf8(input::read(file)?);
        fields["body"] = body.map_err(|_| Failure::usage(format!("{} is not UTF-8", file.display())))?.into();
    }
    serde_json::from_value(fields).map_err(|error| Failure::usage(error.to_string()))
}

fn this_moment() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// Any number from 1 to 4294967295: the standard library keys its hash maps with the system's entropy.
fn any_nonce() -> u64 {
    RandomState::new().hash_one(0) % u64::from(u32::MAX) + 1
}

/// Signs the requests that come in line by line. A line that cannot be read gives an error in its place.
fn batch(requests: &mut impl BufRead, answers: &mut impl Write) -> Result<Exit, Failure> {
    let mut answers = io::BufWriter::new(answers);
    let mut line = Vec::new();
    let (mut count, mut unreadable) = (0_u64, 0_u64);
    loop {
        line.clear();
        let read = requests.read_until(b'\n', &mut line);
        if read.map_err(|error| Failure::other(format!("cannot read stdin: {error}")))? == 0 {
            break;
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        count += 1;
        let answer = answer(&line);
        unreadable += u64::from(answer.contains_key("error"));
        let text = Value::Object(answer).to_string();
        // Whoever asks line by line waits for the answer to the last line.
        if let Err(error) = writeln!(answers, "{text}").and_then(|()| answers.flush()) {
            output::written(Err(error))?;
            return Ok(Exit::Done);
        }
    }
    if unreadable > 0 {
        return Err(Failure::other(format!("{unreadable} of {count} requests could not be signed")));
    }
    Ok(Exit::Done)
}

/// The answer to one line; its `id` is that of the request.
fn answer(line: &[u8]) -> Map<String, Value> {
    let request: Result<Value, _> = serde_json::from_slice(line);
    let id = request.as_ref().ok().and_then(|request| request.get("id")).cloned();
    let explained = request
        .and_then(serde_json::from_value::<Input>)
        .map_err(|error| error.to_string())
        .and_then(|input| explain(&input).map_err(|error| error.to_string()))
        .and_then(|explained| serde_json::to_value(explained).map_err(|error| error.to_string()));
    let mut answer = match explained {
        Ok(Value::Object(stages)) => stages,
        Ok(other) => Map::from_iter([("error".into(), format!("not an object: {other}").into())]),
        Err(error) => Map::from_iter([("error".into(), error.into())]),
    };
    if let Some(id) = id {
        answer.insert("id".into(), id);
    }
    answer
}
