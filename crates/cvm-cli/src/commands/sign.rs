//! `cvm sign`: every stage of a signature, for one request or for many.

use std::cell::LazyCell;
use std::io::{self, BufRead, Read, Write};
use std::time::{SystemTime, UNIX_EPOCH};

use cvm_proto::input::{Unreadable, json, trim, unmarked};
use cvm_proto::sign::explain::{Input, SignatureStages, explain};
use cvm_proto::{Credential, SignMethod};
use serde_json::{Map, Value};

use crate::args::{Global, HttpMethod, Output, SignArgs};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::{connect, input, output, parameters};

/// Shows how the request is signed.
pub(crate) fn run(global: &Global, args: SignArgs) -> Result<Exit, Failure> {
    if args.batch {
        return batch(global, &mut io::stdin().lock(), &mut io::stdout().lock());
    }
    let explained = explain(&request(global, args)?)?;
    match global.format() {
        Output::Json => output::json(&explained)?,
        Output::Table | Output::Text => output::lines(stages(&explained))?,
    }
    Ok(Exit::Done)
}

/// The stages one under the other, each byte for byte.
fn stages(explained: &SignatureStages) -> String {
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
    let key = if given.iter().any(Option::is_some) {
        // One half goes with the other half in the environment.
        let half = |given: Option<String>, name: &str, option: &str, variable: &str| {
            let found =
                given.map(|value| (option, value)).or_else(|| Some((variable, connect::var(variable)?)));
            let (place, value) = found.ok_or_else(|| {
                Failure::usage(format!(
                    "no credential: give {option}, or set the environment variable {variable}"
                ))
            })?;
            input::key_part(place, name, &value)
        };
        let [id, key] = given;
        let id = half(id, "secret_id", "--secret-id", "TENCENTCLOUD_SECRET_ID")?;
        let key = half(key, "secret_key", "--secret-key", "TENCENTCLOUD_SECRET_KEY")?;
        Some(Credential::new(id, key)?)
    } else {
        None
    };
    let is_given = key.is_some();
    let loaded = connect::set_up_with(global, key)?.loaded;
    let Some(key) = &loaded.settings.credential else {
        return Err(Failure::usage(
            "no credential: give --secret-id and --secret-key, or set the environment variables \
             TENCENTCLOUD_SECRET_ID and TENCENTCLOUD_SECRET_KEY; one that has to be fetched is not used here",
        ));
    };
    let token = match (args.token.filter(|token| !token.is_empty()), key.token()) {
        (Some(token), _) => Some(input::key_part("--token", "token", &token)?),
        (None, None) if is_given => connect::var("TENCENTCLOUD_TOKEN")
            .map(|token| input::key_part("TENCENTCLOUD_TOKEN", "token", &token))
            .transpose()?,
        (None, token) => token.map(str::to_owned),
    };
    let region = loaded.settings.region.clone();
    let host = args.host.unwrap_or_else(|| {
        loaded.settings.endpoint.origin(region.as_deref().unwrap_or_default()).host().to_owned()
    });
    let mut fields = serde_json::json!({
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
        fields["headers"] = serde_json::json!({ "Content-Type": content_type });
    }
    if let Some(file) = &args.body {
        fields["body"] = input::exact_text("--body", file)?.into();
    }
    Ok(Input::read(fields)?)
}

fn this_moment() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// Any number from 1 to 4294967295.
fn any_nonce() -> u64 {
    cvm_config::seed() % u64::from(u32::MAX) + 1
}

/// Signs the requests that come in line by line. A line that cannot be read gives an error in its place.
fn batch(global: &Global, requests: &mut impl BufRead, answers: &mut impl Write) -> Result<Exit, Failure> {
    let mut answers = io::BufWriter::new(answers);
    // Looked up once, and only if a line has no key.
    let own = LazyCell::new(|| own_key(global));
    let mut line = Vec::new();
    let (mut number, mut count, mut unreadable) = (0_usize, 0_u64, 0_u64);
    loop {
        line.clear();
        let read = requests.by_ref().take(input::MAX_BYTES).read_until(b'\n', &mut line);
        let read = read.map_err(|error| Failure::other(format!("cannot read stdin: {error}")))?;
        number += 1;
        if read == 0 {
            break;
        }
        if read as u64 == input::MAX_BYTES && line.last() != Some(&b'\n') {
            return Err(Failure::usage(format!(
                "stdin:{number}: is longer than {} bytes, the most that a line may have",
                input::MAX_BYTES
            )));
        }
        if number == 1 {
            // Line ends cannot be found in it.
            unmarked(&line).map_err(|error| Failure::usage(error.at("stdin")))?;
        }
        if trim(&String::from_utf8_lossy(&line)).is_empty() {
            continue;
        }
        count += 1;
        let answer = answer(&line, number, &own);
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

/// The key of a line that has none: that of the environment or the profile, as for a single request.
fn own_key(global: &Global) -> Result<Credential, String> {
    let setup = connect::set_up(global).map_err(|failure| failure.to_string())?;
    setup.loaded.settings.credential.ok_or_else(|| {
        "no credential: write secret_id and secret_key into the line, or set the environment variables \
         TENCENTCLOUD_SECRET_ID and TENCENTCLOUD_SECRET_KEY; one that has to be fetched is not used here"
            .into()
    })
}

/// The answer to one line; its `id` is that of the request.
fn answer(
    line: &[u8],
    number: usize,
    own: &LazyCell<Result<Credential, String>, impl FnOnce() -> Result<Credential, String>>,
) -> Map<String, Value> {
    let mut request: Result<Value, String> = json(line).map_err(|error: Unreadable| error.to_string());
    let members = request.as_mut().ok().and_then(Value::as_object_mut);
    let id = members.and_then(|members| {
        // What somebody else made of it, in a file of examples.
        members.remove("expected");
        members.remove("id")
    });
    let explained = request
        .and_then(|request| with_key(request, own))
        .and_then(|request| Input::read(request).map_err(|error| error.to_string()))
        .and_then(|input| explain(&input).map_err(|error| error.to_string()))
        .and_then(|explained| serde_json::to_value(explained).map_err(|error| error.to_string()));
    let mut answer = match explained {
        Ok(Value::Object(stages)) => stages,
        Ok(other) => Map::from_iter([("error".into(), format!("not an object: {other}").into())]),
        Err(error) => Map::from_iter([("error".into(), format!("stdin:{number}: {error}").into())]),
    };
    if let Some(id) = id {
        answer.insert("id".into(), id);
    }
    answer
}

/// The request with a key; a part of one in it stands for itself.
fn with_key(
    mut request: Value,
    own: &LazyCell<Result<Credential, String>, impl FnOnce() -> Result<Credential, String>>,
) -> Result<Value, String> {
    if let Some(members) = request.as_object_mut()
        && !["secret_id", "secret_key", "token"].iter().any(|name| members.contains_key(*name))
    {
        let own = LazyCell::force(own).as_ref().map_err(String::clone)?;
        members.insert("secret_id".into(), own.secret_id().into());
        members.insert("secret_key".into(), own.secret_key().into());
        members.insert("token".into(), own.token().into());
    }
    Ok(request)
}
