//! An environment in memory: the program reads the files that are wanted, and the rest is as with a disk.

use std::collections::BTreeMap;
use std::time::Duration;

use cvm_config::{Environment, Finding, Loaded, Loader};
use cvm_proto::credential::FetchContext;
use cvm_proto::{Credential, Error, Now, Reply, Response, Step};

use crate::{CA, Home, INI, fetch, keys, lease};

/// Files that a program can read, by their paths as users write them.
type Files<'a> = BTreeMap<&'a str, &'a [u8]>;

fn files<'a, const N: usize>(files: [(&'a str, &'a str); N]) -> Files<'a> {
    files.into_iter().map(|(path, text)| (path, text.as_bytes())).collect()
}

/// Gives what is wanted until there is nothing more; and says what that was.
fn given(
    variables: &[(&str, &str)],
    files: &Files<'_>,
    change: impl Fn(Loader) -> Loader,
) -> (Loader, Vec<String>) {
    let mut environment = Environment::in_memory(variables.iter().copied());
    let mut wanted = Vec::new();
    while let Some(path) = change(Loader::of(environment.clone())).wanted() {
        environment = match files.get(&*path) {
            Some(content) => environment.file(&path, *content),
            None => environment.no_file(&path),
        };
        assert!(!wanted.contains(&path), "{path} is wanted twice");
        wanted.push(path);
    }
    (change(Loader::of(environment)), wanted)
}

/// What comes of these variables and files in memory.
pub(crate) fn load(variables: &[(&str, &str)], files: &Files<'_>) -> Result<Loaded, Error> {
    given(variables, files, |loader| loader).0.load()
}

fn used(loaded: &Loaded) -> &str {
    let used = loaded.candidates.iter().find_map(|candidate| match &candidate.finding {
        Finding::Used(how) => Some(how),
        _ => None,
    });
    used.unwrap()
}

const OWN: &str = "~/.tencentcloud/credentials";
const SYSTEM: &str = "/etc/tencentcloud/credentials";
const CONFIGURE: &str = "~/.tccli/default.configure";
const CREDENTIAL: &str = "~/.tccli/default.credential";
const KEY: [(&str, &str); 2] = [("TENCENTCLOUD_SECRET_ID", "AKIDenv"), ("TENCENTCLOUD_SECRET_KEY", "k")];
const TKE: [(&str, &str); 4] = [
    ("TKE_REGION", "ap-guangzhou"),
    ("TKE_PROVIDER_ID", "cls-1"),
    ("TKE_WEB_IDENTITY_TOKEN_FILE", "/run/token"),
    ("TKE_ROLE_ARN", "qcs::cam::uin/1:roleName/pod"),
];

#[test]
fn only_files_that_decide_something_are_wanted() {
    let wants = |variables: &[(&str, &str)], files: &Files<'_>| given(variables, files, |loader| loader).1;
    let key = "[default]\nsecret_id = AKIDini\nsecret_key = k\n";
    assert_eq!(wants(&[], &files([])), [OWN, SYSTEM, CONFIGURE, CREDENTIAL]);
    assert_eq!(wants(&[], &files([(OWN, key)])), [OWN, CONFIGURE]);
    assert_eq!(wants(&[], &files([(SYSTEM, key)])), [OWN, SYSTEM, CONFIGURE]);
    assert_eq!(wants(&KEY, &files([])), [OWN, SYSTEM, CONFIGURE]);
    let named = [("TENCENTCLOUD_CREDENTIALS_FILE", "/srv/keys.ini"), ("TENCENTCLOUD_PROFILE", "p")];
    assert_eq!(wants(&named, &files([])), ["/srv/keys.ini"]);
    let keys = files([("/srv/keys.ini", "[p]\nsource_profile = q\nca_file = ~/ca.pem\n[q]\n")]);
    assert_eq!(wants(&named, &keys), ["/srv/keys.ini", "~/.tccli/p.configure", "~/ca.pem"]);
    let keys = files([("/srv/keys.ini", "[p]\nsource_profile = q\n")]);
    let tccli = ["~/.tccli/q.credential", "~/.tccli/q.configure"];
    assert_eq!(wants(&named, &keys)[2..], tccli, "whether there is such a profile");
    assert_eq!(wants(&TKE, &files([]))[4..], ["/run/token"]);
    let authority = [KEY[0], KEY[1], ("TENCENTCLOUD_CA_FILE", "~/ca.pem")];
    assert_eq!(wants(&authority, &files([]))[3..], ["~/ca.pem"]);
}

