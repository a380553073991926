//! `cvm local`.

#[cfg(unix)]
use std::process::Command;

use crate::command::{Folder, run};
use crate::endpoint::{start, through};

#[test]
fn once_ready_it_answers_those_who_have_its_key() {
    let folder = Folder::new("answers");
    let (_server, _, facts) = start(&folder, &["--speed", "60"]);
    let images = through(&facts, &["call", "DescribeImages", "ImageIds.0=img-o3ycss2p"]).ended_with(0).json();
    assert_eq!(images["ImageSet"][0]["ImageState"], "NORMAL");
    through(&facts, &["sync", "img-o3ycss2p", "--to", "ap-guangzhou"]).ended_with(0);
    // The state outlives the command that made it.
    let copies =
        through(&facts, &["call", "DescribeImages", "--region", "ap-guangzhou"]).ended_with(0).json();
    let source = images["ImageSet"][0]["ImageName"].clone();
    let copies = copies["ImageSet"].as_array().unwrap().iter().filter(|image| image["ImageName"] == source);
    assert_eq!(copies.count(), 1);

    let mut wrong = facts.clone();
    wrong["secret_key"] = "another-key".into();
    let ran = through(&wrong, &["call", "DescribeRegions"]).ended_with(5);
    assert!(ran.err.contains("AuthFailure.SignatureFailure"), "{ran:?}");
    wrong["secret_id"] = "AKIDnobody".into();
    let ran = through(&wrong, &["call", "DescribeRegions"]).ended_with(5);
    assert!(ran.err.contains("AuthFailure.SecretIdNotFound"), "{ran:?}");
}

#[cfg(unix)]
#[test]
fn asked_to_end_it_ends_well_and_takes_its_file_along() {
    for signal in ["-INT", "-TERM", "-HUP"] {
        let folder = Folder::new(&format!("ends{signal}"));
        let (mut server, ready, _) = start(&folder, &["--speed", "60"]);
        let asked = Command::new("kill").args([signal, &server.0.id().to_string()]).status().unwrap();
        assert!(asked.success());
        assert_eq!(server.0.wait().unwrap().code(), Some(0), "{signal}");
        assert!(!ready.exists(), "{signal}");
        assert_eq!(std::fs::read_dir(&folder.0).unwrap().count(), 0, "{signal}");
    }
}

#[cfg(unix)]
#[test]
fn a_ready_file_that_another_endpoint_wrote_stays() {
    let folder = Folder::new("two");
    let (mut first, ready, _) = start(&folder, &[]);
    let (_second, _, facts) = start(&folder, &[]);
    assert!(Command::new("kill").args(["-TERM", &first.0.id().to_string()]).status().unwrap().success());
    assert_eq!(first.0.wait().unwrap().code(), Some(0));
    let left: serde_json::Value = serde_json::from_slice(&std::fs::read(&ready).unwrap()).unwrap();
    assert_eq!(left, facts);
}

#[cfg(unix)]
#[test]
fn what_it_writes_is_no_more_open_than_it_has_to_be_and_goes_through_no_prepared_link() {
    use std::os::unix::fs::{PermissionsExt, symlink};

    let folder = Folder::new("files");
    let precious = folder.0.join("precious");
    std::fs::write(&precious, "kept").unwrap();
    let ca = folder.0.join("ca.pem");
    symlink("precious", folder.0.join("ready.json.tmp")).unwrap();
    let (server, ready, _) = start(&folder, &["--tls", "--tls-ca", ca.to_str().unwrap()]);
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(
        (mode(&ready), mode(&ca)),
        (0o600, mode(&precious)),
        "the key is private, the authority is not"
    );
    drop(server);

    let refused = |arg: &str, path: &str, parts: [&str; 2]| {
        let ran = run(&["local", "--tls", arg, path]).ended_with(1);
        assert!(parts.iter().all(|part| ran.err.contains(part)), "{ran:?}");
    };
    let link = folder.0.join("ready.json.lock");
    // It is there until the server that was killed has a successor.
    let _ = std::fs::remove_file(&link);
    symlink("precious", &link).unwrap();
    refused("--ready-file", ready.to_str().unwrap(), ["ready file", "ready.json.lock is a symbolic link"]);
    refused("--ready-file", "/dev/full", ["ready file", "not a regular file"]);
    refused("--tls-ca", "/dev/full", ["authority's file", "not a regular file"]);
    refused("--tls-ca", folder.0.to_str().unwrap(), ["authority's file", "is a folder"]);
    assert_eq!(std::fs::read_to_string(precious).unwrap(), "kept");
}

