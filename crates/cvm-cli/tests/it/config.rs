//! Profiles: the command with nothing but files, and the commands that show and write them.

use std::fs;
use std::process::Command;

use cvm_local::CvmLocal;
use tempfile::TempDir;

use crate::command::{Ran, cvm, feed};

/// A home folder with these files, and the command in it.
struct Home(TempDir);

impl Home {
    fn with(files: &[(&str, String)]) -> Self {
        let home = Self(tempfile::tempdir().unwrap());
        for (path, text) in files {
            let path = home.0.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        home
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = cvm(args);
        command.env("HOME", self.0.path()).env("USERPROFILE", self.0.path());
        command
    }

    fn run(&self, args: &[&str]) -> Ran {
        self.command(args).output().unwrap().into()
    }

    fn ini(&self) -> String {
        fs::read_to_string(self.0.path().join(INI)).unwrap()
    }
}

const INI: &str = ".tencentcloud/credentials";

/// The two files that `tccli configure` writes, cut down to what concerns this service.
fn tccli(local: &CvmLocal) -> [(&'static str, String); 2] {
    let credential = format!(
        "{{\n  \"secretId\": \"{}\",\n  \"secretKey\": \"{}\"\n}}",
        local.secret_id(),
        local.secret_key()
    );
    let configure = r#"{
  "_sys_param": {
    "arrayCount": 10,
    "output": "json",
    "region": "ap-shanghai",
    "warning": "off"
  },
  "cvm": {
    "endpoint": "cvm.tencentcloudapi.com",
    "version": "2017-03-12"
  }
}"#;
    [(".tccli/default.credential", credential), (".tccli/default.configure", configure.into())]
}

#[test]
fn what_tccli_wrote_is_enough() {
    let local = CvmLocal::start().unwrap();
    let home = Home::with(&tccli(&local));
    let ran = home.run(&["images", "--endpoint", local.endpoint()]).ended_with(0);
    assert!(ran.out.contains("img-o3ycss2p"), "{ran:?}");
    let signed = home.run(&["sign", "--action", "DescribeRegions"]).ended_with(0);
    assert!(signed.out.contains(&format!("Credential={}/", local.secret_id())), "{signed:?}");
}

#[test]
fn settings_are_shown_with_where_they_come_from() {
    let local = CvmLocal::start().unwrap();
    let home = Home::with(&tccli(&local));
    let args = ["config", "show", "--endpoint", local.endpoint()];
    let shown = home.command(&args).env("HTTPS_PROXY", "http://me:hidden@corp:3128").output().unwrap();
    let shown = Ran::from(shown).ended_with(0);
    let line = |name: &str| {
        shown.out.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{shown:?}"))
    };
    assert!(
        line("region ").contains(" ap-shanghai ")
            && line("region ").ends_with("~/.tccli/default.configure:5")
    );
    assert!(line("endpoint ").ends_with("--endpoint"));
    assert!(line("attempts ").contains(" 3 ") && line("attempts ").ends_with("default"));
    assert!(line("environment ").contains("TENCENTCLOUD_SECRET_ID"));
    assert!(line("profile `default`").contains("~/.tccli/default.credential:2"));
    assert!(line("instance role").ends_with("not asked"));
    for secret in [local.secret_key(), local.secret_id(), "hidden"] {
        assert!(!shown.out.contains(secret), "{shown:?}");
    }
    assert_eq!(local.requests().len(), 0, "nothing is sent unless it is asked for");

    let checked = home.run(&[&args[..], &["--check", "--output", "json"]].concat()).ended_with(0).json();
    assert_eq!(checked["check"]["ok"], true);
    assert_eq!(local.requests().len(), 1);
    let region = &checked["settings"][1];
    assert_eq!((&region["setting"], &region["value"]), (&"region".into(), &"ap-shanghai".into()));
    assert_eq!(checked["credential"][1]["state"], "used");

    let nowhere = home.run(&[&args[..], &["--check", "--region", "ap-guangzou"]].concat()).ended_with(2);
    assert!(
        nowhere.out.contains("knows no region `ap-guangzou`: did you mean `ap-guangzhou`?"),
        "{nowhere:?}"
    );

    let mut wrong = home.command(&[&args[..], &["--check"]].concat());
    wrong.env("TENCENTCLOUD_SECRET_ID", local.secret_id()).env("TENCENTCLOUD_SECRET_KEY", "another");
    let wrong = Ran::from(wrong.output().unwrap()).ended_with(5);
    assert!(
        wrong.out.contains("Checked: ") && wrong.out.contains("AuthFailure.SignatureFailure"),
        "{wrong:?}"
    );
}

#[test]
fn a_profile_is_written_and_used() {
    let local = CvmLocal::start().unwrap();
    let home = Home::with(&[(INI, "# mine\n[other]\nregion = ap-tokyo\n".into())]);
    let args =
        ["configure", "--profile", "prod", "--secret-id", local.secret_id(), "--region", "ap-shanghai"];
    let written = feed(&mut home.command(&args), format!("{}\n", local.secret_key())).ended_with(0);
    assert!(written.out.contains("prod") && !written.out.contains(local.secret_key()), "{written:?}");
    assert!(home.ini().starts_with("# mine\n[other]\nregion = ap-tokyo\n\n[prod]\n"), "{}", home.ini());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(home.0.path().join(INI)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let endpoint = ["--endpoint", local.endpoint()];
    home.run(&[&["configure", "--profile", "prod"][..], &endpoint].concat()).ended_with(0);
    // The profile that is named goes before a credential in the environment.
    let mut images = home.command(&["images", "--profile", "prod"]);
    images.env("TENCENTCLOUD_SECRET_ID", "AKIDanother").env("TENCENTCLOUD_SECRET_KEY", "another");
    let images = Ran::from(images.output().unwrap()).ended_with(0);
    assert!(images.out.contains("img-o3ycss2p"), "{images:?}");
    let nobody = home.run(&["images", "--profile", "prd"]).ended_with(2);
    assert!(nobody.err.contains("no profile `prd`") && nobody.err.contains("other, prod"), "{nobody:?}");
}

#[test]
fn what_cannot_be_written_is_said() {
    let home = Home::with(&[]);
    let nothing = home.run(&["configure"]).ended_with(2);
    assert!(nothing.err.contains("nothing to write") && nothing.err.contains("--secret-id"), "{nothing:?}");
    let no_key = home.run(&["configure", "--secret-id", "AKIDx"]).ended_with(2);
    assert!(no_key.err.contains("no secret key"), "{no_key:?}");
    let region = home.run(&["configure", "--region", "Nowhere"]).ended_with(2);
    assert!(region.err.contains("region `Nowhere`"), "{region:?}");
    assert!(!home.0.path().join(".tencentcloud").exists());
}

#[test]
fn no_credential_says_where_one_was_looked_for() {
    let ran = Home::with(&[]).run(&["images", "--region", "ap-shanghai"]).ended_with(2);
    for part in ["no credential", "environment: ", "profile `default`: ", "web identity: ", "instance role: "]
    {
        assert!(ran.err.contains(part), "{part}: {ran:?}");
    }
    assert_eq!(ran.err.lines().count(), 1, "{ran:?}");
}

#[cfg(unix)]
#[test]
fn a_file_that_others_can_read_is_warned_of_once() {
    use std::os::unix::fs::PermissionsExt;

    let local = CvmLocal::start().unwrap();
    let text = format!("[default]\nsecret_id = {}\nsecret_key = {}\n", local.secret_id(), local.secret_key());
    let home = Home::with(&[(INI, text)]);
    let path = home.0.path().join(INI);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    fs::set_permissions(path.parent().unwrap(), fs::Permissions::from_mode(0o755)).unwrap();
    let args = ["images", "--region", "ap-shanghai", "--endpoint", local.endpoint()];
    for more in [&[][..], &["-v"]] {
        let ran = home.run(&[&args[..], more].concat()).ended_with(0);
        assert_eq!(ran.err.matches("chmod 600 ~/.tencentcloud/credentials").count(), 1, "{ran:?}");
    }
    let quiet = home.run(&[&args[..], &["--quiet"]].concat()).ended_with(0);
    assert_eq!(quiet.err, "");
}
