//! Proxies and other addresses: where a mistake was made, without the password in it, and whose proxy is used.

use cvm_config::Setting;
use cvm_proto::api::DescribeImages;
use cvm_proto::{Call, Config, Machine, Now, Step};

use crate::{Home, INI};

#[test]
fn a_mistake_in_an_address_names_its_place_and_no_password() {
    let addresses = [
        "http://u:hidden@host:x",
        "http://u:hidden@host:99999",
        "http://u:hidden@host:-1",
        "http://u:hidden@host:3128x",
        "http://u:hidden@host:",
        "http://u:hidden@ho st",
        "ftp://u:hidden@host",
        "http://u:hidden@",
    ];
    for address in addresses {
        for setting in [
            Setting::Proxy,
            Setting::Endpoint,
            Setting::BackupEndpoint,
            Setting::StsEndpoint,
            Setting::MetadataEndpoint,
            Setting::RootDomain,
        ] {
            let variable = setting.variables()[0];
            let ini = format!("[default]\n{setting} = {address}\n");
            let word = if setting == Setting::Proxy { "proxy `" } else { "" };
            for (error, place) in [
                (Home::new().error(&[(variable, address)]), format!("{variable}: {word}")),
                (Home::new().with(INI, ini).error(&[]), format!("~/{INI}:2: {word}")),
                (
                    Home::new().loader(&[]).set(setting, address).load().unwrap_err().to_string(),
                    word.to_owned(),
                ),
            ] {
                assert!(error.starts_with(&place) && error.contains("***"), "{setting} {address}: {error}");
                assert!(!error.contains("hidden"), "{error}");
            }
        }
        let error = Home::new().error(&[("https_proxy", address)]);
        assert!(error.starts_with("https_proxy: proxy `") && !error.contains("hidden"), "{error}");
    }
    let tccli = r#"{ "cvm": { "endpoint": "me:hidden@host" } }"#;
    let error = Home::new().with(".tccli/default.configure", tccli).error(&[]);
    assert!(error.starts_with("~/.tccli/default.configure:1: endpoint `***@host`"), "{error}");
}

/// The proxy that is used, and where it was found.
fn used(variables: &[(&str, &str)]) -> (Option<String>, String) {
    let loaded = Home::new().load(variables);
    let value = loaded.values.into_iter().find(|value| value.setting == Setting::Proxy).unwrap();
    (loaded.settings.proxy, value.origin.to_string())
}

#[test]
fn the_machines_variables_are_read_as_curl_reads_them() {
    let plain = ("TENCENTCLOUD_ENDPOINT", "http://cvm.example");
    let [lower, upper] = [("https_proxy", "http://lower:1"), ("HTTPS_PROXY", "http://upper:1")];
    let [all, all_upper] = [("all_proxy", "socks5h://all:1"), ("ALL_PROXY", "http://all-upper:1")];
    for (variables, expected) in [
        (&[lower, upper, all][..], Some(("http://lower:1", "https_proxy"))),
        (&[upper, all], Some(("http://upper:1", "HTTPS_PROXY"))),
        (&[all, all_upper], Some(("socks5h://all:1", "all_proxy"))),
        (&[all_upper], Some(("http://all-upper:1", "ALL_PROXY"))),
        (&[("https_proxy", ""), upper], Some(("http://upper:1", "HTTPS_PROXY"))),
        (&[("HTTPS_PROXY", "proxy:3128\n")], Some(("http://proxy:3128", "HTTPS_PROXY"))),
        (&[plain, lower, upper], None),
        (&[plain, ("HTTP_PROXY", "http://set-by-a-request:1")], None),
        (&[plain, ("http_proxy", "http://plain:1"), all], Some(("http://plain:1", "http_proxy"))),
        (&[plain, lower, all_upper], Some(("http://all-upper:1", "ALL_PROXY"))),
        (&[all, ("no_proxy", ".tencentcloudapi.com")], None),
        (&[all, ("NO_PROXY", "localhost tencentcloudapi.com:443")], None),
        (&[all, ("NO_PROXY", "tencentcloudapi.com:80")], Some(("socks5h://all:1", "all_proxy"))),
        (&[all, ("no_proxy", "x"), ("NO_PROXY", "*")], Some(("socks5h://all:1", "all_proxy"))),
        (&[all, ("TENCENTCLOUD_ENDPOINT", "https://[2001:db8::1]"), ("NO_PROXY", "2001:db8::/32")], None),
        (&[all, ("TENCENTCLOUD_ENDPOINT", "https://10.1.2.3:8443"), ("NO_PROXY", "10.0.0.0/8")], None),
        (&[all, ("TENCENTCLOUD_ENDPOINT", "https://[::1]:8443")], None),
        (&[all, ("TENCENTCLOUD_PROXY", "none")], None),
    ] {
        let (proxy, origin) = used(variables);
        match expected {
            Some(expected) => {
                let found = (proxy.as_deref(), &*origin);
                assert_eq!(found, (Some(expected.0), expected.1), "{variables:?}");
            }
            None => assert_eq!(proxy, None, "{variables:?}"),
        }
    }
    let error = Home::new().error(&[("ALL_PROXY", "socks4://me:hidden@corp:1080")]);
    assert!(error.starts_with("ALL_PROXY: proxy `socks4://***@corp:1080` has a scheme"), "{error}");
}

#[test]
fn hosts_beside_the_endpoint_are_judged_for_themselves() {
    let past_proxy = |no_proxy: &str, region: &str| {
        let loaded = Home::new().load(&[
            ("TENCENTCLOUD_SECRET_ID", "AKIDx"),
            ("TENCENTCLOUD_SECRET_KEY", "k"),
            ("HTTPS_PROXY", "http://proxy:3128"),
            ("NO_PROXY", no_proxy),
        ]);
        let config = Config::new(loaded.settings).unwrap().with_region(region).unwrap();
        match Call::new(&config, DescribeImages::default(), 1)
            .poll(Now::new(1_551_113_065, std::time::Duration::ZERO))
        {
            Step::Send(request) => request.bypasses_proxy(),
            step => panic!("{step:?}"),
        }
    };
    let fsi = "cvm.ap-shanghai-fsi.tencentcloudapi.com";
    assert!(past_proxy(fsi, "ap-shanghai-fsi"));
    assert!(!past_proxy(fsi, "ap-shanghai") && !past_proxy("localhost", "ap-shanghai-fsi"));
}
