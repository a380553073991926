//! An embedded Tencent Cloud CVM endpoint (API version 2017-03-12) for tests and trials.
//!
//! It speaks the API over HTTP on a loopback port, and is strict: it checks signatures (TC3-HMAC-SHA256, HmacSHA256,
//! HmacSHA1) and their 300 s window, parameters and their types, regions, sizes, request rates and quotas. Images live
//! on a [`Clock`] that can be real, faster, or moved by the test. [`Faults`] make it misbehave on demand. It serves HTTP or
//! HTTPS, and can keep its state in a file. Nothing leaves the machine, and no account is needed.
//!
//! ```
//! use cvm_local::{Clock, CvmLocal};
//!
//! let local = CvmLocal::builder().clock(Clock::stepped()).start()?;
//! println!("{} takes requests signed with {}", local.endpoint(), local.secret_id());
//! assert_eq!(local.images("ap-shanghai")[0].image_id, "img-o3ycss2p");
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! # In tests
//!
//! | what a test needs | |
//! |---|---|
//! | a client | [`CvmLocal::settings`], for `Client::from_settings` of `cvm-ureq` and `cvm-reqwest` |
//! | only what it is about | [`Seed::empty`], [`Seed::image`], [`Seed::instance`] |
//! | copies that arrive when it says so | [`Clock::stepped`], [`CvmLocal::advance`] |
//! | no waiting | [`Clock::auto_advanced`] |
//! | the moment at which a request has arrived | [`CvmLocal::wait_for`], [`CvmLocal::wait_for_async`] |
//! | what was asked, and what came of it | [`CvmLocal::requests`] |
//! | trouble | [`Fault`] |
//!
//! # Actions
//!
//! | what | actions |
//! |---|---|
//! | images | `CreateImage`, `DeleteImages`, `DescribeImageFromFamily`, `DescribeImageQuota`, `DescribeImages`, `DescribeImportImageOs`, `ExportImages`, `ImportImage`, `ModifyImageAttribute`, `SyncImages` |
//! | sharing | `DescribeImageSharePermission`, `ModifyImageSharePermission` |
//! | regions | `DescribeRegions`, `DescribeZones` |
//! | instances, as far as images need them | `DescribeInstances`, `DescribeInstancesStatus`, `RebootInstances`, `RunInstances`, `StartInstances`, `StopInstances`, `TerminateInstances` |
//!
//! The service's other actions are refused with `UnsupportedOperation` and a message that says so, unknown names with
//! `InvalidAction`.
//!
//! [`coverage`] lists every error code that these actions document, and what the endpoint refuses with it; the
//! repository has the list as a page, `docs/cvm-local-coverage.md`. Most causes are properties of what a [`Seed`] holds:
//! an image that is encrypted, an instance in rescue mode, a bucket that cannot be written to, an account that is out of
//! funds. Codes without a cause here can be had with [`Fault::error`].
//!
//! # How long things take
//!
//! In image time, and set by the [`Seed`]:
//!
//! | what | states | default |
//! |---|---|---|
//! | a copy | `SYNCING`, then `NORMAL` | 20 s |
//! | an image from an instance or from snapshots | `CREATING`, then `NORMAL` | 20 s |
//! | an import | `IMPORTING`, then `NORMAL` | 30 s |
//! | an export | the image stays `NORMAL`, and cannot be copied or deleted | 30 s |
//! | an instance that starts, stops, reboots or is terminated | `PENDING` or `STARTING`, `STOPPING`, `REBOOTING`, `TERMINATING` and gone | 5 s |
//!
//! While an image is made from an instance, nothing else can be done to the instance. [`Fault::copy_fails`],
//! [`Fault::copy_never_ends`] and [`Fault::invisible`] hold for all images that are made.
//!
//! Content is not simulated: an import accepts every address that could be a file's, an export writes nothing. Networks,
//! key pairs and security groups are accepted by name and not checked.
//!
//! # What the default seed holds
//!
//! | what | where | what `SyncImages` from there answers |
//! |---|---|---|
//! | `img-o3ycss2p`, `base-ubuntu-22.04`, 50 GiB, tagged | `ap-shanghai` | copies it |
//! | `img-7kq2v9ta`, `web-tencentos-4`, tagged | `ap-shanghai` | copies it |
//! | `img-finance0` | `ap-shanghai-fsi` | copies it to `ap-shenzhen-fsi`; elsewhere `UnsupportedOperation.Region` |
//! | `img-shared00`, shared by another account | `ap-shanghai` | makes it private in `ap-shanghai`; elsewhere `UnsupportedOperation.Region` |
//! | `img-instance`, a whole instance | `ap-shanghai` | `InvalidParameter.InstanceImageNotSupport` |
//! | `img-toolarge`, 2000 GiB | `ap-shanghai` | `InvalidImageId.TooLarge` |
//! | `img-creating`, `CREATING` for ever | `ap-shanghai` | `InvalidImageId.IncorrectState` |
//! | `img-failed00`, `CREATEFAILED` | `ap-shanghai` | `InvalidImageId.IncorrectState` |
//! | `img-encrypt0`, encrypted | `ap-shanghai` | `UnsupportedOperation.EncryptedImagesNotSupported` |
//! | `img-cluster0`, bound to a dedicated cluster | `ap-shanghai` | `UnsupportedOperation.LocationImageNotSupported` |
//! | `img-487zeit5`, `img-eb30mz89`, public | `ap-shanghai`, `ap-guangzhou`, `ap-beijing`, `ap-singapore` | `InvalidParameterValue.InvalidImageId` |
//!
//! and, in `ap-shanghai`, what images are made from and exported to:
//!
//! | what | result |
//! |---|---|
//! | `ins-running0`, with the data disks `disk-data0000` and `disk-local000` | an image, also with `disk-data0000`; the other one is local: `InvalidParameter.LocalDataDiskNotSupport` |
//! | `ins-stopped0` | an image |
//! | `ins-rescue00`, in `RESCUE_MODE` | `UnsupportedOperation.InstanceStateRescueMode` |
//! | `snap-system00`, `snap-data0000` | an image of the first, or of both |
//! | `snap-creating`, still being made | `ResourceUnavailable.SnapshotCreating` |
//! | `snap-encrypt0`, encrypted | `UnsupportedOperation.EncryptedImagesNotSupported` |
//! | the bucket `exports-1250000000` | accepts exports |
//! | the bucket `readonly-1250000000` | `InvalidParameterValue.InvalidBucketPermissionForExport` |
//!
//! `SyncImages` depends on the request as well:
//!
//! | what | answer |
//! |---|---|
//! | an id that does not exist, such as `img-00000000` | `InvalidImageId.NotFound` |
//! | an id that is malformed, such as `img-1` | `InvalidImageId.Malformed` |
//! | two ids | `InvalidParameterValue.LimitExceeded` |
//! | an image that is being copied | `InvalidParameterValue.InvalidImageState` |
//! | to `me-saudi-arabia`, whose quota of 2 is used up by `img-quota001` and `img-quota002` | `ImageQuotaLimitExceeded` |
//! | to a region that does not exist, such as `ap-atlantis` | `InvalidRegion.NotFound` |
//! | to `ap-mumbai`, which is `UNAVAILABLE` | `InvalidRegion.Unavailable` |
//! | to the region it is in, or from a finance region to another one or back | `UnsupportedOperation.Region` |
//! | the same destination twice | `InvalidParameterValue.InvalidRegion` |
//! | an `ImageName` that an image of the account has in a destination, whatever its state | `InvalidImageName.Duplicate` |
//! | a `KmsKeyId` without `Encrypt`, or not in the form of a UUID | `InvalidParameter.InvalidKmsKeyId` |
//! | `Encrypt` for an image that is shared | `UnsupportedOperation.SyncEncryptImageNotSupport` |
//! | `DryRun` with nothing else wrong | `DryRunOperation` |
//!
//! Without `ImageName` a copy has its source's name, even if that is taken: as with the service, two equal requests make
//! two copies.
#![doc = ""]
#![doc = include_str!("../docs/serving.md")]

mod actions;
mod admin;
mod builder;
mod clock;
mod fault;
mod http;
mod ids;
mod language;
mod local;
mod lock;
mod metadata;
mod regions;
mod request;
mod request_log;
mod resources;
mod seed;
mod service;
mod state;
mod state_file;
mod sts;

pub use actions::{Coverage, coverage};
pub use builder::Builder;
pub use clock::Clock;
pub use fault::{Fault, Faults};
pub use local::CvmLocal;
pub use regions::regions;
pub use request::skipped_checks::Check;
pub use request_log::{RequestOutcome, RequestRecord};
pub use seed::{
    Account, Bucket, InstanceType, Key, Region, RegionState, Seed, SeedDisk, SeedDiskSnapshot, SeedImage,
    SeedInstance, SeedSnapshot, Zone,
};
pub use state::Snapshot;
