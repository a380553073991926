//! Names of the service made into names of Rust.

/// `ImageIds` to `image_ids`, `GPUDriver` to `gpu_driver`, `IPv6Addresses` to `ipv6_addresses`.
pub(super) fn snake(name: &str) -> String {
    let name = name.replace("IPv", "Ipv");
    let chars: Vec<char> = name.chars().collect();
    let mut out = String::new();
    for (at, &c) in chars.iter().enumerate() {
        if c.is_ascii_uppercase() && at > 0 {
            let after_lower = !chars[at - 1].is_ascii_uppercase();
            // The last capital of a run begins a word if a small letter follows, except a plural: `OSs`.
            let before_lower = chars.get(at + 1).is_some_and(char::is_ascii_lowercase);
            if after_lower || before_lower {
                out.push('_');
            }
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}

/// A member's name as that of a field or a method.
pub(super) fn field(name: &str) -> String {
    let name = snake(name);
    if matches!(name.as_str(), "type" | "match" | "ref" | "move" | "use" | "final") {
        format!("r#{name}")
    } else {
        name
    }
}

/// Values that run words together, and what they would be if they did not.
const RUN_TOGETHER: [(&str, &str); 10] = [
    ("AntiDDoSEIP", "Anti_Ddos_Eip"),
    ("CDCPAID", "CDC_PAID"),
    ("CDHPAID", "CDH_PAID"),
    ("CREATEFAILED", "CREATE_FAILED"),
    ("EIPv6", "EIPV6"),
    ("HighQualityEIPv6", "High_Quality_Eipv6"),
    ("IMPORTFAILED", "IMPORT_FAILED"),
    ("NOTISOLATED", "NOT_ISOLATED"),
    ("SPOTPAID", "SPOT_PAID"),
    ("keypair", "key_pair"),
];

/// A value of an enum as the name of a variant: `CLOUD_SSD` to `CloudSsd`, `Legacy BIOS` to `LegacyBios`, `x86_64` to
/// `X86_64`.
pub(super) fn variant(value: &str) -> String {
    let value = RUN_TOGETHER.iter().find(|(run, _)| *run == value).map_or(value, |(_, apart)| apart);
    let mut out = String::new();
    for part in value.split(|c: char| !c.is_ascii_alphanumeric()) {
        // Capitals begin words only where small letters are among them.
        let has_small = part.chars().any(|c| c.is_ascii_lowercase());
        let words = if has_small { snake(part) } else { part.to_ascii_lowercase() };
        for word in words.split('_').filter(|word| !word.is_empty()) {
            let joins_digits =
                out.ends_with(|c: char| c.is_ascii_digit()) && word.starts_with(|c: char| c.is_ascii_digit());
            if joins_digits {
                out.push('_');
            }
            out.push_str(&word[..1].to_ascii_uppercase());
            out.push_str(&word[1..]);
        }
    }
    out
}

/// An error code as the name of a variant: `InvalidImageId.NotFound` to `InvalidImageIdNotFound`.
pub(super) fn error_code(code: &str) -> String {
    match code {
        // Without its dot it would be another code, `InvalidParameterValue.TooLarge`.
        "InvalidParameter.ValueTooLarge" => "InvalidParameterValueIsTooLarge".into(),
        _ => code.replace('.', ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for (name, expected) in [
            ("ImageIds", "image_ids"),
            ("GPUDriver", "gpu_driver"),
            ("FPGAUrl", "fpga_url"),
            ("IPv6Addresses", "ipv6_addresses"),
            ("PublicIPAddress", "public_ip_address"),
            ("VPCId", "vpc_id"),
            ("Type", "type"),
        ] {
            assert_eq!(snake(name), expected);
        }
        assert_eq!(field("Type"), "r#type");
    }

    #[test]
    fn values_become_variants() {
        for (value, expected) in [
            ("NORMAL", "Normal"),
            ("CREATEFAILED", "CreateFailed"),
            ("POSTPAID_BY_HOUR", "PostpaidByHour"),
            ("CLOUD_BSSD", "CloudBssd"),
            ("Legacy BIOS", "LegacyBios"),
            ("TencentCloud", "TencentCloud"),
            ("WanIP", "WanIp"),
            ("HighQualityEIPv6", "HighQualityEipv6"),
            ("one-time", "OneTime"),
            ("x86_64", "X86_64"),
            ("arm_64", "Arm64"),
            ("CPM2.0", "Cpm2_0"),
        ] {
            assert_eq!(variant(value), expected);
        }
    }
}
