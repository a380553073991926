//! Every example runs as its first line says, on an endpoint inside its process.

use std::process::{Command, Output};

/// The examples, and a part of what each prints.
const EXAMPLES: [(&str, &str); 11] = [
    ("async", "the copy would be accepted"),
    ("blocking", "the copy would be accepted"),
    ("by_hand", "img-o3ycss2p"),
    ("hyper", "img-o3ycss2p"),
    ("replay", "recorded and replayed"),
    ("service", "stopped gracefully: \"started\""),
    ("sync_async", "ap-guangzhou: copied"),
    ("sync_blocking", "ap-guangzhou: copied"),
    ("tower", " requests"),
    ("traceparent", "DescribeImages traceparent=00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000002-01"),
    ("vault", "the vault was asked"),
];

#[test]
fn every_example_runs() {
    for (name, printed) in EXAMPLES {
        let mut command = Command::new(env!("CARGO"));
        command.args(["run", "--quiet", "--offline", "--package", env!("CARGO_PKG_NAME"), "--example", name]);
        // What the environment of a test says of an account is for no example.
        for (variable, _) in std::env::vars_os() {
            if variable.to_string_lossy().starts_with("TENCENTCLOUD_") {
                command.env_remove(variable);
            }
        }
        let Output { status, stdout, stderr } = command.output().expect("cargo runs, as it runs this test");
        let (stdout, stderr) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
        assert!(status.success() && stdout.contains(printed), "{name}: {stdout}{stderr}");
    }
}

#[test]
fn no_example_is_left_out() {
    let manifest = include_str!("../Cargo.toml");
    let named = manifest.split("[[example]]\nname = \"").skip(1).filter_map(|rest| rest.split('"').next());
    assert!(named.eq(EXAMPLES.map(|(name, _)| name)), "the list has to be that of Cargo.toml");
}
