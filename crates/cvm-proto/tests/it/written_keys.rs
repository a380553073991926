//! Keys that somebody wrote: what can be one, and what becomes of one that is written anew while a client runs.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use cvm_proto::api::DescribeImages;
use cvm_proto::credential::{
    AssumeRole, Fetch, FetchContext, Found, InstanceRole, Lease, Provider, Role, WebIdentity, ready,
};
use cvm_proto::{Call, Config, Credential, Error, ErrorCode, ErrorKind};

use crate::credentials::{config, signer, token};
use crate::driver::{answer, ok, refused, run, settings};

fn describe(config: &Config) -> Call<DescribeImages> {
    Call::new(config, DescribeImages::default(), 1)
}

#[test]
fn a_part_of_a_key_is_printable_ascii() {
    for (wrong, part) in [
        ("hid\u{200b}den", "U+200B, character 4"),
        ("\u{200b}hidden", "U+200B, character 1"),
        ("hidden密", "U+5BC6, character 7"),
        ("hid\u{feff}den", "U+FEFF"),
        ("hidd\u{e9}n", "U+00E9"),
        ("hid\u{ad}den", "U+00AD"),
        ("hidden\u{202e}", "U+202E"),
        ("hid\r\nden", "white space or a control character"),
        ("hid den", "white space"),
        ("hid\u{a0}den", "white space"),
        ("hid\u{3000}den", "white space"),
        ("hidden\0", "a control character"),
        ("hid\x1bden", "a control character"),
        ("hidden\x7f", "a control character"),
    ] {
        let good = Credential::new("AKID", "key").unwrap();
        for (name, made) in [
            ("secret_id", Credential::new(wrong, "key")),
            ("secret_key", Credential::new("AKID", wrong)),
            ("token", good.with_token(wrong)),
        ] {
            let error = made.unwrap_err();
            let text = error.to_string();
            assert_eq!(error.kind(), ErrorKind::Config);
            assert!(
                text.starts_with(&format!("{name} contains ")) && text.contains(part),
                "{wrong:?}: {text}"
            );
            assert!(!text.contains("hid"), "{text}");
        }
    }
    for empty in ["", " \r\n", "\u{feff}"] {
        assert!(Credential::new(empty, "key").unwrap_err().message().starts_with("secret_id is empty"));
        assert_eq!(Credential::new("AKID", "key").unwrap().with_token(empty).unwrap().token(), None);
    }
}

#[test]
fn what_surrounds_a_part_comes_off() {
    for around in ["value", " value ", "value\n", "value\r\n", "\u{feff}value", "\t\u{a0}value\u{3000}"] {
        let credential = Credential::new(around, around).unwrap().with_token(around).unwrap();
        assert_eq!(
            (credential.secret_id(), credential.secret_key(), credential.token()),
            ("value", "value", Some("value"))
        );
    }
}

#[test]
fn a_source_that_gives_no_credential_is_said_at_once() {
    let base = || Credential::new("AKIDexample", "not-a-real-key").unwrap();
    for (member, wrong) in [
        ("Token", "hid\\r\\nden"),
        ("Token", "hid\\u200bden"),
        ("TmpSecretId", "hid den"),
        ("TmpSecretId", "hid密den"),
        ("TmpSecretKey", "hid\\u0000den"),
        ("TmpSecretKey", "hid\\u202eden"),
    ] {
        let mut key = serde_json::json!({ "TmpSecretId": "ID", "TmpSecretKey": "key", "Token": "token" });
        key[member] = serde_json::from_str(&format!("\"{wrong}\"")).unwrap();
        let mut document = key.clone();
        document["ExpiredTime"] = 1_951_113_065_u32.into();
        let issued =
            format!(r#"{{"Response":{{"Credentials":{key},"ExpiredTime":1951113065,"RequestId":"r"}}}}"#);
        let role = AssumeRole::new(base(), Role::new("qcs::cam::uin/1:roleName/x", "nightly"));
        let pod = WebIdentity::new("qcs::x", "nightly", "p", || Ok("token".into()));
        let sources: [(Arc<dyn Provider>, String); 3] = [
            (Arc::new(InstanceRole::new().role("images")), document.to_string()),
            (Arc::new(role), issued.clone()),
            (Arc::new(pod), issued),
        ];
        for (source, body) in sources {
            let ran = run(describe(&config(cvm_proto::credential::Chain::new([source]))), |_, _| {
                answer(200, &body)
            });
            let error = ran.output.unwrap_err();
            assert_eq!((error.kind(), ran.seen.len()), (ErrorKind::Credential, 1), "{error:?}");
            assert!(!error.is_retryable() && !error.outcome_unknown());
            let text = error.to_string();
            assert!(
                text.contains("no credential") && text.contains(&format!("{member} contains ")),
                "{text}"
            );
            assert!(!text.contains("hid"), "{text}");
        }
    }
    for token in ["hid\r\nden", "hid\u{200b}den", "hid密den", "hid\0den", "hid den"] {
        let pod = WebIdentity::new("qcs::x", "nightly", "p", move || Ok(token.into()));
        let ran = run(describe(&config(pod)), |_, _| panic!("nothing is sent"));
        let error = ran.output.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Credential);
        assert!(
            error.to_string().contains("web identity contains") && !error.to_string().contains("hid"),
            "{error}"
        );
    }
}

/// A file that somebody writes anew; each reading is counted.
#[derive(Clone, Debug)]
struct File(Arc<Mutex<(Result<Credential, Error>, usize)>>);

impl File {
    fn new(id: &str) -> Self {
        Self(Arc::new(Mutex::new((Self::key(id), 0))))
    }

