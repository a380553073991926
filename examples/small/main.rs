//! Three actions and little else: `cargo xtask size` holds what this links to below 3 MB.

use cvm_ureq::api::{DescribeImageQuota, DescribeImages, SyncImages};
use cvm_ureq::{Client, Error};

fn main() -> Result<(), Error> {
    let client = Client::from_env()?;
    let quota = client.send(DescribeImageQuota::default())?;
    println!("{} images at most", quota.image_num_quota);
    for image in client.items(DescribeImages::default()) {
        let image = image?;
        println!("{}  {}", image.image_id, image.image_name);
    }
    let mut args = std::env::args().skip(1);
    if let (Some(image), Some(region)) = (args.next(), args.next()) {
        let answer = client.send(SyncImages::new([image], [region]).image_set_required(true))?;
        println!("{:?}", answer.image_set);
    }
    Ok(())
}
