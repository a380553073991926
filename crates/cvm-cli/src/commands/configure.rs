//! `cvm configure`: writes a profile.

use std::io::{self, IsTerminal};

use cvm_config::{Environment, Loader, NewProfile, Setting, SettingKind};
use cvm_proto::Credential;
use cvm_proto::credential::part;
use cvm_proto::input::trim;
use serde_json::json;

use crate::args::{ConfigureArgs, Global, Output};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::{connect, input, output};

/// The most that is read of a key and a token, in bytes.
const MAX_KEY_BYTES: u64 = 64 << 10;

/// Writes what the options say, or what the user answers.
pub(crate) fn run(global: &Global, args: ConfigureArgs) -> Result<Exit, Failure> {
    let settings: Vec<_> =
        connect::given(global)?.into_iter().filter(|(setting, _)| *setting != Setting::Profile).collect();
    let name = global.profile.clone().unwrap_or_else(|| Setting::Profile.default_text().into());
    let is_bare = args.secret_id.is_none() && settings.is_empty();
    let profile = if is_bare && io::stdin().is_terminal() {
        ask(&name)?
    } else if is_bare {
        return Err(Failure::usage(
            "nothing to write: give --secret-id with the key on stdin, or a setting such as --region",
        ));
    } else {
        let profile = NewProfile::new(&*name);
        match args.secret_id {
            Some(id) => profile.credential(credential(id, args.secret_key, args.token)?),
            None => profile,
        }
    };
    let settings = settings.into_iter().map(|(setting, value)| match std::path::absolute(&value) {
        // The profile is read from any folder.
        Ok(path) if setting.kind() == SettingKind::File => (setting, path.to_string_lossy().into_owned()),
        _ => (setting, value),
    });
    let profile = settings.fold(profile, |profile, (setting, value)| profile.set(setting, value));
    let written = profile.write(&Environment::process())?;
    for warning in &written.warnings {
        output::note(format_args!("cvm: {warning}"));
    }
    if connect::var("TENCENTCLOUD_SECRET_ID").is_some() && !global.quiet {
        output::note(
            "cvm: the credential in the environment takes precedence over the profile's, unless --profile is given",
        );
    }
    match global.format() {
        Output::Json => output::json(&json!({ "profile": name, "file": written.path }))?,
        Output::Table | Output::Text => {
            output::line(format_args!("profile `{name}` is in {}", written.path.display()))?;
        }
    }
    Ok(Exit::Done)
}

/// The key that goes with an id: from the options, or from stdin.
fn credential(id: String, key: Option<String>, token: Option<String>) -> Result<Credential, Failure> {
    let id = input::key_part("--secret-id", "secret_id", &id)?;
    if let Some(key) = key {
        let key = input::key_part("--secret-key", "secret_key", &key)?;
        let token = token.filter(|token| !token.is_empty());
        let token = token.map(|token| input::key_part("--token", "token", &token)).transpose()?;
        return Ok(Credential::new(id, key)?.with_token(token.unwrap_or_default())?);
    }
    if io::stdin().is_terminal() {
        return Ok(Credential::new(id, hidden("Secret key")?)?);
    }
    let lines = input::lines(io::stdin().lock(), MAX_KEY_BYTES)?;
    let mut lines = lines.iter().map(String::as_str);
    let key = lines.next().unwrap_or_default();
    if key.is_empty() {
        return Err(Failure::usage("no secret key: write it into the first line of stdin"));
    }
    let key = input::key_part("stdin:1", "secret_key", key)?;
    let token = lines.next().filter(|token| !token.is_empty());
    let token = token.map(|token| input::key_part("stdin:2", "token", token)).transpose()?;
    Ok(Credential::new(id, key)?.with_token(token.unwrap_or_default())?)
}

/// Asks at the terminal. Whoever answers nothing keeps what there is.
fn ask(name: &str) -> Result<NewProfile, Failure> {
    let known = Loader::new().profile(name).load().map(|loaded| loaded.settings).unwrap_or_default();
    let keep = known.credential.as_ref().map(|_| "keep the one there is");
    let mut profile = NewProfile::new(name);
    let id = visible("Secret id", keep)?;
    if !id.is_empty() {
        part("secret_id", &id)?;
        profile = profile.credential(Credential::new(id, hidden("Secret key")?)?);
    } else if keep.is_none() {
        return Err(Failure::usage(
            "no secret id: make a key in the console under Access Management, API Keys",
        ));
    }
    let region = visible("Region", known.region.as_deref())?;
    if !region.is_empty() {
        profile = profile.set(Setting::Region, region);
    }
    Ok(profile)
}

fn visible(what: &str, without: Option<&str>) -> Result<String, Failure> {
    let default = without.map(|text| format!(" [{text}]")).unwrap_or_default();
    output::ask(format_args!("{what}{default}: "));
    let mut line = String::new();
    io::stdin()
        .read_line(&mut line)
        .map_err(|error| Failure::usage(format!("cannot read the answer: {error}")))?;
    Ok(trim(&line).to_owned())
}

fn hidden(what: &str) -> Result<String, Failure> {
    let answer = rpassword::prompt_password(format!("{what} (is not shown): "));
    let answer = answer.map_err(|error| Failure::usage(format!("cannot read the answer: {error}")))?;
    Ok(trim(&answer).to_owned())
}