#[test]
fn precedence_values_and_origins_are_those_of_a_disk() {
    let ini = "[default]\nsecret_id = AKIDini\nsecret_key = k\nregion = ap-ini\nattempts = 5\nca_file = ~/ca.pem\n\
               [p]\nsource_profile = default\nrole_arn = qcs::cam::uin/1:roleName/p\ncall_timeout = 1h 30m\n\
               [run]\nsource_profile = default\ncredential_process = print\n[tc]\n";
    let configure =
        "{\n  \"_sys_param\": {\n    \"region\": \"ap-tccli\",\n    \"language\": \"en-US\"\n  }\n}";
    let credential = "{\n  \"secretId\": \"AKIDtccli\",\n  \"secretKey\": \"k\"\n}";
    let all: Files<'_> = files([
        (OWN, ini),
        ("~/ca.pem", CA),
        (CONFIGURE, configure),
        ("~/.tccli/tc.credential", credential),
        ("~/.tccli/tc.configure", configure),
        ("~/.tccli/work.credential", credential),
    ]);
    let mut home = Home::new();
    for (path, content) in &all {
        home = home.with(path.strip_prefix("~/").unwrap(), content);
    }
    let profile = "TENCENTCLOUD_PROFILE";
    for variables in [
        &[][..],
        &KEY,
        &[(profile, "p")],
        &[(profile, "run")],
        &[(profile, "tc")],
        &[(profile, "work"), ("TENCENTCLOUD_REGION", "ap-env")],
        &[(profile, "gone")],
        &[(profile, "tc"), ("TENCENTCLOUD_LANGUAGE", "x")],
        &[("TENCENTCLOUD_CREDENTIALS_FILE", "~/.tccli/default.configure")],
        &[("TENCENTCLOUD_CREDENTIALS_FILE", "~/gone")],
        &[("TENCENTCLOUD_CA_FILE", "~/.tencentcloud/credentials")],
        &TKE,
    ] {
        let off = [("TENCENTCLOUD_INSTANCE_ROLE", "off")];
        let with_off: Vec<(&str, &str)> = off.iter().chain(variables).copied().collect();
        for is_given in [false, true] {
            let region =
                |loader: Loader| if is_given { loader.region("ap-given").profile("p") } else { loader };
            let disk = region(home.loader(variables)).load();
            let (loader, wanted) = given(&with_off, &all, region);
            match (disk, loader.load()) {
                (Ok(disk), Ok(memory)) => {
                    assert_eq!(memory.values, disk.values, "{variables:?}");
                    assert_eq!(memory.candidates, disk.candidates, "{variables:?}");
                    assert_eq!(format!("{:?}", memory.settings), format!("{:?}", disk.settings));
                    assert_eq!(keys(&memory.settings), keys(&disk.settings), "{variables:?}");
                    assert_eq!(memory.settings.ca_pem, disk.settings.ca_pem, "{variables:?}");
                }
                (disk, memory) => {
                    let (disk, memory) = (disk.unwrap_err().to_string(), memory.unwrap_err().to_string());
                    // Of the folder's other files nobody has read any.
                    let known = |text: String| text.split(" (there are").next().unwrap().to_owned();
                    assert_eq!(known(memory), known(disk), "{variables:?} {wanted:?}");
                }
            }
        }
    }
}

#[test]
fn what_is_not_known_is_named_and_not_passed_over() {
    let error =
        |environment: Environment| Loader::of(environment).region("ap-x").load().unwrap_err().to_string();
    let none = Environment::in_memory::<&str, &str>([]);
    assert_eq!(
        error(none.clone()),
        "~/.tencentcloud/credentials cannot be read: its content is not part of this environment"
    );
    let key = "[default]\nsecret_id = AKIDini\nsecret_key = hidden\n";
    let own = none.file(OWN, key);
    assert!(error(own.clone()).starts_with("~/.tccli/default.configure cannot be read: "));
    let known = own.no_file(CONFIGURE);
    let loaded = Loader::of(known.clone()).load().unwrap();
    assert_eq!(keys(&loaded.settings), Some(("AKIDini", "hidden", None)));
    assert!(loaded.warnings.is_empty());
    assert!(!format!("{known:?} {loaded:?}").contains("hidden"), "{known:?}");
    let authority = known.clone().file(CONFIGURE, "{}");
    let lookup = Loader::of(authority.clone()).set(cvm_config::Setting::CaFile, "~/ca.pem");
    assert_eq!(lookup.wanted().as_deref(), Some("~/ca.pem"));
    assert_eq!(
        lookup.environment(authority.no_file("~/ca.pem")).load().unwrap_err().to_string(),
        "ca_file `~/ca.pem` cannot be read: there is no such file: name one with certificates in PEM"
    );
    // A mistake in what is there is said at once; no further file would mend it.
    let wrong = known.file(OWN, "[default\n");
    assert_eq!(Loader::of(wrong.clone()).wanted(), None);
    assert!(error(wrong).starts_with("~/.tencentcloud/credentials:1: "));
}

#[test]
fn bytes_are_judged_as_those_of_a_file() {
    let load = |content: Vec<u8>| {
        let files = Files::from([(OWN, &*content)]);
        load(&[], &files).unwrap_err().to_string()
    };
    assert_eq!(load(b"\xff\xfe[\0".to_vec()), format!("{OWN}:1: is UTF-16: save it as UTF-8"));
    assert_eq!(load(b"[default]\n\xff".to_vec()), format!("{OWN}:2: is not UTF-8: save it as UTF-8"));
    assert_eq!(
        load(vec![b'#'; (16 << 20) + 1]),
        format!("{OWN} cannot be read: it is larger than 16777216 bytes, the most that is read")
    );
}

