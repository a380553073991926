//! Where credentials and settings come from, all the way to requests that are answered.

use std::fs;
use std::path::Path;
use std::thread;

use cvm_config::{Environment, Loaded, Loader};
use cvm_local::CvmLocal;
use cvm_proto::api::{DescribeImages, DescribeRegions};
use cvm_proto::{ErrorKind, RetryPolicy};
use tempfile::TempDir;

use crate::Shell;
use crate::server::{Act, EMPTY, Server};

/// The role that the local endpoint's first account has.
const ROLE: &str = "qcs::cam::uin/100000000001:roleName/cvm-local-role";

/// A user's machine: a home folder, and variables.
struct Machine {
    home: TempDir,
    variables: Vec<(String, String)>,
}

impl Machine {
    /// One that reaches an endpoint, and no service's address on the network.
    fn at(endpoint: &str) -> Self {
        let machine = Self { home: tempfile::tempdir().unwrap(), variables: Vec::new() };
        machine
            .set("TENCENTCLOUD_ENDPOINT", endpoint)
            .set("TENCENTCLOUD_METADATA_ENDPOINT", endpoint)
            .set("TENCENTCLOUD_STS_ENDPOINT", endpoint)
            .set("TENCENTCLOUD_REGION", "ap-shanghai")
    }

    fn set(mut self, name: &str, value: impl Into<String>) -> Self {
        self.variables.retain(|(set, _)| set != name);
        self.variables.push((name.into(), value.into()));
        self
    }

    fn with_keys(self, local: &CvmLocal) -> Self {
        self.set("TENCENTCLOUD_SECRET_ID", local.secret_id())
            .set("TENCENTCLOUD_SECRET_KEY", local.secret_key())
    }