#[test]
fn https_with_an_authority_of_its_own() {
    let folder = Folder::new("https");
    let ca = folder.0.join("ca.pem");
    let (server, _, facts) = start(&folder, &["--tls", "--tls-ca", ca.to_str().unwrap()]);
    assert!(facts["endpoint"].as_str().unwrap().starts_with("https://127.0.0.1:"), "{facts}");
    assert_eq!(facts["ca_file"].as_str(), ca.to_str());
    assert_eq!(facts["ca_pem"].as_str(), std::fs::read_to_string(&ca).ok().as_deref());
    let ca_file = facts["ca_file"].as_str().unwrap();
    through(&facts, &["call", "DescribeRegions", "--ca-file", ca_file]).ended_with(0);
    let ran = through(&facts, &["call", "DescribeRegions"]).ended_with(1);
    assert!(ran.err.contains("certificate"), "{ran:?}");
    drop(server);
}

#[test]
fn a_seed_of_ones_own_and_checks_left_out() {
    let folder = Folder::new("seed");
    let seed = folder.0.join("seed.yaml");
    let yaml = "accounts:\n- keys: [{ secret_id: AKIDmine, secret_key: mine }]\n  images:\n  - { id: img-0000mine, region: ap-shanghai, name: mine }\n";
    std::fs::write(&seed, yaml).unwrap();
    let (_server, _, facts) =
        start(&folder, &["--seed", seed.to_str().unwrap(), "--skip-checks", "types,unknown-parameters"]);
    assert_eq!(facts["secret_id"], "AKIDmine");
    let args =
        ["call", "DescribeImages", "--unchecked", "ImageIds.0=img-0000mine", "Limit:=\"5\"", "Colour=red"];
    assert_eq!(through(&facts, &args).ended_with(0).json()["TotalCount"], 1);
}

#[cfg(unix)]
#[test]
fn requests_are_logged_for_programs() {
    let folder = Folder::new("log");
    let (mut server, _, facts) = start(&folder, &["--log", "json"]);
    through(&facts, &["call", "DescribeRegions"]).ended_with(0);
    through(&facts, &["call", "DescribeImages", "--unchecked", "Colour=red"]).ended_with(5);
    let mut log = String::new();
    let id = server.0.id().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    std::io::Read::read_to_string(&mut server.0.stderr.take().unwrap(), &mut log).unwrap();
    let lines: Vec<serde_json::Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let [first, second] = lines.as_slice() else { panic!("{log}") };
    assert_eq!((&first["action"], &first["level"]), (&"DescribeRegions".into(), &"INFO".into()));
    assert!(second["outcome"].as_str().unwrap().contains("UnknownParameter"), "{log}");
    assert!(!log.contains(facts["secret_key"].as_str().unwrap()));
}

#[test]
fn mistakes() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let ran = run(&["local", "--port", &port]).ended_with(1);
    assert!(ran.err.contains(&port), "{ran:?}");
    let folder = Folder::new("mistakes");
    let nowhere = folder.0.join("none").join("ready.json");
    let ran = run(&["local", "--ready-file", nowhere.to_str().unwrap()]).ended_with(1);
    assert!(ran.err.contains("ready file"), "{ran:?}");
    let ran = run(&["local", "--seed", nowhere.to_str().unwrap()]).ended_with(2);
    assert!(ran.err.contains("cannot read"), "{ran:?}");
    let ran = run(&["local", "--state", nowhere.to_str().unwrap()]).ended_with(1);
    assert!(ran.err.contains("state file"), "{ran:?}");
    let bad = folder.0.join("bad.yaml");
    std::fs::write(&bad, "colour: red").unwrap();
    let ran = run(&["local", "--seed", bad.to_str().unwrap()]).ended_with(2);
    assert!(ran.err.contains("bad.yaml") && ran.err.contains("colour"), "{ran:?}");
    let ran = run(&["local", "--state", bad.to_str().unwrap()]).ended_with(1);
    assert!(ran.err.contains("bad.yaml") && ran.err.contains("state file"), "{ran:?}");
    let ran = run(&["local", "--skip-checks", "colours"]).ended_with(2);
    assert!(ran.err.contains("unknown-parameters"), "{ran:?}");
    run(&["local", "--tls-ca", "ca.pem"]).ended_with(2);
    run(&["local", "--log-level", "debug"]).ended_with(2);
    run(&["local", "--port", "70000"]).ended_with(2);
    run(&["local", "--speed=-1"]).ended_with(2);
}
