//! The regions of the service, as the default seed has them.

use crate::seed::{Region, RegionState};

/// Id and name of each region that the endpoint serves by default, and whether it is available.
///
/// The first seventeen are what the service lists. The finance regions are apart from the others: images go from one
/// to another of them, and never across. One closed region stays on the list as unavailable.
const SERVED: [(&str, &str, RegionState); 20] = {
    use RegionState::{Available, Unavailable};
    [
        ("ap-shanghai", "East China (Shanghai)", Available),
        ("ap-nanjing", "East China (Nanjing)", Available),
        ("ap-guangzhou", "South China (Guangzhou)", Available),
        ("ap-beijing", "North China (Beijing)", Available),
        ("ap-chengdu", "Southwest China (Chengdu)", Available),
        ("ap-chongqing", "Southwest China (Chongqing)", Available),
        ("ap-hongkong", "Hong Kong, Macao and Taiwan (Hong Kong, China)", Available),
        ("ap-seoul", "Northeast Asia (Seoul)", Available),
        ("ap-tokyo", "Northeast Asia (Tokyo)", Available),
        ("ap-singapore", "Southeast Asia (Singapore)", Available),
        ("ap-bangkok", "Southeast Asia (Bangkok)", Available),
        ("ap-jakarta", "Southeast Asia (Jakarta)", Available),
        ("na-siliconvalley", "US West (Silicon Valley)", Available),
        ("eu-frankfurt", "Europe (Frankfurt)", Available),
        ("na-ashburn", "US East (Virginia)", Available),
        ("sa-saopaulo", "South America (São Paulo)", Available),
        ("me-saudi-arabia", "Middle East (Riyadh)", Available),
        ("ap-shanghai-fsi", "East China (Shanghai Finance)", Available),
        ("ap-shenzhen-fsi", "South China (Shenzhen Finance)", Available),
        ("ap-mumbai", "South Asia (Mumbai)", Unavailable),
    ]
};

/// Regions that the service knows by name and that serve none of its actions.
const KNOWN: [&str; 4] = ["ap-guangzhou-open", "ap-shanghai-adc", "eu-moscow", "na-toronto"];

pub(crate) fn served() -> Vec<Region> {
    SERVED.iter().map(|&(id, name, state)| Region { id: id.into(), name: name.into(), state }).collect()
}

pub(crate) fn is_known(id: &str) -> bool {
    KNOWN.contains(&id)
}

/// Whether a region belongs to the finance regions, which are isolated from the others.
pub(crate) fn is_finance(id: &str) -> bool {
    id.ends_with("-fsi")
}