#[test]
fn profiles_are_those_that_were_given() {
    let environment = Environment::in_memory::<&str, &str>([])
        .file(OWN, "[default]\n[prod]\n")
        .file("~/.tccli/work.credential", "{}")
        .file("~/.tccli/work.configure", "{}")
        .no_file("~/.tccli/gone.configure");
    assert_eq!(Loader::of(environment).profiles().unwrap(), ["default", "prod", "work"]);
}

#[test]
fn a_process_that_would_be_started_is_refused() {
    let advice = "a credential process cannot be started here: give the credential in the program, \
                  or write secret_id and secret_key instead";
    let variable = [("TENCENTCLOUD_CREDENTIAL_PROCESS", "print hidden")];
    assert_eq!(
        load(&variable, &files([])).unwrap_err().to_string(),
        format!("TENCENTCLOUD_CREDENTIAL_PROCESS: {advice}")
    );
    for (text, line) in [
        ("[default]\ncredential_process = print hidden\n", 2),
        ("[default]\nsource_profile = p\n[p]\ncredential_process = print hidden\n", 4),
        ("[default]\nrole_arn = qcs::x\ncredential_process = print hidden\n", 3),
    ] {
        let error = load(&[], &files([(OWN, text)])).unwrap_err().to_string();
        assert_eq!(error, format!("{OWN}:{line}: {advice}"), "{text}");
    }
    // Where something else is used, none would be started.
    let given_key = |loader: Loader| loader.credential(Credential::new("AKIDgiven", "k").unwrap());
    given(&variable, &files([]), given_key).0.load().unwrap();
    let beside =
        "[default]\nsource_profile = p\ncredential_process = print\n[p]\nsecret_id = AKIDp\nsecret_key = k\n";
    assert_eq!(keys(&load(&[], &files([(OWN, beside)])).unwrap().settings), Some(("AKIDp", "k", None)));
    let text = "[default]\ncredential_process = print\n";
    assert_eq!(keys(&load(&KEY, &files([(OWN, text)])).unwrap().settings), Some(("AKIDenv", "k", None)));
}

#[test]
fn a_login_of_tccli_is_taken_as_it_was_given() {
    let text = "{\n  \"secretId\": \"AKIDlogin\",\n  \"secretKey\": \"k\",\n  \"token\": \"t\",\n  \"expiresAt\": 2000\n}";
    let loaded = load(&[], &files([(CREDENTIAL, text)])).unwrap();
    let found = lease(&loaded.settings, 1999);
    assert_eq!((found.credential.secret_id(), found.expires), ("AKIDlogin", Some(2000)));
    assert_eq!(
        fetch(&loaded.settings, 2000).unwrap_err().to_string(),
        format!(
            "{CREDENTIAL}:2: the temporary key is over: call any action with tccli, which fetches a new one, \
             or log in anew with it, then make the client anew"
        )
    );
}

#[test]
fn the_token_of_a_cluster_is_sent_as_it_was_given() {
    let loaded = load(&TKE, &files([("/run/token", " ey.old.token\n")])).unwrap();
    assert_eq!(
        used(&loaded),
        "the role `qcs::cam::uin/1:roleName/pod`, assumed with the token in /run/token"
    );
    let mut fetch = loaded.settings.provider.as_ref().unwrap().fetch(&FetchContext::new(1));
    let mut now = Now::new(1_769_860_800, Duration::ZERO);
    let error = loop {
        match fetch.poll(now) {
            Step::Send(request) => {
                assert!(String::from_utf8_lossy(request.body()).contains("\"ey.old.token\""));
                let body = br#"{"Response":{"Error":{"Code":"InvalidParameter.WebIdentityTokenError","Message":"The token has expired."},"RequestId":"r-1"}}"#;
                fetch.reply(now, Reply::Response(Response::new(200, body.to_vec())));
            }
            Step::WaitUntil(mono) => now.mono = mono,
            Step::Progress(never) => match never {},
            Step::Done(found) => break found.unwrap_err(),
        }
    };
    assert_eq!(
        error.to_string(),
        "AssumeRoleWithWebIdentity of sts in ap-guangzhou: InvalidParameter.WebIdentityTokenError: The token has expired; \
         the token is what /run/token held when the client was made: if it has expired, make the client anew \
         (request id r-1)"
    );
    let absent = load(&TKE, &files([])).unwrap();
    assert_eq!(
        crate::fetch(&absent.settings, 0).unwrap_err().to_string(),
        "/run/token, which TKE_WEB_IDENTITY_TOKEN_FILE names, cannot be read: there is no such file"
    );
}

#[test]
fn a_file_that_the_program_gives_takes_precedence_over_the_disk() {
    let home = Home::new()
        .with(INI, "[default]\nsecret_id = AKIDdisk\nsecret_key = k\nregion = ap-disk\n")
        .with(".tccli/default.configure", "{");
    let given = home.environment(&[]).file(OWN, "[default]\nregion = ap-given\n").no_file(CONFIGURE);
    let loaded = Loader::of(given).load().unwrap();
    assert_eq!(
        (loaded.settings.region.as_deref(), loaded.settings.credential.is_none()),
        (Some("ap-given"), true)
    );
}
