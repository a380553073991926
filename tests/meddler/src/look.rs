//! Looks at the endpoint's images past the meddler.

use cvm_proto::Error;
use cvm_proto::api::DescribeImages;
use cvm_ureq::Client;
use serde_json::Value;

use crate::proxy::Meddler;

/// Looks at all images of some regions and tells the meddler. `client` goes to the endpoint itself.
///
/// # Errors
///
/// Why the endpoint did not answer.
pub fn look(client: &Client, regions: &[&str], meddler: &Meddler) -> Result<(), Error> {
    for &region in regions {
        let since = meddler.now();
        let images: Vec<_> =
            client.with_region(region)?.items(DescribeImages::default()).collect::<Result<_, _>>()?;
        let images: Vec<Value> = images.iter().map(|image| serde_json::json!(image)).collect();
        meddler.saw(region, &images, since);
    }
    Ok(())
}
