//! Addresses of endpoints and proxies, and the hosts that no proxy is asked for.

use cvm_proto::api::DescribeImages;
use cvm_proto::{
    Call, Config, Endpoint, ErrorKind, Failover, Machine, NoProxy, Now, ProxyAddress, ProxyScheme, Step,
};

use crate::driver::{UNIX, settings};

fn excepts(list: &str, address: &str) -> bool {
    NoProxy::list(list).excepts(&Endpoint::explicit(address).unwrap().origin(""))
}

#[test]
fn a_proxy_is_read_whole() {
    let check = |address: &str, expected: (ProxyScheme, &str, u16, Option<(&str, &str)>)| {
        let proxy: ProxyAddress = address.parse().unwrap();
        let user = proxy.user().zip(proxy.password());
        assert_eq!((proxy.scheme(), proxy.host(), proxy.port(), user), expected, "{address}");
        assert_eq!(proxy.to_url().parse::<ProxyAddress>().unwrap(), proxy, "{address}");
    };
    check("http://127.0.0.1:3128", (ProxyScheme::Http, "127.0.0.1", 3128, None));
    check("HTTPS://Proxy.Example/", (ProxyScheme::Https, "proxy.example", 443, None));
    check("http://proxy", (ProxyScheme::Http, "proxy", 80, None));
    check("socks5://[::1]", (ProxyScheme::Socks5, "[::1]", 1080, None));
    check(
        " socks5h://me:p%40s%3As+%E9%95%9C@h:1\r\n",
        (ProxyScheme::Socks5h, "h", 1, Some(("me", "p@s:s+镜"))),
    );
    check("http://me:a:b@c@h", (ProxyScheme::Http, "h", 80, Some(("me", "a:b@c"))));
    check("http://me@h", (ProxyScheme::Http, "h", 80, Some(("me", ""))));
    check("http://@h", (ProxyScheme::Http, "h", 80, None));
}

#[test]
fn what_is_no_proxy_is_said_without_its_password() {
    for (address, part) in [
        ("http://u:hidden@host:x", "a port that is not a number"),
        ("http://u:hidden@host:99999", "a port"),
        ("http://u:hidden@host:-1", "a port"),
        ("http://u:hidden@host:3128x", "a port"),
        ("http://u:hidden@host:", "a port"),
        ("http://u:hidden@host:0", "a port"),
        ("http://u:hidden@host: 80", "a port"),
        ("http://u:hidden@", "no host"),
        ("http://u:hidden@ho st", "not one"),
        ("http://u:hidden@::1", "not one"),
        ("http://u:hidden@host\u{200b}", "not one"),
        ("http://u:hidden", "a port"),
        ("http://u:hidden/x@host", "a path"),
        ("http://u:hid%zzden@host", "percent-encoded"),
        ("http://u:hidden%FF@host", "percent-encoded"),
        ("ftp://u:hidden@host", "a scheme other than http, https, socks5 and socks5h"),
        ("socks4://u:hidden@host", "a scheme"),
        ("u:hidden@host:3128", "no scheme"),
        ("socks5://hidden@host", "SOCKS"),
        ("", "no host"),
    ] {
        let error = address.parse::<ProxyAddress>().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        let text = error.to_string();
        assert!(text.starts_with("proxy `") && text.contains(part), "{address}: {text}");
        assert!(!text.contains("hidden") && !text.contains("den@"), "{text}");
    }
    let proxy: ProxyAddress = "http://u:hidden@host".parse().unwrap();
    assert_eq!(format!("{proxy} {proxy:?}"), "http://***@host:80 ProxyAddress(http://***@host:80)");
}