    fn file(self, path: &str, text: &str) -> Self {
        let path = self.home.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    fn path(&self, path: &str) -> String {
        self.home.path().join(path).display().to_string()
    }

    fn load(&self) -> Loaded {
        let environment = Environment::of(self.variables.iter().cloned()).home(self.home.path());
        let mut loaded = Loader::new().environment(environment).load().unwrap();
        loaded.settings.rate_limit = false;
        let pause = std::time::Duration::from_millis(2);
        loaded.settings.retry = RetryPolicy::default().pauses(pause, pause);
        loaded
    }

    fn client<S: Shell>(&self) -> S {
        S::from_settings(self.load().settings).unwrap()
    }
}

/// How often an action was asked for, whatever came of it.
fn asked(local: &CvmLocal, action: &str) -> usize {
    local.requests().iter().filter(|request| request.action == action).count()
}

fn sees_the_images<S: Shell>(client: &S) {
    let images = client.send(DescribeImages::default()).unwrap().image_set;
    assert!(images.iter().any(|image| image.image_id == "img-o3ycss2p"));
}

/// Variables are all that a client needs.
pub fn environment<S: Shell>() {
    let server = Server::start(|_, _| Act::ok(EMPTY));
    let machine = Machine::at(&server.endpoint())
        .set("TENCENTCLOUD_SECRET_ID", "AKIDenv")
        .set("TENCENTCLOUD_SECRET_KEY", "key")
        .set("TENCENTCLOUD_SECURITY_TOKEN", "token")
        .set("TENCENTCLOUD_REGION", "ap-nanjing")
        .set("TENCENTCLOUD_LANGUAGE", "en-US")
        .set("TENCENTCLOUD_REQUEST_CLIENT", "shop,1");
    machine.client::<S>().send(DescribeImages::default()).unwrap();
    let received = server.received();
    for (header, value) in [
        ("x-tc-region", "ap-nanjing"),
        ("x-tc-token", "token"),
        ("x-tc-language", "en-US"),
        ("x-tc-requestclient", "shop,1"),
    ] {
        assert_eq!(received[0].header(header), Some(value));
    }
    assert!(received[0].header("authorization").unwrap().contains("Credential=AKIDenv/"));
}

/// What the official command line wrote is all that a client needs.
pub fn tccli_alone<S: Shell>() {
    let local = CvmLocal::start().unwrap();
    let credential = format!(
        "{{\n  \"secretId\": \"{}\",\n  \"secretKey\": \"{}\"\n}}",
        local.secret_id(),
        local.secret_key()
    );
    let configure = "{\n  \"_sys_param\": {\n    \"region\": \"ap-shanghai\"\n  }\n}";
    let mut machine = Machine::at(local.endpoint())
        .file(".tccli/default.credential", &credential)
        .file(".tccli/default.configure", configure);
    machine.variables.retain(|(name, _)| name == "TENCENTCLOUD_ENDPOINT");
    sees_the_images(&machine.client::<S>());
}

/// A command prints the key, while the client goes on waiting as for anything else.
pub fn process_that_prints_a_key<S: Shell>() {
    let local = CvmLocal::start().unwrap();
    let key = format!(r#"{{"SecretId":"{}","SecretKey":"{}"}}"#, local.secret_id(), local.secret_key());
    let machine = Machine::at(local.endpoint()).file("key.json", &key);
    let print = if cfg!(windows) { "cmd /c type" } else { "cat" };
    let line = format!("{print} '{}'", machine.path("key.json"));
    let machine = machine.set("TENCENTCLOUD_CREDENTIAL_PROCESS", line);
    let client = machine.client::<S>();
    sees_the_images(&client);
    // It is not run again for as long as the key is good.
    fs::remove_file(machine.path("key.json")).unwrap();
    sees_the_images(&client);
    let machine = machine.set("TENCENTCLOUD_CREDENTIAL_PROCESS", "no-such-program-here");
    let error = machine.client::<S>().send(DescribeImages::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Credential, "{error:?}");
    assert!(error.to_string().contains("TENCENTCLOUD_CREDENTIAL_PROCESS"), "{error}");
}

/// With nothing set at all, the role of the instance is used.
pub fn instance_role<S: Shell>() {
    let local = CvmLocal::start().unwrap();
    sees_the_images(&Machine::at(local.endpoint()).client::<S>());
    sees_the_images(
        &Machine::at(local.endpoint()).set("TENCENTCLOUD_INSTANCE_ROLE", "cvm-local-role").client::<S>(),
    );
    let wrong = Machine::at(local.endpoint()).set("TENCENTCLOUD_INSTANCE_ROLE", "another");
    let error = wrong.client::<S>().send(DescribeImages::default()).unwrap_err();
    assert!(error.to_string().contains("instance role: the instance has no role `another`"), "{error}");
}

/// An instance whose metadata has no role, and a machine that is no instance.
pub fn instance_without_a_role<S: Shell>() {
    let server = Server::start(|_, _| Act::status(404));
    for endpoint in [server.endpoint(), "http://127.0.0.1:1".to_owned()] {
        let error = Machine::at(&endpoint).client::<S>().send(DescribeImages::default()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config, "{error:?}");
        assert!(error.to_string().contains("instance role: "), "{error}");
    }
}

/// A key in the environment takes on a role; the role's temporary key is what signs.
pub fn role_assumed_with_a_key<S: Shell>() {
    let local = CvmLocal::start().unwrap();
    let machine = Machine::at(local.endpoint()).with_keys(&local).set("TENCENTCLOUD_ROLE_ARN", ROLE);
    let client = machine.client::<S>();
    sees_the_images(&client);
    sees_the_images(&client);
    assert_eq!((asked(&local, "AssumeRole"), asked(&local, "DescribeImages")), (1, 2));
    // The same in a profile.
    let text = format!(
        "[default]\nrole_arn = {ROLE}\nrole_session_name = tests\nsource_profile = base\n\
         [base]\nsecret_id = {}\nsecret_key = {}\n",
        local.secret_id(),
        local.secret_key()
    );
    sees_the_images(&Machine::at(local.endpoint()).file(".tencentcloud/credentials", &text).client::<S>());
    assert_eq!(asked(&local, "AssumeRole"), 2);
}

/// A temporary key takes on a role.
pub fn role_assumed_with_the_instances_role<S: Shell>() {
    let local = CvmLocal::start().unwrap();
    sees_the_images(&Machine::at(local.endpoint()).set("TENCENTCLOUD_ROLE_ARN", ROLE).client::<S>());
    assert_eq!(asked(&local, "AssumeRole"), 1);
}

/// A role that the account does not have: what the service said is in the error, and nothing else is tried.
pub fn role_that_is_not_there<S: Shell>() {
    let local = CvmLocal::start().unwrap();
    let machine = Machine::at(local.endpoint())
        .with_keys(&local)
        .set("TENCENTCLOUD_ROLE_ARN", ROLE.replace("cvm-local-role", "another"));
    let error = machine.client::<S>().send(DescribeImages::default()).unwrap_err();
    assert_eq!(
        error.code().map(cvm_proto::ErrorCode::as_str),
        Some("ResourceNotFound.RoleNotFound"),
        "{error:?}"
    );
    assert!(error.to_string().contains("AssumeRole") && error.request_id().is_some(), "{error}");
    assert_eq!(asked(&local, "DescribeImages"), 0);
}

/// A pod's token is read each time that a credential is fetched.
pub fn web_identity_is_read_anew<S: Shell>() {
    let local = CvmLocal::start().unwrap();
    let machine = Machine::at(local.endpoint()).file("token", "").set("TKE_REGION", "ap-guangzhou");
    let file = machine.path("token");
    let machine = machine
        .set("TKE_PROVIDER_ID", "cls-0000abcd")
        .set("TKE_ROLE_ARN", ROLE)
        .set("TKE_WEB_IDENTITY_TOKEN_FILE", &*file);
    let client = machine.client::<S>();
    let error = client.send(DescribeImages::default()).unwrap_err();
    assert!(error.to_string().contains("TKE_WEB_IDENTITY_TOKEN_FILE") && error.to_string().contains("empty"));
    fs::write(&file, "a.token.that-is-no-jwt\n").unwrap();
    // The failure is kept for a moment only, and a new client knows nothing of it.
    sees_the_images(&machine.client::<S>());
    assert_eq!(asked(&local, "AssumeRoleWithWebIdentity"), 1);
}

/// No source has anything: one sentence that says what each of them lacked.
pub fn nothing_anywhere<S: Shell>() {
    let machine = Machine::at("http://127.0.0.1:1").set("TENCENTCLOUD_INSTANCE_ROLE", "off");
    let error = machine.client::<S>().send(DescribeImages::default()).unwrap_err();
    assert_eq!((error.kind(), error.attempts(), error.outcome_unknown()), (ErrorKind::Config, 0, false));
    let text = error.to_string();
    for part in [
        "no credential",
        "environment: TENCENTCLOUD_SECRET_ID",
        "profile `default`: ~/.tencentcloud/credentials",
        "~/.tccli/default.credential",
        "web identity: TKE_PROVIDER_ID",
        "instance role: TENCENTCLOUD_INSTANCE_ROLE turns it off",
    ] {
        assert!(text.contains(part), "`{part}` is not in: {text}");
    }
}

/// A thousand calls on fifty threads have one credential fetched.
pub fn many_callers_ask_once<S: Shell>() {
    let local = CvmLocal::builder().rate_limits(false).start().unwrap();
    let machine = Machine::at(local.endpoint()).with_keys(&local).set("TENCENTCLOUD_ROLE_ARN", ROLE);
    let client = machine.client::<S>();
    thread::scope(|scope| {
        for _ in 0..50 {
            scope.spawn(|| {
                for _ in 0..20 {
                    client.send(DescribeRegions::default()).unwrap();
                }
            });
        }
    });
    assert_eq!((asked(&local, "AssumeRole"), asked(&local, "DescribeRegions")), (1, 1000));
}

/// Key and token of the role that [`all_that_is_shown`] comes by; each can be searched for.
pub const ROLE_SECRETS: [&str; 4] = [
    "role-secret-key-0123456789",
    "role-token-0123456789",
    "identity-token-0123456789",
    "file-key-0123456789",
];

/// Runs every source through calls that succeed and calls that fail; gives all that a user of the client can print.
pub fn all_that_is_shown<S: Shell>() -> String {
    let [key, token, identity, in_file] = ROLE_SECRETS;
    let server = Server::start(move |number, received| {
        let temporary = format!(r#""TmpSecretId":"AKIDrole","TmpSecretKey":"{key}","Token":"{token}""#);
        let end = 4_000_000_000_u64;
        if received.line.contains("/latest/meta-data/cam/security-credentials/role") {
            Act::ok(&format!(r#"{{{temporary},"ExpiredTime":{end},"Code":"Success"}}"#))
        } else if received.line.contains("/latest/") {
            Act::ok("role")
        } else if received.header("x-tc-action").is_some_and(|action| action.starts_with("AssumeRole")) {
            Act::ok(&format!(
                r#"{{"Response":{{"Credentials":{{{temporary}}},"ExpiredTime":{end},"RequestId":"r-role"}}}}"#
            ))
        } else if number % 2 == 0 {
            Act::ok(EMPTY)
        } else {
            Act::refuse("AuthFailure.TokenFailure")
        }
    });
    let machine = || Machine::at(&server.endpoint());
    let role = |machine: Machine| machine.set("TENCENTCLOUD_ROLE_ARN", ROLE);
    let ini = format!("[default]\nsecret_id = AKIDfile\nsecret_key = {in_file}\ntoken = {token}\n");
    let tccli = format!(
        "{{\n  \"expiresAt\": 4000000000,\n  \"secretId\": \"AKIDfile\",\n  \"secretKey\": \"{in_file}\",\n  \"token\": \"{token}\"\n}}"
    );
    let printed = format!(r#"{{"SecretId":"AKIDprinted","SecretKey":"{key}","Token":"{token}"}}"#);
    let process = |machine: Machine, file: &str| {
        let print = if cfg!(windows) { "cmd /c type" } else { "cat" };
        let line = format!("{print} '{}'", machine.path(file));
        machine.set("TENCENTCLOUD_CREDENTIAL_PROCESS", line)
    };
    let pod = machine().file("token", identity);
    let file = pod.path("token");
    let pod = pod
        .set("TKE_REGION", "ap-guangzhou")
        .set("TKE_PROVIDER_ID", "cls-1")
        .set("TKE_ROLE_ARN", ROLE)
        .set("TKE_WEB_IDENTITY_TOKEN_FILE", file);
    let mut shown = String::new();
    for machine in [
        machine(),
        role(machine()),
        machine().file(".tencentcloud/credentials", &ini),
        role(machine().file(".tencentcloud/credentials", &ini)),
        machine().file(".tccli/default.credential", &tccli),
        process(machine().file("key.json", &printed), "key.json"),
        process(machine().file("key.json", &printed.replace('{', "")), "key.json"),
        pod,
    ] {
        let loaded = machine.load();
        shown += &format!("{loaded:?}");
        let client = S::from_settings(loaded.settings).unwrap();
        for _ in 0..4 {
            let answer = client.send(DescribeImages::default());
            shown += &format!("{answer:?} ");
            shown += &answer.map_or_else(|error| error.to_string(), |answer| answer.request_id);
        }
        shown += &client.shown();
    }
    shown += &broken_files(in_file);
    shown
}

/// The errors of files that are cut off wherever they can be.
fn broken_files(secret: &str) -> String {
    let mut shown = String::new();
    let home = tempfile::tempdir().unwrap();
    for (path, text) in [
        (
            ".tencentcloud/credentials",
            format!("[default]\nsecret_id = AKIDx\nsecret_key = {secret}\n[next]\n"),
        ),
        (
            ".tccli/default.credential",
            format!("{{\"secretId\": \"AKIDx\", \"secretKey\": \"{secret}\", \"token\": 5}}"),
        ),
    ] {
        let path = home.path().join(Path::new(path));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        for end in 0..text.len() {
            for text in [&text[..end], &text[end..]] {
                fs::write(&path, text).unwrap();
                let environment = Environment::of([("TENCENTCLOUD_INSTANCE_ROLE", "off")]).home(home.path());
                shown += &match Loader::new().environment(environment).load() {
                    Ok(loaded) => format!("{loaded:?}\n"),
                    Err(error) => format!("{error} {error:?}\n"),
                };
            }
        }
        fs::remove_file(path).unwrap();
    }
    shown
}

/// Neither a key nor a token of any source is in what a client, its settings, its answers and errors show.
pub fn no_source_shows_its_secret<S: Shell>() {
    let shown = all_that_is_shown::<S>();
    for secret in ROLE_SECRETS {
        assert!(!shown.contains(secret), "{secret} is in {shown}");
    }
    assert!(shown.contains("AKIDfile") && shown.contains("AuthFailure.TokenFailure"), "{shown}");
}
