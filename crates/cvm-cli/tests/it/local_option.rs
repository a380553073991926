//! `--local`: the embedded endpoint and its key, whatever else is set.

use std::fs;
use std::process::Command;

use cvm_local::CvmLocal;
use tempfile::TempDir;

use crate::command::{Ran, at, cvm, feed, run};

/// The user's own: a home folder with a profile, and an endpoint that must not hear of anything.
struct User {
    home: TempDir,
    real: CvmLocal,
    gone: String,
}

const INI: &str = ".tencentcloud/credentials";

impl User {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let real = CvmLocal::start().unwrap();
        fs::create_dir_all(home.path().join(".tencentcloud")).unwrap();
        let profile =
            format!("[prod]\nsecret_id = AKIDprod\nsecret_key = k\nendpoint = {}\n", real.endpoint());
        fs::write(home.path().join(INI), profile).unwrap();
        // A port that was free a moment ago and that nobody listens on.
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        Self { home, real, gone: format!("http://127.0.0.1:{port}") }
    }

    /// The command where everything that can be set leads elsewhere.
    fn command(&self, args: &[&str]) -> Command {
        let mut command = at(&self.real, args);
        command.env("HOME", self.home.path()).env("USERPROFILE", self.home.path());
        for name in
            ["TENCENTCLOUD_PROXY", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "TENCENTCLOUD_METADATA_ENDPOINT"]
        {
            command.env(name, &self.gone);
        }
        for name in ["TENCENTCLOUD_BACKUP_ENDPOINT", "TENCENTCLOUD_STS_ENDPOINT"] {
            command.env(name, self.real.endpoint());
        }
        command.env("TENCENTCLOUD_CA_FILE", "/no/such/file").env("TENCENTCLOUD_INTERNAL", "true");
        command.env("TENCENTCLOUD_SCHEME", "https").env("TENCENTCLOUD_ROOT_DOMAIN", "example.com");
        command
    }

    fn run(&self, args: &[&str]) -> Ran {
        self.command(args).output().unwrap().into()
    }
}

#[test]
fn every_command_that_asks_an_endpoint_asks_the_embedded_one_with_its_key() {
    let user = User::new();
    for args in [
        &["call", "DescribeRegions", "--local"][..],
        &["call", "DescribeRegions", "--local", "--dry-run"],
        &["images", "--local"],
        &["images", "--local", "--all-regions"],
        &["quota", "--local"],
        &["regions", "--local"],
        &["sync", "img-o3ycss2p", "--from", "ap-shanghai", "--to", "ap-beijing", "--local", "--dry-run"],
        &["sync", "img-o3ycss2p", "--from", "ap-shanghai", "--to", "ap-beijing", "--local", "--no-wait"],
        &["config", "show", "--local", "--check"],
        &["sign", "--action", "DescribeRegions", "--local"],
    ] {
        for more in [&[][..], &["--profile", "prod", "--region", "ap-shanghai"]] {
            let ran = user.run(&[args, more].concat()).ended_with(0);
            assert!(!ran.out.contains(user.real.endpoint()) && !ran.out.contains("AKIDprod"), "{ran:?}");
        }
    }
    assert_eq!(user.real.requests().len(), 0, "the user's own endpoint hears of nothing");
    // Nor is anything needed.
    run(&["call", "DescribeRegions", "--local"]).ended_with(0);
}

#[test]
fn what_is_shown_is_what_is_checked() {
    let user = User::new();
    let shown = user.run(&["config", "show", "--local", "--check", "--output", "json"]).ended_with(0).json();
    let setting = |name: &str| {
        let settings = shown["settings"].as_array().unwrap();
        settings.iter().find(|setting| setting["setting"] == name).unwrap().clone()
    };
    for name in ["endpoint", "proxy", "ca_file", "backup_endpoint", "sts_endpoint", "root_domain", "scheme"] {
        assert_eq!(setting(name)["from"], "--local", "{name}");
    }
    assert!(setting("endpoint")["value"].as_str().unwrap().starts_with("http://127.0.0.1:"));
    assert_eq!(setting("region")["from"], "TENCENTCLOUD_REGION");
    let embedded = CvmLocal::start().unwrap();
    let credential = &shown["credential"];
    assert_eq!(credential.as_array().unwrap().len(), 1, "{shown}");
    assert_eq!(credential[0]["source"], "--local");
    let end = &embedded.secret_id()[embedded.secret_id().len() - 4..];
    assert!(credential[0]["text"].as_str().unwrap().contains(end), "{shown}");
    assert_eq!(shown["check"]["ok"], true);

    // Without the option, the real one is shown, and it is the one that is asked.
    let mut checked = at(&user.real, &["config", "show", "--check", "--output", "json"]);
    let checked = Ran::from(checked.output().unwrap()).ended_with(0).json();
    assert_eq!(checked["settings"][2]["value"], user.real.endpoint());
    assert_eq!(user.real.requests().len(), 1);
    assert_eq!(checked["check"]["request_id"], user.real.requests()[0].request_id.as_str());
}