#[test]
fn no_proxy_is_read_as_curl_reads_it() {
    let host = "https://cvm.tencentcloudapi.com";
    for (list, address, expected) in [
        ("*", host, true),
        ("x, *", host, true),
        ("tencentcloudapi.com", host, true),
        (".tencentcloudapi.com", host, true),
        ("*.tencentcloudapi.com", host, true),
        ("tencentcloudapi.com.", host, true),
        ("CVM.TencentCloudApi.com", host, true),
        ("localhost,tencentcloudapi.com", host, true),
        ("localhost tencentcloudapi.com", host, true),
        (" localhost ,\ttencentcloudapi.com\r\n", host, true),
        ("tencentcloudapi.com:443", host, true),
        ("tencentcloudapi.com:8443", host, false),
        ("tencentcloudapi.com:8443", "https://cvm.tencentcloudapi.com:8443", true),
        ("tencentcloudapi.com:80", "http://cvm.tencentcloudapi.com", true),
        ("tencentcloudapi.com:x", host, false),
        ("cloudapi.com", host, false),
        ("vm.tencentcloudapi.com", host, false),
        ("a.cvm.tencentcloudapi.com", host, false),
        ("", host, false),
        (", ,,", host, false),
        (".", host, false),
        ("com", host, true),
        ("10.1.2.3", "http://10.1.2.3:8080", true),
        ("10.1.2.3:8080", "http://10.1.2.3:8080", true),
        ("10.1.2.3:80", "http://10.1.2.3:8080", false),
        ("10.1.2.4", "http://10.1.2.3", false),
        ("3", "http://10.1.2.3", false),
        (".2.3", "http://10.1.2.3", false),
        ("10.0.0.0/8", "http://10.1.2.3", true),
        ("10.99.0.0/8", "http://10.1.2.3", true),
        ("10.1.2.0/31", "http://10.1.2.1", true),
        ("10.1.2.0/31", "http://10.1.2.2", false),
        ("10.1.2.3/32", "http://10.1.2.3", true),
        ("0.0.0.0/0", "http://10.1.2.3", true),
        ("0.0.0.0/0", "http://[::1]", false),
        ("10.0.0.0/33", "http://10.1.2.3", false),
        ("10.0.0.0/x", "http://10.1.2.3", false),
        ("10.0.0.0/8", host, false),
        ("::1", "http://[::1]:8080", true),
        ("[::1]", "http://[::1]:8080", true),
        ("[::1]:8080", "http://[::1]:8080", true),
        ("[::1]:80", "http://[::1]:8080", false),
        ("2001:DB8::7", "http://[2001:db8:0:0::7]", true),
        ("2001:db8::/32", "http://[2001:db8:ffff::1]", true),
        ("[2001:db8::]/32", "http://[2001:db8:ffff::1]", true),
        ("2001:db8::/32", "http://[2001:db9::1]", false),
        ("::/0", "http://[2001:db9::1]", true),
        ("fe80::1%eth0", "http://[fe80::1]", false),
        ("127.0.0.1", "http://[::ffff:127.0.0.1]", true),
    ] {
        assert_eq!(excepts(list, address), expected, "{list:?} and {address}");
    }
}

#[test]
fn loopback_is_this_machine_by_all_its_names() {
    let none = NoProxy::list("").and_loopback();
    for (address, expected) in [
        ("http://localhost:8080", true),
        ("http://cvm.localhost", true),
        ("http://127.0.0.1", true),
        ("http://127.9.9.9", true),
        ("http://[::1]", true),
        ("http://[::ffff:127.0.0.1]", true),
        ("http://10.0.0.1", false),
        ("http://notlocalhost", false),
    ] {
        assert_eq!(none.excepts(&Endpoint::explicit(address).unwrap().origin("")), expected, "{address}");
    }
    assert!(NoProxy::default().is_empty() && !none.is_empty());
}

#[test]
fn each_host_is_judged_for_itself() {
    let past_proxy = |list: &str, region: &str| {
        let mut settings = settings();
        settings.proxy = Some("http://proxy:3128".into());
        settings.no_proxy = NoProxy::list(list);
        settings.failover = Some(Failover::to(Endpoint::explicit("backup.example").unwrap()));
        let config = Config::new(settings).unwrap().with_region(region).unwrap();
        let mut call = Call::new(&config, DescribeImages::default(), 1);
        match call.poll(Now::new(UNIX, std::time::Duration::ZERO)) {
            Step::Send(request) => request.bypasses_proxy(),
            step => panic!("{step:?}"),
        }
    };
    let fsi = "cvm.ap-shanghai-fsi.tencentcloudapi.com";
    assert!(!past_proxy("", "ap-beijing") && past_proxy("tencentcloudapi.com", "ap-beijing"));
    assert!(!past_proxy(fsi, "ap-beijing") && past_proxy(fsi, "ap-shanghai-fsi"));
    assert!(!past_proxy("backup.example", "ap-beijing"), "that is another host");
}