    fn key(id: &str) -> Result<Credential, Error> {
        Credential::new(id, "key")?.with_token("token")
    }

    fn write(&self, content: Result<Credential, Error>) {
        self.0.lock().unwrap().0 = content;
    }

    fn read(&self) -> usize {
        self.0.lock().unwrap().1
    }

    /// What it holds, as whoever has read it hands it on.
    fn credential(&self) -> Credential {
        self.0.lock().unwrap().0.clone().unwrap().with_source(Arc::new(self.clone()))
    }

    fn client(&self) -> Config {
        let mut settings = settings();
        settings.credential = Some(self.credential());
        settings.rate_limit = false;
        Config::new(settings).unwrap()
    }
}

impl Provider for File {
    fn fetch(&self, _: &FetchContext) -> Fetch {
        let mut file = self.0.lock().unwrap();
        file.1 += 1;
        let source: Arc<dyn Provider> = Arc::new(self.clone());
        ready(file.0.clone().map(|key| Found::Lease(Lease::permanent(key.with_source(source)))))
    }
}

const REFUSALS: [&str; 4] = [
    "AuthFailure.TokenFailure",
    "AuthFailure.SecretIdNotFound",
    "AuthFailure.InvalidSecretId",
    "AuthFailure.SignatureFailure",
];

#[test]
fn a_key_that_is_refused_is_read_once_more() {
    for code in REFUSALS {
        let file = File::new("OLD");
        let config = file.client();
        run(describe(&config), |_, _| ok("")).output.unwrap();
        assert_eq!(file.read(), 0, "a good one is not read again");
        file.write(File::key("NEW"));
        let serve = |known: &'static str| {
            move |request: &cvm_proto::Request, _: Duration| {
                assert_eq!(token(request), Some("token"));
                if signer(request) == known { ok("") } else { refused(code) }
            }
        };
        let ran = run(describe(&config), serve("NEW"));
        assert_eq!(ran.seen.iter().map(|seen| signer(&seen.request)).collect::<Vec<_>>(), ["OLD", "NEW"]);
        ran.output.unwrap();
        // From then on it is the one that is used, in every region.
        let next = run(describe(&config.with_region("ap-beijing").unwrap()), serve("NEW"));
        assert_eq!((next.seen.len(), file.read()), (1, 1), "{code}");
        // And so is the one after it, at once.
        file.write(File::key("NEXT"));
        let next = run(describe(&config), serve("NEXT"));
        assert_eq!((next.seen.len(), file.read()), (2, 2), "{code}");
        next.output.unwrap();
    }
}

#[test]
fn a_key_that_is_still_the_same_is_not_sent_again() {
    for code in REFUSALS {
        let file = File::new("OLD");
        let config = file.client();
        for count in 1..=3 {
            let ran = run(describe(&config), |_, _| refused(code));
            let error = ran.output.unwrap_err();
            assert_eq!(error.code().map(ErrorCode::as_str), Some(code));
            assert_eq!((ran.seen.len(), file.read(), error.attempts()), (1, count, 1), "{code}");
        }
        // The same key with another token is another credential.
        file.write(Credential::new("OLD", "key").and_then(|key| key.with_token("newer")));
        let ran =
            run(
                describe(&config),
                |request, _| {
                    if token(request) == Some("newer") { ok("") } else { refused(code) }
                },
            );
        assert_eq!(ran.seen.len(), 2);
        ran.output.unwrap();
    }
}

#[test]
fn a_file_that_cannot_be_read_any_more_leaves_the_refusal() {
    let file = File::new("OLD");
    let config = file.client();
    file.write(Err(Error::config("~/.tencentcloud/credentials:3: secret_key is empty")));
    let ran = run(describe(&config), |_, _| refused("AuthFailure.SecretIdNotFound"));
    let error = ran.output.unwrap_err();
    assert_eq!(error.code().map(ErrorCode::as_str), Some("AuthFailure.SecretIdNotFound"));
    assert_eq!((error.attempts(), ran.seen.len()), (1, 1));
    assert!(
        error.message().ends_with(
            "; reading it again found no credential: ~/.tencentcloud/credentials:3: secret_key is empty"
        ),
        "{error}"
    );
}

#[test]
fn what_is_no_matter_of_the_key_reads_nothing() {
    for code in ["AuthFailure.UnauthorizedOperation", "InvalidParameterValue", "AuthFailure.SignatureExpire"]
    {
        let file = File::new("OLD");
        run(describe(&file.client()), |_, _| refused(code)).output.unwrap_err();
        assert_eq!(file.read(), 0, "{code}");
    }
    let mut settings = settings();
    settings.credential = Some(Credential::new("OLD", "key").unwrap());
    let ran = run(describe(&Config::new(settings).unwrap()), |_, _| refused("AuthFailure.SecretIdNotFound"));
    assert_eq!(ran.seen.len(), 1, "what the program gave is nowhere to be read");
}

#[test]
fn a_role_is_assumed_with_the_key_that_is_written_now() {
    let file = File::new("OLD");
    let role = AssumeRole::new(file.credential(), Role::new("qcs::cam::uin/1:roleName/x", "nightly"));
    let config = config(role);
    file.write(File::key("NEW"));
    let ran = run(describe(&config), |request, _| match (request.action(), signer(request)) {
        ("AssumeRole", "NEW") => crate::credentials::providers::issued(1, 1_951_113_065),
        ("AssumeRole", _) => refused("AuthFailure.SecretIdNotFound"),
        _ => ok(""),
    });
    assert_eq!(ran.actions(), ["AssumeRole", "AssumeRole", "DescribeImages"]);
    ran.output.unwrap();
}