#[test]
fn a_signature_is_made_with_the_embedded_key_for_the_embedded_host() {
    let user = User::new();
    let embedded = CvmLocal::start().unwrap();
    let id = format!("Credential={}/", embedded.secret_id());
    let signed = user.run(&["sign", "--action", "DescribeRegions", "--local"]).ended_with(0).out;
    assert!(signed.contains(&id) && signed.contains("host:127.0.0.1:"), "{signed}");
    let line = r#"{"action": "DescribeRegions", "timestamp": 1551113065}"#;
    let batch = feed(&mut user.command(&["sign", "--batch", "--local"]), line).ended_with(0);
    assert!(batch.out.contains(&id), "{batch:?}");
    let own = ["--secret-id", "AKIDown", "--secret-key", "k"];
    let own =
        user.run(&[&["sign", "--action", "DescribeRegions", "--local"][..], &own].concat()).ended_with(0);
    assert!(own.out.contains("Credential=AKIDown/"), "{own:?}");
}

#[test]
fn a_command_that_asks_no_endpoint_refuses_it() {
    let user = User::new();
    let before = fs::read_to_string(user.home.path().join(INI)).unwrap();
    for args in [
        &["configure", "--secret-id", "AKIDx", "--secret-key", "k", "--region", "ap-beijing"][..],
        &["configure", "--profile", "prod", "--region", "ap-beijing"],
        &["jobs"],
        &["jobs", "forget", "1f09ab"],
        &["actions"],
        &["describe", "SyncImages"],
        &["local"],
        &["completions", "bash"],
        &["man"],
    ] {
        let ran = user.run(&[args, &["--local"]].concat()).ended_with(2);
        let sentence = format!(
            "cvm: --local has no meaning for cvm {}, which asks no endpoint: leave it out\n",
            args[0]
        );
        assert_eq!((&*ran.err, &*ran.out), (&*sentence, ""));
    }
    assert_eq!(fs::read_to_string(user.home.path().join(INI)).unwrap(), before);
}

#[test]
fn another_way_out_is_refused_on_either_side_of_the_commands_name() {
    let user = User::new();
    for args in [
        &["--endpoint", "http://127.0.0.1:1", "--local", "regions"][..],
        &["--endpoint", "http://127.0.0.1:1", "regions", "--local"],
        &["--local", "regions", "--endpoint", "http://127.0.0.1:1"],
    ] {
        let ran = user.run(args).ended_with(2);
        assert_eq!(
            ran.err, "cvm: --local cannot be used with --endpoint: leave one of them out\n",
            "{args:?}"
        );
    }
}

#[test]
fn a_dry_run_shows_its_own_request_whatever_the_credential() {
    let real = CvmLocal::start().unwrap();
    let endpoint = real.endpoint();
    let args = ["call", "DescribeRegions", "--dry-run", "--endpoint", endpoint];
    for (variables, said) in [
        (&[][..], "there is no credential to send it with"),
        (&[("TENCENTCLOUD_INSTANCE_ROLE", "any")], "a credential would be fetched first (instance role"),
        (&[("TENCENTCLOUD_INSTANCE_ROLE", "deploy")], "a credential would be fetched first (instance role"),
        (
            &[("TENCENTCLOUD_CREDENTIAL_PROCESS", "/no/such/program")],
            "a credential would be fetched first (environment",
        ),
        (
            &[
                ("TENCENTCLOUD_SECRET_ID", "AKIDx"),
                ("TENCENTCLOUD_SECRET_KEY", "hidden"),
                ("TENCENTCLOUD_ROLE_ARN", "qcs::cam::uin/1:roleName/deploy"),
            ],
            "a credential would be fetched first (environment",
        ),
        (&[("TENCENTCLOUD_SECRET_ID", "AKIDx"), ("TENCENTCLOUD_SECRET_KEY", "hidden")], ""),
    ] {
        let mut command = cvm(&args);
        command.env("TENCENTCLOUD_METADATA_ENDPOINT", endpoint).env("TENCENTCLOUD_STS_ENDPOINT", endpoint);
        let ran = Ran::from(command.envs(variables.iter().copied()).output().unwrap()).ended_with(0);
        assert!(ran.out.starts_with(&format!("POST {endpoint}/\n")), "{ran:?}");
        assert!(ran.out.to_lowercase().contains("x-tc-action: describeregions\n"), "{ran:?}");
        assert!(ran.out.to_lowercase().contains("authorization: ***\n"), "{ran:?}");
        assert!(ran.err.contains(said) && ran.err.is_empty() == said.is_empty(), "{said}: {ran:?}");
        assert!(!ran.out.contains("AKIDx") && !ran.out.contains("hidden"), "{ran:?}");
    }
    assert_eq!(real.requests().len(), 0);
    // A mistake in what there is stays one.
    let mut half = cvm(&args);
    let half = Ran::from(half.env("TENCENTCLOUD_SECRET_ID", "AKIDx").output().unwrap()).ended_with(2);
    assert!(half.err.contains("TENCENTCLOUD_SECRET_KEY is not"), "{half:?}");
}
