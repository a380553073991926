//! Keys in files that are written anew while a client runs.

use std::time::Duration;

use cvm_proto::api::DescribeImages;
use cvm_proto::{Call, Config, Error, ErrorCode, Machine, Now, Reply, Response, Step};

use crate::{Home, INI};

/// A service that knows one key: calls once, and gives the ids that signed, and what came of it.
fn call(config: &Config, known: &str, code: &str) -> (Vec<String>, Result<(), Error>) {
    let mut call = Call::new(config, DescribeImages::default(), 1);
    let mut now = Now::new(1_551_113_065, Duration::from_secs(1000));
    let mut signers = Vec::new();
    loop {
        match call.poll(now) {
            Step::Send(request) => {
                let header = request.headers().find(|(name, _)| *name == "authorization").unwrap().1;
                let id = header.split_once("Credential=").unwrap().1.split_once('/').unwrap().0.to_owned();
                let body = if id == known {
                    r#"{"Response":{"RequestId":"r-1"}}"#.to_owned()
                } else {
                    format!(
                        r#"{{"Response":{{"Error":{{"Code":"{code}","Message":"no"}},"RequestId":"r-2"}}}}"#
                    )
                };
                signers.push(id);
                call.reply(now, Reply::Response(Response::new(200, body.into_bytes())));
            }
            Step::WaitUntil(mono) => now.mono = mono,
            Step::Done(outcome) => return (signers, outcome.map(|_| ())),
            Step::Progress(never) => match never {},
        }
    }
}

fn client(home: &Home) -> Config {
    let mut settings = home.load(&[]).settings;
    settings.region = Some("ap-shanghai".into());
    Config::new(settings).unwrap()
}

fn ini(id: &str) -> String {
    format!("[default]\nsecret_id = {id}\nsecret_key = key\ntoken = token-of-{id}\n")
}

/// The text of a file that has a key of this id.
type Text = fn(&str) -> String;

#[test]
fn they_are_read_once_more_after_a_refusal() {
    let tccli = |id: &str| format!("{{ \"secretId\": \"{id}\", \"secretKey\": \"key\" }}");
    let by_source =
        |id: &str| format!("[default]\nsource_profile = base\n[base]\nsecret_id = {id}\nsecret_key = key\n");
    let by_default = |id: &str| format!("[DEFAULT]\nsecret_id = {id}\nsecret_key = key\n[default]\n");
    let files: [(&str, Text); 5] = [
        (INI, ini),
        (INI, by_source),
        (INI, by_default),
        ("etc/credentials", ini),
        (".tccli/default.credential", tccli),
    ];
    for (path, text) in files {
        for code in ["TokenFailure", "SecretIdNotFound", "InvalidSecretId", "SignatureFailure"] {
            let code = format!("AuthFailure.{code}");
            let home = Home::new().with(path, text("AKIDold"));
            let config = client(&home);
            assert_eq!(call(&config, "AKIDold", &code).0, ["AKIDold"]);
            home.write(path, text("AKIDnew"));
            let (signers, outcome) = call(&config, "AKIDnew", &code);
            assert_eq!(signers, ["AKIDold", "AKIDnew"], "{path} {code}");
            outcome.unwrap();
            assert_eq!(call(&config, "AKIDnew", &code).0, ["AKIDnew"], "it is kept");
            home.write(path, text("AKIDnext"));
            assert_eq!(call(&config, "AKIDnext", &code).0, ["AKIDnew", "AKIDnext"], "and read again");
        }
    }
}

#[test]
fn what_is_the_same_or_cannot_be_read_leaves_the_refusal() {
    let code = "AuthFailure.SecretIdNotFound";
    for (content, part) in [
        (Some(ini("AKIDold")), "AuthFailure.SecretIdNotFound: no (request id r-2)"),
        (None, "the key is not there any more"),
        (
            Some("[default]\nregion = x\n".into()),
            "~/.tencentcloud/credentials:2: the key is not there any more",
        ),
        (
            Some("[default]\nsecret_id = AKIDnew\n".into()),
            "~/.tencentcloud/credentials:2: secret_id is set, but secret_key is not",
        ),
        (Some("[default\n".into()), "~/.tencentcloud/credentials:1: a section's name ends with `]`"),
        (Some("[default]\ncredential_process = x\n".into()), "the key is not there any more"),
    ] {
        let home = Home::new().with(INI, ini("AKIDold"));
        let config = client(&home);
        match content {
            Some(content) => home.write(INI, content),
            None => std::fs::remove_file(home.path(INI)).unwrap(),
        }
        let (signers, outcome) = call(&config, "AKIDnew", code);
        let error = outcome.unwrap_err();
        assert_eq!((signers.len(), error.code().map(ErrorCode::as_str)), (1, Some(code)));
        assert!(error.to_string().contains(part), "{error}");
    }
}

#[test]
fn what_the_environment_or_the_program_gave_is_not_looked_for_in_files() {
    let home = Home::new().with(INI, ini("AKIDfile"));
    let environment = [("TENCENTCLOUD_SECRET_ID", "AKIDenv"), ("TENCENTCLOUD_SECRET_KEY", "k")];
    let given = cvm_proto::Credential::new("AKIDgiven", "k").unwrap();
    for loader in [home.loader(&environment), home.loader(&[]).credential(given)] {
        let config = Config::new(loader.region("ap-shanghai").load().unwrap().settings).unwrap();
        let (signers, outcome) = call(&config, "AKIDfile", "AuthFailure.SecretIdNotFound");
        assert_eq!(signers.len(), 1, "another account's key would be worse than none");
        outcome.unwrap_err();
    }
}
