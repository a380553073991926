//! What a job's journal is called.

use std::path::Path;

use cvm_proto::SyncEndpoint;

/// What a job's file is named by. All else that belongs to the job is compared by what is in the file.
pub(crate) struct Identity<'a> {
    pub(crate) endpoint: &'a SyncEndpoint,
    pub(crate) source_region: &'a str,
    pub(crate) images: &'a [String],
    pub(crate) regions: &'a [String],
    pub(crate) name: Option<&'a str>,
}

impl Identity<'_> {
    /// The same for the same job in every build, whichever order its lists have.
    pub(super) fn file_name(&self) -> String {
        let (images, regions) = (sorted(self.images), sorted(self.regions));
        let identity =
            serde_json::json!([self.endpoint, self.source_region, images, regions, self.name]).to_string();
        file_name(images.first().copied(), &identity)
    }
}

/// What is shown of the service's own hosts.
pub(super) const SERVICE: &str = "service";

/// An endpoint as one word, for tables and programs: `service`, `embedded`, or host and port.
pub(crate) fn endpoint_word(endpoint: &SyncEndpoint) -> String {
    // In a journal, too, it is one word; hosts have a mark there.
    let stored = serde_json::to_value(endpoint).unwrap_or_default();
    stored.as_str().unwrap_or_default().trim_start_matches('/').to_owned()
}

pub(super) fn sorted(list: &[String]) -> Vec<&str> {
    let mut sorted: Vec<&str> = list.iter().map(String::as_str).collect();
    sorted.sort_unstable();
    sorted
}

/// An image, for people, and a hash of all.
pub(super) fn file_name(image: Option<&str>, identity: &str) -> String {
    let image = image.unwrap_or("none").chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-');
    let image: String = image.take(40).collect();
    format!("{image}-{:016x}.json", fnv1a(identity.as_bytes()))
}

/// The digits of a journal's ID: those in its name, or of a hash of a name that somebody else gave it.
pub(super) fn digits(path: &Path) -> String {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let is_hash = |digits: &str| {
        digits.len() == 16 && digits.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
    };
    match stem.rsplit_once('-') {
        Some((_, digits)) if is_hash(digits) => digits.to_owned(),
        _ => format!("{:016x}", fnv1a(stem.as_bytes())),
    }
}

/// FNV-1a: it only has to tell a user's jobs apart, and to stay the same from build to build.
fn fnv1a(bytes: &[u8]) -> u64 {
    let step = |hash: u64, &byte: &u8| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, step)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(images: &[&str], regions: &[&str], name: Option<&str>) -> String {
        let owned = |list: &[&str]| list.iter().map(ToString::to_string).collect::<Vec<_>>();
        let endpoint: SyncEndpoint = serde_json::from_str("\"service\"").unwrap();
        assert_eq!(endpoint_word(&endpoint), SERVICE);
        let (images, regions) = (owned(images), owned(regions));
        let (images, regions) = (&images, &regions);
        Identity { endpoint: &endpoint, source_region: "ap-shanghai", images, regions, name }.file_name()
    }

    #[test]
    fn hashes_are_the_published_ones() {
        assert_eq!(fnv1a(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a(b"foobar"), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn a_job_has_the_same_name_in_every_build_and_whichever_order_its_lists_have() {
        let one = name(&["img-b", "img-a"], &["ap-tokyo", "ap-beijing"], None);
        assert_eq!(one, "img-a-c05986fcaf295955.json", "journals would be lost");
        assert_eq!(name(&["img-a", "img-b"], &["ap-beijing", "ap-tokyo"], None), one);
        assert_ne!(name(&["img-a", "img-b"], &["ap-beijing", "ap-tokyo"], Some("golden")), one);
        assert_ne!(name(&["img-a"], &["ap-beijing", "ap-tokyo"], None), one);
    }

    #[test]
    fn every_file_has_an_id() {
        assert_eq!(digits(Path::new("/x/img-a-f37f0d2ee0a2b3ae.json")), "f37f0d2ee0a2b3ae");
        assert_eq!(digits(Path::new("/x/nightly.json")).len(), 16);
    }
}
