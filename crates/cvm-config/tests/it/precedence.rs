//! What goes before what, and what is said of where it came from.

use cvm_config::{Loader, Origin, Setting};
use cvm_proto::{Language, Settings};

use crate::{CA, Home, INI};

/// A value for each level of a setting (given, variable, profile), and what the settings show of it.
fn values(setting: Setting) -> ([&'static str; 3], fn(&Settings) -> String) {
    let url: fn(&Settings) -> String = |settings| settings.endpoint.origin("ap-beijing").url().to_owned();
    // What the role and the address of the metadata service do is seen in the provider.
    let provider: fn(&Settings) -> String = |settings| format!("{:?}", settings.provider);
    match setting {
        Setting::Region => (["ap-a", "ap-b", "ap-c"], |settings| settings.region.clone().unwrap()),
        Setting::Endpoint => (["http://a", "http://b:1", "c"], url),
        Setting::RootDomain => (["a.example", "b.example", "c.example"], url),
        Setting::Internal => (["true", "false", "yes"], url),
        Setting::Scheme => (["http", "https", "HTTP"], url),
        Setting::BackupEndpoint => (["a", "b", "c"], |settings| format!("{:?}", settings.failover)),
        Setting::StsEndpoint => (["a", "b", "c"], |settings| format!("{:?}", settings.sts_endpoint)),
        Setting::Proxy => {
            (["http://a:1", "http://b:2", "http://c:3"], |settings| settings.proxy.clone().unwrap())
        }
        Setting::CaFile => (["~/a.pem", "~/b.pem", "~/c.pem"], |settings| format!("{:?}", settings.ca_pem)),
        Setting::Language => (["zh-CN", "en-US", "zh-cn"], |settings| format!("{:?}", settings.language)),
        Setting::RequestClient => (["a", "b;c", "d,e"], |settings| settings.request_client.clone().unwrap()),
        Setting::ConnectTimeout => {
            (["1", "2s", "300ms"], |settings| format!("{:?}", settings.connect_timeout))
        }
        Setting::AttemptTimeout => {
            (["1", "2s", "1m 1s"], |settings| format!("{:?}", settings.attempt_timeout))
        }
        Setting::CallTimeout => (["1", "2s", "3m"], |settings| format!("{:?}", settings.call_timeout)),
        Setting::Attempts => (["1", "2", "9"], |settings| settings.retry.attempts.to_string()),
        // A profile that names a role has a credential of its own by that.
        Setting::InstanceRole => (["one", "any", "off"], provider),
        Setting::MetadataEndpoint => (["a", "b", "c"], provider),
        new => panic!("{new} needs values here"),
    }
}

#[test]
fn given_then_environment_then_profile_then_default() {
    for setting in Setting::ALL.into_iter().filter(|setting| *setting != Setting::Profile) {
        let ([given, variable, profile], effect) = values(setting);
        let mut home = Home::new().with(INI, format!("[default]\n\n{setting} = {profile}\n"));
        for file in ["a", "b", "c"] {
            home = home.with(&format!("{file}.pem"), format!("{file}\n{CA}"));
        }
        let name = setting.variables()[0];
        let line = Origin::File { path: format!("~/{INI}"), line: 3 };
        let load = |in_environment: &str, give: bool| {
            // The role of the instance is off elsewhere in these tests.
            let variables = [("TENCENTCLOUD_INSTANCE_ROLE", ""), (name, in_environment)];
            let lookup = home.loader(&variables);
            let lookup = if give { lookup.set(setting, given) } else { lookup };
            let loaded = lookup.load().unwrap();
            let value = loaded.values.iter().find(|value| value.setting == setting).unwrap();
            (effect(&loaded.settings), value.shown.clone(), value.origin.clone())
        };
        let found = [load(variable, true), load(variable, false), load("", false)];
        for (found, (value, origin)) in
            found.iter().zip([(given, Origin::Given), (variable, Origin::Variable(name)), (profile, line)])
        {
            assert_eq!((&*found.1, &found.2), (value, &origin), "{setting}");
        }
        assert!(found[0].0 != found[1].0 && found[1].0 != found[2].0, "{setting} does something: {found:?}");
        let bare = Home::new().load(&[("TENCENTCLOUD_INSTANCE_ROLE", "")]);
        let value = bare.values.iter().find(|value| value.setting == setting).unwrap();
        assert_eq!((&*value.shown, &value.origin), (setting.default_text(), &Origin::Default));
    }
}

#[test]
fn a_ca_file_is_read_where_it_is_named() {
    let home = Home::new().with("ca.pem", CA).with(INI, "[default]\nca_file = ~/ca.pem\n");
    assert_eq!(home.load(&[]).settings.ca_pem.as_deref(), Some(CA.as_bytes()));
    let error = home.error(&[("TENCENTCLOUD_CA_FILE", "no-such.pem")]);
    assert!(error.starts_with("TENCENTCLOUD_CA_FILE: ca_file `no-such.pem` cannot be read"), "{error}");
}

#[test]
fn of_two_ways_to_name_the_host_the_nearer_counts() {
    let home = Home::new().with(INI, "[default]\nendpoint = near.example\nroot_domain = far.example\n");
    let url = |variables: &[(&str, &str)]| {
        home.load(variables).settings.endpoint.origin("ap-shanghai-fsi").url().to_owned()
    };
    assert_eq!(url(&[]), "https://near.example/");
    assert_eq!(
        url(&[("TENCENTCLOUD_ROOT_DOMAIN", "intl.tencentcloudapi.com")]),
        "https://cvm.ap-shanghai-fsi.intl.tencentcloudapi.com/"
    );
    assert_eq!(
        url(&[("TENCENTCLOUD_INTERNAL", "true"), ("TENCENTCLOUD_SCHEME", "http")]),
        "http://cvm.ap-shanghai-fsi.internal.tencentcloudapi.com/"
    );
    assert_eq!(url(&[("TENCENTCLOUD_SCHEME", "http")]), "http://near.example/");
    assert_eq!(
        url(&[("TENCENTCLOUD_ENDPOINT", "https://exact.example"), ("TENCENTCLOUD_SCHEME", "http")]),
        "https://exact.example/"
    );
}

#[test]
fn an_endpoint_that_is_nearer_has_no_sts_beside_it() {
    let home = Home::new().with(INI, "[default]\nsts_endpoint = sts.example\n");
    let sts = |loader: Loader| {
        let settings = loader.load().unwrap().settings;
        settings.sts_endpoint.map(|endpoint| endpoint.origin("").url().to_owned())
    };
    let in_profile = Some("https://sts.example/".to_owned());
    let own = ("TENCENTCLOUD_ENDPOINT", "http://127.0.0.1:8080");
    let beside = ("TENCENTCLOUD_STS_ENDPOINT", "http://127.0.0.1:9090");
    assert_eq!(sts(home.loader(&[])), in_profile);
    assert_eq!(sts(home.loader(&[("TENCENTCLOUD_INTERNAL", "true")])), in_profile, "that is no one address");
    assert_eq!(sts(home.loader(&[own])), None);
    assert_eq!(sts(home.loader(&[own, beside])).as_deref(), Some("http://127.0.0.1:9090/"));
    assert_eq!(sts(home.loader(&[beside]).endpoint("http://127.0.0.1:8080")), None);
    let given = home.loader(&[]).endpoint("http://127.0.0.1:8080").set(Setting::StsEndpoint, "sts.other");
    assert_eq!(sts(given).as_deref(), Some("https://sts.other/"));
}

#[test]
fn the_machines_proxy_is_the_last_that_is_asked() {
    let proxy = |variables: &[(&str, &str)], text: &str| {
        let home = Home::new().with(INI, text);
        let loaded = home.load(variables);
        let value = loaded.values.into_iter().find(|value| value.setting == Setting::Proxy).unwrap();
        (loaded.settings.proxy, value.shown, value.origin.to_string())
    };
    let https = ("HTTPS_PROXY", "http://me:hidden@corp:3128");
    let (address, shown, origin) = proxy(&[https], "");
    assert_eq!(address.as_deref(), Some(https.1));
    assert_eq!((&*shown, &*origin), ("http://***@corp:3128", "HTTPS_PROXY"));
    assert_eq!(proxy(&[("https_proxy", "corp:3128")], "").0.as_deref(), Some("http://corp:3128"));
    assert_eq!(proxy(&[https], "[default]\nproxy = http://own:1\n").0.as_deref(), Some("http://own:1"));
    for none in [
        &[https, ("TENCENTCLOUD_PROXY", "none")][..],
        &[https, ("NO_PROXY", "localhost, .tencentcloudapi.com")],
        &[https, ("TENCENTCLOUD_ENDPOINT", "http://127.0.0.1:8080")],
        &[("http_proxy", "http://corp:3128"), ("TENCENTCLOUD_ENDPOINT", "http://127.0.0.1:8080")],
        &[("HTTP_PROXY", "http://corp:3128"), ("TENCENTCLOUD_ENDPOINT", "http://example.com")],
    ] {
        assert_eq!(proxy(none, "").0, None, "{none:?}");
    }
}

#[test]
fn the_profile_is_a_setting_as_well() {
    let text = "[default]\nregion = ap-default\n[a]\nregion = ap-a\n[b]\nregion = ap-b\n";
    let home = Home::new().with(INI, text);
    let region = |loader: Loader| loader.load().unwrap().settings.region.unwrap();
    assert_eq!(region(home.loader(&[])), "ap-default");
    assert_eq!(region(home.loader(&[("TCCLI_PROFILE", "a")])), "ap-a");
    assert_eq!(region(home.loader(&[("TCCLI_PROFILE", "a"), ("TENCENTCLOUD_PROFILE", "b")])), "ap-b");
    assert_eq!(region(home.loader(&[("TENCENTCLOUD_PROFILE", "b")]).profile("a")), "ap-a");
    assert_eq!(region(home.loader(&[("TENCENTCLOUD_REGION", "ap-x")]).profile("a")), "ap-x");
}

#[test]
fn the_language_of_the_profile_is_the_services() {
    let home = Home::new().with(INI, "[default]\nlanguage = en-US\n");
    assert_eq!(home.load(&[]).settings.language, Some(Language::English));
}

#[test]
fn a_setting_that_is_left_at_its_default_is_set_by_nobody() {
    let home = Home::new().with(INI, "[default]\nproxy = http://corp:3128\nroot_domain = example.com\n");
    let variables = [("TENCENTCLOUD_BACKUP_ENDPOINT", "nowhere:x"), ("HTTPS_PROXY", "http://corp:3128")];
    let settings = [Setting::Proxy, Setting::RootDomain, Setting::BackupEndpoint];
    let undecided = settings.into_iter().fold(home.loader(&variables), Loader::at_default);
    let loaded = undecided.clone().load().unwrap();
    assert!(loaded.settings.proxy.is_none() && loaded.settings.failover.is_none());
    for value in loaded.values.iter().filter(|value| settings.contains(&value.setting)) {
        assert_eq!((&*value.shown, &value.origin), (value.setting.default_text(), &Origin::Given));
    }
    let given = undecided.set(Setting::Proxy, "http://other:1").load().unwrap();
    assert_eq!(
        given.settings.proxy.as_deref(),
        Some("http://other:1"),
        "what is given later takes precedence"
    );
}