mod properties {
    use std::net::{IpAddr, Ipv6Addr};

    use cvm_proto::input;
    use proptest::prelude::*;

    use super::*;

    /// What somebody might write for an address, and anything else.
    fn address() -> impl Strategy<Value = String> {
        prop_oneof![
            "(https?|socks5h?|ftp)?(://)?([a-z%:/@]{0,6}hidden@)?[a-zA-Z0-9.\\[\\]:-]{0,12}(:[0-9x-]{0,6})?[/?#]?",
            any::<String>(),
        ]
    }

    proptest! {
        /// Whatever is written: an address that is read says the same again, and no password is shown.
        #[test]
        fn a_proxy_is_read_or_refused(written in address()) {
            match written.parse::<ProxyAddress>() {
                Ok(proxy) => {
                    prop_assert_eq!(&proxy.to_url().parse::<ProxyAddress>().unwrap(), &proxy);
                    let shown = format!("{proxy} {proxy:?}");
                    prop_assert!(!shown.contains("hidden"), "{}", shown);
                    prop_assert!(proxy.port() > 0 && !proxy.host().is_empty());
                }
                Err(error) => prop_assert!(!error.to_string().contains("hidden@"), "{}", error),
            }
        }

        #[test]
        fn an_endpoint_is_read_or_refused(written in address()) {
            match Endpoint::explicit(&written) {
                Ok(endpoint) => {
                    let origin = endpoint.origin("ap-guangzhou");
                    prop_assert_eq!(&Endpoint::explicit(origin.url()).unwrap(), &endpoint);
                    prop_assert!(!written.contains('@') && origin.url().is_ascii());
                }
                Err(error) => prop_assert!(!error.to_string().contains("hidden@"), "{}", error),
            }
            let _ = Endpoint::root_domain(&written);
        }

        /// The password of any user comes out as it went in.
        #[test]
        fn any_password_can_be_written(user in "[^\\x00-\\x1f]{1,20}", password in any::<String>()) {
            let mut url = String::from("http://");
            cvm_proto::codec::percent::encode_into(&user, &mut url);
            url.push(':');
            cvm_proto::codec::percent::encode_into(&password, &mut url);
            let proxy: ProxyAddress = format!("{url}@host:1").parse().unwrap();
            prop_assert_eq!((proxy.user(), proxy.password()), (Some(&*user), Some(&*password)));
        }

        /// No list ends badly, and a host that is in it by its own name or address is found.
        #[test]
        fn no_proxy_lists(list in "[a-z0-9.,:/\\[\\]* ]{0,40}", any in any::<String>(), bits: u128, v4: u32) {
            for address in [IpAddr::from(Ipv6Addr::from_bits(bits)), IpAddr::from(v4.to_be_bytes())] {
                let url = if address.is_ipv6() { format!("http://[{address}]") } else { format!("http://{address}") };
                excepts(&any, &url);
                let listed = format!("{list},{address}");
                prop_assert!(excepts(&listed, &url), "{} in {}", url, listed);
            }
            let listed = format!("{list} cvm.example");
            prop_assert!(excepts(&listed, "https://cvm.example"), "{}", listed);
        }

        /// The bits of a network are those of its addresses.
        #[test]
        fn networks(net: u32, address: u32, bits in 0_u32..=32) {
            let shown = |bits: u32| std::net::Ipv4Addr::from_bits(bits);
            let same = bits == 0 || net >> (32 - bits) == address >> (32 - bits);
            let list = format!("{}/{bits}", shown(net));
            prop_assert_eq!(excepts(&list, &format!("http://{}", shown(address))), same, "{}", list);
        }

        /// Whatever bytes come in: text, or a reason with a line that is there.
        #[test]
        fn any_bytes_are_text_or_not(bytes: Vec<u8>) {
            match input::text(&bytes) {
                Ok(text) => prop_assert!(bytes.ends_with(text.as_bytes())),
                Err(error) => prop_assert!(error.line() <= bytes.split(|&byte| byte == b'\n').count()),
            }
            if let Err(error) = input::json::<serde_json::Value>(&bytes) {
                prop_assert!(error.line() >= 1 && !error.at("f").contains('\n'));
            }
        }
    }
}
