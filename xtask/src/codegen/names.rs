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

/// A value of an enum as the name of a constant: `Legacy BIOS` to `LEGACY_BIOS`, `x86_64` to `X86_64`.
pub(super) fn constant(value: &str) -> String {
    let words: String =
        if value.chars().any(|c| c.is_ascii_lowercase()) && value.chars().any(|c| c.is_ascii_uppercase()) {
            snake(value)
        } else {
            value.to_string()
        };
    let name: String =
        words.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect();
    let name = name.trim_matches('_').replace("__", "_");
    if name.starts_with(|c: char| c.is_ascii_digit()) { format!("N{name}") } else { name }
}

/// An error code as the name of a variant: `InvalidImageId.NotFound` to `InvalidImageIdNotFound`.
pub(super) fn variant(code: &str) -> String {
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
        assert_eq!(constant("Legacy BIOS"), "LEGACY_BIOS");
        assert_eq!(constant("TencentCloud"), "TENCENT_CLOUD");
        assert_eq!(constant("x86_64"), "X86_64");
    }
}
